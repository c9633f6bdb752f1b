"""What is known beforehand: the power budget, when it stops the main job, and when work on servers is planned."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

from clustersim.errors import InputError
from clustersim.operation.daily_load import DailyLoad
from clustersim.operation.facts import ExternalEvent
from clustersim.operation.fleet_records import FleetFacts, ServerPool
from clustersim.operation.spec_parts.fleet import FleetSpec, MaintenanceSpec, PowerBudgetSpec

BUDGET = "power budget"
PLANNED = "maintenance: "
"""Beginning of the causes that are planned work on servers."""


@dataclass(frozen=True)
class Budget:
    """Largest IT power [W] as a step function of time."""

    times_s: tuple[float, ...]
    """Begins of the steps; the first is 0. [s]"""
    watts: tuple[float, ...]

    def at(self, time_s: float) -> float:
        """Return the budget [W] at a time; a step holds its begin."""
        return self.watts[bisect_right(self.times_s, time_s) - 1]

    def least(self, start_s: float, end_s: float) -> float:
        """Return the least budget [W] of ``[start_s, end_s]``."""
        first, last = bisect_right(self.times_s, start_s) - 1, bisect_right(self.times_s, end_s)
        return min(self.watts[first:last])


def budget_of(spec: PowerBudgetSpec | None, horizon_s: float) -> Budget:
    """Return the budget over the horizon, infinite where none is stated."""
    if spec is None:
        return Budget((0.0,), (math.inf,))
    day = DailyLoad(spec.hourly, spec.utc_offset)
    times = (0.0, *day.changes_s(horizon_s))
    return Budget(times, tuple(spec.limit * day.at(time) for time in times))


@dataclass(frozen=True)
class MainPlace:
    """Servers of the main job and its spares in each pool."""

    servers: tuple[int, ...]
    """Servers that train, per pool. int[pool]"""
    spares: tuple[int, ...]
    """Servers held ready for it, per pool. int[pool]"""

    def watts(self, pools: tuple[ServerPool, ...], *, running: bool) -> float:
        """Return the most that they draw [W]; spares and a job that stands draw no more than a waiting server."""
        busy = sum(n * (p.full_w if running else p.wait_w) for n, p in zip(self.servers, pools, strict=True))
        return busy + sum(n * p.idle_w for n, p in zip(self.spares, pools, strict=True))


def main_place(facts: FleetFacts, spares: int) -> MainPlace:
    """Return where the main job lies: its pools one after the other.

    Raises
    ------
    InputError
        If its pools are too small for the job and its spares.
    """
    room = {pool.name: pool.servers for pool in facts.pools}
    shares = []
    for wanted in (facts.main.servers, spares):
        left, share = wanted, dict.fromkeys(room, 0)
        for name in facts.main_pools:
            share[name] = min(left, room[name])
            left, room[name] = left - share[name], room[name] - share[name]
        if left > 0:
            raise InputError(
                f"operation.fleet: the main job asks for {facts.main.servers} servers and {spares} spares of "
                f"{', '.join(facts.main_pools)}; {left} too many"
            )
        shares.append(tuple(share[pool.name] for pool in facts.pools))
    return MainPlace(*shares)


def main_stops(
    spec: FleetSpec, facts: FleetFacts, place: MainPlace, budget: Budget, horizon_s: float
) -> tuple[ExternalEvent, ...]:
    """Return the stops of the main job that are known beforehand: work on the whole cluster, and too small a budget.

    Raises
    ------
    InputError
        If the budget does not even carry the cluster with every job stopped.
    """
    others_idle = idle_w(facts.pools, place)
    running = others_idle + place.watts(facts.pools, running=True)
    standing = others_idle + place.watts(facts.pools, running=False)
    if min(budget.watts) < standing:
        raise InputError(
            f"operation.fleet.power_budget: expected at least {standing / 1e6:.6g} MW, which the cluster draws with "
            f"every job stopped, got {min(budget.watts) / 1e6:.6g} MW"
        )
    stops = [
        ExternalEvent(begin, min(end, horizon_s), f"{PLANNED}{one.name}", "drain", category="idle")
        for one in spec.maintenance
        if one.servers is None
        for begin, end in windows_s(one, horizon_s)
    ]
    ends = (*budget.times_s[1:], horizon_s)
    short = [
        (begin, end) for begin, end, watts in zip(budget.times_s, ends, budget.watts, strict=True) if watts < running
    ]
    return (*stops, *(ExternalEvent(begin, end, BUDGET, "stop") for begin, end in joined(short)))


def idle_w(pools: tuple[ServerPool, ...], place: MainPlace) -> float:
    """Return the power [W] of all servers that are not the main job's, without any job on them."""
    held = zip(pools, place.servers, place.spares, strict=True)
    return math.fsum((pool.servers - main - spare) * pool.idle_w for pool, main, spare in held)


def joined(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return ascending spans with those that touch made one.

    Examples
    --------
    >>> joined([(0.0, 1.0), (1.0, 2.0), (5.0, 6.0)])
    [(0.0, 2.0), (5.0, 6.0)]
    """
    found: list[tuple[float, float]] = []
    for begin, end in spans:
        if found and found[-1][1] >= begin:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


def windows_s(spec: MaintenanceSpec, horizon_s: float) -> list[tuple[float, float]]:
    """Return begin and end [s] of every window that begins before the horizon."""
    if spec.start >= horizon_s:
        return []
    if spec.every is None:
        return [(spec.start, spec.start + spec.duration)]
    count = math.ceil((horizon_s - spec.start) / spec.every)
    return [(spec.start + k * spec.every, spec.start + k * spec.every + spec.duration) for k in range(count)]


def rolling_batches(spec: MaintenanceSpec, sizes: tuple[int, ...]) -> list[list[tuple[int, int, int]]]:
    """Return the batches of rolling work: of each the pieces (pool, first server, end), all servers once.

    Raises
    ------
    InputError
        If the work comes round again before it has gone through all servers.
    """
    if spec.servers is None:
        raise ValueError("rolling work needs its number of servers")
    batches = [
        [(pool, first, min(first + spec.servers, size))]
        for pool, size in enumerate(sizes)
        for first in range(0, size, spec.servers)
    ]
    if spec.every is not None and spec.every < len(batches) * spec.duration:
        raise InputError(
            f"operation.fleet.maintenance.{spec.name}.every: expected at least the {len(batches) * spec.duration:g} s "
            f"that {len(batches)} batches take, got {spec.every:g} s"
        )
    return batches
