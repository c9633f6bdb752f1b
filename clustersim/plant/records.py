"""How the plant answers a waveform."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.plant.spec_parts.study import Mode


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
    """Battery output answering frequency; positive when it discharges. [W]"""
    state_of_charge: NDArray[np.float64]
    """Of the battery. [-]"""
    initial_rocof_hz_per_s: float
    """Rate of change of frequency right after the largest load step, by the swing equation. [Hz/s]"""
    warnings: tuple[str, ...] = ()
