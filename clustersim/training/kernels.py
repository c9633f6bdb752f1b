"""Compiled recurrence of one training step over all replicas and stages."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SmallInts = NDArray[np.int32]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)


@njit(cache=True, inline="always")
def _mix(x: np.uint64) -> np.uint64:
    """Finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a counter becomes 64 random bits."""
    x = (x ^ (x >> np.uint64(30))) * _MIX1
    x = (x ^ (x >> np.uint64(27))) * _MIX2
    return x ^ (x >> np.uint64(31))


@njit(cache=True, inline="always")
def uniform(key: np.uint64, counter: np.uint64) -> float:
    """Uniform number in [0, 1) from a key and a counter; the same whatever the order or the thread."""
    return (_mix(key + (counter + np.uint64(1)) * _GOLDEN) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True)
def pipeline_step(
    key: np.uint64,
    base: Floats,
    hidden: Floats,
    unit_class: Ints,
    slow: Floats,
    quantile: Floats,
    order: SmallInts,
    table: SmallInts,
    depends: SmallInts,
    crosses: NDArray[np.bool_],
    micro: SmallInts,
    batches: Ints,
    message_s: float,
    stall_s: float,
    late_s: float,
    noticed_s: float,
    per_stage: int,
    start: Floats,
    end: Floats,
) -> None:
    """Fill start and end of every operation of every unit.

    base and hidden [classes, kinds x virtual stages]: time on the stage, and how much later the output is there;
    unit_class [units], slow [units, stages], quantile [cells + 1] multiplier by
    probability, order/table/depends/crosses/micro [operations], batches [units] micro-batches of the unit (further
    ones take no time), start/end [units, operations]. An operation that waited for longer than noticed_s starts late_s
    later still.
    """
    units, operations = start.shape
    stages = operations // per_stage
    cells = quantile.shape[0] - 1
    for u in range(units):
        free = np.full(stages, stall_s)
        row = base[unit_class[u]]
        late = hidden[unit_class[u]]
        unit_key = _mix(key + np.uint64(u + 1) * _GOLDEN)
        for i in range(operations):
            number = order[i]
            stage = number // per_stage
            begin = free[stage]
            if micro[number] >= batches[u]:
                start[u, number] = begin
                end[u, number] = begin
                continue
            before = depends[number]
            if before >= 0:
                arrival = end[u, before] + late[table[before]]
                if crosses[number]:
                    arrival += message_s
                if arrival > begin:
                    begin = arrival + late_s if arrival - begin > noticed_s else arrival
            place = uniform(unit_key, np.uint64(number)) * cells
            cell = int(place)
            factor = quantile[cell] + (place - cell) * (quantile[cell + 1] - quantile[cell])
            finish = begin + row[table[number]] * factor * slow[u, stage]
            start[u, number] = begin
            end[u, number] = finish
            free[stage] = finish


@njit(cache=True)
def run_order(stages: int, per_stage: int, depends: SmallInts) -> SmallInts:
    """Return the operations in an order that respects both each stage's sequence and the dependencies.

    Stages take turns; each goes on until an operation has to wait for one that has not run. A schedule that waits for
    itself would never end, so the order stops short, and what is left is -1.
    """
    done = np.zeros(stages * per_stage, dtype=np.bool_)
    following = np.zeros(stages, dtype=np.int64)
    order = np.full(stages * per_stage, -1, dtype=np.int32)
    count = 0
    before = -1
    while count > before:
        before = count
        for stage in range(stages):
            while following[stage] < per_stage:
                number = stage * per_stage + following[stage]
                if depends[number] >= 0 and not done[depends[number]]:
                    break
                done[number] = True
                order[count] = number
                count += 1
                following[stage] += 1
    return order
