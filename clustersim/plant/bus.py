"""One lumped bus: groups of machines, storage and events; the records that feed the compiled swing equation."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.plant import bus_kernels as b
from clustersim.plant import governor_kernels as k
from clustersim.plant.governors import Constant, Governor
from clustersim.plant.spec import SwingForm
from clustersim.power.run_in import before_window

Floats = NDArray[np.float64]

LONGEST_STEP_S = 1e-3
"""Longest integration step; five times shorter than it need be for 1e-6 Hz on the reference cases. [s]"""
STIFFEST_PER_S = 2e5
"""Fastest state for which the step is shortened; beyond it the input is refused. [1/s]"""
ALIKE_S = 10.0
"""Beginning of a window that is sought in it, to run in on what came before: several training steps. [s]"""
SPEED_BAND_PU = 0.5
"""Speed deviation at which integration stops: no machine is connected that far off, the model means nothing. [pu]"""


@dataclass(frozen=True)
class Group:
    """Identical units that run alike: one machine (or converter) with one governor, of their rating together."""

    name: str
    base_w: float
    """Rated active power. [W]"""
    inertia_ws: float
    """H S; zero behind a converter. [W s]"""
    mechanical_w: float
    """Mechanical power before the window. [W]"""
    governor: Governor = field(default_factory=Constant)
    damping_w: float = 0.0
    """Torque of the machine's damping per unit of speed deviation, D S. [W]"""
    ramp_up: float = math.inf
    """Fastest rise of fuel, valve or gate. [pu/s]"""
    ramp_down: float = math.inf
    on_lines: float = 0.0
    """1 for a group on the load-sharing lines (isochronous), else 0."""
    on_secondary: float = 0.0
    """1 for a group that secondary control raises and lowers, else 0."""
    trips: tuple[tuple[float, float], ...] = ()
    """Corners of the trip curve: speed deviation, its sign the side [pu], and time beyond it [s]."""


@dataclass(frozen=True)
class Battery:
    """Storage behind a converter that answers frequency."""

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
    virtual_ws: float = 0.0
    """Virtual inertia H S of a grid-forming inverter: power 2 H S per unit of rate of change of speed. [W s]"""
    discharge_only: bool = False
    target: float = 0.0
    """State of charge to return to; only where `restore_w` is above zero. [-]"""
    restore_w: float = 0.0
    """Largest power with which it returns there. [W]"""
    restore_band: float = 0.1
    """Distance from the target at which that power is reached. [-]"""


@dataclass(frozen=True)
class Event:
    """Something that happens to the bus at a time."""

    time_s: float
    """From the start of the window. [s]"""
    kind: int
    """:data:`bus_kernels.TRIP`, :data:`bus_kernels.SET` or :data:`bus_kernels.STORE_TRIP`."""
    which: int
    """Number of the group or storage."""
    value: float = 0.0
    """Share of the group that stays, or by how much its reference rises [pu of the group]."""


@dataclass(frozen=True)
class Bus:
    """Everything that the swing equation of one bus needs; at rest the groups and storage balance the load."""

    frequency_hz: float
    groups: tuple[Group, ...]
    storages: tuple[Battery, ...] = ()
    inertia_ws: float = 0.0
    """H S of machines without a governor: condensers and flywheels on the shaft. [W s]"""
    damping_w: float = 0.0
    """Load relief per unit of speed deviation. [W]"""
    form: SwingForm = "torque"
    lines_per_s: float = 0.0
    """Rate at which load-sharing lines raise the common reference per unit of speed below nominal. [1/s]"""
    secondary_per_s: float = 0.0
    """The same of secondary control. [1/s]"""

    @property
    def total_inertia_ws(self) -> float:
        """H S of everything that turns. [W s]"""
        return self.inertia_ws + math.fsum(group.inertia_ws for group in self.groups)

    @property
    def mechanical_w(self) -> float:
        """Mechanical power of all groups before the window. [W]"""
        return math.fsum(group.mechanical_w for group in self.groups)


@dataclass(frozen=True)
class BusTrace:
    """Answer of a bus, one value per bin."""

    frequency_hz: Floats
    """At the start of each bin. [Hz]"""
    mechanical_w: Floats
    """Of each group at the start of each bin, shape (groups, n). [W]"""
    storage_w: Floats
    """Mean of each storage over each bin, positive when it discharges, shape (storages, n). [W]"""
    charge: Floats
    """State of charge of each storage at the start of each bin, shape (storages, n). [-]"""
    valid: int
    """Bins integrated before the speed left the band, the last machine was lost (the frequency is 0 Hz from there) or a
    state diverged; all of them in a sound case."""
    tripped: dict[str, float]
    """Groups that protection took off, and when in the window. [s]"""
    diverged: str | None = None
    """The state that grew without bound, None in a sound case."""


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
    return -step_w * bus.frequency_hz / (2.0 * bus.total_inertia_ws)


