"""The operation of a scenario by itself, on many seeds: without power, plant and cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from clustersim.errors import InputError
from clustersim.operation import JobFacts, OperationSpec, simulate_operation
from clustersim.operation.ensemble import Ensemble, simulate_seeds
from clustersim.operation.fleet import simulate_fleet
from clustersim.operation.fleet_records import MAIN
from clustersim.operation.rate_uncertainty import spread_of_fleets
from clustersim.operation.site_prices import Saving
from clustersim.operation.sites import simulate_sites, whole_job
from clustersim.operation.spec_parts.sites import SitesSpec
from clustersim.operation.tasks import JOB, FleetTask, JobTask, SitesTask
from clustersim.scenario import Scenario
from clustersim.study.curtailment import curtailment_saving
from clustersim.study.fleet_facts import fleet_facts
from clustersim.study.it_power import Pool, steady_window, step_pool
from clustersim.study.operation_facts import job_facts
from clustersim.study.part_names import OPERATION, STEP_AND_PLAN
from clustersim.study.random_streams import random_stream
from clustersim.study.several_sites.alone import study_alone
from clustersim.study.several_sites.facts import sites_facts
from clustersim.study.several_sites.lockstep import trains_alone
from clustersim.study.step import StepStudy, study_step


@dataclass(frozen=True)
class Begun:
    """What is repeated, and what happens on the scenario's own seed."""

    task: JobTask | FleetTask | SitesTask
    table: pd.DataFrame
    job: JobFacts
    said: tuple[str, ...] = ()
    """What the user should know about it."""
    saving: Saving | None = None


@dataclass(frozen=True)
class OperateResult:
    """What the job, its fellow jobs or its sites did over the horizon, on every seed."""

    scenario: Scenario
    job: JobFacts
    tokens_per_step: int
    table: pd.DataFrame
    """Of the scenario's own seed, at the rates as stated: what each job or site did, one after the other (columns part,
    t_start_s, t_end_s, state, cause, gpus and more); what `clustersim run` goes on with."""
    ensemble: Ensemble
    notes: tuple[str, ...]
    """What the user should know about step, scenario and rates."""
    drawn_rates: bool = False
    """Whether every seed had failure rates of its own."""
    saving: Saving | None = None
    """What the sites save by giving up load when energy is dear, on the scenario's own seed; None where they do not."""

    @property
    def horizon_s(self) -> float:
        """Time simulated. [s]"""
        return self.scenario.operation.horizon

    @property
    def parts(self) -> tuple[str, ...]:
        """Jobs or sites by name, where there are several; the first is what was asked about."""
        names = tuple(self.ensemble.parts)
        return names if len(names) > 1 else ()


