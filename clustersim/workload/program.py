"""The step program: what every virtual stage of the pipeline computes, sends and keeps."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import CapacityError, InputError
from clustersim.workload.architecture import count_parameters
from clustersim.workload.layers import LayerWork, attention_work, compute_time, ffn_work, routing_imbalance
from clustersim.workload.memory import kept_bytes, stage_memory
from clustersim.workload.operators import ELEMENT_BYTES, Device, matmul_seconds, streaming_seconds
from clustersim.workload.spec import ModelSpec, PlanSpec

_Scalar = TypeVar("_Scalar", bound=np.generic)

EMBEDDING_LAYERS = 0.05
"""The embedding look-up as a share of a layer's time; it only decides which stage gets a spare layer."""


@dataclass(frozen=True)
class StepProgram:
    """Work of one step, per virtual stage ``k = chunk * pipeline + stage``; arrays are read-only.

    Compute seconds have shape (devices, virtual stages), everything else (virtual stages,) or (stages,).
    """

    model: ModelSpec
    plan: PlanSpec
    sequence_length: int
    devices: tuple[Device, ...]
    layers: NDArray[np.int64]
    """Layers of each virtual stage."""
    matrix_forward_s: NDArray[np.float64]
    memory_forward_s: NDArray[np.float64]
    matrix_backward_s: NDArray[np.float64]
    """Includes the forward that is repeated under recomputation."""
    memory_backward_s: NDArray[np.float64]
    tensor_bytes: NDArray[np.float64]
    """Sent by one rank per forward in all-gathers and reduce-scatters of the tensor-parallel group. [B]"""
    tensor_operations: NDArray[np.float64]
    """Number of those operations per forward."""
    expert_layers: NDArray[np.float64]
    """Mixture layers of each virtual stage: each dispatches and combines once per forward."""
    expert_dispatch_bytes: float
    """Rows times width that one rank dispatches per mixture layer, before any routing limit. [B]"""
    expert_combine_bytes: float
    boundary_bytes: float
    """Activation handed to the next stage by one rank. [B]"""
    dense_parameters: NDArray[np.float64]
    """Per rank, reduced over all replicas; shape (virtual stages,)."""
    expert_parameters: NDArray[np.float64]
    """Per rank, reduced over the ranks that hold the same experts; shape (virtual stages,)."""
    memory_bytes: NDArray[np.float64]
    """Needed by one rank of each stage; shape (stages,). [B]"""

    @property
    def expert_data(self) -> int:
        """Ranks that hold the same experts."""
        return max(1, self.plan.data * self.plan.tensor // max(self.plan.expert, 1))

    @property
    def recompute_share(self) -> float:
        """Share of the forward that the backward repeats: 1 under full recomputation, else 0."""
        return 1.0 if self.plan.recompute == "full" else 0.0


def check_plan(model: ModelSpec, plan: PlanSpec) -> None:
    """Raise if the plan cannot cut the model.

    Raises
    ------
    InputError
        Naming the key of the plan, what was expected and what was found.
    """
    problems: list[str] = []
    if model.heads % plan.tensor:
        problems.append(f"job.plan.tensor: {plan.tensor} does not divide the {model.heads} heads of {model.name}")
    stages = plan.pipeline * plan.virtual_stages
    if stages > model.layers + 2:  # the first and the last may hold the embedding or the head alone
        problems.append(
            f"job.plan.pipeline: {plan.pipeline} stages x {plan.virtual_stages} virtual stages need at least "
            f"{stages - 2} layers; {model.name} has {model.layers}"
        )
    if plan.virtual_stages > 1 and plan.pipeline == 1:
        problems.append("job.plan.virtual_stages: interleaving needs more than one pipeline stage")
    if plan.virtual_stages > 1 and plan.micro_batches % plan.pipeline:
        problems.append(
            f"job.plan.micro_batches: interleaving needs a multiple of the {plan.pipeline} pipeline stages, "
            f"got {plan.micro_batches}"
        )
    if model.kind == "dense" and plan.expert != 1:
        problems.append(f"job.plan.expert: {model.name} is dense, so expected 1, got {plan.expert}")
    if model.kind == "moe":
        if model.experts % plan.expert:
            problems.append(
                f"job.plan.expert: {plan.expert} does not divide the {model.experts} experts of {model.name}"
            )
        if plan.expert > 1 and (plan.expert % plan.tensor or plan.data % plan.replicas_per_unit):
            problems.append(
                f"job.plan.expert: expected a multiple of tensor ({plan.tensor}) whose quotient divides data "
                f"({plan.data}), got {plan.expert}"
            )
    if problems:
        raise InputError("\n".join(problems))


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


def _mixture_layers(model: ModelSpec, layers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mixture layers of each virtual stage."""
    kinds = np.array([model.is_moe_layer(layer) for layer in range(model.layers)], dtype=np.float64)
    ends = np.concatenate(([0.0], np.cumsum(kinds)))[np.concatenate(([0], np.cumsum(layers)))]
    return np.asarray(np.diff(ends))


def _stage_seconds(
    device: Device,
    model: ModelSpec,
    plan: PlanSpec,
    tokens: float,
    attention: LayerWork,
    blocks: dict[bool, LayerWork],
    layers: NDArray[np.int64],
    mixtures: NDArray[np.float64],
) -> tuple[NDArray[np.float64], ...]:
    """Return matrix and memory seconds, forward and backward, of every virtual stage on `device` [s]."""
    own, columns = tokens / plan.tensor, model.vocab / plan.tensor
    common, plain = compute_time(device, attention), compute_time(device, blocks[False])
    mixture = compute_time(device, blocks[True]) if model.kind == "moe" else plain
    dense_layers = layers - mixtures

    def total(name: str) -> NDArray[np.float64]:
        return np.asarray(
            layers * getattr(common, name) + dense_layers * getattr(plain, name) + mixtures * getattr(mixture, name),
            dtype=np.float64,
        )

    matrix_f, memory_f = total("matrix_forward"), total("memory_forward")
    matrix_b, memory_b = total("matrix_backward"), total("memory_backward")
    if plan.recompute == "full":
        matrix_b, memory_b = matrix_b + matrix_f, memory_b + memory_f
    elif plan.recompute == "selective":
        memory_b = memory_b + memory_f
        if model.attention == "mla":
            width = model.heads * (model.qk_nope_head_dim + model.v_head_dim) / plan.tensor
            matrix_b = matrix_b + layers * matmul_seconds(device, tokens, width, model.kv_lora_rank)
    lookup = streaming_seconds(device, 2 * ELEMENT_BYTES * model.hidden * own)
    memory_f[0] += lookup
    memory_b[0] += lookup
    head = matmul_seconds(device, tokens, columns, model.hidden)
    loss = streaming_seconds(device, 3 * 4 * tokens * columns, 3)  # softmax and loss: three passes over fp32 logits
    matrix_f[-1] += head
    memory_f[-1] += loss
    matrix_b[-1] += 2 * head
    memory_b[-1] += loss
    return matrix_f, memory_f, matrix_b, memory_b


def build_step_program(
    model: ModelSpec,
    plan: PlanSpec,
    sequence_length: int,
    devices: tuple[Device, ...],
    *,
    reserved_bytes: float,
    fragmentation: float,
    sites: int = 1,
) -> StepProgram:
    """Return the step program of `model` cut by `plan`.

    Parameters
    ----------
    model, plan
        Architecture and cut.
    sequence_length : int
        Tokens per sequence.
    devices : tuple of Device
        Kinds of accelerator in the fleet.
    reserved_bytes, fragmentation : float
        Memory that the job cannot use: fixed [B] and as a share of the capacity [-].
    sites : int
        Sites that share the replicas; the optimizer state is sharded over those of one site.

    Raises
    ------
    InputError
        If the plan cannot cut the model.
    """
    check_plan(model, plan)
    p, v = plan.pipeline, plan.virtual_stages
    stages = p * v
    tokens = float(plan.micro_batch * sequence_length)
    own = tokens / plan.tensor
    attention = attention_work(model, tokens, plan, sequence_length)
    blocks = {
        mixture: ffn_work(model, tokens, plan, mixture=mixture)
        for mixture in (False, True)
        if not mixture or model.kind == "moe"
    }
    columns = model.vocab / plan.tensor
    count = count_parameters(model)

    reference = devices[0]
    head_s = matmul_seconds(reference, tokens, columns, model.hidden)
    usual = compute_time(reference, blocks[model.kind == "moe"])
    layer_s = compute_time(reference, attention).matrix_forward + usual.matrix_forward + usual.memory_forward
    layers = np.array(split_layers(model.layers, stages, round(head_s / layer_s, 3), EMBEDDING_LAYERS), dtype=np.int64)

    shape = (len(devices), stages)
    matrix_f, memory_f, matrix_b, memory_b = (np.zeros(shape) for _ in range(4))
    mixtures = _mixture_layers(model, layers)
    plain = layers - mixtures
    kept = layers * kept_bytes(attention, plan) + plain * kept_bytes(blocks[False], plan)
    dense = (
        layers * count.attention_per_layer + plain * count.dense_ffn_per_layer + mixtures * count.moe_shared_per_layer
    ) / plan.tensor
    if model.kind == "moe":
        kept = kept + mixtures * kept_bytes(blocks[True], plan)
    expert = mixtures * (count.moe_experts_per_layer / plan.expert)
    for d, device in enumerate(devices):
        matrix_f[d], memory_f[d], matrix_b[d], memory_b[d] = _stage_seconds(
            device, model, plan, tokens, attention, blocks, layers, mixtures
        )
    dense[0] += count.embedding / plan.tensor
    dense[-1] += (count.head or (count.embedding if stages > 1 else 0)) / plan.tensor

    # an all-gather and a reduce-scatter around each of the two blocks of a layer
    tensor_operations = 4.0 * layers.astype(np.float64)
    sent = (plan.tensor - 1) / plan.tensor * tokens * model.hidden * ELEMENT_BYTES
    rows = own * model.top_k
    sent_rows = rows * routing_imbalance(rows, plan.expert) * model.hidden if rows else 0.0
    dispatch_width = 1 if plan.precision == "fp8" else ELEMENT_BYTES

    working = attention.activation_bytes + max(block.activation_bytes for block in blocks.values())
    memory = stage_memory(
        plan, dense, expert, kept, working, tokens * columns, devices, reserved_bytes, fragmentation, sites
    )
    return StepProgram(
        model=model,
        plan=plan,
        sequence_length=sequence_length,
        devices=devices,
        layers=_frozen(layers),
        matrix_forward_s=_frozen(matrix_f),
        memory_forward_s=_frozen(memory_f),
        matrix_backward_s=_frozen(matrix_b),
        memory_backward_s=_frozen(memory_b),
        tensor_bytes=_frozen(tensor_operations * sent),
        tensor_operations=_frozen(tensor_operations * float(plan.tensor > 1)),
        expert_layers=_frozen(mixtures),
        expert_dispatch_bytes=sent_rows * dispatch_width,
        expert_combine_bytes=sent_rows * ELEMENT_BYTES,
        boundary_bytes=ELEMENT_BYTES * model.hidden * own,
        dense_parameters=_frozen(dense),
        expert_parameters=_frozen(expert),
        memory_bytes=_frozen(memory),
    )


def _frozen(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    array.setflags(write=False)
    return array


def check_memory(program: StepProgram) -> None:
    """Raise if a rank needs more memory than the smallest accelerator of the fleet has.

    Raises
    ------
    CapacityError
        Naming the stage, what it needs and what there is.
    """
    capacity = min(device.capacity for device in program.devices)
    worst = int(np.argmax(program.memory_bytes))
    need = float(program.memory_bytes[worst])
    if need > capacity:
        raise CapacityError(
            f"job.plan: stage {worst} needs {need / 1e9:.1f} GB per accelerator, but "
            f"{min(program.devices, key=lambda d: d.capacity).name} has {capacity / 1e9:.0f} GB; "
            "raise tensor, pipeline or expert parallelism, or recompute more"
        )
