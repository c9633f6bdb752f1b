"""Compiled turbine and engine governors: mechanical power of a group of units, and how fast its states change.

Everything is per unit of the group's rated active power; `w` is the speed deviation. States of a group lie one after
another in the vector of the whole bus, from `i` on; `p` is the group's row of parameters in the order of the names
below. Limits of states (no wind-up) are kept by the integrator, rate limits here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = TypeVar("Function", bound=Callable[..., Any])

_njit: Any = njit
_OPTIONS = {"cache": True, "error_model": "numpy", "_nrt": False}
# No reference counts: nothing here makes an array, and counting the arguments took three quarters of the time.
compiled: Callable[[Function], Function] = _njit(**_OPTIONS)
inlined: Callable[[Function], Function] = _njit(**_OPTIONS, forceinline=True)

NONE, LAG, GAST, TGOV1, IEEEG1, HYGOV, GGOV1, ENGINE, CONVERTER = range(9)
"""Codes: constant power; one lag for a whole interconnection; gas turbine; steam; steam with several stages; hydro;
gas turbine with PID and limiters; gas engine with turbocharger; fuel cell or other source behind a converter."""
STATES = (0, 1, 3, 2, 6, 4, 13, 6, 1)
"""States of each of them."""

# Positions in a row of parameters; PER_ marks the reciprocal, which saves divisions.
CODE, BASE, MOMENTUM, DAMPING, REFERENCE, UP, DOWN, ON_LINES, ON_SECONDARY, BAND, PER_DROOP, SHAFT = range(12)
PER_T1, PER_T2, PER_T3, AMBIENT, KT = range(12, 17)  # GAST and LAG
LEAD = 14  # TGOV1: T2 / T3
I_GAIN, I_LEAD, I_PER_T1, I_PER_T3, I_PER_T4, I_K1 = 12, 13, 14, 15, 16, 20  # IEEEG1; 16-19: 1/T4..1/T7; 20-23: K
H_TEMPORARY, H_PER_TR, H_PER_TF, H_PER_TG, H_PER_TW, H_GAIN, H_NO_LOAD, H_VELOCITY = range(12, 20)
G_DROOP, G_SELECT, G_PER_TPE, G_MAXERR, G_KP, G_KI, G_KD, G_PER_TD, G_PER_TACT, G_KTURB, G_WFNL, G_PER_TB = range(
    12, 24
)
G_LEAD, G_PER_TE, G_PER_TFL, G_KPL, G_KIL, G_LDREF, G_ASET, G_KA, G_PER_TA, G_TSA, G_PER_TSB, G_KIMW = range(24, 36)
G_PMW, G_FLAG, G_PER_DELT, G_VMAX, G_VMIN = range(36, 41)
E_DROOP, E_KP, E_KI, E_PER_TACT, E_PER_TDEAD, E_ACCEPT, E_FALL, E_LEAST, E_RATE, E_PER_TTURBO, E_MOST = range(12, 23)
C_PER_T = 12
PARAMETERS = 41
NEAR = 1e-3
"""Distance from its limit [pu] over which a unit comes to count as being there: no switch, so that neither the order of
RK4 nor rounding (one group or many alike) sees an edge."""


@inlined
def beyond_band(w: float, band: float) -> float:
    """Part of a deviation that lies beyond a dead band without step."""
    if w > band:
        return w - band
    if w < -band:
        return w + band
    return 0.0


@inlined
def _limited(rate: float, p: Floats, g: int) -> float:
    limited: float = min(max(rate, -p[g, DOWN]), p[g, UP])
    return limited


@inlined
def _pade(u: float, b: float, per_dead: float) -> float:
    """Output of the second-order Pade approximation of a dead time; `b` is its second state."""
    return u - 12.0 * per_dead * b if per_dead > 0.0 else u


@compiled
def _pade_slopes(u: float, y: Floats, dy: Floats, i: int, per_dead: float) -> None:
    """exp(-sT) ~ 1 - 12 (T s) / ((T s)^2 + 6 T s + 12): b'' + 6/T b' + 12/T^2 b = u'; states a = int b and b."""
    if per_dead > 0.0:
        # b = (u - 6/T b - 12/T^2 a) integrated once; a' = b
        dy[i] = y[i + 1]
        dy[i + 1] = u - 6.0 * per_dead * y[i + 1] - 12.0 * per_dead * per_dead * y[i]
    else:
        dy[i] = dy[i + 1] = 0.0


@inlined
def mechanical(y: Floats, i: int, w: float, ref: float, p: Floats, g: int) -> float:
    """Mechanical power of a group. [pu]"""
    code = int(p[g, CODE])
    made: float = ref
    shaft: float = p[g, SHAFT]
    if code == GAST:
        made = y[i + 1]
    elif code == TGOV1:
        made = y[i + 1] + p[g, LEAD] * (y[i] - y[i + 1])
    elif code == LAG:
        made = ref + y[i]
    elif code == IEEEG1:
        made = 0.0
        for k in range(4):
            made += p[g, I_K1 + k] * _stage(y, i, k, p, g)
    elif code == HYGOV:
        gate, flow = y[i + 2], y[i + 3]
        made = p[g, H_GAIN] * (flow / gate) ** 2 * (flow - p[g, H_NO_LOAD])
        shaft *= gate
    elif code == GGOV1:
        made = p[g, G_KTURB] * (_fuel(y, i, w, p, g) - p[g, G_WFNL])
        if p[g, G_PER_TB] > 0.0:
            made = y[i + 6] + p[g, G_LEAD] * (made - y[i + 6])
    elif code == ENGINE:
        made = _pade(y[i + 2], y[i + 4], p[g, E_PER_TDEAD])
    elif code == CONVERTER:
        made = y[i]
    return made - shaft * w


@inlined
def _stage(y: Floats, i: int, k: int, p: Floats, g: int) -> float:
    """Output of steam stage `k`; a stage without time constant passes on what enters it."""
    while k >= 0 and p[g, I_PER_T4 + k] == 0.0:
        k -= 1
    passed: float = y[i + 2 + k] if k >= 0 else y[i + 1]
    return passed


@compiled
def _fuel(y: Floats, i: int, w: float, p: Floats, g: int) -> float:
    """Fuel flow of GGOV1 that has reached the turbine, after the engine's dead time."""
    valve = y[i + 5] * (1.0 + w) if p[g, G_FLAG] != 0.0 else y[i + 5]
    return _pade(valve, y[i + 8], p[g, G_PER_TE])


