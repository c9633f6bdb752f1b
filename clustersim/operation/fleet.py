"""Many jobs on one cluster: the main job, listed ones, research at random, services that follow the day."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import simpy

from clustersim.operation.causes import Cause
from clustersim.operation.daily_load import daily_load
from clustersim.operation.facts import ExternalEvent
from clustersim.operation.fleet_accounts import (
    accounts_of_fleet,
    beside_table,
    gantt_table,
    occupancy_table,
    power_table,
)
from clustersim.operation.fleet_engine import Engine, Policy
from clustersim.operation.fleet_plan import (
    Budget,
    MainPlace,
    budget_of,
    idle_w,
    main_place,
    main_stops,
    rolling_batches,
)
from clustersim.operation.fleet_records import MAIN, FleetFacts, FleetJob, FleetRecord
from clustersim.operation.fleet_servers import ServerMap
from clustersim.operation.fleet_sources import (
    arrivals,
    budget_steps,
    daily,
    failures,
    outside,
    rolling,
    whole_cluster,
)
from clustersim.operation.gang_jobs import Gang, listed_jobs, research_jobs, service_units
from clustersim.operation.records import Timeline
from clustersim.operation.repair import repair_shop
from clustersim.operation.simulation import causes_of, simulate_operation
from clustersim.operation.spec import OperationSpec
from clustersim.operation.spec_parts.fleet import FleetSpec

STREAM = 0x464C4545
"""Key under which the random streams of the other jobs are spawned, apart from those of the main one."""
MAIN_OWNER = 2**30
"""Owner number of the main job's servers."""


def simulate_fleet(
    spec: OperationSpec,
    facts: FleetFacts,
    seed: np.random.SeedSequence,
    external: Sequence[ExternalEvent] = (),
    *,
    rate_stratum: tuple[int, int] = (0, 1),
) -> FleetRecord:
    """Simulate the main job and all that shares its cluster, from an empty cluster to the horizon.

    The main job goes before all others and holds its servers and spares all the time, so that nothing but planned
    work, the power budget and `external` touches it: its Timeline is that of :func:`simulate_operation` with these
    stops. The others queue for the rest: by priority and arrival, each gang whole or not at all, with EASY backfill,
    preemption and a power budget (docs/models/fleet.md).

    Parameters
    ----------
    spec : OperationSpec
        With `fleet` set.
    facts : FleetFacts
        The pools of servers and the main job.
    seed : numpy.random.SeedSequence
        The main job draws from the same streams as without others; these have streams of their own: one for
        failures, then one for each stream of research jobs in their order.
    external : sequence of ExternalEvent
        What the site or the grid does to every job of the cluster.
    rate_stratum : tuple of int
        As of :func:`simulate_operation`.

    Raises
    ------
    InputError
        If a job, a service or the budget does not fit the cluster.
    ValueError
        If `spec` has no fleet.
    """
    fleet = spec.fleet
    if fleet is None:
        raise ValueError("expected operation.fleet to be set")
    budget = budget_of(fleet.power_budget, spec.horizon)
    place = main_place(facts, spec.spare_servers or 0)
    stops = main_stops(fleet, facts, place, budget, spec.horizon)
    main = simulate_operation(spec, facts.main, seed, (*external, *stops), rate_stratum=rate_stratum)
    jobs, units = _gangs(fleet, facts, place, spec.horizon, seed)
    policy = Policy(
        budget=_left(budget, facts, place, stops, spec.horizon),
        idle_w=idle_w(facts.pools, place),
        lead_s=max((job.habits.save for job in jobs), default=0.0),
        shop=repair_shop(spec.repair, spec.repair_time, _rng(seed, 0, 1)),
        backfill=fleet.backfill,
        depth=fleet.backfill_depth,
        preemption=fleet.preemption,
    )
    # the same drawn rates as the main job's, whose stream this is
    of_rates = np.random.SeedSequence(entropy=seed.entropy, spawn_key=(*seed.spawn_key, 0, 1))
    causes = causes_of(spec, facts.main, of_rates, rate_stratum)
    engine, skipped = _simulated(spec, facts, place, policy, jobs, units, (causes, _rng(seed, 0)), external)
    return _record(facts, place, main, engine, budget, skipped)


def require_fit(spec: OperationSpec, facts: FleetFacts) -> None:
    """Raise if a job, a service or planned work of `spec` does not fit the cluster; powers are not looked at.

    Raises
    ------
    InputError
        Of the first that does not fit, or names what is not in the catalog.
    """
    fleet = spec.fleet
    if fleet is None:
        return
    _gangs(fleet, facts, main_place(facts, spec.spare_servers or 0), 0.0, np.random.SeedSequence(0))
    for one in fleet.services:
        daily_load(one.profile, one.utc_offset)
    for work in fleet.maintenance:
        if work.servers is not None:
            rolling_batches(work, tuple(pool.servers for pool in facts.pools))


