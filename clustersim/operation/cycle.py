"""What interrupts a job, and the times that its cycle is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import simpy

from clustersim import catalog
from clustersim.operation.causes import Cause
from clustersim.operation.facts import JobFacts
from clustersim.operation.failures import restart_time, young_daly_interval
from clustersim.operation.spec import OperationSpec


@dataclass(frozen=True)
class Blow:
    """What interrupts the job."""

    cause: str
    detection_s: float = 0.0
    replaces_server: bool = False
    stopped_until_s: float | None = None
    """Of a stop from outside: when the job may run again. [s]"""
    changes_speed: bool = False
    """A cap began or ended; the job goes on at another speed."""


def blow_of(interrupt: simpy.Interrupt) -> Blow:
    """Return what the interrupt brings; anything but a blow is a fault of the program."""
    if not isinstance(interrupt.cause, Blow):
        raise TypeError(f"the job was interrupted with {interrupt.cause!r}")
    return interrupt.cause


@dataclass(frozen=True)
class Durations:
    """The times [s] that the job's cycle is made of."""

    interval: float
    blocking: float
    write: float
    """Time from the snapshot until the checkpoint is safe; zero when training waits for it."""
    restart: float
    reload: float
    repair: float
    evaluation: float = 0.0

    @classmethod
    def of(cls, spec: OperationSpec, job: JobFacts, causes: Sequence[Cause]) -> Durations:
        """Return the durations, from the spec where it gives them and from the catalog elsewhere."""
        saved, defaults = spec.checkpoint, catalog.entry("reliability", "checkpoint")
        bandwidth = saved.storage_bandwidth or defaults.si("storage_bandwidth")
        transfer = job.checkpoint_bytes / bandwidth
        snapshot = defaults.si("blocking") if saved.blocking is None else saved.blocking
        blocking, write = (snapshot, transfer) if saved.asynchronous else (transfer, 0.0)
        rate = math.fsum(cause.rate_per_s for cause in causes)
        if saved.interval == "young_daly":
            interval = young_daly_interval(blocking, 1.0 / rate) if rate > 0.0 else spec.horizon
        else:
            interval = saved.interval
        restart = spec.restart_time
        if restart is None:
            restart = restart_time(spec.restart_law, job.family, job.gpus)
        repair = catalog.entry("reliability", "repair").si("time") if spec.repair_time is None else spec.repair_time
        evaluation = 0.0 if spec.evaluation is None else spec.evaluation.duration
        return cls(interval, blocking, write, restart, transfer, repair, evaluation)


def steps_between_evaluations(spec: OperationSpec, step_time_s: float) -> float:
    """Return the steps from one evaluation to the next, infinite without any."""
    asked = spec.evaluation
    if asked is None:
        return math.inf
    if asked.every_steps is not None:
        return float(asked.every_steps)
    return max(1.0, round((asked.every or 0.0) / step_time_s))
