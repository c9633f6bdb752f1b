"""One lumped bus: inertia, governor, battery; the records that feed the compiled swing equation."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from clustersim.plant import kernels as k
from clustersim.plant.spec import SwingForm

LONGEST_STEP_S = 1e-3
"""Longest integration step; five times shorter than it need be for 1e-6 Hz on the reference cases. [s]"""
SPEED_BAND_PU = 0.5
"""Speed deviation at which integration stops: no machine is connected that far off, the model means nothing. [pu]"""


@dataclass(frozen=True)
class Governor:
    """Mechanical power in answer to frequency. Times in seconds, all else per unit of `base_w`."""

    code: int = k.NO_GOVERNOR
    """One of :data:`kernels.NO_GOVERNOR`, :data:`kernels.GAST`, :data:`kernels.LAG`."""
    base_w: float = 1.0
    droop: float = 1.0
    t1_s: float = 1.0
    t2_s: float = 1.0
    t3_s: float = 1.0
    ambient: float = 1.0
    """Load limit by exhaust temperature. [pu]"""
    kt: float = 0.0
    """Gain of the temperature limiter. [-]"""
    vmax: float = 1.0
    vmin: float = 0.0

    @property
    def most_w(self) -> float:
        """Largest mechanical power that can be kept up; unbounded except for GAST, in watts."""
        return min(self.ambient, self.vmax) * self.base_w if self.code == k.GAST else math.inf


@dataclass(frozen=True)
class Battery:
    """Battery with frequency droop."""

    power_w: float
    energy_j: float
    droop: float
    """Relative frequency deviation beyond the dead band at full power. [-]"""
    deadband: float
    """Relative frequency deviation without answer. [-]"""
    latency_s: float
    time_constant_s: float
    one_way_efficiency: float
    """Square root of the round-trip efficiency: taken on charge and on discharge. [-]"""
    state_of_charge: float
    dispatch_w: float = 0.0
    """Power at nominal frequency. [W]"""


@dataclass(frozen=True)
class Bus:
    """Everything that the swing equation of one bus needs."""

    frequency_hz: float
    inertia_ws: float
    """Sum of H S of the machines. [W s]"""
    mechanical_w: float
    """Mechanical power before the window; beside the battery's dispatch it balances the load. [W]"""
    governor: Governor = field(default_factory=Governor)
    battery: Battery | None = None
    damping_w: float = 0.0
    """Load relief per unit of speed deviation. [W]"""
    form: SwingForm = "torque"


@dataclass(frozen=True)
class BusTrace:
    """Answer of a bus, one value per bin."""

    frequency_hz: NDArray[np.float64]
    """At the start of each bin. [Hz]"""
    mechanical_w: NDArray[np.float64]
    """At the start of each bin. [W]"""
    battery_w: NDArray[np.float64]
    """Mean over each bin, positive when it discharges. [W]"""
    state_of_charge: NDArray[np.float64]
    """At the start of each bin; zeros without a battery. [-]"""
    valid: int
    """Bins integrated before the speed left the band; all of them in a sound case."""


def initial_rocof(bus: Bus, step_w: float) -> float:
    r"""Rate of change of frequency right after a load step, with every controller and the load's response held.

    .. math:: \dot f_0 = -\frac{\Delta P f_0}{2 \sum H S}

    Parameters
    ----------
    bus : Bus
        Gives the nominal frequency and the inertia.
    step_w : float
        Load step, positive when load is added. [W]

    Returns
    -------
    float
        Negative after added load. [Hz/s]
    """
    return -step_w * bus.frequency_hz / (2.0 * bus.inertia_ws)


