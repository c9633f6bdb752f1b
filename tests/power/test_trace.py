"""A trace resampled, averaged, scaled, smoothed: energy and variance are kept, limits are exact."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.power.stores import flattening_energy_j, low_pass
from clustersim.power.trace import (
    PowerTrace,
    bin_means,
    boxcar,
    coherent_gain,
    cumulative,
    resampled,
    scaled,
)

watts = st.lists(st.floats(0.0, 1e8), min_size=4, max_size=60)
steps = st.lists(st.floats(0.01, 3.0), min_size=60, max_size=60)


def trace(values, dt=0.1, **more):
    return PowerTrace("t", 0.0, dt, np.asarray(values, dtype=float), **more)


@given(watts, steps, st.floats(0.05, 2.0), st.sampled_from(["hold", "line"]))
@settings(max_examples=60, deadline=None)
def test_resampling_keeps_energy(values, gaps, width, between):
    power = np.array(values)
    times = 3.0 + np.concatenate([[0.0], np.cumsum(gaps[: power.size - 1])])
    means = bin_means(times, power, width, between)
    end = times[0] + width * means.size
    whole = cumulative(times, power, np.array([end]), between)[0]
    assert means.sum() * width == pytest.approx(whole, rel=1e-9, abs=1e-3)
    assert means.min() >= power.min() - 1e-6 * (1.0 + power.max())
    assert means.max() <= power.max() * (1.0 + 1e-6) + 1e-6


def test_lines_between_readings_are_integrated_exactly():
    times = np.array([0.0, 1.0, 1.5, 4.0])
    power = np.array([0.0, 2.0, 2.0, 7.0])
    found = bin_means(times, power, 0.5, "line")
    assert found[:4] == pytest.approx([0.5, 1.5, 2.0, 2.5])
    assert found.sum() * 0.5 == pytest.approx(np.trapezoid(power, times))


def test_held_readings_are_integrated_exactly():
    times = np.array([0.0, 1.0, 3.0, 4.0])
    assert bin_means(times, np.array([4.0, 1.0, 3.0, 3.0]), 2.0, "hold") == pytest.approx([2.5, 2.0])


@given(watts, st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_coarser_bins_keep_energy(values, factor):
    power = trace(np.repeat(values, factor))
    coarse = resampled(power, 0.1 * factor)
    assert coarse.energy_j == pytest.approx(power.energy_j, rel=1e-9, abs=1e-3)
    assert coarse.watts == pytest.approx(np.array(values), rel=1e-9, abs=1e-4)


@given(watts, st.floats(0.02, 3.0))
@settings(max_examples=60, deadline=None)
def test_a_boxcar_keeps_energy_between_equal_ends(values, window):
    """The average of a record that begins and ends at one level for a window holds the same energy."""
    quiet = np.full(math.ceil(window / 0.1) + 2, values[0])
    power = trace(np.concatenate([quiet, values, quiet]))
    seen = boxcar(power, window)
    assert seen.energy_j == pytest.approx(power.energy_j, rel=1e-9, abs=1e-2)
    assert seen.watts.max() <= power.watts.max() * (1 + 1e-9) + 1e-3
    assert seen.sensor_s == window


def test_a_boxcar_turns_a_step_into_a_ramp_of_its_length():
    power = trace([0.0] * 20 + [10.0] * 20)
    seen = boxcar(power, 0.5).watts
    assert seen[19:26] == pytest.approx([0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 10.0])
    assert boxcar(power, 0.25).watts[19:24] == pytest.approx([0.0, 4.0, 8.0, 10.0, 10.0])
    assert boxcar(power, 0.1).watts == pytest.approx(power.watts)
    assert boxcar(power, 0.05).watts == pytest.approx(power.watts)


@pytest.mark.parametrize("frequency", [0.2, 0.5, 1.0])
def test_a_boxcar_has_the_response_of_a_sinc(frequency):
    dt, window = 1e-3, 1.0
    times = dt * (np.arange(20_000) + 0.5)
    seen = boxcar(trace(5.0 + np.sin(2 * np.pi * frequency * times), dt), window).watts[5_000:]
    assert np.ptp(seen) / 2 == pytest.approx(abs(np.sinc(frequency * window)), abs=2e-5)


@given(watts, st.integers(1, 100_000), st.floats(0.0, 1.0))
@settings(max_examples=60, deadline=None)
def test_scaling_keeps_mean_and_follows_the_variance_law(values, units, rho):
    power = trace(values)
    total = scaled(power, units, rho)
    assert total.watts.mean() == pytest.approx(units * power.watts.mean(), rel=1e-9, abs=1e-6)
    expected = (units + units * (units - 1) * rho) * power.watts.var()
    assert total.watts.var() == pytest.approx(expected, rel=1e-6, abs=1e-6 * (units * (1 + power.watts.max())) ** 2)
    assert total.watts.min() >= -1e-6 * units * (1 + power.watts.max())


def test_limits_of_coherence():
    power = trace([1.0, 3.0, 2.0, 6.0])
    assert scaled(power, 50, 1.0).watts == pytest.approx(50 * power.watts)
    assert coherent_gain(50, 0.0) == pytest.approx(math.sqrt(50))
    assert coherent_gain(1, 0.3) == 1.0


def test_scaling_is_the_law_of_a_simulated_sum():
    """Loads with a common part of variance share rho, summed, against the closed form."""
    rng = np.random.default_rng(3)
    units, samples, rho = 40, 40_000, 0.3
    common = rng.standard_normal(samples)
    loads = 10.0 + math.sqrt(rho) * common + math.sqrt(1 - rho) * rng.standard_normal((units, samples))
    assert loads.sum(axis=0).std() == pytest.approx(coherent_gain(units, rho), rel=0.02)


@pytest.mark.parametrize(("units", "rho"), [(0, 0.5), (2, 1.1), (2, -0.1)])
def test_wrong_scaling_is_refused(units, rho):
    with pytest.raises(InputError, match="expected"):
        scaled(trace([1.0, 2.0]), units, rho)


def test_a_low_pass_follows_a_step_exactly():
    found = low_pass(np.ones(50), 0.1, 2.0, 0.0)[1]
    assert found == pytest.approx(1.0 - np.exp(-0.1 * np.arange(1, 51) / 2.0))


def test_flattening_a_square_wave():
    power = np.tile(np.repeat([2.0, 0.0], 10), 5)
    assert flattening_energy_j(power, 0.1) == pytest.approx(1.0)


@pytest.mark.parametrize("window", [0.0, -1.0, 2.5, 1e12])
def test_a_boxcar_must_fit_into_the_record(window):
    with pytest.raises(InputError, match="expected an averaging time above zero"):
        boxcar(trace(np.ones(20)), window)


def test_a_window_of_a_trace():
    part = trace(np.arange(10.0)).between(0.25, 0.6)
    assert part.t0_s == pytest.approx(0.3)
    assert part.watts == pytest.approx([3.0, 4.0, 5.0, 6.0])
    with pytest.raises(InputError, match="no samples"):
        trace(np.arange(10.0)).between(5.0, 6.0)
