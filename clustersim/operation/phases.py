"""A process that keeps a record of its states and may be struck in each of them."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Protocol

import simpy

from clustersim.operation.accounts import Category
from clustersim.operation.blows import Blow, blow_of
from clustersim.operation.log import JobLog
from clustersim.operation.records import State

if TYPE_CHECKING:
    from clustersim.operation.job import JobProcess

AT_REST = ("detect", "stopped")
"""States in which another failure adds nothing: all are repaired in the same restart."""
Process = Generator[Any, Any, "Blow | None"]


class OuterStep(Protocol):
    """What a job does together with others from time to time."""

    def due(self, job: JobProcess) -> float:
        """Return the step at which the job must do it next; asked whenever the job begins to train."""

    def sync(self, job: JobProcess) -> Process:
        """Do it, in the job's process; return the blow that cut it short, if one did."""

    def told(self, job: JobProcess, blow: Blow) -> None:
        """Hear of a blow before it strikes the job."""


class Recorded:
    """What is doing what since when, and what struck it while it rested."""

    def __init__(self, env: simpy.Environment, gpus: int) -> None:
        self.env, self.log = env, JobLog(gpus)
        self.step = 0.0
        self.state: State = "train"
        self.absorbed: list[Blow] = []
        """Failures that struck it at rest."""

    def phase(
        self, state: State, cause: str, duration: float, *, speed: float = 1.0, booked: Category | None = None
    ) -> Process:
        """Stay in `state` for `duration`; return the blow that ended it early, if one did.

        While a fault is being detected or the job stands still, another fault adds nothing: both are repaired in the
        same restart.
        """
        end = self.env.now + duration
        self.log.enter(self.env.now, state, cause, self.step, speed, booked=booked)
        self.state = state
        while self.env.now < end:
            try:
                yield self.env.timeout(end - self.env.now)
            except simpy.Interrupt as interrupt:
                blow = self._cut(blow_of(interrupt))
                if blow is not None:
                    self.log.close(self.env.now, self.step)
                    return blow
            else:
                break
        self.log.close(self.env.now, self.step)
        return None

    def wait_for(self, event: simpy.Event, state: State, cause: str, *, booked: Category | None = None) -> Process:
        """Stay in `state` until the event happens; return the blow that ended it early, if one did."""
        self.log.enter(self.env.now, state, cause, self.step, 1.0, booked=booked)
        self.state = state
        while not event.processed:
            try:
                yield event
            except simpy.Interrupt as interrupt:
                blow = self._cut(blow_of(interrupt))
                if blow is not None:
                    self.log.close(self.env.now, self.step)
                    return blow
        self.log.close(self.env.now, self.step)
        return None

    def _cut(self, blow: Blow) -> Blow | None:
        """Return the blow if it ends the present phase."""
        if blow.kind in ("speed", "planned"):
            return None
        if blow.kind == "failure" and self.state in AT_REST:
            self.absorbed.append(blow)
            return None
        return blow
