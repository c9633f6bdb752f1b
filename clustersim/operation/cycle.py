"""The times that a job's cycle is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from clustersim import catalog
from clustersim.operation.causes import Cause
from clustersim.operation.facts import JobFacts
from clustersim.operation.failures import restart_time, young_daly_interval
from clustersim.operation.spec import OperationSpec


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
    reconfigure: float = 0.0
    """Time to build the collectives again among ranks that are there."""
    replica_restart: float = 0.0
    catch_up: float = 0.0
    """Time in which a replica that comes back takes the weights from the others."""

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
        asked = spec.recovery
        reconfigure = restart if asked.reconfigure_time is None else asked.reconfigure_time
        replica = asked.replica_restart_time
        if replica is None:
            replica = min(restart, restart_time(spec.restart_law, job.family, max(1, job.gpus // job.replicas)))
        catch_up = transfer if asked.catch_up_time is None else asked.catch_up_time
        return cls(interval, blocking, write, restart, transfer, repair, evaluation, reconfigure, replica, catch_up)


def steps_between_evaluations(spec: OperationSpec, step_time_s: float) -> float:
    """Return the steps from one evaluation to the next, infinite without any."""
    asked = spec.evaluation
    if asked is None:
        return math.inf
    if asked.every_steps is not None:
        return float(asked.every_steps)
    return max(1.0, round((asked.every or 0.0) / step_time_s))
