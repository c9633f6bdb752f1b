"""One job over days to months, as SimPy processes: the job, its failure sources, the events of the site."""

from __future__ import annotations

import heapq
import math
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import simpy

from clustersim.operation.causes import Cause, failure_causes
from clustersim.operation.cycle import Blow, Durations, blow_of, steps_between_evaluations
from clustersim.operation.facts import ExternalEvent, JobFacts
from clustersim.operation.log import JobLog
from clustersim.operation.records import State, Timeline
from clustersim.operation.spec import OperationSpec

NEGLIGIBLE_CV = 1e-6
"""Below this spread of the step time, a stretch has its mean duration: the gamma shape would overflow. [-]"""
Process = Generator[Any, Any, "Blow | None"]


class _Job:
    """State of the job while SimPy runs it."""

    def __init__(
        self, env: simpy.Environment, job: JobFacts, times: Durations, spec: OperationSpec, rng: np.random.Generator
    ) -> None:
        self.env, self.facts, self.times, self.rng = env, job, times, rng
        self.log = JobLog(job.gpus)
        self.steps_per_checkpoint = max(1, round(times.interval / job.step_time_s))
        self.steps_per_evaluation = steps_between_evaluations(spec, job.step_time_s)
        self.step = 0.0
        self.durable_step, self.durable_row = 0.0, 0
        self.spares, self.repairs = spec.spare_servers, list[float]()
        self.caps: list[ExternalEvent] = []
        self.interruptions = 0
        self._underway: tuple[float, float, float, float] | None = None
        self.written_s = 0.0
        self.pending: tuple[float, int] | None = None
        self.process = env.process(self._run())

    # ---- what the job does ----------------------------------------------------------------------------------------

    def _run(self) -> Process:
        while True:
            blow: Blow | None = yield from self._train_until_blow()
            while blow is not None:
                self._roll_back(blow.cause)
                self.interruptions += 1
                blow = yield from self._recover(blow)

    def _train_until_blow(self) -> Process:
        """Train, evaluate and save until something interrupts the job; return it."""
        last_saved = self.step
        while True:
            # as frameworks count: at whole multiples of the interval, again after a roll-back
            due = (math.floor(self.step / self.steps_per_evaluation) + 1.0) * self.steps_per_evaluation
            blow = yield from self._train(last_saved + self.steps_per_checkpoint, due)
            if blow is None and self.step >= due:
                blow = yield from self._phase("evaluation", "schedule", self.times.evaluation, self.speed)
                if blow is None:
                    continue
            elif blow is None:
                blow = yield from self._phase("checkpoint", "schedule", self.times.blocking, self.speed)
            if blow is not None:
                return blow
            last_saved = self.step
            # The snapshot is safe only once it is written; the row that opens next is the first one it does not hold.
            self._save()

    def _train(self, target: float, due: float) -> Process:
        """Train to step `target`, or as far beyond it as the writer of the last checkpoint is still busy.

        Whatever the writer does, the job stops at step `due`.
        """
        while True:
            speed, start = self.speed, self.env.now
            aim = max(target, float(math.ceil(self.step)))
            if self.written_s > start:
                wait = (self.written_s - start) * speed / self.facts.step_time_s
                aim = max(aim, float(math.ceil(self.step + wait)), math.floor(self.step) + 1.0)
            aim = min(aim, due)
            duration = self._stretch(aim - self.step) / speed
            self._underway = (start, duration, self.step, aim)
            self.log.enter(start, "train", self._cap_cause(), self.step, speed)
            try:
                yield self.env.timeout(duration)
            except simpy.Interrupt as interrupt:
                struck = blow_of(interrupt)
                self.pause()
                if not struck.changes_speed:
                    return struck
            else:
                self.pause(finished=True)
                if self.written_s <= self.env.now or self.step >= due:
                    return None

    def pause(self, *, finished: bool = False) -> None:
        """Count the steps done so far and close the row; also called at the horizon."""
        if self._underway is not None:
            start, duration, done, aim = self._underway
            share = 1.0 if finished or duration == 0.0 else min(1.0, (self.env.now - start) / duration)
            self.step = aim if share == 1.0 else done + (aim - done) * share
            self._underway = None
        self.log.close(self.env.now, self.step)

    def _recover(self, blow: Blow) -> Process:
        """Go from the blow to the first step after it; return the blow that cut this short, if one did."""
        if blow.stopped_until_s is not None:
            cut = yield from self._notice(blow, blow.stopped_until_s)
            if cut is not None:
                return cut
            yield from self._stay_stopped(blow)
        else:
            cut = yield from self._phase("detect", blow.cause, blow.detection_s, 1.0)
            if cut is not None:
                return cut
        if blow.replaces_server:
            cut = yield from self._phase("stopped", f"{blow.cause}: no spare server", self._wait_for_spare(), 1.0)
            if cut is not None:
                return cut
        phases: tuple[tuple[State, float], ...] = (("restart", self.times.restart), ("reload", self.times.reload))
        for state, duration in phases:
            cut = yield from self._phase(state, blow.cause, duration, 1.0)
            if cut is not None:
                return cut
        return None

    def _notice(self, blow: Blow, until: float) -> Process:
        """Wait until lost servers are noticed; return a longer stop that comes meanwhile."""
        seconds = min(blow.detection_s, until - self.env.now)
        if seconds <= 0.0:
            return None
        cut = yield from self._phase("detect", blow.cause, seconds, 1.0)
        return None if cut is None else replace(cut, stopped_until_s=max(cut.stopped_until_s or 0.0, until))

    def _stay_stopped(self, blow: Blow) -> Process:
        """Wait for the end of a stop; a server that fails meanwhile costs nothing more, a longer stop does."""
        until = blow.stopped_until_s or self.env.now
        while until > self.env.now:
            cut = yield from self._phase("stopped", blow.cause, until - self.env.now, 1.0)
            if cut is not None and cut.stopped_until_s is not None:
                until = max(until, cut.stopped_until_s)
        return None

    def _phase(self, state: State, cause: str, duration: float, speed: float) -> Process:
        """Stay in `state` for `duration`; return the blow that ended it early, if one did.

        While a fault is being detected or the job stands still, another fault adds nothing: both are repaired in the
        same restart.
        """
        end = self.env.now + duration
        self.log.enter(self.env.now, state, cause, self.step, speed)
        while self.env.now < end:
            try:
                yield self.env.timeout(end - self.env.now)
            except simpy.Interrupt as interrupt:
                blow = blow_of(interrupt)
                absorbed = state in ("detect", "stopped") and blow.stopped_until_s is None
                if not blow.changes_speed and not absorbed:
                    self.log.close(self.env.now, self.step)
                    return blow
            else:
                break
        self.log.close(self.env.now, self.step)
        return None

    # ---- what it consists of --------------------------------------------------------------------------------------

    @property
    def speed(self) -> float:
        """Progress relative to full speed under the caps that hold now."""
        return min((cap.fraction for cap in self.caps), default=1.0)

    def _cap_cause(self) -> str:
        return min(self.caps, key=lambda cap: cap.fraction).cause if self.caps else "none"

    def _stretch(self, steps: float) -> float:
        """Return the duration [s] of `steps` steps at full speed: a sum of gamma-distributed step times."""
        mean, cv = self.facts.step_time_s, self.facts.step_time_cv
        if cv < NEGLIGIBLE_CV:
            return steps * mean
        return float(self.rng.gamma(steps / cv**2, mean * cv**2))

    def _save(self) -> None:
        """Hand the snapshot to the writer, which is free by now."""
        self._settle()
        self.pending = (self.step, len(self.log.rows))
        self.written_s = self.env.now + self.times.write

    def _settle(self) -> None:
        """Count the checkpoint that is being written as safe once its write is over.

        Nothing but a roll-back and the next checkpoint asks whether a write is over, so the writer needs no process.
        """
        if self.pending is not None and self.written_s <= self.env.now:
            (self.durable_step, self.durable_row), self.pending = self.pending, None

    def _roll_back(self, cause: str) -> None:
        """Return to the last checkpoint that is safe; a write under way is lost to `cause`, as is the work since."""
        self._settle()
        self.pending, self.written_s = None, 0.0
        self.log.roll_back(self.durable_row, cause)
        self.step, self.durable_row = self.durable_step, len(self.log.rows)

    def _wait_for_spare(self) -> float:
        """Take a spare server and send the failed one to repair; return how long [s] the job must wait for one."""
        if self.spares is None:
            return 0.0
        now = self.env.now
        while self.repairs and self.repairs[0] <= now:
            heapq.heappop(self.repairs)
            self.spares += 1
        heapq.heappush(self.repairs, now + self.times.repair)
        if self.spares > 0:
            self.spares -= 1
            return 0.0
        return heapq.heappop(self.repairs) - now