@compiled
def _ieeeg1(y: Floats, dy: Floats, i: int, w: float, ref: float, p: Floats, g: int) -> None:
    shaped = p[g, I_GAIN] * w
    dy[i] = 0.0
    if p[g, I_PER_T1] > 0.0:
        dy[i] = (shaped - y[i]) * p[g, I_PER_T1]
        shaped = y[i] + p[g, I_LEAD] * (shaped - y[i])
    dy[i + 1] = _limited((ref - shaped - y[i + 1]) * p[g, I_PER_T3], p, g)
    for k in range(4):
        dy[i + 2 + k] = (_stage(y, i, k - 1, p, g) - y[i + 2 + k]) * p[g, I_PER_T4 + k]


@compiled
def _hygov(y: Floats, dy: Floats, i: int, w: float, ref: float, p: Floats, g: int) -> None:
    """Filter, desired gate, gate, flow."""
    droop = 1.0 / p[g, PER_DROOP]
    gate_reference = ref / p[g, H_GAIN] + p[g, H_NO_LOAD]
    desired = y[i + 1]
    dy[i] = (droop * (gate_reference - desired) - w - y[i]) * p[g, H_PER_TF]
    wanted = (dy[i] + y[i] * p[g, H_PER_TR]) / p[g, H_TEMPORARY]
    dy[i + 1] = min(max(_limited(wanted, p, g), -p[g, H_VELOCITY]), p[g, H_VELOCITY])
    dy[i + 2] = (desired - y[i + 2]) * p[g, H_PER_TG]
    dy[i + 3] = (1.0 - (y[i + 3] / y[i + 2]) ** 2) * p[g, H_PER_TW]


