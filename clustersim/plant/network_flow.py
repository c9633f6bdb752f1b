"""Power flow of a network: admittances, and Newton's method in polar coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.plant.spec_parts.network import NetworkSpec

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

ITERATIONS = 50
"""Newton steps; a network that has a solution takes fewer than ten from a flat start."""
TOLERANCE = 1e-11
"""Largest mismatch of power. [pu]"""


@dataclass(frozen=True)
class PowerFlow:
    """Operating point of a network; powers on its base."""

    buses: tuple[str, ...]
    admittance: Complex
    """Of the branches. [pu], shape (buses, buses)"""
    voltage: Complex
    """[pu], shape (buses,)"""
    load: Complex
    """Power taken by the loads of each bus. [pu]"""
    generated: Complex
    """Power given by the machine or battery of each bus. [pu]"""


def admittances(network: NetworkSpec) -> Complex:
    """Return the bus admittance matrix of the branches. [pu], shape (buses, buses)"""
    place = {bus: i for i, bus in enumerate(network.buses)}
    y = np.zeros((len(place), len(place)), dtype=np.complex128)
    for branch in network.branches:
        i, j = (place[end] for end in branch.ends)
        series = branch.count / complex(branch.resistance, branch.reactance)
        shunt = 0.5j * branch.charging * branch.count
        y[i, i] += series + shunt
        y[j, j] += series + shunt
        y[i, j] -= series
        y[j, i] -= series
    return y


def bus_loads(network: NetworkSpec, model: str | None = None) -> Complex:
    """Return the power that the loads of each bus take, all of them or those of one model. [pu], shape (buses,)"""
    place = {bus: i for i, bus in enumerate(network.buses)}
    taken = np.zeros(len(place), dtype=np.complex128)
    for load in network.loads:
        if model is None or load.model == model:
            taken[place[load.bus]] += complex(load.active, load.reactive) / network.base
    return taken


def power_flow(network: NetworkSpec) -> PowerFlow:
    r"""Solve the power flow: every machine and battery holds its voltage, the slack machine balances.

    .. math:: S_i = V_i \sum_j Y_{ij}^* V_j^*

    Limits of reactive power are not watched.

    Raises
    ------
    InputError
        If there is no solution: the loads are more than the network can carry.
    """
    y, taken = admittances(network), bus_loads(network)
    place = {bus: i for i, bus in enumerate(network.buses)}
    scheduled = -taken
    magnitude = np.ones(len(place))
    held, slack = [], 0
    for machine in network.machines.values():
        i = place[machine.bus]
        magnitude[i] = machine.voltage
        held.append(i)
        if machine.slack:
            slack = i
        else:
            scheduled[i] += (machine.active or 0.0) / network.base
    for plant in network.batteries.values():
        i = place[plant.bus]
        magnitude[i] = plant.voltage
        held.append(i)
        scheduled[i] += plant.active / network.base
    angles = [i for i in range(len(place)) if i != slack]
    free = [i for i in range(len(place)) if i not in held]
    angle = np.zeros(len(place))
    for _ in range(ITERATIONS):
        v = magnitude * np.exp(1j * angle)
        power = v * np.conj(y @ v)
        wrong = scheduled - power
        mismatch = np.concatenate([wrong.real[angles], wrong.imag[free]])
        if np.abs(mismatch).max(initial=0.0) < TOLERANCE:
            return PowerFlow(tuple(network.buses), y, v, taken, power + taken)
        by_angle = 1j * np.diag(v) @ np.conj(np.diag(y @ v) - y @ np.diag(v))
        unit = np.diag(v / magnitude)
        by_size = np.diag(v) @ np.conj(y @ unit) + np.conj(np.diag(y @ v)) @ unit
        jacobian = np.block(
            [
                [by_angle.real[np.ix_(angles, angles)], by_size.real[np.ix_(angles, free)]],
                [by_angle.imag[np.ix_(free, angles)], by_size.imag[np.ix_(free, free)]],
            ]
        )
        try:
            change = np.linalg.solve(jacobian, mismatch)
        except np.linalg.LinAlgError:
            break
        angle[angles] += change[: len(angles)]
        magnitude[free] += change[len(angles) :]
        if not np.isfinite(change).all() or magnitude.min() <= 0.0:
            break
    worst = list(network.buses)[int(np.argmax(np.abs(np.nan_to_num(wrong, nan=np.inf))))]
    carried = float(taken.real.sum()) * network.base / 1e6
    raise InputError(
        f"network: the power flow has no solution with {carried:.6g} MW of load (largest mismatch at bus {worst!r}): "
        "the branches cannot carry it at the voltages that the machines hold"
    )
