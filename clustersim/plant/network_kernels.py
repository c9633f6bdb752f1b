"""Compiled equations of synchronous machines on a network: derivatives, the network's solution, integration.

State of a machine, one row of `x`: angle [rad], speed deviation [pu], e1q, e1d, e2d, e2q [pu], exciter: sensed voltage,
lead-lag, regulator, field, feedback [pu], governor x1, x2, x3 [pu of the machine]. All reactances, powers and currents
are per unit of the network's base; :data:`SHARE` is the machine's rating over that base.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from clustersim.plant.solve_kernels import solve_here

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

ANGLE, SPEED, E1Q, E1D, E2D, E2Q, SENSED, LEADLAG, REGULATOR, FIELD, FEEDBACK, X1, X2, X3 = range(14)
STATES = 14

NO_EXCITER, SEXS, EXDC2 = 0, 1, 2
NO_GOVERNOR, TGOV1, GAST = 0, 1, 2

# Columns of the parameters of a machine; PER_ marks a reciprocal, zero where the state is held.
(
    PER_M, DAMP, RA, XL, XD, XQ, XD1, XQ1, XDD, PER_TD1, PER_TQ1, PER_TD2, PER_TQ2, SHARE, TORQUE, FIELD0,
    EXCITER, VREF, GAIN, LEAD, PER_LAG, PER_REGULATOR, EMAX, EMIN, PER_SENSE, PER_EXCITER, KE, KF, PER_TF,
    GOVERNOR, PER_DROOP, PER_T1, G_T2, PER_T3, GMAX, GMIN, G_DAMP, BAND, AT, KT,
) = range(40)  # fmt: skip
PARAMETERS = 40

ITERATIONS = 40
"""Newton steps after which the network counts as without operating point."""
TOLERANCE = 1e-12
"""Largest mismatch of a load voltage. [pu]"""


@njit(cache=True, error_model="numpy")
def internal(x: Array, p: Array) -> Complex:
    """Return the subtransient voltage of each machine in network coordinates. [pu]"""
    out = np.empty(x.shape[0], np.complex128)
    for i in range(x.shape[0]):
        d1, q1 = p[i, XD1] - p[i, XL], p[i, XQ1] - p[i, XL]
        gd, gq = (p[i, XDD] - p[i, XL]) / d1, (p[i, XDD] - p[i, XL]) / q1
        psi_d = gd * x[i, E1Q] + (1.0 - gd) * x[i, E2D]
        psi_q = gq * x[i, E1D] + (1.0 - gq) * x[i, E2Q]
        out[i] = (psi_d - 1j * psi_q) * np.exp(1j * x[i, ANGLE])
    return out


@njit(cache=True, error_model="numpy")
def solve_loads(open_v: Complex, z: Complex, s: Complex, y: Complex, guess: Complex) -> tuple[Complex, bool]:
    """Return the voltages of loads behind a network, and whether they exist.

    Newton's method on ``V - V_open + Z (conj(S / V) + Y V) = 0`` in real and imaginary parts.

    Parameters
    ----------
    open_v : ndarray, shape (n,)
        Voltages with the loads' currents at zero. [pu]
    z : ndarray, shape (n, n)
        Impedance that the loads see. [pu]
    s : ndarray, shape (n,)
        Complex power that they take. [pu]
    y : ndarray, shape (n,)
        Admittance beside it. [pu]
    guess : ndarray, shape (n,)
        Where to start, such as the last solution. [pu]
    """
    n = open_v.size
    v = guess.copy()
    jacobian, mismatch = np.empty((2 * n, 2 * n)), np.empty(2 * n)
    for _ in range(ITERATIONS):
        worst = 0.0
        for i in range(n):
            f = v[i] - open_v[i]
            for j in range(n):
                f += z[i, j] * (np.conj(s[j] / v[j]) + y[j] * v[j])
                # d/dV of conj(S/V) is -conj(S/V^2) conj(dV): a reflection, hence the signs of the right columns
                k = -z[i, j] * np.conj(s[j] / (v[j] * v[j]))
                a = z[i, j] * y[j] + (1.0 if i == j else 0.0)
                jacobian[i, j], jacobian[i, n + j] = a.real + k.real, k.imag - a.imag
                jacobian[n + i, j], jacobian[n + i, n + j] = a.imag + k.imag, a.real - k.real
            mismatch[i], mismatch[n + i] = f.real, f.imag
            worst = max(worst, abs(f))
        if worst < TOLERANCE:
            return v, True
        if not worst < 1e6:
            break
        if not solve_here(jacobian, mismatch):
            break
        for i in range(n):
            v[i] -= mismatch[i] + 1j * mismatch[n + i]
    return v, False


@njit(cache=True, error_model="numpy")
def without_loads(
    x: Array, p: Array, z: Complex, generators: NDArray[np.int64], loads: NDArray[np.int64]
) -> tuple[Complex, Complex, Complex, Complex]:
    """Return source currents, and with no load current the voltages of buses and loads and the impedance they see."""
    source = internal(x, p)
    injected = np.empty(generators.size, np.complex128)
    for i in range(generators.size):
        injected[i] = source[i] / (p[i, RA] + 1j * p[i, XDD])
    v = np.zeros(z.shape[0], np.complex128)
    for b in range(z.shape[0]):
        for i in range(generators.size):
            v[b] += z[b, generators[i]] * injected[i]
    behind = np.empty((loads.size, loads.size), np.complex128)
    open_v = np.empty(loads.size, np.complex128)
    for i in range(loads.size):
        open_v[i] = v[loads[i]]
        for j in range(loads.size):
            behind[i, j] = z[loads[i], loads[j]]
    return injected, v, open_v, behind


@njit(cache=True, error_model="numpy")
def with_loads(
    injected: Complex,
    v: Complex,
    found: Complex,
    p: Array,
    z: Complex,
    generators: NDArray[np.int64],
    loads: NDArray[np.int64],
    s: Complex,
    y: Complex,
) -> Complex:
    """Put the loads' currents into the bus voltages `v`; return the machines' currents. [pu]"""
    for b in range(z.shape[0]):
        for j in range(loads.size):
            v[b] -= z[b, loads[j]] * (np.conj(s[j] / found[j]) + y[j] * found[j])
    current = np.empty(generators.size, np.complex128)
    for i in range(generators.size):
        current[i] = injected[i] - v[generators[i]] / (p[i, RA] + 1j * p[i, XDD])
    return current


@njit(cache=True, error_model="numpy")
def network_state(
    x: Array,
    p: Array,
    z: Complex,
    generators: NDArray[np.int64],
    loads: NDArray[np.int64],
    s: Complex,
    y: Complex,
    guess: Complex,
) -> tuple[Complex, Complex, Complex, bool]:
    """Return machine currents, bus voltages and load voltages, and whether they exist. [pu]

    `z` is the impedance matrix of the network with the machines' subtransient admittances and the constant-impedance
    loads in it, shape (buses, buses); `generators` and `loads` are the buses of machines and of loads that vary, `s`
    and `y` what these take: power and admittance.
    """
    injected, v, open_v, behind = without_loads(x, p, z, generators, loads)
    found, ok = solve_loads(open_v, behind, s, y, guess)
    current = with_loads(injected, v, found, p, z, generators, loads, s, y)
    return current, v, found, ok


@njit(cache=True, error_model="numpy")
def turbine_torque(x: Array, p: Array) -> Array:
    """Return the mechanical torque of each machine. [pu of the network's base]"""
    out = np.empty(x.shape[0])
    for i in range(x.shape[0]):
        given = p[i, TORQUE]
        if p[i, GOVERNOR] == TGOV1:
            given = x[i, X2] + p[i, G_T2] * p[i, PER_T3] * (x[i, X1] - x[i, X2]) - p[i, G_DAMP] * x[i, SPEED]
        elif p[i, GOVERNOR] == GAST:
            given = x[i, X2] - p[i, G_DAMP] * x[i, SPEED]
        out[i] = given * p[i, SHARE]
    return out


@njit(cache=True, error_model="numpy")
def held(value: float, slope: float, least: float, most: float) -> float:
    """Return the slope of a state that does not wind up beyond its limits."""
    return 0.0 if (value >= most and slope > 0.0) or (value <= least and slope < 0.0) else slope


@njit(cache=True, error_model="numpy")
def _exciter(x: Array, p: Array, v: float, out: Array) -> float:
    """Write the slopes of a machine's exciter into `out`; return its field voltage. [pu]"""
    if p[EXCITER] == SEXS:
        error = p[VREF] - v
        out[LEADLAG] = (error - x[LEADLAG]) * p[PER_LAG]
        led = x[LEADLAG] + p[LEAD] * out[LEADLAG]
        out[REGULATOR] = held(x[REGULATOR], (p[GAIN] * led - x[REGULATOR]) * p[PER_REGULATOR], p[EMIN], p[EMAX])
        regulated: float = x[REGULATOR]
        return regulated
    if p[EXCITER] == EXDC2:
        out[SENSED] = (v - x[SENSED]) * p[PER_SENSE]
        out[FEEDBACK] = (x[FIELD] - x[FEEDBACK]) * p[PER_TF]
        error = p[VREF] - x[SENSED] - p[KF] * out[FEEDBACK]
        out[LEADLAG] = (error - x[LEADLAG]) * p[PER_LAG]
        led = x[LEADLAG] + p[LEAD] * out[LEADLAG]
        out[REGULATOR] = held(x[REGULATOR], (p[GAIN] * led - x[REGULATOR]) * p[PER_REGULATOR], p[EMIN], p[EMAX])
        out[FIELD] = (x[REGULATOR] - p[KE] * x[FIELD]) * p[PER_EXCITER]
        excited: float = x[FIELD] * (1.0 + x[SPEED])
        return excited
    constant: float = p[FIELD0]
    return constant


@njit(cache=True, error_model="numpy")
def _governor(x: Array, p: Array, out: Array) -> None:
    """Write the slopes of a machine's governor into `out`."""
    w = x[SPEED]
    if p[GOVERNOR] == TGOV1:
        beyond = w - p[BAND] if w > p[BAND] else (w + p[BAND] if w < -p[BAND] else 0.0)
        asked = p[TORQUE] - beyond * p[PER_DROOP]
        out[X1] = held(x[X1], (asked - x[X1]) * p[PER_T1], p[GMIN], p[GMAX])
        out[X2] = (x[X1] - x[X2]) * p[PER_T3]
    elif p[GOVERNOR] == GAST:
        asked = min(p[TORQUE] - w * p[PER_DROOP], p[AT] + p[KT] * (p[AT] - x[X3]))
        out[X1] = held(x[X1], (asked - x[X1]) * p[PER_T1], p[GMIN], p[GMAX])
        out[X2] = (x[X1] - x[X2]) / p[G_T2]
        out[X3] = (x[X2] - x[X3]) * p[PER_T3]


@njit(cache=True, error_model="numpy")
def machine_slopes(
    x: Array, p: Array, w0: float, generators: NDArray[np.int64], current: Complex, v: Complex
) -> tuple[Array, Array]:
    """Return time derivatives and electric torques of the machines, given their currents and the bus voltages."""
    out = np.zeros_like(x)
    torque = np.empty(generators.size)
    driven = turbine_torque(x, p)
    for i in range(generators.size):
        turn = np.exp(-1j * x[i, ANGLE])
        vdq, idq = v[generators[i]] * turn, current[i] * turn
        iq, id_ = idq.real, -idq.imag
        torque[i] = (vdq * np.conj(idq)).real + p[i, RA] * abs(idq) ** 2
        out[i, ANGLE] = w0 * x[i, SPEED]
        out[i, SPEED] = (driven[i] - torque[i] - p[i, DAMP] * x[i, SPEED]) * p[i, PER_M]
        field = _exciter(x[i], p[i], abs(v[generators[i]]), out[i])
        _governor(x[i], p[i], out[i])
        d1, q1 = p[i, XD1] - p[i, XL], p[i, XQ1] - p[i, XL]
        gd1, gq1 = (p[i, XDD] - p[i, XL]) / d1, (p[i, XDD] - p[i, XL]) / q1
        gd2, gq2 = (p[i, XD1] - p[i, XDD]) / d1**2, (p[i, XQ1] - p[i, XDD]) / q1**2
        at_d = gd1 * id_ - gd2 * x[i, E2D] + gd2 * x[i, E1Q]
        at_q = gq2 * x[i, E1D] - gq2 * x[i, E2Q] - gq1 * iq
        out[i, E1Q] = (field - x[i, E1Q] - (p[i, XD] - p[i, XD1]) * at_d) * p[i, PER_TD1]
        out[i, E1D] = -(x[i, E1D] + (p[i, XQ] - p[i, XQ1]) * at_q) * p[i, PER_TQ1]
        out[i, E2D] = (x[i, E1Q] - x[i, E2D] - d1 * id_) * p[i, PER_TD2]
        out[i, E2Q] = (x[i, E1D] - x[i, E2Q] + q1 * iq) * p[i, PER_TQ2]
    return out, torque


@njit(cache=True, error_model="numpy")
def slopes(
    x: Array,
    p: Array,
    w0: float,
    z: Complex,
    generators: NDArray[np.int64],
    loads: NDArray[np.int64],
    s: Complex,
    y: Complex,
    guess: Complex,
) -> tuple[Array, Array, Complex, Complex, bool]:
    """Return time derivatives, electric torques, bus voltages, load voltages, and whether the network has a solution.

    `w0` is the nominal angular frequency [rad/s]; the rest as for :func:`network_state`.
    """
    current, v, found, ok = network_state(x, p, z, generators, loads, s, y, guess)
    out, torque = machine_slopes(x, p, w0, generators, current, v)
    return out, torque, v, found, ok


@njit(cache=True, error_model="numpy")
def keep_within(x: Array, p: Array, band: float) -> int:
    """Clip the limited states after a step; return 1 + the machine whose speed left the band, or 0."""
    for i in range(x.shape[0]):
        if p[i, EXCITER] != NO_EXCITER:
            x[i, REGULATOR] = min(max(x[i, REGULATOR], p[i, EMIN]), p[i, EMAX])
        if p[i, GOVERNOR] != NO_GOVERNOR:
            x[i, X1] = min(max(x[i, X1], p[i, GMIN]), p[i, GMAX])
        if not abs(x[i, SPEED]) < band:
            return 1 + i
    return 0


@njit(cache=True, error_model="numpy")
def integrate_network(
    start: Array,
    p: Array,
    w0: float,
    z: Complex,
    generators: NDArray[np.int64],
    loads: NDArray[np.int64],
    taken: Complex,
    shunt: Complex,
    guess: Complex,
    dt_s: float,
    substeps: int,
    band: float,
) -> tuple[Array, Array, Array, Array, int, int]:
    """Integrate machines and network under piecewise-constant loads by classical Runge-Kutta (RK4).

    Parameters
    ----------
    start : ndarray, shape (machines, 14)
        States.
    p, w0, z, generators, loads, guess
        As for :func:`slopes`.
    taken : ndarray, shape (bins, loads)
        Complex power of the loads that vary. [pu]
    shunt : ndarray, shape (bins, loads)
        Admittance beside it. [pu]
    dt_s, substeps
        Length of a bin [s], and integration steps in it.
    band : float
        Speed deviation at which integration stops. [pu]

    Returns
    -------
    speed, mechanical, electric : ndarray, shape (bins, machines)
        Speed deviation, mechanical and electric torque at the start of each bin. [pu]
    voltage : ndarray, shape (bins, buses)
        Magnitudes at the start of each bin. [pu]
    valid : int
        Bins integrated.
    why : int
        0 when all are; -1 when the network lost its operating point; else 1 + the machine whose speed left the band.
    """
    bins, machines = taken.shape[0], generators.size
    speed, mechanical = np.empty((bins, machines)), np.empty((bins, machines))
    electric, voltage = np.empty((bins, machines)), np.empty((bins, z.shape[0]))
    x, seen = start.copy(), guess.copy()
    h = dt_s / substeps
    for k in range(bins):
        s, y = taken[k], shunt[k]
        for step in range(substeps):
            a, torque, v, seen, ok = slopes(x, p, w0, z, generators, loads, s, y, seen)
            if step == 0:
                speed[k] = x[:, SPEED]
                mechanical[k] = turbine_torque(x, p)
                electric[k] = torque
                voltage[k] = np.abs(v)
            b, _, _, seen, ok2 = slopes(x + 0.5 * h * a, p, w0, z, generators, loads, s, y, seen)
            c, _, _, seen, ok3 = slopes(x + 0.5 * h * b, p, w0, z, generators, loads, s, y, seen)
            d, _, _, seen, ok4 = slopes(x + h * c, p, w0, z, generators, loads, s, y, seen)
            if not (ok and ok2 and ok3 and ok4):
                return speed, mechanical, electric, voltage, k, -1
            x = x + h / 6.0 * (a + 2.0 * b + 2.0 * c + d)
            left = keep_within(x, p, band)
            if left:
                return speed, mechanical, electric, voltage, k, left
    return speed, mechanical, electric, voltage, bins, 0
