"""Compiled power-smoothing profile of an accelerator, exact for piecewise-constant power."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@njit(cache=True)
def over(a: float, b: float, h: float) -> float:
    """Integral of ``max(v, 0)`` over a time `h` in which v goes straight from `a` to `b`."""
    if a >= 0.0 and b >= 0.0:
        return 0.5 * (a + b) * h
    if a <= 0.0 and b <= 0.0:
        return 0.0
    if a > 0.0:
        return 0.5 * a * a / (a - b) * h
    return 0.5 * b * b / (b - a) * h


@njit(cache=True)
def time_over(a: float, b: float, h: float) -> float:
    """Time of `h` in which v, going straight from `a` to `b`, is above 0."""
    if a <= 0.0 and b <= 0.0:
        return 0.0
    if a >= 0.0 and b >= 0.0:
        return h
    return max(a, b) / abs(b - a) * h


@njit(cache=True)
def smooth_segments(
    edges: Floats,
    watts: Floats,
    dt: float,
    low: float,
    floor: float,
    band: float,
    up: float,
    down: float,
    hold: float,
    release: float,
    level: float,
    mean: Floats,
    totals: Floats,
) -> float:
    """Add the bin means behind the profile of one device to `mean`; return the floor's level at the end.

    `edges` [n + 1] are the times at which the power `watts` [n] changes; bins of width `dt` start at ``edges[0]`` and
    must not reach past ``edges[n]``. The floor f moves towards ``min(max(x, low), floor)`` at the rates `up` and
    `down`, down only after the power x has been below it for `hold`; once it has reached `floor` it stays there until
    the time `release`. The power drawn is ``min(max(x, f), f + band)``. `totals` adds up the energy burned, the energy
    cut off, and the time in which either happened. f is a straight line between events, so that nothing is stepped.
    """
    t, k, f, below = edges[0], 0, level, 0.0
    full = f >= floor
    for b in range(mean.shape[0]):
        stop = min(edges[0] + (b + 1) * dt, edges[edges.shape[0] - 1])
        drawn = 0.0
        while t < stop:
            while edges[k + 1] <= t:
                k += 1
            x = watts[k]
            held = full and t < release
            goal = floor if held else min(max(x, low), floor)
            slope, event = 0.0, np.inf
            waits = False
            if f < goal:
                slope, event = up, t + (goal - f) / up
            elif f > goal:
                if below < hold:
                    waits, event = True, t + hold - below
                else:
                    slope, event = -down, t + (f - goal) / down
            end = min(stop, edges[k + 1], event)
            if held:
                end = min(end, release)
            h = end - t
            reached = event <= end
            g = f + slope * h
            if reached and not waits:
                g = goal
            burned = over(f - x, g - x, h)
            cut = over(x - f - band, x - g - band, h)
            drawn += x * h + burned - cut
            totals[0] += burned
            totals[1] += cut
            totals[2] += time_over(f - x, g - x, h) + time_over(x - f - band, x - g - band, h)
            if x >= f:
                below = 0.0
            elif reached and waits:
                below = hold
            else:
                below += h
            f, t = g, end
            full = full or f >= floor
        mean[b] += drawn / dt
    return f


@njit(cache=True)
def smooth_ranks(
    first: NDArray[np.int64],
    edges: Floats,
    watts: Floats,
    dt: float,
    low: Floats,
    floor: Floats,
    band: Floats,
    up: Floats,
    down: Floats,
    hold: float,
    release: float,
    mean: Floats,
    totals: Floats,
) -> None:
    """Add many devices, each with its own changes of power, to the same bins.

    Device r has the powers ``watts[first[r]:first[r + 1]]`` and one edge more, from ``edges[first[r] + r]``.
    """
    for r in range(first.shape[0] - 1):
        a, z = first[r], first[r + 1]
        smooth_segments(
            edges[a + r : z + r + 1], watts[a:z], dt, low[r], floor[r], band[r], up[r], down[r], hold, release, low[r],
            mean, totals,
        )  # fmt: skip
