"""What happens to a shared cluster: arrivals, the hours of services, failures, planned work, events from outside."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from clustersim.operation.causes import Cause, Domain
from clustersim.operation.daily_load import DailyLoad
from clustersim.operation.facts import ExternalEvent, JobFacts
from clustersim.operation.fleet_engine import Engine
from clustersim.operation.fleet_plan import PLANNED, rolling_batches, windows_s
from clustersim.operation.fleet_servers import FREE, MAINTENANCE, Broken
from clustersim.operation.gang_jobs import Gang
from clustersim.operation.gang_stint import Process, Signal
from clustersim.operation.repair import NO_REPAIR
from clustersim.operation.spec_parts.fleet import MaintenanceSpec, ServiceSpec


def arrivals(engine: Engine, jobs: Sequence[Gang]) -> Process:
    """Put jobs, in order of arrival, in the queue."""
    for job in jobs:
        if job.arrival_s > engine.env.now:
            yield engine.env.timeout(job.arrival_s - engine.env.now)
        engine.submit(job)


def wanted_units(spec: ServiceSpec, load: float) -> int:
    """Return the units that a service wants at a share `load` of its peak; whole units that hold its servers."""
    servers = max(spec.least_servers, load * spec.peak_servers)
    # a whole number of units that rounding lifted a little does not ask for one more
    return math.ceil(servers / spec.unit_servers - 1e-9)


def daily(engine: Engine, spec: ServiceSpec, units: Sequence[Gang], load: DailyLoad, horizon_s: float) -> Process:
    """Make a service grow and shrink by the hour; the units started last leave first."""
    for time in (0.0, *load.changes_s(horizon_s)):
        yield engine.env.timeout(time - engine.env.now)
        wanted = wanted_units(spec, load.at(time))
        for unit in units[:wanted]:
            if unit.status == "absent":
                engine.submit(unit)
        for unit in reversed(units[wanted:]):
            engine.withdraw(unit)


def block_size(cause: Cause, main: JobFacts) -> int:
    """Return how many servers fall together: as for the main job; a building is as large as its part of one."""
    sizes: dict[Domain, int] = {
        "rack": main.servers_per_rack,
        "leaf": main.servers_per_leaf,
        "feed": main.servers_per_feed,
        "building": math.ceil(main.servers / cause.count),
    }
    return sizes.get(cause.domain, 1)


def failures(engine: Engine, causes: Sequence[Cause], main: JobFacts, rng: np.random.Generator) -> Process:
    """Strike servers of the whole cluster at random; what strikes the main job's is its own simulation's.

    The causes are those of the main job: each block of the cluster falls at the mean rate of one of its blocks, with
    every server in it. What slows a job, corrupts silently or takes a route is left to the main job.
    """
    stops = [cause for cause in causes if cause.effect == "stop" and cause.domain != "route"]
    sizes = [block_size(cause, main) for cause in stops]
    blocks = {size: blocks_of([pool.servers for pool in engine.pools], size) for size in sizes}
    rates = np.array(
        [
            cause.rate_per_s * len(blocks[size]) / math.ceil(main.servers / size)
            for cause, size in zip(stops, sizes, strict=True)
        ]
    )
    total, servers = float(rates.sum()), sum(pool.servers for pool in engine.pools)
    while total > 0.0:
        yield engine.env.timeout(float(rng.exponential(1.0 / total)))
        number = int(rng.integers(servers))
        index = int(rng.choice(len(stops), p=rates / total))
        found = blocks[sizes[index]]
        strike(engine, stops[index], *found[number * len(found) // servers])


def blocks_of(pools: Sequence[int], size: int) -> list[tuple[int, int, int]]:
    """Return the blocks of `size` servers of pools of so many: pool, first server, end; the last one may be smaller.

    Examples
    --------
    >>> blocks_of([3, 2], 2)
    [(0, 0, 2), (0, 2, 3), (1, 0, 2)]
    """
    return [
        (pool, first, min(first + size, servers))
        for pool, servers in enumerate(pools)
        for first in range(0, servers, size)
    ]


def strike(engine: Engine, cause: Cause, pool: int, first: int, end: int) -> None:
    """Let a block of servers fail: free ones leave, and each job that holds some is struck once."""
    until_s = engine.env.now + cause.outage_s if cause.outage_s > 0.0 else 0.0
    leaves = cause.replaces_server or cause.outage_s > 0.0
    struck: dict[int, list[Broken]] = {}
    for number, owner in enumerate(engine.servers.owner[pool][first:end].tolist(), first):
        one = Broken(pool, number, cause.repair if cause.replaces_server else NO_REPAIR, until_s)
        struck.setdefault(owner, []).append(one)
    for owner, servers in struck.items():
        if owner == FREE and leaves:
            for one in servers:
                engine.break_server(one)
        elif 0 <= owner < len(engine.jobs):
            broken = tuple(servers) if leaves else ()
            engine.signal(engine.jobs[owner], Signal("struck", cause.name, cause.detection_s, broken))


def outside(engine: Engine, event: ExternalEvent) -> Process:
    """Stop all jobs, or cap their speed, from the begin to the end of an event."""
    yield engine.env.timeout(event.t_start_s)
    if event.effect == "cap_fraction":
        engine.caps.append(event)
        tell(engine, Signal("speed", event.cause))
        yield engine.env.timeout(event.t_end_s - event.t_start_s)
        engine.caps.remove(event)
        tell(engine, Signal("speed", event.cause))
        return
    engine.stopped_until_s = max(engine.stopped_until_s, event.t_end_s)
    tell(engine, Signal("stop", event.cause, until_s=engine.stopped_until_s))
    yield engine.env.timeout(event.t_end_s - event.t_start_s)
    engine.wake()


def tell(engine: Engine, signal: Signal) -> None:
    """Interrupt every job that holds servers."""
    for job in list(engine.running.values()):
        engine.signal(job, signal)


def whole_cluster(engine: Engine, spec: MaintenanceSpec, horizon_s: float) -> Process:
    """Empty the cluster for each window: jobs begin to leave by the lead time before it, services at its begin."""
    cause = f"{PLANNED}{spec.name}"
    for begin, end in windows_s(spec, horizon_s):
        lead = max(0.0, begin - engine.policy.lead_s - engine.env.now)
        yield engine.env.timeout(lead)
        engine.shut.append(cause)
        for job in [one for one in engine.running.values() if one.status == "running" and one.kind != "service"]:
            if job.habits.preemptible:
                engine.ask_to_leave(job, cause)
        yield engine.env.timeout(begin - engine.env.now)
        for job in [one for one in engine.running.values() if one.status == "running"]:
            if job.kind == "service":
                engine.ask_to_leave(job, cause)
            else:
                engine.signal(job, Signal("stop", cause, until_s=end))
        yield engine.env.timeout(end - engine.env.now)
        engine.shut.remove(cause)
        engine.wake()


def rolling(engine: Engine, spec: MaintenanceSpec, horizon_s: float, skipped: list[int]) -> Process:
    """Go through the servers batch by batch; servers that a job does not give up are left out and counted."""
    sizes = tuple(pool.servers for pool in engine.pools)
    batches = rolling_batches(spec, sizes)
    for begin, _ in windows_s(spec, horizon_s):
        for index, pieces in enumerate(batches):
            start = begin + index * spec.duration
            if start >= horizon_s:
                return
            yield engine.env.timeout(max(0.0, start - engine.policy.lead_s - engine.env.now))
            for piece in pieces:
                engine.env.process(_batch(engine, spec, piece, start, skipped))


def _batch(
    engine: Engine, spec: MaintenanceSpec, piece: tuple[int, int, int], start: float, skipped: list[int]
) -> Process:
    pool, first, last = piece
    servers = np.arange(first, last)
    cause = f"{PLANNED}{spec.name}"
    engine.servers.close(pool, servers, shut=True)
    for owner in np.unique(engine.servers.owner[pool][servers]):
        if 0 <= owner < len(engine.jobs):
            job = engine.jobs[int(owner)]
            if job.status == "running" and job.habits.preemptible:
                engine.ask_to_leave(job, cause)
    yield engine.env.timeout(start - engine.env.now)
    # one step later, so that who leaves at this very time has left
    yield engine.env.timeout(0.0)
    ready = servers[engine.servers.owner[pool][servers] == FREE]
    skipped.append(servers.size - ready.size)
    engine.servers.send_away(pool, ready, FREE, MAINTENANCE)
    engine.note(pool)
    yield engine.env.timeout(start + spec.duration - engine.env.now)
    engine.servers.bring_back(pool, ready, MAINTENANCE)
    engine.servers.close(pool, servers, shut=False)
    engine.note(pool)
    engine.wake()


def budget_steps(engine: Engine) -> Process:
    """Look at the queue and the budget whenever the budget changes, and by the lead time before."""
    times = sorted(
        {
            moment
            for time in engine.policy.budget.times_s[1:]
            for moment in (max(0.0, time - engine.policy.lead_s), time)
        }
    )
    for time in times:
        yield engine.env.timeout(time - engine.env.now)
        engine.wake()
