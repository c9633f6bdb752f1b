"""Governors of one group of units: their parameters, their rows for the compiled bus, their states at rest."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from clustersim.catalog.records import Entry
from clustersim.errors import InputError
from clustersim.plant import governor_kernels as k

Floats = NDArray[np.float64]
UNBOUNDED = math.inf


def per(seconds: float, name: str) -> float:
    """Reciprocal of a time constant that must be above zero. [1/s]

    Raises
    ------
    InputError
        If it is not.
    """
    if not seconds > 0.0:
        raise InputError(f"{name}: expected a time constant above 0 s, got {seconds:g} s")
    return 1.0 / seconds


def per_or_none(seconds: float) -> float:
    """Reciprocal of a time constant, or 0, by which a kernel knows that the block is left out. [1/s]"""
    return 1.0 / seconds if seconds > 0.0 else 0.0


@dataclass(frozen=True)
class Governor(ABC):
    """Mechanical power in answer to speed, per unit of the group's rated power; times in seconds.

    Symbols are those of the model libraries. Every governor is at rest at nominal speed with its reference equal to the
    power that it makes.
    """

    @property
    @abstractmethod
    def code(self) -> int:
        """Code of the compiled model."""

    @property
    def states(self) -> int:
        """Number of states."""
        return k.STATES[self.code]

    @property
    def most(self) -> float:
        """Largest mechanical power that can be kept up. [pu]"""
        return UNBOUNDED

    @property
    def answers(self) -> bool:
        """Whether the power answers the speed at all."""
        return True

    @abstractmethod
    def fill(self, row: Floats) -> None:
        """Write the parameters into the group's row."""

    @abstractmethod
    def start(self, power: float) -> list[float]:
        """Return the states at rest at `power`. [pu]"""

    def limits(self) -> tuple[list[float], list[float]]:
        """Return the least and the largest value of each state."""
        return [-UNBOUNDED] * self.states, [UNBOUNDED] * self.states


def optional(found: Entry, name: str, default: float = 0.0) -> float:
    """Return a figure of an entry that the libraries leave out where the block is not used."""
    return found.si(name) if found.has(name) else default


@dataclass(frozen=True)
class ReadGovernor(Governor):
    """A governor that says by itself how it is read; a module of `clustersim.plant.governor_models` defines it."""

    model: ClassVar[str]
    """Name that entries of catalog kind ``governors`` give as `model`."""

    @classmethod
    @abstractmethod
    def read(cls, found: Entry) -> Governor:
        """Return the governor of a catalog entry."""


@dataclass(frozen=True)
class Constant(Governor):
    """Constant mechanical power."""

    @property
    def code(self) -> int:
        """Code of the compiled model."""
        return k.NONE

    @property
    def answers(self) -> bool:
        """Whether the power answers the speed at all."""
        return False

    def fill(self, row: Floats) -> None:
        """Write the parameters into the group's row."""
        row[k.CODE] = self.code

    def start(self, power: float) -> list[float]:  # noqa: ARG002
        """Return the states at rest at `power`. [pu]"""
        return []


@dataclass(frozen=True)
class Lag(Governor):
    """One first-order lag for a whole interconnection: T dx/dt = -w/R - x, Pm = ref + x."""

    droop: float
    time_s: float
    deadband: float = 0.0

    @property
    def code(self) -> int:
        """Code of the compiled model."""
        return k.LAG

    def fill(self, row: Floats) -> None:
        """Write the parameters into the group's row."""
        row[k.CODE], row[k.PER_DROOP], row[k.BAND] = self.code, 1.0 / self.droop, self.deadband
        row[k.PER_T1] = per(self.time_s, "response_time")

    def start(self, power: float) -> list[float]:  # noqa: ARG002
        """Return the states at rest at `power`. [pu]"""
        return [0.0]


