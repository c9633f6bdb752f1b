"""Which moments of a job are looked at: its start, its pauses, its restarts in a row."""

import numpy as np
import pytest
from pydantic import ValidationError

from clustersim.operation import ExternalEvent, JobFacts, OperationSpec, shares, simulate_operation

JOB = JobFacts(gpus=1024, servers=128, step_time_s=10.0, step_time_cv=0.0, checkpoint_bytes=1e12)
QUIET = {"horizon": "2 h", "failure_rates": "none", "restart_time": "50 s"}
FAST = {"interval": "10 min", "blocking": "1 s", "storage_bandwidth": "100 GB/s"}


def run(seed=1, external=(), **spec):
    asked = OperationSpec.model_validate({**QUIET, "checkpoint": FAST, **spec})
    return simulate_operation(asked, JOB, np.random.SeedSequence(seed), external)


def window(timeline, name):
    return {w.name: w for w in timeline.windows}[name]


def test_evaluations_come_after_so_many_steps():
    r = run(evaluation={"every_steps": 12, "duration": "13 s"}, checkpoint={**FAST, "interval": "1 d"})
    rows = r.table[r.table["state"] == "evaluation"]
    assert list(rows["t_start_s"].iloc[:3]) == [120.0, 253.0, 386.0]
    assert (rows["first_step"] % 12 == 0).all()
    assert (rows["first_step"] == rows["last_step"]).all()
    assert shares(r)["evaluation"] == pytest.approx(13.0 / 133.0, rel=0.01)
    assert r.goodput == pytest.approx(120.0 / 133.0, rel=0.01)
    assert (window(r, "evaluation").event_s, window(r, "evaluation").t1_s) == (120.0, 160.0)


def test_an_interval_in_seconds_is_rounded_to_whole_steps():
    by_time = run(evaluation={"every": "118 s", "duration": "13 s"})
    by_steps = run(evaluation={"every_steps": 12, "duration": "13 s"})
    assert by_time.table.equals(by_steps.table)


def test_a_checkpoint_due_with_an_evaluation_is_not_lost():
    r = run(evaluation={"every_steps": 60, "duration": "13 s"})
    states = list(r.table["state"].iloc[:4])
    assert states == ["train", "evaluation", "checkpoint", "train"]
    counts = r.table["state"].value_counts()
    assert abs(counts["evaluation"] - counts["checkpoint"]) <= 1


def test_a_busy_writer_puts_off_no_evaluation():
    """Each write takes 500 s, five intervals."""
    r = run(evaluation={"every_steps": 7, "duration": "5 s"},
            checkpoint={**FAST, "interval": "100 s", "storage_bandwidth": "2 GB/s"})  # fmt: skip
    steps = r.table[r.table["state"] == "evaluation"]["first_step"].to_numpy()
    np.testing.assert_array_equal(steps, 7 * np.arange(1, steps.size + 1))
    saved = r.table[r.table["state"] == "checkpoint"]["t_end_s"].to_numpy()
    assert (np.diff(saved) >= 500.0).all()


def test_what_is_redone_is_evaluated_again():
    stop = ExternalEvent(1000.0, 1010.0, "stop", "stop")
    r = run(evaluation={"every_steps": 25, "duration": "13 s"}, external=(stop,))
    steps = list(r.table[r.table["state"] == "evaluation"]["first_step"].iloc[:5])
    assert steps == [25, 50, 75, 75, 100]


def test_without_evaluation_nothing_changes():
    assert "evaluation" not in set(run().table["state"])
    assert [w.name for w in run().windows] == ["steady", "job_start", "checkpoint"]


def test_an_evaluation_is_no_crash_and_no_restart():
    r = run(evaluation={"every_steps": 12, "duration": "13 s"})
    assert {w.name for w in r.windows} == {"steady", "job_start", "checkpoint", "evaluation"}


def test_the_start_of_the_job():
    r = run()
    start = window(r, "job_start")
    assert (start.event_s, start.t0_s, start.t1_s) == (0.0, 0.0, 40.0)
    assert r.first_load_s == pytest.approx(10.0)


def test_the_pause_looked_at_stands_between_training():
    """The job stops 10 s after its first checkpoint, or has one every 10 s."""
    stop = ExternalEvent(611.0, 620.0, "stop", "stop")
    assert window(run(external=(stop,)), "checkpoint").event_s > 1200.0
    assert window(run(checkpoint={**FAST, "interval": "10 s"}), "checkpoint").event_s == 10.0


def test_a_storm_is_the_hour_with_most_restarts():
    def stop(at):
        return ExternalEvent(at, at + 10.0, "stop", "stop")

    r = run(external=(stop(500.0),))
    assert "restart_storm" not in {w.name for w in r.windows}
    asked = run(external=(stop(500.0),), restart_spacing="0 s")
    assert window(asked, "restart_storm").event_s == window(r, "restart").event_s
    r = run(horizon="12 h", external=tuple(stop(at) for at in (500.0, 8000.0, 20000.0, 21000.0, 23000.0, 27000.0)))
    storm = window(r, "restart_storm")
    assert storm.cause == "restarts within an hour: 3"
    # a stop of 10 s, a restart of 50 s, and 10 s to load
    assert storm.event_s == pytest.approx(20070.0)
    assert storm.t1_s == pytest.approx(23070.0 + 40.0)


@pytest.mark.parametrize(
    "asked",
    [
        {"duration": "13 s"},
        {"every": "142 s", "every_steps": 12, "duration": "13 s"},
        {"every": "142 s", "duration": "13 s", "pause": "13 s"},
        {"every": 142, "duration": "13 s"},
        {"every_steps": 0, "duration": "13 s"},
    ],
)
def test_an_evaluation_that_makes_no_sense(asked):
    with pytest.raises(ValidationError):
        OperationSpec.model_validate({"evaluation": asked})


def test_the_evaluation_is_read_back():
    spec = OperationSpec.model_validate({"evaluation": {"every": "142 s", "duration": "13 s", "pause": "200 ms"}})
    assert OperationSpec.model_validate(spec.model_dump(mode="json")) == spec
