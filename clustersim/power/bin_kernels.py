"""Compiled bins of power: exact means of a sum of steps and ramps behind a first-order lag."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]

MEAN, WHOLE, LATE, NEW, SLOPE = 0, 1, 2, 3, 4
"""Columns of a bin: what its changes add to its mean; to the power at its end; the same less what has come through the
lag by then; the power at its end, but for changes that had settled when the bins start; and the slope."""
COLUMNS = 5
X, R, G = 0, 1, 2
"""State of a node between bins: power without the lag, what the lag still holds back, slope of the former."""

CELLS = 512


@njit(cache=True)
def decay_table(dt: float, tau: float) -> Floats:
    """exp(-x dt/tau) for x in 0..1 at the middles of `CELLS` cells."""
    return np.exp(-(np.arange(CELLS) + 0.5) / CELLS * dt / tau)


@njit(cache=True)
def left_of_step(left: float, slope: float, decay: Floats) -> float:
    """``exp(-left dt/tau)``: the table's value times a third-order series over the rest of the cell.

    The error is below 1e-12 for dt < 2 tau. `slope` is dt/tau.
    """
    cell = min(int(left * CELLS), CELLS - 1)
    rest = (left - (cell + 0.5) / CELLS) * slope
    return float(decay[cell]) * (1.0 - rest * (1.0 - 0.5 * rest * (1.0 - rest / 3.0)))


@njit(cache=True)
def add_events(
    mine: Floats, times: Floats, watts: Floats, count: int, before: float, dt: float, tau: float, decay: Floats
) -> float:
    """Add `count` changes of power, to `watts` at `times`, to the bins of one node; return the last power.

    A change at or before the start of the bins has settled already.
    """
    inv_dt = 1.0 / dt
    slope = dt / tau
    size = mine.shape[0]
    for e in range(count):
        delta = watts[e] - before
        if delta == 0.0:
            continue
        before = watts[e]
        time = times[e]
        if time <= 0.0:
            mine[0, MEAN] += delta
            mine[0, WHOLE] += delta
            continue
        place = time * inv_dt
        k = int(place)
        if k >= size:
            continue
        left = 1.0 - (place - k)
        mine[k, MEAN] += delta * left
        mine[k, WHOLE] += delta
        mine[k, NEW] += delta
        mine[k, LATE] += delta * left_of_step(left, slope, decay)
    return before


@njit(cache=True)
def add_turn(mine: Floats, time: float, jump: float, turn: float, dt: float, tau: float, decay: Floats) -> None:
    """Add a jump of power and a change of its slope at `time` to the bins of one node.

    A jump at or before the start has settled. A slope of 1 W/s that begins a time u before the end of the bin adds
    ``u^2 / (2 dt)`` to its mean and u to the power at its end, of which ``tau (1 - exp(-u/tau))`` is held back.
    """
    place = max(time, 0.0) / dt
    k = int(place)
    if k >= mine.shape[0]:
        return
    left = 1.0 - (place - k)
    rise = turn * left * dt
    mine[k, MEAN] += jump * left + 0.5 * rise * left
    mine[k, WHOLE] += jump + rise
    mine[k, SLOPE] += turn
    keep = left_of_step(left, dt / tau, decay)
    mine[k, NEW] += rise
    mine[k, LATE] += turn * tau * (1.0 - keep)
    if time > 0.0:
        mine[k, NEW] += jump
        mine[k, LATE] += jump * keep


@njit(cache=True)
def finish_bins(bins: Floats, count: int, dt: float, tau: float, state: Floats, mean: Floats) -> Floats:
    """Write the means of the first `count` bins behind the lag into `mean` [nodes, count].

    Returns per node the energy of x less that of y. `state` [nodes, 3] goes on from and to the bins before and after.

    Let x be the summed power, y its first-order lag and r = x - y, so that ``r' = x' - r / tau``. A step d at time t
    leaves ``d exp(-(T - t)/tau)`` of r at the bin's end T, a slope g over a bin ``g tau (1 - exp(-dt/tau))``, and the
    integral of r over a bin is tau (r0 + change of x - r1): the means of x and y are exact.
    """
    keep = np.exp(-dt / tau)
    kept = np.zeros(bins.shape[0])
    for n in range(bins.shape[0]):
        x, r, g = state[n, X], state[n, R], state[n, G]
        start = r
        stepped = 0.0
        for k in range(count):
            later = r * keep + bins[n, k, LATE] + g * tau * (1.0 - keep)
            change = bins[n, k, NEW] + g * dt
            mean[n, k] = x + bins[n, k, MEAN] + 0.5 * g * dt - tau * (r + change - later) / dt
            x += bins[n, k, WHOLE] + g * dt
            g += bins[n, k, SLOPE]
            r = later
            stepped += change
        kept[n] = tau * (start + stepped - r)
        state[n, X], state[n, R], state[n, G] = x, r, g
    return kept
