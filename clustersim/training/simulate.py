"""One step at rank resolution: every lock-step unit and stage through its schedule, with jitter."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from clustersim.errors import CapacityError
from clustersim.training import kernels
from clustersim.training.records import Fleet, JitterSpec, StepTiming, StepTrace

CELLS = 4096


@lru_cache(maxsize=64)
def _quantiles(sigma: float, members: int) -> NDArray[np.float64]:
    """Multiplier of the slowest of `members` ranks by probability.

    With ``u`` uniform, ``exp(sigma Phi^-1(u^(1/n)) - sigma^2 / 2)`` is the largest of n log-normal multipliers of mean
    1 (order statistic). Tabulated; the ends stand for the outer half cell.
    """
    edges = np.clip(np.arange(CELLS + 1) / CELLS, 0.25 / CELLS, 1.0 - 0.25 / CELLS)
    table = np.exp(sigma * scipy.special.ndtri(edges ** (1.0 / members)) - 0.5 * sigma**2)
    table.setflags(write=False)
    return table


def rank_slowness(fleet: Fleet, stages: int, jitter: JitterSpec, seed: np.random.SeedSequence) -> NDArray[np.float64]:
    """Persistent slowness of every unit and stage against the typical one [-], shape (units, stages).

    An operation takes as long as its slowest rank: the largest of n products of a fresh and a persistent multiplier,
    whose spread ``sqrt(so^2 + sr^2)`` is in the table of :func:`simulate_step`. Of the excess of the largest sum of two
    normals the share ``sr^2 / (so^2 + sr^2)`` is the persistent part's, so the unit's persistent extreme enters with
    that power, relative to its median.
    """
    units = fleet.unit_class.size
    if jitter.rank_sigma == 0.0:
        return np.ones((units, stages))
    members = fleet.class_members.sum(axis=1)[fleet.unit_class][:, None]
    draw = np.random.default_rng(seed).random((units, stages))
    share = jitter.rank_sigma**2 / (jitter.operation_sigma**2 + jitter.rank_sigma**2)
    excess = scipy.special.ndtri(draw ** (1.0 / members)) - scipy.special.ndtri(0.5 ** (1.0 / members))
    return np.asarray(np.exp(jitter.rank_sigma * excess * share))


def class_durations(timing: StepTiming, fleet: Fleet) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Operation and hidden seconds of each class of unit: the slowest kind of accelerator in it sets the pace.

    Returns
    -------
    tuple of ndarray
        Each of shape (classes, kinds x virtual stages), forwards first. [s]
    """
    present = fleet.class_members > 0
    both = [
        np.ascontiguousarray(np.stack([times[members].max(axis=0) for members in present]).reshape(len(present), -1))
        for times in (timing.operation_s, timing.hidden_s)
    ]
    return both[0], both[1]


def unit_batches(timing: StepTiming, fleet: Fleet) -> NDArray[np.int64]:
    """Return the micro-batches of every unit."""
    if fleet.unit_batches is not None:
        return fleet.unit_batches
    return np.full(fleet.unit_class.size, timing.program.plan.micro_batches, dtype=np.int64)


