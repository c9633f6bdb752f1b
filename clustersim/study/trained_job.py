"""A job on its place up to its steady power: what a whole run and the quick answer have in common.

The pool is independent runs of the step, from which windows of power are put together. `first` is the job's timeline
without anything from outside; the surroundings are the place and what it draws in every state of the job, which events
of the grid meet; the closed loop is the job with all that they do to it. Sites train alone where each works by itself
between outer steps. Findings are all records of the run, before they are condensed to keys of the summary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from clustersim.limits import judge, rules_of
from clustersim.operation import Timeline
from clustersim.operation.fleet_records import FleetRecord
from clustersim.plant import PlantResponse
from clustersim.scenario import Scenario, require_plant
from clustersim.study.baseline import undamped
from clustersim.study.closed_loop import ClosedLoop, close_loop_with_plant
from clustersim.study.event_windows import evaluation_it_w, event_windows
from clustersim.study.findings import Findings
from clustersim.study.grid.answers import Surroundings
from clustersim.study.grid.modes import site_modes, with_modes
from clustersim.study.grid.outcomes import curve_observations, grid_observations
from clustersim.study.horizon import SiteHistory, histories
from clustersim.study.it_power import Pool, steady_window, step_pool
from clustersim.study.job_operation import BegunJob, begin_job, end_job, operate
from clustersim.study.judging import evidence
from clustersim.study.part_names import OPERATION, POWER, STEP_AND_PLAN
from clustersim.study.several_sites.alone import Alone, histories_alone, steady_alone, study_alone, windows_alone
from clustersim.study.several_sites.lockstep import check_sites, trains_alone
from clustersim.study.site.power import SitePower, provisioned_w, site_power, training_it_w
from clustersim.study.slowed_power import SlowedPower
from clustersim.study.step import StepStudy, study_step


@dataclass(frozen=True)
class TrainedJob:
    """The step, the days and the steady power of a job, with everything that its supply did to it."""

    study: StepStudy
    pool: Pool
    timeline: Timeline
    steady: SitePower
    surroundings: Surroundings
    closed: ClosedLoop
    alone: Alone | None = None
    """Sites that train alone between outer steps."""
    fleet: FleetRecord | None = None
    """What shares the cluster."""

    def events(self, names: tuple[str, ...] | None = None) -> tuple[SitePower, ...]:
        """Return the power around the events of the job; with `names` of those windows alone."""
        if self.alone is not None:
            return windows_alone(self.alone, self.steady, names)
        return event_windows(self.study, self.pool, self.timeline, self.steady, names)

    def findings(
        self,
        windows: tuple[SitePower, ...],
        responses: tuple[PlantResponse, ...],
        evaluation: tuple[SitePower, ...] | None = None,
    ) -> Findings:
        """Return what the rooms found in the steady window and those after it, judged by the scenario's rules.

        Parameters
        ----------
        windows : tuple of SitePower
            The steady one first.
        responses : tuple of PlantResponse
            Of the plant to each of them.
        evaluation : tuple of SitePower, optional
            Windows that hold the power of evaluations, where `windows` do not.
        """
        study, pool, steady = self.study, self.pool, self.steady
        history = self._history(windows if evaluation is None else evaluation)
        modes = site_modes(study, steady, pool.iteration_time_s)
        rules = rules_of(study.scenario.limits)
        seen = with_modes(evidence(study, windows, responses, history), modes)
        found = (*grid_observations(self.surroundings, self.closed), *curve_observations(self.surroundings, rules))
        return Findings(
            study=study,
            pool=pool,
            timeline=self.timeline,
            steady=steady,
            events=windows[1:],
            responses=responses,
            base=undamped(study, pool),
            verdict=judge(rules, replace(seen, observations=(*seen.observations, *found))),
            provisioned=provisioned_w(study),
            history=history,
            modes=modes,
            jobs=1 if self.alone is None else len(self.alone.timelines),
        )

    def _history(self, windows: tuple[SitePower, ...]) -> dict[str, SiteHistory]:
        """Return heat and power of every site over the horizon."""
        slowed, training = SlowedPower(self.study, self.pool, self.steady), training_it_w(self.steady)
        if self.alone is not None:
            return histories_alone(self.alone, training, windows, slowed.it_w)
        return histories(self.study, self.timeline, training, evaluation_it_w(self.study, windows), slowed.it_w)


def train_job(scenario: Scenario, timed: Callable[[str], None]) -> TrainedJob:
    """Return the step of a scenario, what its job does over the horizon, and its steady power.

    Parameters
    ----------
    scenario : Scenario
        Of a job.
    timed : callable
        Told the name of each part as it begins.

    Raises
    ------
    InputError
        If the scenario asks for something that is not there or does not fit.
    """
    require_plant(scenario.topology)
    check_sites(scenario)
    timed(STEP_AND_PLAN)
    study = study_step(scenario)
    alone = study_alone(study) if trains_alone(scenario) else None
    pool = step_pool(study) if alone is None else alone.pool
    timed(OPERATION)
    start = begin_job(study, pool) if alone is None else BegunJob(alone.study, alone.timeline)
    study, first = start.study, start.first
    timed(POWER)
    steady = steady_of(study, pool, first) if alone is None else steady_alone(alone)
    surroundings, closed = close_loop_with_plant(study, pool, steady, first, partial(operate, study, pool))
    end = end_job(start, pool, steady, closed.externals)
    if end is not start:
        study, steady = end.study, site_power(end.study, steady.hall, period_s=pool.iteration_time_s)
    return TrainedJob(
        study=study,
        pool=pool,
        timeline=closed.timeline,
        steady=placed_in_time(steady, closed.timeline),
        surroundings=surroundings,
        closed=closed,
        alone=alone,
        fleet=end.fleet,
    )


def steady_of(study: StepStudy, pool: Pool, timeline: Timeline) -> SitePower:
    """Return the power of the steady window."""
    return site_power(study, steady_window(study, pool, _begin(timeline)), period_s=pool.iteration_time_s)


def _begin(timeline: Timeline) -> float:
    return next((window.t0_s for window in timeline.windows if window.name == "steady"), 0.0)


def placed_in_time(steady: SitePower, timeline: Timeline) -> SitePower:
    """Return the steady window at where the timeline has it: its power does not depend on when it is."""
    begin = _begin(timeline)
    if begin == steady.waveform.t0_s:
        return steady
    return replace(steady, hall=replace(steady.hall, t0_s=begin), waveform=replace(steady.waveform, t0_s=begin))
