"""Voltage behind a Thevenin impedance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.plant.fault_level import source_fault
from clustersim.plant.simulate import simulate_plant
from clustersim.plant.spec import GridSpec, SitePlantSpec
from clustersim.plant.voltage import Source, grid_source, pcc_voltage, short_circuit_va, supported_voltage

TABLE = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "andes" / "weak_grid_summary.csv"


@pytest.mark.skipif(not TABLE.is_file(), reason="reference table is not beside the repository")
def test_weak_grid_equals_andes_and_its_closed_form():
    for row in pd.read_csv(TABLE).itertuples():
        source = Source(100e6, row.r, row.x)
        load = np.array([300e6, 200e6, 100e6])
        voltage, feasible = pcc_voltage(load, 40e6, source)
        assert feasible.all()
        assert voltage == pytest.approx([row.v_min, row.v_mid, row.v_max], abs=1e-5)
        assert voltage == pytest.approx([row.an_hi, row.an_mid, row.an_lo], abs=1e-9)


@pytest.mark.skipif(not TABLE.is_file(), reason="reference table is not beside the repository")
@pytest.mark.parametrize("ratio", [20, 10, 4])
def test_pulsing_load_equals_andes_in_time(ratio):
    """200 MW +-50 % at 1 Hz from 1 s: the voltage follows at once; samples at an edge are left out."""
    row = pd.read_csv(TABLE).set_index("scr").loc[float(ratio)]
    table = pd.read_csv(TABLE.parent / f"weak_scr{ratio}.csv.gz")
    t = table.t.to_numpy()
    half = np.floor(2.0 * (t - 1.0)) % 2
    load = np.where(t < 1.0, 200e6, np.where(half == 0, 300e6, 100e6))
    voltage, feasible = pcc_voltage(load, 40e6, Source(100e6, row.r, row.x))
    clear = np.abs(2.0 * t - np.round(2.0 * t)) > 0.025
    assert feasible.all()
    assert np.abs(voltage - table.v_load)[clear | (t < 0.99)].max() < 1e-5


@pytest.mark.parametrize("ratio", [3.0, 2.5, 2.0])
def test_weak_grids_have_no_operating_point(ratio):
    """At a short-circuit ratio of 3 or less the peak of 300 MW has no solution: said, with how much is too much."""
    grid = {
        "capacity": "400 MW",
        "voltage": "161 kV",
        "system": "EI",
        "short_circuit": f"{200 * ratio:g} MVA",
        "x_over_r": 10,
    }
    spec = SitePlantSpec.model_validate({"frequency": "60 Hz", "grid": grid})
    load = np.where(np.arange(400) % 100 < 50, 300e6, 100e6)
    found = simulate_plant(spec, "a", "steady", load, np.full(400, 40e6), 1e-2, 0.0, "grid_parallel", 200e6)
    (said,) = [text for text in found.warnings if "no operating point" in text]
    assert "cannot carry 200 of 400 samples (largest 300 MW)" in said
    assert np.isfinite(found.voltage_pu).all()
    strong = {"short_circuit": "800 MVA"}
    fit = spec.model_copy(update={"grid": GridSpec.model_validate(grid | strong)})
    again = simulate_plant(fit, "a", "steady", load, np.full(400, 40e6), 1e-2, 0.0, "grid_parallel", 200e6)
    assert not any("no operating point" in text for text in again.warnings)


def test_no_load_no_drop():
    assert pcc_voltage(0.0, 0.0, Source.from_strength(5e9, 10.0))[0] == 1.0


def test_impedance_has_the_stated_strength():
    source = Source.from_strength(5e9, 10.0)
    assert np.hypot(source.resistance_pu, source.reactance_pu) == pytest.approx(1.0)
    assert source.reactance_pu / source.resistance_pu == pytest.approx(10.0)


def test_beyond_the_nose_is_marked():
    voltage, feasible = pcc_voltage([100e6, 3e9, 1e12], [0.0, 0.0, 0.0], Source.from_strength(5e9, 10.0))
    assert feasible.tolist() == [True, False, False]
    assert np.isfinite(voltage).all()


def test_small_swing_obeys_the_planners_rule():
    """dV = dP/S (cos psi) + dQ/S (sin psi): 100 MW on 5 GVA at X/R 10 and unity power factor is 0.2 %."""
    voltage, _ = pcc_voltage([0.0, 100e6], [0.0, 0.0], Source.from_strength(5e9, 10.0))
    assert 1.0 - voltage[1] == pytest.approx(100e6 / 5e9 * np.cos(np.arctan(10.0)), rel=0.15)


def test_point_gives_what_the_site_leaves_open():
    by_point = GridSpec.model_validate(
        {"capacity": "150 MW", "voltage": "161 kV", "system": "eastern_interconnection", "point": "memphis_161kv"}
    )
    assert grid_source(by_point).base_va == 5e9
    stated = by_point.model_copy(update={"short_circuit": 3e9, "x_over_r": 5.0})
    assert grid_source(stated) == Source.from_strength(3e9, 5.0)


@settings(max_examples=40, deadline=None)
@given(p=st.floats(-0.2, 0.2), q=st.floats(-0.1, 0.1), ratio=st.floats(1.0, 30.0), strength=st.floats(1e8, 1e10))
def test_solution_satisfies_the_network(p, q, ratio, strength):
    source = Source.from_strength(strength, ratio)
    v, feasible = pcc_voltage(p * strength, q * strength, source)
    assert feasible
    z = complex(source.resistance_pu, source.reactance_pu)
    assert abs(v + z * complex(p, -q) / v) == pytest.approx(1.0, abs=1e-9)
    stronger, _ = pcc_voltage(p * strength, q * strength, Source.from_strength(2 * strength, ratio))
    assert abs(stronger - 1.0) <= abs(v - 1.0) + 0.05 * abs(p) + 1e-12


@settings(max_examples=20, deadline=None)
@given(p=st.floats(0.0, 0.2), more=st.floats(0.001, 0.05))
def test_more_load_never_lifts_the_voltage(p, more):
    source = Source.from_strength(1e9, 10.0)
    first, second = pcc_voltage([p * 1e9, (p + more) * 1e9], [0.1e9, 0.1e9], source)[0]
    assert second < first


@settings(max_examples=50)
@given(st.floats(-0.3, 0.2), st.floats(-0.1, 0.05), st.floats(0.0, 5.0), st.floats(1.0, 30.0))
def test_condensers_satisfy_the_circuit(active, reactive, support, ratio):
    """The source behind the impedance is at 1 pu once load and condensers draw their current.

    At X/R = 1 it carries 0.29 of its short-circuit power at most: the loads stay within what every ratio carries.
    """
    source = Source.from_strength(1.0, ratio)
    volts, feasible = supported_voltage(active, reactive, source, support)
    assert feasible
    drawn = complex(active, reactive - support * float(volts) * (1.0 - float(volts)))
    current = (drawn / float(volts)).conjugate()
    assert abs(float(volts) + complex(source.resistance_pu, source.reactance_pu) * current) == pytest.approx(
        1.0, abs=1e-9
    )


def test_no_condenser_is_the_closed_form_and_no_operating_point_is_found():
    source = Source.from_strength(1.0, 10.0)
    load = np.linspace(-0.4, 0.7, 200)
    plain, stands = pcc_voltage(load, 0.1, source)
    same, feasible = supported_voltage(load, 0.1, source, 0.0)
    assert 0 < feasible.sum() < 200
    assert np.array_equal(feasible, stands)
    assert same[stands] == pytest.approx(plain[stands], abs=1e-7)
    # a condenser carries what the connection cannot
    assert supported_voltage(load, 0.1, source, 4.0)[1].sum() > feasible.sum()


def test_condenser_is_its_reactance_beside_that_of_the_grid():
    """dV/dQ at no load without resistance: -1 / (1/X + B); a vanishing resistance for the closed form."""
    source = Source(1.0, 0.0, 0.5)
    small = 1e-6
    for support in (0.0, 1.0, 4.0):
        volts, _ = supported_voltage(0.0, small, source, support)
        assert (1.0 - volts) / small == pytest.approx(1.0 / (1.0 / 0.5 + support), rel=1e-4)


def test_condensers_of_a_site_raise_its_voltage_and_its_short_circuit_power():
    grid = {"capacity": "400 MW", "voltage": "161 kV", "system": "EI", "short_circuit": "1 GVA", "x_over_r": 10}
    tree = {"frequency": "60 Hz", "grid": grid}
    machine = {"type": "synchronous_condenser", "count": 2, "rating": "100 MVA"}
    plain = SitePlantSpec.model_validate(tree)
    held = SitePlantSpec.model_validate({**tree, "synchronous_condensers": machine})
    load, more = np.full(100, 200e6), np.full(100, 40e6)
    low = simulate_plant(plain, "a", "steady", load, more, 1e-2, 0.0, "grid_parallel", 200e6)
    high = simulate_plant(held, "a", "steady", load, more, 1e-2, 0.0, "grid_parallel", 200e6)
    assert high.voltage_pu[0] > low.voltage_pu[0] + 0.01
    # 200 MVA / 25 % beside 1 GVA at X/R 10, both nearly reactive
    assert short_circuit_va({"a": held})["a"] == pytest.approx(1.8e9, rel=0.01)
    assert source_fault(held).power_va - source_fault(plain).power_va == pytest.approx(200e6 / 0.18, rel=0.01)
