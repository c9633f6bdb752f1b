"""Tiers of checkpoints and the repair crew, in the simulation of a job."""

import numpy as np
import pytest

from clustersim.operation import ExternalEvent, JobFacts, OperationSpec, failure_causes, simulate_operation
from clustersim.operation.checkpoints import loss_of, tiers_of
from tests.operation.first_order import first_order_waste

JOB = JobFacts(gpus=4096, servers=512, step_time_s=1.0, step_time_cv=0.0, checkpoint_bytes=1e12)
NEIGHBOUR = {"interval": "20 s", "blocking": "0 s", "bandwidth": "1 TB/s"}
LOCAL = {"interval": "50 s", "blocking": "0 s", "write_bandwidth": "1 TB/s", "read_bandwidth": "1 TB/s"}


def run(spec, external=(), seed=1):
    return simulate_operation(OperationSpec.model_validate(spec), JOB, np.random.SeedSequence(seed), external)


def test_the_waste_with_a_near_tier_is_that_of_the_first_order():
    """Of the failures that happened: the pauses of both tiers, and half an interval of the nearer one for each."""
    spec = OperationSpec.model_validate(
        {
            "horizon": "10 d",
            "restart_time": "100 s",
            "failure_scale": "6 x",
            "checkpoint": {
                "interval": "1 h",
                "blocking": "6 s",
                "tiers": {"neighbour": {**NEIGHBOUR, "interval": "2 min", "blocking": "500 ms"}},
            },
        }
    )
    record = simulate_operation(spec, JOB, np.random.SeedSequence(1))
    causes = failure_causes(None, JOB, 6.0)
    count = record.interruptions_by_cause
    losses = [(loss_of(c.domain, replaces_server=c.replaces_server), count.get(c.name, 0) / 864e3) for c in causes]
    detect = sum(count.get(cause.name, 0) * cause.detection_s for cause in causes) / 864e3
    expected = first_order_waste(tiers_of(spec.checkpoint, JOB, losses, 864e3), losses, 100.0) + detect
    assert record.interruptions > 40
    assert 1.0 - record.goodput == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    ("tiers", "effect", "redone"),
    [
        ({}, "stop", 90.0),
        ({"neighbour": NEIGHBOUR}, "stop", 10.0),
        ({"local": LOCAL}, "stop", 40.0),
        ({"neighbour": NEIGHBOUR, "local": LOCAL}, "stop", 10.0),
        ({"neighbour": NEIGHBOUR}, "site_lost", 90.0),
        ({"neighbour": NEIGHBOUR, "local": LOCAL}, "site_lost", 40.0),
    ],
)
def test_the_job_goes_back_to_the_newest_copy_that_is_left(tiers, effect, redone):
    """Copies every 20, 50 and 100 s and a stop at 190 s: memory is gone without power, drives are not."""
    saved = {"interval": "100 s", "blocking": "0 s", "storage_bandwidth": "2 TB/s", "tiers": tiers}
    spec = {"horizon": "400 s", "failure_rates": "none", "restart_time": "0 s", "checkpoint": saved}
    record = run(spec, [ExternalEvent(190.0, 200.0, "grid", effect)])
    lost = record.table[record.table["state"] == "lost"]
    assert (lost["t_end_s"] - lost["t_start_s"]).sum() == pytest.approx(redone, abs=1e-6)


def test_without_a_crew_the_job_starves_and_the_result_says_so():
    spec = {"horizon": "60 d", "restart_time": "60 s", "spare_servers": 3, "repair": {"technicians": 0}}
    starved = run(spec)
    assert starved.findings
    assert "operation.repair.technicians: expected at least 1" in starved.findings[0]
    staffed = run({**spec, "repair": {"technicians": 2, "draw": "exponential"}})
    assert starved.goodput < 0.5 < 0.9 < staffed.goodput
    assert starved.horizon_s == staffed.horizon_s == 60 * 86400.0


def test_continuous_cover_without_limits_is_the_repair_time():
    """A crew for every repair, with constant times, gives the record of the plain repair time of the same length."""
    works = ("default", "reboot", "gpu", "host", "network", "switch", "power", "cooling", "route", "optic", "cable")
    crew = {"repair": {"works": {kind: {"time": "9 h"} for kind in works}}}
    base = {"horizon": "30 d", "spare_servers": 1, "failure_scale": "3 x"}
    plain, staffed = run({**base, "repair_time": "9 h"}), run({**base, **crew})
    assert plain.table.equals(staffed.table)
    assert plain.lost_s
