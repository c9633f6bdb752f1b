"""Power at a meter over time, and its exact means."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MeterRecord:
    """Power that is constant between edges; time 0 is the local midnight at which `start` begins."""

    start: datetime.date
    edges_s: Array
    """Times at which the power changes, from 0 to the end; shape (spans + 1,). [s]"""
    watts: Array
    """Power bought, below zero while the site gives; shape (spans,). [W]"""
    power_factor: float = 1.0
    """Of the month: real over apparent power. [-]"""

    def __post_init__(self) -> None:
        """Check shapes and order."""
        if self.edges_s.size != self.watts.size + 1 or self.watts.size == 0:
            raise ValueError("expected one edge more than powers, and at least one power")
        if self.edges_s[0] != 0.0 or not np.all(np.diff(self.edges_s) > 0.0):
            raise ValueError("expected edges that begin at 0 and grow")
        if not 0.0 < self.power_factor <= 1.0:
            raise ValueError(f"expected a power factor above 0 and up to 1, got {self.power_factor:g}")

    @property
    def horizon_s(self) -> float:
        """End of the record. [s]"""
        return float(self.edges_s[-1])

    @property
    def energy_j(self) -> float:
        """Bought less given. [J]"""
        return float(self.watts @ np.diff(self.edges_s))

    def marks(self, step_s: float) -> Array:
        """Return the ends of the intervals of the clock within the record [s]; the last may be cut short."""
        count = math.ceil(round(self.horizon_s / step_s, 9))
        marks = np.arange(count + 1, dtype=np.float64) * step_s
        marks[-1] = self.horizon_s
        return np.asarray(marks, dtype=np.float64)

    def energies(self, marks: Array, part: str = "net") -> Array:
        """Return the energy between each two marks; shape (marks - 1,). [J]

        Exact for power that is constant between edges: the integral up to a mark is linear between edges.

        Parameters
        ----------
        marks : ndarray
            Increasing times within the record. [s]
        part : str
            ``net``, ``bought`` (power above zero) or ``given`` (power below zero, counted positive).
        """
        watts = {"net": self.watts, "bought": np.maximum(self.watts, 0.0), "given": np.maximum(-self.watts, 0.0)}[part]
        total = np.concatenate([[0.0], np.cumsum(watts * np.diff(self.edges_s))])
        return np.asarray(np.diff(np.interp(marks, self.edges_s, total)))

    def means(self, step_s: float) -> Array:
        """Return the mean net power over each interval of the clock; shape (intervals,). [W]"""
        marks = self.marks(step_s)
        return self.energies(marks) / np.diff(marks)


def constant(start: datetime.date, horizon_s: float, watts: float, power_factor: float = 1.0) -> MeterRecord:
    """Return the record of a flat load."""
    return MeterRecord(start, np.array([0.0, horizon_s]), np.array([watts]), power_factor)
