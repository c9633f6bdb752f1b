"""Measures of a waveform: how fast it ramps, how far it swings.

All take plain arrays on a fixed clock, simulated or measured; sample `k` is the mean over its bin.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.limits.definitions import ROCOF_S

Array = NDArray[np.float64]


class Ramps(NamedTuple):
    """Largest rise and fall [W/s], both positive."""

    up: float
    down: float


def _samples(span_s: float, dt_s: float, available: int, what: str) -> int:
    """Return `span_s` in samples, at least one.

    Raises
    ------
    InputError
        If the record is not longer than the span.
    """
    count = max(1, round(span_s / dt_s))
    if count >= available:
        raise InputError(f"{what} of {span_s:g} s needs a longer record than {available * dt_s:g} s")
    return count


def max_ramp(power_w: Array, dt_s: float, lag_s: float = 1.0) -> Ramps:
    """Return the largest rise and fall of power per time.

    ``max (P(t + lag) - P(t)) / lag`` over all t, and the same of the fall; zero where the power never rises or falls.

    Parameters
    ----------
    power_w : array, shape (samples,)
        Power. [W]
    dt_s : float
        Sample spacing. [s]
    lag_s : float
        Distance of the two powers compared. [s]

    Raises
    ------
    InputError
        If the record is not longer than the lag.
    """
    lag = _samples(lag_s, dt_s, power_w.size, "a ramp over a lag")
    change = power_w[lag:] - power_w[:-lag]
    span = lag * dt_s
    return Ramps(max(0.0, float(change.max())) / span, max(0.0, float(-change.min())) / span)


def window_ranges(values: Array, dt_s: float, window_s: float) -> Array:
    """Return max - min of every window, one per start time.

    Parameters
    ----------
    values : array, shape (samples,)
    dt_s : float
        Sample spacing. [s]
    window_s : float
        Length of the window; its first and last sample are this far apart. [s]

    Returns
    -------
    array, shape (samples - window,)
        In the unit of `values`. Computed with running maxima and minima in linear time.

    Raises
    ------
    InputError
        If the record is not longer than the window.
    """
    span = _samples(window_s, dt_s, values.size, "a sliding window")
    size, shift = span + 1, -((span + 1) // 2)
    high = scipy.ndimage.maximum_filter1d(values, size, origin=shift)
    low = scipy.ndimage.minimum_filter1d(values, size, origin=shift)
    return np.asarray(high - low, dtype=np.float64)[: values.size - span]


def sliding_range(power_w: Array, dt_s: float, window_s: float) -> float:
    """Return the largest max - min over all windows of the length given, in the unit of `power_w`."""
    return float(window_ranges(power_w, dt_s, window_s).max())


def excursions(power_w: Array, dt_s: float, window_s: float, limit_w: float) -> int:
    """Return how many windows that do not overlap have a range above `limit_w`, counted from the start."""
    above = np.flatnonzero(window_ranges(power_w, dt_s, window_s) > limit_w)
    span = max(1, round(window_s / dt_s))
    count, position = 0, 0
    while position < above.size:
        count += 1
        position = int(np.searchsorted(above, above[position] + span, side="right"))
    return count


def repeated_range(power_w: Array, dt_s: float, window_s: float, skip: int) -> float:
    """Return the largest window range once the `skip` largest windows are left out, each with what overlaps it.

    With ``skip = 0`` this is :func:`sliding_range`; it is the range that recurs more than `skip` times.
    """
    ranges = window_ranges(power_w, dt_s, window_s)
    span = max(1, round(window_s / dt_s))
    # The largest of each block is kept, so that the search for the next one does not read the whole record again.
    block = max(1, min(ranges.size, 4096))
    tops = np.maximum.reduceat(ranges, np.arange(0, ranges.size, block))
    for _ in range(skip):
        first = int(np.argmax(tops)) * block
        top = first + int(np.argmax(ranges[first : first + block]))
        low, high = max(0, top - span), min(ranges.size, top + span + 1)
        ranges[low:high] = 0.0
        for k in range(low // block, (high - 1) // block + 1):
            tops[k] = ranges[k * block : (k + 1) * block].max()
    return float(tops.max())


def band_range(power_w: Array, dt_s: float, low_hz: float, high_hz: float) -> float:
    """Return max - min of what a band holds of a record (:func:`band_part`), in the unit of `power_w`."""
    return float(np.ptp(band_part(power_w, dt_s, low_hz, high_hz)))


def band_part(power_w: Array, dt_s: float, low_hz: float, high_hz: float) -> Array:
    """Return what a band holds of a record, in the unit of `power_w`, without either end.

    Butterworth band pass of fourth order, run forwards and backwards so that nothing is delayed: gain 1 at
    ``sqrt(low high)``, 1/2 at either edge. Three periods of the lower edge at either end, where the filter settles,
    are not looked at.

    Parameters
    ----------
    power_w : array, shape (samples,)
    dt_s : float
        Sample spacing. [s]
    low_hz, high_hz : float
        Edges of the band, the upper one below half the sampling rate. [Hz]

    Raises
    ------
    InputError
        If the band does not lie below half the sampling rate, or the record is not longer than eight of those periods.
    """
    if not 0.0 < low_hz < high_hz < 0.5 / dt_s:
        raise InputError(f"a band of {low_hz:g} to {high_hz:g} Hz needs samples finer than {0.5 / high_hz:g} s")
    settling = round(3.0 / (low_hz * dt_s))
    if power_w.size * dt_s <= 8.0 / low_hz:
        raise InputError(f"a band from {low_hz:g} Hz needs a longer record than {8.0 / low_hz:g} s")
    sections = scipy.signal.butter(4, (low_hz, high_hz), "bandpass", fs=1.0 / dt_s, output="sos")
    inside = scipy.signal.sosfiltfilt(sections, power_w - power_w.mean(), padlen=settling)
    return np.asarray(inside[settling:-settling], dtype=np.float64)


def swing(power_w: Array, starts: NDArray[np.int64]) -> float:
    """Return the median over steps of max - min, in the unit of `power_w`.

    Parameters
    ----------
    power_w : array, shape (samples,)
    starts : array of int, shape (steps + 1,)
        Sample at which each step begins, and the end of the last one; samples outside are not looked at.

    Raises
    ------
    InputError
        If there is not one whole step, or a step has no sample.
    """
    if starts.size < 2 or np.any(np.diff(starts) < 1):
        raise InputError("swing needs at least one whole step, each with at least one sample")
    inside = power_w[: starts[-1]]
    ranges = np.maximum.reduceat(inside, starts[:-1]) - np.minimum.reduceat(inside, starts[:-1])
    return float(np.median(ranges))


def max_rocof(frequency_hz: Array, dt_s: float, window_s: float = ROCOF_S) -> float:
    """Return the largest change of frequency per time [Hz/s], ``max |f(t + window) - f(t)| / window``.

    Raises
    ------
    InputError
        If the record is not longer than the window.
    """
    return max(max_ramp(frequency_hz, dt_s, window_s))


def voltage_dip(voltage_pu: Array) -> float:
    """Return how far the voltage falls below its median, relative to the median."""
    usual = float(np.median(voltage_pu))
    return max(0.0, (usual - float(voltage_pu.min())) / usual)


def voltage_change(voltage_pu: Array, dt_s: float = 1.0, lasting_s: float = 0.0) -> float:
    """Return the largest departure of the voltage from its median, up or down, relative to the median.

    Of departures that last longer than `lasting_s`; see :func:`lasting_extremes`.
    """
    usual = float(np.median(voltage_pu))
    low, high = lasting_extremes(voltage_pu, dt_s, lasting_s)
    return max(usual - low, high - usual) / usual


def lasting_extremes(values: Array, dt_s: float, lasting_s: float) -> tuple[float, float]:
    """Return the lowest and the highest level that are held for longer than a time, in the unit of `values`.

    ``min over t of max over [t, t + lasting]``, and the other way round: the least level below which the values stay
    for longer than that, and the largest above which they do. What lasts exactly `lasting_s` does not count; with zero
    these are minimum and maximum.

    Parameters
    ----------
    values : array, shape (samples,)
        Means over their bins.
    dt_s : float
        Sample spacing. [s]
    lasting_s : float
        [s]

    Raises
    ------
    InputError
        If the record is not longer than the time.
    """
    high, low = _held(values, dt_s, lasting_s)
    return float(high.min()), float(low.max())


def lasting_at(values: Array, dt_s: float, lasting_s: float, highest: bool) -> tuple[int, int]:
    """Return where the lowest level of :func:`lasting_extremes`, or the highest, begins to be held.

    Returns
    -------
    tuple of int
        Its sample, and how many samples later the time is over.
    """
    high, low = _held(values, dt_s, lasting_s)
    return int(low.argmax() if highest else high.argmin()), values.size - high.size


def _held(values: Array, dt_s: float, lasting_s: float) -> tuple[Array, Array]:
    """Return the most and the least of every stretch of a time, one per start."""
    span = math.floor(lasting_s / dt_s + 1e-6)
    if span >= values.size:
        raise InputError(f"what lasts longer than {lasting_s:g} s needs a longer record than {values.size * dt_s:g} s")
    size, shift = span + 1, -((span + 1) // 2)
    high = scipy.ndimage.maximum_filter1d(values, size, origin=shift)[: values.size - span]
    low = scipy.ndimage.minimum_filter1d(values, size, origin=shift)[: values.size - span]
    return high, low
