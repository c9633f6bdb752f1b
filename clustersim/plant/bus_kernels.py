"""Compiled swing equation of one bus with groups of machines, converters and storage.

The state vector holds the speed deviation [pu], the common references that load-sharing lines and secondary control
raise [pu], the states of each group (`governor_kernels`), then of each storage its power [W]. Powers are in watts;
momentum is 2 H S in watt-seconds, so that momentum x dw/dt is a power.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clustersim.plant.governor_kernels import (
    BASE,
    DAMPING,
    MOMENTUM,
    NEAR,
    ON_LINES,
    ON_SECONDARY,
    REFERENCE,
    beyond_band,
    compiled,
    inlined,
    mechanical,
    room,
    slopes,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SPEED, LINES, SECONDARY, COMMON = 0, 1, 2, 3
"""Places in the state vector; the states of the groups begin at `COMMON`."""
B_DAMPING, B_POWER_FORM, B_LINES, B_SECONDARY, B_MOMENTUM, B_LOW, B_HIGH = range(7)
"""Parameters of the bus: load relief [W/pu], form, rates of the common references [1/s], momentum of machines without a
group [W s], speeds at which integration stops [pu]."""
S_MOST, S_LEAST, S_PER_DROOP, S_BAND, S_PER_TAU, S_DISPATCH, S_CAPACITY, S_EFFICIENCY, S_VIRTUAL, S_TARGET = range(10)
S_RESTORE, S_RESTORE_MOST = 10, 11
STORAGE = 12
"""Parameters of a storage: limits of power [W], gain [W/pu], dead band [pu], 1/lag [1/s], power at nominal speed [W],
capacity [J], one-way efficiency, virtual momentum [W s], energy to return to [J], gain [W/J] and limit [W] of that."""
TRIP, SET, STORE_TRIP = 0, 1, 2
"""Kinds of an event: a share of a group is lost, a group's reference is raised, a storage is lost."""
E_STEP, E_KIND, E_WHICH, E_VALUE = 0, 1, 2, 3
C_GROUP, C_SPEED, C_TIME = 0, 1, 2
"""A corner of a trip curve: group, speed deviation [pu] (its sign is the side), time beyond it [s]."""
STANDSTILL = -1.0
"""Speed deviation of a bus on which nothing turns any more: 0 Hz. [pu]"""
UNSOUND, UNSOUND_W = 1e4, 1e15
"""A state of a group [pu], a power of a storage [W] beyond this has diverged."""


@inlined
def derive(
    y: Floats, dy: Floats, load: float, seen: Floats, p: Floats, first: Ints, s: Floats, works: Floats,
    restore: Floats, bus: Floats, made: Floats,
) -> None:  # fmt: skip
    """Write the time derivatives of all states; `made` receives the mechanical power of each group. [pu]

    Parameters
    ----------
    y, dy : ndarray, shape (n,)
        States and their derivatives.
    load : float
        Electrical load. [W]
    seen : ndarray, shape (m,)
        Speed deviation that the control of each storage has measured. [pu]
    p, first : ndarray
        Parameters and place of the first state of each group.
    s, works, restore : ndarray
        Parameters of each storage; whether it can give or take (1 or 0); power that restores its charge [W].
    bus : ndarray
        Parameters of the bus.
    made : ndarray
        Receives the mechanical power of each group. [pu]
    """
    w = y[SPEED]
    groups, stores = p.shape[0], s.shape[0]
    own = first[groups]
    power, momentum = -load - bus[B_DAMPING] * w, bus[B_MOMENTUM]
    for g in range(groups):
        ref = p[g, REFERENCE] + p[g, ON_LINES] * y[LINES] + p[g, ON_SECONDARY] * y[SECONDARY]
        made[g] = mechanical(y, first[g], w, ref, p, g)
        shaft = made[g] * p[g, BASE]
        if bus[B_POWER_FORM] != 0.0 and p[g, MOMENTUM] > 0.0:
            shaft /= 1.0 + w
        power += shaft - p[g, DAMPING] * w
        momentum += p[g, MOMENTUM]
    for k in range(stores):
        power += works[k] * y[own + k]
    dw = power / momentum
    dy[SPEED] = dw
    dy[LINES] = -bus[B_LINES] * w
    dy[SECONDARY] = -bus[B_SECONDARY] * w
    for g in range(groups):
        ref = p[g, REFERENCE] + p[g, ON_LINES] * y[LINES] + p[g, ON_SECONDARY] * y[SECONDARY]
        electrical = made[g]
        if p[g, BASE] > 0.0:
            electrical -= (p[g, MOMENTUM] * dw + p[g, DAMPING] * w) / p[g, BASE]
        slopes(y, dy, first[g], w, ref, electrical, p, g)
    for k in range(stores):
        asked = s[k, S_DISPATCH] + restore[k] - beyond_band(seen[k], s[k, S_BAND]) * s[k, S_PER_DROOP]
        asked -= s[k, S_VIRTUAL] * dw
        asked = min(max(asked, s[k, S_LEAST]), s[k, S_MOST])
        dy[own + k] = (asked - y[own + k]) * s[k, S_PER_TAU]


