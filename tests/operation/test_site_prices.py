"""Load that sites give up because of the price of energy."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from clustersim.errors import InputError
from clustersim.operation.site_prices import Load, energy_cost, local_hour, price_events, saving
from clustersim.operation.spec_parts.sites import SitePricesSpec, SitesSpec
from clustersim.units import DAY_S, HOUR_S

RAMP = tuple(f"{10 + hour} USD/MWh" for hour in range(24))
"""The price rises through the local day."""


def sites(rule, prices=None, start="0 s"):
    return SitesSpec.model_validate(
        {"prices": prices or {"a": {"hourly": RAMP}, "b": {"hourly": RAMP, "utc_offset": "-6 h"}}, "start": start}
        | {"curtailment": rule}
    )


def stretches(events):
    return [(event.t_start_s / HOUR_S, event.t_end_s / HOUR_S) for event in events]


def test_the_most_expensive_hours_come_at_each_sites_own_time():
    found = price_events(sites({"hours": 2}), ("a", "b", "c"), 2 * DAY_S)
    assert stretches(found["a"]) == [(22.0, 24.0), (46.0, 48.0)]
    # 22:00 at six hours behind UTC is 04:00 UTC
    assert stretches(found["b"]) == [(4.0, 6.0), (28.0, 30.0)]
    assert found["c"] == ()


@pytest.mark.parametrize("offset", ["-12 h", "14 h"])
def test_clocks_go_from_twelve_hours_behind_to_fourteen_ahead(offset):
    prices = SitePricesSpec(hourly=RAMP, utc_offset=offset)
    assert prices.utc_offset == float(offset.split()[0]) * HOUR_S
    beyond = offset.replace("12", "13").replace("14", "15")
    with pytest.raises(ValidationError, match="utc_offset"):
        SitePricesSpec(hourly=RAMP, utc_offset=beyond)


def test_above_a_price_with_a_cap():
    rule = {"above": "30 USD/MWh", "response": "cap", "cap": "60 %"}
    found = price_events(sites(rule, start="20 h"), ("a", "b"), DAY_S)
    assert stretches(found["a"]) == [(1.0, 4.0)]
    assert {(event.effect, event.fraction, event.cause) for event in found["a"]} == {
        ("cap_fraction", 0.6, "energy price")
    }


def test_load_moves_to_the_cheapest_site():
    found = price_events(sites({"run_cheapest": 1}), ("a", "b"), DAY_S)
    # b's day is six hours behind: dearer than a from a's midnight until its own, at 06:00 UTC
    assert stretches(found["b"]) == [(0.0, 6.0)]
    assert stretches(found["a"]) == [(6.0, 24.0)]


@given(
    st.lists(st.floats(-50.0, 500.0), min_size=24, max_size=24),
    st.integers(1, 23),
    st.sampled_from(["-9.5 h", "0 h", "5.75 h"]),
    st.floats(0.0, 23.9),
)
@settings(max_examples=30)
def test_so_many_hours_of_every_day_are_given_up(hourly, count, offset, start):
    prices = {"a": {"hourly": tuple(f"{value} USD/MWh" for value in hourly), "utc_offset": offset}}
    events = price_events(sites({"hours": count}, prices, f"{start} h"), ("a",), 3 * DAY_S)["a"]
    assert math.fsum(event.t_end_s - event.t_start_s for event in events) == pytest.approx(3 * count * HOUR_S)
    assert all(first.t_end_s < second.t_start_s for first, second in zip(events, events[1:], strict=False))


@given(st.floats(0.0, DAY_S), st.floats(1.0, 3 * DAY_S), st.floats(0.0, 1.0))
@settings(max_examples=30)
def test_energy_and_cost_add_up(begin, length, speed):
    price, load = SitePricesSpec(hourly=("36 USD/MWh",) * 24), Load(100e6, 20e6)
    energy, cost = energy_cost(price, 1234.5, load, [(begin, begin + length, speed)])
    assert energy == pytest.approx((20e6 + 80e6 * speed) * length)
    assert cost == pytest.approx(energy * 36 / 3.6e9)


def test_cost_of_a_row_across_an_hour():
    price = SitePricesSpec(hourly=RAMP)
    _, cost = energy_cost(price, 0.0, Load(1e6, 0.0), [(0.5 * HOUR_S, 2.5 * HOUR_S, 1.0)])
    assert cost == pytest.approx(0.5 * 10 + 11 + 0.5 * 12)
    assert local_hour(price, 0.0, 0.5 * HOUR_S) == 0


def test_a_saving_has_a_price_in_tokens():
    found = saving((8.0, 80.0), (10.0, 100.0), 9e9, 10e9)
    assert (found.saved_usd, found.saved_j, found.tokens_lost) == (20.0, 2.0, 1e9)
    assert found.usd_per_million_tokens == pytest.approx(0.02)
    assert saving((1.0, 1.0), (1.0, 2.0), 5.0, 5.0).usd_per_million_tokens == math.inf


@pytest.mark.parametrize(
    ("rule", "match"),
    [
        ({}, "expected one of above, hours and run_cheapest"),
        ({"hours": 3, "run_cheapest": 1}, "expected one of"),
        ({"hours": 3, "cap": "50 %"}, "curtailment.cap"),
        ({"hours": 24}, "less than 24"),
    ],
)
def test_rules_that_say_too_much_or_too_little(rule, match):
    with pytest.raises(ValidationError, match=match):
        sites(rule)


def test_prices_of_a_site_that_is_not_there():
    with pytest.raises(InputError, match=r"sites.prices.a: expected a site of the place"):
        price_events(sites({"hours": 3}), ("b",), DAY_S)
