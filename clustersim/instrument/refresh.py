"""How often a sensor shows a new reading, from readings that were asked for more often than that."""

from __future__ import annotations

import math

import numpy as np
import scipy
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.instrument.recording import Array, Band

Whole = NDArray[np.int64]
FEWEST_CHANGES = 10
"""Of the reading, without which nothing is said of its refresh."""
SPREADS = (0.03, 0.12, 0.3)
"""Least widths that a change is given while a refresh is looked for, as shares of the longest one that is tried."""
EXPLAINED = 0.85
"""Least share of the changes that must lie where a refresh puts them."""
NARROW = 0.9
"""Widest change that is followed, as a share of the refresh; a wider one may hold two."""
SURE = 10.0
"""By how much the evidence must exceed the number of refreshes tried, both as logarithms."""
MOST_PEAKS = 40
"""Refreshes that are looked at closely."""
MOST_FITTED = 4000
"""Changes that the refresh is fitted to; of more, evenly many are taken."""
SIGMAS = 3.0
"""Standard errors to each side of an interval at 95 %, for the errors are known from some sixteen stretches only, and a
line that is fitted makes them look smaller."""
AT_ONCE = 2_000_000
"""Numbers in one array of the search."""


def refresh_of(times_s: Array, values: Array) -> Band:
    """Return the time between new readings of a sensor, with its interval at 95 % confidence. [s]

    Each change of the reading says that a new one came between two times at which it was asked for. The refresh is the
    one under which regular new readings fall between such times, and not between others; new readings that equal the
    one before are allowed for, and a time between two changes may be any multiple. Where regular readings explain
    every change, the interval holds every refresh under which they do; else it is as wide as they stray.

    Parameters
    ----------
    times_s
        When the reading was asked for; increasing, how unevenly does not matter. [s], shape (samples,)
    values
        What was read, NaN where nothing was. Shape (samples,)

    Raises
    ------
    InputError
        If there are fewer than 10 changes, the reading changes nearly every time it is asked for, or its changes keep
        no regular time.
    """
    there = np.isfinite(values)
    times, found = times_s[there], values[there]
    at = np.flatnonzero(np.diff(found) != 0.0)
    if at.size < FEWEST_CHANGES:
        span = float(times[-1] - times[0]) if times.size else 0.0
        raise InputError(
            f"refresh: expected a reading that changes {FEWEST_CHANGES} times, found {at.size} changes in {span:.3g} s"
        )
    begin, end = times[at], times[at + 1]
    refresh, phase, first = _searched(times, begin, end)
    number = _followed(begin, end, refresh, phase, first)
    return _fitted(begin, end, number)


def _searched(times: Array, begin: Array, end: Array) -> tuple[float, float, int]:
    """Return the refresh that best tells changes from readings that stayed, its phase [s], and from how many."""
    high = 1.3 * float(np.quantile(end[1:] - begin[:-1], 0.1))
    low = max(high / 10.0, 1.02 * float(np.median(np.diff(times))))
    if low >= 0.95 * high:
        raise InputError(
            "refresh: expected readings asked for more often than they change, found a change nearly every time"
        )
    best = (-math.inf, 0.0, 0.0, 0, 0)
    for spread in SPREADS:
        least = spread * high
        typical = max(least, float(np.median(end - begin)))
        first = min(begin.size, max(16, math.ceil(100.0 / math.log(max(high / typical, 1.5)))))
        edges = times[(times >= begin[0]) & (times <= end[first - 1])] - begin[0]
        asked = _widened(edges[:-1], edges[1:], least)
        changed = _widened(begin[:first] - begin[0], end[:first] - begin[0], least)
        tried = np.geomspace(low, high, 2 + math.ceil(math.log(high / low) * edges[-1] / (0.12 * typical)))
        held, phase = _held(*changed, tried)
        evidence = _evidence(held, first, _by_chance(asked[1] - asked[0], tried), edges.size - 1)
        for one in _peaks(np.where(held >= EXPLAINED * first, evidence, -math.inf)):
            # where polling and refresh keep step, chance alone is a poor guess of what holds a new reading
            holding = _holding(*asked, float(tried[one]), float(phase[one]))
            sure = float(_evidence(held[[one]], first, np.array([holding]), edges.size - 1)[0])
            sure -= math.log(tried.size) + SURE
            if sure > best[0]:
                best = (sure, float(tried[one]), float(phase[one]), first, int(held[one]))
        if best[0] > 0.0 and best[3] == best[4]:
            break
    if best[0] < 0.0:
        raise InputError("refresh: expected a reading that changes at regular times, found none that fit")
    return best[1], float(begin[0]) + best[2], best[3]


