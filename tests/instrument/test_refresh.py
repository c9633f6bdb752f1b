"""The refresh of a sensor is found again from readings whose refresh is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.instrument.refresh import refresh_of
from tests.instrument.published import asked

FINE, COARSE, EQUAL = (1e-3, 3.0), (1.0, 1.0), (1.0, 0.4)
"""Quantum and noise [W]: no equal neighbours, a quarter of them, half of them."""


def cases(count):
    """Two hundred: refresh, polling, jitter to each side and noise in turn, each with a seed of its own."""
    for seed in range(count):
        refresh = (0.025, 0.1, 1.0)[seed % 3]
        polling = (0.001, 0.002, 0.005, 0.01, 0.02)[seed % 5]
        jitter = (0.0, 0.25 * polling, 0.125 * refresh, 0.25 * refresh)[seed % 4]
        quantum, noise = (FINE, COARSE, EQUAL)[seed // 3 % 3]
        yield seed, refresh, polling, jitter, quantum, noise


@pytest.mark.parametrize("count", [36, pytest.param(200, marks=pytest.mark.soak)])
def test_the_interval_holds_the_truth_and_is_no_wider_than_the_readings_make_it(count):
    held, ratio = [], []
    for seed, refresh, polling, jitter, quantum, noise in cases(count):
        duration = max(70.0 * refresh, 5.0)
        times, values = asked(seed, refresh, polling, jitter, quantum, noise, duration)
        try:
            found = refresh_of(times, values)
        except InputError:
            # half of the readings equal and asked for at 0.8 of the refresh: rather none than a wrong one
            assert (refresh, polling, noise) == (0.025, 0.02, 0.4)
            held.append(False)
            continue
        held.append(found.low <= refresh <= found.high)
        # two changes, each known to a time between two readings, are as far apart as the recording is long
        known = 2.0 * float(np.quantile(np.diff(times), 0.9)) / duration * refresh
        ratio.append((found.high - found.low) / known)
        assert abs(found.value - refresh) < 0.01 * refresh, (seed, refresh, found)
    assert np.mean(held) >= 0.97
    assert np.quantile(ratio, 0.9) < 2.0


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    refresh=st.floats(0.02, 1.0),
    share=st.floats(0.02, 0.4),
    jitter=st.floats(0.0, 0.25),
    noise=st.sampled_from([FINE, COARSE]),
)
def test_any_refresh_is_found(seed, refresh, share, jitter, noise):
    times, values = asked(seed, refresh, share * refresh, jitter * refresh, *noise, 120.0 * refresh)
    found = refresh_of(times, values)
    assert found.value == pytest.approx(refresh, rel=0.02)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.01, 100.0), shift=st.floats(-1e3, 1e3))
def test_neither_clock_nor_unit_matters(seed, scale, shift):
    times, values = asked(seed, 0.1, 0.013, 0.004, *FINE, 12.0)
    found, other = refresh_of(times, values), refresh_of(scale * times + shift, 3.0 * values)
    assert other.value == pytest.approx(scale * found.value, rel=1e-4)


@pytest.mark.parametrize(("strays", "walks"), [(0.05, 0.0), (0.0, 0.01)])
def test_a_sensor_that_keeps_time_badly_gets_a_wider_interval(strays, walks):
    strict = refresh_of(*asked(0, 0.1, 0.007, 0.003, *FINE, 40.0))
    held, wider = [], []
    for seed in range(20):
        found = refresh_of(*asked(seed, 0.1, 0.007, 0.003, *FINE, 40.0, strays, walks))
        held.append(found.low <= 0.1 <= found.high)
        wider.append((found.high - found.low) / (strict.high - strict.low))
    assert np.mean(held) >= 0.85
    assert np.median(wider) > 2.0


def test_missing_readings_are_left_out():
    times, values = asked(3, 0.1, 0.01, 0.0, *FINE, 20.0)
    values = values.copy()
    values[np.random.default_rng(0).random(values.size) < 0.2] = np.nan
    assert refresh_of(times, values).value == pytest.approx(0.1, rel=1e-3)


def test_too_few_changes_are_refused():
    times = np.linspace(0.0, 10.0, 1000)
    with pytest.raises(InputError, match="found 0 changes in 10 s"):
        refresh_of(times, np.full(1000, 60.0))
    with pytest.raises(InputError, match="found 9 changes"):
        refresh_of(times, np.floor(times * 0.95))
    with pytest.raises(InputError, match="found 0 changes"):
        refresh_of(times, np.full(1000, np.nan))


def test_readings_asked_for_too_seldom_are_refused():
    times = np.arange(0.0, 30.0, 0.05)
    with pytest.raises(InputError, match="a change nearly every time|none that fit"):
        refresh_of(times, np.random.default_rng(0).standard_normal(times.size))


def test_changes_at_random_times_have_no_refresh():
    rng = np.random.default_rng(5)
    for seed in range(2):
        changes = np.cumsum(rng.exponential(0.1, 400))
        times = np.arange(0.0, 30.0, 0.002)
        with pytest.raises(InputError, match="regular times"):
            refresh_of(times, np.searchsorted(changes, times).astype(float) + seed)
