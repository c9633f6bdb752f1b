"""Losses of stages inside the cooled rooms: what of them is heat for the cooling, at rest, over time, in a year."""

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
def test_without_stages_inside_the_heat_is_the_it_power_to_the_byte(stages):
    spec, it = plant(*stages), np.linspace(20.0, 140.0, 500) * MW
    assert settled_heat(spec, CHILLERS, 123.4 * MW) == 123.4 * MW
    assert settled_heat(None, CHILLERS, 123.4 * MW) == 123.4 * MW
    assert sustainable_it(spec, CHILLERS, 164.25 * MW) == 164.25 * MW
    heat, cooled = heated_cooling(spec, CHILLERS, it, 0.1, 50.0 * MW)
    assert heat.tobytes() == it.tobytes()
    assert cooled.power_w.tobytes() == cooling_response(CHILLERS, it, 0.1, 50.0 * MW).power_w.tobytes()


def test_by_hand():
    """A UPS of 250 MW that carries computers and chillers at rest."""
    spec = plant(*TRANSFORMERS, UPS)
    heat = settled_heat(spec, CHILLERS, 100.0 * MW)
    cooling_w = steady_cooling(CHILLERS, heat).power_w
    s = (100.0 * MW + cooling_w) / (250.0 * MW)
    assert heat - 100.0 * MW == pytest.approx(250.0 * MW * (0.012 + 0.014 * s + 0.014 * s * s), rel=1e-7)
    assert 1.03 < heat / (100.0 * MW) < 1.07


@given(
    st.lists(st.floats(1.0, 200.0), min_size=1, max_size=30),
    st.floats(0.01, 60.0),
    st.one_of(st.none(), st.floats(1.0, 200.0)),
    st.sampled_from([(UPS,), (BUSWAY,), (UPS, BUSWAY), ({**UPS, "share": "3 %"}, BUSWAY)]),
)
@settings(max_examples=60, deadline=None)
def test_heat_is_it_power_and_the_losses_inside_at_all_times(watts, dt_s, before, stages):
    """Above the capacity too, and whatever the loop had settled at before."""
    spec, it = plant(*TRANSFORMERS, *stages), np.array(watts) * MW
    heat, cooled = heated_cooling(spec, CHILLERS, it, dt_s, None if before is None else before * MW)
    assert heat == pytest.approx(it + inside_w(spec, it, cooled.power_w), rel=1e-9)
    assert float(heat.sum()) * dt_s == pytest.approx(float(cooled.rejected_w.sum()) * dt_s + cooled.stored_j, rel=1e-9)


@given(st.floats(1.0, 170.0), st.floats(1.0, 30.0))
@settings(max_examples=40, deadline=None)
def test_more_computers_more_heat_and_more_than_they_draw(it, more):
    spec = plant(*TRANSFORMERS, UPS)
    less, hotter = (settled_heat(spec, CHILLERS, watts * MW) for watts in (it, it + more))
    assert less > it * MW
    assert hotter - less > more * MW


@given(st.floats(10.0, 180.0))
@settings(max_examples=40, deadline=None)
def test_the_sustainable_power_releases_just_the_capacity(capacity):
    spec = plant(*TRANSFORMERS, UPS, BUSWAY)
    it = sustainable_it(spec, CHILLERS, capacity * MW)
    assert it < capacity * MW
    assert settled_heat(spec, CHILLERS, it) == pytest.approx(capacity * MW, rel=1e-8)


def test_losses_without_load_alone_can_be_more_than_a_small_capacity():
    assert sustainable_it(plant(UPS), CHILLERS, 1.0 * MW) == 0.0


def test_a_year_has_the_losses_in_its_heat_and_its_cooling():
    weather = CHILLERS.model_copy(update={"weather": "memphis_tn"})
    spec, it = plant(*TRANSFORMERS, UPS), 150.0 * MW
    year, bare = cooling_year(weather, spec, it), cooling_year(weather, plant(*TRANSFORMERS), it)
    assert (bare.heat_w == it).all()
    cooling_w = cooling_outdoors(weather, year.heat_w, weather_year("memphis_tn").air).power_w
    assert year.heat_w == pytest.approx(it + inside_w(spec, it, cooling_w), rel=1e-9)
    lost = electrical_losses(spec, it + cooling_w, equipment_reactive(it, cooling_w))
    assert year.meter_w == pytest.approx(it + cooling_w + lost, rel=1e-9)
    assert year.hours_above_capacity == int((year.heat_w > year.capacity_w).sum()) > 0
    assert bare.hours_above_capacity == 0
