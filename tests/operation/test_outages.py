"""Outages of blocks of servers: who takes the places of those that are dark, and when they are back."""

import numpy as np
import pytest
import simpy

from clustersim.operation import JobFacts, OperationSpec
from clustersim.operation.causes import Cause
from clustersim.operation.cluster import Blocks
from clustersim.operation.lives import life_of_mean
from clustersim.operation.simulation import launch

JOB = JobFacts(gpus=64, servers=8, step_time_s=10.0, step_time_cv=0.0, checkpoint_bytes=1e12, replicas=4,
               servers_per_rack=4, servers_per_leaf=4, servers_per_feed=4)  # fmt: skip
SPEC = {"horizon": "1 d", "failure_rates": "none", "restart_time": "50 s",
        "checkpoint": {"interval": "100 s", "blocking": "1 s", "storage_bandwidth": "25 GB/s"}}  # fmt: skip
OUTAGE_S = 20000.0
STRUCK_S = 1005.0
SERVER = Cause("gpu", "gpu", 8, life_of_mean(1e15), 5.0, True, repair="gpu")


def block(domain, count=2, outage_s=OUTAGE_S):
    return Cause(domain, "power", count, life_of_mean(1e15), 5.0, False, domain=domain, outage_s=outage_s)


def launched(spec, *at):
    """A job in its environment, struck at (time, cause, component)."""
    asked = OperationSpec.model_validate({**SPEC, "repair_time": "1 h", **spec})
    env = simpy.Environment()
    running = launch(env, asked, JOB, np.random.SeedSequence(1), causes=())
    for one in at:
        env.process(_once(env, running.cluster, *one))
    return env, running, asked.horizon


def _once(env, cluster, time, cause, component):
    yield env.timeout(time)
    cluster.strike(cause, component)


def run(spec, *at):
    env, running, horizon = launched(spec, *at)
    env.run(until=horizon)
    return running.finish(horizon)


def stopped_s(r):
    """By cause, how long the job stood still."""
    still = r.table[r.table["state"] == "stopped"]
    return (still["t_end_s"] - still["t_start_s"]).groupby(still["cause"]).sum().to_dict()


@pytest.mark.parametrize("mode", ["full", "in_job", "elastic"])
@pytest.mark.parametrize("domain", ["rack", "leaf", "feed"])
def test_spares_take_the_places_of_a_block_that_is_out(mode, domain):
    """Four servers are dark and four spares at hand: the job is back as after any failure."""
    spec = {"recovery": {"mode": mode, "reconfigure_time": "20 s"}}
    env, job, horizon = launched({**spec, "spare_servers": 4}, (STRUCK_S, block(domain, count=3), 1))
    env.run(until=STRUCK_S + 6.0)
    assert sorted(job.cluster.places[0]) == [0, 1, 2, 3, 8, 9, 10, 11]
    assert job.cluster.free().size == 0
    env.run(until=STRUCK_S + OUTAGE_S - 1.0)
    assert job.cluster.free().size == 0
    env.run(until=STRUCK_S + OUTAGE_S + 1.0)
    assert job.cluster.free().tolist() == [4, 5, 6, 7]
    env.run(until=horizon)
    r = job.finish(horizon)
    assert stopped_s(r) == {}
    assert (job.cluster.taken_in, job.cluster.in_repair) == (0, 0)
    after = r.table[r.table["t_start_s"] >= STRUCK_S]["state"].tolist()[:3]
    assert after[:2] == ["detect", "restart" if mode == "full" else "reconfigure"]
    assert not any("never used" in one for one in r.findings)


@pytest.mark.parametrize("spares", [0, 3])
def test_too_few_spares_leave_the_job_waiting_for_the_end_of_the_outage(spares):
    r = run({"spare_servers": spares}, (STRUCK_S, block("leaf"), 1))
    assert stopped_s(r) == {"leaf: outage": pytest.approx(OUTAGE_S - 5.0)}


def test_a_spare_that_comes_back_from_repair_ends_the_waiting_before_the_outage_does():
    """Three of four places are filled at once, the fourth by the server that was in repair for an hour."""
    env, job, horizon = launched({"spare_servers": 4}, (500.0, SERVER, 0), (STRUCK_S, block("leaf", count=3), 1))
    env.run(until=horizon)
    assert stopped_s(job.finish(horizon)) == {"leaf: outage": pytest.approx(500.0 + 5.0 + 3600.0 - STRUCK_S - 5.0)}


def test_spares_in_the_block_are_dark_as_well():
    """Twelve servers in two feeds of six: the last six hold two of the job's servers and all four spares."""
    env, job, horizon = launched({"spare_servers": 4}, (STRUCK_S, block("feed"), 1))
    job.cluster.blocks = Blocks(feed=6)
    env.run(until=STRUCK_S + 1.0)
    assert job.cluster.free().size == 0
    env.run(until=horizon)
    assert stopped_s(job.finish(horizon)) == {"feed: outage": pytest.approx(OUTAGE_S - 5.0)}


@pytest.mark.parametrize("mode", ["full", "elastic"])
@pytest.mark.parametrize(("domain", "waits"), [("rack", False), ("leaf", False), ("feed", True), ("building", True)])
def test_spares_without_number_stand_behind_other_leaves_but_on_the_same_feed(mode, domain, waits):
    spec = {"recovery": {"mode": mode, "least_replicas": "75 %"}}
    r = run(spec, (STRUCK_S, block(domain), 1))
    assert stopped_s(r) == ({f"{domain}: outage": pytest.approx(OUTAGE_S - 5.0)} if waits else {})


def test_overlapping_outages_last_as_long_as_the_longer_one():
    short = block("rack", outage_s=1000.0)
    r = run({"spare_servers": 0}, (STRUCK_S, block("leaf"), 1), (STRUCK_S + 100.0, short, 1))
    assert stopped_s(r) == {"leaf: outage": pytest.approx(OUTAGE_S - 5.0)}
    r = run({"spare_servers": 0}, (STRUCK_S, short, 1), (STRUCK_S + 100.0, block("leaf"), 1))
    assert sum(stopped_s(r).values()) == pytest.approx(OUTAGE_S + 100.0 - 5.0)
