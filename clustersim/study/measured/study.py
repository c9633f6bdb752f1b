"""A measured load on one site: its place, its IT power, and what was found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim.errors import InputError
from clustersim.limits.definitions import METER_DT_S
from clustersim.operation.windows import STEADY_S
from clustersim.plant import unit_starts
from clustersim.power.measured_load import load_waveform
from clustersim.power.trace import PowerTrace, scaled
from clustersim.scenario import LoadScenario, TopologySpec, require_plant
from clustersim.study.horizon import TRAIN, SiteHistory, steady_load_w
from clustersim.study.it_power import STEADY_DT_S, HallPower
from clustersim.study.places.place import Place, build_place
from clustersim.study.site.cooled_states import cooled_states
from clustersim.study.site.findings import SiteFindings
from clustersim.study.site.supply import losses_w
from clustersim.study.site.tree import SitePower, power_of_it

MOST_S = 3600.0
"""Longest steady window. [s]"""


@dataclass(frozen=True)
class LoadStudy:
    """A measured load and the site that carries it."""

    scenario: LoadScenario
    place: Place
    """That site alone."""

    @property
    def site(self) -> str:
        """Name of the site."""
        return self.scenario.load.site


@dataclass(frozen=True)
class LoadFindings(SiteFindings):
    """All records of a measured load's run, before they are condensed."""

    study: LoadStudy

    @property
    def horizon_s(self) -> float:
        """Time for which the load goes on. [s]"""
        return self.study.scenario.load.horizon

    @property
    def cycle_s(self) -> float:
        """Mean period of the record. [s]"""
        return self.study.scenario.load.record.period

    def site_damping_j(self, site: str) -> float:
        """Return what damping at the site costs over the horizon. [J]"""
        return self.site_damping_w(site, TRAIN) * self.horizon_s

    def site_energy_j(self, site: str) -> float:
        """At the meter of a site over the horizon: the load, and what damping there loses and burns. [J]"""
        return self.history[site].load_j + self.site_damping_j(site)

    @property
    def it_energy_j(self) -> float:
        """At the supplies' input over the horizon. [J]"""
        return sum(record.it_j for record in self.history.values())

    @property
    def damping_energy_j(self) -> float:
        """Extra energy over the horizon for the same load. [J]"""
        return sum(self.site_damping_j(site) for site in self.sites)


def study_load(scenario: LoadScenario) -> LoadStudy:
    """Return the study of a measured load.

    Raises
    ------
    InputError
        If the place has no plant, or the catalog lacks a name.
    """
    require_plant(scenario.topology)
    return LoadStudy(scenario, build_place(_alone(scenario.topology, scenario.load.site), "bf16"))


def _alone(topology: TopologySpec, site: str) -> TopologySpec:
    """Return a place with one of its sites and nothing between sites."""
    parts = {name: {site: getattr(topology, name)[site]} for name in ("site", "electrical", "cooling")}
    return topology.model_copy(update={**parts, "fabric": topology.fabric.model_copy(update={"wan": None})})


def load_trace(scenario: LoadScenario) -> PowerTrace:
    """Return the IT power of the site over the steady window, 600 s in bins of 10 ms, made with the scenario's seed.

    A period so long that 600 s hold less than two makes the window as long as two. Loads like the one of the record add
    up as :func:`clustersim.power.trace.scaled` says.

    Raises
    ------
    InputError
        If the period is too long to be simulated with the plant.
    """
    load = scenario.load
    duration_s = max(STEADY_S, 2.0 * load.record.period)
    if duration_s > MOST_S:
        raise InputError(
            f"load.record.period: expected at most {MOST_S / 120:g} min, got {load.record.period / 60:.4g} min: "
            "the plant is simulated in steps of a millisecond"
        )
    return scaled(load_waveform(load.record, duration_s, STEADY_DT_S, scenario.seed), load.units, load.coherence)


def load_power(study: LoadStudy) -> SitePower:
    """Return the steady window of a measured load at every node from the input of the supplies on."""
    trace = load_trace(study.scenario)
    cycles = np.arange(0.0, trace.duration_s + 0.5 * trace.dt_s, max(study.scenario.load.record.period, METER_DT_S))
    hall = HallPower("steady", "measured load", 0.0, trace.dt_s, 0.0, np.empty((0, trace.samples)), cycles, 0.0)
    return power_of_it(study, hall, {study.site: trace.watts})


def load_history(study: LoadStudy, it_w: float) -> dict[str, SiteHistory]:
    """Return energies of the site over the horizon, at the load's mean IT power [W] without a stop.

    The cooling loop starts settled at the idle power of the record, where it has one; else at the mean.
    """
    load = study.scenario.load
    topology = study.place.topology
    idle = it_w if load.record.idle is None else min(it_w, load.units * load.record.idle)
    cooled = cooled_states(study, study.site, {TRAIN: it_w}, ((TRAIN, load.horizon),), idle)
    cooling_w = cooled.history.energy_j / load.horizon
    lost_w = losses_w(topology.electrical[study.site], it_w, cooling_w)
    return {
        study.site: SiteHistory(
            seconds={TRAIN: load.horizon},
            load_w={TRAIN: steady_load_w(study, study.site, it_w)},
            it_j=it_w * load.horizon,
            load_j=(it_w + cooling_w + lost_w) * load.horizon,
            cooling=cooled.history,
            heat_w=cooled.heat_w,
            heat_before_w=cooled.before_w,
            heat_apart_w=cooled.apart_w,
            unit_starts=unit_starts(topology.cooling[study.site], [cooled.heat_w[TRAIN]], [load.horizon]),
        )
    }
