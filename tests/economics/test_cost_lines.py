"""Lines of the cost that a user can ask for: rent, licences, lease, upkeep, storage, tariff, carbon, damping."""

from dataclasses import replace

import pytest

from clustersim import catalog
from clustersim.economics import (
    Battery,
    DampingEquipment,
    EconomicsSpec,
    Generators,
    estimate_cost,
)
from clustersim.economics.facts import MeterCourse
from clustersim.economics.lines import bought_of_grid
from clustersim.errors import CatalogError, InputError
from tests.economics.facts import FACTS, MWH, YEAR


def cost(facts=FACTS, **spec):
    return estimate_cost(EconomicsSpec.model_validate(spec), facts)


def usd(found, item):
    return float(found.table.loc[found.table["item"] == item, "usd"].iloc[0])


def test_rent_takes_the_place_of_the_building():
    facts = replace(FACTS, generators=(Generators("titan_130", 10e6),))
    found = cost(facts, rent="100 USD/kW/month")
    assert usd(found, "rent of the building") == pytest.approx(12e3 * 100 * 12)
    assert not found.table["item"].str.startswith(("building and MEP", "generators")).any()
    named = cost(facts, rent="colocation")
    assert usd(named, "rent of the building") == pytest.approx(12e3 * 184.06 * 12)
    with pytest.raises(InputError, match="expected a price of power per time such as USD/kW/month"):
        cost(rent="fibre")


def test_licences_upkeep_taxes_and_what_else_is_bought():
    found = cost(
        software="software", network_upkeep="5 %", taxes_and_insurance="1 %", other_equipment="7 MUSD"
    )  # fmt: skip
    assert usd(found, "software licences") == pytest.approx(8000 * 4500)
    assert usd(found, "support of the network") == pytest.approx(1.5e6)
    assert usd(found, "taxes and insurance") == pytest.approx(0.01 * found.capex_usd)
    assert found.capex_usd - cost().capex_usd == pytest.approx(7e6)


def test_leased_fibre():
    facts = replace(FACTS, fibre_m=3200 * 1609.344)
    found = cost(facts, fibre="lease")
    assert usd(found, "lease of fibre") == pytest.approx(50e6 / 20)
    assert found.capex_usd == pytest.approx(cost().capex_usd)


def test_failed_accelerators_are_told_and_bought_only_where_asked():
    facts = replace(FACTS, failures=(("H100-SXM", 100),))
    each = catalog.entry("accelerators", "H100-SXM").si("price.accelerator")
    share = catalog.entry("prices", "failed_parts").si("exchanged")
    plain, bought = cost(facts), cost(facts, failed_parts="bought")
    assert plain.replaced_parts_usd == pytest.approx(100 * share * each)
    assert plain.tco_usd_per_h == cost().tco_usd_per_h
    assert bought.operations_usd - plain.operations_usd == pytest.approx(plain.replaced_parts_usd)


def test_all_in_prices_hold_the_network():
    found = cost(all_in=True, accelerator_prices={"H100-SXM": "31250 USD"})
    assert usd(found, "servers: H100-SXM") == pytest.approx(8000 * 31250)
    assert not (found.table["item"] == "network").any()
    with pytest.raises(InputError, match="all-in price of H100-SXM"):
        cost(all_in=True)


def test_an_alias_of_an_accelerator_is_priced():
    found = cost(server_prices={"H100": "123 kUSD"})
    assert usd(found, "servers: H100-SXM") == pytest.approx(1000 * 123e3)


def test_a_case_gives_what_the_user_leaves_out():
    found = cost(case="h100_neocloud")
    mine = cost(case="h100_neocloud", rent="10 USD/kW/month", electricity_price="1 USD/MWh", capital_rate="1 %")
    assert usd(found, "servers: H100-SXM") == pytest.approx(8000 * 39750)
    assert usd(found, "rent of the building") == pytest.approx(12e3 * 184.06 * 12)
    assert usd(mine, "rent of the building") == pytest.approx(12e3 * 10 * 12)
    assert mine.energy_usd == pytest.approx(100_000)
    assert mine.depreciation_usd < found.depreciation_usd
    with pytest.raises(CatalogError, match="h100_neocloud"):
        cost(case="h100_neoclod")


def test_a_zero_that_the_user_gives_is_no_value_left_out():
    """0 % and 0 USD beside a cost case: straight-line depreciation of the servers, nothing for operations."""
    free = cost(case="h100_hyperscaler", capital_rate="0 %", operations_price="0 MUSD/MW/yr", building_price="0 USD/W")
    assert free.depreciation_usd == pytest.approx(8000 * 31250 / 5)
    assert free.operations_usd == 0.0
    assert cost(case="h100_hyperscaler").depreciation_usd > free.depreciation_usd


