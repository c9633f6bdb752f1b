"""The scheduler's rules one by one: reservations, who may overtake, who must leave, what is planned."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim.operation.fleet_plan import budget_of, joined, rolling_batches, windows_s
from clustersim.operation.gang_jobs import Gang, Habits
from clustersim.operation.gang_log import GangRow, roll_back, saved_of
from clustersim.operation.scheduling_rules import Reservation, may_overtake, reservation, shed_order, victims
from clustersim.operation.spec_parts.fleet import MaintenanceSpec, PowerBudgetSpec

RELEASES = st.lists(st.tuples(st.floats(0.0, 100.0), st.integers(1, 5)), max_size=8)


def gang(number, priority=0, servers=1, start=0.0, **habits):
    chosen = {"preemptible": True, "flexible": False, **habits}
    how = Habits(100.0, 0.0, 0.0, 0.0, chosen["preemptible"], True, chosen["flexible"], 1.0, False)
    return Gang(number, f"g{number}", "g", "job", (0,), servers, priority, 0.0, math.inf, how, start_s=start)


@given(RELEASES, st.integers(0, 5), st.integers(1, 20), st.floats(0.0, 50.0))
def test_a_reservation_is_the_first_time_with_room(releases, free, wanted, now):
    found = reservation(now, free, releases, wanted)
    at = {time: free + sum(n for end, n in releases if end <= time) for time in [now, *(end for end, _ in releases)]}
    fits = [max(now, time) for time in sorted(at) if at[time] >= wanted]
    assert found.time_s == (now if free >= wanted else min(fits, default=math.inf))
    if math.isfinite(found.time_s):
        # everything that ends up to that time is counted in what is spare
        assert found.spare == free + sum(n for end, n in releases if end <= found.time_s) - wanted


def test_who_may_overtake():
    kept = Reservation(100.0, 2.0)
    assert may_overtake(0.0, 100.0, 9, kept)
    assert not may_overtake(0.0, 100.1, 3, kept)
    assert may_overtake(0.0, math.inf, 2, kept)
    assert may_overtake(0.0, math.inf, 9, None)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4)), max_size=10), st.integers(1, 4), st.integers(1, 20))
def test_victims_are_enough_and_none_too_many(running, priority, wanted):
    jobs = [gang(k, priority=p, servers=n, start=float(k)) for k, (p, n) in enumerate(running)]
    worth = {job.number: float(job.servers) for job in jobs}
    out = victims(jobs, priority, wanted, worth)
    lower = [job for job in jobs if job.priority < priority]
    if out is None:
        assert sum(job.servers for job in lower) < wanted
        return
    freed = sum(job.servers for job in out)
    assert freed >= wanted
    assert all(job.priority < priority for job in out)
    assert all(freed - job.servers < wanted for job in out)


def test_the_lowest_priority_leaves_first_and_the_latest_of_it():
    jobs = [gang(0, priority=1), gang(1, start=5.0), gang(2, start=9.0), gang(3, preemptible=False)]
    worth = dict.fromkeys(range(4), 1.0)
    assert [job.number for job in victims(jobs, 2, 1, worth)] == [2]
    assert [job.number for job in victims(jobs, 2, 3, worth)] == [2, 1, 0]
    assert victims(jobs, 2, 4, worth) is None
    assert victims(jobs, 0, 1, worth) is None
    assert [job.number for job in shed_order([*jobs, gang(4, priority=9, flexible=True)])] == [4, 2, 1, 0]


@given(st.lists(st.tuples(st.floats(1.0, 50.0), st.sampled_from([0.5, 1.0])), min_size=1, max_size=6), st.floats(0, 1))
def test_a_roll_back_takes_exactly_the_lost_work(stretches, share):
    rows, time = [], 0.0
    for seconds, speed in stretches:
        rows.append(GangRow(0, time, time + seconds, "train", "none", ((0, 1),), speed, 0.9))
        time += seconds
    total = sum(row.work_s for row in rows)
    after = roll_back(rows, share * total, "x")
    lost = [row for row in after if row.state == "lost"]
    assert sum(row.work_s for row in lost) == pytest.approx(share * total, abs=1e-9)
    assert [row.start_s for row in after[1:]] == [row.end_s for row in after[:-1]]
    assert (after[0].start_s, after[-1].end_s) == (0.0, time)
    assert all(row.end_s > row.start_s for row in after)
    kept = [row.state for row in after]
    assert kept == sorted(kept, reverse=True)


@given(st.floats(0.0, 1e4), st.floats(0.0, 1e4), st.floats(1.0, 1e3))
def test_less_than_an_interval_is_ever_unsafe(base, work, interval):
    saved = saved_of(base + work, base, interval)
    assert base <= saved <= base + work
    assert base + work - saved <= interval * (1 + 1e-6)
    assert saved_of(base + work, base, math.inf) == base


def test_a_budget_is_its_hours():
    spec = PowerBudgetSpec.model_validate(
        {"limit": "10 MW", "hourly": ["100 %"] * 8 + ["50 %"] * 4 + ["100 %"] * 12, "utc_offset": "2 h"}
    )
    budget = budget_of(spec, 2 * 86_400.0)
    assert budget.times_s == (0.0, 6 * 3600.0, 10 * 3600.0, 30 * 3600.0, 34 * 3600.0)
    assert [budget.at(h * 3600.0) / 1e6 for h in (5.9, 6.0, 9.9, 10.0)] == [10.0, 5.0, 5.0, 10.0]
    assert budget.least(0.0, 6 * 3600.0 - 1.0) == 10e6
    assert budget.least(0.0, 6 * 3600.0) == 5e6
    assert budget_of(None, 1.0).least(0.0, math.inf) == math.inf


def test_windows_and_batches():
    spec = MaintenanceSpec.model_validate({"start": "10 s", "duration": "5 s", "every": "20 s"})
    assert windows_s(spec, 50.0) == [(10.0, 15.0), (30.0, 35.0)]
    assert windows_s(spec, 10.0) == []
    rolling = MaintenanceSpec.model_validate({"start": "0 s", "duration": "5 s", "servers": 4})
    pieces = [piece for batch in rolling_batches(rolling, (6, 3)) for piece in batch]
    assert pieces == [(0, 0, 4), (0, 4, 6), (1, 0, 3)]
    assert joined([(0.0, 1.0), (1.0, 3.0), (2.0, 2.5), (5.0, 6.0)]) == [(0.0, 3.0), (5.0, 6.0)]
