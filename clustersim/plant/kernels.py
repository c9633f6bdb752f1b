"""Compiled integrators: one lumped bus frequency with governor and battery, and the cooling loop.

State of the bus: speed deviation w [pu], governor x1..x3 [pu of the governor's base], battery power b [W] and battery
energy e [J]. All powers are in watts; The momentum is 2 sum(H S) in watt-seconds,
so that momentum x dw/dt is a power.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

NO_GOVERNOR, GAST, LAG = 0, 1, 2
"""Governor codes: constant power; the gas-turbine model GAST; one first-order lag for a whole interconnection."""

# Positions in the parameter vector of `integrate_bus`; PER_ marks the reciprocal, which saves divisions.
PER_MOMENTUM, DAMPING, POWER_FORM, GOVERNOR, BASE, REFERENCE, PER_DROOP, PER_T1, PER_T2, PER_T3 = range(10)
AMBIENT, KT, VMAX, VMIN = range(10, 14)
B_POWER, B_PER_DROOP, B_DEADBAND, B_PER_TAU, B_DISPATCH, B_CAPACITY, B_EFFICIENCY = range(14, 21)
PARAMETERS = 21


@njit(cache=True, error_model="numpy")
def _battery_target(w: float, p: NDArray[np.float64]) -> float:
    """Power that the droop asks for at speed deviation `w`, within the power limit."""
    beyond = 0.0
    if w < -p[B_DEADBAND]:
        beyond = -p[B_DEADBAND] - w
    elif w > p[B_DEADBAND]:
        beyond = p[B_DEADBAND] - w
    asked: float = p[B_DISPATCH] + p[B_POWER] * beyond * p[B_PER_DROOP]
    most: float = p[B_POWER]
    return min(max(asked, -most), most)


@njit(cache=True, error_model="numpy")
def _slopes(
    w: float, x1: float, x2: float, x3: float, b: float, load: float, w_seen: float, p: NDArray[np.float64]
) -> tuple[float, float, float, float, float]:
    """Time derivatives of w, x1, x2, x3, b; `load` is net of the battery, `w_seen` what its control has measured."""
    dx1 = dx2 = dx3 = 0.0
    mechanical = p[REFERENCE]
    if p[GOVERNOR] == GAST:
        fuel = min(p[REFERENCE] - w * p[PER_DROOP], p[AMBIENT] + p[KT] * (p[AMBIENT] - x3))
        dx1 = (fuel - x1) * p[PER_T1]
        if (x1 >= p[VMAX] and dx1 > 0.0) or (x1 <= p[VMIN] and dx1 < 0.0):
            dx1 = 0.0
        dx2 = (x1 - x2) * p[PER_T2]
        dx3 = (x2 - x3) * p[PER_T3]
        mechanical = x2
    elif p[GOVERNOR] == LAG:
        dx1 = (-w * p[PER_DROOP] - x1) * p[PER_T1]
        mechanical += x1
    mechanical *= p[BASE]
    if p[POWER_FORM] != 0.0:
        mechanical /= 1.0 + w
    dw = (mechanical - load - p[DAMPING] * w) * p[PER_MOMENTUM]
    return dw, dx1, dx2, dx3, (_battery_target(w_seen, p) - b) * p[B_PER_TAU]


@njit(cache=True, error_model="numpy")
def integrate_bus(
    load_w: NDArray[np.float64],
    dt_s: float,
    substeps: int,
    delay: int,
    warm: int,
    start: NDArray[np.float64],
    p: NDArray[np.float64],
    w_low: float,
    w_high: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], int]:
    """Integrate the bus under a piecewise-constant load by classical Runge-Kutta (RK4) at a fixed step.

    An empty battery gives nothing and a full one takes nothing: this is decided at the start of each step.

    Parameters
    ----------
    load_w : ndarray, shape (n,)
        Load of each bin. [W]
    dt_s : float
        Length of a bin. [s]
    substeps : int
        Integration steps per bin.
    delay : int
        Delay of the battery's frequency measurement in integration steps; 0 is none.
    warm : int
        Leading bins in which the battery's energy is held.
    start : ndarray, shape (6,)
        w [pu], x1, x2, x3 [pu], battery power [W], battery energy [J].
    p : ndarray, shape (21,)
        Parameters in the order of the names at the head of this file.
    w_low, w_high : float
        Speed deviations at which integration stops; later samples hold the last value. [pu]

    Returns
    -------
    w, mechanical, battery, energy : ndarray, shape (n,)
        Speed deviation [pu], mechanical power [W] and battery energy [J] at the start of each bin, and the battery's
        mean power over the bin [W].
    valid : int
        Number of bins integrated; `n` unless a speed limit was met.
    """
    n = load_w.size
    w_out, m_out, b_out, e_out = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    w, x1, x2, x3, b, e = start[0], start[1], start[2], start[3], start[4], start[5]
    h = dt_s / substeps
    g, z = 0.5 * h, h / 6.0
    ring = np.full(delay + 1, w)
    here, valid = 0, n
    for k in range(n):
        w_out[k], e_out[k], m_out[k] = w, e, p[REFERENCE] * p[BASE]
        if p[GOVERNOR] == GAST:
            m_out[k] = x2 * p[BASE]
        elif p[GOVERNOR] == LAG:
            m_out[k] += x1 * p[BASE]
        load, given = load_w[k], 0.0
        for _ in range(substeps):
            works = 0.0 if (e <= 0.0 and b >= 0.0) or (e >= p[B_CAPACITY] and b <= 0.0) else 1.0
            # Delayed speed at the start, middle and end of the step; without delay each stage sees its own.
            s1 = sb = sc = sd = w
            if delay > 0:
                ring[here] = w
                following = here + 1 if here < delay else 0
                s1 = ring[following]
                sd = ring[following + 1 if following < delay else 0]
                sb = sc = 0.5 * (s1 + sd)
                here = following
            a1, a2, a3, a4, a5 = _slopes(w, x1, x2, x3, b, load - works * b, s1, p)
            wb, bb = w + g * a1, b + g * a5
            if delay == 0:
                sb = wb
            b1, b2, b3, b4, b5 = _slopes(wb, x1 + g * a2, x2 + g * a3, x3 + g * a4, bb, load - works * bb, sb, p)
            wc, bc = w + g * b1, b + g * b5
            if delay == 0:
                sc = wc
            c1, c2, c3, c4, c5 = _slopes(wc, x1 + g * b2, x2 + g * b3, x3 + g * b4, bc, load - works * bc, sc, p)
            wd, bd = w + h * c1, b + h * c5
            if delay == 0:
                sd = wd
            d1, d2, d3, d4, d5 = _slopes(wd, x1 + h * c2, x2 + h * c3, x3 + h * c4, bd, load - works * bd, sd, p)
            joules = works * z * (b + 2.0 * bb + 2.0 * bc + bd)
            w += z * (a1 + 2.0 * b1 + 2.0 * c1 + d1)
            x1 += z * (a2 + 2.0 * b2 + 2.0 * c2 + d2)
            x2 += z * (a3 + 2.0 * b3 + 2.0 * c3 + d3)
            x3 += z * (a4 + 2.0 * b4 + 2.0 * c4 + d4)
            b += z * (a5 + 2.0 * b5 + 2.0 * c5 + d5)
            if k >= warm:
                e -= joules / p[B_EFFICIENCY] if joules > 0.0 else joules * p[B_EFFICIENCY]
            given += joules
            if p[GOVERNOR] == GAST:
                x1 = min(max(x1, p[VMIN]), p[VMAX])
            if w <= w_low or w >= w_high:
                valid = k + 1
                break
        b_out[k] = given / dt_s
        if valid == k + 1:
            break
    for k in range(valid, n):
        w_out[k], m_out[k], b_out[k], e_out[k] = w, m_out[valid - 1], b_out[valid - 1], e
    return w_out, m_out, b_out, e_out, valid


@njit(cache=True, error_model="numpy")
def integrate_loop(
    heat_w: NDArray[np.float64],
    span_s: NDArray[np.float64],
    start_k: float,
    conductance: float,
    capacity_w: float,
    mass: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Follow the cooling loop exactly under piecewise-constant heat.

    The loop rejects `conductance` x rise, at most `capacity_w`; `mass` d(rise)/dt = heat - rejected. Below the
    capacity the rise is an exponential, above it a straight line; a crossing inside a bin is found in closed form.

    Parameters
    ----------
    heat_w : ndarray, shape (n,)
        Heat into the loop in each bin. [W]
    span_s : ndarray, shape (n,)
        Length of each bin. [s]
    start_k : float
        Rise of the loop above its supply temperature at the start. [K]
    conductance : float
        Rejected heat per kelvin. [W/K]
    capacity_w : float
        Largest heat that can be rejected. [W]
    mass : float
        Thermal mass of the loop. [J/K]

    Returns
    -------
    rise_k : ndarray, shape (n,)
        At the start of each bin. [K]
    rejected_w : ndarray, shape (n,)
        Mean over each bin. [W]
    end_k : float
        Rise at the end. [K]
    """
    n = heat_w.size
    rise_out, rejected = np.empty(n), np.empty(n)
    tau, full = mass / conductance, capacity_w / conductance
    rise = start_k
    for k in range(n):
        rise_out[k] = rise
        heat, left, joules = heat_w[k], span_s[k], 0.0
        while left > 0.0:
            if rise > full or (rise == full and heat > capacity_w):
                slope = (heat - capacity_w) / mass
                span = left if slope >= 0.0 else min(left, (full - rise) / slope)
                rise = full if span < left else max(full, rise + slope * span)
                joules += capacity_w * span
            else:
                settled = heat / conductance
                span = left
                if settled > full:
                    span = min(left, tau * math.log((settled - rise) / (settled - full)))
                decay = math.exp(-span / tau)
                joules += conductance * (settled * span + (rise - settled) * tau * (1.0 - decay))
                rise = full if span < left else settled + (rise - settled) * decay
            left -= span
        rejected[k] = joules / span_s[k]
    return rise_out, rejected, rise
