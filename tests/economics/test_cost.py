"""Cost of a site: exact sums, published totals."""

import math
from dataclasses import replace

import pytest

from clustersim import catalog
from clustersim.economics import (
    COST_COLUMNS,
    Accelerators,
    Battery,
    EconomicsSpec,
    Generators,
    annuity_factor,
    energy_price,
    estimate_cost,
)
from clustersim.errors import CatalogError, InputError, UnitError
from clustersim.plant import GeneratorSpec, burn
from tests.economics.facts import FACTS, MWH, YEAR


def usd(result, item):
    return float(result.table.loc[result.table["item"] == item, "usd"].iloc[0])


def test_sums_by_hand():
    spec = EconomicsSpec.model_validate(
        {"electricity_price": "60 USD/MWh", "server_prices": {"H100-SXM": "200 kUSD"}, "building_price": "10 MUSD/MW",
         "operations_price": "1 MUSD/MW/yr", "accelerator_life": "5 yr", "building_life": "20 yr"}
    )  # fmt: skip
    r = estimate_cost(spec, FACTS)
    assert r.capex_usd == pytest.approx(200e6 + 30e6 + 120e6)
    assert r.depreciation_usd == pytest.approx(230e6 / 5 + 120e6 / 20)
    assert r.energy_usd == pytest.approx(6e6)
    assert r.operations_usd == pytest.approx(12e6)
    total = 46e6 + 6e6 + 6e6 + 12e6
    assert r.tco_usd_per_h == pytest.approx(total / 8766.0)
    assert r.usd_per_million_tokens == pytest.approx(total / (1e6 * 0.9 * YEAR) * 1e6)
    assert r.usd_per_accelerator_hour == pytest.approx(total / 8766.0 / 8000)
    assert (r.stranded_w, r.stranded_usd) == pytest.approx((2e6, 20e6))
    assert list(r.table.columns) == list(COST_COLUMNS)
    assert not r.table["assumed"].any()


def test_rows_sum_to_the_totals():
    some = Generators(next(iter(catalog.entries("generators"))), 35e6, 50_000 * MWH, 140_000 * MWH)
    facts = replace(FACTS, generators=(some,),
                    batteries=(Battery("megapack_2xl", 39 * MWH),), fibre_m=48e3)  # fmt: skip
    r = estimate_cost(EconomicsSpec(), facts)
    by_group = r.table.groupby("group")["usd"].sum()
    assert by_group["capex"] == pytest.approx(r.capex_usd)
    assert by_group["energy"] == pytest.approx(r.energy_usd)
    assert by_group["depreciation"] == pytest.approx(r.depreciation_usd)
    assert (r.table["quantity"] * r.table["unit_usd"]).to_numpy() == pytest.approx(r.table["usd"].to_numpy())
    assert usd(r, "battery: megapack_2xl") == pytest.approx(39e3 * 250)
    assert (r.table["source"].str.len() > 0).all()


@pytest.mark.parametrize(
    ("generator", "usd_per_mwh"), [("titan_130", 37.5), ("titan_350", 33.1), ("g3520k", 29.4)]
)  # fmt: skip
def test_fuel_cost_of_published_units(generator, usd_per_mwh):
    """Derived figures of the catalog: heat rate x 1.11 x 3.51 USD/MMBtu."""
    fuel = 1000 * MWH * catalog.entry("generators", generator).si("heat_rate.lhv")
    facts = replace(FACTS, generators=(Generators(generator, 1e6, 1000 * MWH, fuel),))
    r = estimate_cost(EconomicsSpec(gas_price="3.51 USD/MMBtu"), facts)
    assert usd(r, f"gas: {generator}") / 1000 == pytest.approx(usd_per_mwh, rel=0.01)


