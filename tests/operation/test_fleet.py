"""Many jobs on one cluster: conservation, gangs, queues, preemption, power, maintenance."""

import heapq
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.operation import ExternalEvent, OperationSpec, fleet, fleet_engine, simulate_operation
from clustersim.operation.causes import Cause
from clustersim.operation.facts import JobFacts
from clustersim.operation.fleet_accounts import row_entries
from clustersim.operation.fleet_records import MAIN, NOBODY
from clustersim.operation.fleet_servers import Broken
from clustersim.operation.fleet_sources import blocks_of, failures, strike
from clustersim.operation.gang_stint import Signal
from clustersim.operation.lives import life_of_mean
from tests.drawn import examples
from tests.operation.fleets import AT_ONCE, IDLE_W, by_name, facts, job, main_job, run

DAY_S = 86_400.0


# ---- what must hold for every cluster -----------------------------------------------------------------------------


@st.composite
def clusters(draw):
    """A cluster with jobs of all kinds, a budget, failures, planned work and events from outside."""
    sizes = (draw(st.integers(4, 12)), draw(st.integers(2, 12)))
    cluster = facts(*sizes)
    horizon = 50_000.0
    jobs = [
        job(
            f"j{k}",
            draw(st.integers(1, max(sizes))),
            draw(st.floats(10.0, 20_000.0)),
            draw(st.floats(0.0, 40_000.0)),
            priority=draw(st.integers(0, 3)),
            preemptible=draw(st.booleans()),
            on_preemption=draw(st.sampled_from(["save", "kill"])),
            save_time=draw(st.sampled_from(["0 s", "60 s", "500 s"])),
            restart_time=draw(st.sampled_from(["0 s", "100 s"])),
            checkpoint_interval=draw(st.sampled_from(["100 s", "2000 s"])),
            checkpoint_pause=draw(st.sampled_from(["0 s", "10 s"])),
            power=draw(st.sampled_from(["100 %", "40 %"])),
            across_sites=draw(st.booleans()),
        )
        for k in range(draw(st.integers(0, 12)))
    ]
    fleet = {
        "jobs": jobs,
        "placement": draw(st.sampled_from(["pack", "spread"])),
        "backfill": draw(st.booleans()),
        "preemption": draw(st.booleans()),
    }
    if draw(st.booleans()):
        fleet["services"] = [
            {"name": "chat", "peak_servers": 2, "unit_servers": draw(st.integers(1, 2)), "priority": 2,
             "profile": ["50 %"] * 6 + ["100 %"] * 18, "flexible": draw(st.booleans()), "power": "60 %"}
        ]  # fmt: skip
    if draw(st.booleans()):
        least = sum(sizes) * IDLE_W + 8000.0
        fleet["power_budget"] = {
            "limit": f"{least + draw(st.floats(0.0, 80_000.0))!r} W",
            "hourly": ["100 %"] * 5 + [draw(st.sampled_from(["100 %", "90 %"]))] * 2 + ["100 %"] * 17,
        }
        if fleet["power_budget"]["hourly"][5] == "90 %":
            fleet["power_budget"]["limit"] = f"{(least + draw(st.floats(0.0, 60_000.0))) / 0.9!r} W"
    if draw(st.booleans()):
        whole = {"start": "20000 s", "duration": "3000 s"}
        fleet["maintenance"] = [draw(st.sampled_from([whole, {**whole, "servers": 3}]))]
    external = [
        ExternalEvent(9_000.0, 12_000.0, "heat", "cap_fraction", 0.5),
        ExternalEvent(30_000.0, 31_000.0, "dip", "stop"),
    ][: draw(st.integers(0, 2))]
    scale = draw(st.sampled_from(["0 x", "2000 x"]))
    return fleet, cluster, {"horizon_s": horizon, "external": tuple(external), "failure_rates": "meta-h100",
                            "failure_scale": scale, "repair_time": "5000 s"}  # fmt: skip


@given(clusters())
@settings(max_examples=examples(20), deadline=None)
def test_conservation(case):
    check(*case)


@pytest.mark.soak
@given(clusters())
@settings(max_examples=300, deadline=None)
def test_conservation_at_length(case):
    check(*case)


