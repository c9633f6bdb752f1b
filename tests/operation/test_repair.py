"""The repair shop against queueing theory, by hand, and whatever is handed in."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.operation.repair import RepairShop, RepairWork, repair_shop
from clustersim.operation.shifts import WEEK_S, Shifts
from clustersim.operation.spec_parts.repair import RepairSpec

HOUR, DAY = 3600.0, 86400.0
OFFICE = Shifts(hours_s=8 * HOUR, days_per_week=5, first_s=8 * HOUR)


def shop(technicians, works, seed=0, shifts=None):
    return RepairShop(technicians, works, np.random.default_rng(seed), shifts or Shifts())


def erlang_c(servers, load):
    """Return the probability of waiting in M/M/c with `load` = arrival rate x service time."""
    tail = load**servers / math.factorial(servers) * servers / (servers - load)
    return tail / (sum(load**k / math.factorial(k) for k in range(servers)) + tail)


def batches(one, load, count, batch_size, seed=1):
    """Hand in Poisson arrivals at `load` (time in units of the mean repair); return waits and P(wait) by batch."""
    arrivals = np.cumsum(np.random.default_rng(seed).exponential(1.0 / load, count * batch_size))
    waits, waited, before = [], [], one.facts
    for first in range(0, count * batch_size, batch_size):
        for now in arrivals[first : first + batch_size].tolist():
            one.submit(now, "x")
        waits.append((one.facts.wait_s - before.wait_s) / batch_size)
        waited.append((one.facts.waited - before.waited) / batch_size)
        before = one.facts
    return np.array(waits[1:]), np.array(waited[1:]), float(arrivals[-1])  # the first batch warms up


def agrees(sample, exact, most):
    """Check the mean of batches within four standard errors, which must be below `most` of the exact value."""
    error = sample.std(ddof=1) / math.sqrt(len(sample))
    assert error < most * exact
    assert abs(sample.mean() - exact) < 4.0 * error


@pytest.mark.parametrize(("servers", "load"), [(1, 0.6), (3, 2.1), (8, 6.0)])
def test_random_repairs_wait_as_erlang_says(servers, load):
    one = shop(servers, {"x": RepairWork(1.0, "exponential")})
    waits, waited, end = batches(one, load, 21, 1000)
    chance = erlang_c(servers, load)
    agrees(waits, chance / (servers - load), 0.15)
    agrees(waited, chance, 0.05)
    assert one.utilisation(end) == pytest.approx(load / servers, rel=0.03)


def test_equal_repairs_wait_as_pollaczek_and_khinchine_say():
    waits, waited, _ = batches(shop(1, {"x": RepairWork(1.0)}), 0.6, 21, 1000)
    agrees(waits, 0.6 / (2.0 * (1.0 - 0.6)), 0.08)
    agrees(waited, 0.6, 0.03)


@pytest.mark.soak
@pytest.mark.parametrize(("servers", "load"), [(1, 0.6), (5, 3.0)])
def test_half_a_million_random_repairs_wait_as_erlang_says(servers, load):
    """Within 4 % of the wait and 2 % of its probability: two to three standard errors of this many arrivals."""
    waits, waited, end = batches(shop(servers, {"x": RepairWork(1.0, "exponential")}), load, 26, 20_000)
    chance = erlang_c(servers, load)
    agrees(waits, chance / (servers - load), 0.02)
    assert waits.mean() == pytest.approx(chance / (servers - load), rel=0.04)
    assert waited.mean() == pytest.approx(chance, rel=0.02)
    assert end > 1e5


@pytest.mark.parametrize(("stock", "demand"), [(0, 2.0), (1, 1.0), (3, 2.0), (6, 4.0)])
def test_parts_are_in_stock_as_palm_says(stock, demand):
    """Orders under way are Poisson of mean rate x lead time: a demand finds a part if fewer than `stock` are out."""
    one = shop(None, {"x": RepairWork(0.0, stock=stock, lead_s=demand)})
    arrivals = np.cumsum(np.random.default_rng(3).exponential(1.0, 20_000)).tolist()
    for now in arrivals:
        one.submit(now, "x")
    exact = sum(math.exp(-demand) * demand**k / math.factorial(k) for k in range(stock))
    assert 1.0 - one.facts.part_waits / one.facts.repairs == pytest.approx(exact, abs=0.02)
    # Little: the repairs that wait for a part are the demands beyond the stock
    beyond = sum((k - stock) * math.exp(-demand) * demand**k / math.factorial(k) for k in range(stock + 1, 60))
    assert one.facts.part_wait_s / arrivals[-1] == pytest.approx(beyond, rel=0.1)


def test_parts_by_hand():
    """Two in stock, ten hours to get one: the third and fourth wait for the orders of the first and second."""
    one = shop(None, {"x": RepairWork(1.0, stock=2, lead_s=10.0)})
    assert [one.submit(now, "x") for now in (0.0, 2.0, 3.0, 4.0, 30.0)] == [1.0, 3.0, 11.0, 13.0, 31.0]
    assert (one.facts.part_waits, one.facts.part_wait_s, one.facts.longest_wait_s) == (2, 7.0 + 8.0, 8.0)


def test_who_waits_for_a_part_holds_no_technician():
    works = {"slow": RepairWork(4.0, stock=0, lead_s=10.0), "short": RepairWork(3.0), "long": RepairWork(9.0)}
    one = shop(1, works)
    assert one.submit(0.0, "slow") == 14.0  # booked from 10 to 14
    assert one.submit(1.0, "short") == 4.0
    assert one.submit(2.0, "long") == 23.0  # does not fit before 10
    assert one.submit(3.0, "short") == 7.0


def test_a_queue_of_one_by_hand():
    one = shop(1, {"default": RepairWork(10.0)})
    assert [one.submit(now, "any") for now in (0.0, 4.0, 35.0)] == [10.0, 20.0, 45.0]
    assert (one.facts.waited, one.facts.wait_s) == (1, 6.0)
    assert one.busy_technicians(40.0) == pytest.approx(25.0 / 40.0)


def test_shifts_by_hand():
    """Office hours: five eight-hour days from Monday on; time 0 is midnight from Sunday to Monday."""
    friday = 4 * DAY
    one = shop(1, {"x": RepairWork(4 * HOUR)}, shifts=OFFICE)
    assert one.submit(0.0, "x") == 12 * HOUR  # begins when the shift does
    assert one.submit(friday + 15 * HOUR, "x") == 7 * DAY + 11 * HOUR  # an hour on Friday, three on Monday
    assert one.submit(friday + 20 * HOUR, "x") == 7 * DAY + 15 * HOUR  # behind the one before
    assert one.submit(7 * DAY + 12 * HOUR, "x") == 8 * DAY + 11 * HOUR
    ends_on_the_hour = shop(None, {"x": RepairWork(8 * HOUR)}, shifts=OFFICE)
    assert ends_on_the_hour.submit(8 * HOUR, "x") == 16 * HOUR  # not on the next morning
    wednesday = Shifts(8 * HOUR, 5, 8 * HOUR, origin_s=2 * DAY)
    assert shop(1, {"x": RepairWork(20 * HOUR)}, shifts=wednesday).submit(0.0, "x") == 2 * DAY + 12 * HOUR


def test_continuous_cover_is_exact():
    """Bit for bit the time handed in and the repair: nothing is converted back and forth."""
    one = repair_shop(None, None, np.random.default_rng(0))
    assert one.submit(1234.567891, "gpu") == 1234.567891 + DAY
    assert repair_shop(None, 77.7, np.random.default_rng(0)).submit(0.1, "host") == 0.1 + 77.7


@given(
    hours=st.floats(0.5, 24.0),
    days=st.integers(1, 7),
    origin=st.floats(0.0, WEEK_S * 0.999),
    work=st.floats(0.0, 1e7),
    time=st.floats(0.0, 1e7),
)
def test_working_time_and_back(hours, days, origin, work, time):
    calendar = Shifts(hours * HOUR, days, (24.0 - hours) / 2 * HOUR, origin)
    done, begun = calendar.when_done(work), calendar.when_begun(work)
    assert done <= begun + 1e-5
    assert calendar.work_until(done) == pytest.approx(work, abs=1e-5)
    assert calendar.work_until(begun) == pytest.approx(work, abs=1e-5)
    assert 0.0 <= calendar.work_until(time) <= time + 1e-5
    week = calendar.work_until(time + WEEK_S) - calendar.work_until(time)
    assert week == pytest.approx(days * hours * HOUR, abs=1e-4)


jobs = st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["a", "b", "c"])), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(jobs=jobs, technicians=st.integers(1, 4), stock=st.integers(0, 2))
def test_no_technician_has_two_jobs_and_nobody_is_delayed_by_a_later_one(jobs, technicians, stock):
    works = {"a": RepairWork(3.0), "b": RepairWork(5.0, stock=stock, lead_s=11.0), "c": RepairWork(1.0)}
    one, now, spans = shop(technicians, works), 0.0, []
    for gap, kind in jobs:
        now += gap
        end = one.submit(now, kind)
        assert end - works[kind].time_s >= now
        spans.append((end - works[kind].time_s, end))
    for begin, _ in spans:
        assert sum(first <= begin < last for first, last in spans) <= technicians
    assert one.facts.repairs == len(jobs)


@settings(max_examples=60, deadline=None)
@given(jobs=jobs, technicians=st.integers(1, 4))
def test_with_all_parts_the_first_come_starts_first(jobs, technicians):
    """Against the recursion of Kiefer and Wolfowitz on the sorted times at which the technicians are free."""
    works = {"a": RepairWork(3.0), "b": RepairWork(7.0), "c": RepairWork(1.0)}
    one, now, free, starts = shop(technicians, works), 0.0, [0.0] * technicians, []
    for gap, kind in jobs:
        now += gap
        starts.append(max(now, free[0]))
        free = sorted([starts[-1] + works[kind].time_s, *free[1:]])
        assert one.submit(now, kind) == starts[-1] + works[kind].time_s
    assert starts == sorted(starts)


def test_without_a_crew_nothing_is_ever_done():
    one = shop(0, {"x": RepairWork(1.0)})
    assert one.submit(5.0, "x") == math.inf
    assert (one.facts.never, one.utilisation(9.0), one.facts.wait_s) == (1, 0.0, 0.0)


def test_what_needs_no_repair_is_back_at_once():
    assert shop(0, {"x": RepairWork(1.0)}).submit(5.0, "none") == 5.0


def test_a_crew_from_the_spec_and_the_catalog():
    spec = RepairSpec.model_validate(
        {"technicians": 1, "shift": "8 h", "shift_start": "8 h", "works": {"gpu": {"parts": 0, "lead_time": "1 d"}}}
    )
    one = repair_shop(spec, None, np.random.default_rng(0))
    assert one.submit(0.0, "optic") == 8.5 * HOUR
    assert one.submit(0.0, "gpu") == DAY + 12 * HOUR  # the part comes at midnight; 4 h from 8 o'clock on
    assert one.submit(0.0, "anything else") == 10.5 * HOUR  # 2 h before the accelerator
    assert RepairSpec.model_validate(spec.model_dump(mode="json")) == spec


def test_same_stream_same_repairs():
    ends = [[one.submit(float(t), "gpu") for t in range(20)]
            for one in (repair_shop(RepairSpec(technicians=2, draw="exponential"), None, np.random.default_rng(4))
                        for _ in range(2))]  # fmt: skip
    assert ends[0] == ends[1]


def test_bad_input_is_told():
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match=r"operation\.repair\.works: expected one of .*did you mean 'optic'"):
        repair_shop(RepairSpec.model_validate({"works": {"optics": {}}}), None, rng)
    with pytest.raises(InputError, match=r"operation\.repair_time: expected none"):
        repair_shop(RepairSpec(), 5.0, rng)
    with pytest.raises(InputError, match="did you mean 'gpu'"):
        shop(1, {"gpu": RepairWork(1.0)}).submit(0.0, "gpus")
    late = shop(1, {"x": RepairWork(1.0)})
    late.submit(5.0, "x")
    with pytest.raises(ValueError, match="in order of time"):
        late.submit(4.0, "x")
    with pytest.raises(ValueError, match="ends by midnight"):
        RepairSpec.model_validate({"shift": "12 h", "shift_start": "20 h"})
    with pytest.raises(ValueError, match="lead_time: expected parts"):
        RepairSpec.model_validate({"works": {"gpu": {"lead_time": "1 d"}}})
    with pytest.raises(ValueError, match="0 to 24 h"):
        Shifts(hours_s=25 * HOUR)
    with pytest.raises(ValueError, match="same day"):
        Shifts(hours_s=12 * HOUR, first_s=20 * HOUR)
    with pytest.raises(ValueError, match="within the week"):
        Shifts(origin_s=-1.0)
    with pytest.raises(ValueError, match="not negative"):
        RepairWork(-1.0)
    with pytest.raises(ValueError, match="technicians >= 0"):
        shop(-1, {})