@inlined
def _hold(y: Floats, dy: Floats, low: Floats, high: Floats, states: int) -> None:
    """Stop a state at its limit."""
    for j in range(states):
        if (y[j] >= high[j] and dy[j] > 0.0) or (y[j] <= low[j] and dy[j] < 0.0):
            dy[j] = 0.0


@compiled
def _rest(
    y: Floats, dy: Floats, place: int, column: int, p: Floats, first: Ints, low: Floats, high: Floats
) -> None:  # fmt: skip
    """Stop a common reference in the direction in which all units that follow it are at their limits (no wind-up).

    Within `NEAR` of the limit it slows down in proportion to what is left; the unit with most room counts. Where every
    unit that follows it is gone, it rests.
    """
    free = 0.0
    for g in range(p.shape[0]):
        if p[g, column] != 0.0 and p[g, BASE] > 0.0:
            ref = p[g, REFERENCE] + p[g, ON_LINES] * y[LINES] + p[g, ON_SECONDARY] * y[SECONDARY]
            free = max(free, room(y, first[g], y[SPEED], ref, p, g, low, high, dy[place] > 0.0))
    if free < NEAR:
        dy[place] *= free / NEAR


@compiled
def _act(events: Floats, k: int, p: Floats, s: Floats, y: Floats, own: int) -> None:
    """Let an event change the parameters."""
    kind, which, value = int(events[k, E_KIND]), int(events[k, E_WHICH]), events[k, E_VALUE]
    if kind == TRIP:
        p[which, BASE] *= value
        p[which, MOMENTUM] *= value
        p[which, DAMPING] *= value
    elif kind == SET:
        p[which, REFERENCE] += value
    else:
        for j in range(STORAGE):
            s[which, j] = 0.0
        s[which, S_CAPACITY] = s[which, S_EFFICIENCY] = 1.0
        y[own + which] = 0.0


@compiled
def _protect(w: float, h: float, curves: Floats, timers: Floats, p: Floats, tripped: Floats, time: float) -> bool:
    """Count the time beyond each corner of the trip curves; a group that has been there too long is gone: true."""
    gone = False
    for c in range(curves.shape[0]):
        edge, g = curves[c, C_SPEED], int(curves[c, C_GROUP])
        outside = w < edge if edge < 0.0 else w > edge
        timers[c] = timers[c] + h if outside else 0.0
        if outside and timers[c] >= curves[c, C_TIME] and p[g, BASE] > 0.0:
            p[g, BASE] = p[g, MOMENTUM] = p[g, DAMPING] = 0.0
            tripped[g] = time
            gone = True
    return gone


@compiled
def _turns(p: Floats, bus: Floats) -> bool:
    """Whether anything on the bus still has inertia."""
    momentum = bus[B_MOMENTUM]
    for g in range(p.shape[0]):
        momentum += p[g, MOMENTUM]
    return bool(momentum > 0.0)


@inlined
def _restoring(e: Floats, s: Floats, y: Floats, own: int, works: Floats, restore: Floats) -> None:
    """Decide at the start of a step what each storage can do and what returns its charge to the target."""
    for k in range(s.shape[0]):
        b = y[own + k]
        idle = (e[k] <= 0.0 and b >= 0.0) or (e[k] >= s[k, S_CAPACITY] and b <= 0.0)
        works[k] = 0.0 if idle else 1.0
        back = s[k, S_RESTORE] * (e[k] - s[k, S_TARGET])
        restore[k] = min(max(back, -s[k, S_RESTORE_MOST]), s[k, S_RESTORE_MOST])


