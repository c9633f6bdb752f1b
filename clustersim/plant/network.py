"""Synchronous machines on a network: operating point, and their answer to loads in time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError

from clustersim.errors import InputError, nearest, problem_text
from clustersim.plant import converter_kernels
from clustersim.plant import network_kernels as k
from clustersim.plant.network_flow import PowerFlow, bus_loads, power_flow
from clustersim.plant.network_start import machine_start
from clustersim.plant.plant_controller import Plants, battery_plants
from clustersim.plant.spec_parts.network import (
    NETWORKS,
    LoadModel,
    NetworkSpec,
    shipped_networks,
)

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

LONGEST_STEP_S = 2.5e-3
"""Longest integration step: a tenth of the shortest time constant of the reference cases. [s]"""
SPEED_BAND_PU = 0.5
"""Speed deviation at which integration stops. [pu]"""


@dataclass(frozen=True)
class NetworkModel:
    """A network with its machines at an operating point, ready for the compiled equations."""

    network: NetworkSpec
    flow: PowerFlow
    start: Array
    """States of the machines. shape (machines, 14)"""
    parameters: Array
    impedance: Complex
    """Of the network with the machines' subtransient admittances and the impedance loads. shape (buses, buses)"""
    machine_buses: NDArray[np.int64]
    load_buses: NDArray[np.int64]
    """Buses of constant-power loads, of the loads that a study varies and of battery plants."""
    constant: Complex
    """Power of the constant-power loads at `load_buses`. [pu]"""
    plants: Plants | None = None
    """Battery plants; none where the network has no batteries."""

    @property
    def angular_frequency(self) -> float:
        """Nominal angular frequency. [rad/s]"""
        return 2.0 * math.pi * self.network.frequency

    @property
    def load_voltage(self) -> Complex:
        """Voltage of `load_buses` at the operating point. [pu]"""
        return self.flow.voltage[self.load_buses]

    def load_place(self, bus: str) -> int:
        """Return the position of a bus in `load_buses`.

        Raises
        ------
        InputError
            If the model was not built with that bus.
        """
        names = [self.flow.buses[i] for i in self.load_buses]
        if bus not in names:
            raise InputError(f"network: bus {bus!r} has no load that could vary{nearest(bus, names)}")
        return names.index(bus)


@dataclass(frozen=True)
class NetworkTrace:
    """Answer of a network to loads; one row per bin, values at its start."""

    machines: tuple[str, ...]
    buses: tuple[str, ...]
    frequency_hz: Array
    """Of each machine's rotor. [Hz], shape (bins, machines)"""
    mechanical_w: Array
    electrical_w: Array
    """Torques times nominal speed. [W], shape (bins, machines)"""
    voltage_pu: Array
    """[pu], shape (bins, buses)"""
    batteries: tuple[str, ...] = ()
    battery_va: Complex = field(default_factory=lambda: np.empty((0, 0), dtype=np.complex128))
    """Complex power that each battery plant gives. [VA], shape (bins, batteries)"""


def read_network(name: str | Path) -> NetworkSpec:
    """Return a shipped network by its name, or one from a YAML file.

    Raises
    ------
    InputError
        If there is no such network, or the file does not hold one.
    """
    shipped = shipped_networks()
    path = NETWORKS / f"{name}.yaml" if str(name) in shipped else Path(name)
    if not path.is_file():
        raise InputError(
            f"network: expected {', '.join(shipped)} or a file, found {str(name)!r}{nearest(str(name), shipped)}"
        )
    try:
        return NetworkSpec.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {error}") from None
    except ValidationError as error:
        raise InputError(f"{path}: {'; '.join(map(problem_text, error.errors()))}") from None


def network_model(network: NetworkSpec, varied: tuple[str, ...] = ()) -> NetworkModel:
    """Solve the power flow and initialise every machine so that nothing moves.

    Parameters
    ----------
    network : NetworkSpec
        The network.
    varied : tuple of str, optional
        Buses at which a study adds constant power.

    Raises
    ------
    InputError
        If the power flow has no solution, a bus is unknown, or a machine starts beyond a limit of its controls.
    """
    flow = power_flow(network)
    place = {bus: i for i, bus in enumerate(flow.buses)}
    for bus in varied:
        if bus not in place:
            raise InputError(f"network: unknown bus {bus!r}{nearest(bus, place)}")
    held = bus_loads(network, "constant_power")
    answering = {*varied, *(plant.bus for plant in network.batteries.values())}
    loads = [i for i in range(len(place)) if held[i] != 0.0 or flow.buses[i] in answering]
    y = flow.admittance.copy()
    y[np.diag_indices_from(y)] += np.conj(flow.load - held) / np.abs(flow.voltage) ** 2
    rows, starts = [], []
    for name, machine in network.machines.items():
        i = place[machine.bus]
        row, start = machine_start(name, machine, network.base, complex(flow.voltage[i]), complex(flow.generated[i]))
        y[i, i] += 1.0 / complex(row[k.RA], row[k.XDD])
        rows.append(row)
        starts.append(start)
    return NetworkModel(
        network,
        flow,
        np.array(starts),
        np.array(rows),
        np.ascontiguousarray(np.linalg.inv(y)),
        np.array([place[m.bus] for m in network.machines.values()], dtype=np.int64),
        np.array(loads, dtype=np.int64),
        held[loads],
        battery_plants(network, flow, loads) if network.batteries else None,
    )


