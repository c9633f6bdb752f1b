"""Compiled inner loops of the fluid flow model: plain arrays in, plain arrays out."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shorts = NDArray[np.int32]

TIE = 1e-12
"""Levels that differ by less than this, relative, are taken as equal: rounding only."""


_LEFT, _DENSITY, _LEVEL, _LOW = range(4)
"""Columns of the state of links: what may still be shared, weight of its unfrozen flows, left over density, and the
least level on the way of any of its flows. Side by side, so that a visit to a link costs one access to memory."""


@njit(cache=True, error_model="numpy")
def fill_some(
    first: Ints,
    links: Shorts,
    weights: Floats,
    most: Floats,
    todo: Ints,
    count: int,
    state: Floats,
    rates: Floats,
) -> None:
    """Write the max-min rates of the flows ``todo[:count]`` into `rates`; `todo` is used up.

    Flow f crosses ``links[first[f]:first[f + 1]]``, and has at most ``most[f]`` per weight. `state`, shape (links, 4),
    holds in its first column what those flows may share of each link; it is scratch.

    A link whose level is the least on the way of every one of its flows saturates at that level whatever happens
    elsewhere, since freezing flows only raises the levels of other links. So all such links close in one round.
    """
    state[:, _DENSITY] = 0.0
    state[:, _LOW] = np.inf
    for at in range(count):
        flow = todo[at]
        for hop in range(first[flow], first[flow + 1]):
            state[links[hop], _DENSITY] += weights[flow]
    for link in range(state.shape[0]):
        if state[link, _DENSITY] > 0.0:
            state[link, _LEVEL] = state[link, _LEFT] / state[link, _DENSITY]
    while count > 0:
        for at in range(count):
            flow = todo[at]
            bound = most[flow]
            for hop in range(first[flow], first[flow + 1]):
                bound = min(bound, state[links[hop], _LEVEL])
            rates[flow] = bound
            for hop in range(first[flow], first[flow + 1]):
                link = links[hop]
                if bound < state[link, _LOW]:
                    state[link, _LOW] = bound
        # finished flows go to the front; levels must not move before all are found
        done = 0
        for at in range(count):
            flow = todo[at]
            final = rates[flow] == most[flow]
            for hop in range(first[flow], first[flow + 1]):
                link = links[hop]
                if state[link, _LEVEL] <= state[link, _LOW] * (1.0 + TIE):
                    final = True
                    break
            if final:
                todo[at] = todo[done]
                todo[done] = flow
                done += 1
        for at in range(done):
            flow = todo[at]
            rates[flow] *= weights[flow]
            for hop in range(first[flow], first[flow + 1]):
                link = links[hop]
                if rates[flow] < np.inf:
                    state[link, _LEFT] = max(state[link, _LEFT] - rates[flow], 0.0)
                state[link, _DENSITY] = 0.0
        # added up anew: taking weights off would leave nothing of small ones beside large ones
        for at in range(done, count):
            flow = todo[at]
            for hop in range(first[flow], first[flow + 1]):
                state[links[hop], _DENSITY] = 0.0
        for at in range(done, count):
            flow = todo[at]
            for hop in range(first[flow], first[flow + 1]):
                state[links[hop], _DENSITY] += weights[flow]
        for at in range(done, count):
            flow = todo[at]
            for hop in range(first[flow], first[flow + 1]):
                link = links[hop]
                state[link, _LOW] = np.inf
                state[link, _LEVEL] = state[link, _LEFT] / state[link, _DENSITY]
            todo[at - done] = flow
        count -= done


@njit(cache=True, error_model="numpy")
def fill_all(capacity: Floats, first: Ints, links: Shorts, weights: Floats) -> Floats:
    """Return the max-min rates of all flows.

    A link with one flow only caps that flow: it is taken off the routes, which is most of them in a permutation.
    """
    flows = weights.size
    users = np.zeros(capacity.size, dtype=np.int32)
    for link in links:
        users[link] += 1
    shared_first, shared = np.empty_like(first), np.empty_like(links)
    most = np.full(flows, np.inf)
    kept = 0
    for flow in range(flows):
        shared_first[flow] = kept
        for hop in range(first[flow], first[flow + 1]):
            link = links[hop]
            if users[link] > 1:
                shared[kept] = link
                kept += 1
            else:
                most[flow] = min(most[flow], capacity[link] / weights[flow])
    shared_first[flows] = kept
    rates, state = np.zeros(flows), np.empty((capacity.size, 4))
    state[:, _LEFT] = capacity
    fill_some(shared_first, shared, weights, most, np.arange(flows), flows, state, rates)
    return rates


@njit(cache=True, error_model="numpy")
def play_flows(
    capacity: Floats, first: Ints, links: Shorts, size: Floats, start: Floats, order: Ints, weights: Floats
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
    state, most = np.empty((capacity.size, 4)), np.full(flows, np.inf)
    count, begun, now = 0, 0, 0.0
    slowest = 0.0
    while True:
        state[:, _LEFT] = capacity
        again = 0
        for at in range(count):
            flow = running[at]
            if rates[flow] < slowest * weights[flow] * (1.0 - TIE):
                for hop in range(first[flow], first[flow + 1]):
                    link = links[hop]
                    state[link, _LEFT] = max(state[link, _LEFT] - rates[flow], 0.0)
            else:
                todo[again] = flow
                again += 1
        fill_some(first, links, weights, most, todo, again, state, rates)
        until = start[order[begun]] if begun < flows else np.inf
        for at in range(count):
            flow = running[at]
            if rates[flow] == np.inf:
                until = now
            elif rates[flow] > 0.0:
                until = min(until, now + left[flow] / rates[flow])
        if until == np.inf:
            return finish
        kept = 0
        slowest = np.inf
        for at in range(count):
            flow = running[at]
            over = False
            if rates[flow] > 0.0:
                end = now if rates[flow] == np.inf else now + left[flow] / rates[flow]
                if rates[flow] < np.inf:
                    left[flow] -= rates[flow] * (until - now)
                over = end <= until or (size[flow] < np.inf and left[flow] <= TIE * size[flow])
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
