"""One synchronous job as a SimPy process: it trains, saves, evaluates, and is struck by failures and events.

Who moves it from state to state; a function that returns a blow hands the job over, and what it books is one row each::

    job.py       train <-> checkpoint, evaluation        until a blow, or what is planned for the end of a step
                   |  blow (Recorded.phase ends)           |  planned: carry_out
                   v                                       v
    recovery.py  detect, stopped -> reconfigure or       checkpoint -> stopped (drain), reconfigure (rejoin, swap)
                 restart -> reload -> train               or restart -> reload -> train
                   |  elastic and not too many gone: drop
                   v
    replicas.py  detect -> reconfigure -> train with fewer; in the background: servers, restart, then a planned rejoin

    strikes.py   no state of its own: at the moment of a failure it takes servers out, changes what slows the job and
                 makes the blow; in the background it finds stragglers (a planned swap) and silent corruption (a blow)
    simulation.py  events from outside: stops and drains, and caps of the speed
    outer_steps.py wait, at a meeting with other sites
"""

from __future__ import annotations

import math

import numpy as np
import simpy

from clustersim.operation import recovery, strikes
from clustersim.operation.accounts import Category
from clustersim.operation.blows import Blow, blow_of
from clustersim.operation.causes import Cause
from clustersim.operation.cluster import Cluster
from clustersim.operation.cycle import Durations, steps_between_evaluations
from clustersim.operation.facts import JobFacts
from clustersim.operation.findings import collect, stands_still, starved
from clustersim.operation.history import History
from clustersim.operation.phases import OuterStep, Process, Recorded
from clustersim.operation.plans import Drain, Planned
from clustersim.operation.records import Timeline
from clustersim.operation.slowness import Fallen, Slowness, cause_of, speed_of
from clustersim.operation.spec import OperationSpec
from clustersim.operation.spec_parts.checkpoint import Domain

NEGLIGIBLE_CV = 1e-6
"""Below this spread of the step time, a stretch has its mean duration: the gamma shape would overflow. [-]"""


