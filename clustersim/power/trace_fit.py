"""A load record from a measured trace: levels, period, dips, jitter."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.power.measured_load import Dip, MeasuredLoad
from clustersim.power.trace import Array, PowerTrace
from clustersim.power.trace_period import JobWindow, Levels, coarse, dominant_period, two_levels

ROBUST_SD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation. [-]"""
OUTLIER = 5.0
"""Cycle lengths further from the median than this many robust standard deviations are missed or doubled marks. [-]"""


class _Seen(NamedTuple):
    """A dip of the trace, in seconds from its first sample; ``end`` is NaN where the record ends within it."""

    start: float
    end: float
    level: float
    fall: float
    rise: float


def fit_load(trace: PowerTrace, job: JobWindow) -> MeasuredLoad:
    """Return the load record of the job in a trace.

    1. Levels: :func:`clustersim.power.trace_period.two_levels`.
    2. Dips: where the power, averaged over a few samples if it is noisy, crosses a band of +-10 % of ``high - low``
       around the middle; the times are those at which straight lines between samples cross the middle, so they are
       finer than the samples.
    3. Period: :func:`clustersim.power.trace_period.dominant_period` gives a first value. Of the dips of the first
       cycle, each is followed from cycle to cycle (the next start within a quarter period of where it is due); the
       longest dip that is found in nearly every cycle marks the cycle. Mean and standard deviation are those of the
       times between marks, without outliers; noise on the edges is in the standard deviation.
    4. Other dips belong to the cycle if at least half of the cycles have them at like phase.
    5. Noise: robust standard deviation at the high level, and the time in which its autocorrelation falls to 1/e.
       Structure between the dips that is not a dip counts as noise.

    Raises
    ------
    InputError
        If the trace has one level only, or nothing repeats.
    """
    part = trace.between(job.from_s, job.to_s - trace.dt_s)
    power, dt = coarse(part.watts, part.dt_s)
    levels = two_levels(power)
    if levels is None:
        raise InputError(f"{trace.name}: no two levels: high and low power differ by too little to tell a cycle")
    first = dominant_period(power, dt)
    smooth = _quieted(power, levels)
    dips = _dips(smooth, dt, levels)
    if first is None:
        raise InputError(f"{trace.name}: nothing repeats within half of the {part.duration_s:g} s of the job")
    if len(dips) < 2:
        least = catalog.entry("traces", "fit").si("shortest")
        raise InputError(
            f"{trace.name}: it repeats every {first.seconds:.4g} s, but no two dips last for {least:g} samples of "
            f"{dt:g} s: the cycle is not resolved"
        )
    marks = _marks(dips, first.seconds)
    length = np.diff(marks)
    length = length[np.isfinite(length)]
    if length.size == 0:
        raise InputError(f"{trace.name}: no dip recurs with the period of {first.seconds:g} s")
    middle = float(np.median(length))
    spread = ROBUST_SD * float(np.median(np.abs(length - middle)))
    kept = length[np.abs(length - middle) <= max(OUTLIER * spread, dt)]
    whole = kept.size >= catalog.entry("traces", "fit").si("cycles")
    noise, noise_time = _noise(
        power, smooth >= levels.middle_w, levels.high_w, dt, max(max(dip.fall for dip in dips), 2.0 * dt)
    )
    period = float(kept.mean())
    known = marks[np.isfinite(marks)]
    inside = smooth[int(known[0] / dt) : max(int(known[0] / dt) + 1, int(known[-1] / dt))]
    fitted = {
        "kind": "measured_load",
        "name": trace.name,
        "source": f"{trace.name}, {job.from_s:.6g} to {job.to_s:.6g} s, samples every {trace.dt_s:.6g} s",
        "high": _w(levels.high_w),
        "low": _w(levels.low_w),
        "idle": _idle(trace, job),
        "period": _s(period),
        "period_sd": _s(float(kept.std(ddof=1)) if whole else 0.0),
        "cycles": int(kept.size),
        "duty": f"{100.0 * float((inside >= levels.middle_w).mean()):.6g} %",
        "dips": _recurring(dips, marks, period),
        "noise": _w(noise),
        "noise_time": _s(noise_time),
        "sensor": _s(trace.sensor_s),
    }
    return MeasuredLoad.model_validate(fitted)


