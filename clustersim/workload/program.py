"""The step program: what every virtual stage of the pipeline computes and keeps."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import CapacityError
from clustersim.workload.check import check_plan
from clustersim.workload.configuration import Configuration, configurations, model_record, plan_record
from clustersim.workload.costs import (
    BlockTime,
    attention_block,
    embedding_block,
    head_block,
    mixture_block,
    plain_block,
    stage_block,
)
from clustersim.workload.footprint import Footprint, Held, passes_in_flight, stage_footprint, usable_bytes
from clustersim.workload.hardware import Hardware, hardware_of
from clustersim.workload.spec import ModelSpec, PlanSpec
from clustersim.workload.weights import Weights, weights

_Scalar = TypeVar("_Scalar", bound=np.generic)

EMBEDDING_LAYERS = 0.05
"""The embedding look-up as a share of a layer's time; it only decides which stage gets a spare layer."""


@dataclass(frozen=True)
class StepProgram:
    """Work of one step, per virtual stage ``k = chunk * pipeline + stage``; arrays are read-only.

    Block times have shape (devices, virtual stages), everything else (virtual stages,) or (stages,).
    """

    model: ModelSpec
    plan: PlanSpec
    sequence_length: int
    accelerators: tuple[str, ...]
    """Kinds of accelerator in the fleet."""
    hardware: Hardware
    """One row per kind."""
    configuration: Configuration
    """Model and plan as the cost functions read them; one row."""
    layers: NDArray[np.int64]
    """Layers of each virtual stage."""
    expert_layers: NDArray[np.float64]
    """Of these, mixtures of experts."""
    body: BlockTime
    """Time of the layers."""
    ends: BlockTime
    """Time of embedding and head where a virtual stage has them."""
    attention: BlockTime
    """Time of one attention block; shape (devices, 1)."""
    dense_parameters: NDArray[np.float64]
    """Per rank, reduced over all replicas; shape (virtual stages,)."""
    expert_parameters: NDArray[np.float64]
    """Per rank, reduced over the ranks that hold the same experts; shape (virtual stages,)."""
    memory: Footprint
    """Needed by one rank of each stage, by what it holds; shape (stages,). [B]"""

    @property
    def memory_bytes(self) -> NDArray[np.float64]:
        """Needed by one rank of each stage; shape (stages,). [B]"""
        return _frozen(np.asarray(self.memory.total))

    @property
    def work(self) -> BlockTime:
        """Time of all blocks of each virtual stage; shape (devices, virtual stages). [s]"""
        return stage_block((1.0, self.body), (1.0, self.ends))


@lru_cache(maxsize=1024)
def split_layers(layers: int, virtual_stages: int, head_layers: float, embedding_layers: float) -> tuple[int, ...]:
    """Return how many layers each virtual stage gets so that the slowest is as fast as can be.

    The head and the embedding count as `head_layers` and `embedding_layers` of a layer's time; layers go one by one to
    the stage with the least work, the middle first.
    """
    middle = [abs(2 * k + 1 - virtual_stages) for k in range(virtual_stages)]
    heap = [(0.0, middle[k], k) for k in range(virtual_stages)]
    heap[0] = (embedding_layers, *heap[0][1:])
    heap[-1] = (heap[-1][0] + head_layers, *heap[-1][1:]) if virtual_stages > 1 else heap[-1]
    heapq.heapify(heap)
    counts = [0] * virtual_stages
    for _ in range(layers):
        cost, rank, k = heapq.heappop(heap)
        counts[k] += 1
        heapq.heappush(heap, (cost + 1.0, rank, k))
    return tuple(counts)


@dataclass(frozen=True)
class _Stages:
    """What each virtual stage holds; shape (virtual stages,)."""

    layers: NDArray[np.int64]
    mixtures: NDArray[np.float64]
    embeddings: NDArray[np.float64]
    heads: NDArray[np.float64]


def _stages(model: ModelSpec, plan: PlanSpec, layers: tuple[int, ...]) -> _Stages:
    """Return what the virtual stages hold; DualPipe's second chunk is the first in reverse."""
    counts = np.array(layers, dtype=np.int64)
    kinds = np.array([model.is_moe_layer(layer) for layer in range(model.depth)], dtype=np.float64)
    through = np.concatenate(([0.0], np.cumsum(kinds)))
    mixtures = np.diff(through[np.concatenate(([0], np.cumsum(counts)))])
    embeddings, heads = np.zeros(counts.size), np.zeros(counts.size)
    embeddings[0], heads[-1] = 1.0, 1.0
    if plan.schedule == "dualpipe":
        counts, mixtures, embeddings, heads = (
            np.concatenate((part, part[::-1])) for part in (counts, mixtures, embeddings, heads)
        )
    return _Stages(counts, mixtures, embeddings, heads)


def _columns(block: BlockTime, rows: int) -> BlockTime:
    """Return the block's times as a column, one row per kind of accelerator."""
    return BlockTime(
        *(
            np.broadcast_to(getattr(block, name), (rows,)).reshape(-1, 1).astype(np.float64)
            for name in BlockTime.__dataclass_fields__
        )
    )


