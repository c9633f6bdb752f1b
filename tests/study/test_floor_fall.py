"""What held floors of accelerators draw after stops, over the horizon."""

import numpy as np
import pandas as pd
import pytest

from clustersim.operation import Timeline
from clustersim.study import horizon
from clustersim.study.floor_fall import falls_w
from clustersim.study.horizon import PAUSED, histories
from clustersim.study.it_power import state_w
from clustersim.study.run import run
from clustersim.study.site.power import site_it_w
from clustersim.study.step import study_step

FLOOR, HOLD, RAMP = 0.8, 16.0, 0.05


@pytest.fixture(scope="module")
def smoothed(scenario):
    damping = [{"kind": "gpu_smoothing", "floor": "80 %", "hysteresis": "16 s", "ramp": "5 %"}]
    return study_step(scenario(damping=damping))


def _one_fall_j(study):
    device = study.place.power[0]
    height = FLOOR * device.rated_w - device.idle_w
    return height * HOLD + height**2 / (2.0 * RAMP * device.rated_w)


def test_a_fall_after_a_kill_is_the_closed_form(smoothed):
    """Two stops, the second after a detection in which the running job holds its floor."""
    spans = [("train", 100.0), ("restart", 300.0), ("train", 50.0), ("detect", 600.0), ("restart", 200.0)]
    found = falls_w(smoothed, spans, PAUSED)
    accelerators = smoothed.plan.accelerators
    assert found["restart"].sum() * 500.0 == pytest.approx(2.0 * accelerators * _one_fall_j(smoothed), rel=1e-9)
    np.testing.assert_allclose(found["detect"], 0.0, atol=1e-6)


def test_a_fall_is_no_longer_than_the_pause(smoothed):
    device = smoothed.place.power[0]
    height = FLOOR * device.rated_w - device.idle_w
    short = falls_w(smoothed, [("train", 100.0), ("restart", 10.0), ("train", 1.0)], PAUSED)
    assert short["restart"].sum() == pytest.approx(smoothed.plan.accelerators * height, rel=1e-9)


def test_before_the_first_step_nothing_falls(smoothed):
    found = falls_w(smoothed, [("restart", 300.0), ("train", 100.0)], PAUSED)
    assert all(not watts.any() for watts in found.values())


def test_without_a_profile_nothing_falls(small_study):
    study, _ = small_study
    assert all(not w.any() for w in falls_w(study, [("train", 1.0), ("restart", 9.0)], PAUSED).values())


def test_a_hysteresis_lets_the_floor_down_while_the_job_hangs(scenario):
    """A profile that does not know of the job falls in the detection, to what spinning ranks draw, and then to idle."""
    damping = [{"kind": "gpu_smoothing_profile", "percent_tmp_floor": "80 %", "ramp_down_hysteresis": "16 s"}]
    study = study_step(scenario(damping=damping))
    found = falls_w(study, [("train", 1.0), ("detect", 600.0), ("restart", 300.0)], PAUSED)
    assert found["detect"].sum() > 0.0
    assert found["restart"].sum() > 0.0


def test_the_energy_over_the_horizon_has_the_falls(smoothed):
    """Behind fans, supplies, cooling and losses: some percent more than at the accelerators."""
    rows = [("train", 0.0, 5000.0), ("restart", 5000.0, 5400.0), ("train", 5400.0, 9000.0), ("restart", 9000.0, 9400.0)]
    table = pd.DataFrame(rows, columns=["state", "t_start_s", "t_end_s"])
    record = histories(smoothed, Timeline(table, 9400.0, (), 2, 1.0), {"memphis": 2e6})["memphis"]
    bare = 2e6 * 8600.0 + 800.0 * site_it_w(smoothed, state_w(smoothed, "restart"))["memphis"]
    falls = 2.0 * smoothed.plan.accelerators * _one_fall_j(smoothed)
    assert 1.0 < (record.it_j - bare) / falls < 1.3
    assert 1.0 < record.fall_j / (record.it_j - bare) < 1.5


def test_a_run_counts_the_falls_as_energy_and_as_damping(scenario, monkeypatch):
    damped = scenario(damping=[{"kind": "gpu_smoothing", "floor": "80 %"}])
    found = run(damped).summary
    monkeypatch.setattr(horizon, "falls_w", lambda study, spans, paused: dict.fromkeys(paused, 0.0))
    without = run(damped).summary
    assert found["interruptions"] > 0
    more = found["energy_mwh"] - without["energy_mwh"]
    assert more > 0.0
    assert found["damping_energy_mwh"] - without["damping_energy_mwh"] == pytest.approx(more, rel=0.02)