@compiled
def _unsound(y: Floats, own: int) -> int:
    """Place of the first state that is not a sound number, or -1."""
    for j in range(1, y.size):
        if not abs(y[j]) < (UNSOUND if j < own else UNSOUND_W):
            return j
    return 0 if not abs(y[SPEED]) < UNSOUND else -1


@compiled
def integrate_bus(
    load_w: Floats, dt_s: float, substeps: int, warm: int, y: Floats, p: Floats, first: Ints, low: Floats,
    high: Floats, s: Floats, energy: Floats, delays: Ints, bus: Floats, events: Floats, curves: Floats, work: Floats,
    timers: Floats, ring: Floats, w_out: Floats, m_out: Floats, b_out: Floats, e_out: Floats, tripped: Floats,
) -> tuple[int, int]:  # fmt: skip
    """Integrate the bus under a piecewise-constant load by classical Runge-Kutta (RK4) at a fixed step.

    An empty store gives nothing and a full one takes nothing: this is decided at the start of each step. `y`, `p`, `s`
    and `energy` are changed: they hold the state at the end, from which integration can go on.

    All arrays are packed by :func:`clustersim.plant.bus.arrays`, but for what :func:`clustersim.plant.bus.run_bus`
    makes itself: `delays`, `events`, `curves`, the room to work in and the outputs. With two groups and two storages::

        y, low, high   SPEED  LINES  SECONDARY | states of group 0 | states of group 1 | power of 0  power of 1
                       0      1      2         | COMMON = first[0] | first[1]          | first[2]
        p[g]           CODE  BASE  MOMENTUM .. SHAFT (of all models, 0 to 11) | from 12 on those of the group's model
        s[c]           S_MOST .. S_TARGET (0 to 9)  S_RESTORE  S_RESTORE_MOST
        bus            B_DAMPING  B_POWER_FORM  B_LINES  B_SECONDARY  B_MOMENTUM  B_LOW  B_HIGH
        events[i]      E_STEP  E_KIND (TRIP, SET or STORE_TRIP)  E_WHICH  E_VALUE
        curves[i]      C_GROUP  C_SPEED  C_TIME

    The places in `p` and the number of states of each model (``STATES``, by code) are constants of `governor_kernels`,
    which a governor's ``fill`` and ``start`` follow (:mod:`clustersim.plant.governors`); all others are constants of
    this module.

    Parameters
    ----------
    load_w : ndarray, shape (n,)
        Load of each bin. [W]
    dt_s : float
        Length of a bin. [s]
    substeps : int
        Integration steps per bin.
    warm : int
        Leading bins in which energy is held and neither events nor protection act.
    y, low, high : ndarray
        States at the start and their limits.
    p, first : ndarray
        Parameters of each group and place of its first state; `first` has one more entry, that of the storage.
    s, energy, delays : ndarray
        Parameters and energy [J] of each storage, delay of its measurement in steps.
    bus : ndarray, shape (7,)
        Parameters of the bus.
    events : ndarray, shape (k, 4)
        Step at which each acts counted from the end of the run-in, kind, group or storage, value; in order of time.
    curves : ndarray, shape (c, 3)
        Corners of the trip curves.
    work : ndarray, shape (8, most of states, groups and storages)
        Room to work in.
    timers, ring : ndarray
        Zeros, one for each corner of a trip curve; room for the speeds of the longest delay and one more.
    w_out : ndarray, shape (n,)
        Receives the speed deviation at the start of each bin. [pu]
    m_out : ndarray, shape (groups, n)
        Receives the mechanical power at the start of each bin. [W]
    b_out : ndarray, shape (storages, n)
        Receives the mean power of each storage over each bin. [W]
    e_out : ndarray, shape (storages, n)
        Receives its energy at the start of each bin. [J]
    tripped : ndarray, shape (groups,)
        Receives the time after the run-in at which protection took a group off. [s]

    Returns
    -------
    valid : int
        Bins integrated; `n` unless a speed limit was met, nothing turns any more or a state diverged.
    culprit : int
        Place of the state that diverged, -1 when none did.
    """
    n, groups, stores, states = load_w.size, p.shape[0], s.shape[0], y.size
    own: int = int(first[groups])
    h = dt_s / substeps
    k, z, total, made = work[0], work[1], work[2], work[3]
    works, restore, seen, joules = work[4], work[5], work[6], work[7]
    longest = ring.size - 1
    for j in range(ring.size):
        ring[j] = y[SPEED]
    on_lines, on_secondary = False, False
    for g in range(groups):
        on_lines, on_secondary = on_lines or p[g, ON_LINES] != 0.0, on_secondary or p[g, ON_SECONDARY] != 0.0
    here, due, valid, culprit = 0, 0, n, -1
    for at in range(n):
        w_out[at] = y[SPEED]
        for g in range(groups):
            ref = p[g, REFERENCE] + p[g, ON_LINES] * y[LINES] + p[g, ON_SECONDARY] * y[SECONDARY]
            m_out[g, at] = mechanical(y, first[g], y[SPEED], ref, p, g) * p[g, BASE]
        for c in range(stores):
            e_out[c, at], b_out[c, at] = energy[c], 0.0
        live = at >= warm
        for sub in range(substeps):
            step = (at - warm) * substeps + sub
            acted = False
            while live and due < events.shape[0] and events[due, E_STEP] <= step:
                _act(events, due, p, s, y, own)
                due, acted = due + 1, True
            if acted and not _turns(p, bus):
                y[SPEED], valid = STANDSTILL, at + 1
                break
            ring[here] = y[SPEED]
            _restoring(energy, s, y, own, works, restore)
            for c in range(stores):
                joules[c] = 0.0
            for j in range(states):
                total[j] = y[j]
            for stage in range(4):
                ahead = 0.0 if stage == 0 else (h if stage == 3 else 0.5 * h)
                weight = h / 6.0 if stage == 0 or stage == 3 else h / 3.0
                for j in range(states):
                    z[j] = y[j] + ahead * k[j] if stage > 0 else y[j]
                for c in range(stores):
                    # Delayed speed at the start, middle and end of the step; without delay each stage sees its own.
                    seen[c] = z[SPEED]
                    if delays[c] > 0:
                        old = here - delays[c] if here >= delays[c] else here - delays[c] + longest + 1
                        new = old + 1 if old < longest else 0
                        part = ahead / h
                        seen[c] = (1.0 - part) * ring[old] + part * ring[new]
                    joules[c] += works[c] * weight * z[own + c]
                derive(z, k, load_w[at], seen, p, first, s, works, restore, bus, made)
                if on_lines:
                    _rest(z, k, LINES, ON_LINES, p, first, low, high)
                if on_secondary:
                    _rest(z, k, SECONDARY, ON_SECONDARY, p, first, low, high)
                _hold(z, k, low, high, states)
                for j in range(states):
                    total[j] += weight * k[j]
            for j in range(states):
                y[j] = min(max(total[j], low[j]), high[j])
            for c in range(stores):
                b_out[c, at] += joules[c] / dt_s
                if live:
                    energy[c] -= joules[c] / s[c, S_EFFICIENCY] if joules[c] > 0.0 else joules[c] * s[c, S_EFFICIENCY]
            here = here + 1 if here < longest else 0
            if live and _protect(y[SPEED], h, curves, timers, p, tripped, (step + 1) * h) and not _turns(p, bus):
                y[SPEED] = STANDSTILL
            if not bus[B_LOW] < y[SPEED] < bus[B_HIGH]:
                valid = at + 1
                break
        culprit = _unsound(y, own)
        if culprit >= 0:
            valid = at
        if valid <= at + 1 and valid < n:
            break
    _freeze(valid, w_out, m_out, b_out, e_out, y[SPEED], energy, p)
    return valid, culprit


@compiled
def _freeze(valid: int, w: Floats, m: Floats, b: Floats, e: Floats, speed: float, energy: Floats, p: Floats) -> None:
    """Hold the last values beyond the end of integration; a group that is gone makes nothing."""
    last = max(valid - 1, 0)
    for k in range(valid, w.size):
        w[k] = speed if abs(speed) < UNSOUND else w[last]
        for g in range(m.shape[0]):
            m[g, k] = m[g, last] if p[g, BASE] > 0.0 else 0.0
        for c in range(b.shape[0]):
            b[c, k], e[c, k] = b[c, last], energy[c]
