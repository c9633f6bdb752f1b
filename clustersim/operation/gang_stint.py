"""What one job does from the time it gets servers until it is done or gives them back."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import simpy

from clustersim.operation.fleet_servers import Broken
from clustersim.operation.gang_jobs import Gang
from clustersim.operation.gang_log import GangRow, GangState, roll_back, saved_of
from clustersim.operation.repair import NO_REPAIR

if TYPE_CHECKING:
    from clustersim.operation.fleet_engine import Engine

Process = Generator[Any, Any, None]
DAILY = "daily load"
"""Why a service gives servers back that the hour does not want."""


@dataclass(frozen=True)
class Signal:
    """What interrupts a job."""

    what: str
    """``leave``, ``struck``, ``stop`` or ``speed``."""
    cause: str
    detection_s: float = 0.0
    broken: tuple[Broken, ...] = ()
    """Of a failure that takes servers out: which."""
    until_s: float = 0.0
    """Of a stop: its end. [s]"""


def signal_of(interrupt: simpy.Interrupt) -> Signal:
    """Return what the interrupt brings; anything but a signal is a fault of the program."""
    if not isinstance(interrupt.cause, Signal):
        raise TypeError(f"a job was interrupted with {interrupt.cause!r}")
    return interrupt.cause


Stretch = Generator[Any, Any, Signal | None]
"""A process that returns the signal that cuts it short."""


class Stint:
    """One stint of a job on servers."""

    def __init__(self, engine: Engine, job: Gang) -> None:
        self.engine, self.env, self.job = engine, engine.env, job
        self._row: GangRow | None = None

    def run(self) -> Process:
        """Run until the work is done or the job has left."""
        job = self.job
        struck = yield from self._phase("restart", "start", job.habits.restart)
        while True:
            if struck is None:
                struck = yield from self._train()
            if struck is None:
                job.status, job.end_s = "done", self.env.now
                self.engine.vacate(job)
                return
            if struck.what == "leave":
                yield from self._leave(struck)
                return
            self._lose(struck.cause)
            if struck.what == "stop":
                cut = yield from self._phase("stopped", struck.cause, struck.until_s - self.env.now)
            else:
                cut = yield from self._notice(struck)
            # a stop that came before the failure was noticed leaves the server to be replaced after it
            if cut is None and job.broken and not self._replace():
                self.engine.requeue(job)
                return
            if cut is None:
                job.due_s = self.env.now + job.run_s()
                cut = yield from self._phase("restart", struck.cause, job.habits.restart)
            struck = cut

    def _phase(self, state: GangState, cause: str, seconds: float) -> Stretch:
        """Spend time in a state; return the signal that cuts it short, None where none does."""
        end = self.env.now + max(0.0, seconds)
        while self.env.now < end:
            self._open(state, cause)
            try:
                yield self.env.timeout(end - self.env.now)
            except simpy.Interrupt as interrupt:
                self.shut()
                signal = signal_of(interrupt)
                self._break(signal)
                # a failure while the job stands still adds nothing but servers to replace
                if signal.what != "speed" and not (signal.what == "struck" and state in ("detect", "stopped")):
                    return signal
            else:
                self.shut()
        return None

    def _train(self) -> Stretch:
        """Train until the work is done (None) or something happens (the signal)."""
        job, engine = self.job, self.engine
        job.base_s = job.done_s
        while True:
            left = (job.work_s - job.done_s) / (engine.speed * job.habits.rate)
            job.due_s = self.env.now + left
            slowest = min(engine.caps, key=lambda event: event.fraction, default=None)
            cause = "none" if slowest is None else slowest.cause
            self._open("serve" if job.kind == "service" else "train", cause, engine.speed, job.habits.rate)
            try:
                yield self.env.event() if math.isinf(left) else self.env.timeout(left)
            except simpy.Interrupt as interrupt:
                self.shut()
                signal = signal_of(interrupt)
                self._break(signal)
                if signal.what != "speed":
                    return signal
            else:
                self.shut()
                job.done_s = job.saved_s = job.work_s
                return None

    def _notice(self, struck: Signal) -> Stretch:
        """Wait until a failure is detected."""
        self.job.failures += 1
        cut = yield from self._phase("detect", struck.cause, struck.detection_s)
        return cut

    def _leave(self, signal: Signal) -> Process:
        """Save where the job does, give the servers back, and wait again unless nobody wants the job."""
        job = self.job
        if job.habits.saves and job.done_s > job.saved_s:
            cut = yield from self._phase("checkpoint", signal.cause, job.habits.save)
            if cut is None:
                job.saved_s = job.done_s
        self._lose(signal.cause)
        self.engine.requeue(job, wanted=signal.cause != DAILY)

    def _lose(self, cause: str) -> None:
        """Go back to the last checkpoint; a service has no work to lose."""
        job = self.job
        lost = job.done_s - job.saved_s
        if lost > 0.0 and job.kind != "service":
            rows = self.engine.rows
            rows[job.number] = roll_back(rows[job.number], lost, cause)
            job.done_s = job.saved_s

    def _break(self, signal: Signal) -> None:
        """Note which servers do not work; of two outages the longer one counts, of two repairs the first."""
        for one in signal.broken:
            known = self.job.broken.get((one.pool, one.number), one)
            repair = one.repair if known.repair == NO_REPAIR else known.repair
            kept = Broken(one.pool, one.number, repair, max(one.until_s, known.until_s))
            self.job.broken[one.pool, one.number] = kept

    def _replace(self) -> bool:
        """Give the job free servers of the same pools for those that do not work; False where there are too few."""
        engine, job = self.engine, self.job
        wanted = Counter(pool for pool, _ in job.broken)
        if any(engine.servers.find(pool, count) is None for pool, count in wanted.items()):
            return False
        for pool, taken in engine.servers.give(job.number, wanted).items():
            gone = [number for where, number in job.broken if where == pool]
            job.held[pool] = np.sort(np.concatenate([np.setdiff1d(job.held[pool], gone), taken]))
        for one in job.broken.values():
            engine.break_server(one, job.number)
        job.broken.clear()
        return True

    def _open(self, state: GangState, cause: str, speed: float = 1.0, rate: float = 1.0) -> None:
        now, job = self.env.now, self.job
        self._row = GangRow(job.number, now, now, state, cause, tuple(job.size.items()), speed, rate)

    def shut(self) -> None:
        """Close the open row, if there is one, and count the work that was done in it."""
        row, self._row, job = self._row, None, self.job
        if row is None:
            return
        row.end_s = self.env.now
        if row.end_s > row.start_s:
            self.engine.rows.setdefault(job.number, []).append(row)
        if row.state in ("train", "serve"):
            job.done_s = min(job.work_s, job.done_s + row.work_s)
            job.saved_s = saved_of(job.done_s, job.base_s, job.habits.interval)
