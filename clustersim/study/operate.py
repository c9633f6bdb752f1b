"""The operation of a scenario by itself, on many seeds: without power, plant and cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from clustersim.operation import JobFacts, OperationSpec, Timeline, simulate_operation
from clustersim.operation.ensemble import Ensemble, simulate_seeds
from clustersim.operation.rate_uncertainty import spread_of_fleets
from clustersim.operation.tasks import JobTask
from clustersim.scenario import Scenario
from clustersim.study.it_power import step_pool
from clustersim.study.operation_facts import job_facts
from clustersim.study.step import random_stream, study_step

DAY_S = 86400.0
JOB = "job"
"""Name of the only job."""


@dataclass(frozen=True)
class OperateResult:
    """What the job, its fellow jobs or its sites did over the horizon, on every seed."""

    scenario: Scenario
    job: JobFacts
    tokens_per_step: int
    first: dict[str, Timeline]
    """Of the scenario's own seed, at the rates as stated: each job or site by name; the one that `clustersim run`
    goes on with."""
    ensemble: Ensemble
    notes: tuple[str, ...]
    """What the user should know about step, scenario and rates."""
    drawn_rates: bool = False
    """Whether every seed had failure rates of its own."""

    @property
    def horizon_s(self) -> float:
        """Time simulated. [s]"""
        return self.scenario.operation.horizon

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Jobs or sites that have accounts of their own; none with a single job."""
        return tuple(self.ensemble.parts)[1:]


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
        What is operated.
    seeds : int
        Horizons; the first has the random streams of a run.
    workers : int, optional
        Processes that work at the same time; left out: as many as are worth it.
    progress : callable, optional
        Told the name of each part as it begins, and how many seeds are done.

    Raises
    ------
    InputError
        If the step cannot be built, or the failure rates are not in the catalog.
    """
    progress("training step and plan")
    study = study_step(scenario)
    pool = step_pool(study)
    job = job_facts(study, pool)
    progress("operation")
    drawn = rates_are_drawn(scenario.operation, job, seeds)
    task = JobTask(scenario.operation, job, random_stream(scenario, "operation"), drawn)
    first = {JOB: simulate_operation(scenario.operation, job, task.seed)}
    ensemble = simulate_seeds(task, seeds, workers, lambda done, of: progress(f"operation: seed {done} of {of}"))
    return OperateResult(scenario, job, study.tokens_per_step, first, ensemble, (*study.warnings, *_left_out(scenario)))


def rates_are_drawn(spec: OperationSpec, job: JobFacts, seeds: int) -> bool:
    """Return whether every seed draws its failure rates from the spread between published fleets.

    What `failures.uncertainty` says counts. Where it is left out, bands are over rates too, as far as the rates are
    the default ones of GPUs: rates that the scenario names are taken at their word, and of TPUs one fleet is published.
    """
    if "uncertainty" in spec.failures.model_fields_set:
        return spec.failures.uncertainty == "fleet"
    return seeds > 1 and spec.failure_rates is None and job.family == "gpu"


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
