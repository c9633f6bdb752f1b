"""Hydro turbine HYGOV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from clustersim.catalog.records import Entry
from clustersim.plant import governor_kernels as k
from clustersim.plant.governors import UNBOUNDED, Floats, ReadGovernor, optional, per


@dataclass(frozen=True)
class Hygov(ReadGovernor):
    """Hydro turbine HYGOV, with water column."""

    model: ClassVar[str] = "HYGOV"

    droop: float
    temporary: float
    tr_s: float
    tf_s: float
    tg_s: float
    tw_s: float
    turbine_gain: float
    no_load_flow: float
    velocity: float
    gmax: float
    gmin: float
    shaft: float = 0.0
    deadband: float = 0.0

    @property
    def code(self) -> int:
        """Code of the compiled model."""
        return k.HYGOV

    @property
    def most(self) -> float:
        """Largest mechanical power that can be kept up. [pu]"""
        return self.turbine_gain * (self.gmax - self.no_load_flow)

    def fill(self, row: Floats) -> None:
        """Write the parameters into the group's row."""
        row[k.CODE], row[k.PER_DROOP], row[k.BAND] = self.code, 1.0 / self.droop, self.deadband
        row[k.H_TEMPORARY], row[k.H_PER_TR], row[k.H_PER_TF] = (
            self.temporary,
            per(self.tr_s, "Tr"),
            per(self.tf_s, "Tf"),
        )
        row[k.H_PER_TG], row[k.H_PER_TW] = per(self.tg_s, "Tg"), per(self.tw_s, "Tw")
        row[k.H_GAIN], row[k.H_NO_LOAD], row[k.H_VELOCITY] = self.turbine_gain, self.no_load_flow, self.velocity
        row[k.SHAFT] = self.shaft

    def start(self, power: float) -> list[float]:
        """Return the states at rest at `power`. [pu]"""
        flow = power / self.turbine_gain + self.no_load_flow
        return [0.0, flow, flow, flow]

    def limits(self) -> tuple[list[float], list[float]]:
        """Return the least and the largest value of each state."""
        free = UNBOUNDED
        return [-free, self.gmin, -free, -free], [free, self.gmax, free, free]

    @classmethod
    def read(cls, found: Entry) -> Hygov:
        """Return the governor of a catalog entry, whose figures have the symbols of the model."""
        return cls(
            droop=found.si("R"),
            temporary=found.si("r"),
            tr_s=found.si("Tr"),
            tf_s=found.si("Tf"),
            tg_s=found.si("Tg"),
            tw_s=found.si("Tw"),
            turbine_gain=found.si("At"),
            no_load_flow=found.si("qNL"),
            velocity=found.si("VELM"),
            gmax=found.si("GMAX"),
            gmin=found.si("GMIN"),
            shaft=optional(found, "Dturb"),
            deadband=optional(found, "deadband"),
        )