@dataclass(frozen=True)
class Gast(Governor):
    """Gas turbine GAST."""

    droop: float
    t1_s: float
    t2_s: float
    t3_s: float
    ambient: float
    """Load limit by exhaust temperature, AT. [pu]"""
    kt: float
    """Gain of the temperature limiter. [-]"""
    vmax: float
    vmin: float
    shaft: float = 0.0
    """Shaft damping Dt. [pu/pu]"""
    deadband: float = 0.0

    @property
    def code(self) -> int:
        """Code of the compiled model."""
        return k.GAST

    @property
    def most(self) -> float:
        """Largest mechanical power that can be kept up. [pu]"""
        return min(self.ambient, self.vmax)

    def fill(self, row: Floats) -> None:
        """Write the parameters into the group's row."""
        row[k.CODE], row[k.PER_DROOP], row[k.BAND] = self.code, 1.0 / self.droop, self.deadband
        row[k.PER_T1], row[k.PER_T2], row[k.PER_T3] = per(self.t1_s, "T1"), per(self.t2_s, "T2"), per(self.t3_s, "T3")
        row[k.AMBIENT], row[k.KT], row[k.SHAFT] = self.ambient, self.kt, self.shaft

    def start(self, power: float) -> list[float]:
        """Return the states at rest at `power`. [pu]"""
        return [power] * 3

    def limits(self) -> tuple[list[float], list[float]]:
        """Return the least and the largest value of each state."""
        return [self.vmin, -UNBOUNDED, -UNBOUNDED], [self.vmax, UNBOUNDED, UNBOUNDED]


@dataclass(frozen=True)
class Tgov1(Governor):
    """Steam turbine TGOV1 in the form whose reference is a power (ANDES's TGOV1N and TGOV1NDB)."""

    droop: float
    t1_s: float
    t2_s: float
    t3_s: float
    vmax: float
    vmin: float
    shaft: float = 0.0
    deadband: float = 0.0
    """Speed deviation without answer. [pu]"""

    @property
    def code(self) -> int:
        """Code of the compiled model."""
        return k.TGOV1

    @property
    def most(self) -> float:
        """Largest mechanical power that can be kept up. [pu]"""
        return self.vmax

    def fill(self, row: Floats) -> None:
        """Write the parameters into the group's row."""
        row[k.CODE], row[k.PER_DROOP], row[k.BAND] = self.code, 1.0 / self.droop, self.deadband
        row[k.PER_T1], row[k.PER_T2] = per(self.t1_s, "T1"), per(self.t3_s, "T3")
        row[k.LEAD], row[k.SHAFT] = self.t2_s / self.t3_s, self.shaft

    def start(self, power: float) -> list[float]:
        """Return the states at rest at `power`. [pu]"""
        return [power] * 2

    def limits(self) -> tuple[list[float], list[float]]:
        """Return the least and the largest value of each state."""
        return [self.vmin, -UNBOUNDED], [self.vmax, UNBOUNDED]


@dataclass(frozen=True)
class Ieeeg1(Governor):
    """Steam turbine IEEEG1 with one shaft: the eight fractions are normalised to a sum of one."""

    gain: float
    t1_s: float
    t2_s: float
    t3_s: float
    opening: float
    """Fastest opening Uo. [pu/s]"""
    closing: float
    """Fastest closing Uc, below zero. [pu/s]"""
    pmax: float
    pmin: float
    stages_s: tuple[float, float, float, float]
    """T4 to T7; 0 leaves a stage out."""
    fractions: tuple[float, float, float, float]
    """K1 + K2, K3 + K4, K5 + K6, K7 + K8."""
    deadband: float = 0.0

    @property
    def code(self) -> int:
        """Code of the compiled model."""
        return k.IEEEG1

    @property
    def most(self) -> float:
        """Largest mechanical power that can be kept up. [pu]"""
        return self.pmax

    def fill(self, row: Floats) -> None:
        """Write the parameters into the group's row."""
        row[k.CODE], row[k.BAND], row[k.I_GAIN] = self.code, self.deadband, self.gain
        row[k.I_PER_T1], row[k.I_PER_T3] = per_or_none(self.t1_s), per(self.t3_s, "T3")
        row[k.I_LEAD] = self.t2_s * row[k.I_PER_T1]
        row[k.I_PER_T4 : k.I_PER_T4 + 4] = [per_or_none(t) for t in self.stages_s]
        row[k.I_K1 : k.I_K1 + 4] = np.array(self.fractions) / math.fsum(self.fractions)
        row[k.UP], row[k.DOWN] = min(row[k.UP], self.opening), min(row[k.DOWN], -self.closing)

    def start(self, power: float) -> list[float]:
        """Return the states at rest at `power`. [pu]"""
        return [0.0] + [power] * 5

    def limits(self) -> tuple[list[float], list[float]]:
        """Return the least and the largest value of each state."""
        free = [UNBOUNDED] * 4
        return [-UNBOUNDED, self.pmin, *(-x for x in free)], [UNBOUNDED, self.pmax, *free]
