"""Compiled equations of battery plants on a network: plant controller, electrical control, converter, integration.

A plant follows the generic models of WECC: REPC_A (active-power part), REEC_B (constant reactive power) and REGC_A.
State of a plant, one row of `u`: filtered angle of its bus and the washout behind it [rad], filtered power of the line,
integral and output of the plant controller, filtered reference, ordered power, active current, filtered voltage,
reactive current ordered and given, voltage filtered for the low-voltage limit. Powers and currents are per unit of the
network's base.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from clustersim.plant import network_kernels as k
from clustersim.plant.solve_kernels import solve_here

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
Places = NDArray[np.int64]

(
    ANGLE, WASHED, LINE, INTEGRAL, ASKED, REFERENCE, ORDER, ACTIVE, SEEN, ORDERED_Q, REACTIVE, SEEN_LOW,
) = range(12)  # fmt: skip
STATES = 12

# Columns of the parameters of a plant; PER_ marks a reciprocal.
(
    PER_TF, PER_TW, PER_TP, GAIN_UNDER, GAIN_OVER, BAND, FEEDBACK, LINE0, ERR_MAX, ERR_MIN, KP, KI, KS, PI_MAX, PI_MIN,
    PER_TG, P0, PER_TREF, RAMP_UP, RAMP_DOWN, PER_TORD, P_MAX, P_MIN, V_DIP, V_UP, PER_TRV, V_REF, KQV, VB_LOW, VB_HIGH,
    IQ_HIGH, IQ_LOW, Q0, PER_TIQ, I_MAX, P_FIRST, CHARGES, P_OFFSET, Q_OFFSET, PER_TREG, RATE_P, RATE_Q_UP, RATE_Q_DOWN,
    LOW_LIMIT, BREAK, ZERO, LOW_GAIN, LV0, LV1, PER_TLV, V_HIGH, K_HIGH, IQ_LEAST,
) = range(53)  # fmt: skip
PARAMETERS = 53


@njit(cache=True, error_model="numpy")
def low_voltage_gain(v: float, q: Array) -> tuple[float, float]:
    """Return the factor on active current at low voltage, and its slope over voltage."""
    if v >= q[LV1]:
        return 1.0, 0.0
    if v <= q[LV0]:
        return 0.0, 0.0
    slope = 1.0 / (q[LV1] - q[LV0])
    return (v - q[LV0]) * slope, slope


@njit(cache=True, error_model="numpy")
def given_power(u: Array, q: Array, v: float) -> tuple[complex, complex]:
    """Return the complex power that a plant gives at a voltage, and its slope over voltage. [pu]"""
    gain, slope = low_voltage_gain(v, q)
    over = max(0.0, q[K_HIGH] * (v - q[V_HIGH]))
    reactive, falling = u[REACTIVE] - over, -q[K_HIGH] if over > 0.0 else 0.0
    if reactive < q[IQ_LEAST]:
        reactive, falling = q[IQ_LEAST], 0.0
    current = complex(u[ACTIVE] * gain, reactive)
    return current * v, current + complex(u[ACTIVE] * slope, falling) * v


@njit(cache=True, error_model="numpy")
def solve_plants(
    open_v: Complex, z: Complex, s: Complex, y: Complex, guess: Complex, at: Places, u: Array, q: Array
) -> tuple[Complex, Complex, bool]:
    """Return load voltages, the power taken there net of the plants, and whether they exist.

    Newton's method as in :func:`clustersim.plant.network_kernels.solve_loads`, with a power that depends on the
    magnitude of voltage: ``at`` is the position of each plant among the loads.
    """
    n = open_v.size
    v = guess.copy()
    net, slope = np.empty(n, np.complex128), np.empty(n, np.complex128)
    jacobian, mismatch = np.empty((2 * n, 2 * n)), np.empty(2 * n)
    for _ in range(k.ITERATIONS):
        for i in range(n):
            net[i], slope[i] = s[i], 0.0
        for i in range(at.size):
            power, change = given_power(u[i], q[i], abs(v[at[i]]))
            net[at[i]] -= power
            slope[at[i]] -= change
        worst = 0.0
        for i in range(n):
            f = v[i] - open_v[i]
            for j in range(n):
                f += z[i, j] * (np.conj(net[j] / v[j]) + y[j] * v[j])
                # i = conj(S(|V|) / V) with d|V| = (conj(V) dV + V conj(dV)) / 2|V|
                by_size = np.conj(slope[j] / v[j]) / (2.0 * abs(v[j]))
                c = z[i, j] * (by_size * v[j] - np.conj(net[j] / (v[j] * v[j])))
                a = z[i, j] * (y[j] + by_size * np.conj(v[j])) + (1.0 if i == j else 0.0)
                jacobian[i, j], jacobian[i, n + j] = a.real + c.real, c.imag - a.imag
                jacobian[n + i, j], jacobian[n + i, n + j] = a.imag + c.imag, a.real - c.real
            mismatch[i], mismatch[n + i] = f.real, f.imag
            worst = max(worst, abs(f))
        if worst < k.TOLERANCE:
            return v, net, True
        if not worst < 1e6:
            break
        if not solve_here(jacobian, mismatch):
            break
        for i in range(n):
            v[i] -= mismatch[i] + 1j * mismatch[n + i]
    return v, net, False


@njit(cache=True, error_model="numpy")
def _beyond(value: float, low: float, high: float) -> float:
    """Return what exceeds a dead band."""
    return value - high if value > high else (value - low if value < low else 0.0)


@njit(cache=True, error_model="numpy")
def _clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


@njit(cache=True, error_model="numpy")
def active_limit(u: Array, q: Array) -> float:
    """Return the most active current that the filtered voltage leaves (low-voltage power logic). [pu]"""
    if q[LOW_LIMIT] == 0.0 or u[SEEN_LOW] >= q[BREAK]:
        return np.inf
    left: float = max(0.0, (u[SEEN_LOW] - q[ZERO]) * q[LOW_GAIN] / (q[BREAK] - q[ZERO]))
    return left


@njit(cache=True, error_model="numpy")
def plant_slopes(u: Array, q: Array, w0: float, v: complex, line: float) -> Array:
    """Return the time derivatives of a plant's states.

    Parameters
    ----------
    u, q : ndarray
        States and parameters of the plant.
    w0 : float
        Nominal angular frequency. [rad/s]
    v : complex
        Voltage of its bus. [pu]
    line : float
        Active power that leaves its bus over the watched line. [pu]
    """
    out = np.zeros(STATES)
    size = abs(v)
    # frequency: the angle's lag, washed out; from the angle between voltage and lag, so that it never wraps
    out[ANGLE] = np.angle(v * np.exp(-1j * u[ANGLE])) * q[PER_TF]
    out[WASHED] = (u[ANGLE] - u[WASHED]) * q[PER_TW]
    out[LINE] = (line - u[LINE]) * q[PER_TP]
    low = _beyond(-out[WASHED] / w0, -q[BAND], q[BAND])
    wrong = low * (q[GAIN_UNDER] if low > 0.0 else q[GAIN_OVER]) + q[FEEDBACK] * (q[LINE0] - u[LINE])
    wrong = _clip(wrong, q[ERR_MIN], q[ERR_MAX])
    free = q[KP] * wrong + u[INTEGRAL]
    bound = _clip(free, q[PI_MIN], q[PI_MAX])
    out[INTEGRAL] = q[KI] * (wrong - q[KS] * (free - bound))
    out[ASKED] = (bound - u[ASKED]) * q[PER_TG]
    out[REFERENCE] = _clip((q[P0] + u[ASKED] - u[REFERENCE]) * q[PER_TREF], q[RAMP_DOWN], q[RAMP_UP])
    out[SEEN] = (size - u[SEEN]) * q[PER_TRV]
    out[SEEN_LOW] = (size - u[SEEN_LOW]) * q[PER_TLV]
    at_least = max(size, 0.01)
    if q[V_DIP] <= size <= q[V_UP]:
        out[ORDER] = k.held(u[ORDER], (u[REFERENCE] - u[ORDER]) * q[PER_TORD], q[P_MIN], q[P_MAX])
        out[ORDERED_Q] = (q[Q0] / at_least - u[ORDERED_Q]) * q[PER_TIQ]
    injected = _clip(q[KQV] * _beyond(q[V_REF] - u[SEEN], q[VB_LOW], q[VB_HIGH]), q[IQ_LOW], q[IQ_HIGH])
    active, reactive = u[ORDER] / at_least, u[ORDERED_Q] + injected
    if q[P_FIRST] == 1.0:
        active = _clip(active, -q[I_MAX] * q[CHARGES], q[I_MAX])
        left = np.sqrt(max(0.0, q[I_MAX] ** 2 - active**2))
        reactive = _clip(reactive, -left, left)
    else:
        reactive = _clip(reactive, -q[I_MAX], q[I_MAX])
        left = np.sqrt(max(0.0, q[I_MAX] ** 2 - reactive**2))
        active = _clip(active, -left * q[CHARGES], left)
    rising = min((active + q[P_OFFSET] - u[ACTIVE]) * q[PER_TREG], q[RATE_P])
    out[ACTIVE] = k.held(u[ACTIVE], rising, -np.inf, active_limit(u, q))
    out[REACTIVE] = _clip((reactive + q[Q_OFFSET] - u[REACTIVE]) * q[PER_TREG], q[RATE_Q_DOWN], q[RATE_Q_UP])
    return out


@njit(cache=True, error_model="numpy")
def slopes(
    x: Array,
    p: Array,
    u: Array,
    q: Array,
    w0: float,
    z: Complex,
    generators: Places,
    loads: Places,
    at: Places,
    far: Places,
    branch: Complex,
    s: Complex,
    y: Complex,
    guess: Complex,
) -> tuple[Array, Array, Array, Complex, Complex, bool]:
    """Return derivatives of machines and plants, electric torques, bus and load voltages, and whether these exist.

    `at` is the position of each plant among the loads, `far` the other end of the line that it watches and `branch`
    that line's series admittance and charging at the plant's end, shape (plants, 2); the rest as for
    :func:`clustersim.plant.network_kernels.slopes`.
    """
    injected, v, open_v, behind = k.without_loads(x, p, z, generators, loads)
    found, net, ok = solve_plants(open_v, behind, s, y, guess, at, u, q)
    current = k.with_loads(injected, v, found, p, z, generators, loads, net, y)
    out, torque = k.machine_slopes(x, p, w0, generators, current, v)
    moved = np.empty_like(u)
    for i in range(at.size):
        here = v[loads[at[i]]]
        into = (here - v[far[i]]) * branch[i, 0] + here * branch[i, 1]
        moved[i] = plant_slopes(u[i], q[i], w0, here, (here * np.conj(into)).real)
    return out, moved, torque, v, found, ok


@njit(cache=True, error_model="numpy")
def integrate_plants(
    start: Array,
    p: Array,
    plants: Array,
    q: Array,
    w0: float,
    z: Complex,
    generators: Places,
    loads: Places,
    at: Places,
    far: Places,
    branch: Complex,
    taken: Complex,
    shunt: Complex,
    guess: Complex,
    dt_s: float,
    substeps: int,
    band: float,
) -> tuple[Array, Array, Array, Array, Complex, int, int]:
    """Integrate machines, plants and network by classical Runge-Kutta (RK4).

    As :func:`clustersim.plant.network_kernels.integrate_network`, with `plants` the states of the plants at the start;
    also returned, before the last two: the complex power that each plant gives. [pu], shape (bins, plants)
    """
    bins, machines = taken.shape[0], generators.size
    speed, mechanical = np.empty((bins, machines)), np.empty((bins, machines))
    electric, voltage = np.empty((bins, machines)), np.empty((bins, z.shape[0]))
    given = np.empty((bins, at.size), np.complex128)
    x, u, seen = start.copy(), plants.copy(), guess.copy()
    h = dt_s / substeps
    for n in range(bins):
        s, y = taken[n], shunt[n]
        for step in range(substeps):
            a, e, torque, v, seen, ok = slopes(x, p, u, q, w0, z, generators, loads, at, far, branch, s, y, seen)
            if step == 0:
                speed[n] = x[:, k.SPEED]
                mechanical[n] = k.turbine_torque(x, p)
                electric[n] = torque
                voltage[n] = np.abs(v)
                for i in range(at.size):
                    given[n, i] = given_power(u[i], q[i], abs(seen[at[i]]))[0]
            x2, u2 = x + 0.5 * h * a, u + 0.5 * h * e
            b, f, _, _, seen, ok2 = slopes(x2, p, u2, q, w0, z, generators, loads, at, far, branch, s, y, seen)
            x2, u2 = x + 0.5 * h * b, u + 0.5 * h * f
            c, g, _, _, seen, ok3 = slopes(x2, p, u2, q, w0, z, generators, loads, at, far, branch, s, y, seen)
            x2, u2 = x + h * c, u + h * g
            d, r, _, _, seen, ok4 = slopes(x2, p, u2, q, w0, z, generators, loads, at, far, branch, s, y, seen)
            if not (ok and ok2 and ok3 and ok4):
                return speed, mechanical, electric, voltage, given, n, -1
            x = x + h / 6.0 * (a + 2.0 * b + 2.0 * c + d)
            u = u + h / 6.0 * (e + 2.0 * f + 2.0 * g + r)
            for i in range(at.size):
                u[i, ORDER] = _clip(u[i, ORDER], q[i, P_MIN], q[i, P_MAX])
                u[i, ACTIVE] = min(u[i, ACTIVE], active_limit(u[i], q[i]))
            left = k.keep_within(x, p, band)
            if left:
                return speed, mechanical, electric, voltage, given, n, left
    return speed, mechanical, electric, voltage, given, bins, 0
