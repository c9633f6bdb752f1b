"""Money, bills, carbon and growth: sums and units of any site."""

import datetime
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.economics import Accelerators, Battery, CostFacts, EconomicsSpec, annuity_factor, estimate_cost
from clustersim.economics.build_out import AcceleratorFacts, build_out
from clustersim.economics.carbon import carbon
from clustersim.economics.meter import MeterRecord
from clustersim.economics.spec_parts.build_out import BuildOutSpec
from clustersim.economics.spec_parts.tariff import TariffSpec
from clustersim.economics.tariff import bill
from clustersim.economics.tariffs import Tariff

FEW = settings(max_examples=max(5, settings.default.max_examples // 5))
YEAR, MWH, HOUR = 31557600.0, 3.6e9, 3600.0
FACTORS = st.floats(0.1, 10.0)


@st.composite
def facts(draw):
    servers = draw(st.integers(1, 10_000))
    provisioned = draw(st.floats(1e6, 1e9))
    used = draw(st.floats(0.2, 1.0))
    horizon = draw(st.floats(86400.0, 3 * YEAR))
    return CostFacts(
        accelerators=(Accelerators("H100-SXM", 8 * servers, servers),),
        network_usd=draw(st.floats(0.0, 1e8)),
        provisioned_it_w=provisioned,
        mean_it_w=used * provisioned,
        horizon_s=horizon,
        grid_energy_j=1.2 * used * provisioned * horizon,
        tokens_per_s=draw(st.floats(1e3, 1e8)),
        goodput=draw(st.floats(0.1, 1.0)),
        batteries=draw(st.sampled_from([(), (Battery("megapack_2xl", 39 * MWH),)])),
        water_m3=draw(st.floats(0.0, 1e6)),
    )


def terms(draw_rate, residual, **more):
    return EconomicsSpec.model_validate(
        {"capital_rate": f"{draw_rate!r} x", "residual_value": f"{residual!r} x", **more}
    )


RATES, RESIDUALS = st.floats(0.0, 0.3), st.floats(0.0, 0.6)


@FEW
@given(facts(), RATES, RESIDUALS)
def test_rows_are_all_the_money(known, rate, residual):
    found = estimate_cost(terms(rate, residual), known)
    table = found.table
    by_group = table.groupby("group")["usd"].sum()
    assert by_group["capex"] == pytest.approx(found.capex_usd, rel=1e-9)
    running = by_group.drop("capex").sum()
    assert running / (known.horizon_s / HOUR) == pytest.approx(found.tco_usd_per_h, rel=1e-9)
    tokens = known.tokens_per_s * known.goodput * known.horizon_s
    assert found.usd_per_million_tokens * tokens / 1e6 == pytest.approx(running, rel=1e-9)
    low, high = found.tco_band_usd_per_h
    assert low <= found.tco_usd_per_h <= high


@FEW
@given(facts(), RATES, st.integers(2, 9))
def test_k_sites_cost_k_times_as_much_and_a_token_the_same(known, rate, k):
    (own,) = known.accelerators
    many = replace(
        known,
        accelerators=(Accelerators(own.name, k * own.count, k * own.servers),),
        batteries=tuple(replace(b, energy_j=k * b.energy_j) for b in known.batteries),
        **{
            name: k * getattr(known, name)
            for name in ("network_usd", "provisioned_it_w", "mean_it_w", "grid_energy_j", "tokens_per_s", "water_m3")
        },
    )
    one, all_of_them = estimate_cost(terms(rate, 0.0), known), estimate_cost(terms(rate, 0.0), many)
    assert all_of_them.capex_usd == pytest.approx(k * one.capex_usd, rel=1e-9)
    assert all_of_them.tco_usd_per_h == pytest.approx(k * one.tco_usd_per_h, rel=1e-9)
    assert all_of_them.usd_per_million_tokens == pytest.approx(one.usd_per_million_tokens, rel=1e-9)


@FEW
@given(facts(), RATES, RESIDUALS, st.floats(0.01, 0.2), st.floats(1.01, 3.0), st.floats(0.1, 0.99))
def test_what_makes_a_token_dearer_and_what_cheaper(known, rate, residual, dearer, factor, share):
    def token(of=known, rate=rate, residual=residual, **more):
        return estimate_cost(terms(rate, residual, electricity_price="60 USD/MWh", **more), of).usd_per_million_tokens

    here = token()
    assert token(rate=rate + dearer) >= here * (1 - 1e-12)
    assert token(residual=share * residual) >= here * (1 - 1e-12)
    assert token(of=replace(known, goodput=share * known.goodput)) >= here
    assert token(of=replace(known, tokens_per_s=factor * known.tokens_per_s)) == pytest.approx(here / factor, rel=1e-9)
    assert token(of=replace(known, grid_energy_j=factor * known.grid_energy_j)) >= here
    assert token(carbon_price=f"{50 * dearer!r} USD/t", grid_carbon="400 kg/MWh") >= here


@given(RATES, st.floats(0.5, 40.0), RESIDUALS, st.floats(0.001, 0.2))
def test_a_year_of_an_asset(rate, years, residual, more):
    """Dearer money and shorter life cost more in a year; what is left over costs less; never less than interest."""
    here = annuity_factor(years * YEAR, rate, residual)
    assert annuity_factor(years * YEAR, rate + more, residual) >= here
    assert annuity_factor(1.5 * years * YEAR, rate, residual) <= here * (1 + 1e-12)
    assert annuity_factor(years * YEAR, rate, min(residual + more, 1.0)) <= here * (1 + 1e-12)
    assert here >= rate * (1 - 1e-12)


LOADS = st.lists(st.floats(0.0, 300e6), min_size=8, max_size=96)
RICH = {
    "energy": [
        {"name": "peak", "price": "90 USD/MWh", "when": {"days": "weekdays", "hours": [[6, 20]]}},
        {"name": "rest", "price": "30 USD/MWh"},
    ],
    "demand": [{"name": "top", "price": "12 USD/kW", "interval": "15 min", "ratchet": "60 %"}],
    "rider": "2 USD/MWh",
}
JULY = datetime.date(2025, 7, 1)


def billed(watts, step_s=900.0, **more):
    record = MeterRecord(JULY, np.arange(len(watts) + 1) * step_s, np.array(watts, dtype=float), 1.0)
    return bill(Tariff(TariffSpec.model_validate(RICH | more)), record)


@FEW
@given(LOADS, FACTORS)
def test_k_times_the_power_is_k_times_the_bill(watts, k):
    """Of energy and demand; a fixed charge stays."""
    one, many = billed(watts), billed([k * w for w in watts])
    assert many.usd == pytest.approx(k * one.usd, rel=1e-9, abs=1e-9)
    fixed = billed(watts, fixed="500 USD")
    assert fixed.usd >= one.usd


@FEW
@given(LOADS, st.floats(0.0, 50e6))
def test_more_load_is_never_cheaper(watts, more):
    one, two = billed(watts), billed([w + more for w in watts])
    assert two.usd >= one.usd * (1 - 1e-12)
    assert two.demand_w >= one.demand_w
    # a flat load of the same energy has the least demand
    flat = billed([sum(watts) / len(watts)] * len(watts))
    assert flat.demand_w <= one.demand_w * (1 + 1e-9)


@given(st.floats(0.0, 1e15), st.floats(0.0, 1e8), st.floats(1.0, 1e15), st.floats(0.0, 3e-7), FACTORS)
def test_carbon_is_of_energy_fuel_and_grid(grid_j, fuel_kg, tokens, intensity, k):
    one = carbon(grid_j, grid_j + 1.0, fuel_kg, tokens, intensity, 0.05)
    assert one.total_kg == pytest.approx(grid_j * intensity + fuel_kg, rel=1e-12)
    many = carbon(k * grid_j, k * (grid_j + 1.0), k * fuel_kg, k * tokens, intensity, 0.05)
    assert many.total_kg == pytest.approx(k * one.total_kg, rel=1e-9)
    assert many.g_per_million_tokens == pytest.approx(one.g_per_million_tokens, rel=1e-9)
    assert many.kg_per_mwh == pytest.approx(one.kg_per_mwh, rel=1e-9)
    assert one.usd == pytest.approx(0.05 * one.total_kg, rel=1e-12)


EACH = AcceleratorFacts(
    needed_w=1500.0, mean_w=1200.0, useful_tokens_per_s=10.0, equipment_usd=30e3, site_usd=15e3, idle_usd_per_h=0.8,
    grid_usd_per_j=60 / MWH, onsite_usd_per_j=90 / MWH,
)  # fmt: skip


@FEW
@given(st.floats(0.1, 5.0), st.integers(1, 4000), st.floats(1.0, 3.0))
def test_a_site_that_grows_k_times_as_large(power, count, k):
    """Money by the dollar: k times the prices are k times the payments; energy and tokens stay."""

    def grown(each):
        start = "2025-01-01"
        tree = {"name": "s", "start": start, "months": 3, "accelerators": [{"date": start, "count": count}]}
        return build_out(
            BuildOutSpec.model_validate({**tree, "grid": [{"date": start, "power": f"{power!r} MW"}]}), each
        )

    names = ("equipment_usd", "site_usd", "idle_usd_per_h", "grid_usd_per_j", "onsite_usd_per_j")
    one, dear = grown(EACH), grown(replace(EACH, **{name: k * getattr(EACH, name) for name in names}))
    for name in ("capex_usd", "energy_usd", "stranded_usd"):
        assert dear.total(name) == pytest.approx(k * one.total(name), rel=1e-9, abs=1e-9)
    for name in ("tokens", "grid_mwh", "accelerator_hours"):
        assert dear.total(name) == one.total(name)
    assert one.total("accelerator_hours") <= count * 24 * 90 * (1 + 1e-12)
    assert math.isfinite(one.total("energy_usd"))