@inlined
def _ggov1_error(y: Floats, i: int, w: float, ref: float, p: Floats, g: int) -> tuple[float, float]:
    """Error that the PID of GGOV1 acts on, and its derivative part."""
    droop = p[g, G_DROOP]
    fuel_reference = ref / p[g, G_KTURB] + p[g, G_WFNL]
    error = y[i + 12] - beyond_band(w, p[g, BAND])
    fast = p[g, G_KD] * p[g, G_PER_TD]
    select = p[g, G_SELECT]
    if select == 1.0:
        error += droop * (ref - y[i])
    elif select == -1.0:
        error += droop * (fuel_reference - y[i + 5])
    elif select == -2.0:
        # The stroke asked for is fed back at once: solve for it.
        error += droop * fuel_reference
        asked = ((p[g, G_KP] + fast) * error + y[i + 1] - fast * y[i + 2]) / (1.0 + (p[g, G_KP] + fast) * droop)
        error -= droop * asked
    error = min(max(error, -p[g, G_MAXERR]), p[g, G_MAXERR])
    return error, fast * (error - y[i + 2])


@compiled
def _ggov1(y: Floats, dy: Floats, i: int, w: float, ref: float, power: float, p: Floats, g: int) -> None:
    """Power sensed, integral, derivative, acceleration, its limit, valve, turbine, dead time (2), exhaust (3), load."""
    dy[i] = (power - y[i]) * p[g, G_PER_TPE]
    dy[i + 12] = p[g, G_KIMW] * (p[g, G_PMW] - y[i])
    error, derivative = _ggov1_error(y, i, w, ref, p, g)
    dy[i + 2] = (error - y[i + 2]) * p[g, G_PER_TD]
    asked = p[g, G_KP] * error + y[i + 1] + derivative
    # exhaust temperature and load limiter
    fuel = _fuel(y, i, w, p, g)
    shaped = fuel
    dy[i + 9] = (fuel - y[i + 9]) * p[g, G_PER_TSB]
    if p[g, G_PER_TSB] > 0.0:
        shaped = y[i + 9] + p[g, G_TSA] * p[g, G_PER_TSB] * (fuel - y[i + 9])
    dy[i + 10] = (shaped - y[i + 10]) * p[g, G_PER_TFL]
    room = p[g, G_LDREF] / p[g, G_KTURB] + p[g, G_WFNL] - y[i + 10]
    by_load = min(p[g, G_KPL] * room + y[i + 11], p[g, G_VMAX])
    # acceleration limiter: it may fall below what is asked only while the acceleration exceeds its setting
    others = min(asked, by_load)
    faster = y[i + 4]
    acceleration = (w - y[i + 3]) * p[g, G_PER_TA]
    dy[i + 3] = acceleration
    dy[i + 4] = p[g, G_KA] * (p[g, G_ASET] - acceleration) + (min(others, faster) - faster) * p[g, G_PER_DELT]
    if p[g, G_KA] == 0.0:
        faster = others
        dy[i + 4] = 0.0
    stroke = min(max(min(others, faster), p[g, G_VMIN]), p[g, G_VMAX])
    # no wind-up: the integrals follow what was let through
    dy[i + 1] = p[g, G_KI] * (error if stroke == asked else (stroke - y[i + 1] - derivative) / p[g, G_KP])
    dy[i + 11] = p[g, G_KIL] * room
    dy[i + 5] = _limited((stroke - y[i + 5]) * p[g, G_PER_TACT], p, g)
    _pade_slopes(y[i + 5] * (1.0 + w) if p[g, G_FLAG] != 0.0 else y[i + 5], y, dy, i + 7, p[g, G_PER_TE])
    dy[i + 6] = (p[g, G_KTURB] * (fuel - p[g, G_WFNL]) - y[i + 6]) * p[g, G_PER_TB]


@compiled
def _engine(y: Floats, dy: Floats, i: int, w: float, ref: float, p: Floats, g: int) -> None:
    """Integral of the speed control, charge-air state, fuel, dead time (2), measured fuel demand for the droop."""
    turbo = y[i + 1]
    error = p[g, E_DROOP] * (ref - y[i + 5]) - beyond_band(w, p[g, BAND])
    asked = y[i] + p[g, E_KP] * error
    share = max(p[g, E_ACCEPT] - p[g, E_FALL] * turbo, p[g, E_LEAST])
    most = min(turbo + share, p[g, E_MOST])
    given = min(max(asked, 0.0), most)
    dy[i] = p[g, E_KI] * (error if given == asked else (given - y[i]) / p[g, E_KP])
    torque = _pade(y[i + 2], y[i + 4], p[g, E_PER_TDEAD])
    dy[i + 1] = min((torque - turbo) * p[g, E_PER_TTURBO], p[g, E_RATE])
    dy[i + 2] = _limited((given - y[i + 2]) * p[g, E_PER_TACT], p, g)
    _pade_slopes(y[i + 2], y, dy, i + 3, p[g, E_PER_TDEAD])
    dy[i + 5] = (y[i + 2] - y[i + 5]) * p[g, E_PER_TACT]


