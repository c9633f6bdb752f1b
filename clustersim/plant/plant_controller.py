"""Parameters and states of battery plants at an operating point of a network."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.catalog import entry
from clustersim.catalog.records import Entry
from clustersim.errors import InputError
from clustersim.plant import converter_kernels as c
from clustersim.plant.network_flow import PowerFlow
from clustersim.plant.spec_parts.network import BatteryPlantSpec, NetworkSpec

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

_TIMES = (
    (c.PER_TF, "busfreq.Tf"), (c.PER_TW, "busfreq.Tw"), (c.PER_TP, "repc.Tp"), (c.PER_TG, "repc.Tg"),
    (c.PER_TREF, "reec.Tpfilt"), (c.PER_TORD, "reec.Tpord"), (c.PER_TRV, "reec.Trv"), (c.PER_TIQ, "reec.Tiq"),
    (c.PER_TREG, "regc.Tg"), (c.PER_TLV, "regc.Tfltr"),
)  # fmt: skip
_PLAIN = (
    (c.KP, "repc.Kpg"), (c.KI, "repc.Kig"), (c.KS, "repc.ksg"), (c.V_DIP, "reec.Vdip"), (c.V_UP, "reec.Vup"),
    (c.V_REF, "reec.Vref0"), (c.VB_LOW, "reec.dbd1"), (c.VB_HIGH, "reec.dbd2"), (c.LOW_LIMIT, "regc.Lvplsw"),
    (c.BREAK, "regc.Brkpt"), (c.ZERO, "regc.Zerox"), (c.LV0, "regc.Lvpnt0"), (c.LV1, "regc.Lvpnt1"),
    (c.V_HIGH, "regc.Volim"),
)  # fmt: skip
_ON_RATING = (
    (c.ERR_MAX, "repc.femax"), (c.ERR_MIN, "repc.femin"), (c.PI_MAX, "repc.Pmax"), (c.PI_MIN, "repc.Pmin"),
    (c.RAMP_UP, "reec.dPmax"), (c.RAMP_DOWN, "reec.dPmin"), (c.P_MAX, "reec.PMAX"), (c.P_MIN, "reec.PMIN"),
    (c.KQV, "reec.Kqv"), (c.IQ_HIGH, "reec.Iqh1"), (c.IQ_LOW, "reec.Iql1"), (c.I_MAX, "reec.Imax"),
    (c.RATE_P, "regc.Rrpwr"), (c.RATE_Q_UP, "regc.Iqrmax"), (c.RATE_Q_DOWN, "regc.Iqrmin"),
    (c.LOW_GAIN, "regc.Lvpl1"), (c.K_HIGH, "regc.Khv"), (c.IQ_LEAST, "regc.Iolim"),
)  # fmt: skip


@dataclass(frozen=True)
class Plants:
    """Battery plants of a network at its operating point, in the columns of :mod:`converter_kernels`."""

    names: tuple[str, ...]
    start: Array
    """States. shape (plants, 12)"""
    parameters: Array
    """shape (plants, 53)"""
    places: NDArray[np.int64]
    """Position of each among the loads that the network solves. shape (plants,)"""
    far: NDArray[np.int64]
    """Bus at the other end of the line that it watches. shape (plants,)"""
    branch: Complex
    """That line's series admittance and charging at the plant's end. [pu], shape (plants, 2)"""


def battery_plants(network: NetworkSpec, flow: PowerFlow, load_buses: list[int]) -> Plants:
    """Initialise every battery plant of a network so that nothing moves.

    Raises
    ------
    InputError
        If a plant starts beyond a limit of its controls, or its catalog entry has no such time constant.
    CatalogError
        If its type is not in the catalog.
    """
    place = {bus: i for i, bus in enumerate(flow.buses)}
    rows, starts, far, branches = [], [], [], []
    for name, plant in network.batteries.items():
        here = place[plant.bus]
        other = here if plant.line is None else place[plant.line]
        series, charging = _line(network, plant)
        v = complex(flow.voltage[here])
        into = (v - complex(flow.voltage[other])) * series + v * charging
        leaving = (v * into.conjugate()).real
        row, start = _plant(name, plant, network.base, v, complex(flow.generated[here]), leaving)
        rows.append(row)
        starts.append(start)
        far.append(other)
        branches.append((series, charging))
    return Plants(
        tuple(network.batteries),
        np.array(starts),
        np.array(rows),
        np.array([load_buses.index(place[plant.bus]) for plant in network.batteries.values()], dtype=np.int64),
        np.array(far, dtype=np.int64),
        np.array(branches, dtype=np.complex128),
    )


def _line(network: NetworkSpec, plant: BatteryPlantSpec) -> tuple[complex, complex]:
    """Return series admittance and charging of all circuits between a plant's bus and the far end. [pu]"""
    series, charging = 0j, 0j
    for branch in network.branches:
        if plant.line is not None and set(branch.ends) == {plant.bus, plant.line}:
            series += branch.count / complex(branch.resistance, branch.reactance)
            charging += 0.5j * branch.charging * branch.count
    return series, charging