def _failures(env: simpy.Environment, job: _Job, cause: Cause, rng: np.random.Generator) -> Process:
    """Interrupt the job at the events of a Poisson process."""
    blow = Blow(cause.name, cause.detection_s, cause.replaces_server)
    while True:
        yield env.timeout(float(rng.exponential(1.0 / cause.rate_per_s)))
        job.process.interrupt(blow)


def _outside(env: simpy.Environment, job: _Job, event: ExternalEvent) -> Process:
    """Stop the job, or cap its speed from the start to the end of the event."""
    yield env.timeout(event.t_start_s)
    if event.effect != "cap_fraction":
        job.process.interrupt(Blow(event.cause, event.detection_s, stopped_until_s=event.t_end_s))
        return None
    change = Blow(event.cause, changes_speed=True)
    job.caps.append(event)
    job.process.interrupt(change)
    yield env.timeout(event.t_end_s - event.t_start_s)
    job.caps.remove(event)
    job.process.interrupt(change)
    return None


def simulate_operation(
    spec: OperationSpec, job: JobFacts, seed: np.random.SeedSequence, external: Sequence[ExternalEvent] = ()
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
    causes = failure_causes(spec.failure_rates, job, spec.failure_scale)
    # A fresh copy, so that the same seed gives the same streams however often it was spawned from.
    root = np.random.SeedSequence(entropy=seed.entropy, spawn_key=seed.spawn_key)
    streams = [np.random.default_rng(child) for child in root.spawn(1 + len(causes))]
    env = simpy.Environment(initial_time=0.0)
    running = _Job(env, job, Durations.of(spec, job, causes), spec, streams[0])
    for cause, stream in zip(causes, streams[1:], strict=True):
        env.process(_failures(env, running, cause, stream))
    for event in external:
        env.process(_outside(env, running, event))
    env.run(until=spec.horizon)
    running.pause()
    # who asks what all halls do when they start again looks at a single restart too
    fewest = 2 if spec.restart_spacing is None else 1
    return running.log.timeline(spec.horizon, running.interruptions, running.times.reload, fewest)
