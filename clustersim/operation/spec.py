"""What the user says about days and months of the job: horizon, checkpoints, failures, spares."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from clustersim.operation.spec_parts.recovery import RecoverySpec
from clustersim.spec import Spec
from clustersim.units import DataRate, Ratio, Time


class CheckpointSpec(Spec):
    """When the job saves its state, and to what."""

    interval: Literal["young_daly"] | Annotated[Time, Field(gt=0)] = 600.0
    """Training time between two checkpoints, rounded to whole steps; ``young_daly`` = sqrt(2 x blocking x MTBF)."""
    asynchronous: bool = True
    """Whether training goes on while the checkpoint is written; else it waits for the whole write."""
    blocking: Time | None = Field(default=None, ge=0)
    """Pause of training for one asynchronous checkpoint; left out: the catalog's in-memory snapshot."""
    storage_bandwidth: DataRate | None = Field(default=None, gt=0)
    """Rate at which the storage takes and returns checkpoints; left out: the catalog's sustained rate."""


class EvaluationSpec(Spec):
    """When the job stops training to evaluate the model: forward passes alone, on the plan of the training step."""

    every: Time | None = Field(default=None, gt=0)
    """Training time between two evaluations, rounded to whole steps."""
    every_steps: int | None = Field(default=None, gt=0)
    """The same as a number of steps; give one of the two."""
    duration: Time = Field(gt=0)
    """Time from the last training step to the next one."""
    pause: Time = Field(default=0.0, ge=0)
    """Part of it, at its beginning, in which all ranks wait for the evaluation's first data."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.every is None) == (self.every_steps is None):
            raise ValueError("evaluation: expected one of every and every_steps")
        if self.pause >= self.duration:
            raise ValueError(
                f"evaluation.pause: expected less than the duration of {self.duration:g} s, got {self.pause:g} s"
            )
        return self


class OperationSpec(Spec):
    """The operation of one job over the horizon."""

    horizon: Time = Field(default=30 * 86400.0, gt=0)
    """Time that is simulated."""
    checkpoint: CheckpointSpec = CheckpointSpec()
    """Checkpoints."""
    evaluation: EvaluationSpec | None = None
    """Evaluations; left out: the job never stops for one."""
    failure_rates: str | None = None
    """Catalog name (kind ``reliability``): ``meta-h100``, ``meta-h100-links``, ``rsc-1``, ``rsc-2``, ``tpu-v4`` or
    ``none``; left out: ``meta-h100`` for GPUs, ``tpu-v4`` for TPUs."""
    failure_scale: Ratio = Field(default=1.0, ge=0)
    """Factor on every failure rate, such as ``0.5 x``."""
    restart_law: str | None = None
    """Catalog name of the restart-time law: ``restart-gpu``, ``restart-gpu-meta`` or ``restart-tpu``; left out: by
    family."""
    restart_time: Time | None = Field(default=None, ge=0)
    """Fixed restart time in place of the law, for a job that recovers without a full restart."""
    spare_servers: int | None = Field(default=None, ge=0)
    """Servers held ready to replace failed ones; left out: a spare is always at hand."""
    recovery: RecoverySpec = RecoverySpec()
    """How the job goes on after a failure."""
    repair_time: Time | None = Field(default=None, ge=0)
    """Time until a failed server is back among the spares; left out: the catalog's."""
    restart_spacing: Time | None = Field(default=None, ge=0)
    """Time between the starts of two halls when all halls, each with a job of its own, start again after a stop of the
    whole place: ``0 s`` is all at the same instant; left out, or without any restart: this is not looked at."""
