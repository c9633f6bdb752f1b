"""What the user says about days and months of the job: horizon, checkpoints, failures, spares."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from clustersim.operation.spec_parts.checkpoint import CheckpointSpec
from clustersim.operation.spec_parts.failures import FailureSpec
from clustersim.operation.spec_parts.fleet import FleetSpec
from clustersim.operation.spec_parts.recovery import RecoverySpec
from clustersim.operation.spec_parts.repair import RepairSpec
from clustersim.operation.spec_parts.sites import SitesSpec
from clustersim.spec import Spec
from clustersim.units import Ratio, Time


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
    """Catalog name (kind ``reliability``): ``meta-h100``, ``meta-h100-links``, ``components-h100``, ``rsc-1``,
    ``rsc-2``, ``rsc-jobs``, ``tpu-v4`` or ``none``; left out: ``meta-h100`` for GPUs, ``tpu-v4`` for TPUs."""
    failure_scale: Ratio = Field(default=1.0, ge=0)
    """Factor on every failure rate, such as ``0.5 x``."""
    failures: FailureSpec = FailureSpec()
    """Ages and early life of components, spread of rates between fleets, outages of domains."""
    restart_law: str | None = None
    """Catalog name of the restart-time law: ``restart-gpu``, ``restart-gpu-meta``, ``restart-gpu-startup``,
    ``restart-in-job`` or ``restart-tpu``; left out: by family."""
    restart_time: Time | None = Field(default=None, ge=0)
    """Fixed restart time in place of the law, for a job that recovers without a full restart."""
    spare_servers: int | None = Field(default=None, ge=0)
    """Servers held ready to replace failed ones; left out: a spare is always at hand."""
    recovery: RecoverySpec = RecoverySpec()
    """How the job goes on after a failure."""
    repair_time: Time | None = Field(default=None, ge=0)
    """Time until a failed server is back among the spares; left out: the catalog's."""
    repair: RepairSpec | None = None
    """The crew that repairs failed servers; left out: every one is back after `repair_time`."""
    fleet: FleetSpec | None = None
    """Other jobs, services and research on the same cluster; left out: the job has it alone."""
    sites: SitesSpec | None = None
    """How the sites of the job work together; left out: one synchronous job over all of them."""
    restart_spacing: Time | None = Field(default=None, ge=0)
    """Time between the starts of two halls when all halls, each with a job of its own, start again after a stop of the
    whole place: ``0 s`` is all at the same instant; left out, or without any restart: this is not looked at."""
