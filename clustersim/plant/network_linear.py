"""Small oscillations of machines on a network: eigenvalues, participation, and the answer to a load that varies."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from clustersim.errors import InputError, nearest
from clustersim.plant import converter_kernels as c
from clustersim.plant import network_kernels as k
from clustersim.plant.network import NetworkModel

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

STEP = 1e-6
"""Half width of the central differences: their error is some 1e-9 of the largest derivative. [pu, rad]"""
GROWTH_PER_S = 1e-5
"""Growth of an eigenvalue above which the operating point is unstable; below it is rounding. [1/s]"""
MECHANICAL = 0.5
"""Share of angles and speeds in the participation from which an oscillation counts as electromechanical. [-]"""


@dataclass(frozen=True)
class NetworkMode:
    """An oscillation of the network."""

    eigenvalue: complex
    """[1/s]"""
    frequency_hz: float
    """Imaginary part over 2 pi. [Hz]"""
    damping: float
    """Damping ratio, -real part over magnitude. [-]"""
    machines: tuple[str, ...]
    shape: Complex
    """Speeds of the machines in the right eigenvector, over the largest of them."""
    participation: Array
    """Participation of each machine's angle and speed, over the sum of all states' magnitudes. [-]"""
    residue: Complex
    """Of each machine's speed deviation to added load: the term ``residue / (s - eigenvalue)``. [Hz/(W s)]"""

    @property
    def mechanical(self) -> bool:
        """Whether angles and speeds carry more than half of it."""
        return float(self.participation.sum()) > MECHANICAL


@dataclass(frozen=True)
class LinearNetwork:
    """A network linearised at its operating point; the input is active power added at one bus."""

    bus: str
    machines: tuple[str, ...]
    states: tuple[str, ...]
    a: Array
    b: Array
    """[1/W]"""
    c: Array
    """Gives the speed deviation of each machine. [Hz]"""


_NAMES = (
    "angle", "speed", "e1q", "e1d", "e2d", "e2q", "sensed", "lead_lag", "regulator", "field", "feedback",
    "governor_1", "governor_2", "governor_3",
)  # fmt: skip
_PLANT_NAMES = (
    "filtered_angle", "washed_angle", "line", "integral", "asked", "reference", "order", "active_current",
    "filtered_voltage", "reactive_order", "reactive_current", "limit_voltage",
)  # fmt: skip


def linearise(model: NetworkModel, bus: str) -> LinearNetwork:
    r"""Linearise a network for small changes of the active power taken at a bus.

    .. math:: \Delta\dot x = A \Delta x + B \Delta P, \qquad \Delta f = C \Delta x

    by central differences of the equations that :func:`~clustersim.plant.network.run_network` integrates, with the
    network solved at each point. Angles count from the first machine's: a turn of all of them together changes nothing.
    Battery plants count with the slope at their operating point: inside its dead band a droop has none.

    Parameters
    ----------
    model : NetworkModel
        Built with `bus` as a bus that varies.
    bus : str
        Where power is added.

    Raises
    ------
    InputError
        If the model has no such bus, or the operating point is unstable: the eigenvalue is named.
    """
    place = model.load_place(bus)
    machines = tuple(model.network.machines)
    names = [f"{machine}.{state}" for machine in machines for state in _NAMES]
    turning = list(range(0, model.start.size, k.STATES))
    if model.plants is not None:
        ends = model.start.size + np.arange(len(model.plants.names)) * c.STATES
        turning += [int(end) + angle for end in ends for angle in (c.ANGLE, c.WASHED)]
        names += [f"{plant}.{state}" for plant in model.plants.names for state in _PLANT_NAMES]
    size = len(names)
    a, b = np.empty((size, size)), np.empty(size)
    for column in range(size):
        change = np.zeros(size)
        change[column] = STEP
        a[:, column] = (_slopes(model, change, place, 0.0) - _slopes(model, -change, place, 0.0)) / (2.0 * STEP)
    b[:] = (_slopes(model, np.zeros(size), place, STEP) - _slopes(model, np.zeros(size), place, -STEP)) / (2.0 * STEP)
    a[turning] -= a[0]
    # What neither moves by itself nor is moved is no state: circuits that a machine or its controls do not have.
    kept = [i for i in range(1, size) if np.any(a[i, 1:]) or b[i] != 0.0]
    speeds = np.zeros((len(machines), size))
    speeds[np.arange(len(machines)), np.arange(len(machines)) * k.STATES + k.SPEED] = model.network.frequency
    found = LinearNetwork(
        bus,
        machines,
        tuple(names[i] for i in kept),
        a[np.ix_(kept, kept)],
        b[kept] / model.network.base,
        speeds[:, kept],
    )
    _require_stable(found)
    return found


def _slopes(model: NetworkModel, change: Array, place: int, added: float) -> Array:
    taken = model.constant.copy()
    taken[place] += added
    x = model.start + change[: model.start.size].reshape(model.start.shape)
    rest = (model.angular_frequency, model.impedance, model.machine_buses, model.load_buses)
    loads = (taken, np.zeros_like(taken), model.load_voltage)
    if model.plants is None:
        slopes, _, _, _, ok = k.slopes(x, model.parameters, *rest, *loads)
        found = slopes.ravel()
    else:
        own = model.plants
        u = own.start + change[model.start.size :].reshape(own.start.shape)
        slopes, moved, _, _, _, ok = c.slopes(
            x, model.parameters, u, own.parameters, *rest, own.places, own.far, own.branch, *loads
        )
        found = np.concatenate([slopes.ravel(), moved.ravel()])
    if not ok:
        raise InputError("network: no operating point next to the power flow: it lies at the nose of the voltage curve")
    return np.asarray(found, dtype=np.float64)


