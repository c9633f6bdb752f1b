"""Fuel and exhaust: the two published heat rates of one engine, Willans' line, exhaust by hand, limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim.catalog import entries, entry
from clustersim.errors import CatalogError
from clustersim.plant import (
    GeneratorSpec,
    burn,
    fuel_class,
    heat_rate,
    minimum_load_w,
    spinning_reserve_w,
    units_online,
)

MWH, GJ, MMBTU = 3.6e9, 1e9, 1.05505585e9


def units(kind="titan_130", count=15, **more):
    return GeneratorSpec.model_validate(
        {"type": kind, "count": count, "governor": "none", "dispatch_limit": "80 %", **more}
    )


def test_published_heat_rates_of_an_engine_at_half_and_full_load():
    """G3520 fast response: 10.9 MJ/kWh at 50 %, 9.32 at 100 % (its published pair gave the class its idling fuel)."""
    engine, figures = units("cat_g3520_fast_response"), entry("generators", "cat_g3520_fast_response")
    assert heat_rate(engine, 1.0) == pytest.approx(figures.si("heat_rate.lhv.load_100"), rel=0.002)
    assert heat_rate(engine, 0.5) == pytest.approx(figures.si("heat_rate.lhv.load_50"), rel=0.002)


def test_memphis_permit_by_hand():
    """15 Titan 130 at 10 MW for a year: 9,630 Btu/kWh at full load, a fifth of it idling, lean premix."""
    hours = 8766.0
    found = burn(units(nox_control="lean_premix"), 15, 150e6 * hours * 3600.0, hours * 3600.0)
    full = 9630.0 / 1e6 * 16.5e3 * 15 * hours  # MMBtu, LHV, at full load
    fuel = full * (0.2 + 0.8 * 150.0 / 247.5)
    assert found.fuel_j / MMBTU == pytest.approx(fuel, rel=1e-6)
    assert found.nox_kg == pytest.approx(fuel * 1.11 * 0.099 * 0.45359237, rel=1e-6)
    assert found.co2_kg == pytest.approx(fuel * 1.11 * 53.06, rel=1e-6)
    assert found.unit_s == pytest.approx(15 * hours * 3600.0)


@given(
    st.lists(st.floats(0.0, 1.0), min_size=2, max_size=12),
    st.integers(1, 20),
    st.sampled_from(["titan_130", "lm2500", "g3520k", "7ha_02", "fuel_cell"]),
)
def test_fuel_of_a_varying_load_is_the_sum_of_its_parts(loads, online, kind):
    group = units(kind, count=20)
    rating = entry("generators", group.type).si("rating") * online
    parts = [burn(group, online, load * rating * 60.0, 60.0).fuel_j for load in loads]
    whole = burn(group, online, sum(loads) * rating * 60.0, 60.0 * len(loads))
    assert whole.fuel_j == pytest.approx(sum(parts), rel=1e-9)


@given(st.floats(0.02, 0.98), st.sampled_from(["titan_130", "lm6000", "jenbacher_j624", "fuel_cell", "7ha_02"]))
def test_part_load_costs_more_fuel_for_a_kilowatt_hour(load, kind):
    assert heat_rate(units(kind), load) > heat_rate(units(kind), 1.0)
    assert heat_rate(units(kind), 1.0) == pytest.approx(entry("generators", units(kind).type).si("heat_rate.lhv"))


@given(st.floats(0.0, 400e6), st.integers(1, 30))
def test_units_online_are_the_fewest_that_carry_the_load(output, count):
    group = units(count=count)
    online = units_online(group, output)
    one = 0.8 * 16.5e6
    assert 0 <= online <= count
    assert online == count or online * one >= output - 1e-8 * one
    assert online == 0 or (online - 1) * one < output
    assert spinning_reserve_w(group, online, min(output, online * 16.5e6)) >= 0.0


def test_every_generator_has_a_class_with_fuel_and_exhaust():
    for name in entries("generators"):
        group = units(name)
        figures = fuel_class(group)
        assert heat_rate(group, 1.0) > 1.5
        assert 0.0 <= figures.si("no_load_fuel") < 0.5
        assert 0.0 < minimum_load_w(group, 1) < entry("generators", name).si("rating")
        assert figures.si("nox.none") >= 0.0


def test_more_than_the_rating_is_refused():
    with pytest.raises(ValueError, match="at their rating"):
        burn(units(), 2, 3 * 16.5e6 * 60.0, 60.0)
    with pytest.raises(ValueError, match="expected a load"):
        heat_rate(units(), 0.0)


def test_a_control_without_a_figure_is_named():
    with pytest.raises(CatalogError, match="nox.water"):
        burn(units("g3520k", nox_control="water"), 1, MWH, 7200.0)


def test_diesel_counts_on_its_own_higher_heating_value():
    """1.065 over the lower one, 73.96 kg of CO2 a million Btu; natural gas has 1.11."""
    group = units("cat_c175_20_diesel")
    found = burn(group, 1, entry("generators", group.type).si("rating") * 3600.0, 3600.0)
    assert found.co2_kg == pytest.approx(found.fuel_j / MMBTU * 1.065 * 73.96, rel=1e-9)


def test_the_least_load_of_a_group_goes_before_that_of_its_class():
    assert minimum_load_w(units(minimum_load="37 %"), 3) == pytest.approx(0.37 * 3 * 16.5e6)
    assert minimum_load_w(units(minimum_load="37 %"), 3) != minimum_load_w(units(), 3)
