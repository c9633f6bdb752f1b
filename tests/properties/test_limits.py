"""Rules and measures: what scales, what is stricter, and what cannot matter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.limits import Evidence, Observation, Rating, Rule, Trace, judge
from clustersim.limits.flicker import severity, short_term_severity
from clustersim.limits.measures import (
    band_range,
    excursions,
    lasting_extremes,
    max_ramp,
    max_rocof,
    repeated_range,
    sliding_range,
    voltage_change,
    voltage_dip,
)

FEW = settings(max_examples=max(5, settings.default.max_examples // 8))
MW = 1e6
RECORDS = st.tuples(st.integers(0, 2**32 - 1), st.integers(60, 600)).map(
    lambda drawn: 100.0 + np.cumsum(np.random.default_rng(drawn[0]).normal(size=drawn[1]))
)
FACTORS = st.floats(0.1, 10.0)


@given(RECORDS, FACTORS, st.floats(-50.0, 50.0), st.floats(0.2, 3.0))
def test_measures_are_of_power_and_of_time(power, k, offset, lag):
    """k times the power: k times ranges and ramps; an offset changes none; the record backwards swaps up and down."""
    ramp, other = max_ramp(power, 0.1, lag), max_ramp(k * power + offset, 0.1, lag)
    assert other == pytest.approx((k * ramp.up, k * ramp.down), rel=1e-6, abs=1e-6)
    assert max_ramp(power, 0.2, 2.0 * lag) == pytest.approx((ramp.up / 2.0, ramp.down / 2.0), rel=1e-9)
    back = max_ramp(power[::-1], 0.1, lag)
    assert (back.down, back.up) == pytest.approx(tuple(ramp))
    whole = sliding_range(power, 0.1, lag)
    assert sliding_range(k * power + offset, 0.1, lag) == pytest.approx(k * whole, rel=1e-6, abs=1e-6)
    assert max(ramp) * round(lag / 0.1) * 0.1 <= whole * (1 + 1e-9)
    assert max_rocof(60.0 + power / 100.0, 0.1) == pytest.approx(max(max_ramp(power, 0.1, 0.5)) / 100.0, rel=1e-6)


@given(RECORDS, st.floats(0.2, 2.0), st.floats(0.0, 2.0), st.floats(0.0, 30.0), st.floats(0.0, 10.0))
def test_longer_windows_hold_more_and_higher_limits_are_passed_less(power, window, longer, limit, more):
    assert sliding_range(power, 0.1, window + longer) >= sliding_range(power, 0.1, window)
    assert excursions(power, 0.1, window, limit + more) <= excursions(power, 0.1, window, limit)
    ranges = [repeated_range(power, 0.1, window, skip) for skip in range(3)]
    assert ranges == sorted(ranges, reverse=True)
    assert ranges[0] == sliding_range(power, 0.1, window)
    assert ranges[0] <= np.ptp(power)


@given(RECORDS, FACTORS)
def test_a_band_holds_in_proportion(power, k):
    record = np.tile(power, 6)
    assert band_range(k * record, 0.1, 0.5, 2.0) == pytest.approx(k * band_range(record, 0.1, 0.5, 2.0), rel=1e-6)
    assert band_range(np.full(3000, 7.0), 0.1, 0.5, 2.0) == pytest.approx(0.0, abs=1e-9)


@given(RECORDS, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_what_lasts_longer_goes_less_far(power, lasting, more):
    low, high = lasting_extremes(power, 0.1, lasting)
    less_low, less_high = lasting_extremes(power, 0.1, lasting + more)
    assert power.min() <= low <= less_low
    assert less_high <= high <= power.max()
    voltage = power / np.median(power)
    assert 0.0 <= voltage_dip(voltage) <= voltage_change(voltage, 0.1) + 1e-12


RULES = [
    {"measure": "ramp", "lag": "1 s", "unit": "MW/s"},
    {"measure": "range", "window": "5 s", "unit": "MW"},
]


def rule(number, limit, kind):
    tree = {key: value for key, value in kind.items() if key != "unit"}
    return Rule.model_validate(
        {"id": f"r{number}", "limit": f"{limit!r} {kind['unit']}", "comparison": "at_most", **tree}
    )


@pytest.mark.parametrize("kind", RULES, ids=lambda kind: kind["measure"])
@given(RECORDS, st.floats(0.01, 60.0), st.floats(0.0, 20.0), FACTORS)
def test_a_stricter_rule_never_passes_what_a_laxer_fails(kind, power, limit, laxer, k):
    """And verdicts know no unit of power: k times the trace against k times the limit is judged the same."""
    trace = Trace("a", "steady", 0.1, power * MW)
    verdict = judge((rule(1, limit, kind), rule(2, limit + laxer, kind)), Evidence(traces=(trace,))).table
    strict, lax = verdict.iloc[0], verdict.iloc[1]
    assert lax["passed"] or not strict["passed"]
    assert strict["measured"] == lax["measured"]
    assert strict["margin"] <= lax["margin"] + 1e-12
    assert (strict["margin"] >= 0.0) == strict["passed"]
    scaled = Evidence(traces=(Trace("a", "steady", 0.1, k * power * MW),))
    again = judge((rule(1, k * limit, kind),), scaled).table.iloc[0]
    assert again["margin"] == pytest.approx(strict["margin"], rel=1e-6, abs=1e-6)


@given(st.floats(0.0, 200.0), st.floats(1.0, 200.0), st.floats(0.0, 50.0))
def test_equipment_that_is_larger_never_fails_where_a_smaller_holds(loading, rating, more):
    held = Rule.model_validate({"id": "r", "measure": "rating", "limit": "100 %", "comparison": "at_most"})
    ratings = tuple(
        Rating(name, "a", loading, size, "") for name, size in (("small", rating), ("large", rating + more))
    )
    table = judge((held,), Evidence(ratings=ratings)).table
    assert table["passed"].tolist()[1] >= table["passed"].tolist()[0]


@given(st.lists(st.floats(0.0, 200.0), min_size=1, max_size=5), st.floats(1.0, 100.0))
def test_the_worst_observation_counts(values, limit):
    held = Rule.model_validate({"id": "r", "measure": "load_lost", "limit": f"{limit!r} MW", "comparison": "at_most"})
    found = tuple(Observation("load_lost", "a", f"w{k}", value * MW) for k, value in enumerate(values))
    row = judge((held,), Evidence(observations=found)).table.iloc[0]
    assert row["measured"] == pytest.approx(max(values), rel=1e-12)
    assert row["passed"] == (max(values) * MW <= held.limit_si)


@FEW
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 4.0))
def test_flicker_is_proportional_to_the_change(seed, k):
    changes = 0.002 * np.sin(np.cumsum(np.random.default_rng(seed).uniform(0.0, 0.3, 60_000)))
    one, many = short_term_severity(1.0 + changes, 0.01), short_term_severity(1.0 + k * changes, 0.01)
    assert many == pytest.approx(k * one, rel=0.01)


@given(st.integers(0, 2**32 - 1), FACTORS)
def test_severity_is_the_root_of_the_sensation(seed, k):
    sensation = np.random.default_rng(seed).exponential(size=5000)
    assert severity(k * sensation) == pytest.approx(np.sqrt(k) * severity(sensation), rel=1e-9)
    assert severity(np.sort(sensation)) == pytest.approx(severity(sensation), rel=1e-12)
    assert severity(sensation + 0.1) >= severity(sensation)
