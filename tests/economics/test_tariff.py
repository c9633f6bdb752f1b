"""Bills: published sheets by hand, closed forms, and laws that hold for any load."""

import datetime
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from clustersim import catalog
from clustersim.economics.meter import MeterRecord, constant
from clustersim.economics.spec_parts.price_file import HourlyPrices
from clustersim.economics.spec_parts.tariff import TariffSpec
from clustersim.economics.tariff import BILL_COLUMNS, bill, energy_usd_by_hour
from clustersim.economics.tariffs import Tariff, tariff_of
from clustersim.errors import InputError
from tests.drawn import examples

DAY, HOUR = 86400.0, 3600.0
JULY, JANUARY = datetime.date(2025, 7, 1), datetime.date(2025, 1, 1)
FLAT = {"energy": [{"name": "all", "price": "50 USD/MWh"}]}


def tariff(**tree):
    return Tariff(TariffSpec.model_validate(FLAT | tree))


def record(watts, step_s=900.0, start=JULY, power_factor=1.0):
    return MeterRecord(start, np.arange(len(watts) + 1) * step_s, np.array(watts, dtype=float), power_factor)


loads = st.lists(st.floats(0.0, 300e6), min_size=8, max_size=96)


# ---- published ------------------------------------------------------------------------------------------------------


def test_a_worked_example():
    """Customer 3.74, 17,588 kWh at 0.09444 less 0.017192, demand 262.34: 1,624.72 USD (a handbook's PSE&G bill)."""
    worked = tariff(
        energy=[{"name": "all", "price": "0.09444 USD/kWh"}],
        rider="-0.017192 USD/kWh",
        fixed="3.74 USD",
        demand=[{"name": "peak", "price": f"{262.34 / 30!r} USD/kW"}],
    )
    june = datetime.date(2025, 6, 1)
    peak, month = 30e3, 30 * DAY
    rest = (17_588 * 3.6e6 - peak * HOUR) / (month - HOUR)
    found = bill(worked, MeterRecord(june, np.array([0.0, HOUR, month]), np.array([peak, rest])))
    by_item = {line.item: round(line.usd, 2) for line in found.lines}
    assert by_item == {"all": 1661.01, "rider": -302.37, "peak": 262.34, "fixed": 3.74}
    assert round(found.usd, 2) == 1624.72


def test_batavia_by_hand():
    """100 + 0.04362 x kWh + 17.25 x kW x (1 + 0.90 - pf)."""
    found = bill(tariff_of(TariffSpec(name="batavia_large_2015")), constant(JULY, 31 * DAY, 10e6, 0.85))
    assert found.usd == pytest.approx(100 + 0.04362 * 10_000 * 744 + 17.25 * 10_000 * 1.05)
    assert found.demand_w == pytest.approx(10.5e6)


def test_tva_direct_with_excess_over_the_contract():
    found = bill(tariff_of(TariffSpec(name="tva_dsd", contract="140 MW")), constant(JULY, 31 * DAY, 150e6))
    assert found.usd == pytest.approx(1500 + 12.75 * 150e3 + 12.75 * 10e3 + 0.02293 * 150e3 * 744)


def test_tva_time_of_use_blocks_of_hours_use():
    found = {
        line.item: line
        for line in bill(tariff_of(TariffSpec(name="hartselle_tou_msb")), constant(JULY, 31 * DAY, 1e6)).lines
    }
    on = 23 * 6 * 1000.0
    off = 744_000.0 - on
    width = 200 * 1000.0 * off / 744_000.0
    assert found["onpeak"].quantity in (pytest.approx(on), pytest.approx(1000.0))
    assert found["offpeak block 1"].quantity == pytest.approx(width)
    assert found["offpeak block 2"].quantity == pytest.approx(width)
    assert found["offpeak"].quantity == pytest.approx(off - 2 * width)


@pytest.mark.parametrize("name", sorted(catalog.entries("tariffs")))
def test_every_shipped_tariff_bills_a_flat_year_at_a_plausible_price(name):
    found = bill(tariff_of(TariffSpec(name=name)), constant(JANUARY, 365 * DAY, 100e6))
    assert 30.0 < found.usd / (100 * 8760) < 120.0
    assert list(found.table().columns) == list(BILL_COLUMNS)
    assert all(line.cited.source != "user" for line in found.lines)


# ---- closed forms ---------------------------------------------------------------------------------------------------


def test_flat_load():
    asked = tariff(demand=[{"name": "peak", "price": "10 USD/kW", "interval": "15 min"}], fixed="1000 USD")
    found = bill(asked, constant(JANUARY, 365 * DAY, 20e6))
    assert found.usd == pytest.approx(20 * 8760 * 50 + 12 * 10 * 20e3 + 12_000)
    assert len(found.lines) == 36


def test_part_of_a_month_bears_its_share():
    asked = tariff(demand=[{"name": "peak", "price": "10 USD/kW"}], fixed="310 USD")
    found = bill(asked, constant(JULY, 10 * DAY, 1e6))
    assert found.group_usd("demand") == pytest.approx(10e3 * 10 / 31)
    assert found.group_usd("fixed") == pytest.approx(100.0)


