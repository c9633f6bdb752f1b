"""Published costs against the cost model: an accelerator's hour, a megawatt's year, Stargate, training runs."""

import math
import statistics

import pytest

from clustersim import catalog
from clustersim.economics import case_cost
from clustersim.economics.capital import annuity_factor
from clustersim.economics.prices import figure
from clustersim.units import HOUR_S, YEAR_S
from clustersim.workload import load_model

from .test_published_points import DEEPSEEK, LLAMA

CASES = ("h100_hyperscaler", "h100_neocloud", "h100_neocloud_optimised", "gb200_hyperscaler", "gb200_neocloud")


def price(name, key):
    return catalog.entry("prices", name).si(key)


def test_an_accelerators_hour():
    """H100 at 1.30, 1.42 and 1.69 USD/h, GB200 at 2.21, 2.27 and 2.75: inputs of the catalog, each with its source."""
    errors = []
    for name in CASES:
        found = case_cost(name)
        low, high = (usd / found.cost.accelerators for usd in found.cost.tco_band_usd_per_h)
        for published, error in zip(found.published_usd_per_h, found.errors, strict=True):
            band = f"{low:.2f} to {high:.2f}"
            print(f"{name}: {found.usd_per_h:.3f} USD/h ({band}), published {published:.2f}, {error:+.1%}")
            errors.append(error)
            assert low < published < high
    rms = math.sqrt(statistics.fmean(error**2 for error in errors))
    print(f"{len(errors)} figures: mean {statistics.fmean(errors):+.1%}, root mean square {rms:.1%}")
    assert max(map(abs, errors)) <= 0.15


def test_a_gb200_over_an_h100():
    """1.6 times the total cost of ownership per GPU (SemiAnalysis, 2025-08-20)."""
    ratio = case_cost("gb200_hyperscaler").usd_per_h / case_cost("h100_hyperscaler").usd_per_h
    print(f"GB200 over H100: {ratio:.2f}, published 1.6")
    assert ratio == pytest.approx(price("tco", "gb200_over_h100"), rel=0.05)


@pytest.mark.parametrize("name", CASES)
def test_every_input_has_a_source(name):
    assert all(figure("cost_cases", name, key).source for key in catalog.entry("cost_cases", name).figures)


@pytest.mark.parametrize(("key", "years"), [("tco.it_3_years", 3), ("tco", 5), ("tco.it_7_years", 7)])
def test_a_megawatts_year_by_life_of_the_servers(key, years):
    """Epoch AI, 2026-05-14: 12, 8.5 and 7 MUSD/MW/yr; one rate of capital gives all three of its capital cost."""
    rate = price("capital", "rate.hyperscaler")
    yearly = (
        price("datacenter", "compute") * annuity_factor(years * YEAR_S, rate)
        + price("datacenter", "price") * annuity_factor(14 * YEAR_S, rate)
        + price("datacenter", "operations.all") * YEAR_S
    )
    published = price("datacenter", key) * YEAR_S
    print(f"servers kept {years} years: {yearly:.2f} MUSD/MW/yr, published {published:.1f}")
    assert yearly == pytest.approx(published, rel=0.01)


def test_capital_cost_of_a_megawatt():
    """Epoch AI: 26.1 MUSD/MW of computing and 11.8 of building, for GB200 in racks at their all-in price."""
    found = case_cost("gb200_hyperscaler").cost
    bought = found.table[found.table["group"] == "capex"]
    computing = bought.loc[bought["item"].str.startswith("servers"), "usd"].sum() / found.provisioned_it_w
    everything = found.capex_usd / found.provisioned_it_w
    print(f"computing: {computing:.1f} MUSD/MW, published 26.1; all: {everything:.1f}, published 37.9")
    assert computing == pytest.approx(price("datacenter", "compute"), rel=0.15)
    assert everything == pytest.approx(price("datacenter", "total"), rel=0.15)