def _figures(name: str, found: Entry, share: float, q: Array) -> None:
    """Write the constants of a catalog entry into a row of parameters."""
    for column, key in _TIMES:
        if found.si(key) <= 0.0:
            raise InputError(
                f"network: batteries.{name}.type: {found.name}.{key}: expected more than 0 s, found {found.si(key):g} s"
            )
        q[column] = 1.0 / found.si(key)
    for column, key in _PLAIN:
        q[column] = found.si(key)
    for column, key in _ON_RATING:
        q[column] = found.si(key) * share


def _plant(
    name: str, spec: BatteryPlantSpec, base: float, voltage: complex, power: complex, leaving: float
) -> tuple[Array, Array]:
    q, u = np.zeros(c.PARAMETERS), np.zeros(c.STATES)
    share = spec.rating / base
    _figures(name, entry("battery_plants", spec.type), share, q)
    q[c.GAIN_UNDER], q[c.GAIN_OVER] = share / spec.droop, share / (spec.droop_over or spec.droop)
    q[[c.BAND, c.FEEDBACK, c.LINE0]] = spec.deadband, float(spec.line is not None), leaving
    q[[c.P0, c.Q0, c.CHARGES]] = power.real, power.imag, float(spec.charges)
    q[c.P_MAX] = min(q[c.P_MAX], share)
    q[c.P_MIN] = -q[c.P_MAX] if spec.charges else max(q[c.P_MIN], -share)
    if spec.current_limit is not None:
        q[c.I_MAX] = spec.current_limit * share
    q[c.P_FIRST] = float(spec.current_priority == "active")
    size = abs(voltage)
    gain = c.low_voltage_gain(size, q)[0]
    active, reactive = power.real / size, power.imag / size
    u[[c.ANGLE, c.WASHED]] = math.atan2(voltage.imag, voltage.real)
    u[[c.LINE, c.REFERENCE, c.ORDER, c.SEEN, c.SEEN_LOW]] = leaving, power.real, power.real, size, size
    u[[c.ORDERED_Q, c.REACTIVE]] = reactive, reactive
    _require_free(name, spec, q, complex(active, reactive), size, gain)
    # What the converter's gain at low voltage and the voltage support take or add at the start is put back for good.
    u[c.ACTIVE] = active / gain
    q[c.P_OFFSET] = u[c.ACTIVE] - active
    resting = c.plant_slopes(u, q, 1.0, voltage, leaving)
    q[c.Q_OFFSET] = -resting[c.REACTIVE] / q[c.PER_TREG]
    return q, u


def _require_free(name: str, spec: BatteryPlantSpec, q: Array, current: complex, size: float, gain: float) -> None:
    """Refuse an operating point that a limit of the plant would move at once."""
    where = f"network: batteries.{name}"
    if gain <= 0.0 or not q[c.V_DIP] <= size <= q[c.V_UP] or size > q[c.V_HIGH]:
        raise InputError(
            f"{where}: the operating point of {size:.4g} pu lies outside the voltage in which {spec.type!r} controls: "
            f"{max(q[c.V_DIP], q[c.LV0]):g} to {min(q[c.V_UP], q[c.V_HIGH]):g} pu"
        )
    if abs(current) > q[c.I_MAX]:
        raise InputError(
            f"{where}: the operating point needs {abs(current):.4g} pu of current on the network's base, beyond the "
            f"limit of {q[c.I_MAX]:g} pu"
        )
    if current.imag < q[c.IQ_LEAST]:
        raise InputError(
            f"{where}: the operating point needs {current.imag:.4g} pu of reactive current, below {q[c.IQ_LEAST]:g} pu"
        )
