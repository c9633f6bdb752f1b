"""What the rooms found between a site's supplies and its meter, and the energies that follow from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clustersim.limits import Verdict
from clustersim.plant import (
    CoolingState,
    PlantResponse,
    island_capacity_w,
    settled_heat,
    steady_cooling,
    steady_generation_w,
    sustainable_it,
)
from clustersim.study.grid.modes import ModeFindings
from clustersim.study.horizon import SiteHistory, is_training
from clustersim.study.site.chain import held_w
from clustersim.study.site.study import SiteStudy
from clustersim.study.site.tree import SitePower

APART = 1e-8
"""Difference between heat and what makes it, over the heat, that is told. [-]"""


@dataclass(frozen=True)
class SiteFindings(ABC):
    """Records of a run that a measured load has as well as a job, before they are condensed."""

    study: SiteStudy
    steady: SitePower
    events: tuple[SitePower, ...]
    responses: tuple[PlantResponse, ...]
    verdict: Verdict
    provisioned: dict[str, float]
    history: dict[str, SiteHistory]
    modes: ModeFindings

    @property
    @abstractmethod
    def horizon_s(self) -> float:
        """Time that energies are of. [s]"""

    @property
    @abstractmethod
    def cycle_s(self) -> float:
        """Time after which the power of the steady window repeats. [s]"""

    @abstractmethod
    def site_damping_j(self, site: str) -> float:
        """What damping between a site's equipment and its meter costs over the horizon. [J]"""

    @abstractmethod
    def site_energy_j(self, site: str) -> float:
        """At the meter of a site over the horizon. [J]"""

    @property
    @abstractmethod
    def it_energy_j(self) -> float:
        """At the supplies' input of all sites over the horizon. [J]"""

    @property
    @abstractmethod
    def damping_energy_j(self) -> float:
        """Extra energy over the horizon for the same work. [J]"""

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites."""
        return tuple(self.study.place.topology.site)

    @property
    def busy_s(self) -> float:
        """Time in which the job trains, at full speed or below it, or the measured load is there. [s]"""
        return sum(next(iter(self.history.values())).training.values())

    @property
    def island(self) -> bool:
        """Whether the scenario runs its sites as islands."""
        return self.study.scenario.plant.mode == "island"

    @property
    def uncarried(self) -> str | None:
        """Why an island cannot run this load, or None when it can or there is none."""
        for site in self.sites if self.island else ():
            units = self.study.place.topology.electrical[site].generators
            mean = float(self.steady.waveform.power(site).mean())
            limit = island_capacity_w(*units)
            if mean > limit:
                return (
                    f"the island cannot carry the mean load: {site} draws {mean / 1e6:.4g} MW its "
                    f"generators carry {limit / 1e6:.4g} MW"
                )
        return None

    def site_damping_w(self, site: str, state: str) -> float:
        """Mean power that damping between a site's equipment and its meter costs in a state of the timeline. [W]

        While the job trains, at any speed, or the measured load is there: what storage there loses and a load bank
        burns in the steady window. Else: what a load bank burns to hold the site at its floor.
        """
        if not is_training(state):
            load = self.history[site].load_w[state]
            return held_w(self.study, load) - load
        wave = self.steady.waveform
        return sum(r.loss_j + r.burned_j for r in self.steady.site_damping[site]) / (wave.samples * wave.dt_s)

    @cached_property
    def meter_energy_j(self) -> float:
        """At the meters of all sites over the horizon. [J]"""
        return sum(self.site_energy_j(site) for site in self.sites)

    @cached_property
    def generator_energy_j(self) -> dict[str, float]:
        """Made on site over the horizon; in an island all of it, as far as the generators can carry it. [J]"""
        found = {}
        for site, record in self.history.items():
            plant = self.study.place.topology.electrical[site]
            made = sum(
                seconds
                * steady_generation_w(
                    plant, record.load_w[state] + self.site_damping_w(site, state), self.study.scenario.plant.mode
                )
                for state, seconds in record.seconds.items()
            )
            energy = self.site_energy_j(site)
            found[site] = energy if self.island and self.uncarried is None else min(made, energy)
        return found

    @property
    def grid_energy_j(self) -> float:
        """Bought over the horizon; an island buys none. [J]"""
        return 0.0 if self.island else self.meter_energy_j - sum(self.generator_energy_j.values())

    @property
    def own_responses(self) -> tuple[PlantResponse, ...]:
        """Responses in the scenario's own mode of supply."""
        return tuple(r for r in self.responses if r.mode == self.study.scenario.plant.mode)

    @property
    def island_responses(self) -> tuple[PlantResponse, ...]:
        """Responses as an island."""
        return tuple(r for r in self.responses if r.mode == "island")

    @property
    def damping_share(self) -> float:
        """Extra meter energy at equal tokens against damping none. [-]"""
        return self.damping_energy_j / (self.meter_energy_j - self.damping_energy_j)

    @cached_property
    def cooling(self) -> dict[str, CoolingState]:
        """Cooling of every site at its mean training heat: IT power, fans and losses inside the cooled rooms."""
        topology = self.study.place.topology
        found = {}
        for site, it_w in self.mean_it_w.items():
            spec = topology.cooling[site]
            found[site] = steady_cooling(spec, settled_heat(topology.electrical[site], spec, it_w))
        return found

    @cached_property
    def mean_it_w(self) -> dict[str, float]:
        """IT power of every site, mean of the steady window. [W]"""
        return {site: float(self.steady.waveform.power(f"{site}/it").mean()) for site in self.sites}

    @property
    def sustainable_it_w(self) -> float:
        """IT power whose heat, with what is inside, is what the cooling of each site rejects; of all sites. [W]"""
        topology = self.study.place.topology
        return sum(
            sustainable_it(topology.electrical[site], topology.cooling[site], state.capacity_w)
            for site, state in self.cooling.items()
        )

    def site_warnings(self, load: str, figures: str) -> list[str]:
        """Return what the user must know about the sites; `load` and `figures` are words for what is affected."""
        said = []
        for site, state in self.cooling.items():
            if state.shortfall_w > 0:
                low, high = state.capacity_low_w / 1e6, state.capacity_high_w / 1e6
                said.append(
                    f"{site}: cooling rejects {low:.0f}-{high:.0f} MW, below the {state.heat_w / 1e6:.0f} MW that the "
                    f"{load} releases: {state.shortfall_w / 1e6:.0f} MW short; {self._alarm_text(site)}; {figures} "
                    "are those of a run whose excess heat could be rejected"
                )
        for site, record in self.history.items():
            largest = max(record.heat_w.values())
            if record.heat_apart_w > APART * largest:
                said.append(
                    f"{site}: no heat of the cooled rooms agrees with its losses where a cooling unit is switched "
                    f"(staging: on_off): they differ by at most {record.heat_apart_w / 1e3:.2g} kW, "
                    f"{record.heat_apart_w / largest:.1g} of the heat"
                )
        if self.uncarried is not None:
            said.append(self.uncarried)
        return said

    def _alarm_text(self, site: str) -> str:
        """What the cooling loop of a site does in this run."""
        cooling = self.history[site].cooling
        if not np.isfinite(cooling.first_alarm_s):
            return "in this run the loop stays below its alarm"
        share = cooling.above_alarm_s / self.horizon_s
        hours = cooling.first_alarm_s / 3600.0
        return f"the loop first reaches its alarm after {hours:.2g} h and is above it {share:.0%} of the time"
