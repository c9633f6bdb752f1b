"""How a job comes back: the modes against each other in their limits, and single events by hand."""

import math
import re

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.operation import ExternalEvent, JobFacts, OperationSpec, simulate_operation
from clustersim.operation.causes import Cause
from clustersim.operation.lives import life_of_mean
from clustersim.operation.restarts import collective_init_time
from clustersim.operation.simulation import launch

JOB = JobFacts(gpus=64, servers=8, step_time_s=10.0, step_time_cv=0.0, checkpoint_bytes=1e12, replicas=4,
               servers_per_rack=4, servers_per_feed=4)  # fmt: skip
SPEC = {"horizon": "1 d", "failure_rates": "none", "restart_time": "50 s",
        "checkpoint": {"interval": "100 s", "blocking": "1 s", "storage_bandwidth": "25 GB/s"}}  # fmt: skip
ONCE = 1e15
"""A mean life in which nothing fails by itself. [s]"""


def cause(name="gpu", *, detection_s=5.0, rate=None, count=8, effect="stop", domain="server", replaces=True, **more):
    life = life_of_mean(ONCE if rate is None else count / rate)
    return Cause(name, "gpu", count, life, detection_s, replaces, effect, domain, "gpu", **more)


def run(spec=None, job=JOB, seed=1, causes=(), at=(), external=()):
    """Run with causes of failure that strike by their rates, and others (time, cause, component) that strike once."""
    asked = OperationSpec.model_validate({**SPEC, **(spec or {})})
    env = simpy.Environment()
    running = launch(env, asked, job, np.random.SeedSequence(seed), external, causes=causes)
    for time, one, index in at:
        env.process(once(env, running.cluster, time, one, index))
    env.run(until=asked.horizon)
    return running.finish(asked.horizon)


def once(env, cluster, time, one, index):
    yield env.timeout(time)
    cluster.strike(one, index)


def closes(r, job=JOB):
    """The rows tile, the shares add up, and the steps are the useful time at its speed."""
    t = r.table
    assert (t["t_start_s"].to_numpy()[1:] == t["t_end_s"].to_numpy()[:-1]).all()
    assert (t["t_start_s"].iloc[0], t["t_end_s"].iloc[-1]) == (0.0, r.horizon_s)
    assert math.fsum(r.accounts.shares.values()) == 1.0
    useful = t[t["state"] == "train"]
    direct = math.fsum((useful["t_end_s"] - useful["t_start_s"]) * useful["speed"])
    assert r.goodput * r.horizon_s == pytest.approx(direct, rel=1e-12, abs=1e-9)
    assert math.fsum(r.accounts.seconds.values()) == pytest.approx(r.horizon_s, rel=1e-12)
    assert r.interruptions == sum(r.interruptions_by_cause.values())
    if job.step_time_cv == 0.0:
        assert r.useful_steps * job.step_time_s == pytest.approx(direct, rel=1e-9)
        assert (useful["first_step"].to_numpy()[1:] == useful["last_step"].to_numpy()[:-1]).all()


def states(r):
    return list(zip(r.table["state"], r.table["t_start_s"], r.table["t_end_s"], strict=True))


MIXED = (
    cause("gpu", rate=1 / 4000.0),
    cause("process", rate=1 / 9000.0, replaces=False, detection_s=600.0),
    cause("rack", rate=1 / 20000.0, count=2, domain="rack", replaces=False, outage_s=900.0),
    cause("slow", rate=1 / 9000.0, effect="slow", slow_fraction=0.6, detection_s=1800.0),
    cause("silent", rate=1 / 20000.0, effect="silent", detection_s=900.0),
    cause("software", rate=1 / 20000.0, count=1, domain="job", replaces=False),
)


@pytest.mark.parametrize("spares", [None, 0, 2])
def test_one_replica_that_may_be_dropped_is_a_full_recovery(spares):
    """Without a second replica there is nothing to train on with."""
    job = JobFacts(64, 8, 10.0, 0.01, 1e12, servers_per_rack=4)
    spec = {"spare_servers": spares, "repair_time": "1 h"} if spares is not None else {}
    for seed in range(3):
        full = run(spec, job, seed, MIXED)
        assert full.interruptions > 5
        assert run({**spec, "recovery": {"mode": "elastic"}}, job, seed, MIXED).table.equals(full.table)


def test_replicas_that_must_all_be_there_make_a_full_recovery():
    """Every failure falls back to a full one; swapping stragglers is planned in its own way, so none here."""
    causes = tuple(one for one in MIXED if one.effect != "slow")
    for seed in range(3):
        full = run(seed=seed, causes=causes)
        same = run({"recovery": {"mode": "elastic", "least_replicas": "100 %"}}, seed=seed, causes=causes)
        assert same.accounts.shares == pytest.approx(full.accounts.shares, abs=1e-9)
        assert same.interruptions_by_cause == full.interruptions_by_cause