def operate(
    scenario: Scenario,
    seeds: int = 1,
    workers: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> OperateResult:
    """Simulate the operation of a scenario on many seeds.

    The step is timed once, as a run does; then every seed is a horizon of its own. Power, plant and cost are left out,
    so that nothing that the supply does to the job is answered here.

    Parameters
    ----------
    scenario : Scenario
        What is operated: one job, with `operation.fleet` all jobs of its cluster, with `operation.sites` each site.
    seeds : int
        Horizons; the first has the random streams of a run.
    workers : int, optional
        Processes that work at the same time; left out: as many as are worth it.
    progress : callable, optional
        Told the name of each part as it begins, and how many seeds are done.

    Raises
    ------
    InputError
        If the step cannot be built, the failure rates are not in the catalog, or the jobs do not fit the cluster.
    """
    progress(STEP_AND_PLAN)
    asked = scenario.operation
    if asked.fleet is not None and asked.sites is not None:
        raise InputError("operation.fleet, operation.sites: expected one of the two, found both")
    study = study_step(scenario)
    pool = step_pool(study)
    job = job_facts(study, pool)
    progress(OPERATION)
    begun = _by_sites if asked.sites is not None else _alone if asked.fleet is None else _shared
    first = begun(study, pool, job, seeds)
    task = first.task
    ensemble = simulate_seeds(task, seeds, workers, lambda done, of: progress(f"{OPERATION}: seed {done} of {of}"))
    drawn = task.spec.failures.uncertainty == "fleet"
    notes = (*study.warnings, *_left_out(scenario), *first.said, *_rates_said(task.spec, drawn))
    return OperateResult(scenario, first.job, study.tokens_per_step, first.table, ensemble, notes, drawn, first.saving)


def _alone(study: StepStudy, _pool: Pool, job: JobFacts, seeds: int) -> Begun:
    """Return a job that has its cluster alone, and what it does on the scenario's own seed."""
    spec, seed = study.scenario.operation, random_stream(study.scenario, "operation")
    task = JobTask(repeated(spec, job, seeds), job, seed, study.tokens_per_step)
    return Begun(task, simulate_operation(spec, job, seed).table.assign(part=JOB), job)


def _shared(study: StepStudy, pool: Pool, job: JobFacts, seeds: int) -> Begun:
    """Return all jobs of a cluster, and what each does on the scenario's own seed."""
    spec, seed = study.scenario.operation, random_stream(study.scenario, "operation")
    facts = fleet_facts(study, job, steady_window(study, pool, 0.0))
    record = simulate_fleet(spec, facts, seed)
    table = pd.concat((record.main.table.assign(part=MAIN), record.table.rename(columns={"job": "part"})))
    task = FleetTask(repeated(spec, job, seeds), facts, seed, study.tokens_per_step)
    return Begun(task, table.reset_index(drop=True), job)


def _by_sites(study: StepStudy, pool: Pool, job: JobFacts, seeds: int) -> Begun:
    """Return a job over several sites, and what each does on the scenario's own seed."""
    spec, seed = study.scenario.operation, random_stream(study.scenario, "operation")
    if trains_alone(study.scenario):
        alone = study_alone(study)
        study, pool, facts, record = alone.study, alone.pool, alone.facts, alone.record
    else:
        facts = sites_facts(study, pool)
        record = simulate_sites(spec, facts, seed)
        # its step, and what it saves, are those of all sites together
        job = whole_job(spec.sites or SitesSpec(), facts)
    worth = record.efficiency
    said = (
        f"tokens of all sites are counted at their worth in synchronous training, {100.0 * worth.value:.3g} % "
        f"({100.0 * worth.low:.3g} to {100.0 * worth.high:.3g}), which the bands leave out: {worth.source}"
    )
    table = record.gantt().rename(columns={"site": "part"})
    return Begun(
        SitesTask(repeated(spec, job, seeds), facts, seed),
        table,
        job,
        () if worth.value == 1.0 else (said,),
        curtailment_saving(study, pool, facts),
    )


def repeated(spec: OperationSpec, job: JobFacts, seeds: int) -> OperationSpec:
    """Return the spec that is repeated on so many seeds: whether each draws its failure rates is settled in it.

    What `failures.uncertainty` says counts. Where it is left out, bands are over rates too, as far as the rates are
    the default ones of GPUs: rates that the scenario names are taken at their word, and of TPUs one fleet is published.
    """
    if "uncertainty" in spec.failures.model_fields_set:
        return spec
    drawn = seeds > 1 and spec.failure_rates is None and job.family == "gpu"
    rates = spec.failures.model_copy(update={"uncertainty": "fleet" if drawn else "none"})
    return spec.model_copy(update={"failures": rates})


def _rates_said(spec: OperationSpec, drawn: bool) -> tuple[str, ...]:
    if not drawn:
        return ()
    spread = spread_of_fleets(spec.failures.fleets)
    return (
        f"every seed draws its failure rates from the spread between {spread.fleets} published fleets (factor "
        f"{spread.band_ratio(0.9):.1f} between the 5 and the 95 % quantile); operation.failures.uncertainty=none holds "
        "them at the catalog's",
    )


def _left_out(scenario: Scenario) -> tuple[str, ...]:
    """Return what of the scenario acts on the job only in a whole run."""
    events = scenario.plant.events
    said = []
    if events:
        count = "1 event" if len(events) == 1 else f"{len(events)} events"
        said.append(f"{count} of the grid in plant.events: not asked here, `clustersim run` answers them")
    if scenario.plant.protection.cooling_alarm != "ignore":
        said.append("plant.protection.cooling_alarm: not asked here, `clustersim run` answers it")
    return tuple(said)