def _s(value: float) -> str:
    return f"{value:.6g} s"


def _w(value: float) -> str:
    return f"{value * 1e-6:.6g} MW" if value >= 1e6 else f"{value:.6g} W"


def _idle(trace: PowerTrace, job: JobWindow) -> str | None:
    times = trace.times_s()
    parts = [trace.watts[times < job.from_s - trace.dt_s / 2], trace.watts[times > job.to_s - trace.dt_s / 2]]
    found = [float(np.median(part)) for part in parts if part.size]
    return _w(min(found)) if found else None


def _crossing(power: Array, dt: float, before: int, after: int, level: float, *, last: bool) -> float:
    """Return when the power crosses `level` between two samples' centres, the first or the last time. [s]"""
    above = power[before : after + 1] >= level
    found = np.flatnonzero(above[1:] != above[:-1])
    if found.size == 0:
        return float("nan")
    k = before + int(found[-1 if last else 0])
    share = (power[k] - level) / (power[k] - power[k + 1])
    return (k + 0.5 + float(share)) * dt


def _quieted(power: Array, levels: Levels) -> Array:
    """Return a centred running mean over so many samples that white noise does not reach from a level to the middle.

    White noise by the differences of neighbours, ``s = 1.4826 median |d - median d| / sqrt(2)``; ``(10 s / swing)^2``
    samples leave six standard deviations between a level and the far side of the band around the middle.
    """
    change = np.diff(power)
    white = ROBUST_SD * float(np.median(np.abs(change - np.median(change)))) / np.sqrt(2.0)
    count = 2 * int(0.5 * (10.0 * white / (levels.high_w - levels.low_w)) ** 2 + 0.5) + 1
    return power if count == 1 else np.asarray(scipy.ndimage.uniform_filter1d(power, min(count, power.size)))