def test_in_the_job_is_full_where_it_takes_as_long():
    """No stragglers here: swapping one is planned, and saved for in another way."""
    causes = tuple(one for one in MIXED if one.effect != "slow")
    full = run(causes=causes)
    same = run({"recovery": {"mode": "in_job", "reconfigure_time": "50 s"}}, causes=causes)
    assert full.interruptions > 10
    assert same.table.replace("reconfigure", "restart").equals(full.table)
    faster = run({"recovery": {"mode": "in_job", "reconfigure_time": "10 s"}}, causes=causes)
    assert faster.goodput > full.goodput


@pytest.mark.parametrize("mode", ["full", "in_job", "elastic"])
def test_without_failures_the_modes_are_the_same(mode):
    r = run({"recovery": {"mode": mode}})
    closes(r)
    assert r.table.equals(run().table)
    assert (r.interruptions, r.findings) == (0, ())


def test_fewer_replicas_beat_full_restarts_at_high_rates():
    spec = {"restart_time": "600 s"}
    elastic = {**spec, "recovery": {"mode": "elastic", "reconfigure_time": "20 s", "replica_restart_time": "600 s"}}
    causes = (cause(rate=1 / 1500.0),)
    good = [np.mean([run(one, seed=seed, causes=causes).goodput for seed in range(3)]) for one in (spec, elastic)]
    assert good[1] > good[0] + 0.1


def test_a_dropped_replica_by_hand():
    """At 255 s one of four replicas falls: 4 s of work, 5 s until seen, 20 s to regroup; back after 60 s + 30 s."""
    asked = {"mode": "elastic", "reconfigure_time": "20 s", "replica_restart_time": "60 s", "catch_up_time": "30 s"}
    r = run({"horizon": "1000 s", "recovery": asked}, at=[(255.0, cause(), 3)])
    closes(r)
    rows = states(r)
    first = rows.index(("lost", 252.0, 255.0))
    assert rows[first + 1 : first + 3] == [("detect", 255.0, 260.0), ("reconfigure", 260.0, 280.0)]
    short = r.table[r.table["gpus"] == 48]
    # seen at 260 s, the replica is back at 350 s, in a step of 10 / 0.75 s
    assert short["t_start_s"].iloc[0] == 280.0
    assert 350.0 <= short["t_end_s"].iloc[-1] < 350.0 + 10.0 / 0.75 + 1e-9
    assert set(short["speed"]) == {0.75}
    rejoin = r.table[r.table["cause"] == "gpu: rejoin"].iloc[0]
    assert (rejoin["state"], rejoin["t_end_s"] - rejoin["t_start_s"]) == ("reconfigure", pytest.approx(20.0))
    lost = r.accounts.by_cause("lost_work")
    assert lost == {"gpu": pytest.approx(3.0)}
    seconds = (short["t_end_s"] - short["t_start_s"]).sum()
    assert r.accounts.by_cause("idle") == {"gpu: replicas missing": pytest.approx(0.25 * seconds)}
    windows = {w.name: w.event_s for w in r.windows}
    assert (windows["elastic_drop"], windows["elastic_rejoin"]) == (255.0, rejoin["t_start_s"])


def test_too_few_replicas_start_again_in_full():
    """A feed holds half of the replicas: of four, three are the least."""
    feed = cause("feed", count=2, domain="feed", replaces=False, outage_s=300.0)
    asked = {"mode": "elastic", "reconfigure_time": "20 s", "least_replicas": "75 %"}
    r = run({"horizon": "2000 s", "recovery": asked}, at=[(255.0, feed, 1)])
    closes(r)
    assert {"restart", "reload"} <= set(r.table["state"])
    stopped = r.table[r.table["state"] == "stopped"].iloc[0]
    assert stopped["t_end_s"] == pytest.approx(555.0)
    enough = run({"horizon": "2000 s", "recovery": {**asked, "least_replicas": "50 %"}}, at=[(255.0, feed, 1)])
    assert "restart" not in set(enough.table["state"])
    assert set(enough.table["gpus"]) == {64, 32}


