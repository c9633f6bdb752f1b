"""Servers, who holds them, what strikes them; several jobs on one cluster."""

import math

import numpy as np
import pytest
import simpy
from scipy import stats

from clustersim.errors import InputError
from clustersim.operation import JobFacts, OperationSpec
from clustersim.operation.causes import Cause
from clustersim.operation.cluster import FREE, Blocks, Cluster
from clustersim.operation.cycle import Durations
from clustersim.operation.job import JobProcess
from clustersim.operation.lives import Life, life_of_mean
from clustersim.operation.repair import repair_shop
from clustersim.operation.slowness import Fallen
from clustersim.operation.sources import start_sources

JOB = JobFacts(gpus=32, servers=4, step_time_s=10.0, step_time_cv=0.0, checkpoint_bytes=1e12)
SPEC = OperationSpec.model_validate(
    {"horizon": "10000 s", "failure_rates": "none", "restart_time": "50 s",
     "checkpoint": {"interval": "100 s", "blocking": "1 s", "storage_bandwidth": "25 GB/s"}}
)  # fmt: skip


def cause(count=10, mean_s=1e6, shape=1.0, *, domain="server", replaces=True, age_s=0.0, **more):
    life = life_of_mean(mean_s, shape)
    return Cause("gpu", "gpu", count, life, 5.0, replaces, "stop", domain, "gpu", age_s=age_s, **more)


class Told:
    """A job that writes down what strikes it."""

    def __init__(self, number=0):
        self.number, self.blows = number, []

    def strike(self, cause, slots):
        self.blows.append(slots)


def cluster_of(servers=10, repair_s=1000.0, **more):
    env = simpy.Environment()
    return env, Cluster(env, servers, shop=repair_shop(None, repair_s, np.random.default_rng(0)), **more)


def test_a_struck_spare_leaves_the_pool_and_interrupts_nobody():
    env, cluster = cluster_of()
    job = Told()
    cluster.assign(job, range(4))
    cluster.strike(cause(), 7)
    assert (job.blows, cluster.free().tolist()) == ([], [4, 5, 6, 8, 9])
    env.run(until=1004.0)
    assert 7 not in cluster.free()
    env.run(until=1006.0)
    assert 7 in cluster.free()
    cluster.strike(cause(), 2)
    assert job.blows == [(2,)]


def test_domains_are_blocks_and_strike_each_job_once():
    _, cluster = cluster_of(10, blocks=Blocks(rack=4, leaf=3, feed=5))
    a, b = Told(1), Told(2)
    cluster.assign(a, (0, 1, 2))
    cluster.assign(b, (3, 8))
    cluster.strike(cause(3, domain="rack", replaces=False, outage_s=10.0), 0)
    assert (a.blows, b.blows) == ([(0, 1, 2)], [(0,)])
    rack, leaf = cause(3, domain="rack"), cause(4, domain="leaf")
    assert [list(cluster.block(rack, i)) for i in range(3)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert list(cluster.block(leaf, 3)) == [9]
    gpus = cause(80)
    assert [cluster.block(gpus, i).start for i in (0, 7, 8, 79)] == [0, 0, 1, 9]
    cluster.strike(cause(1, domain="building", outage_s=1.0, replaces=False), 0)
    assert (a.blows[-1], b.blows[-1]) == ((), ())
    halls = cause(3, domain="building", outage_s=1.0, replaces=False)
    assert [list(cluster.block(halls, i)) for i in range(3)] == [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9]]
    cluster.strike(halls, 1)
    assert (len(a.blows), b.blows[-1]) == (2, (0,))


def test_so_many_failures_that_no_run_ends_are_refused():
    env, cluster = cluster_of()
    day = 86400.0
    many = cause(10, 10 * 0.01)
    with pytest.raises(InputError, match="failure_scale: expected at most 2,000,000 failures .* make 8,640,000"):
        start_sources(env, cluster, (many,), np.random.SeedSequence(1).spawn(1), day)
    start_sources(env, cluster, (many,), np.random.SeedSequence(1).spawn(1), day / 10.0)


def test_a_life_that_ends_at_once_does_so_where_the_clock_is_a_rounding_ahead():
    ends = iter([np.array([0.867, 12.476]), np.array([np.inf]), np.array([0.0]), np.array([np.inf])])

    class AsTold(Life):
        def draw(self, rng, size, age_s=0.0):
            return next(ends)

    assert 0.867 + (12.476 - 0.867) > 12.476
    env, cluster = cluster_of()
    job = Told(0)
    cluster.assign(job, range(10))
    parts = Cause("gpu", "gpu", 2, AsTold(1e6, 0.9), 5.0, False)
    start_sources(env, cluster, (parts,), np.random.SeedSequence(1).spawn(1), 100.0)
    env.run(until=100.0)
    assert job.blows == [(0,), (5,), (5,)]