def build_step_program(
    model: ModelSpec,
    plan: PlanSpec,
    sequence_length: int,
    accelerators: tuple[str, ...],
    *,
    reached: Hardware | None = None,
    configuration: Configuration | None = None,
    replicas: int | None = None,
) -> StepProgram:
    """Return the step program of `model` cut by `plan`.

    Parameters
    ----------
    model, plan
        Architecture and cut.
    sequence_length : int
        Tokens per sequence.
    accelerators : tuple of str
        Kinds of accelerator in the fleet, names of the catalog.
    reached : Hardware, optional
        What each kind reaches; from the catalog, on Megatron-Core, when left out.
    configuration : Configuration, optional
        Model and plan with what a framework does besides (norms in parts, bytes of gradients, ...); one row. What
        `model` and `plan` say when left out.
    replicas : int, optional
        Replicas at the site that has the fewest; what is sharded is sharded over those of a site. All when left out.

    Raises
    ------
    InputError
        If the plan cannot cut the model.
    CatalogError
        If an accelerator was never calibrated or has no peak at the plan's precision.
    """
    check_plan(model, plan, sequence_length)
    kinds = len(accelerators)
    hardware = reached or hardware_of(accelerators, [plan.precision] * kinds, [None] * kinds, [None] * kinds)
    c = configuration or configurations([model_record(model) | plan_record(plan, sequence_length)])
    w = weights(c)
    attention, plain, mixture, head, lookup = (
        _columns(block, kinds)
        for block in (
            attention_block(c, hardware, w),
            plain_block(c, hardware, w),
            mixture_block(c, hardware, w),
            head_block(c, hardware),
            embedding_block(c, hardware),
        )
    )
    usual = mixture if model.kind == "moe" else plain
    layer_s = float((attention.forward + attention.backward + usual.forward + usual.backward)[0, 0])
    head_s = float((head.forward + head.backward)[0, 0])
    cut = plan.stage_layers or split_layers(
        model.depth, plan.pipeline * plan.virtual_stages, round(head_s / layer_s, 3), EMBEDDING_LAYERS
    )
    held = _stages(model, plan, cut)
    dense_layers = held.layers - held.mixtures
    copies = held.embeddings + held.heads
    if model.tied_embeddings and plan.pipeline * plan.virtual_stages == 1:
        copies = np.ones(1)
    dense = (held.layers * w.attention + dense_layers * w.plain + held.mixtures * w.shared) / plan.tensor
    return StepProgram(
        model=model,
        plan=plan,
        sequence_length=sequence_length,
        accelerators=accelerators,
        hardware=hardware,
        configuration=c,
        layers=_frozen(held.layers),
        expert_layers=_frozen(held.mixtures),
        body=stage_block((held.layers.astype(np.float64), attention), (dense_layers, plain), (held.mixtures, mixture)),
        ends=stage_block((held.embeddings, lookup), (held.heads, head)),
        attention=attention,
        dense_parameters=_frozen(dense + copies * w.embedding / plan.tensor),
        expert_parameters=_frozen(held.mixtures * w.expert * c.experts / c.expert),
        memory=_memory(c, w, plan, held, copies, replicas or plan.data),
    )


def _memory(
    c: Configuration, w: Weights, plan: PlanSpec, held: _Stages, copies: NDArray[np.float64], replicas: int
) -> Footprint:
    """Return the memory of one rank of each stage [B]; of DualPipe's two stages the mean, which the model doubles."""
    p = plan.pipeline
    each = 2.0 if plan.schedule == "dualpipe" else 1.0

    def of_stage(values: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(values.reshape(-1, p).sum(axis=0) / each, dtype=np.float64)

    site = replace(
        c,
        accelerators=np.array([float(plan.tensor * plan.context * p * replicas)]),
        shard_group=np.minimum(c.shard_group, replicas * plan.context),
    )
    stage = Held(
        layers=of_stage(held.layers),
        plain=of_stage(held.layers - held.mixtures),
        mixtures=of_stage(held.mixtures),
        embeddings=of_stage(copies),
        passes=passes_in_flight(c, np.arange(p, dtype=np.float64)),
        head=of_stage(held.heads) > 0.0,
    )
    found = stage_footprint(site, w, stage)
    return Footprint(**{name: _frozen(np.broadcast_to(part, (p,)).copy()) for name, part in vars(found).items()})


def _frozen(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    array.setflags(write=False)
    return array


def check_memory(program: StepProgram) -> None:
    """Raise if a rank needs more memory than a job can use on the smallest accelerator of the fleet.

    Raises
    ------
    CapacityError
        Naming the stage, what it needs and what there is.
    """
    usable = usable_bytes(program.accelerators)
    smallest = int(np.argmin(usable))
    worst = int(np.argmax(program.memory_bytes))
    need = float(program.memory_bytes[worst])
    if need > usable[smallest]:
        raise CapacityError(
            f"job.plan: stage {worst} needs {need / 1e9:.1f} GB per accelerator, but a job can use "
            f"{usable[smallest] / 1e9:.1f} GB of {program.accelerators[smallest]}; "
            "raise tensor, pipeline or expert parallelism, shard more, or recompute more"
        )
