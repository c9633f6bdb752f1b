"""Compiled inner loops of the fluid flow model: plain arrays in, plain arrays out."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@njit(cache=True)
def fill_active(
    capacity: Floats,
    first: Ints,
    links: Ints,
    link_first: Ints,
    link_flows: Ints,
    weights: Floats,
    active: NDArray[np.bool_],
    rates: Floats,
) -> None:
    """Write the max-min rates of the active flows into `rates`, by progressive filling one link at a time.

    Flow f crosses ``links[first[f]:first[f + 1]]``; link l carries ``link_flows[link_first[l]:link_first[l + 1]]``.
    """
    left = capacity.copy()
    density = np.zeros(capacity.size)
    count = np.zeros(capacity.size, dtype=np.int64)
    for flow in range(weights.size):
        if active[flow]:
            rates[flow] = -1.0 if first[flow + 1] > first[flow] else np.inf
            for at in range(first[flow], first[flow + 1]):
                density[links[at]] += weights[flow]
                count[links[at]] += 1
    while True:
        lowest, tight = np.inf, -1
        for link in range(capacity.size):
            if count[link] > 0:
                level = max(left[link], 0.0) / density[link]
                if tight < 0 or level < lowest:
                    lowest, tight = level, link
        if tight < 0:
            return
        for at in range(link_first[tight], link_first[tight + 1]):
            flow = link_flows[at]
            if active[flow] and rates[flow] < 0.0:
                rates[flow] = lowest * weights[flow]
                for hop in range(first[flow], first[flow + 1]):
                    if rates[flow] < np.inf:
                        left[links[hop]] -= rates[flow]
                    density[links[hop]] -= weights[flow]
                    count[links[hop]] -= 1


@njit(cache=True)
def play_flows(
    capacity: Floats,
    first: Ints,
    links: Ints,
    link_first: Ints,
    link_flows: Ints,
    size: Floats,
    start: Floats,
    order: Ints,
    weights: Floats,
    tie: float,
) -> Floats:
    """Return when each flow ends [s]; `order` sorts the flows by start.

    A flow whose rest is below `tie` of its size is over: otherwise equal ends would leave slivers of time.
    """
    flows = size.size
    left = size.copy()
    finish = np.full(flows, np.inf)
    rates = np.zeros(flows)
    active = np.zeros(flows, dtype=np.bool_)
    begun, now = 0, 0.0
    while True:
        fill_active(capacity, first, links, link_first, link_flows, weights, active, rates)
        until = start[order[begun]] if begun < flows else np.inf
        for flow in range(flows):
            if active[flow] and rates[flow] > 0.0:
                until = min(until, now + left[flow] / rates[flow])
        if until == np.inf:
            return finish
        for flow in range(flows):
            if active[flow] and rates[flow] > 0.0:
                end = now + left[flow] / rates[flow]
                if rates[flow] < np.inf:
                    left[flow] -= rates[flow] * (until - now)
                if end <= until or left[flow] <= tie * size[flow]:
                    finish[flow] = until
                    active[flow] = False
        now = until
        while begun < flows and start[order[begun]] <= now:
            active[order[begun]] = True
            begun += 1
