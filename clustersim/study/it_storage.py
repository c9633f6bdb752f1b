"""Storage in supplies and racks: what the power of the halls looks like above it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clustersim.power.chain import DampingChain
from clustersim.power.damped import Element, Floats, Level, Report
from clustersim.power.spec import PsuStorage, RackStorage
from clustersim.power.stores import psu_storage, rack_storage
from clustersim.study.step import StepStudy


def it_chain(
    study: StepStudy, accelerators: float, initial_w: float | None = None, levels: tuple[Level, ...] = ("node", "rack")
) -> DampingChain:
    """Return the storage of the scenario in the supplies and racks of so many accelerators.

    Parameters
    ----------
    study : StepStudy
        Its scenario says which storage there is.
    accelerators : float
        How many share it; their servers and racks act together.
    initial_w : float, optional
        Power at which the storage had settled before; the mean of the waveform when absent. [W]
    levels : tuple
        Where storage is counted.

    Raises
    ------
    CatalogError
        If the catalog has no such rack storage.
    """
    elements: list[Element] = []
    for strategy in study.scenario.damping:
        if isinstance(strategy, PsuStorage):
            elements.append(psu_storage(strategy, accelerators, initial_w))
        elif isinstance(strategy, RackStorage):
            elements.append(rack_storage(strategy, accelerators, initial_w))
    # the file may name them in any order; power passes the supplies first
    return DampingChain(tuple(sorted((e for e in elements if e.level in levels), key=lambda e: levels.index(e.level))))


def behind_it_storage(
    study: StepStudy,
    halls_w: NDArray[np.float64],
    dt_s: float,
    accelerators: NDArray[np.float64],
    initial_w: NDArray[np.float64] | None,
) -> tuple[Floats, tuple[tuple[Report, ...], ...]]:
    """Return the power of the halls above supplies and racks, and by hall the account of each storage.

    Parameters
    ----------
    halls_w : ndarray, shape (halls, samples)
        At the input of the supplies without storage. [W]
    accelerators : ndarray, shape (halls,)
        How many there are in each.
    initial_w : ndarray, shape (halls,), optional
        Power at which the storage of each had settled before. [W]
    """
    reports: list[tuple[Report, ...]] = []
    above = np.empty_like(halls_w)
    for hall, power in enumerate(halls_w):
        start = None if initial_w is None else float(initial_w[hall])
        found = it_chain(study, float(accelerators[hall]), start).apply(power, dt_s)
        above[hall] = found.power_w
        reports.append(found.reports)
    return above, tuple(reports)


def has_it_storage(study: StepStudy) -> bool:
    """Whether the scenario asks for storage in supplies or racks."""
    return any(isinstance(strategy, (PsuStorage, RackStorage)) for strategy in study.scenario.damping)