def _gangs(
    fleet: FleetSpec, facts: FleetFacts, place: MainPlace, horizon_s: float, seed: np.random.SeedSequence
) -> tuple[list[Gang], list[list[Gang]]]:
    """Return all jobs, numbered in order of arrival, and the units of each service."""
    room = tuple(
        pool.servers - main - spare for pool, main, spare in zip(facts.pools, place.servers, place.spares, strict=True)
    )
    units = [service_units(one, facts.pools, room) for one in fleet.services]
    listed = listed_jobs(fleet, facts.pools, room)
    for index, one in enumerate(fleet.streams):
        listed += research_jobs(one, facts.pools, room, horizon_s, _rng(seed, 1 + index))
    jobs = [unit for group in units for unit in group] + sorted(listed, key=lambda job: job.arrival_s)
    for number, job in enumerate(jobs):
        job.number = number
    return jobs, units


def _rng(seed: np.random.SeedSequence, *index: int) -> np.random.Generator:
    key = (*seed.spawn_key, STREAM, *index)
    return np.random.default_rng(np.random.SeedSequence(entropy=seed.entropy, spawn_key=key))


def _left(
    budget: Budget, facts: FleetFacts, place: MainPlace, stops: Sequence[ExternalEvent], horizon_s: float
) -> Budget:
    """Return what the budget leaves for the others: the main job may draw its most whenever it is not stopped."""
    ends = [time for stop in stops for time in (stop.t_start_s, stop.t_end_s)]
    times = tuple(sorted({*budget.times_s, *(time for time in ends if time < horizon_s)}))
    running, standing = (place.watts(facts.pools, running=on) for on in (True, False))
    stands = [any(stop.t_start_s <= time < stop.t_end_s for stop in stops) for time in times]
    pairs = zip(times, stands, strict=True)
    return Budget(times, tuple(budget.at(time) - (standing if stand else running) for time, stand in pairs))


def _simulated(
    spec: OperationSpec,
    facts: FleetFacts,
    place: MainPlace,
    policy: Policy,
    jobs: list[Gang],
    units: list[list[Gang]],
    struck: tuple[Sequence[Cause], np.random.Generator],
    external: Sequence[ExternalEvent],
) -> tuple[Engine, list[int]]:
    fleet = spec.fleet or FleetSpec()
    env = simpy.Environment(initial_time=0.0)
    servers = ServerMap(facts.pools, fleet.placement)
    held = {i: n + s for i, (n, s) in enumerate(zip(place.servers, place.spares, strict=True)) if n + s > 0}
    servers.give(MAIN_OWNER, held)
    engine = Engine(env, servers, jobs, policy)
    skipped: list[int] = []
    for one, group in zip(fleet.services, units, strict=True):
        env.process(daily(engine, one, group, daily_load(one.profile, one.utc_offset), spec.horizon))
    env.process(arrivals(engine, [job for job in jobs if job.kind != "service"]))
    env.process(failures(engine, struck[0], facts.main, struck[1]))
    for event in external:
        env.process(outside(engine, event))
    for work in fleet.maintenance:
        whole = work.servers is None
        env.process(
            whole_cluster(engine, work, spec.horizon) if whole else rolling(engine, work, spec.horizon, skipped)
        )
    env.process(budget_steps(engine))
    env.run(until=spec.horizon)
    engine.close()
    return engine, skipped


def _record(
    facts: FleetFacts, place: MainPlace, main: Timeline, engine: Engine, budget: Budget, skipped: list[int]
) -> FleetRecord:
    horizon = main.horizon_s
    others = tuple(job.record(horizon) for job in engine.jobs)
    rows = [row for number in sorted(engine.rows) for row in engine.rows[number]]
    occupancy = occupancy_table(engine.usage, facts.pools, horizon)
    return FleetRecord(
        horizon_s=horizon,
        accelerators=facts.accelerators,
        main=main,
        jobs=(_main_job(facts, main), *others),
        table=gantt_table(rows, others, facts.pools),
        occupancy=occupancy,
        power=power_table(rows, [job.habits.power for job in engine.jobs], facts.pools, main, place, budget),
        beside=beside_table(rows, [job.habits.power for job in engine.jobs], facts.pools, horizon),
        accounts=accounts_of_fleet(rows, others, facts.pools, main, place, occupancy),
        findings=(*main.findings, *_findings(others, horizon, skipped, engine.never_mended)),
    )


def _main_job(facts: FleetFacts, main: Timeline) -> FleetJob:
    done = main.goodput * main.horizon_s
    return FleetJob(
        MAIN, MAIN, "main", 0, facts.main.servers, 0.0, 0.0, math.inf, 0.0, 0, main.interruptions, math.inf, done
    )


def _findings(jobs: Sequence[FleetJob], horizon_s: float, skipped: list[int], never_mended: int) -> list[str]:
    """Return what a planner should know: who never started, and which servers were not worked on or not mended."""
    found = []
    for group in dict.fromkeys(job.group for job in jobs):
        waited = [
            job for job in jobs if job.group == group and math.isinf(job.start_s) and job.queued_s > 0.5 * horizon_s
        ]
        if waited:
            what = "units" if waited[0].kind == "service" else "jobs"
            found.append(f"{group}: {len(waited)} {what} waited more than half the horizon and never started")
    if sum(skipped) > 0:
        found.append(f"rolling maintenance left out {sum(skipped)} servers that their jobs did not give up")
    if never_mended > 0:
        found.append(
            f"operation.repair.technicians: expected at least 1, found 0: {never_mended} servers beside the main job's "
            "failed and none came back"
        )
    return found
