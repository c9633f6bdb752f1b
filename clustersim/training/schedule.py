"""Order of forward and backward passes on each pipeline stage, and what each waits for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.training.kernels import run_order
from clustersim.training.sequences import (
    BACKWARD,
    FORWARD,
    WEIGHT,
    Operation,
    breadth_first,
    dualpipe,
    one_forward_one_backward,
    zero_bubble,
)

__all__ = ["BACKWARD", "FORWARD", "Schedule", "build_schedule", "forward_schedule"]

MOST_PASSES = 1_000_000
"""Micro-batches through the chunks of all stages in one step; a real one has some thousands."""


@dataclass(frozen=True)
class Schedule:
    """One replica's pipeline schedule; operations are numbered ``stage * per_stage + position``."""

    stages: int
    per_stage: int
    kind: NDArray[np.int8]
    """FORWARD, BACKWARD or WEIGHT; shape (stages, per_stage)."""
    virtual_stage: NDArray[np.int32]
    """Chunk x stages + stage; shape (stages, per_stage)."""
    micro_batch: NDArray[np.int32]
    order: NDArray[np.int32]
    """All operations in an order in which each comes after what it waits for; shape (stages x per_stage,)."""
    depends_on: NDArray[np.int32]
    """Operation whose end each waits for, or -1; shape (stages x per_stage,)."""
    crosses: NDArray[np.bool_]
    """Whether that dependency comes from another stage and so takes a message."""
    last_backward: NDArray[np.int32]
    """Operation with which the gradients of each chunk are complete; shape (stages, chunks)."""


@lru_cache(maxsize=64)
def build_schedule(pipeline: int, chunks: int, micro_batches: int, deep: bool = False, name: str = "1f1b") -> Schedule:
    """Return a pipeline schedule.

    Parameters
    ----------
    pipeline, chunks : int
        Stages, and parts of the model that each holds.
    micro_batches : int
        Of one replica and step.
    deep : bool
        Whether more micro-batches are under way than compute needs, so that the exchange of one can run beside the
        compute of another: twice as many in 1F1B, one more when interleaved (as Megatron-Core does).
    name : {"1f1b", "zero_bubble", "dualpipe", "breadth_first"}
        Schedule; 1F1B is interleaved when there is more than one chunk (:mod:`clustersim.training.sequences`).

    Raises
    ------
    InputError
        If there are more passes than anybody trains with.
    ValueError
        If the schedule cannot be made of so many stages, chunks and micro-batches.
    """
    if pipeline * chunks * micro_batches > MOST_PASSES:
        raise InputError(
            f"job.plan: expected at most {MOST_PASSES:,} passes of a step (stages x chunks x micro-batches), found "
            f"{pipeline:,} x {chunks:,} x {micro_batches:,}; where the plan is searched, lower job.tokens_per_step_max"
        )
    if name == "dualpipe":
        sequences = [dualpipe(pipeline, micro_batches, stage) for stage in range(pipeline)]
        forth = np.arange(pipeline)
        routes = [
            (forth, range(micro_batches // 2)),
            (pipeline + forth[::-1], range(micro_batches // 2, micro_batches)),
        ]
    else:
        if name == "zero_bubble":
            if chunks > 1:
                raise ValueError("the zero-bubble schedule has one chunk per stage")
            sequences = [zero_bubble(pipeline, micro_batches, stage) for stage in range(pipeline)]
        elif name == "breadth_first":
            sequences = [breadth_first(pipeline, chunks, micro_batches, stage) for stage in range(pipeline)]
        else:
            sequences = [
                one_forward_one_backward(pipeline, chunks, micro_batches, stage, deep=deep) for stage in range(pipeline)
            ]
        routes = [(np.arange(pipeline * chunks), range(micro_batches))]
    return _schedule(pipeline, chunks, micro_batches, sequences, routes, whole=name == "dualpipe")


@lru_cache(maxsize=64)
def forward_schedule(
    pipeline: int, chunks: int, micro_batches: int, deep: bool = False, name: str = "1f1b"
) -> Schedule:
    """Return the forwards of :func:`build_schedule`, in its order on each stage, and nothing else.

    `last_backward` holds the last forward of each chunk: when it is through, so are the chunk's forwards.
    """
    whole = build_schedule(pipeline, chunks, micro_batches, deep, name)
    kept = np.flatnonzero(whole.kind.ravel() == FORWARD)
    number = np.full(whole.kind.size, -1, np.int32)
    number[kept] = np.arange(kept.size, dtype=np.int32)
    shape = (pipeline, kept.size // pipeline)
    virtual = whole.virtual_stage.ravel()[kept].reshape(shape)
    before, order = whole.depends_on[kept], number[whole.order]
    places = np.arange(kept.size, dtype=np.int32).reshape(shape)
    last = [np.where(virtual // pipeline == chunk, places, -1).max(axis=1) for chunk in range(chunks)]
    found = Schedule(
        stages=pipeline,
        per_stage=shape[1],
        kind=np.full(shape, FORWARD, np.int8),
        virtual_stage=virtual,
        micro_batch=whole.micro_batch.ravel()[kept].reshape(shape),
        order=order[order >= 0],
        depends_on=np.where(before >= 0, number[before], np.int32(-1)),
        crosses=whole.crosses[kept],
        last_backward=np.ascontiguousarray(np.stack(last, axis=1)),
    )
    for array in vars(found).values():
        if isinstance(array, np.ndarray):
            array.setflags(write=False)
    return found


def _schedule(
    pipeline: int,
    chunks: int,
    micro_batches: int,
    sequences: list[list[Operation]],
    routes: list[tuple[NDArray[np.int64], range]],
    *,
    whole: bool,
) -> Schedule:
    """Number the operations of all stages; a route is the way of some micro-batches through the virtual stages.

    Where a backward is `whole`, gradients of weights that follow at once belong to it: the next stage waits for both.
    """
    per_stage = len(sequences[0])
    table = np.array(sequences, dtype=np.int32)  # stages, positions, (kind, virtual stage, micro-batch)
    kind, virtual, micro = (np.ascontiguousarray(table[..., field]) for field in range(3))
    numbers = np.arange(pipeline * per_stage, dtype=np.int32).reshape(pipeline, per_stage)
    where = np.full((3, pipeline * chunks, micro_batches), -1, np.int32)
    where[kind, virtual, micro] = numbers
    given = where[BACKWARD].copy()
    if whole:
        at_once = where[WEIGHT] == where[BACKWARD] + 1
        given[at_once] = where[WEIGHT][at_once]
    depends = np.full(pipeline * per_stage, -1, np.int32)
    for way, batches in routes:
        forward, backward = (where[what][np.ix_(way, np.array(batches))] for what in (FORWARD, BACKWARD))
        depends[forward[1:]] = forward[:-1]
        depends[backward[:-1]] = given[np.ix_(way, np.array(batches))][1:]
        depends[backward[-1]] = forward[-1]
    crosses = (depends >= 0) & (depends // per_stage != np.arange(depends.size) // per_stage)
    last = where[BACKWARD:].max(axis=(0, 2)).reshape(chunks, pipeline).T
    order = run_order(pipeline, per_stage, depends)
    if order[-1] < 0:
        raise RuntimeError("the pipeline schedule waits for itself")
    arrays = (kind.astype(np.int8), virtual, micro, order, depends, crosses, np.ascontiguousarray(last))
    for array in arrays:
        array.setflags(write=False)
    return Schedule(pipeline, per_stage, *arrays)
