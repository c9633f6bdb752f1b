"""One job over days to months, as SimPy processes: the job, its failure sources, the events of the site."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np
import simpy

from clustersim.operation.blows import Blow
from clustersim.operation.causes import failure_causes
from clustersim.operation.cluster import Blocks, Cluster
from clustersim.operation.cycle import Durations
from clustersim.operation.facts import ExternalEvent, JobFacts
from clustersim.operation.job import JobProcess
from clustersim.operation.records import Timeline
from clustersim.operation.repair import repair_shop
from clustersim.operation.slowness import Cap
from clustersim.operation.sources import start_sources
from clustersim.operation.spec import OperationSpec


def outside(env: simpy.Environment, job: JobProcess, event: ExternalEvent) -> Generator[simpy.Event, Any, None]:
    """Stop the job, or cap its speed from the start to the end of the event."""
    yield env.timeout(event.t_start_s - env.now)
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


def simulate_operation(
    spec: OperationSpec,
    job: JobFacts,
    seed: np.random.SeedSequence,
    external: Sequence[ExternalEvent] = (),
    *,
    factors: Mapping[str, float] | None = None,
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
        One stream is spawned per failure cause, in catalog order, after the stream of the step times.
    external : sequence of ExternalEvent
        Stops and caps from the site or the grid. An event that starts at or after the horizon has no effect.

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
    spares = spec.spare_servers
    cluster_facts = job if not spares else job.with_servers(job.servers + spares)
    causes = failure_causes(spec.failure_rates, cluster_facts, spec.failure_scale, factors=factors)
    # A fresh copy, so that the same seed gives the same streams however often it was spawned from.
    root = np.random.SeedSequence(entropy=seed.entropy, spawn_key=seed.spawn_key)
    seeds = root.spawn(1 + len(causes))
    env = simpy.Environment(initial_time=0.0)
    times = Durations.of(spec, job, causes)
    # streams of what is not a cause are children of the first, so that they shift no cause's stream
    shop = (
        None
        if spares is None
        else repair_shop(spec.repair, spec.repair_time, np.random.default_rng(seeds[0].spawn(1)[0]))
    )
    blocks = Blocks(job.servers_per_rack, job.servers_per_leaf, job.servers_per_feed)
    cluster = Cluster(env, cluster_facts.servers, blocks, shop)
    running = JobProcess(env, job, times, spec, np.random.default_rng(seeds[0]), cluster)
    cluster.assign(running, range(job.servers))
    start_sources(env, cluster, causes, seeds[1:], spec.horizon)
    for event in external:
        env.process(outside(env, running, event))
    env.run(until=spec.horizon)
    # who asks what all halls do when they start again looks at a single restart too
    return running.finish(spec.horizon, 2 if spec.restart_spacing is None else 1)
