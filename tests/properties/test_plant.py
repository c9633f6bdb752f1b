"""Bus, network, voltage, transformers, machines' fuel, dips, cells and cooling: laws of any plant."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from clustersim import catalog
from clustersim.plant import (
    Air,
    GeneratorSpec,
    SiteCoolingSpec,
    SitePlantSpec,
    Voltage,
    burn,
    cooling_history,
    cooling_outdoors,
    cooling_response,
    simulate_plant,
    steady_cooling,
    units_online,
)
from clustersim.plant.battery_cells import loss, pack_of, power_limits, round_trip
from clustersim.plant.battery_wear import cycle_damage
from clustersim.plant.bus import Battery, Bus, Event, Group, initial_rocof, run_bus
from clustersim.plant.bus_kernels import TRIP
from clustersim.plant.cooling_reserve import units_to_spare
from clustersim.plant.dip_equipment import envelope, ride
from clustersim.plant.electrical_tree import electrical_tree
from clustersim.plant.governor_catalog import governor
from clustersim.plant.governors import Constant, Gast
from clustersim.plant.modes import GridMode, mode_transfer, mode_waveform
from clustersim.plant.network import network_model, read_network
from clustersim.plant.network_linear import forced_response, linearise
from clustersim.plant.transformer_thermal import ageing_rate, steady_hot_spot, temperatures, thermal_class
from clustersim.plant.voltage import Source, pcc_voltage

MW = 1e6
FEW = settings(max_examples=max(5, settings.default.max_examples // 8))
DT = 0.01
GAST = Gast(droop=0.05, t1_s=0.4, t2_s=0.1, t3_s=3.0, ambient=1.0, kt=2.0, vmax=1.0, vmin=0.0)
CELL = Battery(
    power_w=30 * MW, energy_j=3600 * 30 * MW, droop=0.01, deadband=0.0006, latency_s=0.02, time_constant_s=0.05,
    one_way_efficiency=0.95, state_of_charge=0.5,
)  # fmt: skip
FACTORS = st.floats(0.1, 10.0)
STEPS = st.floats(-30.0, 30.0)


def bus(inertia_s=4.0, scale=1.0, driver=GAST, battery=None, form="torque", damping=0.0):
    group = Group("machine", scale * 200 * MW, scale * inertia_s * 200 * MW, scale * 100 * MW, driver)
    return Bus(60.0, (group,), () if battery is None else (battery,), damping_w=scale * damping * MW, form=form)


def step(mw, seconds=8.0, scale=1.0):
    t = np.arange(round(seconds / DT)) * DT
    return scale * np.where(t >= 1.0 - 1e-9, (100 + mw) * MW, 100 * MW)


@FEW
@given(STEPS, FACTORS, st.sampled_from(["torque", "power"]))
def test_a_bus_is_per_unit(mw, k, form):
    """k times all powers, energies and inertia: the same frequency, k times the powers."""
    large = replace(CELL, power_w=k * CELL.power_w, energy_j=k * CELL.energy_j)
    one = run_bus(bus(battery=CELL, form=form, damping=50.0), step(mw), DT)
    two = run_bus(bus(scale=k, battery=large, form=form, damping=50.0), step(mw, scale=k), DT)
    np.testing.assert_allclose(two.frequency_hz, one.frequency_hz, atol=1e-9)
    np.testing.assert_allclose(two.storage_w, k * one.storage_w, rtol=1e-6, atol=1.0)


@FEW
@given(STEPS, st.floats(0.5, 2.0))
def test_a_bus_knows_no_clock(mw, k):
    """All times k times as long, H too: the same course on the longer clock; rates fall by k."""
    slow = replace(GAST, t1_s=k * 0.4, t2_s=k * 0.1, t3_s=k * 3.0)
    one = run_bus(bus(), step(mw), DT)
    two = run_bus(bus(inertia_s=4.0 * k, driver=slow), step(mw), k * DT)
    np.testing.assert_allclose(two.frequency_hz, one.frequency_hz, atol=1e-6)
    assert initial_rocof(bus(inertia_s=4.0 * k), mw * MW) == pytest.approx(initial_rocof(bus(), mw * MW) / k, rel=1e-12)


@FEW
@given(st.floats(1.0, 8.0), st.floats(-20.0, 20.0))
def test_a_free_bus_keeps_its_momentum(inertia, mw):
    """Without governor, torque form: ``2 H S (w - 1)`` is the integral of what went missing."""
    trace = run_bus(bus(inertia, driver=Constant()), step(mw), DT)
    speed = trace.frequency_hz / 60.0
    assume(trace.valid == speed.size)
    missing = np.maximum(np.arange(speed.size) * DT - 1.0, 0.0) * mw * MW
    np.testing.assert_allclose(2.0 * inertia * 200 * MW * (1.0 - speed), missing, atol=1e-6 * 200 * MW)


GOVERNORS = st.sampled_from(
    [n for n, e in catalog.entries("governors").items() if e.properties.get("model", "none") != "none"]
)


@FEW
@given(GOVERNORS, st.floats(0.3, 0.7))
def test_any_governor_rests_at_its_load_and_answers_against_the_frequency(name, power):
    """At nominal speed nothing moves; after added load the machine ends with no less power than before."""
    driver = governor(name)
    assume(power + 0.02 < driver.most)
    group = Group("machine", 200 * MW, 4.0 * 200 * MW, power * 200 * MW, driver)
    plain = Bus(60.0, (group,), (), damping_w=20 * MW)
    load = np.full(2000, power * 200 * MW)
    still = run_bus(plain, load, 0.1)
    np.testing.assert_allclose(still.frequency_hz, 60.0, atol=1e-9)
    answer = run_bus(plain, np.where(np.arange(2000) < 100, load, load + 0.5 * MW), 0.1)
    assert answer.frequency_hz[-500:].mean() <= 60.0
    assert answer.mechanical_w[0][-500:].mean() >= power * 200 * MW * (1 - 1e-6)


@FEW
@given(STEPS, st.floats(0.0, 1.0))
def test_storage_of_a_bus_keeps_its_charge_in_bounds_and_its_energy(mw, charge):
    """Charge moves by what passed the terminals and the losses of one way, and stays in [0, 1]."""
    battery = replace(CELL, state_of_charge=charge, energy_j=20 * MW)
    trace = run_bus(bus(battery=battery), step(mw), DT)
    level = trace.charge[0]
    assert ((level >= -1e-9) & (level <= 1.0 + 1e-9)).all()
    assert np.abs(trace.storage_w).max() <= battery.power_w * (1 + 1e-9)
    moved = np.where(trace.storage_w[0] > 0, trace.storage_w[0] / 0.95, trace.storage_w[0] * 0.95).sum() * DT
    # a bin in which it turns round counts by its mean
    assert (level[0] - level[-1]) * battery.energy_j == pytest.approx(moved, abs=0.02 * 20 * MW)


@FEW
@given(st.floats(1.0, 30.0), st.floats(1.0, 40.0))
def test_a_larger_step_dips_deeper(mw, more):
    first, second = (run_bus(bus(), step(x), DT).frequency_hz.min() for x in (mw, mw + more))
    assert second <= first + 1e-9


@FEW
@given(st.floats(0.0, 0.9), st.sampled_from(["torque", "power"]))
def test_a_trip_takes_what_it_says(kept, form):
    """Power of the one, not of the other; with it goes its share of the inertia."""
    group, other = (Group(name, 200 * MW, 800 * MW, 100 * MW, Constant()) for name in ("machine", "other"))
    load = np.full(200, 200 * MW)
    trace = run_bus(Bus(60.0, (group, other), form=form), load, DT, events=(Event(1.0, TRIP, 0, kept),))
    assert trace.valid == load.size
    at = np.arange(load.size) * DT
    share = np.where(at > 1.0 + 1e-9, kept, 1.0)
    np.testing.assert_allclose(
        trace.mechanical_w, [share * 100 * MW, np.full(load.size, 100 * MW)], rtol=1e-12, atol=1e-6
    )
    if form == "torque":
        missing, momentum = (1.0 - kept) * 100 * MW, 2.0 * (1.0 + kept) * 800 * MW
        expected = 60.0 * (1.0 - missing / momentum * np.maximum(at - 1.0, 0.0))
        np.testing.assert_allclose(trace.frequency_hz, expected, atol=1e-9)


SOURCES = st.builds(Source.from_strength, st.floats(1e8, 1e10), st.floats(1.0, 30.0))


@given(SOURCES, st.floats(-0.2, 0.2), st.floats(-0.1, 0.1), FACTORS)
def test_voltage_is_per_unit(source, p, q, k):
    s = source.base_va
    one, _ = pcc_voltage(p * s, q * s, source)
    two, _ = pcc_voltage(k * p * s, k * q * s, replace(source, base_va=k * s))
    assert float(two) == pytest.approx(float(one), rel=1e-9)
    none, fine = pcc_voltage(0.0, 0.0, source)
    assert (float(none), bool(fine)) == (1.0, True)


@given(SOURCES, st.floats(0.0, 0.2), st.floats(0.0, 0.1), st.floats(1.0, 10.0))
def test_a_stronger_grid_holds_the_voltage_of_a_load_higher(source, p, q, k):
    s = source.base_va
    weak, _ = pcc_voltage(p * s, q * s, source)
    strong, _ = pcc_voltage(p * s, q * s, replace(source, base_va=k * s))
    assert float(weak) - 1e-12 <= float(strong) <= 1.0 + 1e-12


MODES = st.builds(
    GridMode, st.just("mode"), st.floats(0.1, 2.0), st.floats(0.01, 0.3), st.floats(1e10, 1e12), st.just(60.0)
)
LOADS = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).normal(scale=10 * MW, size=400))


@given(MODES, LOADS, LOADS, FACTORS)
def test_a_mode_is_linear(mode, one, two, k):
    """Superposition in time, and twice the inertia half the answer."""
    answer = mode_waveform(mode, one + k * two, 0.05)
    np.testing.assert_allclose(answer, mode_waveform(mode, one, 0.05) + k * mode_waveform(mode, two, 0.05), atol=1e-12)
    heavy = replace(mode, inertia_ws=2.0 * mode.inertia_ws)
    np.testing.assert_allclose(2.0 * mode_waveform(heavy, one, 0.05), mode_waveform(mode, one, 0.05), atol=1e-12)


@given(MODES, st.floats(0.05, 5.0), st.floats(1.01, 3.0))
def test_more_damping_never_amplifies(mode, frequency, more):
    damped = replace(mode, damping=min(more * mode.damping, 0.99))
    assert abs(mode_transfer(damped, frequency)) <= abs(mode_transfer(mode, frequency)) * (1 + 1e-12)
    assert abs(mode_transfer(mode, 0.0)) == pytest.approx(0.0, abs=1e-15)


@pytest.fixture(scope="module")
def two_area():
    return linearise(network_model(read_network("two_area"), ("7",)), "7")


@FEW
@given(LOADS, LOADS, FACTORS)
def test_a_linearised_network_is_linear(two_area, one, two, k):
    answers = [forced_response(two_area, load, 0.05) for load in (one, two, one + k * two)]
    np.testing.assert_allclose(answers[2], answers[0] + k * answers[1], atol=1e-9 * np.abs(answers[2]).max() + 1e-12)


THERMAL = st.sampled_from(
    [n for n, e in catalog.entries("switchgear").items() if e.properties["part"] == "transformer"]
)


@given(THERMAL, st.floats(0.0, 1.5), st.floats(0.0, 0.5), st.floats(-20.0, 40.0), st.floats(0.0, 20.0))
def test_more_load_or_warmer_air_never_cools_or_spares_a_transformer(name, load, more, air, warmer):
    cooling = thermal_class(name, 6.0)
    here = steady_hot_spot(cooling, load, air)
    assert here >= air
    assert steady_hot_spot(cooling, load + more, air) >= here
    assert steady_hot_spot(cooling, load, air + warmer) == pytest.approx(here + warmer)
    assert ageing_rate(here + warmer) >= ageing_rate(here)
    # 6 K more double the ageing of kraft paper
    assert float(ageing_rate(here + 6.0)) == pytest.approx(2.0 * float(ageing_rate(here)), rel=1e-9)


@given(THERMAL, st.lists(st.floats(0.0, 1.5), min_size=1, max_size=30), st.integers(2, 4))
def test_a_transformer_is_exact_whatever_the_sample(name, loads, parts):
    cooling = thermal_class(name, 6.0)
    whole = temperatures(cooling, loads, 600.0, 20.0)
    fine = temperatures(cooling, np.repeat(loads, parts), 600.0 / parts, 20.0)
    np.testing.assert_allclose(fine.hot_spot_c[parts - 1 :: parts], whole.hot_spot_c, rtol=1e-9)
    assert whole.hot_spot_c.max() <= max(steady_hot_spot(cooling, x, 20.0) for x in loads) * 1.5


def units(kind, count):
    tree = {"type": kind, "count": count, "governor": "none", "dispatch_limit": "80 %"}
    return GeneratorSpec.model_validate(tree)


@given(
    st.sampled_from(["titan_130", "lm2500", "g3520k", "7ha_02", "fuel_cell"]), st.integers(1, 20),
    st.floats(0.05, 0.8), st.floats(60.0, 1e6), FACTORS,
)  # fmt: skip
def test_fuel_is_of_energy_and_of_time(kind, count, load, seconds, k):
    """k times the time is k times the fuel; more energy never less of it; more than the energy in any case."""
    group = units(kind, count)
    energy = load * count * catalog.entry("generators", group.type).si("rating") * seconds
    one = burn(group, count, energy, seconds)
    assert burn(group, count, k * energy, k * seconds).fuel_j == pytest.approx(k * one.fuel_j, rel=1e-9)
    assert burn(group, count, 0.9 * energy, seconds).fuel_j <= one.fuel_j * (1 + 1e-12)
    assert one.fuel_j > energy
    assert burn(group, count, energy, seconds).co2_kg == pytest.approx(one.co2_kg)


@given(st.sampled_from(["titan_130", "lm2500", "g3520k"]), st.integers(1, 20), st.floats(0.0, 0.8), st.floats(0.0, 0.2))
def test_more_output_never_needs_fewer_units(kind, count, share, more):
    group = units(kind, count)
    rated = count * catalog.entry("generators", group.type).si("rating")
    first, second = units_online(group, share * rated), units_online(group, min(share + more, 0.8) * rated)
    assert 0 <= first <= second <= count


@given(
    st.sampled_from(["itic"]), st.floats(0.0, 0.89), st.floats(0.001, 20.0), st.floats(0.0, 0.1), st.floats(0.0, 5.0)
)
def test_a_shallower_or_shorter_dip_never_loses_more(name, residual, seconds, deeper, longer):
    curve = envelope(name)
    worse = ride(curve, Voltage.dips(max(residual - deeper, 0.0), seconds + longer))
    if ride(curve, Voltage.dips(residual, seconds)).lost_s:
        assert worse.lost_s
    ridden = ride(curve, Voltage.dips(residual, seconds))
    assert ((ridden.served.value >= -1e-12) & (ridden.served.value <= 1.0 + 1e-12)).all()


@given(st.floats(0.02, 1.0), st.floats(0.0, 1.0), st.floats(0.05, 0.95))
def test_cells_lose_both_ways(power, more, charge):
    pack = pack_of("megapack_2xl")
    assert 0.0 < round_trip(pack, power, charge) < 1.0
    assert float(loss(pack, power, charge)) > 0.0
    assert float(loss(pack, min(power + more, 1.0), charge)) >= float(loss(pack, power, charge)) * (1 - 1e-12)
    out, into = power_limits(pack, charge)
    assert 0.0 <= min(out, into) <= max(out, into) <= 1.0


@given(st.floats(0.01, 1.0), st.floats(0.0, 0.5), st.integers(1, 1000))
def test_deeper_or_more_cycles_never_wear_less(depth, deeper, cycles):
    count = np.full(1, float(cycles))
    here = cycle_damage("megapack_2xl", np.full(1, depth), count)
    assert cycle_damage("megapack_2xl", np.full(1, min(depth + deeper, 1.0)), count) >= here
    assert cycle_damage("megapack_2xl", np.full(1, depth), 2.0 * count) == pytest.approx(2.0 * here)
    # one deep cycle wears no less than two of half its depth
    assert cycle_damage("megapack_2xl", np.full(1, depth / 2.0), 2.0 * count) <= here * (1 + 1e-12)


SITE = {
    "frequency": "60 Hz",
    "grid": {"capacity": "400 MW", "voltage": "161 kV", "system": "EI", "short_circuit": "5 GVA", "x_over_r": 10},
    "generators": {"type": "titan_130", "count": 15, "governor": "GAST_openipsl", "dispatch_limit": "80 %"},
    "battery": {"type": "megapack_2xl", "count": 100, "power": "100 MW", "energy": "300 MWh", "droop": "2 %",
                "deadband": "36 mHz"},
    "conversion": [{"stage": "hv_transformer", "rating": "400 MVA"}],
}  # fmt: skip


@FEW
@given(st.integers(0, 2**32 - 1), st.sampled_from(["grid_parallel", "island"]))
def test_sources_add_up_to_any_load(seed, mode):
    """Grid, machines and storage make the load in every sample; an island draws nothing from the grid."""
    spec = SitePlantSpec.model_validate(SITE)
    load = 120 * MW + np.cumsum(np.random.default_rng(seed).normal(scale=0.2 * MW, size=400))
    found = simulate_plant(spec, "a", "w", load, 0.2 * load, DT, 0.0, mode, 120 * MW)
    np.testing.assert_allclose(found.grid_w + found.generator_w + found.battery_w, load, atol=1.0)
    assert ((found.state_of_charge >= 0.0) & (found.state_of_charge <= 1.0)).all()
    if mode == "island":
        np.testing.assert_allclose(found.grid_w, 0.0, atol=1.0)


@given(st.floats(1.0, 400.0), st.floats(0.0, 100.0))
def test_a_tree_passes_on_what_it_does_not_lose(load, more):
    spec = SitePlantSpec.model_validate({k: v for k, v in SITE.items() if k != "battery"})
    first, second = (electrical_tree(spec, x * MW, 0.2 * x * MW) for x in (load, load + more))
    assert first.meter_w == pytest.approx(load * MW + first.losses_w, rel=1e-12)
    assert second.losses_w >= first.losses_w > 0.0


LOOP = {
    "liquid_share": "80 %", "supply_temperature": "25 degC", "design_rise": "10 degC", "alarm_temperature": "45 degC",
    "loop_time_constant": "5 min",
}  # fmt: skip
PLANTS = {
    "chillers": {"unit": "chiller_memphis", "count": 90},
    "water_chillers": {"unit": "water_cooled_chiller", "count": 10, "towers": {"count": 30}},
    "evaporative": {"unit": "wet_tower", "count": 24},
}
KINDS = st.sampled_from(sorted(PLANTS))


def cooled(kind, **changes):
    return SiteCoolingSpec.model_validate({**LOOP, "kind": kind, **PLANTS[kind], **changes})


@given(KINDS, st.floats(0.1, 300.0), st.integers(2, 5))
def test_k_times_the_units_cool_k_times_the_heat_for_k_times_the_power(kind, heat, k):
    counts = {"count": k * PLANTS[kind]["count"]}
    if "towers" in PLANTS[kind]:
        counts["towers"] = {"count": k * PLANTS[kind]["towers"]["count"]}
    one, many = steady_cooling(cooled(kind), heat * MW), steady_cooling(cooled(kind, **counts), k * heat * MW)
    for name in ("power_w", "capacity_w", "shortfall_w", "water_l_per_s"):
        assert getattr(many, name) == pytest.approx(k * getattr(one, name), rel=1e-9, abs=1e-6)
    assert many.time_to_alarm_s == pytest.approx(one.time_to_alarm_s, rel=1e-6)


@given(KINDS, st.floats(0.0, 1.2), st.floats(-20.0, 45.0))
def test_cooling_serves_what_it_can_and_pays_for_it(kind, share, dry):
    spec = cooled(kind)
    air = Air(np.array([dry]), np.array([dry - 0.2 * abs(dry) - 1.0]), 101325.0)
    found = cooling_outdoors(spec, share * 160.0 * MW, air)
    served = float(found.served_w[0])
    assert served <= share * 160.0 * MW * (1 + 1e-12)
    assert served <= float(found.capacity_w[0]) * (1 + 1e-9)
    assert min(float(found.power_w[0]), float(found.water_l_per_s[0])) >= 0.0
    assert 0.0 <= float(found.free_share[0]) <= 1.0


HEATS = st.lists(st.floats(0.0, 250.0), min_size=1, max_size=30).map(lambda mw: np.array(mw) * MW)


@given(KINDS, HEATS, st.integers(2, 5))
def test_heat_that_is_not_rejected_stays_in_the_loop(kind, heat, parts):
    spec = cooled(kind)
    found = cooling_response(spec, heat, 60.0, heat[0])
    kept = heat.sum() * 60.0 - found.rejected_w.sum() * 60.0
    assert float(found.stored_j) == pytest.approx(kept, rel=1e-6, abs=1e-6 * heat.sum() * 60.0 + 1.0)
    whole = cooling_history(spec, heat, np.full(heat.size, 60.0), heat[0])
    fine = cooling_history(spec, np.repeat(heat, parts), np.full(heat.size * parts, 60.0 / parts), heat[0])
    assert fine.rejected_j == pytest.approx(whole.rejected_j, rel=1e-6, abs=1e-3)
    assert fine.energy_j == pytest.approx(whole.energy_j, rel=1e-6, abs=1e-3)


@given(KINDS, st.floats(1.0, 300.0), st.floats(0.0, 100.0))
def test_more_heat_leaves_fewer_units_to_spare(kind, heat, more):
    spec = cooled(kind)
    first, second = (units_to_spare(spec, x * MW) for x in (heat, heat + more))
    if second is not None:
        assert (first or 0) >= second
