"""Loads that follow the day: exact means, the published inference day."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim.errors import CatalogError
from clustersim.operation.daily_load import DailyLoad, cosine_shares, daily_load, hour_of_day
from clustersim.units import DAY_S, HOUR_S

SHARES = st.lists(st.floats(0.0, 1.0), min_size=24, max_size=24).map(tuple)
# by the second: a load is told where it is right by whole minutes, and edges nearer than half a millisecond are one
OFFSETS_H = st.integers(-43_200, 50_400).map(lambda seconds: seconds / HOUR_S)
TIMES = st.floats(0.0, 10 * DAY_S)


@given(SHARES, st.integers(-12, 14), TIMES, TIMES, TIMES)
def test_integrals_add_up(shares, offset, a, b, c):
    load = DailyLoad(shares, offset * HOUR_S)
    total = load.integral_s(a, b) + load.integral_s(b, c)
    assert total == pytest.approx(load.integral_s(a, c), abs=1e-6)


@given(SHARES, st.integers(-12, 14), st.integers(0, 239))
def test_the_mean_over_an_hour_is_the_share_of_that_hour(shares, offset, hour):
    load = DailyLoad(shares, offset * HOUR_S)
    assert load.mean(hour * HOUR_S, (hour + 1) * HOUR_S) == pytest.approx(load.at(hour * HOUR_S), abs=1e-9)
    assert load.at(hour * HOUR_S) == shares[(hour + offset) % 24]


@given(SHARES, OFFSETS_H)
def test_the_load_is_constant_between_its_changes(shares, offset_h):
    load = DailyLoad(shares, offset_h * HOUR_S)
    times = (0.0, *load.changes_s(2 * DAY_S), 2 * DAY_S)
    assert list(times) == sorted(times)
    total = math.fsum(load.at((a + b) / 2) * (b - a) for a, b in zip(times, times[1:], strict=False))
    assert total == pytest.approx(load.integral_s(0.0, 2 * DAY_S), rel=1e-9, abs=1e-6)


@given(SHARES, OFFSETS_H)
def test_the_hour_that_begins_at_a_change_is_the_new_one(shares, offset_h):
    """Though the time of the change was rounded, by less than half a millisecond."""
    load = DailyLoad(shares, offset_h * HOUR_S)
    for time in load.changes_s(2 * DAY_S):
        assert load.at(time) != load.at(time - 1.0)
        assert load.at(time) == load.at(time + 1.0)


def test_an_hour_holds_its_begin():
    found = [hour_of_day(at) for at in (0.0, HOUR_S - 1e-3, HOUR_S - 1e-4, HOUR_S, DAY_S, -1.0)]
    assert found == [0, 0, 1, 1, 0, 23]


def test_the_published_day_has_its_peak_and_its_mean():
    """278 nodes at the peak and 226.75 on average (DeepSeek, 2025-02-27 to 28)."""
    load = daily_load("deepseek-inference", 8 * HOUR_S)
    assert 278 * load.mean(0.0, DAY_S) == pytest.approx(226.75, rel=1e-12)
    assert max(load.shares) == 1.0
    assert load.at(8 * HOUR_S) == 1.0  # 16 o'clock in Hangzhou is 8 o'clock universal time


def test_a_mean_below_a_half_is_no_sinusoid_of_peak_one():
    with pytest.raises(ValueError, match=r"from 0\.5 to 1"):
        cosine_shares(0.4, 12)
    with pytest.raises(CatalogError, match="deepseek-inference"):
        daily_load("deepseek-inferense")
