"""Order of forward and backward passes on each pipeline stage, and what each waits for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from clustersim.training.kernels import run_order

FORWARD, BACKWARD = 0, 1


@dataclass(frozen=True)
class Schedule:
    """One replica's pipeline schedule; operations are numbered ``stage * per_stage + position``."""

    stages: int
    per_stage: int
    kind: NDArray[np.int8]
    """FORWARD or BACKWARD; shape (stages, per_stage)."""
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
    """Operation with which the backward of each chunk ends; shape (stages, chunks)."""


def _positions(
    pipeline: int, chunks: int, micro_batches: int, stage: int, *, deep: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where in the sequence of `stage` its i-th forward and its i-th backward stand.

    1F1B (arXiv 2006.09503) and, with several chunks, interleaved 1F1B (arXiv 2104.04473, section 2.2): some forwards
    first, then forwards and backwards in turn, then the backwards that are left.
    """
    total = micro_batches * chunks
    if chunks == 1:
        ahead = (2 if deep else 1) * (pipeline - stage - 1)
    else:
        ahead = 2 * (pipeline - stage - 1) + (chunks - 1) * pipeline + deep
    warmup = min(total, ahead)
    index = np.arange(total)
    forward = np.where(index < warmup, index, 2 * index - warmup)
    backward = np.where(index < total - warmup, warmup + 2 * index + 1, total + index)
    return forward, backward


@lru_cache(maxsize=64)
def build_schedule(pipeline: int, chunks: int, micro_batches: int, deep: bool = False) -> Schedule:
    """Return the 1F1B schedule, interleaved when there is more than one chunk.

    Micro-batches go round the pipeline in groups of as many as there are stages; the backward takes the chunks from the
    last to the first. With a `deep` warm-up more micro-batches are under way than the compute alone needs, so that the
    exchange of one can run beside the compute of another: twice as many in 1F1B, one more when interleaved (as
    Megatron-Core does for its overlapped expert exchange).

    Raises
    ------
    ValueError
        If interleaving is asked for with micro-batches that are not a multiple of the stages.
    """
    if chunks > 1 and micro_batches % pipeline:
        raise ValueError(f"interleaving needs a multiple of {pipeline} micro-batches, got {micro_batches}")
    per_stage = 2 * chunks * micro_batches
    shape = (pipeline, per_stage)
    kind, virtual, micro = np.zeros(shape, np.int8), np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    # number of the operation by kind, virtual stage and micro-batch
    where = np.zeros((2, pipeline * chunks, micro_batches), np.int32)
    group, within = np.divmod(np.arange(micro_batches * chunks), pipeline * chunks)
    chunk, batch = within // pipeline, group * pipeline + within % pipeline
    for stage in range(pipeline):
        for what, position in enumerate(_positions(pipeline, chunks, micro_batches, stage, deep=deep)):
            k = (chunk if what == FORWARD else chunks - 1 - chunk) * pipeline + stage
            kind[stage, position], virtual[stage, position], micro[stage, position] = what, k, batch
            where[what, k, batch] = stage * per_stage + position
    depends = np.full(pipeline * per_stage, -1, np.int32)
    depends[where[FORWARD, 1:]] = where[FORWARD, :-1]
    depends[where[BACKWARD, :-1]] = where[BACKWARD, 1:]
    depends[where[BACKWARD, -1]] = where[FORWARD, -1]
    crosses = (depends >= 0) & (depends // per_stage != np.arange(depends.size) // per_stage)
    last = np.ascontiguousarray(where[BACKWARD, :, -1].reshape(chunks, pipeline).T)
    order = run_order(pipeline, per_stage, depends)
    if order[-1] < 0:
        raise RuntimeError("the pipeline schedule waits for itself")
    arrays = (kind, virtual, micro, order, depends, crosses, last)
    for array in arrays:
        array.setflags(write=False)
    return Schedule(pipeline, per_stage, *arrays)
