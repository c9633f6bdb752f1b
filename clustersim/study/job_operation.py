"""What the scenario's job does over days: alone, on a shared cluster, or over several sites in lock-step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clustersim.operation import ExternalEvent, Timeline, simulate_operation
from clustersim.operation.fleet import simulate_fleet
from clustersim.operation.fleet_records import FleetRecord
from clustersim.study.fleet_facts import fleet_facts
from clustersim.study.fleet_load import others_w
from clustersim.study.it_power import HallPower, Pool, steady_window
from clustersim.study.operation_facts import job_facts
from clustersim.study.random_streams import random_stream
from clustersim.study.several_sites.lockstep import lockstep_timeline
from clustersim.study.site.tree import SitePower
from clustersim.study.step import StepStudy


def operate(study: StepStudy, pool: Pool, external: tuple[ExternalEvent, ...] = ()) -> Timeline:
    """Return what the job does over the horizon, with `external` done to it."""
    scenario = study.scenario
    if scenario.operation.fleet is not None:
        return fleet_record(study, pool, external).main
    if scenario.operation.sites is not None:
        return lockstep_timeline(study, pool, external)
    return simulate_operation(
        scenario.operation, job_facts(study, pool), random_stream(scenario, "operation"), external
    )


def fleet_record(
    study: StepStudy, pool: Pool, external: Sequence[ExternalEvent] = (), steady: HallPower | None = None
) -> FleetRecord:
    """Return what the job and all that shares its cluster do over the horizon.

    Parameters
    ----------
    study, pool
        The step, and independent runs of it.
    external : sequence of ExternalEvent, optional
        What the supply does to the cluster.
    steady : HallPower, optional
        The job's steady window, from which the power of a server at work follows; made here when absent.
    """
    scenario = study.scenario
    window = steady_window(study, pool, 0.0) if steady is None else steady
    facts = fleet_facts(study, job_facts(study, pool), window)
    return simulate_fleet(scenario.operation, facts, random_stream(scenario, "operation"), external)


@dataclass(frozen=True)
class BegunJob:
    """A study whose job has been operated without external events."""

    study: StepStudy
    """With the mean load of what shares the cluster."""
    first: Timeline
    fleet: FleetRecord | None = None


def begin_job(study: StepStudy, pool: Pool) -> BegunJob:
    """Return the study with the load of what shares the cluster, and what the job does without external events."""
    if study.scenario.operation.fleet is None:
        return BegunJob(study, operate(study, pool))
    record = fleet_record(study, pool)
    return BegunJob(with_others(study, record), record.main, record)


def end_job(start: BegunJob, pool: Pool, steady: SitePower, external: Sequence[ExternalEvent]) -> BegunJob:
    """Return the same after `external` happened, which stops the rest of the cluster too."""
    if start.fleet is None or not external:
        return start
    record = fleet_record(start.study, pool, external, steady.hall)
    return BegunJob(with_others(start.study, record), record.main, record)


def with_others(study: StepStudy, record: FleetRecord) -> StepStudy:
    """Return the study with the mean load of what shares the cluster."""
    return replace(study, others_w=others_w(record))