def test_spares_go_to_who_waits_longest():
    env, cluster = cluster_of(4)
    a, b = Told(1), Told(2)
    cluster.assign(a, (0, 1))
    cluster.assign(b, (2, 3))
    for job in (a, b):
        failed = cluster.take_out(job, (1,))
        assert cluster.replace(job, Fallen((1,), tuple(failed), "gpu")) is not None
        env.run(until=env.now + 10.0)
    env.run(until=1005.0)
    assert cluster.owner[1] == 1
    env.run(until=1500.0)
    assert sorted(cluster.owner.tolist()) == [1, 1, 2, 2]


def test_a_place_that_is_taken_over_sends_the_server_that_was_there_to_repair():
    _, cluster = cluster_of(5)
    job = Told()
    cluster.assign(job, range(4))
    assert cluster.request(job, (2,), "gpu") is None
    assert (cluster.servers_of(job, (2,)), cluster.owner[2], cluster.in_repair) == ([4], FREE, 1)
    assert not cluster.in_service[2]


def struck(one, seed, horizon_s=1e5, servers=10):
    env = simpy.Environment()
    cluster, job = Cluster(env, servers), Told()
    cluster.assign(job, range(servers))
    start_sources(env, cluster, (one,), [np.random.SeedSequence(seed)], horizon_s)
    env.run(until=horizon_s)
    return [slots[0] for slots in job.blows]


def test_exponential_causes_strike_as_a_poisson_process_on_every_component_alike():
    """A mean of 8 events per run: counts over 400 seeds against the Poisson law, components against a flat one."""
    runs = [struck(cause(10, 1e5 * 10 / 8), seed) for seed in range(400)]
    counts = np.array([len(run) for run in runs])
    edges = [4, 5, 6, 7, 8, 9, 10, 11, 12]
    observed = np.histogram(counts, [-1, *[e + 0.5 for e in edges], 1e9])[0]
    law = np.diff(np.concatenate([[0.0], stats.poisson.cdf(edges, 8.0), [1.0]]))
    assert stats.chisquare(observed, 400 * law).pvalue > 0.001
    where = np.bincount(np.concatenate(runs).astype(int), minlength=10)
    assert stats.chisquare(where).pvalue > 0.001


def test_renewals_of_an_exponential_life_are_the_same_poisson_process():
    """A shape of almost one takes the other way through the code."""
    counts = [len(struck(cause(10, 1e5 * 10 / 8, 1.0 + 1e-12), seed)) for seed in range(300)]
    assert np.mean(counts) == pytest.approx(8.0, abs=3 * math.sqrt(8 / 300))
    assert np.var(counts) == pytest.approx(8.0, rel=0.3)


def test_old_parts_that_wear_fail_as_their_hazard_says():
    """H(a + h) - H(a) = (1.1^3 - 1) per component for an age of one scale and a tenth of it as the horizon."""
    one = Cause("fan", "host", 2000, Life(1e5, 3.0), 5.0, False, age_s=1e5)
    found = [len(struck(one, seed, 1e4, 2000)) for seed in range(10)]
    first = 1.0 - math.exp(-(1.1**3 - 1.0))
    assert np.mean(found) == pytest.approx(2000 * first, rel=0.03)


def job_on(env, cluster, number, servers):
    times = Durations.of(SPEC, JOB, ())
    job = JobProcess(env, JOB, times, SPEC, np.random.default_rng(number), cluster, number=number)
    cluster.assign(job, servers)
    return job


def test_a_drain_loses_no_work():
    env, cluster = cluster_of(4)
    job = job_on(env, cluster, 1, range(4))

    def plan():
        yield env.timeout(55.0)
        job.drain("maintenance", 1000.0)

    env.process(plan())
    env.run(until=2000.0)
    r = job.finish(2000.0)
    assert r.accounts.by_cause("idle") == {"maintenance": 1000.0 - 101.0}
    assert "lost_work" not in {category for category, _ in r.accounts.seconds}


def test_two_jobs_share_the_spares():
    """Each is struck once; one spare: the second waits for the first's server."""
    env, cluster = cluster_of(9, repair_s=500.0)
    jobs = [job_on(env, cluster, 1, range(4)), job_on(env, cluster, 2, range(4, 8))]

    def strike():
        yield env.timeout(200.0)
        cluster.strike(cause(9), 1)
        yield env.timeout(100.0)
        cluster.strike(cause(9), 5)

    env.process(strike())
    env.run(until=2000.0)
    first, second = (job.finish(2000.0).accounts.by_cause("idle") for job in jobs)
    assert (first, second) == ({}, {"gpu: no spare server": pytest.approx(705.0 - 305.0)})
