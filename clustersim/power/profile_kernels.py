"""Compiled power-smoothing profile of groups of ranks that act together, from event to event."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from clustersim.power.bin_kernels import add_turn

Floats = NDArray[np.float64]

LOW, FLOOR, BAND, UP, DOWN, HOLD = range(6)
"""Profile of a group: lowest and highest position of the floor, ceiling less floor [W]; rates [W/s]; hysteresis [s]."""
CLOCK, ASKED, HELD, LEVEL, BELOW, FULL, DRAWN, SLOPE, MET = range(9)
"""State of a group: time [s]; power asked for since [W]; whether a floor once reached is held; the floor [W]; for how
long the power asked for has been below it [s]; whether it has reached the profile's floor; power drawn [W] and its
slope [W/s]; whether the group has been met at all."""
STATES = 9
ROUNDING = 1e-12


@njit(cache=True)
def drive(
    mine: Floats,
    state: Floats,
    profile: Floats,
    times: Floats,
    asked: Floats,
    count: int,
    until: float,
    let_go: float,
    scale: float,
    dt: float,
    tau: float,
    decay: Floats,
    account: Floats,
) -> None:
    """Take one group from its clock to `until`, and add what it draws to the bins `mine`.

    At ``times[e]``, e below `count`, the power x that the group asks for changes to ``asked[e]``; before, it is that of
    the state. From `let_go` on a floor is not held any more. The floor f moves towards ``min(max(x, low), floor)``, up
    at once, down when x has been below it for the hysteresis; the power drawn is ``min(max(x, f), f + band)``: a
    constant or a straight line between events. `account` adds up the energies drawn, burned and cut off.
    """
    low, floor, band = profile[LOW], profile[FLOOR], profile[BAND]
    up, down, hold = profile[UP], profile[DOWN], profile[HOLD]
    tolerance = ROUNDING * (floor + band)
    t, x, f, below = state[CLOCK], state[ASKED], state[LEVEL], state[BELOW]
    holds, full = state[HELD] > 0.0, state[FULL] > 0.0
    was, turned = state[DRAWN], state[SLOPE]
    drawn, burned, cut = 0.0, 0.0, 0.0
    for e in range(count + 1):
        following = until if e == count else times[e]
        while t < following:
            if holds and t >= let_go:
                holds = False
            goal = floor if holds and full else min(max(x, low), floor)
            watts, slope, moves, event = min(max(x, f), f + band), 0.0, 0.0, np.inf
            there, met, waits = np.inf, np.inf, False
            if f < goal:
                moves = up
                there = t + (goal - f) / up
                if x > f + band + tolerance:
                    slope, met = up, t + (x - f - band) / up
                event = min(there, met)
            elif f > goal:
                if below < hold:
                    waits, event = True, t + hold - below
                else:
                    moves, slope = -down, -down
                    there = t + (f - goal) / down
                    event = there
            end = min(following, event)
            if holds and t < let_go < end:
                end = let_go
            h = end - t
            if watts != was or slope != turned:
                add_turn(mine, t, (watts - was) * scale, (slope - turned) * scale, dt, tau, decay)
            energy = (watts + 0.5 * slope * h) * h
            over = energy - x * h
            drawn += energy
            if over > 0.0:
                burned += over
            else:
                cut -= over
            if x >= f:
                below = 0.0
            elif waits and event <= end:
                below = hold
            else:
                below += h
            # at an event its own level, so that rounding cannot keep it from being reached
            if there <= end:
                f = goal
            elif met <= end:
                f = x - band
            else:
                f += moves * h
            t = end
            was, turned = watts + slope * h, slope
            if f >= floor:
                full = True
            elif not holds:
                full = False
        if e < count:
            x = asked[e]
    state[CLOCK], state[ASKED], state[LEVEL], state[BELOW] = t, x, f, below
    state[HELD] = 1.0 if holds and until < let_go else 0.0
    state[FULL] = 1.0 if full else 0.0
    state[DRAWN], state[SLOPE] = was, turned
    account[0] += drawn * scale
    account[1] += burned * scale
    account[2] += cut * scale


@njit(cache=True)
def meet(state: Floats, profile: Floats, time: float, running: bool, asked: float) -> None:
    """Begin with a group at `time`: with a running job its floor is up, else it has settled at the power asked for."""
    state[:] = 0.0
    state[CLOCK], state[MET] = time, 1.0
    state[LEVEL] = profile[FLOOR] if running else min(max(asked, profile[LOW]), profile[FLOOR])
    state[FULL] = 1.0 if state[LEVEL] >= profile[FLOOR] else 0.0
    state[BELOW] = 0.0 if running else profile[HOLD]
