"""The times that a job's cycle is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from clustersim.operation.causes import Cause
from clustersim.operation.checkpoints import Loss, Tier, loss_of, tiers_of
from clustersim.operation.facts import JobFacts
from clustersim.operation.restarts import IN_JOB, collective_init_time, restart_time
from clustersim.operation.spec import OperationSpec


@dataclass(frozen=True)
class Durations:
    """The times [s] that the job's cycle is made of."""

    tiers: tuple[Tier, ...]
    """Where checkpoints go, the storage last."""
    restart: float
    evaluation: float
    reconfigure: float
    """Time until the job runs again where its processes stay."""
    replica_restart: float
    catch_up: float
    """Time in which a replica that comes back takes the weights from the others."""

    @property
    def storage(self) -> Tier:
        """The tier that outlives everything."""
        return self.tiers[-1]

    @classmethod
    def of(cls, spec: OperationSpec, job: JobFacts, causes: Sequence[Cause]) -> Durations:
        """Return the durations, from the spec where it gives them and from the catalog elsewhere."""
        tiers = tiers_of(spec.checkpoint, job, losses_of(spec, causes), spec.horizon)
        restart = spec.restart_time
        if restart is None:
            restart = restart_time(spec.restart_law, job.family, job.gpus)
        asked = spec.recovery
        reconfigure, replica, catch_up = asked.reconfigure_time, asked.replica_restart_time, asked.catch_up_time
        if reconfigure is None:
            # processes that stay start anew in their containers; of replicas that train on only the collectives do
            in_job = asked.mode == "in_job"
            reconfigure = (
                restart_time(IN_JOB, job.family, job.gpus, asked.collective_law)
                if in_job
                else collective_init_time(asked.collective_law, job.gpus)
            )
        if replica is None:
            replica = min(restart, restart_time(spec.restart_law, job.family, max(1, job.gpus // job.replicas)))
        if catch_up is None:
            catch_up = min(tier.reload_s for tier in tiers)
        evaluation = 0.0 if spec.evaluation is None else spec.evaluation.duration
        return cls(tiers, restart, evaluation, reconfigure, replica, catch_up)


def losses_of(spec: OperationSpec, causes: Sequence[Cause]) -> list[tuple[Loss, float]]:
    """Return of every cause that costs work what is gone, and how often. [1/s]"""
    near = spec.checkpoint.tiers.neighbour
    apart = "server" if near is None else near.apart
    return [
        (loss_of(cause.domain, replaces_server=cause.replaces_server, apart=apart), cause.mean_rate_per_s(spec.horizon))
        for cause in causes
        if cause.effect != "slow"
    ]


def steps_between_evaluations(spec: OperationSpec, step_time_s: float) -> float:
    """Return the steps from one evaluation to the next, infinite without any."""
    asked = spec.evaluation
    if asked is None:
        return math.inf
    if asked.every_steps is not None:
        return float(asked.every_steps)
    return max(1.0, round((asked.every or 0.0) / step_time_s))
