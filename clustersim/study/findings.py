"""What the rooms found, and the energies that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clustersim.limits import Verdict
from clustersim.operation import Timeline
from clustersim.plant import CoolingState, PlantResponse, steady_cooling
from clustersim.power.device import device_damping
from clustersim.study.baseline import Baseline
from clustersim.study.it_power import Pool, tables
from clustersim.study.site_power import SitePower, hall_it_w
from clustersim.study.step import StepStudy

BUSY = ("train", "lost", "checkpoint")
"""States of the timeline in which the job draws its training power; in all others it waits."""


@dataclass(frozen=True)
class Findings:
    """All records of a run, before they are condensed."""

    study: StepStudy
    pool: Pool
    timeline: Timeline
    steady: SitePower
    events: tuple[SitePower, ...]
    responses: tuple[PlantResponse, ...]
    base: Baseline
    verdict: Verdict
    provisioned: dict[str, float]

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites."""
        return tuple(self.study.place.topology.site)

    @property
    def tokens_per_s(self) -> float:
        """While training at full speed. [1/s]"""
        return self.study.tokens_per_step / self.pool.iteration_time_s

    @cached_property
    def busy_s(self) -> float:
        """Time in which the job draws training power. [s]"""
        table = self.timeline.table
        spans = (table["t_end_s"] - table["t_start_s"]).to_numpy()
        return float(spans[table["state"].isin(BUSY).to_numpy()].sum())

    def _over_horizon(self, busy_w: float, quiet_w: float) -> float:
        return busy_w * self.busy_s + quiet_w * (self.timeline.horizon_s - self.busy_s)

    def _quiet(self, node: str) -> float:
        """Mean power of a node while the job waits to restart; training power when it never does. [W]"""
        for power in self.events:
            if power.window == "restart":
                count = max(1, round(power.hall.event_s / power.hall.dt_s / 2))
                return float(power.waveform.power(node)[:count].mean())
        return float(self.steady.waveform.power(node).mean())

    @cached_property
    def meter_energy_j(self) -> float:
        """At the meters of all sites over the horizon. [J]"""
        return self._over_horizon(float(self.steady.waveform.power("meter").mean()), self._quiet("meter"))

    @cached_property
    def it_energy_j(self) -> float:
        """At the supplies' input of all sites over the horizon. [J]"""
        busy = sum(float(self.steady.waveform.power(f"{site}/it").mean()) for site in self.sites)
        return self._over_horizon(busy, sum(self._quiet(f"{site}/it") for site in self.sites))

    @cached_property
    def generator_energy_j(self) -> dict[str, float]:
        """Made on site over the horizon. [J]"""
        found = {}
        for site in self.sites:
            mean = {r.window: float(r.generator_w.mean()) for r in self.own_responses if r.site == site}
            found[site] = self._over_horizon(mean["steady"], mean.get("restart", mean["steady"]))
        return found

    @property
    def own_responses(self) -> tuple[PlantResponse, ...]:
        """Responses in the scenario's own mode of supply."""
        return tuple(r for r in self.responses if r.mode == self.study.scenario.plant.mode)

    @property
    def island_responses(self) -> tuple[PlantResponse, ...]:
        """Responses as an island."""
        return tuple(r for r in self.responses if r.mode == "island")

    @cached_property
    def storage_share(self) -> float:
        """Losses of the site batteries in the steady window over the energy of the load. [-]"""
        lost = sum(trace.loss_j for trace in self.steady.storage.values())
        return lost / self.load_energy_j

    @property
    def load_energy_j(self) -> float:
        """Energy of the sites' loads in the steady window, before the battery. [J]"""
        wave = self.steady.waveform
        total = wave.energy_j("meter")
        return total - sum(wave.energy_j(f"{site}/battery") for site in self.steady.storage)

    @cached_property
    def damping_share(self) -> float:
        """Extra meter energy at equal tokens against damping none. [-]"""
        return (1.0 + self.base.device_share) * (1.0 + self.storage_share) - 1.0

    @property
    def damping_energy_j(self) -> float:
        """Extra energy over the horizon at equal tokens. [J]"""
        return self.meter_energy_j * self.damping_share / (1.0 + self.damping_share)

    @property
    def throughput_loss(self) -> float:
        """Share of the tokens that damping costs: slower steps, and ramps at every restart. [-]"""
        steps = 1.0 - self.base.iteration_time_s / self.base.damped_iteration_time_s
        damping = device_damping(self.study.scenario.damping)
        if not damping.ramp_share_per_s:
            return steps
        # on the ramp from idle to full power on average half of the work is done
        ramp_s = 1.0 / damping.ramp_share_per_s
        lost = 0.5 * ramp_s * (self.timeline.interruptions + 1) / self.timeline.horizon_s
        return steps + min(1.0 - steps, lost)

    @cached_property
    def cooling(self) -> dict[str, CoolingState]:
        """Cooling of every site at its mean training heat."""
        wave = self.steady.waveform
        return {
            site: steady_cooling(self.study.place.topology.cooling[site], float(wave.power(f"{site}/it").mean()))
            for site in self.sites
        }

    @cached_property
    def computing_it_w(self) -> tuple[float, float]:
        """IT power if every rank of the plan were in a forward or backward pass, and what the bubble takes off. [W]"""
        study, trace = self.study, self.pool.traces[0]
        schedule = study.timing.schedule
        table = tables(study)
        busy_s = trace.end_s - trace.start_s
        virtual = study.timing.operation_s.shape[2]
        index = schedule.kind.ravel().astype(int) * virtual + schedule.virtual_stage.ravel()
        halls = len(study.place.nodes)
        computing, waiting = np.zeros((halls, 1)), np.zeros((halls, 1))
        per_stage = busy_s.reshape(busy_s.shape[0], schedule.stages, -1)
        watts = table.operation_w[study.fleet.unit_class][:, index].reshape(per_stage.shape)
        mean = (per_stage * watts).sum(axis=2) / per_stage.sum(axis=2)
        np.add.at(computing[:, 0], study.fleet.unit_node, mean.sum(axis=1))
        wait = table.level_w[study.fleet.unit_class, 2] * schedule.stages
        np.add.at(waiting[:, 0], study.fleet.unit_node, wait)
        network = sum(study.place.network_watts.values())
        full = float(hall_it_w(study, computing).sum()) + network
        low = float(hall_it_w(study, waiting).sum()) + network
        share = trace.breakdown["bubble"] / trace.iteration_time_s
        return full, share * (full - low)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user must know about the site."""
        said = []
        for site, state in self.cooling.items():
            if state.shortfall_w > 0:
                low, high = state.capacity_low_w / 1e6, state.capacity_high_w / 1e6
                said.append(
                    f"{site}: cooling rejects {low:.0f}-{high:.0f} MW, below the {state.heat_w / 1e6:.0f} MW that the "
                    f"job releases: {state.shortfall_w / 1e6:.0f} MW short, the loop reaches its alarm after "
                    f"{state.time_to_alarm_s / 60:.0f} min; the run keeps training all the same"
                )
        if self.timeline.goodput < 0.5:
            said.append(f"goodput is {self.timeline.goodput:.0%}: more time goes into failures than into training")
        return tuple(said)
