"""Voltage dips through envelopes, supplies with a store, UPS with a counter, and a whole site."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.plant import DipLoad, SitePlantSpec, Voltage, ride_site, ups_feed, worst_corner
from clustersim.plant.course import Course, added
from clustersim.plant.dip_equipment import Supply, envelope, ride, supplies
from clustersim.plant.spec import RideThroughSpec
from clustersim.plant.transfer import Ups, disturbances, lock_s, transfer, ups
from tests.drawn import examples

ITIC = RideThroughSpec(supplies="itic", ups="ups_counter", motors="motor_drive")
UNIT = Ups(
    transfer_pu=0.87,
    transfer_time_s=0.005,
    return_pu=0.9,
    return_delay_s=3.0,
    walk_in_s=10.0,
    count_limit=3,
    count_window_s=60.0,
    manual_return_s=7200.0,
    store_s=300.0,
    recharge=0.1,
    efficiency=0.96,
    current_limit=1.2,
    restart_s=5.0,
)


def changed(**fields):
    return Ups(**{**vars(UNIT), **fields})


@pytest.mark.parametrize(
    ("residual", "longest"), [(0.0, 0.020), (0.69, 0.020), (0.70, 0.5), (0.79, 0.5), (0.80, 10.0), (0.89, 10.0)]
)
def test_the_itic_curve_from_both_sides_by_a_millisecond(residual, longest):
    curve = envelope("itic")
    assert ride(curve, Voltage.dips(residual, longest)).lost_s == ()
    assert ride(curve, Voltage.dips(residual, longest - 1e-3)).lost_s == ()
    lost = ride(curve, Voltage.dips(residual, longest + 1e-3))
    assert lost.lost_s == pytest.approx((longest,))
    # the voltage is back 1 ms later; the last server is back after delay and spread
    assert lost.back_s == pytest.approx((longest + 1e-3 + 2.5 + 10.0,))


@pytest.mark.parametrize(("duration", "level"), [(0.1, 0.70), (5.0, 0.80), (100.0, 0.90)])
def test_the_itic_curve_from_both_sides_by_a_hundredth_of_the_voltage(duration, level):
    curve = envelope("itic")
    assert ride(curve, Voltage.dips(level, duration)).lost_s == ()
    assert ride(curve, Voltage.dips(level - 0.01, duration)).lost_s != ()


def test_two_short_dips_do_not_add_up():
    curve = envelope("itic")
    assert ride(curve, Voltage.dips(0.0, 0.02, 2, 0.021)).lost_s == ()
    # two levels of one dip do: 10 ms at 0 and 15 ms at 0.6 pu are 25 ms below 0.7 pu
    assert ride(curve, Voltage((0.0, 0.010, 0.025), (0.0, 0.6, 1.0))).lost_s == pytest.approx((0.02,))


SUPPLY = Supply(0.7, 0.0084, 1.2, 0.45, 0.9, 2.5, 10.0)


@pytest.mark.parametrize(("residual", "expected"), [(0.0, 0.0084 / 0.7), (0.44, 0.0084 / 0.7), (0.5, 0.0084 / 0.1)])
def test_a_supply_drops_when_its_store_is_empty(residual, expected):
    """Constant power 0.7, input at most 1.2 x voltage above the cut-off: E / (P - P_in) by hand."""
    assert SUPPLY.drop_s(Voltage.dips(residual, expected - 1e-3), -math.inf) == math.inf
    assert SUPPLY.drop_s(Voltage.dips(residual, expected + 1e-3), -math.inf) == pytest.approx(expected)


def test_a_supply_holds_for_ever_where_its_current_suffices():
    assert SUPPLY.drop_s(Voltage.dips(0.7 / 1.2 + 1e-6, 1e6), -math.inf) == math.inf
    assert SUPPLY.share(0.7 / 1.2 + 1e-6) == 1.0
    assert SUPPLY.share(0.5) == pytest.approx(0.6 / 0.7)


def test_a_store_refills_between_dips_only_as_far_as_the_current_limit_lets_it():
    # 10 ms without voltage take 7 ms x rated of 8.4; 1 ms at full voltage gives back 0.5 ms
    late = SUPPLY.drop_s(Voltage((0.0, 0.010, 0.011, 0.1), (0.0, 1.0, 0.0, 1.0)), -math.inf)
    assert late == pytest.approx(0.011 + (0.0084 - 0.007 + 0.0005) / 0.7)


def test_the_catalog_supply_meets_its_hold_up_at_its_loading():
    found = supplies("server_supply", 0.7)
    assert found.drop_s(Voltage.dips(0.0, 1.0), -math.inf) == pytest.approx(12e-3)


def test_a_ups_is_no_supply():
    with pytest.raises(InputError, match="expected an entry of model envelope, ups_counter is ups"):
        supplies("ups_counter", 0.7)
    with pytest.raises(InputError, match="expected an entry of model ups, itic is envelope"):
        ups("itic", 1.0, 1.0)


# ---- the counter ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("spacing", "locks"), [(30.0, True), (30.001, False), (10.0, True)])
def test_the_third_disturbance_in_a_minute_locks(spacing, locks):
    found = transfer(UNIT, Voltage.dips(0.3, 0.05, 3, spacing))
    assert math.isfinite(found.locked_s) is locks
    if locks:
        assert found.locked_s == pytest.approx(2.0 * spacing + 0.005)


@pytest.mark.parametrize(("residual", "duration", "seen"), [(0.86, 0.006, 1), (0.86, 0.005, 0), (0.87, 9.0, 0)])
def test_what_counts_as_a_disturbance(residual, duration, seen):
    assert len(disturbances(UNIT, Voltage.dips(residual, duration))) == seen


@given(
    gaps=st.lists(st.floats(0.1, 100.0), min_size=1, max_size=12),
    limit=st.integers(1, 5),
    window=st.floats(1.0, 120.0),
)
def test_the_counter_against_the_plain_definition(gaps, limit, window):
    times = tuple(np.cumsum(gaps).tolist())
    plain = [t for t in times if sum(1 for u in times if t - window - 1e-9 <= u <= t) >= limit]
    assert lock_s(times, limit, window) == (plain[0] if plain else math.inf)
    # a later disturbance changes nothing about the first lock, one more before it can only bring it forward
    assert lock_s((*times, times[-1] + 1.0), limit, window) <= lock_s(times, limit, window)
    if math.isfinite(lock_s(times, limit, window)):
        assert lock_s((*times, times[-1] + 1.0), limit, window) == lock_s(times, limit, window)


@given(spacing=st.floats(0.2, 40.0), count=st.integers(1, 6))
@settings(max_examples=40)
def test_order_and_spacing_decide_alone(spacing, count):
    """With a counter of 3 a row of dips locks if and only if three of them fall within the window."""
    found = transfer(UNIT, Voltage.dips(0.3, 0.05, count, spacing))
    assert math.isfinite(found.locked_s) == (count >= 3 and 2.0 * spacing <= 60.0 + 1e-9)
    assert len(found.transfers_s) <= count


def test_a_dip_during_the_return_delay_counts_but_is_no_new_transfer():
    found = transfer(UNIT, Voltage.dips(0.3, 0.05, 3, 1.0))
    assert found.transfers_s == pytest.approx((0.005,))
    assert found.locked_s == pytest.approx(2.005)


def test_locked_load_comes_back_by_hand_alone():
    found = transfer(changed(store_s=1e6), Voltage.dips(0.3, 0.05, 3, 16.4))
    # the rectifier waits its return delay then too
    back = 32.805 + 7200.0 + 3.0
    assert found.drawn.means(back - 10.0, 10.0, 1)[0] == 0.0
    assert found.drawn.means(back, 10.0, 1)[0] == pytest.approx(0.5)
    assert found.lost_s == ()


# ---- its battery ----------------------------------------------------------------------------------------------------


def test_the_energy_of_one_transfer_by_hand():
    """5 ms at 0.36 of the load (0.3 pu x 1.2), then 45 ms + 3 s without, then half of the walk-in of 10 s."""
    found = transfer(UNIT, Voltage.dips(0.3, 0.05))
    assert found.battery_s == pytest.approx(0.005 * 0.64 + 0.045 + 3.0 + 5.0)
    # it takes that back over the efficiency both ways
    refill = found.battery_s / (0.96**2 * 0.1)
    assert found.drawn.integral(13.05, 13.05 + 2 * refill) == pytest.approx(2 * refill + 0.1 * refill)


@given(
    residual=st.floats(0.0, 0.86),
    duration=st.floats(0.01, 400.0),
    count=st.integers(1, 5),
    pause=st.floats(0.1, 30.0),
    store=st.floats(5.0, 300.0),
)
@settings(max_examples=examples(60), deadline=None)
def test_nothing_is_lost_between_grid_battery_and_load(residual, duration, count, pause, store):
    found = transfer(changed(store_s=store), Voltage.dips(residual, duration, count, duration + pause))
    end, times = 20_000.0, np.unique(np.concatenate(([-1.0, 20_000.0], found.drawn.time_s, found.served.time_s)))
    short = 0.0
    for a, b in zip(times[:-1], times[1:], strict=True):
        taken, fed = found.drawn.integral(a, b), found.served.integral(a, b)
        short += max(fed - taken, 0.0)
    assert short == pytest.approx(found.battery_s, abs=1e-6)
    assert found.drawn.means(end, 1.0, 1)[0] >= 0.0
    if not found.lost_s:
        assert found.served.integral(-1.0, end) == pytest.approx(end + 1.0)
    refilled = found.drawn.value.max() - 1.0
    assert refilled == pytest.approx(0.1) or found.battery_s == 0.0


def test_an_empty_battery_drops_the_load_until_the_rectifier_is_back():
    found = transfer(changed(store_s=60.0), Voltage.dips(0.0, 600.0))
    # at 0 pu nothing comes in from the first moment on
    assert found.lost_s == pytest.approx((60.0,))
    assert found.back_s == pytest.approx((600.0 + 3.0 + 10.0 + 5.0,))
    assert found.battery_s == pytest.approx(60.0)
    assert found.empty_s == pytest.approx(60.0)


def test_generators_behind_the_ups_save_its_battery():
    found = transfer(changed(store_s=60.0, backup_s=15.0), Voltage.dips(0.0, 600.0))
    assert found.lost_s == ()
    assert found.battery_s == pytest.approx(0.005 + 15.0 + 5.0)


# ---- a site ---------------------------------------------------------------------------------------------------------

HALF = DipLoad(it_w=80e6, cooling_w=20e6, loading=0.7, ups_share=0.5, ups_rating_w=50e6)


@given(residual=st.floats(0.0, 0.95), duration=st.floats(0.005, 30.0), count=st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_the_parts_of_a_site_add_up(residual, duration, count):
    found = ride_site(HALF, ITIC, Voltage.dips(residual, duration, count, duration + 5.0))
    assert found.total_w == pytest.approx(100e6)
    parts = sum(part.watts * part.ridden.drawn.means(-20.0, 1e-2, 10_000) for part in found.parts)
    assert found.grid.means(-20.0, 1e-2, 10_000) == pytest.approx(parts, abs=1e-3)
    assert found.grid.means(-20.0, 20.0, 1)[0] == pytest.approx(100e6)
    assert 0.0 <= found.lost_w <= 100e6
    assert found.recovery_s >= 0.0


def test_a_site_by_hand():
    """0.3 pu for 50 ms: half of the servers drop, half go to the battery, the drives trip."""
    found = ride_site(HALF, ITIC, Voltage.dips(0.3, 0.05))
    assert [part.name for part in found.parts] == ["supplies", "ups", "motors"]
    assert found.it_lost_share == pytest.approx(0.5)
    assert found.kept_share == pytest.approx(0.4)
    assert found.lost_w == pytest.approx(100e6)
    assert found.outage_s == pytest.approx((0.02, 12.55))
    # UPS 3.05 to 13.05 s, servers 2.55 to 12.55 s, motors 5.05 to 15.05 s; each in a straight line
    assert found.grid.after(np.array([10.05]))[0] == pytest.approx(40e6 * 0.7 + 40e6 * 0.75 + 20e6 * 0.5)
    # 90 % again after 12.55 s: 40 + 40 x 0.95 + 20 x 0.75 = 93, at 12.15: 38.4 + 36.4 + 14.2 = 89
    assert found.recovery_s == pytest.approx(12.25 - 0.05, abs=0.05)
    # steepest from 12.05 to 13.05 s: servers 2 MW, UPS 4, motors 2, and 10 % of 50 MVA that recharge from then on
    assert found.ramp_w_per_s == pytest.approx(13e6)


@pytest.mark.parametrize(
    ("share", "it_part", "behind"),
    [(1.0, 1.0, 1.0), (1.0, 0.75, 1.0), (0.6, 0.75, 0.8), (0.73, 0.75, 1.0), (0.6, 1.0, 0.6), (0.03, 0.75, 0.03)],
)
def test_a_ups_in_the_way_to_computers_alone_carries_more_of_them_than_of_the_load(share, it_part, behind):
    stage = {"stage": "ups_double_conversion", "rating": "60 MW", "share": f"{share} x"}
    grid = {"capacity": "90 MW", "voltage": "161 kV", "system": "EI", "short_circuit": "5 GVA", "x_over_r": 10}
    plant = SitePlantSpec.model_validate({"frequency": "60 Hz", "grid": grid, "conversion": [stage]})
    assert ups_feed(plant, it_part) == (pytest.approx(behind), 60e6)


def test_a_shallow_dip_leaves_all_connected():
    found = ride_site(HALF, ITIC, Voltage.dips(0.88, 5.0))
    assert (found.kept_share, found.lost_w, found.recovery_s, found.transfers) == (1.0, 0.0, 0.0, 0)


def test_the_worst_corner_of_a_curve():
    direct = DipLoad(it_w=90e6, cooling_w=10e6, loading=0.7)
    assert worst_corner(direct, ITIC, ((0.02, 0.0), (0.5, 0.7), (10.0, 0.8))) == (1.0, "0 pu for 0.02 s")
    share, corner = worst_corner(direct, ITIC, ((0.02, 0.0), (0.15, 0.2), (10.0, 0.9)))
    assert (share, corner) == (0.0, "0.2 pu for 0.15 s")


def test_means_of_a_course_are_exact():
    course = Course.of([(0.0, 1.0), (0.0, 0.0), (2.0, 0.0), (4.0, 1.0)])
    assert course.means(-1.0, 1.0, 6).tolist() == pytest.approx([1.0, 0.0, 0.0, 0.25, 0.75, 1.0])
    assert added([(2.0, course), (1.0, course)]).means(-1.0, 1.0, 6).tolist() == pytest.approx(
        [3.0, 0.0, 0.0, 0.75, 2.25, 3.0]
    )
