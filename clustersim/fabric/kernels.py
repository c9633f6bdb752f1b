"""Compiled inner loops of the fluid flow model: plain arrays in, plain arrays out."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TIE = 1e-12
"""Levels that differ by less than this, relative, are taken as equal: rounding only."""


@njit(cache=True)
def fill_some(
    first: Ints, links: Ints, weights: Floats, todo: Ints, count: int, left: Floats, density: Floats, rates: Floats
) -> None:
    """Write the max-min rates of the flows ``todo[:count]`` into `rates`; `todo` is used up.

    Flow f crosses ``links[first[f]:first[f + 1]]``. `left` is what those flows may share of each link; `density` has to
    be zero on their links, and is again at the end.

    A link whose level (what is left over the weight of its flows) is the least on the way of every one of its flows
    saturates at that level whatever happens elsewhere, since freezing flows only raises the levels of other links. So
    all such links are closed in one round.
    """
    low = np.full(left.size, np.inf)
    for at in range(count):
        flow = todo[at]
        for hop in range(first[flow], first[flow + 1]):
            density[links[hop]] += weights[flow]
    while count > 0:
        for at in range(count):
            flow = todo[at]
            bound = np.inf
            for hop in range(first[flow], first[flow + 1]):
                link = links[hop]
                level = left[link] / density[link]
                if level < bound:
                    bound = level
            rates[flow] = bound
            for hop in range(first[flow], first[flow + 1]):
                if bound < low[links[hop]]:
                    low[links[hop]] = bound
        kept = 0
        for at in range(count):
            flow = todo[at]
            bound = rates[flow]
            final = bound == np.inf
            for hop in range(first[flow], first[flow + 1]):
                link = links[hop]
                level = left[link] / density[link]
                if level <= bound * (1.0 + TIE) and level <= low[link] * (1.0 + TIE):
                    final = True
                    break
            if final:
                # marked, and taken off its links below: this round's levels must not move
                todo[kept], todo[at] = todo[at], todo[kept]
                kept += 1
        # the finished flows stand first
        for at in range(count):
            flow = todo[at]
            for hop in range(first[flow], first[flow + 1]):
                low[links[hop]] = np.inf
        for at in range(kept):
            flow = todo[at]
            rate = rates[flow] * weights[flow]
            for hop in range(first[flow], first[flow + 1]):
                link = links[hop]
                if rate < np.inf:
                    left[link] = max(left[link] - rate, 0.0)
                density[link] -= weights[flow]
            rates[flow] = rate
        for at in range(count - kept):
            todo[at] = todo[at + kept]
        count -= kept
    for link in range(density.size):
        density[link] = 0.0


@njit(cache=True)
def fill_all(capacity: Floats, first: Ints, links: Ints, weights: Floats) -> Floats:
    """Return the max-min rates of all flows."""
    flows = weights.size
    rates = np.zeros(flows)
    fill_some(first, links, weights, np.arange(flows), flows, capacity.copy(), np.zeros(capacity.size), rates)
    return rates


@njit(cache=True)
def play_flows(
    capacity: Floats, first: Ints, links: Ints, size: Floats, start: Floats, order: Ints, weights: Floats
) -> Floats:
    """Return when each flow ends [s]; `order` sorts the flows by start.

    When flows end, the filling of those that were slower than the slowest of them (per weight) is as before: their
    links closed before any link of the ended flows did. So only the others are filled again, with what the slower
    ones leave. When flows start, all are.

    A flow whose rest is below `TIE` of its size is over: otherwise equal ends would leave slivers of time.
    """
    flows = size.size
    left = size.copy()
    finish = np.full(flows, np.inf)
    rates = np.zeros(flows)
    running = np.empty(flows, dtype=np.int64)
    todo = np.empty(flows, dtype=np.int64)
    spare, density = np.empty(capacity.size), np.zeros(capacity.size)
    count, begun, now = 0, 0, 0.0
    slowest = 0.0
    while True:
        spare[:] = capacity
        again = 0
        for at in range(count):
            flow = running[at]
            if rates[flow] < slowest * weights[flow] * (1.0 - TIE):
                for hop in range(first[flow], first[flow + 1]):
                    link = links[hop]
                    spare[link] = max(spare[link] - rates[flow], 0.0)
            else:
                todo[again] = flow
                again += 1
        fill_some(first, links, weights, todo, again, spare, density, rates)
        until = start[order[begun]] if begun < flows else np.inf
        for at in range(count):
            flow = running[at]
            if rates[flow] > 0.0:
                until = min(until, now + left[flow] / rates[flow])
        if until == np.inf:
            return finish
        kept = 0
        slowest = np.inf
        for at in range(count):
            flow = running[at]
            over = False
            if rates[flow] > 0.0:
                end = now + left[flow] / rates[flow]
                if rates[flow] < np.inf:
                    left[flow] -= rates[flow] * (until - now)
                over = end <= until or left[flow] <= TIE * size[flow]
            if over:
                finish[flow] = until
                slowest = min(slowest, rates[flow] / weights[flow])
            else:
                running[kept] = flow
                kept += 1
        count = kept
        now = until
        while begun < flows and start[order[begun]] <= now:
            running[count] = order[begun]
            count += 1
            begun += 1
            slowest = 0.0