def check(fleet, cluster, how):
    room = max(pool.servers - (cluster.main.servers if pool.name == "p0" else 0) for pool in cluster.pools)
    too_large = [one["name"] for one in fleet["jobs"] if one["servers"] > room and not one["across_sites"]]
    if too_large:
        with pytest.raises(InputError, match=f"jobs.{too_large[0]}: expected at most {room}"):
            run(fleet, cluster, **how)
        return
    record = run(fleet, cluster, **how)
    wanted = {one.name: one.servers for one in record.jobs}
    rows = record.table
    assert (rows["t_end_s"] > rows["t_start_s"]).all()
    # a gang holds all its servers or none
    assert (rows["servers"] == rows["job"].map(wanted)).all()
    no_overlap(rows)
    # the jobs and the main one hold what the occupancy says, and never more than there is
    held_is_used(record, cluster)
    # power
    power = record.power
    assert (power["it_w"] <= power["budget_w"] + 1e-6).all()
    assert power["t_start_s"].iloc[0] == 0.0
    assert power["t_end_s"].iloc[-1] == record.horizon_s
    accounts_close(record)
    work_is_conserved(record, fleet)


def no_overlap(rows):
    for _, part in rows.groupby("job"):
        assert (part["t_start_s"].to_numpy()[1:] >= part["t_end_s"].to_numpy()[:-1]).all()


def held_is_used(record, cluster):
    rows, steps = record.table, record.occupancy
    size = steps["pool"].map({pool.name: pool.servers for pool in cluster.pools})
    parts = steps[["used", "free", "withheld", "repair", "maintenance"]].to_numpy()
    assert (parts >= 0).all()
    assert (parts.sum(axis=1) == size).all()
    times = np.linspace(0.37, record.horizon_s - 0.41, 101)[:, None]

    def at(table, values):
        inside = (table["t_start_s"].to_numpy() <= times) & (times < table["t_end_s"].to_numpy())
        return inside @ values

    assert (at(steps, np.ones(len(steps))) == len(cluster.pools)).all()
    held = at(rows, rows["servers"].to_numpy(dtype=float)) if len(rows) else 0.0
    assert (held + cluster.main.servers == at(steps, steps["used"].to_numpy())).all()


def accounts_close(record):
    total = record.accelerators * record.horizon_s
    assert math.fsum(record.accounts.values()) == total
    assert min(record.accounts.values()) > -1e-6
    used = sum(v for (group, _, _), v in record.accounts.items() if group not in (NOBODY, MAIN))
    gantt = ((record.table["t_end_s"] - record.table["t_start_s"]) * record.table["gpus"]).sum()
    assert used == pytest.approx(gantt, rel=1e-9, abs=1e-3)
    main = sum(v for (group, _, _), v in record.accounts.items() if group == MAIN)
    assert main == pytest.approx(record.main.horizon_s * 8, rel=1e-9)


def work_is_conserved(record, fleet):
    """What a job has done is its training that was not lost, without its pauses; who is done has done all."""
    pauses = {one["name"]: one for one in fleet["jobs"]}
    for one in record.jobs:
        if one.kind != "job":
            continue
        spec = pauses[one.name]
        rate = 1.0 / (1.0 + float(spec["checkpoint_pause"][:-2]) / float(spec["checkpoint_interval"][:-2]))
        part = record.table[(record.table["job"] == one.name) & (record.table["state"] == "train")]
        trained = ((part["t_end_s"] - part["t_start_s"]) * part["speed"]).sum() * rate
        assert trained == pytest.approx(one.done_s, rel=1e-9, abs=1e-6)
        assert (one.end_s <= record.horizon_s) == (one.done_s == one.work_s)
        # who is killed or fails loses no more than the work since its last checkpoint, each time
        lost = record.table[(record.table["job"] == one.name) & (record.table["state"] == "lost")]
        times = 1 + one.preemptions + one.failures + 2
        assert ((lost["t_end_s"] - lost["t_start_s"]) * lost["speed"]).sum() * rate <= times * float(
            spec["checkpoint_interval"][:-2]
        ) * (1 + 1e-9)


# ---- the queue ----------------------------------------------------------------------------------------------------


def arrivals(count, mean_gap, mean_work, servers, seed):
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.exponential(mean_gap, count))
    works = rng.exponential(mean_work, count)
    sizes = rng.integers(1, servers + 1, count) if servers > 1 else np.ones(count, dtype=int)
    return [
        job(f"j{k}", int(n), float(w), float(t)) for k, (t, w, n) in enumerate(zip(times, works, sizes, strict=True))
    ]


