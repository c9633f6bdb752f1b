"""The shared cluster while SimPy runs it: jobs that start, run, fail, leave and come back."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy

from clustersim.operation.facts import ExternalEvent
from clustersim.operation.fleet_plan import BUDGET, Budget
from clustersim.operation.fleet_records import ServerPool
from clustersim.operation.fleet_servers import FREE, REPAIR, ServerMap
from clustersim.operation.gang_jobs import Gang
from clustersim.operation.gang_log import GangRow, GangState, roll_back, saved_of
from clustersim.operation.scheduler import Decision, Queue, View, decide, shed_order

Process = Generator[Any, Any, Any]
ROUNDING_W = 1e-6
"""Power below which a sum of watts counts as zero. [W]"""


@dataclass(frozen=True)
class Signal:
    """What interrupts a job."""

    what: str
    """``leave``, ``struck``, ``stop`` or ``speed``."""
    cause: str
    detection_s: float = 0.0
    server: tuple[int, int] | None = None
    """Of a failure that takes a server out: pool and number."""
    until_s: float = 0.0
    """Of a stop: its end. [s]"""


@dataclass(frozen=True)
class Policy:
    """Constants of the simulation."""

    budget: Budget
    """What the jobs beside the main one may draw, idle servers included. [W]"""
    idle_w: float
    """Power of their servers without any job. [W]"""
    lead_s: float
    """Time before a shrinking budget, or before work on servers, at which jobs begin to leave. [s]"""
    repair_s: float
    backfill: bool
    preemption: bool


class Engine:
    """State of all jobs but the main one."""

    def __init__(self, env: simpy.Environment, servers: ServerMap, jobs: Sequence[Gang], policy: Policy) -> None:
        self.env, self.servers, self.jobs, self.policy = env, servers, jobs, policy
        self.pools: tuple[ServerPool, ...] = servers.pools
        self.queue = Queue()
        self.running: dict[int, Gang] = {}
        self.rows: dict[int, list[GangRow]] = {}
        self.caps: list[ExternalEvent] = []
        self.stopped_until_s = 0.0
        self.shut: list[str] = []
        """Windows in which the whole cluster is worked on; no job starts while there is one."""
        self.usage: list[tuple[float, int, int, int, int, int]] = []
        """Changes: time, pool, free, withheld, in repair, in maintenance."""
        self.added_w = 0.0
        self._woken = False
        for pool in range(len(self.pools)):
            self._note(pool)

    @property
    def speed(self) -> float:
        """Speed that caps from outside leave. [-]"""
        return min((event.fraction for event in self.caps), default=1.0)

    # ---- queue and starts -----------------------------------------------------------------------------------------

    def submit(self, job: Gang) -> None:
        """Put a job in the queue."""
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
            self.ask_to_leave(job, "daily load")

    def wake(self) -> None:
        """Go through the queue once everything that happens now has happened."""
        if not self._woken:
            self._woken = True
            self.env.process(self._decide())

    def _decide(self) -> Process:
        yield self.env.timeout(0.0)
        self._woken = False
        self._shed()
        if self.shut or self.stopped_until_s > self.env.now:
            return
        found = decide(self.queue, self._view()) if len(self.queue) else Decision()
        for job, for_whom in found.leave:
            self.ask_to_leave(job, f"preempted by {for_whom.group}")
        for job, wanted in found.starts:
            self._start(job, wanted)
        for pool in range(len(self.pools)):
            self._note(pool, found.no_power.get(pool, 0))

    def _view(self) -> View:
        now, policy = self.env.now, self.policy
        leaving = [job for job in self.running.values() if job.status == "leaving"]
        return View(
            now=now,
            pools=self.pools,
            free=list(self.servers.free),
            watts=policy.budget.least(now, now + policy.lead_s) - policy.idle_w - self.added_w,
            running=list(self.running.values()),
            least_watts=policy.budget.least(now, math.inf) - policy.idle_w - self._fixed_w(),
            backfill=policy.backfill,
            preemption=policy.preemption,
            leaving_free=[sum(job.size.get(pool, 0) for job in leaving) for pool in range(len(self.pools))],
            leaving_watts=math.fsum(job.added_w(self.pools, job.size) for job in leaving),
        )

    def _fixed_w(self) -> float:
        """Return what jobs add that nobody may stop. [W]"""
        fixed = [job for job in self.running.values() if not job.habits.preemptible]
        return math.fsum(job.added_w(self.pools, job.size) for job in fixed)

    def _shed(self) -> None:
        """Make jobs leave until the budget up to the lead time holds."""
        now, policy = self.env.now, self.policy
        leaving = [job for job in self.running.values() if job.status == "leaving"]
        coming = math.fsum(job.added_w(self.pools, job.size) for job in leaving)
        over = self.added_w - coming + policy.idle_w - policy.budget.least(now, now + policy.lead_s)
        for job in shed_order(job for job in self.running.values() if job.status == "running"):
            if over <= ROUNDING_W:
                return
            over -= job.added_w(self.pools, job.size)
            self.ask_to_leave(job, BUDGET)

    def _start(self, job: Gang, wanted: dict[int, int]) -> None:
        now = self.env.now
        self.queue.remove(job)
        job.held = self.servers.give(job.number, wanted)
        self.added_w += job.added_w(self.pools, job.size)
        job.queued_s += now - job.waiting_since_s
        job.status, job.start_s = "running", now
        job.first_start_s = min(job.first_start_s, now)
        job.due_s = now + job.run_s()
        self.running[job.number] = job
        job.process = self.env.process(self._stint(job))

    def ask_to_leave(self, job: Gang, cause: str) -> None:
        """Make a running job give up its servers: at once, or after it has saved."""
        job.status = "leaving"
        job.due_s = self.env.now + job.habits.save
        if job.kind != "service":
            job.preemptions += 1
        self.signal(job, Signal("leave", cause))

    def signal(self, job: Gang, signal: Signal) -> None:
        """Interrupt a job that holds servers."""
        if job.process is not None and job.process.is_alive:
            job.process.interrupt(signal)

    def _vacate(self, job: Gang) -> None:
        """Take a job's servers back."""
        self.added_w -= job.added_w(self.pools, job.size)
        self.servers.take_back(job.number, job.held)
        for pool in job.held:
            self._note(pool)
        job.held = {}
        del self.running[job.number]
        if not self.running:
            self.added_w = 0.0
        self.wake()

    def _note(self, pool: int, withheld: int = 0) -> None:
        repair, maintenance = self.servers.away[pool].values()
        self.usage.append((self.env.now, pool, self._unheld(pool), withheld, repair, maintenance))

    def _unheld(self, pool: int) -> int:
        return int(np.count_nonzero(self.servers.owner[pool] == FREE))

    # ---- one stint on servers -------------------------------------------------------------------------------------

    def _stint(self, job: Gang) -> Process:
        """Run from the start on servers until the work is done or the job has left."""
        struck: Signal | None = yield from self._phase(job, "restart", "start", job.habits.restart)
        while True:
            if struck is None:
                struck = yield from self._train(job)
                if struck is None:
                    return self._finish(job)
            if struck.what == "leave":
                yield from self._leave(job, struck)
                return None
            if struck.what == "stop":
                self._lose(job, struck.cause)
                cut = yield from self._phase(job, "stopped", struck.cause, struck.until_s - self.env.now)
            else:
                job.failures += 1
                self._lose(job, struck.cause)
                cut = yield from self._phase(job, "detect", struck.cause, struck.detection_s)
                if cut is None and struck.server is not None and not self._replace(job, struck.server):
                    self._requeue(job)
                    return None
            if cut is None:
                job.due_s = self.env.now + job.run_s()
                cut = yield from self._phase(job, "restart", struck.cause, job.habits.restart)
            struck = cut

    def _phase(self, job: Gang, state: GangState, cause: str, seconds: float) -> Process:
        """Spend time in a state; return the signal that cuts it short, None where none does."""
        end = self.env.now + max(0.0, seconds)
        while self.env.now < end:
            start = self.env.now
            try:
                yield self.env.timeout(end - start)
            except simpy.Interrupt as interrupt:
                signal: Signal = interrupt.cause
                if signal.what == "speed" or (signal.what == "struck" and state in ("detect", "stopped")):
                    continue
                return signal
            finally:
                self._row(job, start, state, cause)
        return None

    def _train(self, job: Gang) -> Process:
        """Train until the work is done (None) or something happens (the signal)."""
        base = job.done_s
        state: GangState = "serve" if job.kind == "service" else "train"
        while True:
            start, speed, rate = self.env.now, self.speed, job.habits.rate
            left = (job.work_s - job.done_s) / (speed * rate)
            job.due_s = start + left
            try:
                yield self.env.event() if math.isinf(left) else self.env.timeout(left)
            except simpy.Interrupt as interrupt:
                signal: Signal = interrupt.cause
                self._row(job, start, state, "none", speed, rate)
                job.done_s = min(job.work_s, job.done_s + (self.env.now - start) * speed * rate)
                job.saved_s = saved_of(job.done_s, base, job.habits.interval)
                if signal.what != "speed":
                    return signal
            else:
                self._row(job, start, state, "none", speed, rate)
                job.done_s = job.saved_s = job.work_s
                return None

    def _row(
        self, job: Gang, start: float, state: GangState, cause: str, speed: float = 1.0, rate: float = 1.0
    ) -> None:
        if self.env.now > start:
            size = tuple(job.size.items())
            self.rows.setdefault(job.number, []).append(
                GangRow(job.number, start, self.env.now, state, cause, size, speed, rate)
            )

    def _lose(self, job: Gang, cause: str) -> None:
        """Go back to the last checkpoint; a service has no work to lose."""
        lost = job.done_s - job.saved_s
        if lost > 0.0 and job.kind != "service":
            self.rows[job.number] = roll_back(self.rows[job.number], lost, cause)
            job.done_s = job.saved_s

    def _leave(self, job: Gang, signal: Signal) -> Process:
        """Save where the job does, give the servers back, and wait again unless nobody wants the job."""
        saved = False
        if job.habits.saves:
            cut = yield from self._phase(job, "checkpoint", signal.cause, job.habits.save)
            saved = cut is None
        if saved:
            job.saved_s = job.done_s
        self._lose(job, signal.cause)
        self._requeue(job, wanted=signal.cause != "daily load")

    def _requeue(self, job: Gang, *, wanted: bool = True) -> None:
        self._vacate(job)
        if wanted:
            self.submit(job)
        else:
            job.status = "absent"

    def _finish(self, job: Gang) -> None:
        job.status, job.end_s = "done", self.env.now
        self._vacate(job)

    def _replace(self, job: Gang, server: tuple[int, int]) -> bool:
        """Send the failed server to repair and take a free one of its pool; False where there is none."""
        pool, number = server
        spare = self.servers.find(pool, 1)
        gone = np.array([number], dtype=np.int64)
        self.servers.send_away(pool, gone, job.number, REPAIR)
        self.env.process(self._repair(pool, gone))
        kept = job.held[pool][job.held[pool] != number]
        if spare is None:
            self.added_w -= job.added_w(self.pools, job.size)
            job.held[pool] = kept
            self.added_w += job.added_w(self.pools, job.size)
            self._note(pool)
            return False
        taken = self.servers.give(job.number, {pool: 1})[pool]
        job.held[pool] = np.sort(np.concatenate([kept, taken]))
        self._note(pool)
        return True

    def _repair(self, pool: int, server: Any) -> Process:
        yield self.env.timeout(self.policy.repair_s)
        self.servers.bring_back(pool, server, REPAIR)
        self._note(pool)
        self.wake()

    def close(self) -> None:
        """Close the open rows at the horizon and count the work done so far."""
        for job in self.running.values():
            if job.process is not None and job.process.is_alive:
                job.process.interrupt(Signal("leave", "horizon"))
