"""The jobs that share the cluster with the main one: what they ask for, and their state while they queue and run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import simpy

from clustersim import catalog
from clustersim.errors import InputError, nearest
from clustersim.operation.fleet_records import FleetJob, ServerPool
from clustersim.operation.fleet_servers import Broken, Held
from clustersim.operation.job_streams import draw_arrivals, gangs_of, stream_law
from clustersim.operation.spec_parts.fleet import FleetJobSpec, FleetSpec, JobStreamSpec, ServiceSpec


@dataclass(frozen=True)
class Habits:
    """How jobs of one group save, leave and start again. Times in s."""

    interval: float
    pause: float
    save: float
    restart: float
    preemptible: bool
    saves: bool
    """Whether a job saves before it leaves."""
    flexible: bool
    power: float
    across: bool

    @property
    def rate(self) -> float:
        """Share of its training time that a job does not pause for checkpoints. [-]"""
        return 1.0 / (1.0 + self.pause / self.interval)


@dataclass(eq=False, slots=True)
class Gang:
    """One job that gets all its servers or none; state of the simulation."""

    number: int
    name: str
    group: str
    kind: Literal["job", "research", "service"]
    pools: tuple[int, ...]
    """Pools whose kind of accelerator it can use."""
    servers: int
    priority: int
    arrival_s: float
    work_s: float
    habits: Habits
    done_s: float = 0.0
    saved_s: float = 0.0
    base_s: float = 0.0
    """Work that was safe when it last began to train. [s]"""
    held: Held = field(default_factory=dict)
    size: dict[int, int] = field(default_factory=dict)
    """Servers that it holds, by pool."""
    status: Literal["absent", "waiting", "running", "leaving", "done"] = "absent"
    first_start_s: float = math.inf
    start_s: float = math.inf
    end_s: float = math.inf
    due_s: float = math.inf
    """Time at which it is done if nothing happens to it. [s]"""
    waiting_since_s: float = math.inf
    queued_s: float = 0.0
    preemptions: int = 0
    failures: int = 0
    broken: dict[tuple[int, int], Broken] = field(default_factory=dict)
    """Servers in its hands that do not work, by pool and number."""
    process: simpy.Process | None = None

    @property
    def rank(self) -> tuple[bool, int, float, int]:
        """Order in the queue: priority, then arrival; flexible services behind all others."""
        return (self.habits.flexible, -self.priority, self.arrival_s, self.number)

    def added_w(self, pools: tuple[ServerPool, ...], wanted: dict[int, int]) -> float:
        """Return what it adds [W] to idle servers, so many of each pool."""
        share = self.habits.power
        added = sum(n * (pools[p].busy_w(share) - pools[p].idle_w) for p, n in wanted.items())
        # a job that starts or saves may draw more than one that runs at a small share
        waiting = sum(n * (pools[p].wait_w - pools[p].idle_w) for p, n in wanted.items())
        return max(added, waiting)

    def run_s(self) -> float:
        """Return the time [s] that it would hold servers if nothing happened to it."""
        return self.habits.restart + (self.work_s - self.done_s) / self.habits.rate

    def record(self, horizon_s: float) -> FleetJob:
        """Return what became of it."""
        waits = horizon_s - self.waiting_since_s if self.status == "waiting" else 0.0
        return FleetJob(
            self.name, self.group, self.kind, self.priority, self.servers, self.arrival_s, self.first_start_s,
            self.end_s, self.queued_s + waits, self.preemptions, self.failures, self.work_s, self.done_s,
        )  # fmt: skip


def habits_of(spec: FleetJobSpec | JobStreamSpec) -> Habits:
    """Return the habits of a job, from the spec where it gives them and from the catalog elsewhere."""
    usual = catalog.entry("job_streams", "small-job")

    def chosen(given: float | None, figure: str) -> float:
        return usual.si(figure) if given is None else given

    saves = spec.on_preemption == "save"
    return Habits(
        interval=chosen(spec.checkpoint_interval, "checkpoint.interval"),
        pause=chosen(spec.checkpoint_pause, "checkpoint.pause"),
        save=chosen(spec.save_time, "save") if saves else 0.0,
        restart=chosen(spec.restart_time, "restart"),
        preemptible=spec.preemptible,
        saves=saves,
        flexible=False,
        power=spec.power,
        across=spec.across_sites,
    )


def pools_for(accelerator: str | None, pools: tuple[ServerPool, ...], where: str) -> tuple[int, ...]:
    """Return the pools of a kind of accelerator, all where none is named.

    Raises
    ------
    InputError
        If the cluster has none of that kind.
    """
    if accelerator is None:
        return tuple(range(len(pools)))
    wanted = catalog.entry("accelerators", accelerator).name
    kinds = [catalog.entry("accelerators", pool.accelerator).name for pool in pools]
    found = tuple(index for index, kind in enumerate(kinds) if kind == wanted)
    if not found:
        known = sorted(set(kinds))
        raise InputError(
            f"operation.fleet.{where}.accelerator: expected one of the cluster ({', '.join(known)}), "
            f"found {accelerator!r}{nearest(accelerator, known)}"
        )
    return found


def listed_jobs(spec: FleetSpec, pools: tuple[ServerPool, ...], room: tuple[int, ...]) -> list[Gang]:
    """Return the jobs that the scenario lists; `room`: servers of each pool that are not the main job's.

    Raises
    ------
    InputError
        If a job is larger than every place for it.
    """
    found = []
    for one in spec.jobs:
        at = pools_for(one.accelerator, pools, f"jobs.{one.name}")
        per_server = min(pools[pool].accelerators_per_server for pool in at)
        servers = one.servers if one.servers is not None else math.ceil((one.accelerators or 0) / per_server)
        _require_room(servers, at, room, across=one.across_sites, where=f"jobs.{one.name}")
        work = math.inf if one.work_s is None else one.work_s
        found.append(Gang(0, one.name, one.name, "job", at, servers, one.priority, one.arrival, work, habits_of(one)))
    return found


def _require_room(servers: int, at: tuple[int, ...], room: tuple[int, ...], *, across: bool, where: str) -> None:
    most = sum(room[pool] for pool in at) if across else max(room[pool] for pool in at)
    if servers > most:
        raise InputError(
            f"operation.fleet.{where}: expected at most {most} servers, which the main job leaves "
            f"{'on all' if across else 'at one of'} the places for it, got {servers}"
        )


def research_jobs(
    spec: JobStreamSpec,
    pools: tuple[ServerPool, ...],
    room: tuple[int, ...],
    horizon_s: float,
    rng: np.random.Generator,
) -> list[Gang]:
    """Return the jobs of a stream, drawn from its published trace.

    Raises
    ------
    InputError
        If no size of job fits between the least and the largest.
    """
    where = f"streams.{spec.name}"
    at = pools_for(spec.accelerator, pools, where)
    per_server = min(pools[pool].accelerators_per_server for pool in at)
    most = per_server * (sum(room[pool] for pool in at) if spec.across_sites else max(room[pool] for pool in at))
    largest = most if spec.largest_accelerators is None else min(most, spec.largest_accelerators)
    law = stream_law(spec.law)
    try:
        gangs = gangs_of(law, per_server, spec.least_accelerators, largest)
    except ValueError as error:
        raise InputError(f"operation.fleet.{where}: {error}") from None
    every = spec.every
    if every is None:
        every = gangs.server_s / ((spec.load or 0.0) * sum(pools[pool].servers for pool in at))
    habits = habits_of(spec)
    drawn = zip(*draw_arrivals(gangs, every, horizon_s, rng), strict=True)
    return [
        Gang(0, f"{spec.name}-{k}", spec.name, "research", at, int(n), spec.priority, float(t), float(work), habits)
        for k, (t, n, work) in enumerate(drawn, start=1)
    ]


def service_units(spec: ServiceSpec, pools: tuple[ServerPool, ...], room: tuple[int, ...]) -> list[Gang]:
    """Return the units of a service, the first to grow first; they enter the queue when the hour wants them.

    Raises
    ------
    InputError
        If its servers do not fit beside the main job.
    """
    at = pools_for(spec.accelerator, pools, f"services.{spec.name}")
    most = sum(room[pool] // spec.unit_servers * spec.unit_servers for pool in at)
    if spec.peak_servers > most:
        raise InputError(
            f"operation.fleet.services.{spec.name}.peak_servers: expected at most {most}, which the main job leaves, "
            f"got {spec.peak_servers}"
        )
    usual = catalog.entry("job_streams", "small-job")
    habits = Habits(math.inf, 0.0, 0.0, usual.si("restart"), True, False, spec.flexible, spec.power, False)
    units = math.ceil(spec.peak_servers / spec.unit_servers)
    return [
        Gang(0, f"{spec.name}-{k}", spec.name, "service", at, spec.unit_servers, spec.priority, 0.0, math.inf, habits)
        for k in range(1, units + 1)
    ]