def test_a_straggler_by_hand():
    """From 300 s on at 0.6 of the speed, found 600 s later, swapped at the end of the step without loss of work."""
    slow = cause("slow", effect="slow", slow_fraction=0.6, detection_s=600.0)
    r = run({"horizon": "2000 s", "recovery": {"mode": "in_job", "reconfigure_time": "20 s"}}, at=[(300.0, slow, 0)])
    closes(r)
    held = r.table[r.table["held"] < 1.0]
    assert held["t_start_s"].iloc[0] == 300.0
    assert 900.0 <= held["t_end_s"].iloc[-1] < 900.0 + 10.0 / 0.6 + 1e-9
    assert "lost_work" not in {category for category, _ in r.accounts.seconds}
    trained = held[held["state"] == "train"]
    assert r.accounts.by_cause("straggler") == {
        "slow": pytest.approx(0.4 * (trained["t_end_s"] - trained["t_start_s"]).sum())
    }
    assert [s for s, *_ in states(r) if s in ("reconfigure", "reload")] == ["reconfigure", "reload"]


def test_the_worst_straggler_governs():
    slow = [cause(f"s{f}", effect="slow", slow_fraction=f, detection_s=1e6) for f in (0.8, 0.5, 0.9)]
    r = run({"horizon": "2000 s"}, at=[(100.0 * i + 100.0, one, i) for i, one in enumerate(slow)])
    assert sorted(set(r.table["held"])) == [0.5, 0.8, 1.0]
    assert set(r.accounts.by_cause("straggler")) == {"s0.8", "s0.5"}


def test_what_slows_is_booked_in_order():
    """Half of the replicas for 0.5, a straggler for 0.8, a cap for 0.25."""
    asked = {"mode": "elastic", "reconfigure_time": "0 s", "replica_restart_time": "1 d"}
    outside = (ExternalEvent(500.0, 2000.0, "grid: cap", "cap_fraction", 0.25),)
    slow = cause("slow", effect="slow", slow_fraction=0.8, detection_s=1e6)
    rack = cause("rack", count=2, domain="rack", replaces=False, detection_s=0.0)
    r = run({"horizon": "2000 s", "recovery": asked}, at=[(500.0, rack, 0), (500.0, slow, 7)], external=outside)
    closes(r)
    seconds = math.fsum(r.table.query("state == 'train' and t_start_s >= 500").eval("t_end_s - t_start_s"))
    assert r.accounts.by_cause("idle")["rack: replicas missing"] == pytest.approx(0.5 * seconds)
    assert r.accounts.by_cause("straggler")["slow"] == pytest.approx(0.5 * 0.2 * seconds)
    assert r.accounts.by_cause("curtailed")["grid: cap"] == pytest.approx(0.5 * 0.8 * 0.75 * seconds)


def test_silent_corruption_goes_back_to_before_it_began():
    """Checkpoints of 1 s every 100 s, safe after 40 s: at 250 s only that of 101 s is clean."""
    silent = cause("silent", effect="silent", detection_s=700.0)
    r = run({"horizon": "1200 s"}, at=[(180.0, silent, 2)])
    closes(r)
    lost = r.table[r.table["state"] == "lost"]
    assert (lost["t_start_s"].iloc[0], lost["t_end_s"].iloc[-1]) == (101.0, 880.0)
    again = r.table[r.table["t_start_s"] >= 880.0].query("state == 'train'").iloc[0]
    assert again["first_step"] == 10
    kept = run({"horizon": "1200 s", "checkpoint": {**SPEC["checkpoint"], "keep": 2}}, at=[(180.0, silent, 2)])
    assert any("no checkpoint from before 180 s is left" in finding for finding in kept.findings)
    assert kept.table[kept.table["t_start_s"] >= 880.0].query("state == 'train'").iloc[0]["first_step"] == 0


def test_corruption_that_nobody_found_is_told():
    silent = cause("silent", effect="silent", detection_s=1e6)
    assert any("1 silent corruptions were not found" in one for one in run(at=[(180.0, silent, 2)]).findings)


def test_a_job_without_crew_starves_and_says_so():
    spec = {"horizon": "5 d", "spare_servers": 2, "repair": {"technicians": 0}}
    causes = (cause(rate=1 / 20000.0),)
    r = run(spec, causes=causes)
    closes(r)
    last = r.table.iloc[-1]
    assert (last["state"], last["cause"], last["t_end_s"]) == ("stopped", "gpu: no spare server", 5 * 86400.0)
    told = [
        re.search(r"stands still from .*: (\d+) servers are in repair, (\d+) of them for ever", f) for f in r.findings
    ]
    ((out, never),) = [found.groups() for found in told if found]
    # two spares and the place of one; what stands still fails as well
    assert out == never
    assert int(never) >= 3
    whole = simulate_operation(
        OperationSpec.model_validate({**SPEC, **spec, "failure_rates": "rsc-1", "failure_scale": "30 x"}),
        JOB,
        np.random.SeedSequence(1),
    )
    assert any(finding.startswith("operation.repair.technicians: expected at least 1") for finding in whole.findings)


