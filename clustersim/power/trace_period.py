"""Where in a trace the job is, its two levels, and the period with which it repeats."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy

from clustersim import catalog
from clustersim.power.records import coarsen
from clustersim.power.trace import Array, PowerTrace

LEVELS = 256
"""Bins of the histogram in which the two levels are looked for; a resolution of 0.4 % of the range."""
SAME = 1e-12
"""Readings that differ by less than this share of the largest one are the same. [-]"""
FINE, FINE_SAMPLES = 8, 50_000
"""Points per sample of the autocorrelation of a record of at most so many samples."""
LONGER = 1.5
"""How much longer than any within the job a stretch at an end must be to count as no part of it. [-]"""


@dataclass(frozen=True)
class Levels:
    """High and low power of a trace that switches between two, and the middle that tells them apart. [W]"""

    low_w: float
    high_w: float
    middle_w: float


@dataclass(frozen=True)
class JobWindow:
    """Start and end of the job on the clock of the trace. [s]"""

    from_s: float
    to_s: float
    how: str
    """``given``, or how it was found."""


@dataclass(frozen=True)
class Period:
    """Time after which a trace repeats, and its autocorrelation there."""

    seconds: float
    correlation: float


def coarse(power_w: Array, dt_s: float) -> tuple[Array, float]:
    """Return the power as exact means over so many samples that at most the catalog's number of them is left."""
    factor = math.ceil(power_w.size / catalog.entry("traces", "period").si("samples"))
    return (power_w, dt_s) if factor <= 1 else (coarsen(power_w, factor), dt_s * factor)


def two_levels(power_w: Array) -> Levels | None:
    """Return the two levels between which a trace switches; None when they differ by less than the catalog's contrast.

    The middle maximises the variance between the two classes of samples, ``w0 w1 (m0 - m1)^2`` (Otsu, IEEE Trans. SMC
    9 (1979) 62); the levels are the medians of the classes, which a few wild samples do not move.
    """
    counts, edges = np.histogram(power_w, bins=LEVELS)
    centre = 0.5 * (edges[:-1] + edges[1:])
    below = np.cumsum(counts)[:-1]
    above = power_w.size - below
    moment = np.cumsum(counts * centre)
    between = np.zeros(LEVELS - 1)
    inside = (below > 0) & (above > 0)
    m0 = moment[:-1][inside] / below[inside]
    m1 = (moment[-1] - moment[:-1][inside]) / above[inside]
    between[inside] = below[inside] * above[inside] * (m1 - m0) ** 2
    best = np.flatnonzero(between >= between.max() * (1.0 - 1e-12))
    split = float(edges[1 + best].mean())
    low, high = power_w[power_w < split], power_w[power_w >= split]
    if low.size == 0 or high.size == 0:
        return None
    low_w, high_w = float(np.median(low)), float(np.median(high))
    if high_w - low_w < catalog.entry("traces", "job").si("contrast") * high_w:
        return None
    return Levels(low_w, high_w, 0.5 * (low_w + high_w))


def job_window(trace: PowerTrace) -> JobWindow:
    """Return the part of a trace in which a job runs.

    Readings at the ends that do not change at all for longer than the catalog's ``held``, and for 1.5 times longer than
    any others of the record, are left out: a sensor that stood still, or idle. Of the rest, a stretch below the middle
    level at an end belongs to the job unless it is longer than 1.5 times the longest one between two stretches above:
    a dip of the step is not the end of the job. A trace without two levels apart, such as a slow
    rise, is taken whole.
    """
    power, dt = coarse(trace.watts, trace.dt_s)
    # what a resampling leaves of a held reading is held but for rounding
    change = np.flatnonzero(np.abs(np.diff(power)) > SAME * float(power.max()))
    if change.size == 0:
        return JobWindow(trace.t0_s, trace.t0_s + trace.duration_s, "constant: the whole record")
    still = float(np.diff(change).max()) * dt if change.size > 1 else 0.0
    held = max(catalog.entry("traces", "job").si("held"), LONGER * still)
    first = int(change[0]) + 1 if (change[0] + 1) * dt >= held else 0
    last = int(change[-1]) + 1 if (power.size - 1 - change[-1]) * dt >= held else power.size
    if last - first < 2:
        first, last = 0, power.size
    levels = two_levels(power[first:last]) if last - first > 1 else None
    if levels is not None and _two_apart(power[first:last], levels):
        busy = np.flatnonzero(power[first:last] >= levels.middle_w)
        longest = int(np.diff(busy).max()) if busy.size > 1 else 0
        lead, tail = int(busy[0]), last - first - 1 - int(busy[-1])
        if lead > LONGER * longest:
            first += lead
        if tail > LONGER * longest:
            last -= tail
    whole = first == 0 and last == power.size
    how = "the whole record" if whole else "found: idle and held readings at the ends left out"
    return JobWindow(trace.t0_s + first * dt, trace.t0_s + last * dt, how)


def _two_apart(power_w: Array, levels: Levels) -> bool:
    """Whether few samples lie between the levels; of a slow rise, whose lower part is no idle time, a quarter does."""
    quarter = 0.25 * (levels.high_w - levels.low_w)
    between = (power_w > levels.low_w + quarter) & (power_w < levels.high_w - quarter)
    return float(between.mean()) <= catalog.entry("traces", "job").si("between")


def dominant_period(power_w: Array, dt_s: float) -> Period | None:
    """Return the time after which a trace repeats; None when nothing repeats within half of the record.

    Autocorrelation ``r(k) = sum x_i x_(i+k) / (n - k) / (sum x_i^2 / n)`` of the power without its linear trend. Behind
    its first zero the highest peak is looked for; of peaks within the catalog's ``tie`` of it the first one counts. The
    peak is refined by a parabola through three samples.
    """
    figures = catalog.entry("traces", "period")
    values, dt = coarse(power_w, dt_s)
    n = values.size
    x = scipy.signal.detrend(values)
    energy = float((x**2).mean())
    if n < 8 or math.sqrt(energy) <= 1e-9 * float(np.abs(values).max()):
        return None
    size = int(scipy.fft.next_fast_len(2 * n, real=True))
    half = n // 2
    fine = FINE if n <= FINE_SAMPLES else 1
    lags = np.arange(fine * half + 1) / fine
    # more points than samples: a peak between two lags is not lower for lying there
    r = fine * scipy.fft.irfft(np.abs(scipy.fft.rfft(x, size)) ** 2, fine * size)[: lags.size] / (n - lags) / energy
    down = np.flatnonzero(r < 0.0)
    if down.size == 0:
        return None
    middle = r[1:-1]
    peaks = np.flatnonzero((middle >= r[:-2]) & (middle > r[2:]) & (np.arange(1, r.size - 1) > down[0])) + 1
    if peaks.size == 0:
        return None
    best = float(r[peaks].max())
    if best < figures.si("correlation"):
        return None
    k = int(peaks[r[peaks] >= figures.si("tie") * best][0])
    # noise makes small peaks on the flank: the highest of the next quarter of the lag is meant
    near = peaks[(peaks >= k) & (peaks <= 1.25 * k)]
    k = int(near[np.argmax(r[near])])
    bend = r[k - 1] - 2.0 * r[k] + r[k + 1]
    shift = 0.5 * (r[k - 1] - r[k + 1]) / bend if bend < 0.0 else 0.0
    return Period((k + float(shift)) * dt / fine, float(r[k]))