@dataclass(frozen=True)
class Arrays:
    """What the compiled kernels of a bus take."""

    y: Floats
    low: Floats
    high: Floats
    p: Floats
    first: NDArray[np.int64]
    s: Floats
    energy: Floats
    bus: Floats

    def derivatives(self, y: Floats, load_w: float, seen: Floats) -> Floats:
        """Return the time derivatives of all states, limits left aside."""
        dy, stores = np.zeros_like(y), self.s.shape[0]
        made = np.empty(self.p.shape[0])
        b.derive(y, dy, load_w, seen, self.p, self.first, self.s, np.ones(stores), np.zeros(stores), self.bus, made)
        return dy


def arrays(bus: Bus) -> Arrays:
    """Return the arrays of a bus at rest.

    Raises
    ------
    InputError
        If nothing on the bus turns, or a governor's figures are not sound.
    """
    if not bus.total_inertia_ws > 0.0:
        raise InputError("the machines on the bus have no inertia: expected a sum of H S above 0 W s")
    p = np.zeros((len(bus.groups), k.PARAMETERS))
    y, low, high, first = [0.0] * b.COMMON, [-math.inf, -1.0, -1.0], [math.inf, 1.0, 1.0], []
    for row, group in zip(p, bus.groups, strict=True):
        row[k.UP], row[k.DOWN] = group.ramp_up, group.ramp_down
        row[k.BASE], row[k.MOMENTUM], row[k.DAMPING] = group.base_w, 2.0 * group.inertia_ws, group.damping_w
        row[k.ON_LINES], row[k.ON_SECONDARY] = group.on_lines, group.on_secondary
        power = group.mechanical_w / group.base_w
        row[k.REFERENCE] = row[k.G_PMW] = power
        try:
            group.governor.fill(row)
        except InputError as error:
            raise InputError(f"{group.name}: {error}") from None
        if row[k.CODE] != k.GGOV1:
            row[k.G_PMW] = 0.0
        first.append(len(y))
        y += group.governor.start(power)
        least, most = group.governor.limits()
        low, high = low + least, high + most
    first.append(len(y))
    y += [store.dispatch_w for store in bus.storages]
    free = [math.inf] * len(bus.storages)
    s = np.array([_storage(store) for store in bus.storages]).reshape(-1, b.STORAGE)
    whole = [
        bus.damping_w, float(bus.form == "power"), bus.lines_per_s, bus.secondary_per_s, 2.0 * bus.inertia_ws,
        -SPEED_BAND_PU, SPEED_BAND_PU,
    ]  # fmt: skip
    return Arrays(
        np.array(y),
        np.array(low + [-x for x in free]),
        np.array(high + free),
        p,
        np.array(first, dtype=np.int64),
        s,
        np.array([store.state_of_charge * store.energy_j for store in bus.storages]),
        np.array(whole),
    )


def _storage(store: Battery) -> list[float]:
    """Return the parameters of a storage in the order of the names of the kernels."""
    return [
        store.power_w,
        0.0 if store.discharge_only else -store.power_w,
        store.power_w / store.droop,
        store.deadband,
        1.0 / store.time_constant_s,
        store.dispatch_w,
        store.energy_j,
        store.one_way_efficiency,
        2.0 * store.virtual_ws,
        store.target * store.energy_j,
        store.restore_w / (store.restore_band * store.energy_j),
        store.restore_w,
    ]


