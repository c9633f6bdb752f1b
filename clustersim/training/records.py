"""What training hands on: times of one step's operations, and the step rank by rank."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clustersim.training.schedule import Schedule, build_schedule, forward_schedule
from clustersim.workload import StepProgram

Activity = Literal["matrix", "memory", "exchange", "wait", "idle"]
ACTIVITIES: tuple[Activity, ...] = ("matrix", "memory", "exchange", "wait", "idle")


@dataclass(frozen=True)
class StepTiming:
    """Duration of every operation of a step without jitter; seconds.

    Kinds of operation are forward, backward and, in schedules that move them, gradients of weights.
    """

    program: StepProgram
    operation_s: NDArray[np.float64]
    """Whole operation; shape (devices, kinds, virtual stages)."""
    shares: NDArray[np.float64]
    """Share of each activity (matrix, memory, exchange, wait) in the operation; shape (devices, kinds, virtual stages,
    4)."""
    hidden_s: NDArray[np.float64]
    """Exchange that runs beside other compute: the stage is free at the operation's end, its output comes this much
    later; shape (devices, kinds, virtual stages). [s]"""
    message_s: float
    """Hand-over between neighbouring stages. [s]"""
    reduce_s: NDArray[np.float64]
    """Data-parallel reduce-scatter of each virtual stage's gradients (and the exchange between sites). [s]"""
    gather_s: NDArray[np.float64]
    """Data-parallel all-gather of each stage's weights that the step waits for; shape (stages,). [s]"""
    optimizer_s: NDArray[np.float64]
    """Optimizer update; shape (stages,). [s]"""
    stall_s: float
    """Time that every step waits for its input and the host before its first forward. [s]"""
    wan_bytes: float
    """Bytes that one accelerator sends to other sites per step. [B]"""
    wan_s: float
    """Part of the reduction spent between sites, at the busiest stage. [s]"""
    gradient_overlap: bool = True
    """Whether a chunk's gradients are reduced as soon as it has them; else all after the stage's last backward."""
    most_batches: int | None = None
    """Micro-batches of the replicas that take the most of them; None: the plan's."""
    late_s: float = 0.0
    """By which an operation starts late that waited for longer than `noticed_s`. [s]"""
    noticed_s: float = 0.0
    forward_only: bool = False
    """Whether the step is the forward passes alone, as in an evaluation (:func:`forward_timing`)."""

    @property
    def schedule(self) -> Schedule:
        """The pipeline schedule of the plan."""
        plan, build = self.program.plan, forward_schedule if self.forward_only else build_schedule
        return build(plan.pipeline, plan.chunks, self.most_batches or plan.micro_batches, plan.deep, plan.schedule)


def forward_timing(timing: StepTiming) -> StepTiming:
    """Return the timing of the step's forward passes alone: no backward, no reduction, no optimizer, no gathering.

    Where parameters are sharded, gathering them is part of each pass and stays.
    """
    hidden = timing.hidden_s.copy()
    hidden[:, 1:] = 0.0
    return replace(
        timing,
        hidden_s=hidden,
        reduce_s=np.zeros_like(timing.reduce_s),
        gather_s=np.zeros_like(timing.gather_s),
        optimizer_s=np.zeros_like(timing.optimizer_s),
        wan_bytes=0.0,
        wan_s=0.0,
        forward_only=True,
    )


@dataclass(frozen=True)
class JitterSpec:
    """Random spread of operation times and of ranks."""

    operation_sigma: float
    """Standard deviation of the logarithm of one operation's time on one rank. [-]"""
    rank_sigma: float
    """The same of the persistent speed of one rank. [-]"""


@dataclass(frozen=True)
class Fleet:
    """Which accelerators a plan's lock-step units consist of."""

    unit_class: NDArray[np.int64]
    """Row of `class_members`; shape (units,)."""
    class_members: NDArray[np.float64]
    """Accelerators of each kind in one stage of a unit of the class; shape (classes, devices)."""
    unit_node: NDArray[np.int64]
    """Electrical node (hall or site) that the unit draws from; shape (units,)."""
    unit_batches: NDArray[np.int64] | None = None
    """Micro-batches of each unit where faster units take more of them; shape (units,). None: all take the plan's."""


@dataclass(frozen=True)
class StepTrace:
    """One step of every unit and stage. Times count from the start of the step [s]."""

    timing: StepTiming
    fleet: Fleet
    start_s: NDArray[np.float64]
    """Of every operation; shape (units, stages x operations per stage)."""
    end_s: NDArray[np.float64]
    reduce_start_s: NDArray[np.float64]
    """Shape (stages, chunks)."""
    reduce_end_s: NDArray[np.float64]
    optimizer_start_s: float
    optimizer_end_s: NDArray[np.float64]
    """Shape (stages,)."""
    iteration_time_s: float
    breakdown: dict[str, float]
    """Mean seconds per accelerator by activity; adds up to the iteration time."""
