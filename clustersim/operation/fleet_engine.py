"""The shared cluster while SimPy runs it: jobs that start, run, fail, leave and come back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import simpy

from clustersim.operation.facts import ExternalEvent
from clustersim.operation.fleet_plan import BUDGET, Budget
from clustersim.operation.fleet_records import ServerPool
from clustersim.operation.fleet_servers import FREE, MAINTENANCE, REPAIR, Broken, ServerMap
from clustersim.operation.gang_jobs import Gang
from clustersim.operation.gang_log import GangRow
from clustersim.operation.gang_stint import DAILY, Process, Signal, Stint
from clustersim.operation.repair import RepairShop
from clustersim.operation.scheduler import Decision, Queue, View, decide
from clustersim.operation.scheduling_rules import shed_order

ROUNDING_W = 1e-6
"""Power below which a sum of watts counts as zero. [W]"""


@dataclass(frozen=True)
class Policy:
    """Constants of the simulation."""

    budget: Budget
    """What the jobs beside the main one may draw, idle servers included. [W]"""
    idle_w: float
    """Power of their servers without any job. [W]"""
    lead_s: float
    """Time before a shrinking budget, or before work on servers, at which jobs begin to leave. [s]"""
    shop: RepairShop
    """Who mends the servers of the other jobs; state of the simulation."""
    backfill: bool
    depth: int
    preemption: bool


class Engine:
    """State of all jobs but the main one."""

    def __init__(self, env: simpy.Environment, servers: ServerMap, jobs: Sequence[Gang], policy: Policy) -> None:
        self.env, self.servers, self.jobs, self.policy = env, servers, jobs, policy
        self.pools: tuple[ServerPool, ...] = servers.pools
        self.queue = Queue()
        self.running: dict[int, Gang] = {}
        """Jobs that hold servers, by number; two parts of them follow."""
        self.leaving: dict[int, Gang] = {}
        self.fixed: dict[int, Gang] = {}
        """Jobs that nobody may stop."""
        self.rows: dict[int, list[GangRow]] = {}
        self.stints: dict[int, Stint] = {}
        self.caps: list[ExternalEvent] = []
        self.stopped_until_s = 0.0
        self.shut: list[str] = []
        """Windows in which the whole cluster is worked on; no job starts while there is one."""
        self.usage: list[tuple[float, int, int, int, int, int]] = []
        """Changes: time, pool, then its servers that are free, withheld, in repair, in maintenance."""
        self.withheld = [0] * len(self.pools)
        """Free servers, per pool, for which a job waits that lacks nothing but power."""
        self.never_mended = 0
        """Servers that failed and that no crew will ever mend."""
        self.added_w = 0.0
        self._woken = False
        for pool in range(len(self.pools)):
            self.note(pool)

    @property
    def speed(self) -> float:
        """Speed that caps from outside leave. [-]"""
        return min((event.fraction for event in self.caps), default=1.0)

    # ---- queue and starts -----------------------------------------------------------------------------------------

    def submit(self, job: Gang) -> None:
        """Put a job in the queue; a unit of a service arrives when the hour first wants it."""
        if job.kind == "service" and math.isinf(job.first_start_s) and job.queued_s == 0.0:
            job.arrival_s = self.env.now
        job.status, job.waiting_since_s = "waiting", self.env.now
        self.queue.add(job)
        self.wake()

    def withdraw(self, job: Gang) -> None:
        """Take a unit of a service out, whether it waits or runs."""
        if job.status == "waiting":
            self.queue.remove(job)
            job.queued_s += self.env.now - job.waiting_since_s
            job.status = "absent"
        elif job.status == "running":
            self.ask_to_leave(job, DAILY)

    def wake(self) -> None:
        """Go through the queue once everything that happens now has happened."""
        if not self._woken:
            self._woken = True
            self.env.process(self._decide())

    def _decide(self) -> Process:
        yield self.env.timeout(0.0)
        self._woken = False
        self._shed()
        closed = bool(self.shut) or self.stopped_until_s > self.env.now
        found = Decision() if closed or not len(self.queue) else decide(self.queue, self._view())
        for job, for_whom in found.leave:
            self.ask_to_leave(job, f"preempted by {for_whom.group}")
        for job, wanted in found.starts:
            self._start(job, wanted)
        for pool in range(len(self.pools)):
            self.withheld[pool] = found.no_power.get(pool, 0)
            self.note(pool)

    def _view(self) -> View:
        now, policy = self.env.now, self.policy
        coming = list(self.leaving.values())
        fixed = math.fsum(job.added_w(self.pools, job.size) for job in self.fixed.values())
        return View(
            now=now,
            pools=self.pools,
            free=list(self.servers.free),
            watts=policy.budget.least(now, now + policy.lead_s) - policy.idle_w - self.added_w,
            running=list(self.running.values()),
            least_watts=policy.budget.least(now, math.inf) - policy.idle_w - fixed,
            backfill=policy.backfill,
            depth=policy.depth,
            preemption=policy.preemption,
            leaving_free=[sum(job.size.get(pool, 0) for job in coming) for pool in range(len(self.pools))],
            leaving_watts=self._coming_w(),
        )

    def _coming_w(self) -> float:
        """Return what leaving jobs are about to free. [W]"""
        return math.fsum(job.added_w(self.pools, job.size) for job in self.leaving.values())

    def _shed(self) -> None:
        """Make jobs leave until the budget up to the lead time holds."""
        now, policy = self.env.now, self.policy
        over = self.added_w - self._coming_w() + policy.idle_w - policy.budget.least(now, now + policy.lead_s)
        if over <= ROUNDING_W:
            return
        for job in shed_order(job for job in self.running.values() if job.status == "running"):
            if over <= ROUNDING_W:
                return
            over -= job.added_w(self.pools, job.size)
            self.ask_to_leave(job, BUDGET)

    def _start(self, job: Gang, wanted: dict[int, int]) -> None:
        now = self.env.now
        self.queue.remove(job)
        job.held, job.size = self.servers.give(job.number, wanted), dict(wanted)
        self.added_w += job.added_w(self.pools, job.size)
        job.queued_s += now - job.waiting_since_s
        job.status, job.start_s = "running", now
        job.first_start_s = min(job.first_start_s, now)
        job.due_s = now + job.run_s()
        self.running[job.number] = job
        if not job.habits.preemptible:
            self.fixed[job.number] = job
        self.stints[job.number] = stint = Stint(self, job)
        job.process = self.env.process(stint.run())

    def ask_to_leave(self, job: Gang, cause: str) -> None:
        """Make a running job give up its servers: at once, or after it has saved."""
        job.status = "leaving"
        self.leaving[job.number] = job
        job.due_s = self.env.now + job.habits.save
        if job.kind != "service":
            job.preemptions += 1
        self.signal(job, Signal("leave", cause))

    def signal(self, job: Gang, signal: Signal) -> None:
        """Interrupt a job that holds servers."""
        if job.process is not None and job.process.is_alive:
            job.process.interrupt(signal)

    def vacate(self, job: Gang) -> None:
        """Take a job's servers back."""
        self.added_w -= job.added_w(self.pools, job.size)
        self.servers.take_back(job.number, job.held)
        for pool in job.held:
            self.note(pool)
        job.held, job.size = {}, {}
        for one in job.broken.values():
            self.break_server(one)
        job.broken.clear()
        del self.running[job.number]
        del self.stints[job.number]
        self.leaving.pop(job.number, None)
        self.fixed.pop(job.number, None)
        if not self.running:
            self.added_w = 0.0
        self.wake()

    def note(self, pool: int) -> None:
        """Write down what is free, withheld and away in a pool now."""
        away, free = self.servers.away[pool], int(np.count_nonzero(self.servers.owner[pool] == FREE))
        repair, maintenance, withheld = away[REPAIR], away[MAINTENANCE], min(free, self.withheld[pool])
        if self.shut:
            maintenance, free, withheld = maintenance + free, 0, 0
        elif self.stopped_until_s > self.env.now:
            withheld = free
        self.usage.append((self.env.now, pool, free - withheld, withheld, repair, maintenance))

    def break_server(self, broken: Broken, owner: int = FREE) -> None:
        """Send a server that nobody uses, or that its job has replaced, to repair."""
        gone = np.array([broken.number], dtype=np.int64)
        self.servers.send_away(broken.pool, gone, owner, REPAIR)
        self.note(broken.pool)
        self.env.process(self.mend(broken))

    def requeue(self, job: Gang, *, wanted: bool = True) -> None:
        """Take a job's servers back; it waits again where it is still wanted."""
        self.vacate(job)
        if wanted:
            self.submit(job)
        else:
            job.status = "absent"

    def mend(self, broken: Broken) -> Process:
        """Bring a server back after its repair, and when its domain works."""
        back = max(self.policy.shop.submit(self.env.now, broken.repair), broken.until_s)
        if math.isinf(back):
            self.never_mended += 1
            return
        yield self.env.timeout(back - self.env.now)
        self.servers.bring_back(broken.pool, np.array([broken.number], dtype=np.int64), REPAIR)
        self.note(broken.pool)
        self.wake()

    def close(self) -> None:
        """Close the open rows at the horizon and count the work done so far."""
        for number in sorted(self.stints):
            self.stints[number].shut()