def run_bus(
    bus: Bus,
    load_w: Floats,
    dt_s: float,
    warm_s: float = 0.0,
    events: tuple[Event, ...] = (),
    substeps: int = 0,
    event_s: float = math.inf,
) -> BusTrace:
    r"""Integrate the swing equation of `bus` under a piecewise-constant load.

    .. math:: 2 \textstyle\sum H S\, \dot\omega = \sum P_m + \sum P_b - P_e - D (\omega - 1) \quad\text{(torque form)}

    In the power form :math:`P_m` is divided by :math:`\omega`. Governors: :mod:`clustersim.plant.governors` and
    :mod:`clustersim.plant.limited_governors`. A battery follows droop and virtual inertia through a dead time and a
    lag: :math:`T_b \dot P_b = P_0 - K \Delta\omega(t - T_d) - 2 H_v S_v \dot\omega - P_b`, within its limits.

    Parameters
    ----------
    bus : Bus
        Machines, governors and storage, in equilibrium before the window.
    load_w : ndarray, shape (n,)
        Electrical load of each bin. [W]
    dt_s : float
        Length of a bin. [s]
    warm_s : float, optional
        Time over which the bus first runs in, on a load that leads up to the window (:func:`.run_in.before_window`): a
        window cut out of a running job does not start at rest. Energy is held and nothing trips meanwhile. [s]
    events : tuple of Event, optional
        What happens to the bus in the window.
    substeps : int, optional
        Integration steps per bin; by default as many as keep the step at 1 ms and below half the fastest time constant.
    event_s : float, optional
        When something happens to the load: what leads up to the window is sought in what stands before it. [s]

    Returns
    -------
    BusTrace

    Raises
    ------
    InputError
        If nothing on the bus turns, or a state is too fast to be integrated.

    Notes
    -----
    RK4 at a fixed step. GAST as in PSS/E's library and as PowerSimulationsDynamics.jl documents it.
    """
    a = arrays(bus)
    substeps = substeps or math.ceil(dt_s / longest_step(bus, a) - 1e-9)
    warm = round(warm_s / dt_s)
    calm = load_w[: max(1, round(min(event_s, load_w.size * dt_s) / dt_s))]
    load = np.concatenate([before_window(calm, warm, round(ALIKE_S / dt_s)), load_w]) if warm else load_w
    delays = np.array([round(store.latency_s * substeps / dt_s) for store in bus.storages], dtype=np.int64)
    table = sorted((round(e.time_s * substeps / dt_s), e.kind, e.which, e.value) for e in events)
    curves = [(g, speed, time) for g, group in enumerate(bus.groups) for speed, time in group.trips]
    n, groups, stores = load.size, len(bus.groups), len(bus.storages)
    w, mechanical, given, energy = np.empty(n), np.empty((groups, n)), np.empty((stores, n)), np.empty((stores, n))
    tripped = np.full(groups, math.inf)
    valid, culprit = b.integrate_bus(
        np.ascontiguousarray(load, dtype=np.float64), dt_s, substeps, warm, a.y, a.p, a.first, a.low, a.high, a.s,
        a.energy, delays, a.bus, np.array(table, dtype=np.float64).reshape(-1, 4),
        np.array(curves, dtype=np.float64).reshape(-1, 3), np.zeros((8, a.y.size + groups + stores)),
        np.zeros(len(curves)), np.empty(1 + max(delays, default=0)), w, mechanical, given, energy, tripped,
    )  # fmt: skip
    capacity = np.array([store.energy_j for store in bus.storages]).reshape(-1, 1)
    return BusTrace(
        frequency_hz=bus.frequency_hz * (1.0 + w[warm:]),
        mechanical_w=mechanical[:, warm:],
        storage_w=given[:, warm:],
        charge=np.clip(energy[:, warm:] / capacity, 0.0, 1.0),
        valid=max(int(valid) - warm, 0),
        tripped={group.name: t for group, t in zip(bus.groups, tripped, strict=True) if math.isfinite(t)},
        diverged=None if culprit < 0 else state_name(bus, a, int(culprit)),
    )


def state_name(bus: Bus, a: Arrays, place: int) -> str:
    """Return the name of a state for a message."""
    if place < b.COMMON:
        return ("speed", "load-sharing reference", "secondary reference")[place]
    own = int(a.first[-1])
    if place >= own:
        return f"power of storage {place - own + 1}"
    g = int(np.searchsorted(a.first, place, side="right")) - 1
    group = bus.groups[g]
    return f"state {place - int(a.first[g]) + 1} of {type(group.governor).__name__} of {group.name}"


def jacobian(a: Arrays, load_w: float) -> tuple[Floats, Floats]:
    """Return the derivatives of the slopes with respect to the states and to what each storage measures, numerically.

    Parameters
    ----------
    a : Arrays
        A bus at rest.
    load_w : float
        Load that it carries. [W]

    Returns
    -------
    by_state : ndarray, shape (n, n)
    by_seen : ndarray, shape (n, m)
    """
    n, stores = a.y.size, a.s.shape[0]
    none = np.zeros(stores)
    steps = np.where(np.arange(n) >= a.first[-1], 1.0, 1e-7)  # watts; per unit
    by_state, by_seen = np.empty((n, n)), np.empty((n, stores))
    for j in range(n):
        up, down = a.y.copy(), a.y.copy()
        up[j], down[j] = up[j] + steps[j], down[j] - steps[j]
        by_state[:, j] = (a.derivatives(up, load_w, none) - a.derivatives(down, load_w, none)) / (2.0 * steps[j])
    for j in range(stores):
        seen = none.copy()
        seen[j] = 1e-7
        by_seen[:, j] = (a.derivatives(a.y, load_w, seen) - a.derivatives(a.y, load_w, -seen)) / 2e-7
    return by_state, by_seen


def longest_step(bus: Bus, a: Arrays) -> float:
    """Return the integration step that the fastest state allows, at most :data:`LONGEST_STEP_S`. [s]

    Raises
    ------
    InputError
        If a state is faster than can be integrated; it is named.
    """
    carried = bus.mechanical_w + math.fsum(store.dispatch_w for store in bus.storages)
    by_state, by_seen = jacobian(a, carried)
    undelayed = by_state.copy()
    for j, store in enumerate(bus.storages):
        if store.latency_s == 0.0:
            undelayed[:, b.SPEED] += by_seen[:, j]
    if not np.isfinite(undelayed).all():
        place = int(np.flatnonzero(~np.isfinite(undelayed).all(axis=1))[0])
        raise InputError(f"{state_name(bus, a, place)} has no finite rate of change at rest")
    fastest = float(np.abs(np.linalg.eigvals(undelayed)).max())
    if fastest > STIFFEST_PER_S:
        place = int(np.argmax(np.abs(np.diag(undelayed))))
        raise InputError(f"{state_name(bus, a, place)} is too fast: {1e6 / fastest:.3g} us, expected above 5 us")
    return min(LONGEST_STEP_S, 0.5 / fastest) if fastest > 0.0 else LONGEST_STEP_S