def test_the_band_of_the_cost_of_capital_is_in_the_band():
    """With all else the user's, the ends of the band are the cost at 9 and 15 %."""
    own = {
        "case": "h100_neocloud", "electricity_price": "60 USD/MWh", "accelerator_prices": {"H100-SXM": "30 kUSD"},
        "operations_price": "1 MUSD/MW/yr", "accelerator_life": "5 yr", "building_life": "20 yr",
        "rent": "100 USD/kW/month",
    }  # fmt: skip
    ends = [cost(**own, capital_rate=rate).tco_usd_per_h for rate in ("9 %", "15 %")]
    assert cost(**own).tco_band_usd_per_h == pytest.approx(ends)
    given = cost(**own, capital_rate="11 %")
    assert given.tco_band_usd_per_h == pytest.approx((given.tco_usd_per_h,) * 2)


def test_damping_costs_energy_work_and_equipment():
    """A battery for damping, racks with storage and a load bank, at no interest: each part by hand."""
    rack = DampingEquipment("rack storage", "rack_storage", 3.6e6 * 8, 8e6)
    bank = DampingEquipment("load bank", "load_bank", 0.0, 5e6, in_rack=False)
    battery = Battery("megapack_2xl", 10 * MWH, 30 * YEAR, smooths=True)
    facts = replace(
        FACTS, damping_equipment=(rack, bank), batteries=(battery,), damping_energy_j=1000 * MWH, throughput_loss=0.01
    )
    found = cost(facts, electricity_price="50 USD/MWh", accelerator_life="5 yr", building_life="20 yr")
    assert usd(found, "rack storage: energy") == pytest.approx(8 * 10_000)
    assert usd(found, "rack storage: power") == pytest.approx(8e3 * 150)
    assert usd(found, "load bank") == pytest.approx(5e3 * 75)
    equipment = (8 * 10_000 + 8e3 * 150) / 5 + (5e3 * 75 + 10e3 * 250) / 20
    assert found.damping_usd_per_year == pytest.approx(50_000 + 0.01 * found.tco_usd_per_h * 8766.0 + equipment)
    idle = cost(replace(facts, batteries=(replace(battery, smooths=False),)), electricity_price="50 USD/MWh")
    assert idle.capex_usd == pytest.approx(found.capex_usd)
    assert idle.damping_usd_per_year < found.damping_usd_per_year


def test_a_flat_tariff_is_the_plain_price():
    """One energy price at all hours and a demand charge: energy as without a tariff, demand of the mean."""
    watts = FACTS.grid_energy_j / YEAR
    facts = replace(FACTS, meters=(MeterCourse((0.0, YEAR / 3, YEAR), (watts, watts)),))
    flat = {"energy": [{"name": "all", "price": "50 USD/MWh"}], "demand": [{"name": "peak", "price": "10 USD/kW"}]}
    found = cost(facts, tariff=flat)
    assert usd(found, "grid: all") == pytest.approx(cost(electricity_price="50 USD/MWh").energy_usd)
    assert usd(found, "grid: peak") == pytest.approx(watts / 1e3 * 10 * 12, rel=2e-3)
    assert set(bought_of_grid(found.table)["item"]) == {"grid: all", "grid: peak"}
    assert set(bought_of_grid(cost().table)["item"]) == {"grid"}
    with pytest.raises(InputError, match="course of the power"):
        cost(FACTS, tariff=flat)


def test_carbon_and_water_are_paid():
    facts = replace(FACTS, fuel_co2_kg=1e6, water_m3=1000.0)
    found = cost(facts, carbon_price="50 USD/t", grid_carbon="400 kg/MWh", water_price="2 USD/m3")
    assert usd(found, "carbon dioxide") == pytest.approx(50 * (1000 + 40_000))
    assert usd(found, "water") == pytest.approx(2000)
    fuel = cost(facts, carbon_price="50 USD/t")
    assert usd(fuel, "carbon dioxide") == pytest.approx(50 * 1000)


def test_band_is_of_prices_and_lives():
    """The user's own prices have no band; the catalog's widen it."""
    own = {
        "electricity_price": "60 USD/MWh", "server_prices": {"H100-SXM": "200 kUSD"}, "building_price": "10 MUSD/MW",
        "operations_price": "1 MUSD/MW/yr", "accelerator_life": "5 yr", "building_life": "20 yr",
    }  # fmt: skip
    exact = cost(**own)
    assert exact.tco_band_usd_per_h == pytest.approx((exact.tco_usd_per_h,) * 2)
    life = cost(**{key: value for key, value in own.items() if key != "accelerator_life"})
    shorter, longer = (cost(**own | {"accelerator_life": years}).tco_usd_per_h for years in ("4 yr", "5 yr"))
    assert life.tco_band_usd_per_h == pytest.approx((longer, shorter))
