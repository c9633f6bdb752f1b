"""One job over days to months, as SimPy processes: the job, its failure sources, the events of the site."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import simpy

from clustersim.operation.blows import Blow
from clustersim.operation.causes import NONE, Cause, failure_causes
from clustersim.operation.cluster import Blocks, Cluster
from clustersim.operation.cycle import Durations, losses_of
from clustersim.operation.facts import ExternalEvent, JobFacts
from clustersim.operation.findings import (
    collect,
    idle_crew,
    no_crew,
    no_progress,
    short_intervals,
    slow_writes,
    unused_spares,
)
from clustersim.operation.job import JobProcess
from clustersim.operation.phases import OuterStep
from clustersim.operation.rate_uncertainty import draw_factors
from clustersim.operation.records import Timeline
from clustersim.operation.repair import repair_shop
from clustersim.operation.restarts import DEFAULT_COLLECTIVES, IN_JOB, far_from_its_rows
from clustersim.operation.slowness import Cap
from clustersim.operation.sources import start_sources
from clustersim.operation.spec import OperationSpec


def outside(env: simpy.Environment, job: JobProcess, event: ExternalEvent) -> Generator[simpy.Event, Any, None]:
    """Stop the job, or cap its speed from the start to the end of the event."""
    yield env.timeout(event.t_start_s - env.now)
    if event.effect == "drain":
        job.drain(event.cause, event.t_end_s, event.category)
        return
    if event.effect != "cap_fraction":
        stop = Blow(
            event.cause,
            "stop",
            detection_s=event.detection_s,
            loss="power" if event.effect == "site_lost" else "process",
            stopped_until_s=event.t_end_s,
            category=event.category,
        )
        job.interrupt(stop)
        return
    cap, change = Cap(event.cause, event.fraction, event.category), Blow(event.cause, "speed")
    job.slow.caps.append(cap)
    job.interrupt(change)
    yield env.timeout(event.t_end_s - event.t_start_s)
    job.slow.caps.remove(cap)
    job.interrupt(change)


def launch(
    env: simpy.Environment,
    spec: OperationSpec,
    job: JobFacts,
    seed: np.random.SeedSequence,
    external: Sequence[ExternalEvent] = (),
    *,
    causes: Sequence[Cause] | None = None,
    outer: OuterStep | None = None,
    number: int = 0,
    rate_stratum: tuple[int, int] = (0, 1),
) -> JobProcess:
    """Put one job with servers of its own, its failures and its events into an environment.

    As :func:`simulate_operation`, with more than one job in the same environment if asked; `causes` left out: those of
    the spec; `outer`: what the job does every so many steps together with others.
    """
    # A fresh copy, so that the same seed gives the same streams however often it was spawned from.
    root = np.random.SeedSequence(entropy=seed.entropy, spawn_key=seed.spawn_key)
    first = root.spawn(1)[0]
    # streams of what is not a cause are children of the first, so that they shift no cause's stream
    of_shop, of_rates = first.spawn(2)
    spares = spec.spare_servers
    servers = job.servers + (spares or 0)
    if causes is None:
        causes = causes_of(spec, job.with_servers(servers) if spares else job, of_rates, rate_stratum)
    shop = None if spares is None else repair_shop(spec.repair, spec.repair_time, np.random.default_rng(of_shop))
    cluster = Cluster(env, servers, Blocks(job.servers_per_rack, job.servers_per_leaf, job.servers_per_feed), shop)
    times = Durations.of(spec, job, causes)
    running = JobProcess(env, job, times, spec, np.random.default_rng(first), cluster, number=number, outer=outer)
    cluster.assign(running, range(job.servers))
    start_sources(env, cluster, causes, root.spawn(len(causes)), spec.horizon)
    for event in external:
        env.process(outside(env, running, event))
    running.findings.extend(_about_the_input(spec, job, running, causes))
    return running


def causes_of(
    spec: OperationSpec, job: JobFacts, seed: np.random.SeedSequence, stratum: tuple[int, int]
) -> tuple[Cause, ...]:
    """Return the causes of the spec, with rates of a fleet that is drawn from its share of the spread if asked."""
    factors = None
    if spec.failures.uncertainty == "fleet" and spec.failure_rates != NONE:
        rng = np.random.default_rng(seed)
        factors = draw_factors(spec.failure_rates, job, rng, fleets=spec.failures.fleets, stratum=stratum)
    return failure_causes(spec.failure_rates, job, spec.failure_scale, spec=spec.failures, factors=factors)


def _about_the_input(
    spec: OperationSpec, job: JobFacts, running: JobProcess, causes: Sequence[Cause]
) -> tuple[str, ...]:
    """Return what is worth a word about the input itself."""
    times, mode = running.times, spec.recovery.mode
    full = mode == "full"
    asked = spec.restart_time if full else spec.recovery.reconfigure_time
    collectives = spec.recovery.collective_law or DEFAULT_COLLECTIVES
    law = spec.restart_law if full else IN_JOB if mode == "in_job" else collectives
    recovery_s = (times.restart if full else times.reconfigure) + min(tier.reload_s for tier in times.tiers)
    return collect(
        idle_crew(spec.repair, spec.repair_time, spec.spare_servers) if spec.fleet is None else None,
        slow_writes(times.tiers),
        short_intervals(times.tiers, job.step_time_s),
        no_progress(losses_of(spec, causes), recovery_s, times.tiers) if mode != "elastic" else None,
        far_from_its_rows(law, job.family, job.gpus, collectives) if asked is None else None,
    )


def simulate_operation(
    spec: OperationSpec,
    job: JobFacts,
    seed: np.random.SeedSequence,
    external: Sequence[ExternalEvent] = (),
    *,
    rate_stratum: tuple[int, int] = (0, 1),
) -> Timeline:
    """Simulate one synchronous job from its first step to the horizon.

    The job trains in steps and takes a checkpoint every interval: a pause, then a write in the background. A failure
    of any part stops all ranks: they wait until it is detected, restart, reload the last checkpoint that was fully
    written, and redo the steps since. To first order the useful share of time is
    ``1 - rate (detect + restart + reload + interval / 2) - blocking / interval`` (arXiv 2410.21680, appendix).

    Parameters
    ----------
    spec : OperationSpec
        Horizon, checkpoints, failure rates, spares.
    job : JobFacts
        Sizes of the job.
    seed : numpy.random.SeedSequence
        One stream is spawned per failure cause, in catalog order, after the stream of the step times; other streams
        are children of that one, so that they shift none.
    external : sequence of ExternalEvent
        Stops and caps from the site or the grid. An event that starts at or after the horizon has no effect.

    rate_stratum : tuple of int
        Which of how many equal shares of the spread between fleets the rates are drawn from, where they are drawn.

    Returns
    -------
    Timeline
        Rows tile ``[0, horizon]``. ``goodput`` counts training that was not rolled back, weighted by its speed under a
        cap. ``interruptions`` counts failures and stops that hit the job while it trained, saved, restarted or
        reloaded. Work since the last checkpoint counts as useful at the horizon.

    Raises
    ------
    CatalogError
        If the failure rates or the restart law are not in the catalog.
    """
    env = simpy.Environment(initial_time=0.0)
    running = launch(env, spec, job, seed, external, rate_stratum=rate_stratum)
    env.run(until=spec.horizon)
    cluster = running.cluster
    # who asks what all halls do when they start again looks at a single restart too
    fewest = 2 if spec.restart_spacing is None else 1
    return running.finish(
        spec.horizon,
        fewest,
        collect(
            no_crew(spec.repair, spec.spare_servers, cluster.taken_in) if cluster.taken_in else None,
            unused_spares(spec.spare_servers, cluster.handed_out),
        ),
    )
