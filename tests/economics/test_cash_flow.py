"""Payments by year: they add up to the depreciation, and their present value to the levelised cost."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.economics import Accelerators, Battery, CostFacts, EconomicsSpec, Generators, estimate_cost
from clustersim.economics.cash_flow import CASH_COLUMNS, worth

YEAR, MWH = 31557600.0, 3.6e9
FACTS = CostFacts(
    accelerators=(Accelerators("H100-SXM", 8000, 1000),),
    network_usd=30e6,
    provisioned_it_w=12e6,
    mean_it_w=10e6,
    horizon_s=YEAR / 12,
    grid_energy_j=8000 * MWH,
    tokens_per_s=1e6,
    goodput=0.9,
    generators=(Generators("titan_130", 10e6),),
)
WORN = replace(FACTS, batteries=(Battery("megapack_2xl", 39 * MWH, 4 * YEAR, smooths=True),))


def spec(**more):
    return EconomicsSpec.model_validate({"accelerator_life": "5 yr", "building_life": "20 yr"} | more)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.0, 0.3), st.integers(1, 12), st.floats(0.0, 0.6))
def test_levelised_cost_of_the_payments_is_the_cost_of_ownership(rate, years, residual):
    """Net present value of the levelised cost equals that of all payments, whatever part of the building's life."""
    terms = {"years": f"{years} yr", "accelerator_life": f"{years} yr", "capital_rate": f"{rate!r} x"}
    found = estimate_cost(spec(**terms, residual_value=f"{residual!r} x"), FACTS)
    assert found.levelised_usd_per_h == pytest.approx(found.tco_usd_per_h, rel=1e-9)
    assert found.tco_years_usd == pytest.approx(found.tco_usd_per_h * 8766.0 * years, rel=1e-9)


@pytest.mark.parametrize("years", [1, 5, 8, 20])
def test_without_interest_the_payments_are_the_cost_of_ownership(years):
    """Batteries that wear out after 4 years are bought again; what is left of the last comes back."""
    found = estimate_cost(spec(years=f"{years} yr", accelerator_life=f"{years} yr"), WORN)
    flow = found.cash_flow
    assert list(flow.columns) == list(CASH_COLUMNS)
    assert flow["usd"].sum() == pytest.approx(found.tco_usd_per_h * 8766.0 * years, rel=1e-9)
    assert (flow["usd"] == flow["present_usd"]).all()
    assert flow.loc[flow["group"] == "capex", "usd"].sum() == pytest.approx(found.capex_usd)
    bought = flow[(flow["item"] == "battery: megapack_2xl") & (flow["usd"] > 0.0)]
    assert list(bought["year"]) == [4.0 * k for k in range(-(-years // 4))]


def test_interest_of_the_replaced_battery_too():
    found = estimate_cost(spec(years="8 yr", accelerator_life="8 yr", capital_rate="9 %"), WORN)
    assert found.levelised_usd_per_h == pytest.approx(found.tco_usd_per_h, rel=1e-9)


def test_a_last_year_in_part():
    flow = estimate_cost(spec(years="2.5 yr"), FACTS).cash_flow
    running = flow[flow["group"].isin(["energy", "operations"])].groupby("year")["usd"].sum()
    assert list(running.index) == [1.0, 2.0, 2.5]
    assert running[2.5] == pytest.approx(running[1.0] / 2)


def test_worth_falls_from_the_price_to_the_residual():
    values = [worth(10.0, age, 0.08, 0.2) for age in range(11)]
    assert values[0] == pytest.approx(1.0)
    assert values[10] == pytest.approx(0.2)
    assert all(a > b for a, b in zip(values, values[1:], strict=False))
    assert worth(10.0, 4.0, 0.0) == pytest.approx(0.6)


def test_batteries_of_one_type_wear_by_themselves():
    """Two sites with equal batteries, one of which is worn out in half the time of the building."""
    two = replace(FACTS, batteries=(Battery("megapack_2xl", 10 * MWH), Battery("megapack_2xl", 10 * MWH, 10 * YEAR)))
    found = estimate_cost(spec(), two)
    replaced = found.table[found.table["item"].str.startswith("replacement of ")]
    assert replaced["usd"].sum() == pytest.approx(10e3 * 250 * (1 / 10 - 1 / 20) / 12)