def waits_of_a_queue(jobs, servers):
    """First come, first served, on so many servers: start times by a heap of the times at which servers are free."""
    free = [0.0] * servers
    starts = []
    for one in jobs:
        start = max(float(one["arrival"][:-2]), heapq.heappop(free))
        starts.append(start)
        heapq.heappush(free, start + float(one["duration"][:-2]))
    return starts


def erlang_c(servers, load):
    """Probability that a job waits in M/M/c (A. K. Erlang, 1917), `load` in servers."""
    terms = [load**k / math.factorial(k) for k in range(servers)]
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(terms) + last)


def test_one_server_jobs_queue_as_m_m_c():
    servers, load, mean = 5, 4.0, 100.0
    jobs = arrivals(2000, mean / load, mean, 1, seed=11)
    record = run({"jobs": jobs}, facts(servers), horizon_s=200_000.0)
    found = [one for one in record.jobs if one.kind == "job"]
    starts = waits_of_a_queue(jobs, servers)
    assert [one.start_s for one in found] == pytest.approx(starts, rel=1e-12)
    expected = erlang_c(servers, load) * mean / (servers - load)
    waits = np.array([one.start_s - one.arrival_s for one in found])
    # the spread of a mean over batches of 200 jobs, whose waits hang together
    batches = waits.reshape(10, 200).mean(axis=1)
    assert waits.mean() == pytest.approx(expected, abs=3.5 * batches.std(ddof=1) / math.sqrt(10))
    assert np.mean(waits > 0) == pytest.approx(erlang_c(servers, load), abs=0.08)


def test_backfill_never_delays_the_first_that_waits(monkeypatch):
    """Every time that reserved for the first job that waits is kept, whoever overtakes it (EASY)."""
    promised, decide = {}, fleet_engine.decide

    def watched(queue, view):
        found = decide(queue, view)
        started = {one.number for one, _ in found.starts}
        first = next((one for one in queue if one.number not in started), None)
        if first is not None:
            time = view.kept[0].time_s
            promised[first.name] = min(time, promised.get(first.name, math.inf))
        return found

    monkeypatch.setattr(fleet_engine, "decide", watched)
    jobs = arrivals(400, 60.0, 300.0, 8, seed=3)
    with_it = by_name(run({"jobs": jobs}, facts(16), horizon_s=200_000.0))
    assert len(promised) > 20
    for name, time in promised.items():
        assert with_it[name].start_s <= time + 1e-6
    monkeypatch.undo()
    without = by_name(run({"jobs": jobs, "backfill": False}, facts(16), horizon_s=200_000.0))
    order = sorted((one for one in without.values() if one.kind == "job"), key=lambda one: one.arrival_s)
    assert all(a.start_s <= b.start_s for a, b in zip(order, order[1:], strict=False))
    overtaken = [with_it[one.name].start_s < without[one.name].start_s - 1.0 for one in order]
    assert sum(overtaken) > 50
    assert sum(one.queued_s for one in with_it.values()) < sum(one.queued_s for one in without.values())


def test_no_lower_priority_runs_where_a_higher_one_waits(monkeypatch):
    """After every decision the first that waits could not start even if all of lower priority left."""
    decide = fleet_engine.decide
    seen = []

    def watched(queue, view):
        free, jobs = view.free[0] + view.leaving_free[0], list(queue)
        found = decide(queue, view)
        started = {one.number for one, _ in found.starts}
        served = {for_whom.number for _, for_whom in found.leave}
        first = next((one for one in jobs if one.number not in started), None)
        if first is not None and first.number not in served:
            free -= sum(one.servers for one, _ in found.starts)
            lower = sum(
                one.servers for one in view.running if one.status == "running" and one.priority < first.priority
            )
            seen.append(
                free + lower < first.servers or view.leaving_free[0] >= 0 and free >= first.servers > view.free[0]
            )
        return found

    monkeypatch.setattr(fleet_engine, "decide", watched)
    rng = np.random.default_rng(7)
    jobs = [
        {**one, "priority": int(rng.integers(0, 4)), "save_time": "5 s"}
        for one in arrivals(300, 60.0, 300.0, 8, seed=4)
    ]
    run({"jobs": jobs}, facts(16), horizon_s=100_000.0)
    assert len(seen) > 50
    assert all(seen)


