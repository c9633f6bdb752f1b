"""What a run says about input that makes it starve, stall or save in vain."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim.operation.checkpoints import Tier
from clustersim.operation.findings import (
    collect,
    idle_crew,
    no_crew,
    no_progress,
    short_intervals,
    slow_writes,
    stands_still,
    unused_spares,
)
from clustersim.operation.spec_parts.repair import RepairSpec

FAST = Tier("neighbour", 60.0, 0.04, 0.1, 0.1)
SLOW = Tier("storage", 600.0, 0.04, 900.0, 900.0)


def test_nobody_repairs():
    nobody = RepairSpec(technicians=0)
    starved = no_crew(nobody, 4, 7)
    assert starved is not None
    assert starved.startswith("operation.repair.technicians: expected at least 1")
    assert "the job stands still from then on" in starved
    assert "2 spares are left" in (no_crew(nobody, 4, 2) or "")
    for repair, spares in ((None, 4), (RepairSpec(technicians=1), 4), (RepairSpec(), 4), (nobody, None)):
        assert no_crew(repair, spares, 7) is None


def test_a_write_that_takes_longer_than_the_interval():
    (found,) = slow_writes([FAST, SLOW])
    assert found == (
        "operation.checkpoint.interval: expected more than the write time of 900 s, found 600 s: "
        "a copy is made every 900 s instead"
    )
    assert SLOW.effective_interval_s == 900.0


def test_an_interval_shorter_than_a_step():
    (found,) = short_intervals([FAST, SLOW], 100.0)
    assert found.startswith("operation.checkpoint.tiers.neighbour.interval: expected at least one step of 100 s")
    assert short_intervals([FAST, SLOW], 60.0) == ()


def test_a_recovery_longer_than_the_time_to_the_next_failure():
    found = no_progress([("server", 1e-3), ("process", 1e-3)], 1000.0, [FAST])
    assert found is not None
    assert "a recovery takes 1000 s and a failure comes every 500 s" in found
    assert f"{math.expm1(2e-3 * 1060.1) / 2e-3 / 3600.0:.3g} h" in found
    assert no_progress([("server", 1e-3)], 999.0, [FAST]) is None
    assert no_progress([], 1e9, [FAST]) is None
    assert "longer than any horizon" in (no_progress([("server", 1.0)], 1e4, [SLOW]) or "")


@pytest.mark.parametrize(("spares", "out", "told"), [(5, 0, True), (5, 1, False), (0, 0, False), (None, 0, False)])
def test_spares_that_were_never_used(spares, out, told):
    assert (unused_spares(spares, out) is not None) == told


words = st.sampled_from(["a", "b", "c"])


@given(st.lists(st.one_of(st.none(), words, st.lists(words, max_size=3)), max_size=6))
def test_findings_are_collected_in_order_and_once(parts):
    flat = [one for part in parts if part is not None for one in ([part] if isinstance(part, str) else part)]
    assert collect(*parts) == tuple(dict.fromkeys(flat))


def test_a_job_that_mostly_waits():
    waits = [("building_outage: outage", 40.0), ("gpu: no spare server", 15.0), ("building_outage: outage", 5.0)]
    assert stands_still(waits, 120.0) is None
    found = stands_still(waits, 100.0)
    assert found is not None
    assert "60.0 % of the horizon" in found
    assert "building_outage: outage (45.0 %)" in found


@pytest.mark.parametrize(
    ("technicians", "time_s", "spares", "key"),
    [(2, None, None, "repair "), (None, 3600.0, None, "repair_time "), (2, None, 3, None), (None, None, None, None)],
)
def test_repairs_that_nothing_waits_for_are_told(technicians, time_s, spares, key):
    repair = None if technicians is None else RepairSpec(technicians=technicians)
    told = idle_crew(repair, time_s, spares)
    assert told is None if key is None else told.startswith(f"operation.{key}has no effect")
