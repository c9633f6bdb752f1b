"""What leads up to a window that is cut out of a load that goes on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim.power.run_in import before_window


@pytest.mark.parametrize("bins", [0, 3, 400])
def test_a_constant_load_is_led_up_to_by_itself(bins):
    np.testing.assert_array_equal(before_window(np.full(100, 7.0), bins, 20), np.full(bins, 7.0))


@given(
    period=st.lists(st.floats(0.0, 1e8), min_size=3, max_size=40),
    bins=st.integers(1, 300),
    part=st.integers(0, 39),
)
def test_a_periodic_load_is_led_up_to_by_its_periods(period, bins, part):
    whole = np.resize(period, 2000)
    start = bins + len(period)
    start += part % len(period)
    window = whole[start:]
    found = before_window(window, bins, 4 * len(period))
    np.testing.assert_allclose(found, whole[start - bins : start], atol=1e-3 * max(np.ptp(whole), 1e-6))


def test_the_moment_is_found_before_an_event_and_in_noise():
    generator = np.random.default_rng(1)
    steps = np.tile(np.r_[np.full(80, 100.0), np.full(27, 60.0)], 40) + generator.normal(0.0, 0.5, 40 * 107)
    steps[2200:] = 30.0
    found = before_window(steps, 500, 400)
    expected = np.tile(np.r_[np.full(80, 100.0), np.full(27, 60.0)], 10)[-500:]
    assert np.abs(found - expected).max() < 3.0


@pytest.mark.parametrize("load", [np.array([5.0]), np.array([5.0, 6.0])])
def test_the_shortest_windows_have_something_before_them(load):
    assert before_window(load, 4, 10).shape == (4,)
    assert set(before_window(load, 4, 10)) <= {5.0, 6.0}


def _jittered(lengths, dt=0.001):
    """Steps of about a second, each a little longer or shorter: up within 50 ms, down within 150 ms, a short dip."""
    steps = []
    for length in lengths:
        t = np.arange(round(length / dt)) * dt
        steps.append(
            np.interp(t, [0.0, 0.05, length - 0.27, length - 0.12, length], [177.0, 245.0, 249.0, 177.0, 177.0])
        )
    return np.concatenate(steps)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("start", [0, 300, 950])
def test_steps_that_are_not_quite_alike_are_led_up_to_by_steps_and_not_by_their_first_value(seed, start):
    """Any load is most like itself a bin later."""
    lengths = np.random.default_rng(seed).normal(1.07, 0.03, 30)
    load = _jittered(lengths)[start:20_000]
    found = before_window(load, 20_000, 10_000)
    assert found.mean() == pytest.approx(load.mean(), rel=0.02)
    assert np.ptp(found) == pytest.approx(np.ptp(load), rel=0.02)
    assert abs(found[-1] - load[0]) < 0.1 * np.ptp(load)


def test_a_load_that_drifts_is_led_up_to_by_its_first_value():
    np.testing.assert_array_equal(before_window(np.linspace(5.0, 9.0, 2000), 300, 500), np.full(300, 5.0))