# ---- by hand ------------------------------------------------------------------------------------------------------


def test_preemption_by_hand():
    """The urgent job at 250 s: the other saves for 20 s, comes back at 370 s and has lost nothing."""
    low = job("low", 4, 400.0, save_time="20 s", restart_time="10 s", checkpoint_interval="100 s")
    high = job("high", 3, 100.0, 250.0, priority=1)
    record = run({"jobs": [low, high]}, facts(4))
    jobs, rows = by_name(record), record.table
    assert (jobs["high"].start_s, jobs["high"].end_s) == (270.0, 370.0)
    assert jobs["low"].preemptions == 1
    got = [(r.t_start_s, r.t_end_s, r.state) for r in rows[rows["job"] == "low"].itertuples()]
    assert got == [
        (0.0, 10.0, "restart"), (10.0, 250.0, "train"), (250.0, 270.0, "checkpoint"),
        (370.0, 380.0, "restart"), (380.0, 540.0, "train"),
    ]  # fmt: skip
    killed = run({"jobs": [{**low, "on_preemption": "kill"}, high]}, facts(4))
    rows = killed.table[killed.table["job"] == "low"]
    assert by_name(killed)["high"].start_s == 250.0
    # 240 s trained, checkpoints at 100 and 200 s of work: 40 s are lost
    lost = rows[rows["state"] == "lost"].iloc[0]
    assert (lost["t_start_s"], lost["t_end_s"], lost["cause"]) == (210.0, 250.0, "preempted by high")
    assert by_name(killed)["low"].end_s == pytest.approx(350.0 + 10.0 + 200.0)
    assert killed.accounts["low", "lost_work", "preempted by high"] == pytest.approx(40.0 * 32)


def test_the_main_job_is_as_if_alone_and_only_planned_stops_touch_it():
    how = {"failure_rates": "meta-h100", "failure_scale": "500 x", "spare_servers": 1}
    jobs = [job("a", 3, 5000.0), job("b", 4, 5000.0, priority=3)]
    cluster = facts(5, main=3)
    record = run({"jobs": jobs}, cluster, horizon_s=2e5, **how)
    spec = OperationSpec.model_validate({"horizon": "200000 s", **how})
    alone = simulate_operation(spec, main_job(3), np.random.SeedSequence(1))
    pd.testing.assert_frame_equal(record.main.table, alone.table)
    window = {"start": "50000 s", "duration": "1000 s"}
    stopped = run({"jobs": jobs, "maintenance": [window]}, cluster, horizon_s=2e5, **how)
    rows = stopped.main.table
    assert ((rows["state"] == "stopped") & (rows["cause"] == "maintenance: maintenance")).any()
    assert stopped.accounts[MAIN, "idle", "maintenance: maintenance"] == pytest.approx(24 * 1000.0, rel=0.2)


def test_nobody_runs_in_a_window_of_the_whole_cluster():
    jobs = [job("a", 2, 1e6, save_time="30 s"), job("b", 2, 1e6, preemptible=False)]
    chat = {"name": "chat", "peak_servers": 2, "power": "50 %"}
    window = {"start": "1000 s", "duration": "500 s", "every": "4000 s"}
    record = run({"jobs": jobs, "services": [chat], "maintenance": [window]}, facts(8))
    rows = record.table
    inside = rows[(rows["t_start_s"] < 1500.0) & (rows["t_end_s"] > 1000.0)]
    assert set(inside["state"]) == {"stopped"}
    assert set(inside["job"]) == {"b"}
    assert by_name(record)["a"].preemptions == 3
    assert record.accounts[NOBODY, "idle", "maintenance"] > 0.0


def test_rolling_work_reaches_every_server_that_is_given_up():
    jobs = [job("a", 4, 1e6), job("b", 2, 1e6, preemptible=False)]
    work = {"start": "100 s", "duration": "200 s", "servers": 2}
    record = run({"jobs": jobs, "maintenance": [work]}, facts(9))
    steps = record.occupancy
    worked = ((steps["t_end_s"] - steps["t_start_s"]) * steps["maintenance"]).sum()
    assert worked == pytest.approx(200.0 * (10 - 1 - 2))
    assert record.findings == ("rolling maintenance left out 3 servers that their jobs did not give up",)
    assert by_name(record)["a"].done_s > 9000.0


