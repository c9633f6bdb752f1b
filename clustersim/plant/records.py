"""How the plant answers a waveform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clustersim.plant.spec_parts.study import Mode


@dataclass(frozen=True)
class PlantEvent:
    """Something that happens to the machines or the battery of an island within a window."""

    time_s: float
    """On the clock of the window. [s]"""
    kind: Literal["unit_trip", "set_point", "battery_trip"]
    group: int = 0
    """Number of the group of generators."""
    units: int = 1
    """How many units a `unit_trip` takes away, with their inertia and power."""
    power_w: float = 0.0
    """By how much a `set_point` raises the group's reference. [W]"""


@dataclass(frozen=True)
class PlantResponse:
    """Response of one site's plant on a fixed clock; all arrays have the same length."""

    site: str
    window: str
    mode: Mode
    t0_s: float
    dt_s: float
    load_w: NDArray[np.float64]
    """Power that the site takes from its sources (after the site battery's smoothing). [W]"""
    frequency_hz: NDArray[np.float64]
    voltage_pu: NDArray[np.float64]
    """Voltage at the point of interconnection (grid) or at the island bus. [pu]"""
    grid_w: NDArray[np.float64]
    """Import from the grid; zero in an island. [W]"""
    generator_w: NDArray[np.float64]
    """Electrical output of the on-site generators together. [W]"""
    battery_w: NDArray[np.float64]
    """Output of battery and flywheels answering frequency; positive when they discharge. [W]"""
    state_of_charge: NDArray[np.float64]
    """Of the battery; with what smoothing the meter took of it where a study has that battery smooth. [-]"""
    initial_rocof_hz_per_s: float
    """Rate of change of frequency right after the largest load step, by the swing equation. [Hz/s]"""
    warnings: tuple[str, ...] = ()
    group_w: tuple[NDArray[np.float64], ...] = ()
    """Electrical output of each group of generators in an island. [W]"""
    machine_loss_w: float = 0.0
    """What synchronous condensers and flywheels draw beside the load. [W]"""