def run_network(
    model: NetworkModel, added_va: Mapping[str, ArrayLike], dt_s: float, added_model: LoadModel = "constant_power"
) -> NetworkTrace:
    r"""Integrate a network under piecewise-constant loads.

    Round-rotor machine (GENROU, without saturation and with the flux independent of speed), on each axis

    .. math::
        2H\dot\omega &= T_m - T_e - D(\omega - 1), \qquad \dot\delta = \omega_0(\omega - 1)

        T'_{d0}\dot e'_q &= v_f - e'_q - (x_d - x'_d)(\gamma_{d1} i_d - \gamma_{d2}(e''_d - e'_q))

        T''_{d0}\dot e''_d &= e'_q - e''_d - (x'_d - x_l) i_d

    with :math:`\gamma_{d1} = (x'' - x_l)/(x'_d - x_l)`, :math:`\gamma_{d2} = (x'_d - x'')/(x'_d - x_l)^2`, the
    quadrature axis alike, and the network :math:`YV = I` solved in every stage.

    Parameters
    ----------
    model : NetworkModel
        Built with the buses of `added_va` as `varied`.
    added_va : mapping of str to array_like of complex, shape (bins,)
        Load added at each bus beyond its loads, active and j reactive. [VA]
    dt_s : float
        Length of a bin. [s]
    added_model : {"constant_power", "constant_impedance"}, optional
        Whether what is added keeps its power, or is an impedance that takes that power at 1 pu voltage.

    Returns
    -------
    NetworkTrace

    Raises
    ------
    InputError
        If the network loses its operating point or a machine's speed leaves the model; time and machine are named.
    ValueError
        If no load is given, or the arrays differ in length.

    Notes
    -----
    Kundur, Power System Stability and Control (1994), chapters 3, 4 and 12; the equations as in PSS/E's model library.
    Torques are in per unit of nominal speed: powers are torques times nominal speed.
    """
    base = model.network.base
    series = {bus: np.atleast_1d(np.asarray(values, dtype=np.complex128)) for bus, values in added_va.items()}
    if not series or len({values.shape for values in series.values()}) != 1:
        raise ValueError("expected the added load of at least one bus, all of one length")
    bins = next(iter(series.values())).size
    taken = np.tile(model.constant, (bins, 1))
    shunt = np.zeros_like(taken)
    for bus, values in series.items():
        place = model.load_place(bus)
        if added_model == "constant_power":
            taken[:, place] += values / base
        else:
            shunt[:, place] += np.conj(values) / base
    speed, mechanical, electric, voltage, given, valid, why = _integrate(model, taken, shunt, dt_s)
    machines = tuple(model.network.machines)
    if why:
        what = (
            "the network has no operating point"
            if why < 0
            else f"the speed of machine {machines[why - 1]!r} left the model"
        )
        raise InputError(f"network: {what} at t = {valid * dt_s:.6g} s")
    return NetworkTrace(
        machines,
        model.flow.buses,
        model.network.frequency * (1.0 + speed),
        mechanical * base,
        electric * base,
        voltage,
        () if model.plants is None else model.plants.names,
        given * base,
    )


def _integrate(
    model: NetworkModel, taken: Complex, shunt: Complex, dt_s: float
) -> tuple[Array, Array, Array, Array, Complex, int, int]:
    """Integrate a model with or without battery plants; as :func:`converter_kernels.integrate_plants`."""
    substeps = max(1, math.ceil(dt_s / LONGEST_STEP_S - 1e-9))
    w0, z, generators, loads = model.angular_frequency, model.impedance, model.machine_buses, model.load_buses
    start, p, seen = model.start, model.parameters, model.load_voltage
    if model.plants is None:
        speed, mechanical, electric, voltage, valid, why = k.integrate_network(
            start, p, w0, z, generators, loads, taken, shunt, seen, dt_s, substeps, SPEED_BAND_PU
        )
        none = np.empty((taken.shape[0], 0), dtype=np.complex128)
        return speed, mechanical, electric, voltage, none, valid, why
    own = model.plants
    return converter_kernels.integrate_plants(
        start, p, own.start, own.parameters, w0, z, generators, loads, own.places, own.far, own.branch,
        taken, shunt, seen, dt_s, substeps, SPEED_BAND_PU,
    )  # fmt: skip