class JobProcess(Recorded):
    """State of one job while SimPy runs it.

    Other processes may call `strike`, `interrupt`, `drain`, and read `step`, `state`, `speed`, `log`.
    """

    def __init__(
        self,
        env: simpy.Environment,
        job: JobFacts,
        times: Durations,
        spec: OperationSpec,
        rng: np.random.Generator,
        cluster: Cluster,
        *,
        number: int = 0,
        outer: OuterStep | None = None,
    ) -> None:
        super().__init__(env, job.gpus)
        self.facts, self.times, self.rng, self.cluster = job, times, rng, cluster
        self.number, self.outer, self.recovery = number, outer, spec.recovery
        self.slow = Slowness(job.replicas, job.servers)
        self.elastic = spec.recovery.mode == "elastic" and job.replicas > 1
        """Whether it may train on with fewer replicas; one alone cannot be dropped."""
        self.history = History(times.tiers, job.step_time_s, spec.checkpoint.keep)
        near = spec.checkpoint.tiers.neighbour
        self.apart: Domain = "server" if near is None else near.apart
        self.steps_per_evaluation = steps_between_evaluations(spec, job.step_time_s)
        self.reload_s = times.storage.reload_s
        self.loaded = self.up = True
        """Whether the weights are loaded; whether the processes of all ranks run."""
        self.stopped_until_s = self.outage_until_s = self.dark_until_s = 0.0
        """When a stop from outside ends; when what the whole job depends on works again by itself; when the last of the
        domains does that took servers from it. [s]"""
        self.fallen: list[Fallen] = []
        self.awaited: list[simpy.Event] = []
        self.planned: list[Planned] = []
        self.struck: dict[str, int] = {}
        self.findings: list[str] = []
        self.unseen = 0
        self.arrival = env.event()
        self._underway: tuple[float, float, float, float] | None = None
        self.process = env.process(self._run())

    # ---- what others may call -------------------------------------------------------------------------------------

    @property
    def interruptions(self) -> int:
        """Failures and stops that hit the job while it trained, saved, restarted or reloaded."""
        return sum(self.struck.values())

    @property
    def speed(self) -> float:
        """Progress relative to full speed under what slows the job now."""
        return self.slow.speed

    @property
    def step_now(self) -> float:
        """Steps done up to now, the one under way in part; `step` is those at the last change of state."""
        if self._underway is None:
            return self.step
        start, duration, done, aim = self._underway
        return aim if duration == 0.0 else done + (aim - done) * min(1.0, (self.env.now - start) / duration)

    def interrupt(self, blow: Blow) -> None:
        """Strike the job."""
        if self.outer is not None:
            self.outer.told(self, blow)
        self.process.interrupt(blow)

    def strike(self, cause: Cause, slots: tuple[int, ...]) -> None:
        """Take a failure of the servers in these places of the job; of none: of the job as a whole."""
        strikes.strike(self, cause, slots)

    def drain(self, cause: str, until_s: float, category: Category = "idle") -> None:
        """Have the job save at the end of its step, stand still until a time, and start again on its servers.

        A job that recovers has nothing to save and stops at once.
        """
        if self.state in ("train", "checkpoint", "evaluation", "wait"):
            self.planned.append(Drain(cause, until_s, category))
            self.interrupt(Blow(cause, "planned"))
        else:
            self.interrupt(Blow(cause, "stop", stopped_until_s=until_s, category=category))

    def finish(self, horizon_s: float, fewest_restarts: int = 2, findings: tuple[str, ...] = ()) -> Timeline:
        """Close the record at the horizon and return it with the findings."""
        self.pause()
        return self.log.timeline(
            horizon_s,
            self.interruptions,
            self.times.storage.reload_s,
            fewest_restarts,
            by_cause=dict(self.struck),
            findings=collect(findings, self.findings, self._at_the_end(horizon_s)),
        )

    def _at_the_end(self, end_s: float) -> list[str]:
        """Return what is worth a word about how the record ends."""
        waits, found = (recovery.NO_SPARE, recovery.OUTAGE), []
        still = [row for row in self.log.rows if row.state == "stopped" and row.cause.endswith(waits)]
        last = still[-1] if still and still[-1] is self.log.rows[-1] else None
        if last is not None and last.cause.endswith(recovery.NO_SPARE):
            found.append(starved(last.cause, last.start_s, end_s, self.cluster.in_repair, self.cluster.never_back))
        elif (mostly := stands_still(((row.cause, row.end_s - row.start_s) for row in still), end_s)) is not None:
            found.append(mostly)
        if self.unseen:
            found.append(
                f"operation: {self.unseen} silent corruptions were not found by the end; work since counts as useful"
            )
        return found

    # ---- what the job does ----------------------------------------------------------------------------------------

    def _run(self) -> Process:
        while True:
            blow: Blow | None = yield from self._train_until_blow()
            while blow is not None:
                blow = yield from recovery.recover(self, blow)

    def _train_until_blow(self) -> Process:
        """Train, evaluate and save until something interrupts the job, and return it."""
        while True:
            # as frameworks count: at whole multiples of the interval, again after a roll-back
            evaluation = (math.floor(self.step / self.steps_per_evaluation) + 1.0) * self.steps_per_evaluation
            blow = yield from self._train(evaluation)
            if blow is None and self.planned:
                blow = yield from recovery.carry_out(self, self.planned[0])
            elif blow is None and self.step >= self._due(evaluation):
                if self.step >= evaluation:
                    blow = yield from self.phase("evaluation", "schedule", self.times.evaluation, speed=self.speed)
                if blow is None and self.outer is not None and self.step >= self.outer.due(self):
                    blow = yield from self.outer.sync(self)
            elif blow is None and self.history.due(self.env.now, self.step):
                blow = yield from self.save("schedule", self.times.storage.blocking_s)
            if blow is not None:
                return blow

    def save(self, cause: str, blocking_s: float, *, at_once: bool = False) -> Process:
        """Pause for a snapshot and hand it to the storage's writer; `at_once`: the pause lasts until it is safe."""
        blow = yield from self.phase("checkpoint", cause, blocking_s, speed=self.speed)
        if blow is None:
            # safe only once it is written
            self.history.save(self.env.now, self.step, at_once=at_once)
        return blow

    def _due(self, evaluation: float) -> float:
        """Return the step at which the job has something else to do than to train: the next `evaluation` or another."""
        return evaluation if self.outer is None else min(evaluation, self.outer.due(self))

    def _train(self, evaluation: float) -> Process:
        """Train to the step of the next checkpoint, or as far beyond it as its writer is still busy.

        Whatever the writer does, the job stops at the step at which it has something else to do, and at the end of a
        step when it has something planned.
        """
        while True:
            due = self._due(evaluation)
            factors, start = self.slow.factors(), self.env.now
            speed = speed_of(factors)
            aim = min(self.history.aim(start, self.step, speed), due)
            if self.planned:
                aim = min(aim, float(math.ceil(self.step)))
            duration = self._stretch(aim - self.step) / speed
            pauses = self.history.pause_s(aim)
            if pauses > 0.0 and duration > 0.0:
                # copies of the nearer tiers are many and short: they slow the stretch evenly
                factors = (*factors, ("checkpoint", "schedule: nearer tiers", duration / (duration + pauses)))
                duration, speed = duration + pauses, speed_of(factors)
            self._underway = (start, duration, self.step, aim)
            self.state = "train"
            self.log.enter(start, "train", cause_of(factors), self.step, speed, slowed=factors, gpus=self.busy_gpus)
            try:
                yield self.env.timeout(duration)
            except simpy.Interrupt as interrupt:
                struck = blow_of(interrupt)
                self.pause()
                if struck.kind not in ("speed", "planned"):
                    return struck
            else:
                self.pause(finished=True)
                if self.planned or self.step >= due or self.history.due(self.env.now, self.step):
                    return None

    @property
    def busy_gpus(self) -> int:
        """Accelerators of the replicas that train."""
        if not self.slow.absent:
            return self.facts.gpus
        return self.facts.gpus - round(self.facts.gpus * len(self.slow.missing) / self.facts.replicas)

    def pause(self, *, finished: bool = False) -> None:
        """Count the steps done so far and close the row; also called at the horizon."""
        if self._underway is not None:
            start, duration, done, aim = self._underway
            share = 1.0 if finished or duration == 0.0 else min(1.0, (self.env.now - start) / duration)
            self.step = aim if share == 1.0 else done + (aim - done) * share
            self._underway = None
            self.history.train(start, self.env.now, done, self.step)
        self.log.close(self.env.now, self.step)

    # ---- what it consists of --------------------------------------------------------------------------------------

    def _stretch(self, steps: float) -> float:
        """Return the duration [s] of `steps` steps at full speed: a sum of gamma-distributed step times."""
        mean, cv = self.facts.step_time_s, self.facts.step_time_cv
        if cv < NEGLIGIBLE_CV:
            return steps * mean
        return float(self.rng.gamma(steps / cv**2, mean * cv**2))

    def roll_back(self, blow: Blow) -> None:
        """Return to the last checkpoint that is safe; a write under way is lost to the blow, as is the work since."""
        before = math.inf if blow.struck_s is None else blow.struck_s
        target = self.history.roll_back(self.env.now, blow.loss, before)
        if target.begins and blow.struck_s is not None and self.step > 0.0:
            self.findings.append(
                f"{blow.cause}: no checkpoint from before {blow.struck_s:.0f} s is left; the job begins again"
            )
        self.log.roll_back(target.step, blow.cause)
        self.step, self.reload_s = target.step, target.reload_s