def _dips(power: Array, dt: float, levels: Levels) -> list[_Seen]:
    figures = catalog.entry("traces", "fit")
    swing = levels.high_w - levels.low_w
    band = figures.si("hysteresis") * swing
    state = np.where(power >= levels.middle_w + band, 1, np.where(power < levels.middle_w - band, -1, 0))
    sure = np.flatnonzero(state)
    turns = np.flatnonzero(np.diff(state[sure]))
    # pairs of sure samples, the second beyond the band on the other side
    pairs = [(int(sure[k]), int(sure[k + 1])) for k in turns]
    quarter, three = levels.low_w + 0.25 * swing, levels.low_w + 0.75 * swing
    found = []
    for place, (high, low) in enumerate(pairs):
        if state[high] != 1:
            continue
        start = _crossing(power, dt, high, low, levels.middle_w, last=False)
        reach = max(1, round(0.5 * (pairs[place + 1][0] - low) + 1)) if place + 1 < len(pairs) else 1
        fall = _edge(power, dt, high, low, (three, quarter), reach)
        if place + 1 == len(pairs):
            found.append(_Seen(start, float("nan"), float("nan"), fall, float("nan")))
            continue
        bottom, up = pairs[place + 1]
        end = _crossing(power, dt, bottom, up, levels.middle_w, last=True)
        if (end - start) / dt < figures.si("shortest"):
            continue
        rise = _edge(power, dt, bottom, up, (quarter, three), reach)
        inner = power[low : bottom + 1]
        margin = min(round(0.5 * max(fall, rise, 0.0) / dt), (inner.size - 1) // 2)
        level = float(np.median(inner[margin : inner.size - margin]))
        found.append(_Seen(start, end, level, fall, rise))
    return found


def _edge(power: Array, dt: float, before: int, after: int, levels: tuple[float, float], reach: int) -> float:
    """Return the duration of an edge: twice the time between its quarter and three-quarter levels. [s]"""
    low, high = max(0, before - reach), min(power.size - 1, after + reach)
    begin = _crossing(power, dt, low, after, levels[0], last=True)
    end = _crossing(power, dt, before, high, levels[1], last=False)
    found = 2.0 * (end - begin)
    # an edge within a bin or two is not known to be slower than a step
    return found if np.isfinite(found) and found > 2.0 * dt else 0.0


def _follow(starts: Array, first: float, period: float) -> Array:
    """Return the starts that come a period after one another, NaN where a cycle has none."""
    found, due = [], first
    while due <= starts[-1] + 0.25 * period:
        near = starts[int(np.argmin(np.abs(starts - due)))]
        hit = abs(near - due) <= 0.25 * period
        found.append(float(near) if hit else float("nan"))
        due = (float(near) if hit else due) + period
    return np.array(found)


def _marks(dips: list[_Seen], period: float) -> Array:
    starts = np.array([dip.start for dip in dips])
    lasting = {dip.start: dip.end - dip.start for dip in dips}
    chains = [_follow(starts, s, period) for s in starts[starts <= starts[0] + 1.25 * period]]
    hits = np.array([np.isfinite(chain).sum() for chain in chains])

    def lasts(chain: Array) -> float:
        return float(np.nanmedian([lasting[s] for s in chain if np.isfinite(s)] or [0.0]))

    # one cycle less is the luck of where the record begins
    good = [chain for chain, count in zip(chains, hits, strict=True) if count >= 0.8 * hits.max() - 1.0]
    longest = max(lasts(chain) for chain in good)
    return max((c for c in good if lasts(c) >= 0.9 * longest), key=lambda c: int(np.isfinite(c).sum()))


def _recurring(dips: list[_Seen], marks: Array, period: float) -> tuple[Dip, ...]:
    figures = catalog.entry("traces", "fit")
    known = marks[np.isfinite(marks)]
    ended = [dip for dip in dips if np.isfinite(dip.end) and dip.start >= known[0]]
    cycle = np.array([int(np.searchsorted(known, dip.start + 1e-9, side="right")) - 1 for dip in ended])
    offset = np.array([dip.start for dip in ended]) - known[cycle]
    order = np.argsort(offset)
    groups = np.split(order, np.flatnonzero(np.diff(offset[order]) > figures.si("phase") * period) + 1)
    found: list[Dip] = []
    for group in groups:
        seen = [ended[k] for k in group]
        if np.unique(cycle[group]).size < figures.si("recurrence") * np.unique(cycle).size:
            continue
        start, lasting = _robust(offset[group]), _robust(np.array([dip.end - dip.start for dip in seen]))
        before = found[-1].start + found[-1].length if found else 0.0
        if start[0] < before or start[0] + lasting[0] > period:
            continue
        found.append(
            Dip.model_validate(
                {
                    "start": _s(max(0.0, start[0])),
                    "start_sd": _s(start[1]),
                    "length": _s(lasting[0]),
                    "length_sd": _s(lasting[1]),
                    "level": _w(float(np.median([dip.level for dip in seen]))),
                    "fall": _s(float(np.median([dip.fall for dip in seen]))),
                    "rise": _s(float(np.median([dip.rise for dip in seen]))),
                }
            )
        )
    return tuple(found)


def _robust(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return median and standard deviation without outliers."""
    middle = float(np.median(values))
    spread = ROBUST_SD * float(np.median(np.abs(values - middle)))
    kept = values[np.abs(values - middle) <= OUTLIER * spread] if spread > 0.0 else values
    return middle, float(kept.std(ddof=1)) if kept.size > 1 else 0.0


def _noise(power: Array, above: NDArray[np.bool_], high_w: float, dt: float, edge_s: float) -> tuple[float, float]:
    # well away from edges, which are no noise
    high = scipy.ndimage.minimum_filter1d(above.astype(np.uint8), 2 * round(edge_s / dt) + 1) > 0
    if not high.any():
        return 0.0, 0.0
    spread = ROBUST_SD * float(np.median(np.abs(power[high] - high_w)))
    if spread <= 1e-9 * high_w:
        return 0.0, 0.0
    x = np.where(high, np.clip(power - high_w, -OUTLIER * spread, OUTLIER * spread), 0.0)
    size = int(scipy.fft.next_fast_len(2 * power.size, real=True))
    lags = power.size // 2
    both = [scipy.fft.irfft(np.abs(scipy.fft.rfft(v, size)) ** 2, size)[:lags] for v in (x, high.astype(np.float64))]
    r = both[0] / np.maximum(both[1], 1.0)
    below = np.flatnonzero(r < r[0] / np.e)
    return spread, float(below[0] * dt) if below.size and below[0] > 1 else 0.0
