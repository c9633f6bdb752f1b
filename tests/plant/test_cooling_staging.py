"""Staging, loss of units, ride-through."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.plant import (
    SiteCoolingSpec,
    cooling_reserve,
    design_air,
    lose_units,
    ride_through,
    stage_units,
    steady_cooling,
    unit_starts,
    units_to_spare,
)

MW = 1e6
TEXT = {
    "kind": "chillers", "unit": "chiller_memphis", "count": 90, "liquid_share": "80 %", "supply_temperature": "25 degC",
    "design_rise": "10 degC", "alarm_temperature": "45 degC", "loop_time_constant": "5 min",
}  # fmt: skip
MEMPHIS = SiteCoolingSpec.model_validate(TEXT)
MASS = 300.0 * 164.25 * MW / 10.0


def test_units_start_at_once_and_stop_after_their_minimum_run():
    heat = np.array([1.0, 5.0, 5.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    found = stage_units(heat, 60.0, 2.0, 10, 180.0)
    assert found.running.tolist() == [1, 3, 3, 3, 2, 2, 2, 1, 1]
    assert found.starts == 2


@settings(max_examples=60, deadline=None)
@given(
    heat=st.lists(st.floats(0.0, 30.0), min_size=1, max_size=200),
    hold=st.floats(0.0, 50.0),
    count=st.integers(1, 12),
)
def test_staging_carries_the_heat_and_keeps_the_minimum_run(heat, hold, count):
    found = stage_units(heat, 1.0, 2.0, count, hold)
    needed = np.minimum(np.ceil(np.array(heat) / 2.0 - 1e-12), count)
    assert (found.running >= needed).all()
    assert found.running.max() <= count
    change = np.diff(found.running)
    assert found.starts == change[change > 0].sum()
    switched = np.flatnonzero(change != 0) + 1
    for k in np.flatnonzero(change < 0) + 1:
        before = switched[switched < k]
        assert found.running[k - 1] - found.running[k] == 1
        assert before.size == 0 or k - before[-1] >= math.ceil(hold - 1e-9)


def test_bad_staging_is_refused():
    with pytest.raises(ValueError, match="at least one sample"):
        stage_units([], 1.0, 1.0, 1)
    with pytest.raises(ValueError, match="expected units above 0 W"):
        stage_units([1.0], 1.0, 0.0, 1)


def test_on_off_staging_runs_few_units_at_full_load():
    shared = steady_cooling(MEMPHIS, 60 * MW, design_air(20.0))
    few = steady_cooling(MEMPHIS.model_copy(update={"staging": "on_off"}), 60 * MW, design_air(20.0))
    # at part load the temperature differences of condenser and evaporator shrink
    assert few.power_w > shared.power_w
    full = steady_cooling(MEMPHIS.model_copy(update={"staging": "on_off"}), 164 * MW, design_air(35.0))
    assert full.power_w == pytest.approx(steady_cooling(MEMPHIS, 164 * MW, design_air(35.0)).power_w, rel=0.01)


def test_chillers_are_lost_one_by_one():
    """150 MW on 164 MW: seven may fail; the eighth brings the alarm, each more brings it sooner."""
    found = [lose_units(MEMPHIS, 150 * MW, n) for n in range(91)]
    capacity = [loss.capacity_w for loss in found]
    np.testing.assert_allclose(np.diff(capacity), -1.825 * MW, rtol=1e-9)
    assert math.isinf(found[7].time_to_alarm_s)
    assert math.isfinite(found[8].time_to_alarm_s)
    times = [loss.time_to_alarm_s for loss in found[8:]]
    assert (np.diff(times) < 0.0).all()
    # with nothing left, all heat goes into the loop: 20 K - 150 / 164.25 x 10 K
    assert times[-1] == pytest.approx(MASS * (20.0 - 10.0 * 150 / 164.25) / (150 * MW))
    assert found[0].shortfall_w == 0.0
    with pytest.raises(ValueError, match="lost: expected 0 to 90 units, found 91"):
        lose_units(MEMPHIS, 150 * MW, 91)
    with pytest.raises(ValueError, match="found -1"):
        lose_units(MEMPHIS, 150 * MW, -1)


def test_spares_step_in():
    spare = MEMPHIS.model_copy(update={"standby": 4})
    assert lose_units(spare, 150 * MW, 4).capacity_w == lose_units(spare, 150 * MW, 0).capacity_w
    assert lose_units(spare, 150 * MW, 5).capacity_w == pytest.approx(85 * 1.825 * MW)


def test_a_dip_that_trips_the_chillers():
    """A dip of no length: the loop warms by 150 MW / C for the restart of 5 min, and the alarm comes before."""
    dip = ride_through(MEMPHIS, 150 * MW, 0.0)
    assert dip.without_cooling_s == 300.0
    assert dip.recovered_s == 300.0 + 89 * 5.0
    assert dip.time_to_alarm_s == pytest.approx(MASS * (20.0 - 10.0 * 150 / 164.25) / (150 * MW))
    assert dip.first_alarm_s == math.inf or dip.first_alarm_s >= dip.time_to_alarm_s * (1 - 1e-9)
    small = ride_through(MEMPHIS, 20 * MW, 0.0)
    assert small.first_alarm_s == math.inf
    assert small.peak_temperature_c == pytest.approx(25.0 + 10.0 * 20 / 164.25 + 300.0 * 20 * MW / MASS, abs=0.2)


def test_a_tank_rides_through_what_the_loop_cannot():
    tank = MEMPHIS.model_copy(update={"buffer": 80 * 3.6e9})
    outage = 600.0
    assert math.isfinite(ride_through(MEMPHIS, 150 * MW, outage).first_alarm_s)
    assert ride_through(tank, 150 * MW, outage).first_alarm_s == math.inf
    longest = ride_through(tank, 150 * MW, 0.0).longest_outage_s
    assert longest > outage
    assert ride_through(MEMPHIS, 150 * MW, 0.0).longest_outage_s == 0.0
    assert ride_through(tank, 150 * MW, longest - 1.0).first_alarm_s == math.inf
    assert math.isfinite(ride_through(tank, 150 * MW, longest + 1.0).first_alarm_s)


def test_the_alarm_comes_at_once_when_nothing_comes_back():
    found = ride_through(MEMPHIS, 150 * MW, 3600.0)
    assert found.first_alarm_s == pytest.approx(found.time_to_alarm_s, rel=1e-9)


def test_towers_need_no_restart():
    towers = SiteCoolingSpec.model_validate({**TEXT, "kind": "evaporative", "unit": "wet_tower", "count": 24})
    assert ride_through(towers, 100 * MW, 0.0).without_cooling_s == 0.0
    with pytest.raises(ValueError, match="at least 0"):
        ride_through(towers, 100 * MW, -1.0)


@given(heat=st.floats(0.1, 200.0), standby=st.integers(0, 5), lost=st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_units_to_spare_are_the_last_that_lose_units_forgives(heat, standby, lost):
    """By hand: 90 units of 1.825 MW less what stands still; a loop without heat needs none of them."""
    spec = MEMPHIS.model_copy(update={"standby": standby, "lost": lost})
    found = units_to_spare(spec, heat * MW)
    if heat > 1.825 * (90 - max(standby, lost)):
        assert found is None
        return
    assert found == 90 - lost - math.ceil(heat / 1.825)
    assert lose_units(spec, heat * MW, found).time_to_alarm_s == math.inf
    if found < 90 - lost:
        assert lose_units(spec, heat * MW, found + 1).time_to_alarm_s < math.inf


def test_reserve_of_memphis():
    found = cooling_reserve(MEMPHIS, 150 * MW)
    assert (found.spare, found.one_lost.time_to_alarm_s) == (7, math.inf)
    assert found.dip == ride_through(MEMPHIS, 150 * MW, 0.0)
    assert found.dip.first_alarm_s < math.inf
    assert cooling_reserve(MEMPHIS, 170 * MW).spare is None


def test_starts_of_staged_units_by_hand():
    """Two hours at 4, 40 and 4 MW: 3, 22 and again 3 units of 1.825 MW; 19 start, and stop one by one."""
    staged = MEMPHIS.model_copy(update={"staging": "on_off"})
    assert unit_starts(staged, [4 * MW, 40 * MW, 4 * MW], [7200.0] * 3) == 19
    assert unit_starts(staged, [40 * MW], [7200.0]) == 0
    # a stop of five minutes takes no unit away, a stop of two hours twelve: one each ten minutes
    assert unit_starts(staged, [40 * MW, 4 * MW, 40 * MW], [7200.0, 7200.0, 600.0]) == 12
    assert unit_starts(MEMPHIS, [40 * MW], [7200.0]) is None
