"""A job that all its sites run in lock-step, with what happens to single sites and to the fibre between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from clustersim.errors import InputError
from clustersim.operation import ExternalEvent, Timeline, simulate_operation
from clustersim.operation.site_events import whole_job_events
from clustersim.operation.site_network import drawn_outages, network_states, route_causes
from clustersim.operation.site_prices import price_events
from clustersim.operation.sites import OUTAGES, whole_job
from clustersim.operation.spec_parts.sites import ALONE_BETWEEN, SitesSpec
from clustersim.scenario import Scenario
from clustersim.study.it_power import Pool
from clustersim.study.operation_facts import job_facts
from clustersim.study.random_streams import random_stream
from clustersim.study.several_sites.facts import sites_facts
from clustersim.study.step import StepStudy


def trains_alone(scenario: Scenario) -> bool:
    """Whether the sites of the job train by themselves between two outer steps."""
    asked = scenario.operation.sites
    return asked is not None and asked.method in ALONE_BETWEEN


def check_sites(scenario: Scenario) -> None:
    """Refuse what a run does not simulate together.

    Raises
    ------
    InputError
        If `operation.sites` and `operation.fleet` are given together, a pipeline lies across the sites, or sites that
        train alone meet events of the grid or a protection that acts on the job.
    """
    operation, plant = scenario.operation, scenario.plant
    if operation.sites is None:
        return
    if operation.fleet is not None:
        raise InputError("operation.fleet, operation.sites: expected one of the two, found both")
    if operation.sites.method == "pipeline":
        raise InputError(
            "operation.sites.method: expected synchronous or a method of the DiLoCo family, found pipeline: the step "
            "of a run cuts the batch between the sites, not the model; `clustersim operate` tells a pipeline's days"
        )
    if trains_alone(scenario) and (plant.events or plant.protection.cooling_alarm != "ignore"):
        asked = "plant.events" if plant.events else "plant.protection.cooling_alarm"
        raise InputError(
            f"{asked}: expected none with operation.sites.method {operation.sites.method}, under which every site runs "
            "a job of its own; expected method synchronous, or events of energy prices (operation.sites.curtailment)"
        )


def lockstep_timeline(study: StepStudy, pool: Pool, external: Sequence[ExternalEvent]) -> Timeline:
    """Return what a synchronous job over several sites does, with `external` done to all of it.

    Energy prices and cut routes do to the job what :func:`~clustersim.operation.site_events.whole_job_events` says,
    whether or not the supply does something at the same time. The step is that of the power; of sites that are slower
    (`operation.sites.speeds`) it is longer, at the same power.
    """
    spec = study.scenario.operation
    asked = spec.sites or SitesSpec()
    facts = sites_facts(study, pool)
    seed = random_stream(study.scenario, "operation")
    cuts = np.random.SeedSequence(entropy=seed.entropy, spawn_key=(*seed.spawn_key, OUTAGES))
    drawn = drawn_outages(route_causes(spec, facts), facts, cuts, spec.horizon)
    states = network_states(facts, drawn, spec.horizon)
    events = whole_job_events(asked, facts, price_events(asked, facts.names, spec.horizon), states)
    # cuts of routes are drawn above, by the route
    job = replace(job_facts(study, pool), routes=0, step_time_s=whole_job(asked, facts).step_time_s)
    return simulate_operation(spec, job, seed, (*events, *external))
