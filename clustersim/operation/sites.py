"""One job over several sites, from its first step to the horizon, under each way of keeping the sites together."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import simpy

from clustersim.errors import InputError, nearest
from clustersim.operation.facts import COUNTS, ExternalEvent, JobFacts
from clustersim.operation.outer_steps import Meeting, SiteOuterStep
from clustersim.operation.records import Timeline
from clustersim.operation.simulation import causes_of, launch, simulate_operation
from clustersim.operation.site_events import EventsBySite, whole_job_events
from clustersim.operation.site_facts import SitesFacts
from clustersim.operation.site_methods import common_step_s, exchange_of, outer_exposed_s, paces, uneven_spread
from clustersim.operation.site_network import (
    NetworkState,
    RouteOutage,
    drawn_outages,
    network_states,
    route_causes,
)
from clustersim.operation.site_prices import price_events
from clustersim.operation.site_records import SiteRecord, SitesRecord, whole_accounts
from clustersim.operation.spec import OperationSpec
from clustersim.operation.spec_parts.sites import ALONE_BETWEEN, SitesSpec
from clustersim.operation.token_efficiency import TokenEfficiency, token_efficiency

OUTAGES = 0x0F1B3E
"""Key of the streams of cut routes, apart from those of the jobs."""
FLEET = 0x0F1EE7
"""Key of the stream from which the fleet of all sites is drawn, where failure rates are spread between fleets."""
LONG_WAIT = 0.1
"""Share of the horizon from which a wait that lasts to its end is worth saying. [-]"""


def simulate_sites(
    spec: OperationSpec,
    facts: SitesFacts,
    seed: np.random.SeedSequence,
    external: EventsBySite | None = None,
    outages: Sequence[RouteOutage] = (),
    *,
    rate_stratum: tuple[int, int] = (0, 1),
) -> SitesRecord:
    """Simulate one job over several sites from its first step to the horizon.

    Synchronous training and a pipeline are one job over all sites: what fails at one stops all. Under the DiLoCo family
    each site is a job of its own with its own failures, checkpoints and events; the sites meet at outer steps.

    Parameters
    ----------
    spec : OperationSpec
        Horizon, checkpoints, failures; ``spec.sites`` says how the sites work together.
    facts : SitesFacts
        Sites, routes, and what an exchange between them needs.
    seed : numpy.random.SeedSequence
        In lock-step that of the one job; else one child per site, in their order. Cut routes have streams of their own.
    external : mapping of str to sequence of ExternalEvent, optional
        Stops, losses and caps by site; those of energy prices are added.
    outages : sequence of RouteOutage, optional
        Cuts of routes; those that the failure rates draw are added.
    rate_stratum : tuple of int, optional
        As for :func:`~clustersim.operation.simulation.simulate_operation`; all sites are of one fleet.

    Raises
    ------
    InputError
        If a site is named that is not there, the quorum is larger than the sites are many, or the token efficiency of
        the method is neither stated nor published.
    """
    asked = spec.sites or SitesSpec()
    given = dict(external or {})
    for name in given:
        if name not in facts.names:
            raise InputError(
                f"events of site {name!r}: expected one of {', '.join(facts.names)}{nearest(name, facts.names)}"
            )
    if (asked.quorum or 1) > len(facts.sites):
        raise InputError(f"sites.quorum: expected at most {len(facts.sites)}, one per site, got {asked.quorum}")
    efficiency = token_efficiency(asked, exchange_of(asked, facts).period)
    of_prices = price_events(asked, facts.names, spec.horizon)
    events = {name: (*given.get(name, ()), *of_prices[name]) for name in facts.names}
    drawn = drawn_outages(route_causes(spec, facts), facts, _child(seed, OUTAGES), spec.horizon)
    states = network_states(facts, (*outages, *drawn), spec.horizon)
    run = _alone_between if asked.method in ALONE_BETWEEN else _in_lockstep
    return run(spec, asked, facts, seed, events, states, efficiency, rate_stratum)


def _child(seed: np.random.SeedSequence, key: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(entropy=seed.entropy, spawn_key=(*seed.spawn_key, key))


# ---- one job over all sites -----------------------------------------------------------------------------------------


def whole_job(spec: SitesSpec, facts: SitesFacts) -> JobFacts:
    """Return the one job that all sites run in lock-step.

    Counts add up. Every site of a synchronous job holds the whole model, which is saved once; of a pipeline a part.
    Sites that nothing joins take no step together; the job that stands still has the step of the slowest of them. Where
    the step of all is known from a simulation, slower sites and other bits lengthen it in proportion.
    """
    step_s = common_step_s(spec, facts, facts.bandwidth)
    if spec.method == "synchronous" and facts.lockstep_s is not None and math.isfinite(step_s):
        step_s = facts.lockstep_s * (step_s / common_step_s(SitesSpec(), facts, facts.bandwidth))
    if not math.isfinite(step_s):
        step_s = max(pace.step_s for pace in paces(spec, facts))
    jobs = [site.job for site in facts.sites]
    sizes = [job.checkpoint_bytes for job in jobs]
    summed = {name: sum(getattr(job, name) for job in jobs) for name in ("gpus", "servers", *COUNTS, "replicas")}
    return replace(
        jobs[0],
        **summed | {"routes": 0},
        step_time_s=step_s,
        step_time_cv=max(job.step_time_cv for job in jobs),
        checkpoint_bytes=sum(sizes) if spec.method == "pipeline" else max(sizes),
    )


def _in_lockstep(
    spec: OperationSpec,
    asked: SitesSpec,
    facts: SitesFacts,
    seed: np.random.SeedSequence,
    events: Mapping[str, Sequence[ExternalEvent]],
    states: Sequence[NetworkState],
    efficiency: TokenEfficiency,
    rate_stratum: tuple[int, int],
) -> SitesRecord:
    job = whole_job(asked, facts)
    timeline = simulate_operation(
        spec, job, seed, whole_job_events(asked, facts, events, states), rate_stratum=rate_stratum
    )
    sites = tuple(
        SiteRecord(
            site.name,
            site.job.gpus,
            _share_of(timeline, site.job.gpus / job.gpus),
            timeline.useful_steps * site.tokens_per_step,
        )
        for site in facts.sites
    )
    findings = (*timeline.findings, *_parted_findings(states, stopped=True))
    return SitesRecord(asked.method, sites, timeline.accounts, efficiency, 0, 0, findings)


def _share_of(timeline: Timeline, share: float) -> Timeline:
    """Return the record of a job in lock-step with the accelerators of one site."""
    table = timeline.table
    return replace(timeline, table=table.assign(gpus=(table["gpus"] * share).round().astype(table["gpus"].dtype)))


# ---- a job per site -------------------------------------------------------------------------------------------------


def _alone_between(
    spec: OperationSpec,
    asked: SitesSpec,
    facts: SitesFacts,
    seed: np.random.SeedSequence,
    events: Mapping[str, Sequence[ExternalEvent]],
    states: Sequence[NetworkState],
    efficiency: TokenEfficiency,
    rate_stratum: tuple[int, int],
) -> SitesRecord:
    env = simpy.Environment(initial_time=0.0)
    every = len(facts.sites)
    quorum = (asked.quorum or 1) if asked.method == "decoupled_diloco" else every
    exposed = partial(outer_exposed_s, asked, facts)
    meeting = Meeting(env, quorum, asked.grace, exposed, uneven_spread(asked, facts), states[0])
    fleet = _child(seed, FLEET)
    own = np.random.SeedSequence(entropy=seed.entropy, spawn_key=seed.spawn_key).spawn(every)
    for number, (site, pace, child) in enumerate(zip(facts.sites, paces(asked, facts), own, strict=True)):
        outer = SiteOuterStep(site.name, pace.steps, meeting)
        job = replace(site.job, step_time_s=pace.step_s, routes=0)
        causes = causes_of(spec, job.with_servers(job.servers + (spec.spare_servers or 0)), fleet, rate_stratum)
        outer.job = launch(env, spec, job, child, events[site.name], causes=causes, number=number, outer=outer)
        meeting.sites.append(outer)
    meeting.start()
    env.process(_follow_network(env, meeting, states))
    if asked.on_site_loss == "drop":
        for outer in meeting.sites:
            for event in events[outer.name]:
                if event.effect != "cap_fraction":
                    env.process(_follow_loss(env, meeting, outer, event))
    env.run(until=spec.horizon)
    meeting.finish()
    sites = _records(spec, facts, meeting)
    return SitesRecord(
        asked.method,
        sites,
        whole_accounts(sites, spec.horizon),
        efficiency,
        math.floor(meeting.outer_steps),
        math.floor(meeting.postponed),
        _findings(spec, sites, meeting, states),
    )


def _follow_network(
    env: simpy.Environment, meeting: Meeting, states: Sequence[NetworkState]
) -> Generator[simpy.Event, Any, None]:
    """Tell the meeting how the fibre changes after the first state."""
    for state in states[1:]:
        yield env.timeout(state.t_start_s - env.now)
        meeting.connect(state)


def _follow_loss(
    env: simpy.Environment, meeting: Meeting, site: SiteOuterStep, event: ExternalEvent
) -> Generator[simpy.Event, Any, None]:
    """Have the meeting go on without a site that is stopped or lost, once that is noticed."""
    yield env.timeout(event.t_start_s + event.detection_s - env.now)
    if env.now < event.t_end_s and not site.active:
        meeting.drop(site)


def _records(spec: OperationSpec, facts: SitesFacts, meeting: Meeting) -> tuple[SiteRecord, ...]:
    """Return what each site did.

    Where the sites are parted at the end, what they trained since they last merged counts for the largest group alone.
    """
    kept = max(meeting.network.parts, key=lambda group: sum(s.tokens_per_step for s in facts.sites if s.name in group))
    found = []
    for site, outer in zip(facts.sites, meeting.sites, strict=True):
        timeline = outer.job.finish(spec.horizon, 2 if spec.restart_spacing is None else 1)
        steps = timeline.useful_steps
        if meeting.parted and site.name not in kept:
            steps = min(steps, outer.merged_step)
        found.append(SiteRecord(site.name, site.job.gpus, timeline, steps * site.tokens_per_step))
    return tuple(found)


# ---- findings -------------------------------------------------------------------------------------------------------


def _findings(
    spec: OperationSpec, sites: Sequence[SiteRecord], meeting: Meeting, states: Sequence[NetworkState]
) -> tuple[str, ...]:
    found = [f"{site.name}: {finding}" for site in sites for finding in site.timeline.findings]
    found += _parted_findings(states, stopped=False)
    waiting = [site for site, outer in zip(sites, meeting.sites, strict=True) if outer.present]
    if waiting and not meeting.parted:
        since = min(float(site.timeline.table["t_start_s"].iloc[-1]) for site in waiting)
        if spec.horizon - since > LONG_WAIT * spec.horizon:
            found.append(
                f"the outer step stays open from {since:.0f} s to the end ({spec.horizon - since:.0f} s): "
                f"{', '.join(site.name for site in waiting)} wait for {meeting.awaited}"
            )
    if meeting.postponed >= 1.0:
        found.append(
            f"{meeting.postponed:.0f} times a site trained on past an outer step because the sites were parted: the "
            "token efficiency does not hold for such long periods"
        )
    return tuple(found)


def _parted_findings(states: Sequence[NetworkState], *, stopped: bool) -> list[str]:
    """Return what is worth saying about times in which sites cannot reach each other."""
    horizon_s = states[-1].t_end_s
    found = []
    if states[-1].bandwidth <= 0.0:
        since = next(
            state.t_start_s
            for index, state in enumerate(states)
            if all(later.bandwidth <= 0.0 for later in states[index:])
        )
        groups = " and ".join("+".join(group) for group in states[-1].parts)
        does = "the job stands still" if stopped else "they train apart, and only the largest group's work counts"
        found.append(
            f"the sites are parted into {groups} from {since:.0f} s to the end ({horizon_s - since:.0f} s), "
            f"{states[-1].cause}: {does}"
        )
    return found
