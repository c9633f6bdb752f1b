"""The spectrum of a power waveform, simulated or measured: shares of bands, harmonics of the step, spectrogram.

All take plain arrays on a fixed clock; sample ``k`` is the mean over its bin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.power.fourier import fourier_sums
from clustersim.power.records import coarsen

Array = NDArray[np.float64]

LONG = 1_000_000
"""Records of more samples are cut to a length whose Fourier transform is fast."""
HARMONIC_SAMPLES = 200_000
"""For harmonics longer records are averaged down to about this many samples, if the highest order allows it."""
BLOCKS = 4096
"""Averages whose samples are squared at a time."""
FINE = 4.0
"""Averaged samples that the shortest period of a harmonic must still hold. [-]"""
SEGMENT_PERIODS = 4.0
"""Periods in a Welch segment: the main lobe of its window then ends half-way to the next harmonic. [-]"""
MOST_SEGMENTS = 600
"""Columns of a spectrogram at most; longer records get segments that are further apart."""
SAMPLES_AT_ONCE = 1 << 17
"""Samples of segments that are transformed together; many are quicker, until they leave the processor's cache."""
ROWS = 120
"""Bands of a spectrogram at most, evenly spaced on a logarithmic scale."""


class BandShares(NamedTuple):
    """Share [-] of a frequency band in the spectrum without its mean."""

    energy: float
    amplitude: float


@dataclass(frozen=True)
class Harmonic:
    """A multiple of the frequency with which a waveform repeats; amplitudes are those of a sine, half its swing."""

    order: int
    frequency_hz: float
    line_w: float
    """Amplitude of the sine at exactly this frequency; jitter of the period takes from it. [W]"""
    near_w: float
    """Amplitude of the sine with the energy of all that is nearer to this harmonic than to its neighbours. [W]"""
    welch_w: float | None
    """The same from Welch's mean over segments; None where the record does not hold :data:`SEGMENT_PERIODS`. [W]"""
    energy_share: float
    """That energy over all energy of the spectrum without its mean. [-]"""


@dataclass(frozen=True)
class Spectrogram:
    """Power spectral density over time, in bands of frequency."""

    times_s: Array
    """Middle of each segment after the start of the record. [s], shape (segments,)"""
    edges_hz: Array
    """[Hz], shape (bands + 1,)"""
    density: Array
    """One-sided density, mean over each band. [W^2/Hz], shape (bands, segments)"""
    segment_s: float

    def variance_w2(self) -> Array:
        """Return the variance of each segment, the sum over all bands. [W^2], shape (segments,)"""
        return np.asarray(np.diff(self.edges_hz) @ self.density, dtype=np.float64)


def band_shares(power_w: Array, dt_s: float, low_hz: float = 0.1, high_hz: float = 20.0) -> BandShares:
    """Return the share of a band in the one-sided spectrum, of energy and of amplitude.

    The mean is removed, a Hann window applied; with ``X`` the discrete Fourier transform at frequencies above zero,
    energy is ``sum_band |X|^2 / sum |X|^2`` and amplitude ``sum_band |X| / sum |X|``. Both are given because published
    rules do not say which of the two they mean. A constant has shares of zero.

    Parameters
    ----------
    power_w : array, shape (samples,)
        Power. [W]
    dt_s : float
        Sample spacing; frequencies above ``1 / (2 dt_s)`` are not in the record. [s]
    low_hz, high_hz : float
        The band, both ends included. [Hz]
    """
    return band_table(power_w, dt_s, [(low_hz, high_hz)])[0][1]


def band_table(
    power_w: Array, dt_s: float, bands: Sequence[tuple[float, float]]
) -> tuple[tuple[BandShares, BandShares], ...]:
    """Return the shares of bands in the one-sided spectrum: rectangular window, then Hann.

    As :func:`band_shares`. Both come from one transform: in the spectrum of ``n`` samples the Hann window is
    ``Y_k = X_k / 2 - (X_(k-1) + X_(k+1)) / 4``. A record longer than a million samples is cut by at most 0.1 % at its
    end to a length whose transform is fast.

    Parameters
    ----------
    power_w : array, shape (samples,)
        Power. [W]
    dt_s : float
        Sample spacing. [s]
    bands : sequence of (float, float)
        Lowest and highest frequency of each, both included; the lowest is also left out when it is 0. [Hz]
    """
    fast = int(scipy.fft.prev_fast_len(power_w.size, real=True)) if power_w.size > LONG else power_w.size
    values = power_w[:fast] if fast >= 0.999 * power_w.size else power_w
    centred = values - values.mean()
    # What is left of a constant after the mean is removed is rounding noise, not a spectrum.
    if float(np.abs(centred).max()) <= 1e-12 * float(np.abs(values).max()):
        return tuple((BandShares(0.0, 0.0), BandShares(0.0, 0.0)) for _ in bands)
    plain = scipy.fft.rfft(centred)
    plain[0] = 0.0
    after = np.conj(plain[-2]) if values.size % 2 == 0 else np.conj(plain[-1])
    hann = 0.5 * plain
    quarter = 0.25 * plain
    hann[1:] -= quarter[:-1]
    hann[:-1] -= quarter[1:]
    hann[-1] -= 0.25 * after
    total = values.size * dt_s
    found = [_shares(np.abs(spectrum), total, bands) for spectrum in (plain, hann)]
    return tuple(zip(*found, strict=True))