def _require_stable(linear: LinearNetwork) -> None:
    values, vectors = scipy.linalg.eig(linear.a)
    worst = int(np.argmax(values.real))
    if values[worst].real > GROWTH_PER_S:
        size = np.abs(vectors[:, worst])
        state = linear.states[int(np.argmax(size))]
        value = complex(values[worst])
        raise InputError(
            f"network: unstable operating point: eigenvalue {value.real:+.4g} {value.imag:+.4g}j 1/s "
            f"({abs(value.imag) / (2.0 * math.pi):.4g} Hz), largest in {state}"
        )


def network_modes(linear: LinearNetwork) -> tuple[NetworkMode, ...]:
    r"""Return the oscillations of a network in order of frequency.

    With right and left eigenvectors :math:`v_i, w_i` (:math:`w_i^T v_i = 1`) the participation of state k is
    :math:`|w_{ki} v_{ki}|` over the sum over all states, the residue :math:`C v_i\, w_i^T B`.

    Notes
    -----
    Kundur, Power System Stability and Control (1994), chapter 12.2.
    """
    values, right = scipy.linalg.eig(linear.a)
    left = np.linalg.inv(right)
    count = len(linear.machines)
    owners = [name.rsplit(".", 1)[0] for name in linear.states]
    owner = np.array([linear.machines.index(name) if name in linear.machines else -1 for name in owners])
    moving = np.array([name.endswith((".angle", ".speed")) for name in linear.states])
    found = []
    for i in np.argsort(np.abs(values.imag)):
        if values[i].imag <= 1e-6:
            continue
        shares = np.abs(left[i] * right[:, i])
        shares /= shares.sum()
        speeds = linear.c @ right[:, i]
        found.append(
            NetworkMode(
                eigenvalue=complex(values[i]),
                frequency_hz=float(values[i].imag / (2.0 * math.pi)),
                damping=float(-values[i].real / abs(values[i])),
                machines=linear.machines,
                shape=speeds / speeds[np.argmax(np.abs(speeds))],
                participation=np.array([shares[moving & (owner == m)].sum() for m in range(count)]),
                residue=speeds * (left[i] @ linear.b),
            )
        )
    return tuple(found)


def inter_area_mode(modes: tuple[NetworkMode, ...]) -> NetworkMode:
    """Return the slowest electromechanical oscillation in which machines swing against each other.

    Raises
    ------
    InputError
        If there is none: one machine, or all in step.
    """
    for mode in modes:
        if mode.mechanical and float((mode.shape / mode.shape[0]).real.min()) < 0.0:
            return mode
    raise InputError("network: no machines swing against each other: there is no inter-area mode")


def transfer(linear: LinearNetwork, frequency_hz: ArrayLike) -> Complex:
    """Return each machine's speed deviation per added watt at some frequencies. [Hz/W], shape (frequencies, machines)

    ``C (j omega I - A)^-1 B``; the steady answer to a load ``P cos(omega t)`` has the amplitude ``P |transfer|``.
    """
    frequencies = np.atleast_1d(np.asarray(frequency_hz, dtype=np.float64))
    eye = np.eye(linear.b.size)
    return np.array([linear.c @ np.linalg.solve(2j * np.pi * f * eye - linear.a, linear.b) for f in frequencies])


def forced_response(linear: LinearNetwork, added_w: ArrayLike, dt_s: float) -> Array:
    """Return each machine's speed deviation under a piecewise-constant added load, from rest. [Hz], (bins, machines)

    Exact for the linear model: each eigenvalue is a first-order recursion with pole ``exp(eigenvalue dt)``. Values are
    at the start of each bin.

    Parameters
    ----------
    linear : LinearNetwork
        Linearised for the bus of the load.
    added_w : array_like, shape (bins,)
        Active power beyond the operating point. [W]
    dt_s : float
        Length of a bin. [s]
    """
    added = np.asarray(added_w, dtype=np.float64)
    values, right = scipy.linalg.eig(linear.a)
    into = np.linalg.solve(right, linear.b.astype(np.complex128))
    out = np.zeros((added.size, len(linear.machines)))
    for i, value in enumerate(values):
        if value.imag < 0.0:
            continue  # the conjugate's part is in the one above
        pole = np.exp(value * dt_s)
        gain = (pole - 1.0) / value if abs(value) * dt_s > 1e-9 else dt_s
        state = scipy.signal.lfilter([0.0, gain * into[i]], [1.0, -pole], added.astype(np.complex128))
        twice = 2.0 if value.imag > 0.0 else 1.0
        out += twice * np.real(np.outer(state, linear.c @ right[:, i]))
    return out


def area_difference(
    machines: tuple[str, ...], values: ArrayLike, one: tuple[str, ...], other: tuple[str, ...]
) -> Array:
    """Return the mean of some machines' values less the mean of others': how one area swings against another.

    Parameters
    ----------
    machines : tuple of str
        Names of the columns of `values`.
    values : array_like, shape (bins, machines)
        Such as frequencies. [Hz]
    one, other : tuple of str
        Machines of the two areas.

    Raises
    ------
    InputError
        If a machine is unknown.
    """
    for name in (*one, *other):
        if name not in machines:
            raise InputError(f"network: unknown machine {name!r}{nearest(name, machines)}")
    table = np.asarray(values, dtype=np.float64)
    first, second = ([machines.index(name) for name in group] for group in (one, other))
    return np.asarray(table[:, first].mean(axis=1) - table[:, second].mean(axis=1), dtype=np.float64)