def test_servers_of_100_000_h100():
    """SemiAnalysis, 2024-06-17: over 4 billion USD; here at the price of that year and of a year later."""
    at_2024 = 100_000 / 8 * catalog.entry("accelerators", "H100").si("price.cluster_per_server")
    found = case_cost("h100_neocloud", 100_000).cost
    print(f"100,000 H100: {found.capex_usd / 1e9:.2f} BUSD, published over 4")
    assert found.capex_usd == pytest.approx(at_2024)
    assert found.capex_usd == pytest.approx(price("site_capex", "cluster_100k_h100"), rel=0.05)


def test_stargates_first_phase():
    """100 BUSD of total cost of ownership, 50 of servers (Lex Fridman Podcast 459), for the place abilene_interview.

    938,880 GB200 (1.8 GW to chips at 1.92 kW), hired from a company that borrows as a neocloud does and rents the
    building: servers, energy, operations, rent. Nothing is fitted; the building's owner as a hyperscaler stays below.
    """
    published = price("stargate", "phase_1.tco")
    paid = {years: case_cost("gb200_neocloud", 938_880, years).cost for years in (4.0, 5.0, 6.0)}
    for years, found in paid.items():
        own = case_cost("gb200_hyperscaler", 938_880, years).cost
        print(
            f"{years:g} years: {found.tco_years_usd / 1e9:.1f} BUSD hired, {own.tco_years_usd / 1e9:.1f} owned; "
            f"published {published / 1e9:.0f}"
        )
    assert paid[4.0].tco_years_usd < published < paid[6.0].tco_years_usd
    assert paid[5.0].tco_years_usd == pytest.approx(published, rel=0.15)
    assert paid[5.0].capex_usd == pytest.approx(price("stargate", "phase_1.servers"), rel=0.15)


def test_stargates_first_section():
    """10 BUSD of total cost of ownership (Lex Fridman Podcast 459) for the 100,800 GB200 of two buildings."""
    paid = [case_cost("gb200_neocloud", 100_800, years).cost.tco_years_usd for years in (4.0, 5.0, 6.0)]
    print(f"first section over 4, 5, 6 years: {[round(usd / 1e9, 2) for usd in paid]} BUSD, published 10")
    assert paid[0] < price("stargate", "first_section.tco") < paid[2]


def _hours(seconds, tokens_per_step, tokens, accelerators):
    return tokens / tokens_per_step * seconds * accelerators / HOUR_S


def test_deepseek_v3_pre_training(predict):
    """2.664 M H800-hours for 14.8 T tokens on 2,048 H800, at the 2 USD that the report assumes (arXiv 2412.19437)."""
    run = catalog.entry("models", "deepseek-v3")
    step = predict(load_model("deepseek-v3"), DEEPSEEK, "H800-SXM", 4096)
    published = run.si("training.accelerator_hours.pretrain")
    hours = _hours(step.seconds, DEEPSEEK.sequences * 4096, run.si("training.tokens"), 2048)
    usd = hours * run.si("training.price") * HOUR_S
    error = hours / published - 1.0
    print(f"DeepSeek-V3: {hours / 1e6:.3f} M H800-hours, published 2.664, {error:+.1%}; {usd / 1e6:.2f} MUSD")
    assert abs(error) < 0.08
    assert usd == pytest.approx(2.0 * published, rel=0.08)


def test_llama_405b_pre_training_is_a_part_of_its_hours(predict):
    """30.84 M H100-hours of all training (model card); steps of 15.6 T tokens without lost time are part of them."""
    run = catalog.entry("models", "llama3.1-405b")
    step = predict(load_model("llama3.1-405b"), LLAMA, "H100-SXM", 8192)
    published = run.si("training.accelerator_hours.total")
    hours = _hours(step.seconds, LLAMA.sequences * 8192, run.si("training.tokens"), 16384)
    print(f"Llama 3.1 405B: {hours / 1e6:.1f} M H100-hours of steps, published 30.84 in all, {hours / published:.0%}")
    assert 0.7 * published < hours < published