def test_a_starving_elastic_job_goes_down_to_its_least_share():
    asked = {"mode": "elastic", "reconfigure_time": "20 s", "least_replicas": "50 %"}
    r = run({"horizon": "10 d", "spare_servers": 0, "repair": {"technicians": 0}, "recovery": asked},
            causes=(cause(rate=1 / 20000.0),))  # fmt: skip
    closes(r)
    assert sorted(set(r.table["gpus"]) - {0}, reverse=True) == [64, 48, 32]
    assert r.table.iloc[-1]["state"] == "stopped"


def test_writing_that_takes_longer_than_the_interval_is_told():
    r = run({"checkpoint": {"interval": "50 s", "storage_bandwidth": "5 GB/s"}})
    assert any("expected more than the write time of 200 s" in finding for finding in r.findings)


@settings(max_examples=25, deadline=None)
@given(
    mode=st.sampled_from(["full", "in_job", "elastic"]),
    spares=st.sampled_from([None, 0, 1, 3]),
    scale=st.floats(0.2, 20.0),
    seed=st.integers(0, 1000),
    events=st.lists(
        st.tuples(st.floats(0, 4e4), st.floats(1, 9e3), st.sampled_from(["stop", "cap_fraction", "site_lost"])),
        max_size=3,
    ),
    least=st.sampled_from(["25 %", "50 %", "100 %"]),
)
def test_whatever_happens_the_accounts_close(mode, spares, scale, seed, events, least):
    causes = tuple(
        Cause(**{**{name: getattr(one, name) for name in one.__dataclass_fields__},
                 "life": life_of_mean(one.life.mean_s / scale)})
        for one in MIXED
    )  # fmt: skip
    spec = {"recovery": {"mode": mode, "least_replicas": least, "replica_restart_time": "100 s"}, "horizon": "50000 s"}
    if spares is not None:
        spec |= {"spare_servers": spares, "repair_time": "2 h"}
    outside = [ExternalEvent(t, t + d, "grid", e, 0.5 if e == "cap_fraction" else 1.0) for t, d, e in events]
    r = run(spec, seed=seed, causes=causes, external=outside)
    closes(r)
    assert run(spec, seed=seed, causes=causes, external=outside).table.equals(r.table)
    for w in r.windows:
        assert 0.0 <= w.t0_s <= w.event_s <= w.t1_s <= r.horizon_s


def test_a_job_that_waits_for_outages_says_so():
    building = cause("building_outage", count=1, rate=1.0 / 3600.0, domain="building", outage_s=36000.0)
    found = run(causes=(building,)).findings
    assert any(
        one.startswith("operation: the job stands still for") and "building_outage: outage" in one for one in found
    )
    assert not any("stands still" in one for one in run().findings)


@pytest.mark.parametrize("mean_s", [1000.0, 600.0])
def test_a_job_that_rarely_gets_through_its_recovery_says_what_is_left(mean_s):
    """What it says beforehand is what comes out, within the spread of some hundred failures."""
    spec = {"horizon": "10 d", "restart_time": "1000 s"}
    r = run(spec, causes=(cause(rate=1.0 / mean_s, detection_s=0.0),))
    said = [found[1] for one in r.findings if (found := re.search(r"about ([\d.]+) % of the time is useful", one))]
    assert len(said) == 1
    assert float(said[0]) / 100.0 == pytest.approx(r.goodput, rel=0.15)


@pytest.mark.parametrize("mode", ["in_job", "elastic"])
def test_the_law_of_the_collectives_can_be_chosen(mode):
    job = JobFacts(gpus=65536, servers=8192, step_time_s=10.0, step_time_cv=0.0, checkpoint_bytes=1e12, replicas=64)
    times = {
        law: launch(
            simpy.Environment(),
            OperationSpec.model_validate({**SPEC, "recovery": {"mode": mode, "collective_law": law}}),
            job,
            np.random.SeedSequence(1),
        )
        for law in (None, "collectives-linear", "collectives-power")
    }
    linear, power = (times[law].times.reconfigure for law in ("collectives-linear", "collectives-power"))
    assert times[None].times.reconfigure == linear
    assert power - linear == pytest.approx(
        collective_init_time("collectives-power", 65536) - collective_init_time("collectives-linear", 65536)
    )
    # both are beyond twice their rows, and what is said names the time that is used
    assert any(f"{power:.0f} s at 65,536 ranks" in one for one in times["collectives-power"].findings)