@inlined
def slopes(y: Floats, dy: Floats, i: int, w: float, ref: float, power: float, p: Floats, g: int) -> None:
    """Write the time derivatives of a group's states; `power` is its electrical power. [pu], [1/s]"""
    code = int(p[g, CODE])
    if code == GAST:
        fuel = min(
            ref - beyond_band(w, p[g, BAND]) * p[g, PER_DROOP], p[g, AMBIENT] + p[g, KT] * (p[g, AMBIENT] - y[i + 2])
        )
        dy[i] = _limited((fuel - y[i]) * p[g, PER_T1], p, g)
        dy[i + 1] = (y[i] - y[i + 1]) * p[g, PER_T2]
        dy[i + 2] = (y[i + 1] - y[i + 2]) * p[g, PER_T3]
    elif code == TGOV1:
        dy[i] = _limited((ref - beyond_band(w, p[g, BAND]) * p[g, PER_DROOP] - y[i]) * p[g, PER_T1], p, g)
        dy[i + 1] = (y[i] - y[i + 1]) * p[g, PER_T2]
    elif code == LAG:
        dy[i] = (-beyond_band(w, p[g, BAND]) * p[g, PER_DROOP] - y[i]) * p[g, PER_T1]
    elif code == IEEEG1:
        _ieeeg1(y, dy, i, beyond_band(w, p[g, BAND]), ref, p, g)
    elif code == HYGOV:
        _hygov(y, dy, i, beyond_band(w, p[g, BAND]), ref, p, g)
    elif code == GGOV1:
        _ggov1(y, dy, i, w, ref, power, p, g)
    elif code == ENGINE:
        _engine(y, dy, i, w, ref, p, g)
    elif code == CONVERTER:
        dy[i] = _limited((ref - beyond_band(w, p[g, BAND]) * p[g, PER_DROOP] - y[i]) * p[g, C_PER_T], p, g)


@compiled
def room(y: Floats, i: int, w: float, ref: float, p: Floats, g: int, low: Floats, high: Floats, rising: bool) -> float:
    """Distance of what a group's governor asks for from the limit that holds it, in one direction. [pu]

    Limits are those of valve, gate and fuel, exhaust temperature, load limiter and charge air; below zero while the
    limiter is active. Rate limits and GGOV1's acceleration limiter are none: behind them a unit still moves.
    """
    code, held = int(p[g, CODE]), i
    asked = ref - beyond_band(w, p[g, BAND]) * p[g, PER_DROOP]
    most: float = np.inf
    if code in (NONE, LAG):
        return most
    if code == GAST:
        most = p[g, AMBIENT] + p[g, KT] * (p[g, AMBIENT] - y[i + 2])
    elif code == IEEEG1:
        shaped, held = p[g, I_GAIN] * beyond_band(w, p[g, BAND]), i + 1
        if p[g, I_PER_T1] > 0.0:
            shaped = y[i] + p[g, I_LEAD] * (shaped - y[i])
        asked = ref - shaped
    elif code == HYGOV:
        # the gate at rest: behind its dashpot the gate itself would tell too late
        asked, held = ref / p[g, H_GAIN] + p[g, H_NO_LOAD] - beyond_band(w, p[g, BAND]) * p[g, PER_DROOP], i + 1
    elif code == GGOV1:
        error, derivative = _ggov1_error(y, i, w, ref, p, g)
        asked, held = p[g, G_KP] * error + y[i + 1] + derivative, i + 5
        most = p[g, G_KPL] * (p[g, G_LDREF] / p[g, G_KTURB] + p[g, G_WFNL] - y[i + 10]) + y[i + 11]
    elif code == ENGINE:
        turbo = y[i + 1]
        asked = y[i] + p[g, E_KP] * (p[g, E_DROOP] * (ref - y[i + 5]) - beyond_band(w, p[g, BAND]))
        most = min(turbo + max(p[g, E_ACCEPT] - p[g, E_FALL] * turbo, p[g, E_LEAST]), p[g, E_MOST])
        return float(most - asked if rising else asked)
    return float(min(most, high[held]) - asked if rising else asked - low[held])
