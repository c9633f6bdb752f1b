"""What strikes a job while something else keeps it from training, by hand."""

import numpy as np
import pytest
import simpy

from clustersim.operation import ExternalEvent, JobFacts, OperationSpec
from clustersim.operation.causes import Cause
from clustersim.operation.lives import life_of_mean
from clustersim.operation.simulation import launch

JOB = JobFacts(gpus=64, servers=8, step_time_s=10.0, step_time_cv=0.0, checkpoint_bytes=1e12, replicas=4,
               servers_per_rack=4, servers_per_feed=4)  # fmt: skip
SPEC = {"horizon": "1 d", "failure_rates": "none", "restart_time": "50 s",
        "checkpoint": {"interval": "100 s", "blocking": "1 s", "storage_bandwidth": "25 GB/s"}}  # fmt: skip
NEVER = life_of_mean(1e15)
"""A life in which nothing fails by itself."""
SERVER = Cause("gpu", "gpu", 8, NEVER, 5.0, True, repair="gpu")
SILENT = Cause("silent", "gpu", 8, NEVER, 300.0, True, "silent", repair="gpu")
FEED = Cause("feed", "power", 2, NEVER, 5.0, False, domain="feed", outage_s=20000.0)
BUILDING = Cause("building", "power", 1, NEVER, 5.0, False, domain="building", outage_s=20000.0)
SOFTWARE = Cause("software", "job", 1, NEVER, 5.0, False, domain="job")


def run(spec, *at, external=()):
    """Strike at (time, cause, component) and return the rows of the job from the first blow on."""
    asked = OperationSpec.model_validate({**SPEC, **spec})
    env = simpy.Environment()
    running = launch(env, asked, JOB, np.random.SeedSequence(1), external, causes=())
    for time, cause, component in at:
        env.process(_once(env, running.cluster, time, cause, component))
    env.run(until=asked.horizon)
    return running.finish(asked.horizon)


def _once(env, cluster, time, cause, component):
    yield env.timeout(time)
    cluster.strike(cause, component)


def rows(r, since=1000.0):
    t = r.table[r.table["t_start_s"] >= since]
    return list(zip(t["state"], t["t_start_s"], t["t_end_s"], strict=True))


@pytest.mark.parametrize("mode", ["full", "in_job", "elastic"])
def test_an_outage_of_the_whole_place_keeps_every_job_down(mode):
    r = run({"recovery": {"mode": mode}}, (1005.0, BUILDING, 0))
    assert rows(r)[:4] == [
        ("detect", 1005.0, 1010.0),
        ("stopped", 1010.0, 21005.0),
        ("restart", 21005.0, 21055.0),
        ("reload", 21055.0, 21095.0),
    ]


@pytest.mark.parametrize("cause", [FEED, BUILDING])
def test_a_stop_from_outside_ends_no_outage(cause):
    stop = ExternalEvent(2000.0, 2600.0, "grid", "stop")
    r = run({}, (1005.0, cause, 0), external=(stop,))
    assert rows(r)[1:5] == [
        ("stopped", 1010.0, 2000.0),
        ("stopped", 2000.0, 2600.0),
        ("stopped", 2600.0, 21005.0),
        ("restart", 21005.0, 21055.0),
    ]


def test_a_full_restart_that_is_cut_short_is_done_in_full():
    """Ranks that do not all run cannot stay where they are."""
    spec = {"restart_time": "1000 s", "recovery": {"mode": "in_job", "reconfigure_time": "20 s"}}
    r = run(spec, (1005.0, SOFTWARE, 0), (1500.0, SERVER, 3), (9000.0, SERVER, 4), (9010.0, SERVER, 5))
    assert rows(r)[:5] == [
        ("detect", 1005.0, 1010.0),
        ("restart", 1010.0, 1500.0),
        ("detect", 1500.0, 1505.0),
        ("restart", 1505.0, 2505.0),
        ("reload", 2505.0, 2545.0),
    ]
    # a reconfiguration that is cut short is followed by another
    later = [row for row in rows(r, 9000.0) if row[0] != "checkpoint"]
    assert later[:4] == [
        ("detect", 9000.0, 9005.0),
        ("reconfigure", 9005.0, 9010.0),
        ("detect", 9010.0, 9015.0),
        ("reconfigure", 9015.0, 9035.0),
    ]


def test_servers_that_fail_while_the_job_stands_still_are_repaired_meanwhile():
    stop = ExternalEvent(2000.0, 20000.0, "grid", "stop")
    r = run({"spare_servers": 0, "repair_time": "1 h"}, (3000.0, SERVER, 1), external=(stop,))
    assert rows(r, 2000.0)[:2] == [("stopped", 2000.0, 20000.0), ("restart", 20000.0, 20050.0)]
    # a second one is not repaired after the first, but beside it
    r = run({"spare_servers": 0, "repair_time": "1 h"}, (1005.0, SERVER, 1), (2000.0, SERVER, 2))
    assert ("restart", 5605.0, 5655.0) in rows(r)


def test_what_strikes_while_a_replica_is_dropped_is_not_forgotten():
    """Silent corruption found in that time takes the job back beyond it, although something else ends the dropping."""
    spec = {"recovery": {"mode": "elastic"}}
    dropped = (1000.0, Cause("gpu", "gpu", 8, NEVER, 10.0, True, repair="gpu"), 0)
    r = run(spec, (703.0, SILENT, 7), dropped, (1001.0, SOFTWARE, 0))
    restart = r.table[r.table["state"] == "restart"].iloc[0]
    assert (restart["cause"], restart["first_step"]) == ("software", 60)


def test_a_kept_checkpoint_is_gone_when_a_newer_one_is_safe():
    """Copies of 101 s and 202 s; the second is safe at 243 s, when the only place for one is its own."""
    spec = {"checkpoint": {**SPEC["checkpoint"], "keep": 1}}
    begins = {}
    for detection in (90.0, 95.0):
        silent = Cause("silent", "gpu", 8, NEVER, detection, True, "silent", repair="gpu")
        begins[detection] = any("begins again" in finding for finding in run(spec, (150.0, silent, 0)).findings)
    assert begins == {90.0: False, 95.0: True}