def test_colossus_1_capex_against_epoch():
    """Epoch (2026): 12.88 BUSD for 230k GPUs; 26.1 + 11.8 MUSD/MW. The rebuilt sum is within 15 % of it."""
    it_w = 12.88e9 / 37.9
    compute = sum(n * catalog.entry("accelerators", name).si("price.accelerator")
                  for name, n in (("H100", 150_000), ("H200", 50_000), ("GB200", 30_000)))  # fmt: skip
    share = catalog.entry("prices", "network").si("share")
    facts = replace(
        FACTS,
        accelerators=(Accelerators("H100", 150_000, 18_750), Accelerators("H200", 50_000, 6_250),
                      Accelerators("GB200", 30_000, 30_000 // 4)),
        network_usd=compute * share / (1.0 - share), provisioned_it_w=it_w, mean_it_w=0.8 * it_w,
    )  # fmt: skip
    r = estimate_cost(EconomicsSpec(electricity_price="TN"), facts)
    building = usd(r, "building and MEP")
    print(f"\ncolossus 1 capex: {r.capex_usd / 1e9:.2f} BUSD (Epoch 12.88); compute and network "
              f"{(r.capex_usd - building) / it_w:.1f} MUSD/MW (Epoch 26.1)")  # fmt: skip
    assert r.capex_usd == pytest.approx(12.88e9, rel=0.15)


def test_annuity():
    assert annuity_factor(5 * YEAR, 0.0) == pytest.approx(0.2)
    assert annuity_factor(10 * YEAR, 1e-9) == pytest.approx(0.1, rel=1e-6)
    # 8 % over 15 years: textbook capital recovery factor 0.11683.
    assert annuity_factor(15 * YEAR, 0.08) == pytest.approx(0.11683, abs=1e-5)
    a, b = (estimate_cost(EconomicsSpec(capital_rate=r), FACTS).depreciation_usd for r in ("0 %", "8 %"))
    assert b > a


def test_energy_prices_by_name_and_by_text():
    assert energy_price("TN", "electricity_default").value * 3.6e9 == pytest.approx(62.3)
    assert energy_price("60 USD/MWh", "electricity_default").value * 3.6e9 == pytest.approx(60.0)
    assert energy_price(None, "natural_gas").value * 1.05505585e9 == pytest.approx(3.79)
    with pytest.raises(CatalogError, match="unknown name"):
        energy_price("Atlantis", "natural_gas")
    with pytest.raises(InputError, match="expected a price of energy"):
        energy_price("datacenter", "natural_gas")
    with pytest.raises(ValueError):
        EconomicsSpec(electricity_price="60 USD")


def test_damping_is_priced_at_the_mean_price():
    r = estimate_cost(EconomicsSpec(electricity_price="50 USD/MWh"), replace(FACTS, damping_energy_j=1000 * MWH))
    assert r.damping_usd == pytest.approx(50_000)
    assert estimate_cost(EconomicsSpec(), replace(FACTS, grid_energy_j=0.0)).damping_usd == 0.0


def test_no_tokens_no_price():
    assert estimate_cost(EconomicsSpec(), replace(FACTS, goodput=0.0)).usd_per_million_tokens is None


def test_doubling_the_site_doubles_the_cost():
    a = estimate_cost(EconomicsSpec(), FACTS)
    double = replace(
        FACTS, accelerators=(Accelerators("H100-SXM", 16000, 2000),), network_usd=60e6,
        provisioned_it_w=24e6, mean_it_w=20e6, grid_energy_j=2 * FACTS.grid_energy_j, tokens_per_s=2e6,
    )  # fmt: skip
    b = estimate_cost(EconomicsSpec(), double)
    assert b.capex_usd == pytest.approx(2 * a.capex_usd)
    assert b.usd_per_million_tokens == pytest.approx(a.usd_per_million_tokens)


def test_facts_are_checked():
    with pytest.raises(ValueError, match="goodput"):
        replace(FACTS, goodput=1.1)
    with pytest.raises(ValueError, match="must be positive"):
        replace(FACTS, horizon_s=0.0)
    assert issubclass(UnitError, ValueError)
    assert math.isfinite(estimate_cost(EconomicsSpec(), FACTS).tco_usd_per_h)


def test_spec_round_trip():
    spec = EconomicsSpec.model_validate(
        {"electricity_price": "TN", "building_price": "11.8 MUSD/MW", "operations_price": "0.9 MUSD/MW/yr",
         "server_prices": {"H100": "190 kUSD"}, "accelerator_life": "4.5 yr", "capital_rate": "8 %",
         "building_rate": "6 %", "case": "h100_neocloud", "rent": "130 USD/kW/month", "years": "5 yr",
         "software": "4500 USD/yr", "residual_value": "10 %", "accelerator_prices": {"H100-SXM": "25 kUSD"},
         "fibre": "lease"}
    )  # fmt: skip
    assert EconomicsSpec.model_validate(spec.model_dump(mode="json")) == spec


def test_diesel_sets_burn_diesel():
    """100 MWh at 3 J of fuel per J: 300 MWh (LHV) x 1.065 at the price of diesel, whatever gas costs."""
    facts = replace(FACTS, generators=(Generators("cat_c175_20_diesel", 3e6, 100 * MWH, 300 * MWH),))
    price = catalog.entry("prices", "diesel").si("price")
    for spec in (EconomicsSpec(), EconomicsSpec(gas_price="1 USD/MMBtu")):
        r = estimate_cost(spec, facts)
        assert usd(r, "diesel: cat_c175_20_diesel") == pytest.approx(300 * MWH * 1.065 * price)
    own = estimate_cost(EconomicsSpec(diesel_price="100 USD/MWh"), facts)
    assert usd(own, "diesel: cat_c175_20_diesel") == pytest.approx(300 * 1.065 * 100.0)


LIQUID = """
fuel:
  sources: {TEST: {title: a test}}
  entries:
    test_liquid:
      properties: {fuel: diesel}
      figures:
        no_load_fuel: {value: 10 %, source: TEST, confidence: estimate}
        nox.none: {value: 3 lb/MMBtu, source: TEST, confidence: estimate}
        co2: {value: 74 kg/MMBtu, source: TEST, confidence: estimate}
generators:
  sources: {}
  entries:
    test_set: {like: cat_c175_20_diesel, properties: {class: test_liquid}}
"""


def test_a_fuel_other_than_gas_needs_its_own_heating_values(tmp_path):
    """The figure of natural gas stands for natural gas alone; an own figure is taken."""
    path = tmp_path / "liquid.yaml"
    path.write_text(LIQUID)
    message = (
        "catalog fuel test_liquid: hhv_over_lhv: expected the higher over the lower heating value of diesel, found none"
    )
    facts = replace(FACTS, generators=(Generators("test_set", 3e6, 100 * MWH, 300 * MWH),))
    sets = GeneratorSpec.model_validate({"type": "test_set", "count": 1, "governor": "none", "dispatch_limit": "80 %"})
    try:
        catalog.use_overlays([path])
        with pytest.raises(InputError, match=message):
            estimate_cost(EconomicsSpec(), facts)
        with pytest.raises(InputError, match=message):
            burn(sets, 1, MWH, 3600.0)
        own = "        hhv_over_lhv: {value: 1.07 x, source: TEST, confidence: estimate}\ngenerators:"
        path.write_text(LIQUID.replace("generators:", own))
        catalog.use_overlays([path])
        r = estimate_cost(EconomicsSpec(diesel_price="100 USD/MWh"), facts)
        assert usd(r, "diesel: test_set") == pytest.approx(300 * 1.07 * 100.0)
    finally:
        catalog.use_overlays(())
