"""Compiled filling of a gap in the work of a rank group by kernels that only burn power, or by another job's."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NONE, FILL, STAIRCASE, INTERLEAVE, SECONDARY = 0, 1, 2, 3, 4
"""Kinds of filler: nothing; one level after a delay; a repeated staircase; another job; bursts with back-off."""

KIND, DELAY, LEAD, SHARE, REPEAT, HEADER = 0, 1, 2, 3, 4, 5
"""Places of a filler array: kind; seconds before it starts; seconds before the end of the gap by which it has stopped;
share of the time between that it fills; whether its cycle repeats (0 or 1); from `HEADER` on seconds and watts of each
part of the cycle."""

GAP_SEGMENTS = 64
"""Most segments of one gap. What a longer gap repeats beyond them is one segment of the same energy."""

MOST_PARTS = GAP_SEGMENTS - 3
"""Most parts of a cycle: beside them a gap needs its opening, a merged rest and its return to the level before."""


@njit(cache=True)
def cycle_energy(filler: Floats, low: float, span: float) -> float:
    """Energy above `low` of the first `span` seconds of a filler's repeated cycle. [J]"""
    period = 0.0
    whole_j = 0.0
    for k in range(HEADER, filler.size, 2):
        period += filler[k]
        whole_j += filler[k] * max(filler[k + 1] - low, 0.0)
    cycles = float(np.floor(span / period))
    left = span - cycles * period
    energy = cycles * whole_j
    for k in range(HEADER, filler.size, 2):
        part = min(filler[k], max(left, 0.0))
        energy += part * max(filler[k + 1] - low, 0.0)
        left -= part
    return energy


@njit(cache=True)
def fill_gap(
    times: Floats, watts: Floats, count: int, begin: float, end: float, low: float, filler: Floats
) -> tuple[int, float]:
    """Append the power of a rank group over a gap; return the new count and the energy above `low`.

    A filler never lowers power: where its level is below `low` the gap stays at `low`. The power is

        low                        before begin + delay, and after the filler has stopped
        max(low, level(t))         between, for the share of ``end - lead - begin - delay`` that it fills

    Parameters
    ----------
    times, watts : ndarray
        Starts of the segments of constant power and their powers, written from `count` on; at most `GAP_SEGMENTS` of
        them, the first at `begin`. [s], [W]
    count : int
        Segments there are.
    begin, end : float
        Of the gap. [s]
    low : float
        What the group draws in the gap without a filler. [W]
    filler : ndarray
        See `KIND` and the names beside it.

    Returns
    -------
    count : int
        Segments there are now.
    burned_j : float
        Integral of the power less `low` over the gap. [J]
    """
    times[count] = begin
    watts[count] = low
    used = 1
    if filler[KIND] == NONE:
        return count + used, 0.0
    if filler[KIND] == FILL:
        fill, detection = filler[HEADER + 1], filler[DELAY]
        if fill > low and end - begin > detection:
            times[count + 1] = begin + detection
            watts[count + 1] = fill
            return count + 2, (fill - low) * (end - begin - detection)
        return count + used, 0.0
    now = begin + filler[DELAY]
    stop = now + filler[SHARE] * (end - filler[LEAD] - now)
    power = low
    burned = 0.0
    parts = (filler.size - HEADER) // 2
    k = 0
    while now < stop:
        if k == parts:
            if filler[REPEAT] == 0.0:
                break
            k = 0
        if k == 0 and used + parts > GAP_SEGMENTS - 2:
            energy = cycle_energy(filler, low, stop - now)
            power = low + energy / (stop - now)
            times[count + used] = now
            watts[count + used] = power
            used += 1
            burned += energy
            now = stop
            break
        later = min(now + filler[HEADER + 2 * k], stop)
        level = max(low, filler[HEADER + 2 * k + 1])
        if level != power:
            if now > begin:
                used += 1
            times[count + used - 1] = now
            watts[count + used - 1] = level
            power = level
        burned += (level - low) * (later - now)
        now = later
        k += 1
    if power != low and now < end:
        times[count + used] = now
        watts[count + used] = low
        used += 1
    return count + used, burned