def _widened(begin: Array, end: Array, least: float) -> tuple[Array, Array]:
    """Return spans of time with a least width, a trace shorter at the end so that neighbours do not touch."""
    pad = 0.5 * np.maximum(least - (end - begin), -1e-9 * (end - begin))
    return begin - pad, end + pad


def _peaks(evidence: Array) -> list[int]:
    """Return where evidence above 0 is highest among its neighbours, the highest first."""
    inner = np.concatenate([[-math.inf], evidence, [-math.inf]])
    tops = np.flatnonzero((evidence > 0.0) & (evidence > inner[:-2]) & (evidence >= inner[2:]))
    return [int(one) for one in tops[np.argsort(-evidence[tops])][:MOST_PEAKS]]


def _holding(begin: Array, end: Array, refresh: float, phase: float) -> float:
    """Return how many spans hold a new reading."""
    return float((np.floor((end - phase) / refresh) > np.floor((begin - phase) / refresh)).sum())


def _held(begin: Array, end: Array, tried: Array) -> tuple[Array, Array]:
    """Return how many changes hold a multiple of each refresh at the phase that suits most of them, and that phase."""
    count = begin.size
    held, phase = np.empty(tried.size), np.empty(tried.size)
    weights = np.concatenate([np.ones(count), -np.ones(count)])
    stride = max(1, AT_ONCE // (2 * count))
    for at in range(0, tried.size, stride):
        refresh = tried[at : at + stride, None]
        entry = begin % refresh
        # what is longer than the refresh holds every phase
        leave = entry + np.minimum(end - begin, refresh * (1.0 - 1e-12))
        wrapped = (leave >= refresh).sum(axis=1)
        edges = np.concatenate([entry, leave % refresh], axis=1)
        order = np.argsort(edges, axis=1, kind="stable")
        level = wrapped[:, None] + np.cumsum(weights[order], axis=1)
        most = np.argmax(level, axis=1)
        rows = np.arange(most.size)
        edges = np.take_along_axis(edges, order, axis=1)
        following = np.where(most + 1 < 2 * count, edges[rows, (most + 1) % (2 * count)], refresh[:, 0] + edges[:, 0])
        held[at : at + stride] = level[rows, most]
        phase[at : at + stride] = 0.5 * (edges[rows, most] + following)
    return held, phase


def _by_chance(widths: Array, tried: Array) -> Array:
    """Return how many of the times between two readings hold a new one, for each refresh."""
    widths = np.sort(widths)
    total = np.concatenate([[0.0], np.cumsum(widths)])
    shorter = np.searchsorted(widths, tried)
    return np.asarray(total[shorter] / tried + (widths.size - shorter))


def _evidence(held: Array, changes: int, holding: Array, asked: int) -> Array:
    """Return the logarithm of the likelihood over the one of changes that know nothing of the refresh."""

    def part(seen: Array, expected: Array) -> Array:
        seen = np.maximum(seen, 0.0)
        return np.asarray(seen * np.log(np.maximum(seen, 1e-300) / np.maximum(expected, 1e-300)))

    holding = np.minimum(np.maximum(holding, held), asked)
    share = changes / asked
    return np.asarray(
        part(held, holding * share)
        + part(holding - held, holding * (1.0 - share))
        + part(changes - held, (asked - holding) * share)
        + part(asked - holding - (changes - held), (asked - holding) * (1.0 - share))
    )


def _followed(begin: Array, end: Array, refresh: float, phase: float, first: int) -> Whole:
    """Return which new reading each change is, -1 for those that may be two; the clock of the sensor may wander."""
    middle, width = 0.5 * (begin + end), end - begin
    number = np.full(begin.size, -1, dtype=np.int64)
    line: Array = np.array([refresh, phase])
    astray = 0
    for at in (0, 0, 0, *range(first, begin.size, max(first // 2, 1))):
        part = slice(0, first) if at == 0 else slice(at, min(at + max(first // 2, 1), begin.size))
        nearest = np.rint((middle[part] - line[1]) / line[0])
        narrow = width[part] < NARROW * line[0]
        off = np.abs(middle[part] - line[1] - nearest * line[0]) - 0.5 * width[part]
        astray += int((narrow & (off > 0.2 * line[0])).sum()) if at else 0
        number[part] = np.where(narrow, nearest, -1)
        upto = part.stop
        known = np.flatnonzero(number[:upto] >= 0)[-first:]
        if known.size < FEWEST_CHANGES:
            raise InputError(
                f"refresh: expected {FEWEST_CHANGES} changes between readings closer than it, found {known.size}"
            )
        line = np.asarray(np.polyfit(number[known], middle[known], 1, w=1.0 / width[known]))
    if astray > (1.0 - EXPLAINED) * begin.size:
        raise InputError("refresh: expected a reading that changes at regular times, found none that fit throughout")
    return number


def _fitted(begin: Array, end: Array, number: Whole) -> Band:
    """Return the refresh under which the numbered changes come when they do."""
    known = np.flatnonzero(number >= 0)
    if known.size > MOST_FITTED:
        known = known[np.linspace(0, known.size - 1, MOST_FITTED).astype(np.int64)]
    begin, end, number = begin[known], end[known], number[known] - number[known[0]]
    last = float(number[-1])
    middle = 0.5 * (begin + end)
    refresh, phase = np.polyfit(number, middle, 1)
    place = number / last
    early, late = (begin - phase - refresh * number) / refresh, (end - phase - refresh * number) / refresh
    sides = np.concatenate([np.stack([np.ones(known.size), place], 1), -np.stack([np.ones(known.size), place], 1)])
    bounds = np.concatenate([late, -early])
    slack = float(_least([0.0, 0.0, 1.0], np.column_stack([sides, -np.ones(bounds.size)]), bounds)[2])
    # a line that needs slack is one that readings stray from; the truth may need more of it than the best line does
    allowed = bounds + (2.0 * slack if slack > 0.0 else 0.0) + 1e-9
    slopes = [_least([0.0, sign], sides, allowed)[1] for sign in (1.0, -1.0)]
    low, high = (float(refresh * (1.0 + slope / last)) for slope in slopes)
    if slack <= 0.0:
        return Band(value=0.5 * (low + high), low=low, high=high)
    stray = middle - phase - refresh * number
    # 12 over the square of the length is the variance of a slope through evenly placed points of variance one
    even = math.sqrt(12.0 / stray.size) * float(stray.std()) / last
    half = max(0.5 * (high - low), SIGMAS * even, SIGMAS * _wander(stray) * math.sqrt(stray.size) / last)
    return Band(value=float(refresh), low=float(refresh - half), high=float(refresh + half))


def _least(costs: list[float], sides: Array, bounds: Array) -> Array:
    """Return the least point of a linear programme that has one."""
    found = scipy.optimize.linprog(costs, sides, bounds, bounds=[(None, None)] * len(costs))
    if found.x is None:
        raise ArithmeticError(f"no line through the changes: {found.message}")
    return np.asarray(found.x)


def _wander(stray: Array) -> float:
    """Return by how much a new reading strays from the one before for good, from how distances grow. [s]"""
    near, far = 1, max(2, stray.size // 16)
    grown = float(np.mean((stray[far:] - stray[:-far]) ** 2) - np.mean((stray[near:] - stray[:-near]) ** 2))
    # the slope of a walk varies by 6/5 of its steps over their number
    return math.sqrt(max(grown, 0.0) / (far - near) * 1.2)
