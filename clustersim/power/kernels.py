"""Compiled binning of rank activity into power."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]

MEAN, WHOLE, LATE, NEW = 0, 1, 2, 3
"""Columns of a bin: what its steps add to its mean; the whole steps; the steps decayed to its end; the whole steps but
those that had settled when the bins start."""

CELLS = 512


@njit(cache=True)
def decay_table(dt: float, tau: float) -> Floats:
    """exp(-x dt/tau) for x in 0..1 at the middles of `CELLS` cells."""
    return np.exp(-(np.arange(CELLS) + 0.5) / CELLS * dt / tau)


@njit(cache=True)
def add_events(
    mine: Floats, times: Floats, watts: Floats, count: int, before: float, dt: float, tau: float, decay: Floats
) -> float:
    """Add `count` changes of power, to `watts` at `times`, to the bins of one node; return the last power.

    A change at or before the start of the bins has settled already. exp(-x dt/tau) is the table's value times a
    third-order series over the rest of the cell (below 1e-12 for dt < 2 tau).
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
        cell = min(int(left * CELLS), CELLS - 1)
        rest = (left - (cell + 0.5) / CELLS) * slope
        mine[k, MEAN] += delta * left
        mine[k, WHOLE] += delta
        mine[k, NEW] += delta
        mine[k, LATE] += delta * decay[cell] * (1.0 - rest * (1.0 - 0.5 * rest * (1.0 - rest / 3.0)))
    return before


@njit(cache=True)
def _gap(
    times: Floats, watts: Floats, count: int, begin: float, end: float, low: float, fill: float, detection: float
) -> tuple[int, float]:
    """Append a gap at `low`, filled to `fill` after `detection`; return the count and the energy burned."""
    times[count] = begin
    watts[count] = low
    if fill > low and end - begin > detection:
        times[count + 1] = begin + detection
        watts[count + 1] = fill
        return count + 2, (fill - low) * (end - begin - detection)
    return count + 1, 0.0