def balanced(timing: StepTiming, fleet: Fleet) -> tuple[StepTiming, Fleet]:
    """Return timing and fleet with the step's micro-batches shared out so that all units take about as long.

    A unit whose slowest stage takes t per micro-batch gets a share in proportion to 1 / t, in whole steps: one
    micro-batch, or as many as there are stages where the schedule is interleaved. The sum over all units stays.

    Raises
    ------
    CapacityError
        If there are too few micro-batches for every unit to get one.
    """
    plan = timing.program.plan
    step = plan.pipeline if plan.virtual_stages > 1 else 1
    durations, _ = class_durations(timing, fleet)
    kinds, virtual = timing.operation_s.shape[1:]
    pace = durations.reshape(-1, kinds, virtual // plan.pipeline, plan.pipeline).sum(axis=(1, 2)).max(axis=1)
    weight = (1.0 / pace)[fleet.unit_class]
    total = plan.micro_batches * fleet.unit_class.size
    exact = total * weight / weight.sum() / step
    shares = np.maximum(np.floor(exact).astype(np.int64), 1)
    # what is left goes to the units that are furthest behind their share, one step each
    left = total // step - int(shares.sum())
    if left < 0:
        raise CapacityError(
            f"job.plan.balance: {plan.micro_batches} micro-batches per replica are too few to share out over replicas "
            "of such different speed"
        )
    shares[np.argsort(shares - exact, kind="stable")[:left]] += 1
    batches = shares * step
    return replace(timing, most_batches=int(batches.max())), replace(fleet, unit_batches=batches)


def simulate_step(
    timing: StepTiming, fleet: Fleet, jitter: JitterSpec, slow: NDArray[np.float64], key: int
) -> StepTrace:
    """Run one step of every unit and stage.

    Parameters
    ----------
    timing : StepTiming
        Jitter-free durations.
    fleet : Fleet
        Units and what they consist of.
    jitter : JitterSpec
        Spread of operation times.
    slow : ndarray, shape (units, stages)
        Persistent slowness, from :func:`rank_slowness`.
    key : int
        Key of the counter-based random numbers; another key is another step.

    Notes
    -----
    ``start = max(end of the previous operation of the stage, arrival of what it waits for)``. The reduction of a
    stage's chunk starts when the slowest replica has finished it and the previous chunk's reduction is through; the
    optimizer needs the gradient norm and so waits for all of them.
    """
    schedule = timing.schedule
    stages, per_stage = schedule.stages, schedule.per_stage
    base, late = class_durations(timing, fleet)
    virtual = timing.operation_s.shape[2]
    table = (schedule.kind.astype(np.int32) * virtual + schedule.virtual_stage).ravel()
    members = int(fleet.class_members.sum(axis=1).max())
    units = fleet.unit_class.size
    start = np.empty((units, stages * per_stage))
    end = np.empty_like(start)
    kernels.pipeline_step(
        np.uint64(key),
        base,
        late,
        fleet.unit_class,
        slow,
        _quantiles(math.hypot(jitter.operation_sigma, jitter.rank_sigma), members),
        schedule.order,
        table,
        schedule.depends_on,
        schedule.crosses,
        schedule.micro_batch.ravel(),
        unit_batches(timing, fleet),
        timing.message_s,
        timing.stall_s,
        timing.late_s,
        timing.noticed_s,
        per_stage,
        start,
        end,
    )
    return _finish(timing, fleet, start, end)


def _finish(timing: StepTiming, fleet: Fleet, start: NDArray[np.float64], end: NDArray[np.float64]) -> StepTrace:
    """Add the data-parallel exchange, the optimizer and the all-gather."""
    schedule = timing.schedule
    stages, chunks = schedule.last_backward.shape
    reduce_start = np.zeros((stages, chunks))
    reduce_end = np.zeros((stages, chunks))
    virtual = np.arange(stages)[:, None] + stages * np.arange(chunks)[None, :]
    # the last operation of a chunk gives its gradients; an exchange that it left beside other compute ends later
    late = timing.hidden_s[:, -1].max(axis=0)[virtual]
    ready = end[:, schedule.last_backward].max(axis=0) + late
    if not timing.gradient_overlap:
        ready = np.broadcast_to(ready.max(axis=1, keepdims=True), ready.shape)
    for stage in range(stages):
        free = 0.0
        for chunk in range(chunks - 1, -1, -1):
            begin = max(float(ready[stage, chunk]), free)
            free = begin + float(timing.reduce_s[chunk * stages + stage])
            reduce_start[stage, chunk], reduce_end[stage, chunk] = begin, free
    optimizer_start = float(reduce_end.max())
    optimizer_end = optimizer_start + timing.optimizer_s
    iteration = float((optimizer_end + timing.gather_s).max())
    return StepTrace(
        timing=timing,
        fleet=fleet,
        start_s=start,
        end_s=end,
        reduce_start_s=reduce_start,
        reduce_end_s=reduce_end,
        optimizer_start_s=optimizer_start,
        optimizer_end_s=optimizer_end,
        iteration_time_s=iteration,
        breakdown=_breakdown(timing, fleet, start, end, iteration),
    )


def _breakdown(
    timing: StepTiming,
    fleet: Fleet,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    iteration: float,
) -> dict[str, float]:
    """Mean seconds per accelerator of each activity; the sum is the iteration time."""
    schedule = timing.schedule
    stages = schedule.stages
    weight = fleet.class_members.sum(axis=1)[fleet.unit_class]
    weight = weight / (weight.sum() * stages)
    busy = weight @ (end - start)
    slowest = np.argmax(timing.operation_s.sum(axis=(1, 2)))
    shares = timing.shares[slowest][schedule.kind.ravel(), schedule.virtual_stage.ravel()]
    matrix, memory, exchange, wait = busy @ shares
    # a replica's pipeline lasts until its last stage is through; until then a stage without work is in the bubble
    over = float(weight @ end.max(axis=1)) * stages
    update = float(timing.optimizer_s.mean())
    return {
        "matrix": float(matrix),
        "memory": float(memory) + update,
        "exchange": float(exchange),
        "host": float(wait) + timing.stall_s,
        "bubble": over - float(busy.sum()) - timing.stall_s,
        "data_exchange": iteration - over - update,
    }
