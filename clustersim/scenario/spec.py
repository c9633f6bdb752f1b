"""The record of a resolved scenario."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from clustersim.economics.spec import EconomicsSpec
from clustersim.limits.spec import LimitsSpec
from clustersim.operation.spec import OperationSpec
from clustersim.plant.spec import PlantModeSpec
from clustersim.power.spec import (
    DampingStrategy,
    HybridStorage,
    MeasuredLoad,
    MeterStrategy,
    SiteBattery,
    require_each_once,
)
from clustersim.scenario.expectations import Expectation
from clustersim.scenario.grid_events import impossible_events
from clustersim.scenario.topology import Provenance, TopologySpec
from clustersim.spec import Spec
from clustersim.units import Ratio, Time
from clustersim.workload.spec import JobSpec


class SiteScenario(Spec):
    """What every scenario says of its place, whatever loads it."""

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    """Name of the scenario, as of its file; results are kept under it."""
    title: str
    """What it is, in a line."""
    topology: TopologySpec
    seed: int = Field(default=1, ge=0)
    """Of every random stream of a run, failures and jitter among them."""
    damping: tuple[DampingStrategy, ...] = ()
    """Strategies that act together, at most one of each kind; none when empty."""
    plant: PlantModeSpec = PlantModeSpec()
    limits: LimitsSpec = LimitsSpec()
    economics: EconomicsSpec = EconomicsSpec()
    expect: tuple[Expectation, ...] = ()
    """What is public about answers of this scenario. It changes none of them, and yet belongs to the identity of a run,
    as `title` and `provenance` do: the result holds the comparison, and one identity means one result."""
    provenance: dict[str, Provenance] = Field(default_factory=dict)
    """Key path of a value of this file -> its source."""

    @property
    def loaded_sites(self) -> tuple[str, ...]:
        """Sites that the scenario looks at."""
        return tuple(self.topology.site)

    @model_validator(mode="after")
    def _damping_possible(self) -> Self:
        require_each_once([strategy.kind for strategy in self.damping])
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

    @model_validator(mode="after")
    def _events_possible(self) -> Self:
        problems = impossible_events(self.plant, self.topology.electrical, self.horizon_s)
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def horizon_s(self) -> float | None:
        """Time in which events may happen; None where no job runs. [s]"""
        return None

    def _sites_without(self, equipment: str) -> list[str]:
        plants = self.topology.electrical
        return [name for name in self.loaded_sites if not getattr(plants.get(name), equipment, None)]


class Scenario(SiteScenario):
    """A job on a place, with damping, horizon and rules: everything that a run needs."""

    job: JobSpec
    operation: OperationSpec = OperationSpec()

    @property
    def horizon_s(self) -> float | None:
        """Time in which events may happen. [s]"""
        return self.operation.horizon


class LoadSpec(Spec):
    """Section `load`: a measured load in place of a job."""

    kind: Literal["measured_load"]
    """Says that the load is measured."""
    file: str
    """Load record, as `clustersim fit-power` writes it; its path from the folder of the scenario."""
    site: str
    """Site whose IT power it is."""
    units: int = Field(default=1, ge=1)
    """Number of loads like the one of the record."""
    coherence: Ratio = Field(default=1.0, ge=0, le=1)
    """Pairwise correlation of their fluctuations."""
    horizon: Time = Field(default=30 * 86400.0, gt=0)
    """Time for which the load goes on without a stop: of energy, wear and cost. [s]"""
    record: MeasuredLoad
    """What is in the file."""


class LoadScenario(SiteScenario):
    """A measured load on one site of a place; no job is simulated."""

    load: LoadSpec

    @property
    def loaded_sites(self) -> tuple[str, ...]:
        """The site of the load."""
        return (self.load.site,)

    @field_validator("load")
    @classmethod
    def _site_known(cls, load: LoadSpec, info: ValidationInfo) -> LoadSpec:
        topology = info.data.get("topology")
        if topology is not None and load.site not in topology.site:
            raise ValueError(f"site: {topology.name} has no site {load.site!r}; it has {', '.join(topology.site)}")
        return load

    @model_validator(mode="after")
    def _damped_at_the_site(self) -> Self:
        for strategy in self.damping:
            at_site = isinstance(strategy, SiteBattery | MeterStrategy) or (
                isinstance(strategy, HybridStorage) and strategy.at == "site"
            )
            if not at_site:
                raise ValueError(
                    f"damping: {strategy.kind} acts below the supplies' input, where nothing is known of a measured "
                    "load; expected site_battery, load_bank or hybrid_storage at the site"
                )
        return self


AnyScenario = Scenario | LoadScenario
SECTIONS = (
    "name", "title", "topology", "seed", "job", "load", "damping", "operation", "plant", "limits", "economics",
    "expect", "provenance",
)  # fmt: skip
"""Keys of a scenario in the order in which a resolved one is written."""