def test_a_cap_slows_and_a_stop_costs_the_work_since_the_checkpoint():
    one = job("a", 2, 1000.0, checkpoint_interval="300 s", restart_time="10 s")
    cap = run({"jobs": [one]}, facts(2), external=(ExternalEvent(0.0, 5000.0, "heat", "cap_fraction", 0.5),))
    assert by_name(cap)["a"].end_s == pytest.approx(2010.0)
    assert cap.accounts["a", "curtailed", "heat"] == pytest.approx(16 * 1000.0)
    stop = run({"jobs": [one]}, facts(2), external=(ExternalEvent(510.0, 610.0, "dip", "stop"),))
    # 500 s of work, 300 of them safe
    assert by_name(stop)["a"].end_s == pytest.approx(610.0 + 10.0 + 700.0)
    assert stop.accounts["a", "curtailed", "dip"] == pytest.approx(16 * 100.0)
    assert stop.accounts["a", "lost_work", "dip"] == pytest.approx(16 * 200.0)


def test_a_failed_server_is_replaced_or_the_gang_waits_again():
    """With a free server the gang goes on; without, it gives up its servers until one is mended."""
    one = job("a", 4, 1e7, checkpoint_interval="100 s")
    how = {"failure_rates": "meta-h100", "failure_scale": "3000 x", "repair_time": "2000 s", "horizon_s": 100_000.0}
    tight, roomy = run({"jobs": [one]}, facts(4), **how), run({"jobs": [one]}, facts(40), **how)
    assert by_name(tight)["a"].failures > 10
    assert by_name(tight)["a"].queued_s > 10_000.0
    assert by_name(roomy)["a"].queued_s == 0.0
    assert by_name(roomy)["a"].done_s > by_name(tight)["a"].done_s
    assert tight.accounts[NOBODY, "idle", "repair"] > 0.0


def test_a_server_whose_failure_a_stop_hides_is_replaced_after_the_stop(monkeypatch):
    def one_failure(engine, *_):
        yield engine.env.timeout(1000.0)
        gang = engine.jobs[0]
        pool, servers = next(iter(gang.held.items()))
        engine.signal(gang, Signal("struck", "gpu", 100.0, (Broken(pool, int(servers[0]), "gpu"),)))

    monkeypatch.setattr(fleet, "failures", one_failure)
    dip = (ExternalEvent(1050.0, 1200.0, "dip", "stop"),)
    record = run({"jobs": [job("a", 2, 1e7)]}, facts(4), external=dip, repair_time="2000 s")
    assert record.accounts[NOBODY, "idle", "repair"] == pytest.approx(8 * 2000.0)
    assert by_name(record)["a"].queued_s == 0.0


@pytest.mark.parametrize(("servers", "queues"), [(8, True), (16, False)])
def test_a_block_that_is_out_strikes_each_job_in_it_once(monkeypatch, servers, queues):
    """Leaves of four: a gang of three and one of one share the second; its servers are back when the outage ends."""

    def one_outage(engine, causes, main, rng):
        yield engine.env.timeout(1000.0)
        leaf = Cause("leaf", "switch", 1, life_of_mean(1e15), 5.0, False, domain="leaf", outage_s=3000.0)
        held.extend(sorted(engine.servers.owner[0][4:8].tolist()))
        strike(engine, leaf, *blocks_of([servers + 4], 4)[1])

    held = []
    monkeypatch.setattr(fleet, "failures", one_outage)
    jobs = [job("a", 3, 1e7), job("b", 1, 1e7), job("c", 4, 1e7)]
    record = run({"jobs": jobs}, facts(servers, main=4, blocks=(4,)))
    assert held == [0, 0, 0, 1]
    found = by_name(record)
    assert [found[name].failures for name in "abc"] == [1, 1, 0]
    assert (found["a"].queued_s, found["b"].queued_s) == ((2995.0, 2995.0) if queues else (0.0, 0.0))
    assert record.accounts[NOBODY, "idle", "repair"] == pytest.approx(8 * 4 * 2995.0)


