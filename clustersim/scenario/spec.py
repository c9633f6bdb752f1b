"""The record of a resolved scenario."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from clustersim.economics.spec import EconomicsSpec
from clustersim.limits.spec import LimitsSpec
from clustersim.operation.spec import OperationSpec
from clustersim.plant.records import Mode
from clustersim.power.spec import DampingStrategy, SiteBattery
from clustersim.scenario.topology import Provenance, TopologySpec
from clustersim.spec import Spec
from clustersim.workload.spec import JobSpec


class PlantModeSpec(Spec):
    """Section `plant`: how the site is supplied."""

    mode: Mode = "grid_parallel"
    """`grid_parallel`, or `island`: the on-site generators and battery alone."""


class Scenario(Spec):
    """A job on a place, with damping, horizon and rules: everything that a run needs."""

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    title: str
    topology: TopologySpec
    seed: int = Field(default=1, ge=0)
    job: JobSpec
    damping: tuple[DampingStrategy, ...] = ()
    """Strategies that act together, at most one of each kind; none when empty."""
    operation: OperationSpec = OperationSpec()
    plant: PlantModeSpec = PlantModeSpec()
    limits: LimitsSpec = LimitsSpec()
    economics: EconomicsSpec = EconomicsSpec()
    provenance: dict[str, Provenance] = Field(default_factory=dict)
    """Key path of a value of this file -> its source."""

    @model_validator(mode="after")
    def _damping_possible(self) -> Self:
        kinds = [strategy.kind for strategy in self.damping]
        for kind in set(kinds):
            if kinds.count(kind) > 1:
                raise ValueError(f"damping: {kind} is given {kinds.count(kind)} times; give each strategy once")
        if any(isinstance(strategy, SiteBattery) for strategy in self.damping):
            without = self._sites_without("battery")
            if without:
                raise ValueError(
                    f"damping: site_battery needs a battery at every site; electrical.{without[0]} has none"
                )
        if self.plant.mode == "island":
            without = self._sites_without("generators")
            if without:
                raise ValueError(f"plant.mode: island needs generators at every site; electrical.{without[0]} has none")
        return self

    def _sites_without(self, equipment: str) -> list[str]:
        plants = self.topology.electrical
        return [name for name in self.topology.site if getattr(plants.get(name), equipment, None) is None]
