"""On-site generation over the horizon: closure of energy and fuel, permits, reserve."""

import pytest

from clustersim.study.run import run

GENERATORS = "topology__electrical__memphis__generators"


def test_fuel_nox_and_hours_of_the_small_place(small):
    """One Titan 130 at 1 MW of 16.5 beside the grid: nearly all its fuel keeps it turning."""
    keys = small.summary
    hours = keys["generator_unit_hours"]
    assert hours == pytest.approx(72.0, rel=1e-6)
    full = 9630.0 * 1055.05585 / 3.6e6 * 16.5
    expected = full * hours * 0.2 + full / 16.5 * 0.8 * keys["generator_energy_mwh"]
    assert keys["fuel_mwh"] == pytest.approx(expected, rel=1e-6)
    assert keys["generator_heat_rate_btu_per_kwh"] == pytest.approx(
        keys["fuel_mwh"] / keys["generator_energy_mwh"] * 3.6e6 / 1055.05585, rel=1e-6
    )
    assert keys["generator_below_minimum_hours"] == pytest.approx(72.0, rel=1e-6)
    assert any("below the least load of the 1 running units (8.25 MW)" in text for text in small.warnings)
    gas = small.cost[small.cost["item"] == "gas: solar_titan_130_smt130"]["usd"].iloc[0]
    assert gas == pytest.approx(keys["fuel_mwh"] * 3.6e9 / 1.05505585e9 * 1.11 * 3.79, rel=1e-6)


def test_a_permit_that_is_exceeded_is_said(scenario):
    group = {"type": "titan_130", "count": 1, "governor": "none", "dispatch_limit": "80 %",
             "grid_parallel_output": "1 MW", "permit": {"unit_hours": "1000 h", "nox": "1000 t"}}  # fmt: skip
    said = run(scenario(**{GENERATORS: group})).warnings
    assert any("8766 hours of each unit in a year, the permit allows 1000" in text for text in said)
    assert not any("t of NOx" in text for text in said)


def test_without_generators_the_keys_say_so(scenario):
    found = run(scenario(**{GENERATORS: [], "topology__electrical__memphis__grid__capacity": "9 MW"}))
    assert found.summary["fuel_mwh"] is None
    assert found.reasons["fuel_mwh"] == "no generators on site"
