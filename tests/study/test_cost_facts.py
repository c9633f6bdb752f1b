"""What the cost of a run is told: storage, load banks, spares, the course of the meter; and the keys that follow."""

import pytest

from clustersim import catalog
from clustersim.study.steady import steady_answer

HYBRID = {
    "kind": "hybrid_storage", "at": "rack", "split": "0.5 Hz", "capacitor_energy": "20 kJ", "capacitor_power": "20 kW",
    "battery_energy": "100 kJ", "battery_power": "10 kW", "time_constant": "10 s",
}  # fmt: skip
BANK = {"kind": "load_bank", "power": "1 MW"}
GPUS, RACKS = 2048, 2048 / 64


@pytest.fixture(scope="module")
def plain(scenario):
    return steady_answer(scenario()).summary


def test_damping_and_spares_are_in_the_capital_cost(scenario, plain):
    changes = {"operation.spare_servers": 4, "operation.repair_time": "12 h"}
    found = steady_answer(scenario(damping=[HYBRID, BANK], **changes)).summary
    rack = {key: catalog.entry("prices", "rack_storage").si(f"price.{key}") for key in ("energy", "power")}
    bank = catalog.entry("prices", "load_bank").si("price")
    storage = RACKS * ((20e3 + 100e3) * rack["energy"] + (20e3 + 10e3) * rack["power"])
    server = 8 * catalog.entry("accelerators", "H100-SXM").si("price.accelerator")
    assert found["capex_usd"] - plain["capex_usd"] == pytest.approx(storage + 1e6 * bank + 4 * server, rel=1e-6)
    assert found["damping_usd_per_year"] > plain["damping_usd_per_year"] == 0.0


def test_a_tariff_prices_the_course_of_the_meter(scenario, plain):
    """One price at all hours: the energy of the summary at it, in the bill as in the cost."""
    tariff = {"energy": [{"name": "all", "price": "62.3 USD/MWh"}]}
    found = steady_answer(scenario(economics__tariff=tariff)).summary
    assert found["energy_usd"] == pytest.approx(plain["energy_usd"], rel=1e-6)


def test_keys_of_the_cost_agree(plain):
    hours = 8766.0
    assert plain["tco_usd_per_gpu_hour"] == pytest.approx(plain["tco_usd_per_h"] / GPUS, rel=1e-8)
    assert plain["tco_usd_per_mw_year"] == pytest.approx(
        plain["tco_usd_per_h"] * hours / plain["provisioned_mw"], rel=1e-8
    )
    assert plain["tco_years_usd"] == pytest.approx(plain["tco_usd_per_h"] * hours * plain["tco_years"], rel=1e-8)
    assert plain["capex_usd_per_gpu"] * GPUS == pytest.approx(plain["capex_usd"], rel=1e-8)
    assert plain["tco_low_usd_per_gpu_hour"] < plain["tco_usd_per_gpu_hour"] < plain["tco_high_usd_per_gpu_hour"]
