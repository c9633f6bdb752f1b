"""What an element of damping did to a waveform: energies, what it could not do, swing, ramps and wear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from clustersim.power.store_kernels import swing_and_ramps

Floats = NDArray[np.float64]
Level = Literal["rank", "node", "rack", "site"]
LEVELS: tuple[Level, ...] = ("rank", "node", "rack", "site")
RAMP_S = 1.0
"""Ramps are ``(P(t + 1 s) - P(t)) / 1 s``, as in the summary of a run. [s]"""


@dataclass(frozen=True)
class Shape:
    """Swing and steepest ramps of a waveform."""

    peak_to_peak_w: float
    ramp_up_w_per_s: float
    ramp_down_w_per_s: float


def shape(power_w: Floats, dt_s: float) -> Shape:
    """Return swing and ramps of bin means; a record shorter than 1 s is compared over its own length.

    Parameters
    ----------
    power_w : ndarray, shape (n,)
        Bin means. [W]
    dt_s : float
        Width of a bin. [s]
    """
    lag = min(max(1, round(RAMP_S / dt_s)), max(power_w.size - 1, 1))
    swing, up, down = swing_and_ramps(np.ascontiguousarray(power_w, dtype=np.float64), lag)
    return Shape(swing, up / (lag * dt_s), down / (lag * dt_s))


@dataclass(frozen=True)
class Store:
    """What one store of energy did."""

    name: str
    capacity_j: float
    initial_j: float
    stored_j: Floats
    """Stored energy at the end of each bin. [J]"""
    charged_j: float
    """Energy taken in at the terminals. [J]"""
    discharged_j: float
    """Energy given out at the terminals. [J]"""
    loss_j: float

    @property
    def throughput_j(self) -> float:
        """Energy through the terminals in either direction. [J]"""
        return self.charged_j + self.discharged_j

    @property
    def full_cycles(self) -> float:
        """Equivalent full cycles: energy through the terminals over twice the capacity. [-]"""
        return self.throughput_j / (2.0 * self.capacity_j) if self.capacity_j else 0.0


@dataclass(frozen=True)
class Report:
    """Account of one element over one waveform.

    ``energy_out = energy_in + burned + loss + stored - cut`` exactly; `residual_j` is what rounding leaves of it.
    """

    name: str
    level: Level
    energy_in_j: float
    energy_out_j: float
    burned_j: float
    """Turned into heat on purpose, to hold power up. [J]"""
    loss_j: float
    """Lost in conversion. [J]"""
    stored_change_j: float
    """Stored at the end less at the start. [J]"""
    cut_j: float
    """Asked for by the load and refused: work that the job loses. [J]"""
    missed_j: float
    """Asked of the element and not done, for want of power or energy: smoothing that is missing. [J]"""
    before: Shape
    after: Shape
    stores: tuple[Store, ...] = ()
    active_s: float = 0.0
    """Time in which power was burned or cut. [s]"""

    @property
    def residual_j(self) -> float:
        """What is missing in the account of energy. [J]"""
        made = self.energy_in_j + self.burned_j + self.loss_j + self.stored_change_j - self.cut_j
        return self.energy_out_j - made

    @property
    def overhead(self) -> float:
        """Energy that the element costs, over the energy that came in: burned and lost. [-]"""
        return (self.burned_j + self.loss_j) / self.energy_in_j


@dataclass(frozen=True)
class Damped:
    """A waveform behind an element."""

    power_w: Floats
    """Bin means. [W]"""
    report: Report


class Element(Protocol):
    """Anything that acts on a waveform at one place of the electrical tree."""

    @property
    def name(self) -> str:
        """What it is called in reports."""
        ...

    @property
    def level(self) -> Level:
        """Where it acts."""
        ...

    def apply(self, power_w: Floats, dt_s: float) -> Damped:
        """Return the waveform behind the element, with the account."""
        ...
