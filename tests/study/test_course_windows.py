"""Windows in which a job goes on with some of its replicas: levels between the steps, energy, who is missing."""

import numpy as np
import pandas as pd
import pytest

from clustersim.operation import EVENT_AT_S, Timeline, Window
from clustersim.study.course_windows import course_window, goes_on, stretches
from clustersim.study.horizon import is_training
from clustersim.study.it_power import crash_window, state_w
from clustersim.study.run import run

DT = 1e-3
GPUS = 2048
T0 = 1000.0
"""Of the event over the horizon. [s]"""


def timeline(*rows):
    """A timeline of (state, seconds, gpus) whose second row is the event."""
    begin, found = T0 - rows[0][1], []
    for state, seconds, gpus in rows:
        found.append((state, begin, begin + seconds, gpus, gpus / GPUS if gpus else 0.0, 1.0))
        begin += seconds
    table = pd.DataFrame(found, columns=["state", "t_start_s", "t_end_s", "gpus", "speed", "held"])
    return Timeline(table, begin, (), 1, 0.9)


def window(name="elastic_drop"):
    return Window(name, "gpu", T0 - EVENT_AT_S, T0 + 40.0, T0)


DROP = timeline(("train", 500.0, GPUS), ("detect", 5.0, GPUS), ("reconfigure", 10.0, GPUS), ("train", 500.0, 1792))
REJOIN = timeline(("train", 500.0, 1792), ("reconfigure", 10.0, GPUS), ("train", 500.0, GPUS))


def mean(hall, begin, end):
    return float(hall.watts[:, round(begin / DT) : round(end / DT)].mean(axis=1).sum())


def worked(hall, begin, end):
    """Mean over the whole steps between two times."""
    starts = hall.steps_s[(hall.steps_s >= begin) & (hall.steps_s <= end)]
    return mean(hall, starts[0], starts[-1])


def level(study, state):
    return float(state_w(study, state).sum())


@pytest.fixture(scope="module")
def drop(small_study):
    return course_window(*small_study, DROP, window())


def test_a_drop_ends_with_fewer_replicas_at_work(small_study, drop):
    """Seven eighths of the units train, one eighth idles; in the pause they hold a context."""
    study, _ = small_study
    full = worked(drop, 0.0, 19.0)
    idle, context = level(study, "stopped"), level(study, "reload")
    assert mean(drop, 26.0, 34.5) == pytest.approx(0.875 * context + 0.125 * idle, rel=1e-3)
    assert worked(drop, 35.0, 60.0) == pytest.approx(0.875 * full + 0.125 * idle, rel=0.02)
    assert mean(drop, 22.5, 24.5) == pytest.approx(level(study, "detect"), rel=0.02)


def test_after_the_window_the_job_is_at_its_pace(drop):
    assert is_training(drop.after)
    assert drop.after != "train"


def test_a_return_ends_with_all_at_work(small_study, drop):
    study, pool = small_study
    back = course_window(study, pool, REJOIN, window("elastic_rejoin"))
    assert back.after == "train"
    assert worked(back, 0.0, 19.0) == pytest.approx(worked(drop, 35.0, 60.0), rel=0.03)
    assert worked(back, 30.0, 60.0) == pytest.approx(worked(drop, 0.0, 19.0), rel=0.03)
    assert mean(back, 21.0, 29.5) == pytest.approx(level(study, "reload"), rel=0.02)


def test_a_crash_without_another_rank_is_the_crash_window(small_study):
    """With a full restart after it: spinning until detected, then idle, as the window of a crash."""
    study, pool = small_study
    rows = timeline(("train", 500.0, GPUS), ("detect", 8.0, GPUS), ("restart", 300.0, GPUS), ("train", 500.0, GPUS))
    ours = course_window(study, pool, rows, window("crash"))
    plain = crash_window(study, pool, T0 - EVENT_AT_S, "gpu", 8.0)
    assert not goes_on(study, rows, window("crash"))
    assert ours.after == plain.after == "restart"
    np.testing.assert_allclose(ours.watts[:, 30_000:], plain.watts[:, 30_000:], rtol=1e-9)
    assert mean(ours, 23.0, 27.5) == pytest.approx(mean(plain, 23.0, 27.5), rel=1e-6)


def test_what_goes_on(small_study):
    study, _ = small_study
    assert goes_on(study, DROP, window())
    assert goes_on(study, REJOIN, window())
    assert [row.state for row in stretches(DROP, window())] == ["train", "detect", "reconfigure", "train"]


def test_the_same_window_twice_is_the_same(small_study, drop):
    again = course_window(*small_study, DROP, window())
    np.testing.assert_array_equal(again.watts, drop.watts)


def test_a_second_death_among_fewer_replicas(small_study):
    """The unit that dies next is one that was there; at the end three eighths idle."""
    study, pool = small_study
    rows = timeline(
        ("train", 500.0, 1792), ("detect", 2.0, 1792), ("reconfigure", 3.0, 1536), ("train", 10.0, 1536),
        ("detect", 2.0, 1536), ("reconfigure", 3.0, 1280), ("train", 500.0, 1280),
    )  # fmt: skip
    hall = course_window(study, pool, rows, window())
    idle = level(study, "stopped")
    full = (worked(hall, 0.0, 19.0) - 0.125 * idle) / 0.875
    assert worked(hall, 40.0, 60.0) == pytest.approx(0.625 * full + 0.375 * idle, rel=0.03)


def test_an_elastic_run_draws_less_and_shows_both_windows(scenario):
    """From the engine to the meter: replicas drop, train on with less power, and return."""
    changes = {
        "operation.recovery.mode": "elastic",
        "operation.recovery.reconfigure_time": "12 s",
        "operation.spare_servers": 0,
        "operation.repair_time": "4 h",
        "operation.failure_scale": "60 x",
    }
    found = run(scenario(**changes))
    assert {"elastic_drop", "elastic_rejoin"} <= set(found.waveforms)
    table = found.timeline
    trained = table[table["state"].isin(["train", "lost"])]
    assert trained["speed"].min() < 1.0
    full = float(found.waveforms["steady"].power("memphis/it").mean())
    seconds = trained["t_end_s"] - trained["t_start_s"]
    rest = 3 * 86400.0 - seconds.sum()
    # more than if missing replicas drew nothing, less than if they drew what the others do
    assert (seconds * trained["speed"]).sum() * full / 3.6e9 < found.summary["it_energy_mwh"]
    assert found.summary["it_energy_mwh"] < (seconds.sum() + rest) * full / 3.6e9
    assert found.summary["time_share_idle"] > 0.01