def run_bus(bus: Bus, load_w: NDArray[np.float64], dt_s: float, warm_s: float = 0.0) -> BusTrace:
    r"""Integrate the swing equation of `bus` under a piecewise-constant load.

    .. math:: 2 \textstyle\sum H S\, \dot\omega = P_m + P_b - P_e - D (\omega - 1) \quad\text{(torque form)}

    In the power form :math:`P_m` is divided by :math:`\omega`. The gas-turbine governor GAST is

    .. math::
        T_1 \dot x_1 &= \min(P_{ref} - \Delta\omega/R,\; A_T + K_T (A_T - x_3)) - x_1, \quad V_{min} \le x_1 \le V_{max}

        T_2 \dot x_2 &= x_1 - x_2, \qquad T_3 \dot x_3 = x_2 - x_3, \qquad P_m = x_2 P_{base}

    The battery follows its droop through a dead time (latency) and a lag:
    :math:`T_b \dot P_b = P^*(\Delta\omega) - P_b`.

    Parameters
    ----------
    bus : Bus
        Machine, governor and battery, in equilibrium before the window.
    load_w : ndarray, shape (n,)
        Electrical load of each bin. [W]
    dt_s : float
        Length of a bin. [s]
    warm_s : float, optional
        Time over which the bus first runs in, on the mirror image of the window's beginning: a window cut out of a
        running job does not start at rest. The battery's energy is held meanwhile. [s]

    Returns
    -------
    BusTrace

    Notes
    -----
    RK4 at a fixed step of at most 1 ms. GAST as in PSS/E's library and as PowerSimulationsDynamics.jl documents it;
    shaft damping Dt is left out.
    """
    substeps = max(1, math.ceil(dt_s / LONGEST_STEP_S - 1e-9))
    battery = bus.battery
    warm = min(round(warm_s / dt_s), load_w.size - 1)
    load = np.concatenate([load_w[warm:0:-1], load_w])
    delay = 0 if battery is None else round(battery.latency_s * substeps / dt_s)
    w, mechanical, given, energy, valid = k.integrate_bus(
        np.ascontiguousarray(load, dtype=np.float64),
        dt_s,
        substeps,
        delay,
        warm,
        _start(bus),
        _parameters(bus),
        -SPEED_BAND_PU,
        SPEED_BAND_PU,
    )
    charge = np.zeros_like(w) if battery is None else np.clip(energy / battery.energy_j, 0.0, 1.0)
    return BusTrace(
        frequency_hz=bus.frequency_hz * (1.0 + w[warm:]),
        mechanical_w=mechanical[warm:],
        battery_w=given[warm:],
        state_of_charge=charge[warm:],
        valid=max(int(valid) - warm, 0),
    )


def _start(bus: Bus) -> NDArray[np.float64]:
    share = bus.mechanical_w / bus.governor.base_w if bus.governor.code == k.GAST else 0.0
    battery = bus.battery
    if battery is None:
        return np.array([0.0, share, share, share, 0.0, 0.0])
    return np.array([0.0, share, share, share, battery.dispatch_w, battery.state_of_charge * battery.energy_j])


def _parameters(bus: Bus) -> NDArray[np.float64]:
    """Return the parameter vector in the order of the names of :mod:`clustersim.plant.kernels`."""
    g, b = bus.governor, bus.battery
    p = np.zeros(k.PARAMETERS)
    p[k.PER_MOMENTUM], p[k.DAMPING] = 0.5 / bus.inertia_ws, bus.damping_w
    p[k.POWER_FORM], p[k.GOVERNOR] = float(bus.form == "power"), g.code
    p[k.BASE], p[k.REFERENCE], p[k.PER_DROOP] = g.base_w, bus.mechanical_w / g.base_w, 1.0 / g.droop
    p[k.PER_T1], p[k.PER_T2], p[k.PER_T3] = 1.0 / g.t1_s, 1.0 / g.t2_s, 1.0 / g.t3_s
    p[k.AMBIENT], p[k.KT], p[k.VMAX], p[k.VMIN] = g.ambient, g.kt, g.vmax, g.vmin
    p[k.B_EFFICIENCY] = p[k.B_CAPACITY] = 1.0
    if b is not None:
        p[k.B_POWER], p[k.B_PER_DROOP], p[k.B_DEADBAND] = b.power_w, 1.0 / b.droop, b.deadband
        p[k.B_PER_TAU], p[k.B_DISPATCH] = 1.0 / b.time_constant_s, b.dispatch_w
        p[k.B_CAPACITY], p[k.B_EFFICIENCY] = b.energy_j, b.one_way_efficiency
    return p
