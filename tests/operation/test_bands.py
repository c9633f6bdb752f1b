"""Bands over draws: exact cases, and errors that are what repeating the draws would show."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim.operation.bands import band

DRAWS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@given(DRAWS)
def test_order_and_bounds(values):
    found = band(values)
    edge = 1e-9 * max(1.0, max(map(abs, values)))
    assert min(values) - edge <= found.low <= found.median + edge
    assert found.median <= found.high + edge
    assert found.high <= max(values) + edge
    assert min(values) - edge <= found.mean <= max(values) + edge
    assert min(found.mean_error, found.low_error, found.median_error, found.high_error) >= 0.0
    assert found.draws == len(values)


@given(DRAWS, st.floats(0.0, 1e3))
def test_another_unit_scales_everything(values, factor):
    found, scaled = band(values), band([factor * value for value in values])
    for name in ("mean", "mean_error", "low", "low_error", "median", "high", "high_error"):
        assert getattr(found.scaled(factor), name) == pytest.approx(getattr(scaled, name), rel=1e-6, abs=1e-3)


def test_one_draw_has_no_spread():
    found = band([3.0])
    assert (found.mean, found.low, found.median, found.high) == (3.0, 3.0, 3.0, 3.0)
    assert (found.mean_error, found.low_error, found.median_error, found.high_error) == (0.0, 0.0, 0.0, 0.0)


def test_quantiles_by_hand():
    found = band([float(n) for n in range(21)])
    assert (found.low, found.median, found.high, found.mean) == (1.0, 10.0, 19.0, 10.0)
    assert found.mean_error == pytest.approx(math.sqrt(38.5 / 21))


def test_the_errors_are_those_of_repeated_draws():
    """The standard error told from 200 draws is, on average, the spread of the estimate over 2,000 repetitions."""
    drawn = np.random.default_rng(7).normal(1.0, 1.0, (2000, 200))
    found = [band(row) for row in drawn[:200]]
    for name, estimates in (
        ("mean_error", drawn.mean(axis=1)),
        ("low_error", np.quantile(drawn, 0.05, axis=1)),
        ("median_error", np.quantile(drawn, 0.5, axis=1)),
        ("high_error", np.quantile(drawn, 0.95, axis=1)),
    ):
        told = np.mean([getattr(one, name) for one in found])
        assert told == pytest.approx(float(estimates.std()), rel=0.12), name


@pytest.mark.parametrize("values", [[], [1.0, math.inf], [math.nan]])
def test_nothing_and_no_number_are_refused(values):
    with pytest.raises(ValueError, match="at least one draw"):
        band(values)
