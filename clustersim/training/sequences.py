"""What one stage does in which order, by schedule: forwards, backwards and gradients of weights."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

FORWARD, BACKWARD, WEIGHT = 0, 1, 2
"""A backward gives gradients of inputs and of weights, unless the schedule makes the latter operations of their own."""

KINDS = ("forward", "backward", "weight_gradients")
"""Names of the kinds."""

Operation = tuple[int, int, int]
"""Kind, virtual stage and micro-batch."""


def one_forward_one_backward(
    pipeline: int, chunks: int, micro_batches: int, stage: int, *, deep: bool
) -> list[Operation]:
    """Return 1F1B (arXiv 2006.09503), with several chunks interleaved (arXiv 2104.04473, section 2.2).

    Some forwards first, then forwards and backwards in turn, then the backwards that are left. Micro-batches go round
    the pipeline in groups of as many as there are stages; backwards take the chunks from the last to the first.

    Raises
    ------
    ValueError
        If interleaving is asked for with micro-batches that are not a multiple of the stages.
    """
    if chunks > 1 and micro_batches % pipeline:
        raise ValueError(f"interleaving needs a multiple of {pipeline} micro-batches, got {micro_batches}")
    total = micro_batches * chunks
    if chunks == 1:
        behind = pipeline - stage - 1
        ahead = 2 * behind + 1 if deep else behind
    else:
        ahead = 2 * (pipeline - stage - 1) + (chunks - 1) * pipeline + deep
    warmup = min(total, ahead)
    group, within = np.divmod(np.arange(total), pipeline * chunks)
    chunk, batch = within // pipeline, group * pipeline + within % pipeline
    forwards = [(FORWARD, int(c) * pipeline + stage, int(b)) for c, b in zip(chunk, batch, strict=True)]
    backwards = [
        (BACKWARD, (chunks - 1 - int(c)) * pipeline + stage, int(b)) for c, b in zip(chunk, batch, strict=True)
    ]
    turns = itertools.chain.from_iterable(zip(forwards[warmup:], backwards, strict=False))
    return [*forwards[:warmup], *turns, *backwards[total - warmup :]]


def breadth_first(pipeline: int, chunks: int, micro_batches: int, stage: int) -> list[Operation]:
    """Return the breadth-first schedule (arXiv 2211.05953, section 4.1): all forwards, and then all backwards.

    All micro-batches pass a stage's chunk before the first one enters its next; backwards take the chunks from the last
    to the first. With one chunk this is GPipe (arXiv 1811.06965). With as many micro-batches as stages it is also what
    Megatron-LM's interleaved schedule of 2021 does: it then runs all forwards first.
    """
    passes = list(itertools.product(range(chunks), range(micro_batches)))
    forwards = [(FORWARD, chunk * pipeline + stage, batch) for chunk, batch in passes]
    backwards = [(BACKWARD, (chunks - 1 - chunk) * pipeline + stage, batch) for chunk, batch in passes]
    return [*forwards, *backwards]


def zero_bubble(pipeline: int, micro_batches: int, stage: int) -> list[Operation]:
    """Return ZB-H1 (arXiv 2401.10241, section 2.2): 1F1B whose gradients of weights wait so long that they fill gaps.

    Stage s puts them off by s micro-batches, so that every stage keeps at most as many as the first one does in 1F1B.
    """
    warmup = min(micro_batches, pipeline - stage - 1)
    operations: list[Operation] = [(FORWARD, stage, batch) for batch in range(warmup)]
    waiting = iter(range(micro_batches))
    for done in range(micro_batches):
        if done + warmup < micro_batches:
            operations.append((FORWARD, stage, done + warmup))
        operations.append((BACKWARD, stage, done))
        if done >= stage:
            operations.append((WEIGHT, stage, next(waiting)))
    return [*operations, *((WEIGHT, stage, batch) for batch in waiting)]


def dualpipe(pipeline: int, micro_batches: int, device: int) -> list[Operation]:
    """Return DualPipe (arXiv 2412.19437, section 3.2.1): half of the micro-batches enter at either end.

    Device i holds stage i for those that start at the first device, virtual stage i, and stage p - 1 - i for the
    others, virtual stage p + i. The eight phases are those of the schedule that its authors published: forwards of
    the own end, forwards of both, backwards of the far end with gradients of weights put off, the steady state, and
    the same backwards to drain.

    Raises
    ------
    ValueError
        If stages or micro-batches are odd, or there are fewer micro-batches than twice the stages.
    """
    if pipeline % 2 or micro_batches % 2 or micro_batches < 2 * pipeline:
        raise ValueError(
            f"DualPipe needs even stages, and an even number of at least {2 * pipeline} micro-batches, got {pipeline} "
            f"and {micro_batches}"
        )
    half, position = pipeline // 2, min(device, pipeline - 1 - device)
    near = 0 if device < half else 1
    queues: dict[tuple[int, int], Iterator[int]] = {
        (kind, way): iter(range(way * micro_batches // 2, (way + 1) * micro_batches // 2))
        for kind in (FORWARD, BACKWARD)
        for way in (0, 1)
    }
    operations: list[Operation] = []
    put_off: list[Operation] = []

    def forward(way: int) -> None:
        operations.append((FORWARD, way * pipeline + device, next(queues[FORWARD, way])))

    def backward(way: int, *, later: bool = False) -> None:
        virtual, batch = way * pipeline + device, next(queues[BACKWARD, way])
        operations.append((BACKWARD, virtual, batch))
        (put_off if later else operations).append((WEIGHT, virtual, batch))

    def weight() -> None:
        operations.append(put_off.pop(0))

    far = 1 - near
    for _ in range(2 * (half - position - 1)):
        forward(near)
    for _ in range(position + 1):
        forward(near)
        forward(far)
    for _ in range(half - position - 1):
        backward(far, later=True)
        weight()
        forward(far)
    for _ in range(micro_batches // 2 - pipeline + position + 1):
        forward(near)
        backward(far)
        forward(far)
        backward(near)
    for _ in range(half - position - 1):
        backward(far)
        forward(far)
        backward(near)
    later = False
    for index in range(position + 1):
        turn = index == (position + 1) // 2
        later = later or (turn and position % 2 == 1)
        backward(far, later=later)
        later = later or (turn and position % 2 == 0)
        backward(near, later=later)
    for _ in range(half - position - 1):
        weight()
        backward(near, later=True)
    while put_off:
        weight()
    return operations