def test_blocks_of_the_cluster_fall_as_often_as_those_of_the_main_job():
    """Two leaves of four servers of the main job; sixty of the cluster, and all servers of one fall together."""
    main = JobFacts(64, 8, 10.0, 0.0, 1e9, servers_per_leaf=4)
    struck = []
    engine = SimpleNamespace(
        env=simpy.Environment(),
        pools=(SimpleNamespace(servers=200), SimpleNamespace(servers=40)),
        servers=SimpleNamespace(owner=[np.zeros(200, np.int32), np.zeros(40, np.int32)]),
        jobs=[None],
        signal=lambda _, signal: struck.append(signal.broken),
    )
    leaf = Cause("leaf", "switch", 2, life_of_mean(6000.0), 5.0, False, domain="leaf", outage_s=1.0)
    route = Cause("route", "fibre", 2, life_of_mean(10.0), 5.0, False, domain="route", outage_s=1.0)
    engine.env.process(failures(engine, (leaf, route), main, np.random.default_rng(1)))
    engine.env.run(until=100_000.0)
    assert len(struck) == pytest.approx(100_000.0 / 6000.0 * 60, rel=4 / math.sqrt(1000))
    firsts = {(one[0].pool, one[0].number) for one in struck}
    assert all([one.number for one in block] == list(range(block[0].number, block[0].number + 4)) for block in struck)
    assert firsts == {(0, 4 * k) for k in range(50)} | {(1, 4 * k) for k in range(10)}


def test_servers_that_nobody_mends_are_a_finding_and_the_gang_starves():
    how = {"failure_rates": "meta-h100", "failure_scale": "3000 x", "spare_servers": 0, "repair": {"technicians": 0}}
    record = run({"jobs": [job("a", 4, 1e7)]}, facts(4), 100_000.0, **how)
    assert by_name(record)["a"].queued_s > 50_000.0
    assert any("beside the main job's failed and none came back" in text for text in record.findings)


def test_a_service_that_never_gets_servers_is_a_finding():
    chat = {"name": "chat", "peak_servers": 4, "priority": 1}
    record = run({"services": [chat], "jobs": [job("a", 4, 1e7, priority=50)]}, facts(4))
    assert "chat: 4 units waited more than half the horizon and never started" in record.findings


def test_the_budget_sheds_flexible_services_first_then_the_lowest_priority():
    chat = {"name": "chat", "peak_servers": 2, "priority": 9, "flexible": True}
    jobs = [job("low", 2, 1e6, priority=1, save_time="60 s"), job("high", 2, 1e6, priority=2, save_time="60 s")]
    hours = ["100 %"] + ["80 %"] + ["64 %"] + ["100 %"] * 21
    # main 8 kW, six servers: 1.5 kW idle, 8 kW busy
    fleet = {"jobs": jobs, "services": [chat], "power_budget": {"limit": "56 kW", "hourly": hours}}
    record = run(fleet, facts(6), horizon_s=4 * 3600.0)
    rows = record.table

    def running(time):
        now = rows[(rows["t_start_s"] <= time) & (time < rows["t_end_s"])]
        return sorted(set(now["job"].str.split("-").str[0]))

    assert running(1800.0) == ["chat", "high", "low"]
    assert running(5400.0) == ["high", "low"]
    assert running(9000.0) == ["high"]
    assert running(12_000.0) == ["chat", "high", "low"]
    assert (record.power["it_w"] <= record.power["budget_w"]).all()
    # it leaves in time to save before the hour begins
    saved = rows[(rows["job"] == "low") & (rows["state"] == "checkpoint")].iloc[0]
    assert saved["t_end_s"] == 7200.0
    assert record.accounts[NOBODY, "curtailed", "no power"] > 0.0


def test_a_service_follows_the_day_exactly():
    profile = ["50 %"] * 12 + ["100 %"] * 12
    chat = {"name": "chat", "peak_servers": 6, "unit_servers": 2, "profile": profile}
    record = run({"services": [chat]}, facts(8), horizon_s=2 * DAY_S)
    rows = record.table
    time = (rows["t_end_s"] - rows["t_start_s"]) * rows["servers"]
    # half of six is two units of two
    assert time.sum() == pytest.approx(2 * (4 + 6) * DAY_S / 2)
    assert (rows["state"].isin(["serve", "restart"])).all()


