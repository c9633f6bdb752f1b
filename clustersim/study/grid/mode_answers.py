"""Modes of a site's grid with their answers to its power: from the catalog one by one, or from its network."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.plant.modes import GridMode, largest_excursion, mode_transfer, modes_of, settled_from
from clustersim.plant.network import network_model, read_network
from clustersim.plant.network_linear import (
    LinearNetwork,
    NetworkMode,
    forced_response,
    linearise,
    network_modes,
    transfer,
)
from clustersim.plant.spec import GridSpec

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ModeAnswers:
    """A mode with what a table needs of it: usual and worst answer at a frequency [Hz/W], and to the waveform."""

    name: str
    frequency_hz: float
    damping: float
    usual: Callable[[float], float]
    worst: Callable[[float], float]
    excursion: Callable[[], float]
    """Largest deviation under the whole waveform, usual. [Hz]"""
    worst_excursion: Callable[[Sequence[float]], float]
    """The same with the mode at the worst of some frequencies in its band, at its least damping. [Hz]"""


def catalog_answers(grid: GridSpec, load: Array, dt_s: float, inertia_scale: float) -> list[ModeAnswers]:
    """Return the catalog's modes of a site's interconnection, each answering alone."""
    return [_alone(mode, load, dt_s) for mode in modes_of(grid.system, inertia_scale)]


def _alone(mode: GridMode, load: Array, dt_s: float) -> ModeAnswers:
    return ModeAnswers(
        mode.name,
        mode.frequency_hz,
        mode.damping,
        usual=lambda f: float(np.abs(mode_transfer(mode, f))),
        worst=lambda f: float(np.abs(mode_transfer(mode.worst_for(f), f))),
        excursion=lambda: _largest([mode], load, dt_s),
        worst_excursion=lambda lines: _largest(_places(mode, lines), load, dt_s),
    )


def _places(mode: GridMode, lines: Sequence[float]) -> list[GridMode]:
    """Return a mode at its least damping: at its usual frequency, the ends of its band and the harmonics in it."""
    ends = (mode.frequency_hz, mode.low_hz or mode.frequency_hz, mode.high_hz or mode.frequency_hz)
    inside = [line for line in lines if ends[1] <= line <= ends[2]]
    return [mode.worst_for(frequency) for frequency in dict.fromkeys((*ends, *inside))]


def _largest(modes: Sequence[GridMode], load: Array, dt_s: float) -> float:
    return max(largest_excursion(mode, load, dt_s) for mode in modes)


def mode_problems(grids: Mapping[str, GridSpec]) -> list[str]:
    """Return one line for every grid, by its key, whose modes have no answer: no damping, no or an unstable power flow.

    Parameters
    ----------
    grids : mapping of str to GridSpec
        Grids of sites by their key in a file, such as ``electrical.memphis.grid``.
    """
    found = []
    for key, grid in grids.items():
        try:
            if grid.network is None:
                modes_of(grid.system)
            else:
                _linear(grid, 1.0)
        except InputError as error:
            found.append(f"{key}: {error}")
    return found


def network_answers(grid: GridSpec, load: Array, dt_s: float, inertia_scale: float) -> list[ModeAnswers]:
    """Return the electromechanical modes of a site's network; the answer is that of all of it, at its worst machine."""
    linear = _linear(grid, inertia_scale)
    modes = [mode for mode in network_modes(linear) if mode.mechanical]
    excursion = _excursion(linear, modes, load, dt_s)

    def answer(frequency: float) -> float:
        return float(np.abs(transfer(linear, frequency)).max())

    return [
        ModeAnswers(
            _named(mode), mode.frequency_hz, mode.damping, answer, answer, lambda: excursion, lambda _: excursion
        )
        for mode in modes
    ]


def _linear(grid: GridSpec, inertia_scale: float) -> LinearNetwork:
    """Return the network of a grid, linearised about its operating point, as its site's bus sees it."""
    network = read_network(grid.network) if isinstance(grid.network, str) else grid.network
    assert network is not None  # noqa: S101 (the caller has checked)
    bus = str(grid.network_bus)
    heavier = {
        name: m.model_copy(update={"inertia": m.inertia * inertia_scale}) for name, m in network.machines.items()
    }
    return linearise(network_model(network.model_copy(update={"machines": heavier}), (bus,)), bus)


def _named(mode: NetworkMode) -> str:
    """Name a mode after the machines that swing furthest against each other."""
    swings = (mode.shape / mode.shape[np.abs(mode.shape).argmax()]).real
    return f"{mode.machines[int(swings.argmax())]} against {mode.machines[int(swings.argmin())]}"


def _excursion(linear: LinearNetwork, modes: list[NetworkMode], load: Array, dt_s: float) -> float:
    """Return the largest deviation of a machine under a load, once the start from rest is forgotten. [Hz]"""
    slowest = min((-mode.eigenvalue.real for mode in modes), default=math.inf)
    moved = np.abs(forced_response(linear, load - load.mean(), dt_s))
    return float(moved[settled_from(slowest, load.size, dt_s) :].max())
