"""Gaps of a step, which other kernels may fill."""

from __future__ import annotations

import numpy as np

from clustersim.power.damped import Floats
from clustersim.training.records import StepTrace


def step_gaps_s(trace: StepTrace) -> Floats:
    """Return the gaps of one step: before each operation, for the reduction, for the gather. [s]

    Shape (units, stages, operations + 2). The first holds the wait for input.
    """
    stages = trace.timing.schedule.stages
    units = trace.start_s.shape[0]
    start, end = (times.reshape(units, stages, -1) for times in (trace.start_s, trace.end_s))
    free = np.concatenate([np.zeros((units, stages, 1)), end[..., :-1]], axis=2)
    between = np.maximum(start - free, 0.0)
    reduction = trace.optimizer_start_s - end[..., -1:]
    gather = np.broadcast_to((trace.iteration_time_s - trace.optimizer_end_s)[None, :, None], reduction.shape)
    return np.concatenate([between, np.maximum(reduction, 0.0), np.maximum(gather, 0.0)], axis=2)


def longest_gap_s(trace: StepTrace) -> float:
    """Return the longest gap of a step that is followed by one like it: its gather and the next opening are one. [s]"""
    gaps = step_gaps_s(trace)
    return max(float(gaps.max()), float((gaps[..., 0] + gaps[..., -1]).max()))