def test_ratchet_holds_eleven_months():
    rows = [{"name": "peak", "price": "10 USD/kW", "ratchet": "80 %"}]
    edges = np.array([0.0, 31 * DAY, 730 * DAY])
    found = bill(tariff(demand=rows), MeterRecord(JANUARY, edges, np.array([100e6, 10e6])))
    kilowatts = [line.quantity for line in found.lines if line.group == "demand"]
    assert kilowatts == pytest.approx([100e3] + [80e3] * 11 + [10e3] * 12)


def test_past_demand_counts_for_the_ratchet():
    rows = [{"name": "peak", "price": "10 USD/kW", "ratchet": "50 %"}]
    found = bill(tariff(demand=rows, past_demand="100 MW"), constant(JULY, 31 * DAY, 1e6))
    assert found.demand_w == pytest.approx(50e6)


def test_least_share_of_the_contract():
    rows = [{"name": "peak", "price": "10 USD/kW", "least_share": "85 %"}]
    found = bill(tariff(demand=rows, contract="100 MW"), constant(JULY, 31 * DAY, 1e6))
    assert found.demand_w == pytest.approx(85e6)


def test_demand_is_the_exact_mean_of_its_interval():
    """A 5 min block of 90 MW over 30 MW is 50 MW in 15 min, 40 MW in 30 min, 35 MW in 60 min."""
    edges = np.array([0.0, 300.0, DAY])
    load = MeterRecord(JULY, edges, np.array([90e6, 30e6]))
    for interval, watts in (("15 min", 50e6), ("30 min", 40e6), ("60 min", 35e6)):
        rows = [{"name": "peak", "price": "10 USD/kW", "interval": interval}]
        assert bill(tariff(demand=rows), load).demand_w == pytest.approx(watts)


def test_periods_take_the_first_that_holds_an_hour():
    rows = [
        {"name": "peak", "price": "100 USD/MWh", "when": {"days": "weekdays", "hours": [[14, 20]], "months": [7]}},
        {"name": "rest", "price": "40 USD/MWh"},
    ]
    july = bill(tariff(energy=rows), constant(JULY, 31 * DAY, 1e6))
    assert {line.item: line.quantity for line in july.lines} == pytest.approx(
        {"peak": 23 * 6e3, "rest": 744e3 - 23 * 6e3}
    )
    june = bill(tariff(energy=rows), constant(datetime.date(2025, 6, 1), 30 * DAY, 1e6))
    assert [line.item for line in june.lines] == ["rest"]


@pytest.mark.parametrize("hours", [24, 168, 8760])
def test_hourly_prices_of_a_flat_load_cost_their_mean(hours):
    prices = np.random.default_rng(1).uniform(-20.0, 200.0, hours)
    by_hour = HourlyPrices(file="p.csv", usd_per_mwh=tuple(prices))
    spec = TariffSpec(hourly=by_hour)
    # 52 weeks from a Monday, or the year
    start, days = (datetime.date(2025, 1, 6), 364) if hours < 8760 else (JANUARY, 365)
    found = bill(Tariff(spec), constant(start, days * DAY, 1e6))
    assert found.usd == pytest.approx(prices.mean() * days * 24)


def test_a_leap_day_has_the_prices_of_the_day_before():
    prices = np.zeros(8760)
    prices[58 * 24 : 59 * 24] = 10.0
    spec = TariffSpec(hourly=HourlyPrices(file="p.csv", usd_per_mwh=tuple(prices)))
    found = bill(Tariff(spec), constant(datetime.date(2024, 2, 1), 60 * DAY, 1e6))
    assert found.usd == pytest.approx(2 * 24 * 10.0)


def test_given_energy_earns_its_credit_and_lowers_no_purchase():
    found = bill(tariff(export_credit="20 USD/MWh"), record([40e6, -40e6], HOUR))
    assert {line.group: line.usd for line in found.lines} == pytest.approx({"energy": 2000.0, "export": -800.0})


def test_four_coincident_peaks_bill_the_summer_mean_all_year():
    edges = np.array([0.0, 151 * DAY, 273 * DAY, 365 * DAY])
    found = bill(tariff_of(TariffSpec(name="ercot_4cp")), MeterRecord(JANUARY, edges, np.array([9e6, 5e6, 9e6])))
    kilowatts = [line.quantity for line in found.lines if line.group == "demand"]
    assert kilowatts == pytest.approx([5e3] * 7)


# ---- laws -----------------------------------------------------------------------------------------------------------

BLOCKS = [{"hours_use": "3 h", "price": "50 USD/MWh"}]
RICH = {
    "energy": [
        {"name": "peak", "price": "90 USD/MWh", "when": {"days": "weekdays", "hours": [[6, 20]]}},
        {
            "name": "rest",
            "price": "30 USD/MWh",
            "blocks": [{"hours_use": "3 h", "price": "50 USD/MWh"}],
            "block_demand": "top",
        },
    ],
    "demand": [
        {"name": "top", "price": "12 USD/kW", "interval": "15 min", "ratchet": "60 %"},
        {"name": "day", "price": "4 USD/kW", "when": {"hours": [[6, 20]]}, "interval": "60 min"},
    ],
    "fixed": "500 USD",
    "rider": "2 USD/MWh",
}


