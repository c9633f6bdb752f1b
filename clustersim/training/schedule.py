"""Order of forward and backward passes on each pipeline stage, and what each waits for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

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


def _sequence(pipeline: int, chunks: int, micro_batches: int, stage: int) -> list[tuple[int, int, int]]:
    """Return (kind, chunk, micro-batch) in the order in which `stage` runs them.

    1F1B (arXiv 2006.09503) and, with several chunks, interleaved 1F1B (arXiv 2104.04473, section 2.2): micro-batches go
    round the pipeline in groups of as many as there are stages.
    """
    total = micro_batches * chunks

    def place(index: int, *, forward: bool) -> tuple[int, int]:
        if chunks == 1:
            return 0, index
        group, within = divmod(index, pipeline * chunks)
        chunk = within // pipeline
        return (chunk if forward else chunks - 1 - chunk), group * pipeline + within % pipeline

    if chunks == 1:
        warmup = min(total, pipeline - stage - 1)
    else:
        warmup = min(total, 2 * (pipeline - stage - 1) + (chunks - 1) * pipeline)
    sequence = [(FORWARD, *place(i, forward=True)) for i in range(warmup)]
    for i in range(total - warmup):
        sequence.append((FORWARD, *place(warmup + i, forward=True)))
        sequence.append((BACKWARD, *place(i, forward=False)))
    sequence.extend((BACKWARD, *place(i, forward=False)) for i in range(total - warmup, total))
    return sequence


@lru_cache(maxsize=64)
def build_schedule(pipeline: int, chunks: int, micro_batches: int) -> Schedule:
    """Return the 1F1B schedule, interleaved when there is more than one chunk.

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
    where: dict[tuple[int, int, int], int] = {}
    for stage in range(pipeline):
        for position, (what, chunk, batch) in enumerate(_sequence(pipeline, chunks, micro_batches, stage)):
            k = chunk * pipeline + stage
            kind[stage, position], virtual[stage, position], micro[stage, position] = what, k, batch
            where[what, k, batch] = stage * per_stage + position
    depends = np.full(pipeline * per_stage, -1, np.int32)
    crosses = np.zeros(pipeline * per_stage, np.bool_)
    last = pipeline * chunks - 1
    for (what, k, batch), number in where.items():
        if what == FORWARD and k > 0:
            depends[number] = where[FORWARD, k - 1, batch]
        elif what == BACKWARD:
            depends[number] = where[BACKWARD, k + 1, batch] if k < last else where[FORWARD, k, batch]
        crosses[number] = depends[number] >= 0 and depends[number] // per_stage != number // per_stage
    order = _topological(pipeline, per_stage, depends)
    arrays = (kind, virtual, micro, order, depends, crosses)
    for array in arrays:
        array.setflags(write=False)
    return Schedule(pipeline, per_stage, *arrays)


def _topological(stages: int, per_stage: int, depends: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the operations in an order that respects both the stage's sequence and the dependencies."""
    done = np.zeros(stages * per_stage, np.bool_)
    nxt = [0] * stages
    order: list[int] = []
    while len(order) < stages * per_stage:
        before = len(order)
        for stage in range(stages):
            while nxt[stage] < per_stage:
                number = stage * per_stage + nxt[stage]
                if depends[number] >= 0 and not done[depends[number]]:
                    break
                done[number] = True
                order.append(number)
                nxt[stage] += 1
        if len(order) == before:
            raise RuntimeError("the pipeline schedule waits for itself")
    return np.array(order, dtype=np.int32)
