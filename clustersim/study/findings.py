"""What the rooms found, and the energies that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clustersim.operation import Timeline
from clustersim.power.smoothing import start_lost_s
from clustersim.power.waveform import WAIT
from clustersim.study.baseline import Baseline
from clustersim.study.horizon import QUIET, TRAIN, steady_load_w
from clustersim.study.it_power import Pool, tables
from clustersim.study.lost_work import StartCost, start_cost, steady_unserved_share
from clustersim.study.site.chain import fall_burn_j
from clustersim.study.site.findings import SiteFindings
from clustersim.study.site.power import hall_it_w, training_it_w
from clustersim.study.step import StepStudy


@dataclass(frozen=True)
class Findings(SiteFindings):
    """All records of a job's run, before they are condensed."""

    study: StepStudy
    pool: Pool
    timeline: Timeline
    base: Baseline
    jobs: int = 1
    """Jobs of their own, one per site, whose interruptions the timeline counts together."""

    @property
    def horizon_s(self) -> float:
        """Time that energies are of. [s]"""
        return self.timeline.horizon_s

    @property
    def cycle_s(self) -> float:
        """Mean time of an iteration of the waveform. [s]"""
        return self.pool.iteration_time_s

    @property
    def tokens_per_s(self) -> float:
        """While training at full speed. [1/s]"""
        return self.study.tokens_per_step / self.iteration_time_s

    @cached_property
    def unserved_share(self) -> float:
        """Share of the work that damping refuses power for while the job trains. [-]"""
        return steady_unserved_share(self.study, self.steady)

    @cached_property
    def start_cost(self) -> StartCost:
        """What a rising ceiling refuses at every start of the job."""
        return start_cost(self.study, self.steady, self.busy_s / self.starts)

    @property
    def starts(self) -> float:
        """How often the job starts over the horizon; of several jobs the mean."""
        return self.timeline.interruptions / self.jobs + 1

    @property
    def iteration_time_s(self) -> float:
        """Mean time of an iteration; where power is refused, so much longer that its work gets done. [s]"""
        return self.pool.iteration_time_s / max(1.0 - self.unserved_share, 1e-9)

    def site_damping_j(self, site: str) -> float:
        """Return what damping at the site costs over the horizon, falls at interruptions included. [J]"""
        record = self.history[site]
        states = sum(s * self.site_damping_w(site, state) for state, s in record.seconds.items())
        quiet = sum(s for state, s in record.seconds.items() if state in QUIET) / self.starts
        down = fall_burn_j(self.study, record.load_w[TRAIN], record.load_w["restart"], quiet)
        return states + self.timeline.interruptions * down

    @cached_property
    def start_saved_j(self) -> dict[str, float]:
        """Energy at each site's meter that a rising ceiling refuses over the horizon. [J]"""
        it = training_it_w(self.steady)
        saved = {}
        for site, cut_j in self.start_cost.cut_j.items():
            mean = cut_j * self.starts / self.busy_s if self.busy_s else 0.0
            less = steady_load_w(self.study, site, it[site]) - steady_load_w(self.study, site, it[site] - mean)
            saved[site] = less * self.busy_s
        return saved

    @cached_property
    def it_storage_loss_w(self) -> dict[str, float]:
        """Mean meter power that the losses of storage in supplies and racks cost each site while it trains. [W]"""
        wave = self.steady.waveform
        seconds = wave.samples * wave.dt_s
        it = training_it_w(self.steady)
        lost = {s: sum(r.loss_j for r in reports) / seconds for s, reports in self.steady.it_storage.items()}
        return {
            s: steady_load_w(self.study, s, it[s]) - steady_load_w(self.study, s, it[s] - watts) if watts else 0.0
            for s, watts in lost.items()
        }

    def site_energy_j(self, site: str) -> float:
        """At the meter of a site over the horizon.

        The load, what damping at the site loses and burns, less what starts are refused. What storage gives from its
        charge within the steady window is given back later and does not count.
        """
        return self.history[site].load_j + self.site_damping_j(site) - self.start_saved_j[site]

    @cached_property
    def it_energy_j(self) -> float:
        """At the supplies' input of all sites over the horizon. [J]"""
        refused = sum(self.start_cost.cut_j.values()) * self.starts
        return sum(record.it_j for record in self.history.values()) - refused

    @cached_property
    def damping_energy_j(self) -> float:
        """Extra energy over the horizon at equal tokens. [J]

        Losses of storage, what load banks and devices burn, and what the job draws for longer where power is refused.
        """
        at_site = sum(self.site_damping_j(site) for site in self.sites)
        stores = sum(self.it_storage_loss_w.values()) * self.busy_s
        records = self.history.values()
        trained = next(iter(records)).training
        load_j = sum(s * sum(record.load_w[state] for record in records) for state, s in trained.items()) - stores
        devices = load_j * self.base.device_share / (1.0 + self.base.device_share)
        train_w = sum(record.load_w[TRAIN] for record in self.history.values())
        made_up = self.start_cost.lost_s * self.starts * train_w - sum(self.start_saved_j.values())
        falls = sum(record.fall_j for record in self.history.values())
        return at_site + stores + devices + falls + self._longer_w * self.busy_s + made_up

    @cached_property
    def _longer_w(self) -> float:
        """Mean meter power beyond that of the same work at the power asked for. [W]"""
        if self.unserved_share == 0.0:
            return 0.0
        seconds = self.steady.waveform.samples * self.steady.waveform.dt_s
        it = training_it_w(self.steady)
        cut = {s: sum(r.cut_j for r in reports) / seconds for s, reports in self.steady.it_storage.items()}
        return sum(
            steady_load_w(self.study, s, it[s]) - (1.0 - self.unserved_share) * steady_load_w(self.study, s, it[s] + w)
            for s, w in cut.items()
        )

    @property
    def throughput_loss(self) -> float:
        """Share of the tokens that damping costs: slower steps, power refused, and ramps at every start. [-]

        Negative where damping makes the step shorter.
        """
        pace = self.base.iteration_time_s / self.base.damped_iteration_time_s * (1.0 - self.unserved_share)
        steps = 1.0 - pace
        # the slowest ramp of a mixed fleet holds all
        ramp_s = max(start_lost_s(self.study.scenario.damping, device) for device in self.study.place.power)
        lost = (ramp_s + self.start_cost.lost_s) * self.starts / self.timeline.horizon_s
        return steps + min(1.0 - steps, lost)

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
        watts = table.operation_w.sum(axis=0)[study.fleet.unit_class][:, index].reshape(per_stage.shape)
        mean = (per_stage * watts).sum(axis=2) / per_stage.sum(axis=2)
        np.add.at(computing[:, 0], study.fleet.unit_node, mean.sum(axis=1))
        wait = table.level_w[:, study.fleet.unit_class, WAIT].sum(axis=0) * schedule.stages
        np.add.at(waiting[:, 0], study.fleet.unit_node, wait)
        network = sum(study.place.network_watts.values())
        full = float(hall_it_w(study, computing).sum()) + network
        low = float(hall_it_w(study, waiting).sum()) + network
        share = trace.breakdown["bubble"] / trace.iteration_time_s
        return full, share * (full - low)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user must know about the sites and the job."""
        said = self.site_warnings("job", "goodput, energy and cost")
        if self.timeline.goodput < 0.5:
            said.append(f"goodput is {self.timeline.goodput:.0%}: more time goes into failures than into training")
        return tuple(said)
