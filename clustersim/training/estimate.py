"""Quick estimate of the iteration time, for the search over plans."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clustersim.training import kernels
from clustersim.training.records import StepTiming
from clustersim.training.schedule import build_schedule

_ONES = np.ones(2)


def estimate_iteration_s(timing: StepTiming) -> float:
    """Return the iteration time of `timing` without jitter. [s]

    1F1B by closed form: one pass through all stages, then ``m - 1`` cycles of the slowest stage, a cycle being its forward
    and backward or, when slower, the round trip of the micro-batches it may have in flight divided by their number:

    ``T = sum_s (f_s + b_s) + 2 (p - 1) c + (m - 1) max_s max(f_s + b_s, trip_s / flight_s)``

    Interleaved 1F1B has no closed form for uneven chunks: one replica is run for two and three groups of micro-batches,
    and the difference is the time of each further group. Reduction, optimizer and all-gather follow the pipeline.
    """
    plan = timing.program.plan
    slowest = timing.operation_s.max(axis=0)
    if plan.virtual_stages == 1:
        pipeline = _closed_form(slowest[0], slowest[1], timing.message_s, plan.micro_batches)
    else:
        pipeline = _extended(slowest, timing.message_s, plan.pipeline, plan.virtual_stages, plan.micro_batches)
    left = float(timing.reduce_s.reshape(-1, plan.pipeline)[:, 0].sum()) if plan.virtual_stages == 1 else _left(timing)
    return pipeline + left + float((timing.optimizer_s + timing.gather_s).max())


def _closed_form(forward: NDArray[np.float64], backward: NDArray[np.float64], message: float, m: int) -> float:
    stages = forward.size
    both = forward + backward
    # work of this stage and all later ones, with the messages between them
    trip = both[::-1].cumsum()[::-1] + 2 * message * np.arange(stages - 1, -1, -1)
    flight = np.arange(stages, 0, -1)
    cycle = np.maximum(both, np.where(m > flight, trip / flight, both))
    return float(trip[0] + (m - 1) * cycle.max())


def _extended(slowest: NDArray[np.float64], message: float, stages: int, chunks: int, m: int) -> float:
    groups = m // stages
    if groups <= 3:
        return _one_replica(slowest, message, stages, chunks, m)
    two = _one_replica(slowest, message, stages, chunks, 2 * stages)
    three = _one_replica(slowest, message, stages, chunks, 3 * stages)
    return three + (groups - 3) * (three - two)


def _one_replica(slowest: NDArray[np.float64], message: float, stages: int, chunks: int, m: int) -> float:
    """Return when the last stage operation of one jitter-free replica ends. [s]"""
    schedule = build_schedule(stages, chunks, m)
    table = (schedule.kind.astype(np.int32) * (stages * chunks) + schedule.virtual_stage).ravel()
    start = np.empty((1, stages * schedule.per_stage))
    end = np.empty_like(start)
    kernels.pipeline_step(
        np.uint64(0), np.ascontiguousarray(slowest.reshape(1, -1)), np.zeros(1, np.int64), np.ones((1, stages)), _ONES,
        schedule.order, table, schedule.depends_on, schedule.crosses, message, schedule.per_stage, start, end,
    )
    return float(end.max())


def _left(timing: StepTiming) -> float:
    """Reduction left when an interleaved pipeline has drained: that of the first stage's first chunk, and what queues. [s]

    A chunk's last backward ends about one group's backwards of a chunk before the next one's.
    """
    plan = timing.program.plan
    p = plan.pipeline
    reduce_s = timing.reduce_s.reshape(-1, p)
    gap = p * timing.operation_s.max(axis=0)[1].reshape(-1, p)
    worst = 0.0
    for stage in range(p):
        # chunks finish from the last to the first; time counts back from the end of the first chunk
        free = -np.inf
        for chunk in range(plan.virtual_stages - 1, -1, -1):
            ready = -float(gap[:chunk, stage].sum())
            free = max(free, ready) + float(reduce_s[chunk, stage])
        # earlier stages end their last backward later: stage s is done s backwards before stage 0
        lead = float(timing.operation_s.max(axis=0)[1].reshape(-1, p)[0, :stage].sum()) + stage * timing.message_s
        worst = max(worst, free - lead)
    return worst
