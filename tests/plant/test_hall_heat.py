"""Fans and losses inside the cooled rooms: what of them is heat for the cooling, at rest, over time, in a year."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.catalog import entries, entry
from clustersim.plant import (
    SiteCoolingSpec,
    SitePlantSpec,
    cooling_outdoors,
    cooling_response,
    cooling_year,
    electrical_losses,
    equipment_reactive,
    heated_cooling,
    released_w,
    settled_heat,
    steady_cooling,
    sustainable_it,
    weather_year,
)
from clustersim.plant.stages import stage_flows

MW = 1e6
CHILLERS = SiteCoolingSpec.model_validate(
    {
        "kind": "chillers", "unit": "chiller_memphis", "count": 90, "liquid_share": "80 %",
        "supply_temperature": "25 degC", "design_rise": "10 degC", "alarm_temperature": "45 degC",
    }
)  # fmt: skip
LIQUID_ONLY = CHILLERS.model_copy(update={"liquid_share": 1.0})
FANS = 0.2 * 0.08
"""Power of the fans of the halls over the heat: 8 % of what leaves in air. [-]"""
TRANSFORMERS = (
    {"stage": "hv_transformer", "rating": "300 MW", "voltage": "34.5 kV"},
    {"stage": "mv_transformer", "rating": "300 MW", "voltage": "415 V"},
)
UPS = {"stage": "ups_double_conversion", "rating": "250 MW"}
BUSWAY = {"stage": "busway", "rating": "300 MVA", "share": "85 %"}


def plant(*stages):
    grid = {"capacity": "300 MW", "voltage": "161 kV", "system": "EI", "short_circuit": "5 GVA", "x_over_r": 10}
    return SitePlantSpec.model_validate({"frequency": "60 Hz", "grid": grid, "conversion": stages})


def inside_w(spec, it_w, cooling_w):
    """Loss of the stages in the cooled rooms, out of the whole tree."""
    flows = stage_flows(spec, it_w + cooling_w, equipment_reactive(it_w, cooling_w))
    return sum(flow.loss_w for flow in flows if flow.stage.kind in ("ups", "bus", "shelf"))


def test_what_stands_outdoors_is_the_oil_and_what_stands_inside_is_the_rest():
    stages = {name: entry("facility", name) for name in entries("facility") if entry("facility", name).has("loss.load")}
    inside = {name for name, one in stages.items() if one.properties.get("cooled")}
    assert inside == {"ups_double_conversion", "ups_eco", "pdu_transformer", "busway", "bbu_shelf", "psu"}
    assert set(stages) - inside == {"hv_transformer", "mv_transformer"}


@pytest.mark.parametrize("stages", [(), TRANSFORMERS])
def test_with_neither_stages_nor_fans_inside_the_heat_is_the_it_power_to_the_byte(stages):
    spec, it = plant(*stages), np.linspace(20.0, 140.0, 500) * MW
    assert settled_heat(spec, LIQUID_ONLY, 123.4 * MW) == 123.4 * MW
    assert settled_heat(None, LIQUID_ONLY, 123.4 * MW) == 123.4 * MW
    assert sustainable_it(spec, LIQUID_ONLY, 164.25 * MW) == 164.25 * MW
    heat, cooled = heated_cooling(spec, LIQUID_ONLY, it, 0.1, 50.0 * MW)
    assert heat.tobytes() == it.tobytes()
    assert cooled.power_w.tobytes() == cooling_response(LIQUID_ONLY, it, 0.1, 50.0 * MW).power_w.tobytes()


@pytest.mark.parametrize("liquid", [0.0, 0.5, 0.8])
def test_fans_alone_by_hand(liquid):
    """8 % of what leaves in air: of all heat below the capacity, of the capacity above it; their power is paid."""
    cooling = CHILLERS.model_copy(update={"liquid_share": liquid})
    fans = (1.0 - liquid) * 0.08
    assert settled_heat(None, cooling, 100.0 * MW) == pytest.approx(100.0 * MW / (1.0 - fans), rel=1e-12)
    assert settled_heat(None, cooling, 250.0 * MW) == pytest.approx(250.0 * MW + fans * 164.25 * MW, rel=1e-12)
    assert sustainable_it(None, cooling, 164.25 * MW) == pytest.approx((1.0 - fans) * 164.25 * MW, rel=1e-12)
    dearer = [steady_cooling(one, 100.0 * MW).power_w for one in (cooling, LIQUID_ONLY)]
    assert dearer[0] - dearer[1] == pytest.approx(fans * 100.0 * MW, rel=1e-9)


def test_a_ups_by_hand():
    """A UPS of 250 MW that carries computers and chillers at rest."""
    spec = plant(*TRANSFORMERS, UPS)
    heat = settled_heat(spec, CHILLERS, 100.0 * MW)
    cooling_w = steady_cooling(CHILLERS, heat).power_w
    s = (100.0 * MW + cooling_w) / (250.0 * MW)
    lost = 250.0 * MW * (0.012 + 0.014 * s + 0.014 * s * s)
    assert heat - 100.0 * MW == pytest.approx(lost + FANS * heat, rel=1e-7)
    assert 1.05 < heat / (100.0 * MW) < 1.09


@given(
    st.lists(st.floats(1.0, 200.0), min_size=1, max_size=30),
    st.floats(0.01, 60.0),
    st.one_of(st.none(), st.floats(1.0, 200.0)),
    st.sampled_from([(), (UPS,), (BUSWAY,), (UPS, BUSWAY), ({**UPS, "share": "3 %"}, BUSWAY)]),
    st.sampled_from([0.0, 0.8, 1.0]),
)
@settings(max_examples=60, deadline=None)
def test_heat_is_it_power_fans_and_the_losses_inside_at_all_times(watts, dt_s, before, stages, liquid):
    """Above the capacity too, and whatever the loop had settled at before."""
    cooling = CHILLERS.model_copy(update={"liquid_share": liquid})
    spec, it = plant(*TRANSFORMERS, *stages), np.array(watts) * MW
    heat, cooled = heated_cooling(spec, cooling, it, dt_s, None if before is None else before * MW)
    fans_w = (1.0 - liquid) * 0.08 * cooled.rejected_w
    assert heat == pytest.approx(it + inside_w(spec, it, cooled.power_w) + fans_w, rel=1e-9)
    assert float(heat.sum()) * dt_s == pytest.approx(float(cooled.rejected_w.sum()) * dt_s + cooled.stored_j, rel=1e-9)


@given(st.floats(1.0, 170.0), st.floats(1.0, 30.0))
@settings(max_examples=40, deadline=None)
def test_more_computers_more_heat_and_more_than_they_draw(it, more):
    spec = plant(*TRANSFORMERS, UPS)
    less, hotter = (settled_heat(spec, CHILLERS, watts * MW) for watts in (it, it + more))
    assert less > it * MW
    assert settled_heat(spec, LIQUID_ONLY, it * MW) < less
    assert hotter - less > more * MW


@given(st.floats(10.0, 180.0), st.sampled_from([(), (UPS, BUSWAY)]))
@settings(max_examples=40, deadline=None)
def test_the_sustainable_power_releases_just_the_capacity(capacity, stages):
    """Or a heat above it."""
    spec = plant(*TRANSFORMERS, *stages)
    it = sustainable_it(spec, CHILLERS, capacity * MW)
    assert it < capacity * MW
    assert settled_heat(spec, CHILLERS, it) == pytest.approx(capacity * MW, rel=1e-8)


def test_losses_without_load_alone_can_be_more_than_a_small_capacity():
    assert sustainable_it(plant(UPS), CHILLERS, 1.0 * MW) == 0.0


def test_a_year_has_fans_and_losses_in_its_heat_and_its_cooling():
    weather = CHILLERS.model_copy(update={"weather": "memphis_tn"})
    spec, it = plant(*TRANSFORMERS, UPS), 150.0 * MW
    year, bare = cooling_year(weather, spec, it), cooling_year(weather, plant(*TRANSFORMERS), it)
    assert bare.heat_w == pytest.approx(it + FANS * np.minimum(bare.heat_w, bare.capacity_w), rel=1e-9)
    state = cooling_outdoors(weather, year.heat_w, weather_year("memphis_tn").air)
    cooling_w = state.power_w
    assert year.heat_w == pytest.approx(it + inside_w(spec, it, cooling_w) + FANS * state.served_w, rel=1e-9)
    lost = electrical_losses(spec, it + cooling_w, equipment_reactive(it, cooling_w))
    assert year.meter_w == pytest.approx(it + cooling_w + lost, rel=1e-9)
    assert year.hours_above_capacity == int((year.heat_w > year.capacity_w).sum()) > 0
    assert bare.hours_above_capacity == 0


ON_OFF = CHILLERS.model_copy(update={"staging": "on_off", "weather": "memphis_tn"})


def test_units_that_are_switched_leave_no_more_apart_than_the_losses_of_one_unit():
    """No heat agrees just where the next unit starts; losses at one unit less and one more are as far apart."""
    spec, air = plant(*TRANSFORMERS, UPS), weather_year("memphis_tn").hour(4600.0)
    capacity = float(cooling_outdoors(ON_OFF, 0.0, air).capacity_w)
    unit_w = capacity / 90.0
    found = []
    for watts in np.linspace(100.0, 110.0, 401) * MW:
        heat = settled_heat(spec, ON_OFF, watts, air)
        state = steady_cooling(ON_OFF, heat, air)
        apart = abs(float(released_w(spec, ON_OFF, watts, state.power_w, state.rejected_w)) - heat)
        near = [steady_cooling(ON_OFF, heat + side * unit_w, air).power_w for side in (-1.0, 1.0)]
        one_unit = abs(float(inside_w(spec, watts, near[1]) - inside_w(spec, watts, near[0])))
        assert apart <= max(one_unit, 1e-9 * heat)
        found.append(apart / heat)
    assert max(found) > 1e-8, "no heat of these meets a switch: the case tests nothing"
    assert max(found) < 1e-4


def test_units_that_share_the_load_leave_nothing_apart():
    modulating = ON_OFF.model_copy(update={"staging": "modulating"})
    spec, air = plant(*TRANSFORMERS, UPS), weather_year("memphis_tn").hour(4600.0)
    for watts in np.linspace(100.0, 110.0, 41) * MW:
        heat = settled_heat(spec, modulating, watts, air)
        state = steady_cooling(modulating, heat, air)
        assert float(released_w(spec, modulating, watts, state.power_w, state.rejected_w)) == pytest.approx(
            heat, rel=1e-9
        )


@pytest.mark.parametrize("staging", ["modulating", "on_off"])
def test_a_year_with_units_switched_on_and_off_ends_too(staging):
    weather = ON_OFF.model_copy(update={"staging": staging})
    spec, it = plant(*TRANSFORMERS, UPS), 105.0 * MW
    year = cooling_year(weather, spec, it)
    state = cooling_outdoors(weather, year.heat_w, weather_year("memphis_tn").air)
    apart = np.abs(released_w(spec, weather, it, state.power_w, state.served_w) - year.heat_w)
    assert float(apart.max()) < (1e-4 if staging == "on_off" else 1e-9) * it
