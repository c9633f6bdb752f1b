"""Compiled power of ranks over a step."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from clustersim.power.bin_kernels import add_events, add_turn, decay_table
from clustersim.power.gap_kernels import GAP_SEGMENTS, INTERLEAVE, KIND, fill_gap
from clustersim.power.profile_kernels import ASKED, CLOCK, DRAWN, HELD, MET, SLOPE, drive, meet

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]

ENERGY, BURNED, CUT, OTHER = 0, 1, 2, 3
"""Columns of the energies of a node: drawn; burned by damping; cut off by a profile; used by another job."""


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
    units: Ints,
    share: Floats,
    operation_w: Floats,
    raw_w: Floats,
    level_w: Floats,
    raw_level_w: Floats,
    fillers: Floats,
    burst_w: Floats,
    burst_s: float,
    profile: Floats,
    holds: bool,
    optimizer_start: float,
    optimizer_end: Floats,
    step_end: float,
    dead_unit: int,
    dead_s: float,
    level: Floats,
    quiet: Floats,
    state: Floats,
    energy: Floats,
) -> None:
    """Add one step of the accelerators of one kind in `units` to the bins.

    `operation_w` [classes, kinds x virtual stages] is the power of a stage of a unit during an operation, `level_w`
    [classes, 4 or more] that of optimizer, exchange, wait and idle; `raw_w` and `raw_level_w` are the same without
    damping. `fillers` [classes, numbers] say what fills gaps (:mod:`clustersim.power.gap_kernels`). `burst_w` [classes,
    operations] is by how much a unit exceeds the power of an operation for `burst_s` after a rest of that length.
    `profile` [classes, 6] is the smoothing profile, of size 0 without; `holds`: a floor once reached is held while the
    job runs. `share` [units, stages] scales a stage. `level` [units, stages] carries the power from the end of one step
    into the next, `quiet` [units, stages] for how long it has been without an operation, `state` [units, stages,
    STATES] the profile. `energy` [nodes, 4] adds up the energy drawn, what of it damping burned, what the profile cut
    off and what another job used. A `dead_unit` >= 0 stops at `dead_s` and idles from there.
    """
    stages = start.shape[1] // per_stage
    times = np.empty((GAP_SEGMENTS + 2) * (per_stage + 4))
    watts = np.empty((GAP_SEGMENTS + 2) * (per_stage + 4))
    decay = decay_table(dt, tau)
    profiled = profile.shape[0] > 0
    bursting = burst_w.any()
    filled_gaps = fillers.shape[1] > 1
    account = np.zeros(3)
    for u in units:
        c = unit_class[u]
        if level_w[c, 3] == 0.0:
            continue  # no accelerator of this kind in the unit
        node = unit_node[u]
        stop = dead_s if u == dead_unit else 1e300
        for stage in range(stages):
            scale = share[u, stage]
            if scale == 0.0:
                continue
            filler = fillers[c]
            asked, plain, excesses = operation_w[c], raw_w[c], burst_w[c]
            given = OTHER if filler[KIND] == INTERLEAVE else BURNED
            update, exchange, wait, idle = level_w[c, 0], level_w[c, 1], level_w[c, 2], level_w[c, 3]
            free = 0.0
            drawn = 0.0
            burned = 0.0
            filled = 0.0
            count = 0
            rest = quiet[u, stage]
            burst = -1.0
            for i in range(stage * per_stage, (stage + 1) * per_stage):
                begin, finish = min(start[u, i], stop), min(end[u, i], stop)
                if begin > free:
                    if filled_gaps:
                        count, extra = fill_gap(times, watts, count, t0 + free, t0 + begin, wait, filler)
                    else:
                        # as a filler of no kind does, without the call
                        times[count] = t0 + free
                        watts[count] = wait
                        count += 1
                        extra = 0.0
                    drawn += wait * (begin - free) + extra
                    burned += (wait - raw_level_w[c, 2]) * (begin - free)
                    filled += extra
                    rest += begin - free
                if finish > begin:
                    kind = table[i]
                    power, excess = asked[kind], excesses[kind] if bursting else 0.0
                    times[count] = t0 + begin
                    watts[count] = power
                    if excess > 0.0 and rest >= burst_s:
                        burst = begin + burst_s
                    if excess > 0.0 and burst > begin:
                        until = min(burst, finish)
                        watts[count] = power + excess
                        drawn += excess * (until - begin)
                        if until < finish:
                            count += 1
                            times[count] = t0 + until
                            watts[count] = power
                    count += 1
                    drawn += power * (finish - begin)
                    burned += (power - plain[kind]) * (finish - begin)
                    rest = 0.0
                free = finish
            if stop < 1e300:
                # a dead unit never gets past its reduction: it exchanges until it dies, then idles
                if stop > free:
                    count, extra = fill_gap(times, watts, count, t0 + free, t0 + stop, exchange, filler)
                    drawn += exchange * (stop - free) + extra
                    burned += (exchange - raw_level_w[c, 1]) * (stop - free)
                    filled += extra
                    free = stop
                times[count] = t0 + free
                watts[count] = idle
                count += 1
                drawn += idle * (step_end - free)
                burned += (idle - raw_level_w[c, 3]) * (step_end - free)
            else:
                count, extra = fill_gap(times, watts, count, t0 + free, t0 + optimizer_start, exchange, filler)
                updated = optimizer_end[stage]
                if updated > optimizer_start:
                    times[count] = t0 + optimizer_start
                    watts[count] = update
                    count += 1
                more = 0.0
                if step_end > updated:
                    count, more = fill_gap(times, watts, count, t0 + updated, t0 + step_end, exchange, filler)
                apart = optimizer_start - free + step_end - updated
                busy = updated - optimizer_start
                drawn += exchange * apart + update * busy + extra + more
                burned += (exchange - raw_level_w[c, 1]) * apart + (update - raw_level_w[c, 0]) * busy
                filled += extra + more
            quiet[u, stage] = step_end - free
            energy[node, BURNED] += burned * scale
            energy[node, given] += filled * scale
            if not profiled:
                for e in range(count):
                    watts[e] *= scale
                level[u, stage] = add_events(bins[node], times, watts, count, level[u, stage], dt, tau, decay)
                energy[node, ENERGY] += drawn * scale
                continue
            mine = state[u, stage]
            if mine[MET] == 0.0:
                meet(mine, profile[c], t0, True, 0.0)
            elif mine[CLOCK] < t0:
                drive(bins[node], mine, profile[c], times, watts, 0, t0, np.inf, scale, dt, tau, decay, account)
            mine[HELD] = 1.0 if holds else 0.0
            account[:] = 0.0
            drive(
                bins[node], mine, profile[c], times, watts, count, t0 + step_end, t0 + stop, scale, dt, tau, decay,
                account,
            )  # fmt: skip
            energy[node, ENERGY] += account[0]
            energy[node, BURNED] += account[1]
            energy[node, CUT] += account[2]


@njit(cache=True)
def set_level(
    bins: Floats,
    dt: float,
    tau: float,
    time: float,
    unit_class: Ints,
    unit_node: Ints,
    units: Ints,
    share: Floats,
    target_w: Floats,
    profile: Floats,
    held: bool,
    level: Floats,
    quiet: Floats,
    state: Floats,
) -> None:
    """Bring every stage of `units` to `target_w` [classes] at `time`; `held`: a floor once reached stays."""
    stages = level.shape[1]
    times = np.full(1, time)
    watts = np.empty(1)
    account = np.zeros(3)
    decay = decay_table(dt, tau)
    for u in units:
        c = unit_class[u]
        bin_of = bins[unit_node[u]]
        for stage in range(stages):
            quiet[u, stage] = np.inf
            if profile.shape[0] == 0:
                watts[0] = target_w[c] * share[u, stage]
                level[u, stage] = add_events(bin_of, times, watts, 1, level[u, stage], dt, tau, decay)
                continue
            mine = state[u, stage]
            if mine[MET] == 0.0 or time <= 0.0:
                meet(mine, profile[c], max(time, 0.0), held, target_w[c])
            else:
                scale = share[u, stage]
                drive(bin_of, mine, profile[c], times, watts, 0, time, np.inf, scale, dt, tau, decay, account)
            mine[ASKED] = target_w[c]
            mine[HELD] = 1.0 if held else 0.0


@njit(cache=True)
def advance(
    bins: Floats,
    dt: float,
    tau: float,
    until: float,
    unit_class: Ints,
    unit_node: Ints,
    share: Floats,
    profile: Floats,
    off: bool,
    state: Floats,
) -> None:
    """Take every unit and stage behind its profile to `until`, and there to no power when `off`."""
    account, none = np.zeros(3), np.zeros(0)
    decay = decay_table(dt, tau)
    for u in range(state.shape[0]):
        for stage in range(state.shape[1]):
            mine, scale = state[u, stage], share[u, stage]
            if mine[MET] == 0.0:
                continue
            bin_of = bins[unit_node[u]]
            drive(bin_of, mine, profile[unit_class[u]], none, none, 0, until, np.inf, scale, dt, tau, decay, account)
            if off:
                add_turn(bin_of, mine[CLOCK], -mine[DRAWN] * scale, -mine[SLOPE] * scale, dt, tau, decay)
                mine[:] = 0.0