@settings(max_examples=examples(25), deadline=None)
@given(loads)
def test_lines_add_up_and_energy_is_conserved(watts):
    load, asked = record(watts), tariff(**RICH)
    found = bill(asked, load)
    kwh = math.fsum(line.quantity for line in found.lines if line.group == "energy" and line.item != "rider")
    assert kwh * 3.6e6 == pytest.approx(load.energy_j, rel=1e-9, abs=1e-3)
    assert math.fsum(line.usd for line in found.items()) == pytest.approx(found.usd)
    assert float(energy_usd_by_hour(asked, load).sum()) == pytest.approx(found.group_usd("energy"), rel=1e-9, abs=1e-6)
    assert found.group_usd("demand") >= 0.0


@settings(max_examples=25, deadline=None)
@given(loads, st.floats(0.0, 300e6))
def test_shaving_a_peak_never_raises_the_demand_charge(watts, limit):
    asked = tariff(**RICH)
    before, after = bill(asked, record(watts)), bill(asked, record([min(w, limit) for w in watts]))
    assert after.group_usd("demand") <= before.group_usd("demand") * (1 + 1e-12)
    assert after.demand_w <= before.demand_w


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0.0, 300e6), min_size=24, max_size=24), st.randoms(use_true_random=False))
def test_the_order_of_hours_matters_not_to_a_flat_tariff(watts, order):
    asked = tariff(demand=[{"name": "peak", "price": "10 USD/kW"}])
    mixed = list(watts)
    order.shuffle(mixed)
    assert bill(asked, record(watts, HOUR)).usd == pytest.approx(bill(asked, record(mixed, HOUR)).usd)


def test_months_add_up_to_the_year():
    asked = tariff(energy=RICH["energy"], demand=[{**RICH["demand"][0], "ratchet": "0 %"}], fixed="500 USD")
    watts = np.random.default_rng(2).uniform(1e6, 9e6, 365 * 24)
    whole = bill(asked, record(watts, HOUR, JANUARY)).usd
    parts, day = [], 0
    for month in range(1, 13):
        first = datetime.date(2025, month, 1)
        days = (datetime.date(2025 + month // 12, month % 12 + 1, 1) - first).days
        parts.append(bill(asked, record(watts[day * 24 : (day + days) * 24], HOUR, first)).usd)
        day += days
    assert math.fsum(parts) == pytest.approx(whole)


# ---- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({}, "expected name, energy or hourly"),
        ({"name": "tva_dsd", "fixed": "3 USD"}, "expected name, contract and past_demand alone"),
        ({"energy": [{"name": "a", "price": "1 USD/MWh", "when": {"days": "weekends"}}]}, "expected no `when`"),
        ({"hourly": ["1 USD/MWh"] * 23}, "expected 24 prices, found 23"),
        (FLAT | {"demand": [{"name": "a", "price": "1 USD/kW", "interval": "10 min"}]}, "15 min, 30 min or 60 min"),
        (FLAT | {"demand": [{"name": "a", "price": "1 USD/kW", "least_share": "85 %"}]}, "expected tariff.contract"),
        (FLAT | {"demand": [{"name": "a", "price": "1 USD/kW"}] * 2}, "different names"),
        ({"energy": [{"name": "a", "price": "1 USD/MWh", "blocks": BLOCKS, "block_demand": "b"}]}, "no demand charge"),
        ({"energy": [{"name": "a", "price": "1 USD/MWh", "when": {"months": [13]}}]}, "1 to 12"),
        ({"energy": [{"name": "a", "price": "1 USD/MWh", "when": {"hours": [[20, 6]]}}]}, "from < to"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tree, said):
    with pytest.raises(ValidationError, match=said):
        TariffSpec.model_validate(tree)


def test_an_unknown_tariff_is_named_with_the_nearest():
    with pytest.raises(InputError, match="tva_direct_2003"):
        tariff_of(TariffSpec(name="tva_direct_2013"))


def test_specs_read_back_as_they_are_written():
    for spec in (TariffSpec(name="tva_dsd", contract="150 MW"), TariffSpec.model_validate(FLAT | RICH)):
        assert TariffSpec.model_validate(spec.model_dump(mode="json")) == spec


def test_four_coincident_peaks_before_the_first_summer_need_the_past_demand():
    """January: nothing of transmission for a site that was not there in summer, 8.33 USD/kW for one that was."""
    january = MeterRecord(datetime.date(2025, 1, 1), np.array([0.0, 31 * 86400.0]), np.array([150e6]))
    new, old = ({"name": "ercot_4cp"}, {"name": "ercot_4cp", "past_demand": "150 MW"})
    usd = [bill(tariff_of(TariffSpec.model_validate(tree)), january).group_usd("demand") for tree in (new, old)]
    assert usd == pytest.approx([0.0, 150e3 * 8.33])