def _shares(magnitude: Array, total_s: float, bands: Sequence[tuple[float, float]]) -> list[BandShares]:
    """Return the shares from the magnitudes at multiples of ``1 / total_s``."""
    whole = magnitude[1:]
    all_energy, all_magnitude = _squares(whole), float(whole.sum())
    if all_energy == 0.0:
        return [BandShares(0.0, 0.0) for _ in bands]
    found = []
    for low, high in bands:
        first = max(1, math.ceil(low * total_s * (1.0 - 1e-12)))
        last = min(magnitude.size, math.floor(high * total_s * (1.0 + 1e-12)) + 1)
        inside = magnitude[first : max(first, last)]
        found.append(BandShares(_squares(inside) / all_energy, float(inside.sum()) / all_magnitude))
    return found


def _squares(values: Array) -> float:
    """Return the sum of squares without an array of them."""
    return float(np.einsum("i,i->", values, values))


def welch(power_w: Array, dt_s: float, segment_s: float) -> tuple[Array, Array]:
    """Return frequencies [Hz] and Welch's one-sided power spectral density [W^2/Hz].

    Mean over segments that overlap by half, each without its mean and under a Hann window (Welch, IEEE Trans. Audio
    Electroacoust. 15 (1967) 70). The sum over frequencies times their spacing is the mean variance of the segments.

    Raises
    ------
    InputError
        If a segment does not hold four samples or is longer than the record.
    """
    count = _segment(power_w, dt_s, segment_s)
    segments = np.lib.stride_tricks.sliding_window_view(power_w, count)[:: count - count // 2]
    window = scipy.signal.get_window("hann", count)
    squares = np.zeros(count // 2 + 1)
    at_once = max(1, SAMPLES_AT_ONCE // count)
    for first in range(0, len(segments), at_once):
        some = segments[first : first + at_once]
        spectra = scipy.fft.rfft((some - some.mean(axis=1, keepdims=True)) * window, axis=1)
        squares += np.einsum("ij,ij->j", spectra.real, spectra.real) + np.einsum("ij,ij->j", spectra.imag, spectra.imag)
    density = squares * (dt_s / (len(segments) * _squares(window)))
    density[1 : (count + 1) // 2] *= 2.0
    return scipy.fft.rfftfreq(count, dt_s), density


def _segment(power_w: Array, dt_s: float, segment_s: float) -> int:
    count = round(segment_s / dt_s) if math.isfinite(segment_s) else 0
    if not 4 <= count <= power_w.size:
        raise InputError(
            f"spectrum: expected segments of at least {4 * dt_s:g} s and at most the {power_w.size * dt_s:g} s of the "
            f"record, got {segment_s:g} s"
        )
    return count


def harmonics(power_w: Array, dt_s: float, period_s: float, most: int = 10) -> tuple[Harmonic, ...]:
    """Return the harmonics of the frequency with which a waveform repeats, as far as the samples know them.

    With the Hann window ``w`` over the record, its mean ``m = sum w x / sum w`` and ``f_n = n / period``::

        line   = |2 / sum(w)  sum w_k (x_k - m) exp(-2 pi i f_n t_k)|
        near   = sqrt(2 v),  v = 2 / (N sum w^2)  sum |X_k|^2  over (n - 1/2) / period <= f_k < (n + 1/2) / period
        share  = sum |X_k|^2 over that band / sum |X_k|^2 over all f > 0

    ``line`` of a sine at f_n is its amplitude whatever the phase, once the record holds a few periods; a square wave of
    height h and duty 1/2 has ``2 h / (pi n)`` at odd n. A long record is averaged first, and what that takes from a
    sine (``sin(pi f w) / (pi f w)``) is put back.

    Parameters
    ----------
    power_w : array, shape (samples,)
        Power. [W]
    dt_s : float
        Sample spacing. [s]
    period_s : float
        Time after which the waveform repeats. [s]
    most : int
        Highest order.

    Raises
    ------
    InputError
        If the record does not hold two periods.
    """
    if not 0.0 < 2.0 * period_s <= power_w.size * dt_s * (1.0 + 1e-9):
        raise InputError(f"harmonics: expected at least two periods, got {power_w.size * dt_s:g} s of {period_s:g} s")
    factor = max(1, min(power_w.size // HARMONIC_SAMPLES, int(period_s / (FINE * most * dt_s))))
    values, width = (power_w, dt_s) if factor == 1 else (coarsen(power_w, factor), dt_s * factor)
    n, window = values.size, scipy.signal.windows.hann(values.size, sym=False)
    mean = float(window @ values) / float(window.sum())
    centred = values - mean
    energy = np.abs(scipy.fft.rfft(window * centred)) ** 2
    # with its mean under the window removed, what is left at f = 0 is rounding
    total = float(energy[1:].sum()) if factor == 1 else _all_energy(power_w, factor, window, mean) / factor**2
    if total <= (1e-12 * float(np.abs(values).max())) ** 2 * float(window @ window) * n:
        return ()
    scale = 2.0 / (n * float(window @ window))
    averaged = _welch_bands(values, width, period_s)
    orders = [order for order in range(1, most + 1) if order / period_s <= 0.5 / width]
    turned = np.abs(fourier_sums(window * centred, np.array(orders) / period_s * width))
    found = []
    for order, magnitude in zip(orders, turned, strict=True):
        frequency = order / period_s
        low, high = (order - 0.5) / period_s, (order + 0.5) / period_s
        first, last = max(1, math.ceil(low * n * width - 1e-9)), math.ceil(high * n * width - 1e-9)
        inside = float(energy[first:last].sum())
        line = 2.0 * float(magnitude) / float(window.sum())
        lost = 1.0 if factor == 1 else float(np.sinc(frequency * width)) / float(np.sinc(frequency * dt_s))
        found.append(
            Harmonic(
                order=order,
                frequency_hz=frequency,
                line_w=line / lost,
                near_w=math.sqrt(2.0 * scale * inside) / lost,
                welch_w=None if averaged is None else math.sqrt(2.0 * _within(averaged, low, high)) / lost,
                energy_share=inside / lost**2 / total,
            )
        )
    return tuple(found)


def _all_energy(power_w: Array, factor: int, window: Array, mean_w: float) -> float:
    """Return the sum of ``|X_k|^2`` over all f > 0 of a record before it was averaged, by Parseval's theorem. [W^2]

    The window changes so little over the `factor` samples of an average that it is taken as constant there.
    """
    blocks = power_w[: window.size * factor].reshape(window.size, factor)
    total = 0.0
    for begin in range(0, window.size, BLOCKS):
        part = blocks[begin : begin + BLOCKS] - mean_w
        total += float(window[begin : begin + BLOCKS] ** 2 @ np.einsum("ij,ij->i", part, part))
    return 0.5 * window.size * factor * total


def _welch_bands(values: Array, dt_s: float, period_s: float) -> tuple[Array, Array] | None:
    segment = SEGMENT_PERIODS * period_s
    return welch(values, dt_s, segment) if 4.0 * dt_s <= segment <= values.size * dt_s else None


def _within(found: tuple[Array, Array], low_hz: float, high_hz: float) -> float:
    """Return the variance between two frequencies. [W^2]"""
    frequency, density = found
    step = float(frequency[1])
    inside = (frequency >= low_hz - 1e-9 * step) & (frequency < high_hz - 1e-9 * step)
    return float(density[inside].sum()) * step


def spectrogram(power_w: Array, dt_s: float, segment_s: float) -> Spectrogram:
    """Return the power spectral density over time.

    Segments of `segment_s`, each without its mean and under a Hann window, start a quarter of their length apart, or so
    far apart that there are at most :data:`MOST_SEGMENTS`. Neighbouring frequencies are put together to at most
    :data:`ROWS` bands of equal ratio; the variance is kept.

    Parameters
    ----------
    power_w : array, shape (samples,)
        Power. [W]
    dt_s : float
        Sample spacing. [s]
    segment_s : float
        Length of a segment: frequencies are told to about twice its inverse, times to about half of it. [s]

    Raises
    ------
    InputError
        If a segment does not hold four samples or is longer than the record.
    """
    count = _segment(power_w, dt_s, segment_s)
    hop = max(1, count // 4, math.ceil((power_w.size - count) / (MOST_SEGMENTS - 1)))
    window = scipy.signal.windows.hann(count, sym=False)
    scale = 2.0 * dt_s / float(window @ window)
    lines = count // 2
    # band b holds the lines first[b] to first[b + 1] - 1 of the transform
    first = np.unique(np.round(np.geomspace(1.0, lines + 1.0, min(ROWS, lines) + 1)).astype(np.int64))
    starts = np.arange(0, power_w.size - count + 1, hop)
    density = np.empty((first.size - 1, starts.size))
    for column, start in enumerate(starts):
        part = power_w[start : start + count]
        energy = scale * np.abs(scipy.fft.rfft(window * (part - float(window @ part) / float(window.sum())))[1:]) ** 2
        if count % 2 == 0:
            energy[-1] *= 0.5
        density[:, column] = np.add.reduceat(energy, first[:-1] - 1) / np.diff(first)
    edges = (first - 0.5) / (count * dt_s)
    return Spectrogram(
        dt_s * (starts + 0.5 * count).astype(np.float64), edges.astype(np.float64), density, count * dt_s
    )
