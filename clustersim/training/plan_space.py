"""All parallel plans of a job on a cluster, as one configuration record; and the fastest of them that fit."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from clustersim.errors import CapacityError
from clustersim.training.closed_form import StepEstimate, estimate_steps
from clustersim.workload.configuration import RECOMPUTES, SCHEDULES, SHARDINGS, Configuration, Numbers, configurations
from clustersim.workload.footprint import footprint
from clustersim.workload.hardware import Hardware
from clustersim.workload.weights import weights

MICRO_BATCHES_OF = (1, 2, 4, 8)
"""Sequences per micro-batch that are tried."""

SHORTEST_PART = 2048
"""Tokens that a rank of a context-parallel group keeps at least."""

CHUNK = 20000
"""Plans evaluated at once, so that a large search stays in memory."""


@dataclass(frozen=True)
class PlanChoices:
    """What a search may vary beside the sizes of the groups."""

    recompute: tuple[str, ...] = RECOMPUTES
    sharding: tuple[str, ...] = ("optimizer", "gradients", "parameters")
    schedule: tuple[str, ...] = ("1f1b", "zero_bubble")
    expert_overlap: bool = False
    tensor_overlap: bool = False


def _divisors(n: int, most: int) -> list[int]:
    return [d for d in range(1, min(n, most) + 1) if n % d == 0]


def _groups(job: Mapping[str, float | bool], domain: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield tensor, pipeline, context, expert and micro-batch sizes that cut the job without remainder."""
    accelerators, sequence = int(job["accelerators"]), int(job["sequence"])
    sequences, layers = int(job["sequences"]), int(job["layers"])
    experts, heads = int(job.get("experts", 0)), int(job["heads"])
    tensors = [t for t in (2**i for i in range(10)) if t <= domain and heads % t == 0 and accelerators % t == 0]
    contexts = [c for c in (2**i for i in range(8)) if sequence // c >= SHORTEST_PART or c == 1]
    for tensor, context in itertools.product(tensors, contexts):
        if accelerators % (tensor * context):
            continue
        rest = accelerators // (tensor * context)
        for pipeline in _divisors(rest, layers):
            data = rest // pipeline
            if data > sequences or sequences % data:
                continue
            spread = _divisors(experts, data * context * tensor) if experts else [1]
            for expert, batch in itertools.product(spread, MICRO_BATCHES_OF):
                if (sequences // data) % batch == 0 and (data * context * tensor) % expert == 0:
                    yield tensor, pipeline, context, expert, batch


def cuts_evenly(layers: int, chunks: int) -> bool:
    """Return whether the layers, or the layers with one or both ends counted as one, give chunks of equal size."""
    return any((layers + ends) % chunks == 0 for ends in (0, 1, 2))


def plan_space(
    model: Mapping[str, float | bool],
    *,
    accelerators: int,
    sequences: int,
    sequence_length: int,
    domain: int,
    precision: int = 0,
    choices: PlanChoices | None = None,
) -> Configuration:
    """Return every plan that cuts `sequences` of a model over the accelerators without remainder.

    Tensor groups are powers of two inside the scale-up domain that divide the heads; pipelines divide what is left;
    replicas divide the batch; context parallelism leaves each rank at least 2,048 tokens; experts are spread evenly;
    every number of virtual stages of equal size is tried where the stages divide the micro-batches.

    Parameters
    ----------
    model : mapping
        Fields of the model (:func:`clustersim.workload.configuration.model_record`).
    accelerators, sequences, sequence_length : int
        Cluster, batch of one step, tokens of a sequence.
    domain : int
        Accelerators of a scale-up domain.
    precision : int
        Code of the products' precision.
    choices : PlanChoices, optional
        What else may vary.

    Raises
    ------
    CapacityError
        If no plan cuts the job.
    """
    allowed = choices or PlanChoices()
    layers = int(model["layers"])
    job = {**model, "accelerators": accelerators, "sequence": sequence_length, "sequences": sequences}
    moved = [SCHEDULES.index(name) for name in ("zero_bubble", "dualpipe")]
    rows: list[tuple[float, ...]] = []
    for tensor, pipeline, context, expert, batch in _groups(job, domain):
        batches = sequences // (accelerators // (tensor * context * pipeline)) // batch
        most = -(-layers // pipeline)
        chunks = [1]
        if pipeline > 1 and batches % pipeline == 0:
            chunks += [v for v in range(2, most + 1) if cuts_evenly(layers, pipeline * v)]
        options = itertools.product(
            chunks,
            (RECOMPUTES.index(name) for name in allowed.recompute),
            (SHARDINGS.index(name) for name in allowed.sharding),
            (SCHEDULES.index(name) for name in allowed.schedule),
        )
        for virtual, recompute, sharding, schedule in options:
            # parameters are gathered per micro-batch: with a pipeline that is never worth it
            gathered = sharding == SHARDINGS.index("parameters") and pipeline > 1
            other = schedule in moved and (virtual > 1 or pipeline == 1)
            if gathered or other:
                continue
            rows.append((tensor, pipeline, context, expert, batch, batches, virtual, recompute, sharding, schedule))
    if not rows:
        raise CapacityError(
            f"no plan cuts {sequences:,} sequences of {sequence_length:,} tokens over {accelerators:,} accelerators "
            "without remainder; change the batch or the number of accelerators"
        )
    names = (
        "tensor", "pipeline", "context", "expert", "micro_batch", "micro_batches", "virtual", "recompute", "sharding",
        "schedule",
    )  # fmt: skip
    columns = dict(zip(names, np.array(rows, dtype=np.float64).T, strict=True))
    one = configurations([{**model, "sequence": sequence_length, "accelerators": accelerators, "precision": precision,
                           "micro_batch": 1, "micro_batches": 1}])  # fmt: skip
    varied = replace(
        one.take(np.zeros(len(rows), dtype=np.int64)),
        **columns,
        sequence_parallel=columns["tensor"] > 1,
        tensor_overlap=(columns["tensor"] > 1) & allowed.tensor_overlap,
        gradient_products=columns["tensor"] > 1,
        expert_overlap=(columns["expert"] > 1) & allowed.expert_overlap,
    )
    return replace(varied, shard_group=accelerators / (varied.tensor * varied.pipeline))


@dataclass(frozen=True)
class PlanSearch:
    """Plans that fit, the fastest first."""

    plans: Configuration
    estimate: StepEstimate
    """Iteration times of all; the parts of the first 20,000."""
    memory_bytes: Numbers
    tried: int
    """Plans that cut the job, those that do not fit included."""


def search_space(plans: Configuration, hardware: Hardware, usable: float) -> PlanSearch:
    """Return the plans that need at most `usable` bytes per accelerator, the fastest first.

    Parameters
    ----------
    plans : Configuration
        All plans (:func:`plan_space`).
    hardware : Hardware
        Of one step.
    usable : float
        Memory that a job can use (:func:`clustersim.workload.footprint.usable_bytes`). [B]

    Raises
    ------
    CapacityError
        If none fits; the message says what the leanest needs.
    """
    held = memory_needed(plans)
    fitting = held <= usable
    if not fitting.any():
        raise CapacityError(f"none of {plans.size:,} plans fits: the leanest {memory_words(held.min(), usable)}")
    some, memory = plans.take(fitting), held[fitting]
    times = iteration_times(some, hardware)
    order = np.argsort(times, kind="stable")
    best = some.take(order)
    first = best.take(np.arange(min(CHUNK, best.size)))
    estimate = estimate_steps(first, _for_all(first, hardware))
    whole = StepEstimate(times[order], estimate.parts)
    return PlanSearch(best, whole, memory[order], plans.size)


def memory_needed(plans: Configuration) -> Numbers:
    """Return what the fullest rank of every plan needs. [B]"""
    return _in_chunks(plans, lambda part: footprint(part, weights(part)).total)


def memory_words(needed: float, usable: float) -> str:
    """Return what a plan needs beside what a job can use, in words. [B]"""
    return f"needs {needed / 1e9:.1f} GB per accelerator, and a job can use {usable / 1e9:.1f} GB"


def iteration_times(plans: Configuration, hardware: Hardware) -> Numbers:
    """Return the iteration time of every plan on the one row of `hardware`, in closed form. [s]"""
    return _in_chunks(plans, lambda part: estimate_steps(part, _for_all(part, hardware)).iteration_time_s)


def _for_all(plans: Configuration, hardware: Hardware) -> Hardware:
    return hardware.take(np.zeros(plans.size, dtype=np.int64))


def _in_chunks(plans: Configuration, work: Callable[[Configuration], Numbers]) -> Numbers:
    """Return what `work` finds of all plans, some thousands at a time."""
    parts = [plans.take(np.arange(a, min(a + CHUNK, plans.size))) for a in range(0, plans.size, CHUNK)]
    return np.concatenate([work(part) for part in parts])


LOSSES = {
    "bubble": "the pipeline's bubble",
    "tensor": "exchanges of tensor parallelism",
    "context": "exchanges of context parallelism",
    "expert": "the exchange of experts",
    "gradients": "the reduction of gradients",
    "parameters": "gathering sharded parameters",
    "pipeline": "hand-overs and uneven stages",
    "memory": "memory-bound kernels",
    "host": "launching kernels",
    "stragglers": "waiting for the slowest rank",
    "optimizer": "the optimizer",
}
"""What can take time from the products, in words."""


NEARLY_FULL = 0.9
"""Share of the usable memory from which memory binds a plan."""


def binding(search: PlanSearch, index: int, usable: float) -> str:
    """Return in words what binds a plan: its largest loss, and its memory where less than a tenth is left."""
    parts = {name: float(search.estimate.parts[name][index]) for name in LOSSES}
    time = float(search.estimate.iteration_time_s[index])
    return largest_loss(LOSSES, parts, time, search.memory_bytes[index] / usable)


def largest_loss(words: Mapping[str, str], parts: Mapping[str, float], seconds: float, used: float) -> str:
    """Return the largest of the `parts` of a step that `words` names, and memory where it is :data:`NEARLY_FULL`."""
    loss = max(words, key=lambda name: parts[name])
    said = f"{words[loss]} ({100.0 * parts[loss] / seconds:.0f} %)"
    return f"{said}; memory ({100.0 * used:.0f} % used)" if used > NEARLY_FULL else said