def test_same_seed_same_record_and_a_stream_more_moves_no_other():
    stream = {"name": "research", "every": "300 s", "priority": 1}
    more = {"name": "more", "every": "3000 s", "largest_accelerators": 8}
    how = {"failure_rates": "meta-h100", "failure_scale": "100 x"}
    a, b = (run({"streams": [stream]}, facts(8, 8), **how) for _ in range(2))
    pd.testing.assert_frame_equal(a.table, b.table)
    pd.testing.assert_frame_equal(a.power, b.power)
    assert list(a.accounts.items()) == list(b.accounts.items())
    c = run({"streams": [stream, more]}, facts(8, 8), **how)
    drawn = [(one.arrival_s, one.servers, one.work_s) for one in a.jobs if one.group == "research"]
    assert drawn == [(one.arrival_s, one.servers, one.work_s) for one in c.jobs if one.group == "research"]


def test_a_gang_lies_at_several_sites_only_where_it_may():
    wide = job("wide", 6, 1000.0)
    with pytest.raises(InputError, match=r"jobs\.wide: expected at most 4 servers"):
        run({"jobs": [wide]}, facts(4, 4))
    record = run({"jobs": [{**wide, "across_sites": True}]}, facts(4, 4))
    assert record.table["pools"].tolist() == ["p0,p1"]
    assert by_name(record)["wide"].end_s == 1000.0


@pytest.mark.parametrize(
    ("fleet", "message"),
    [
        ({"jobs": [job("a", 9, 10.0)]}, "expected at most 8 servers"),
        (
            {"jobs": [job("a", 1, 10.0, accelerator="H100-SXM")]},
            r"accelerator: expected one of the cluster \(H800-SXM\)",
        ),
        ({"services": [{"name": "chat", "peak_servers": 9}]}, "peak_servers: expected at most 8"),
        ({"power_budget": {"limit": "10 kW"}}, r"expected at least 0\.0145 MW"),
        ({"streams": [{"every": "1 h", "least_accelerators": 128}]}, "no job of at least 128"),
        (
            {"maintenance": [{"start": "0 s", "duration": "1 h", "servers": 3, "every": "2 h"}]},
            "expected at least the 10800 s that 3 batches take",
        ),
    ],
)
def test_what_does_not_fit_is_said(fleet, message):
    with pytest.raises(InputError, match=message):
        run(fleet, facts(8))


@pytest.mark.parametrize(
    ("fleet", "message"),
    [
        ({"jobs": [{"name": "a"}]}, "one of servers and accelerators"),
        ({"jobs": [{"name": "a", "servers": 1, "steps": 3}]}, "steps and step_time together"),
        ({"jobs": [{"name": "a", "servers": 1}, {"name": "a", "servers": 1}]}, "each name once"),
        ({"streams": [{"every": "1 h", "load": "10 %"}]}, "one of every and load"),
        ({"services": [{"name": "s", "peak_servers": 2, "profile": ["100 %"] * 23}]}, "expected 24 shares"),
        ({"services": [{"name": "s", "peak_servers": 2, "least_servers": 3}]}, "at most peak_servers"),
        ({"maintenance": [{"start": "0 s", "duration": "2 h", "every": "1 h"}]}, "more than the duration"),
        ({"power_budget": {"limit": "1 MW", "hourly": ["0 %"] * 24}}, "24 shares above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(fleet, message):
    with pytest.raises(ValueError, match=message):
        OperationSpec.model_validate({"fleet": fleet})


def test_every_state_of_a_row_is_accounted_to_a_category():
    from clustersim.operation.gang_log import GangRow

    for state in ("train", "serve", "lost", "checkpoint", "detect", "restart", "stopped"):
        row = GangRow(0, 2.0, 12.0, state, "x", ((0, 1),), 0.5 if state == "train" else 1.0, 0.9)
        assert math.fsum(seconds for _, _, seconds in row_entries(row)) == pytest.approx(10.0)
    assert AT_ONCE["save_time"] == "0 s"


def test_accounts_of_a_group_are_accounts():
    record = run({"jobs": [job("a", 2, 1000.0, restart_time="50 s")]}, facts(2))
    found = record.group_accounts("a")
    assert math.fsum(found.shares.values()) == 1.0
    assert found.goodput == pytest.approx(1000.0 / 1050.0)
    assert record.utilisation == pytest.approx((1050.0 * 2 + 10_000.0) / 30_000.0)