@njit(cache=True)
def bin_step(
    bins: Floats,
    dt: float,
    tau: float,
    t0: float,
    start: Floats,
    end: Floats,
    per_stage: int,
    table: Ints,
    unit_class: Ints,
    unit_node: Ints,
    share: Floats,
    operation_w: Floats,
    raw_w: Floats,
    level_w: Floats,
    raw_level_w: Floats,
    fill_w: Floats,
    detection: float,
    optimizer_start: float,
    optimizer_end: Floats,
    step_end: float,
    dead_unit: int,
    dead_s: float,
    level: Floats,
    energy: Floats,
) -> None:
    """Add one step of every unit and stage to the bins.

    `operation_w` [classes, kinds x virtual stages] is the power of a stage of a unit during an operation, `level_w`
    [classes, 4] that of optimizer, exchange, wait and idle; `raw_w` and `raw_level_w` are the same without damping.
    `fill_w` [classes] is the level to which gaps are filled. `share` [units, stages] scales a stage. `level` [units,
    stages] carries the power from the end of one step into the next. `energy` [nodes, 2] adds up the energy drawn and
    what of it damping burned. A `dead_unit` >= 0 stops at `dead_s` and idles from there.
    """
    units, operations = start.shape
    stages = operations // per_stage
    times = np.empty(3 * per_stage + 8)
    watts = np.empty(3 * per_stage + 8)
    decay = decay_table(dt, tau)
    for u in range(units):
        c = unit_class[u]
        node = unit_node[u]
        stop = dead_s if u == dead_unit else 1e300
        for stage in range(stages):
            scale = share[u, stage]
            if scale == 0.0:
                continue
            fill = fill_w[c]
            update, exchange, wait, idle = level_w[c, 0], level_w[c, 1], level_w[c, 2], level_w[c, 3]
            free = 0.0
            drawn = 0.0
            burned = 0.0
            count = 0
            for i in range(stage * per_stage, (stage + 1) * per_stage):
                begin, finish = min(start[u, i], stop), min(end[u, i], stop)
                if begin > free:
                    count, extra = _gap(times, watts, count, t0 + free, t0 + begin, wait, fill, detection)
                    drawn += wait * (begin - free) + extra
                    burned += (wait - raw_level_w[c, 2]) * (begin - free) + extra
                if finish > begin:
                    power = operation_w[c, table[i]]
                    times[count] = t0 + begin
                    watts[count] = power
                    count += 1
                    drawn += power * (finish - begin)
                    burned += (power - raw_w[c, table[i]]) * (finish - begin)
                free = finish
            if stop < 1e300:
                # a dead unit never gets past its reduction: it exchanges until it dies, then idles
                if stop > free:
                    count, extra = _gap(times, watts, count, t0 + free, t0 + stop, exchange, fill, detection)
                    drawn += exchange * (stop - free) + extra
                    burned += (exchange - raw_level_w[c, 1]) * (stop - free) + extra
                    free = stop
                times[count] = t0 + free
                watts[count] = idle
                count += 1
                drawn += idle * (step_end - free)
                burned += (idle - raw_level_w[c, 3]) * (step_end - free)
            else:
                count, extra = _gap(times, watts, count, t0 + free, t0 + optimizer_start, exchange, fill, detection)
                updated = optimizer_end[stage]
                if updated > optimizer_start:
                    times[count] = t0 + optimizer_start
                    watts[count] = update
                    count += 1
                more = 0.0
                if step_end > updated:
                    count, more = _gap(times, watts, count, t0 + updated, t0 + step_end, exchange, fill, detection)
                apart = optimizer_start - free + step_end - updated
                busy = updated - optimizer_start
                drawn += exchange * apart + update * busy + extra + more
                burned += (exchange - raw_level_w[c, 1]) * apart + (update - raw_level_w[c, 0]) * busy + extra + more
            for e in range(count):
                watts[e] *= scale
            level[u, stage] = add_events(bins[node], times, watts, count, level[u, stage], dt, tau, decay)
            energy[node, 0] += drawn * scale
            energy[node, 1] += burned * scale


@njit(cache=True)
def set_level(
    bins: Floats,
    dt: float,
    tau: float,
    time: float,
    unit_class: Ints,
    unit_node: Ints,
    share: Floats,
    target_w: Floats,
    level: Floats,
) -> None:
    """Bring every unit and stage to `target_w` [classes] at `time`."""
    units, stages = level.shape
    times = np.full(1, time)
    watts = np.empty(1)
    decay = decay_table(dt, tau)
    for u in range(units):
        for stage in range(stages):
            watts[0] = target_w[unit_class[u]] * share[u, stage]
            level[u, stage] = add_events(bins[unit_node[u]], times, watts, 1, level[u, stage], dt, tau, decay)


@njit(cache=True)
def finish_bins(bins: Floats, dt: float, tau: float, mean: Floats) -> Floats:
    """Write the bin means behind the lag into `mean` [nodes, bins]; return per node the energy of x less that of y.

    Let x be the summed power, y its first-order lag and r = x - y. A step d at time t leaves r = d exp(-(T - t)/tau) at
    the bin's end T, and the integral of r over a bin is tau (r0 + sum of steps - r1): the means of x and y are exact.
    """
    nodes, count, _ = bins.shape
    keep = np.exp(-dt / tau)
    kept = np.zeros(nodes)
    for n in range(nodes):
        x = 0.0
        r = 0.0
        stepped = 0.0
        for k in range(count):
            later = r * keep + bins[n, k, LATE]
            mean[n, k] = x + bins[n, k, MEAN] - tau * (r + bins[n, k, NEW] - later) / dt
            x += bins[n, k, WHOLE]
            r = later
            stepped += bins[n, k, NEW]
        kept[n] = tau * (stepped - r)
    return kept
