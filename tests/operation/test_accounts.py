"""Accounts that close exactly, whatever they hold."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim.operation.accounts import CATEGORIES, accounts_of, nothing, split
from clustersim.operation.log import JobLog

ENTRY = st.tuples(st.sampled_from(CATEGORIES), st.sampled_from(["a", "b"]), st.just(0.0) | st.floats(1e-3, 1e7))


@given(entries=st.lists(ENTRY, min_size=1, max_size=30))
def test_the_shares_add_up_to_one_exactly(entries):
    total = math.fsum(seconds for *_, seconds in entries)
    found = accounts_of(entries, total)
    assert math.fsum(found.shares.values()) == (1.0 if total > 0.0 else 0.0)
    for category in CATEGORIES if total > 0.0 else ():
        direct = math.fsum(seconds for name, _, seconds in entries if name == category)
        assert found.shares[category] * total == pytest.approx(direct, rel=1e-12, abs=4e-16 * total)
        assert math.fsum(found.by_cause(category).values()) == pytest.approx(direct, rel=1e-12)
        assert (found.shares[category] == 0.0) == (direct == 0.0)


def test_a_job_that_did_no_work_has_no_goodput():
    found = accounts_of([("idle", "x", 1.0), ("restart", "y", 2.0), ("curtailed", "z", 4.0)], 7.0)
    assert (found.goodput, math.fsum(found.shares.values())) == (0.0, 1.0)
    assert nothing().goodput == 0.0


@given(
    seconds=st.floats(0.0, 1e7),
    factors=st.lists(st.tuples(st.sampled_from(CATEGORIES[1:]), st.just("x"), st.floats(0.01, 1.0)), max_size=4),
)
def test_what_slows_takes_all_that_is_not_useful(seconds, factors):
    parts = split(seconds, factors)
    assert math.fsum(part for *_, part in parts) == pytest.approx(seconds, rel=1e-12)
    assert parts[-1][2] == pytest.approx(seconds * math.prod(f for *_, f in factors), rel=1e-12)


@given(cuts=st.lists(st.floats(0.1, 5.0), min_size=1, max_size=6), step=st.integers(0, 10))
def test_a_cut_leaves_whole_steps_and_loses_no_time(cuts, step):
    """Stretches of training at changing speed, cut back to a whole step: what is left is that many steps."""
    log, now, done = JobLog(8), 0.0, 0.0
    for index, steps in enumerate(cuts):
        log.enter(now, "train", "none", done, 1.0 / (1 + index % 2))
        now, done = now + steps * (1 + index % 2), done + steps
        log.close(now, done)
    whole = float(min(step, math.floor(done)))
    log.roll_back(whole, "gpu")
    kept = [row for row in log.rows if row.state == "train"]
    assert math.fsum(row.end_step - row.begin_step for row in kept) == pytest.approx(whole, abs=1e-9)
    assert all(a.end_s == b.start_s for a, b in zip(log.rows, log.rows[1:], strict=False))
    assert log.rows[-1].end_s == now
    assert {row.lost_to for row in log.rows if row.state == "lost"} <= {"gpu"}
