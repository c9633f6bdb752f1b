"""Models and plans of many steps as arrays, so that one arithmetic serves one plan, a search and a table of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustersim.workload.spec import ModelSpec, PlanSpec

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

PRECISIONS = {"bf16": 0, "fp8": 1, "fp8_block": 1, "fp4": 2}
"""Code of the precision of matrix products: 16 bit, 8 bit (fp8 scaled by tensor or by block, int8), 4 bit."""
RECOMPUTES = ("none", "selective", "full")
SHARDINGS = ("none", "optimizer", "gradients", "parameters")
"""What data parallelism shards, by code: ZeRO stages 0 to 3 (arXiv 1910.02054)."""

SCHEDULES = ("1f1b", "zero_bubble", "dualpipe", "breadth_first")
"""Pipeline schedules, by code: 1F1B (interleaved where there are virtual stages), zero bubble with the memory of 1F1B
(ZB-H1, arXiv 2401.10241), two directions at once (DualPipe, arXiv 2412.19437), all forwards and then all backwards
(arXiv 2211.05953)."""


EXPERT_OVERLAPS = ("none", "pairs", "halves")
"""What hides the exchange of experts, by code: nothing; the compute of another micro-batch; the other half of the same
micro-batch (:class:`clustersim.workload.spec.PlanSpec`)."""


@dataclass(frozen=True)
class Configuration:
    """Model and plan of n steps; every field is an array of shape (n,)."""

    # model
    layers: Numbers
    """Layers of the model and of its modules for further tokens."""
    mtp_depth: Numbers
    """Modules that predict further tokens (multi-token prediction)."""
    plain_layers: Numbers
    """Layers whose feed-forward is dense."""
    hidden: Numbers
    heads: Numbers
    kv_heads: Numbers
    head_dim: Numbers
    vocab: Numbers
    ffn: Numbers
    """Width of a dense feed-forward."""
    ups: Numbers
    """Matrices into the inner width: 2 when gated, else 1."""
    experts: Numbers
    top_k: Numbers
    ffn_expert: Numbers
    shared_experts: Numbers
    node_limit: Numbers
    """Most nodes on which a token's experts lie."""
    latent: Flags
    """Latent attention (MLA) in place of grouped or plain heads."""
    q_rank: Numbers
    kv_rank: Numbers
    nope_dim: Numbers
    rope_dim: Numbers
    v_dim: Numbers
    window: Numbers
    """Tokens that a windowed layer attends to."""
    windowed: Numbers
    """Share of the layers that attend to a window only."""
    fused_activation: Flags
    """Whether one kernel computes the activation function of the experts."""
    # plan
    schedule: Numbers
    """Code of :data:`SCHEDULES`."""
    sequence: Numbers
    accelerators: Numbers
    tensor: Numbers
    pipeline: Numbers
    virtual: Numbers
    context: Numbers
    context_gather: Flags
    """Whether context parallelism gathers keys and values before attention, in place of a ring beside it."""
    expert: Numbers
    expert_tensor: Numbers
    """Ranks over which the matrices of one expert are cut."""
    micro_batch: Numbers
    micro_batches: Numbers
    precision: Numbers
    """Code of :data:`PRECISIONS`."""
    recompute: Numbers
    """Code of :data:`RECOMPUTES`."""
    recomputed: Numbers
    """Share of the layers that full recomputation repeats."""
    sharding: Numbers
    """Code of :data:`SHARDINGS`."""
    shard_group: Numbers
    """Ranks over which parameters or optimizer states are sharded."""
    sequence_parallel: Flags
    tensor_overlap: Flags
    """Whether the exchanges of tensor parallelism run in chunks beside the products next to them."""
    gradient_products: Flags
    """Whether gradients of inputs are exchanged beside the product that gives those of the weights."""
    gradient_overlap: Flags
    """Whether gradients and sharded parameters travel beside compute."""
    flash_attention: Flags
    second_flash: Flags
    """Whether the fused kernel is FlashAttention-2, which is not made for Hopper."""
    score_passes: Numbers
    """Reads and writes of the score matrix where attention is not one kernel."""
    fused_norm: Flags
    expert_overlap: Numbers
    """Code of :data:`EXPERT_OVERLAPS`."""
    graphs: Numbers
    """What the host launches as recorded graphs: nothing (0), attention and the routing of mixtures (1), all (2)."""
    once_per_node: Flags
    """Whether a token's row crosses to a node once, whatever the experts that it has there."""
    fetches: Numbers
    """Collectives per layer in which sharded parameters are gathered."""
    frozen: Flags
    """Whether the weights themselves are not trained (adapters are)."""
    balanced: Flags
    """Whether the router is forced to be even."""
    gradient_bytes: Numbers
    """Bytes of a gradient that a rank holds and adds to."""
    reduce_bytes: Numbers
    """Bytes of a gradient in the reduction between replicas."""
    logit_bytes: Numbers
    """Bytes per logit at the peak of the loss."""
    split_logits: Flags
    """Whether the loss works on the columns of each tensor-parallel rank, or on all columns gathered."""

    @property
    def size(self) -> int:
        """Number of steps."""
        return int(self.layers.size)

    @property
    def data(self) -> Numbers:
        """Replicas."""
        return self.accelerators / (self.tensor * self.pipeline * self.context)

    @property
    def sequences(self) -> Numbers:
        """Sequences per step."""
        return self.data * self.micro_batch * self.micro_batches

    @property
    def repeated(self) -> Numbers:
        """Share of the forward that the backward repeats under full recomputation."""
        return np.where(self.recompute == RECOMPUTES.index("full"), self.recomputed, 0.0)

    @property
    def copies(self) -> Numbers:
        """Devices that hold each stage: DualPipe runs it in both directions, on two of them."""
        return np.where(self.schedule == SCHEDULES.index("dualpipe"), 2.0, 1.0)

    @property
    def mixture(self) -> Flags:
        """Whether any layer is a mixture of experts."""
        return self.experts > 0

    @property
    def mixture_layers(self) -> Numbers:
        """Layers that are mixtures of experts."""
        return self.layers - self.plain_layers

    @property
    def low_precision(self) -> Flags:
        """Whether the products of the layers run below 16 bit."""
        return self.precision > 0

    def take(self, chosen: Flags | NDArray[np.int64]) -> Configuration:
        """Return the steps that a mask or indices choose."""
        return Configuration(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


DEFAULTS: Mapping[str, float | bool] = {
    "mtp_depth": 0,
    "experts": 0,
    "top_k": 0,
    "ffn_expert": 0,
    "shared_experts": 0,
    "node_limit": float("inf"),
    "latent": False,
    "q_rank": 0,
    "kv_rank": 0,
    "nope_dim": 0,
    "rope_dim": 0,
    "v_dim": 0,
    "window": float("inf"),
    "windowed": 0,
    "fused_activation": True,
    "tensor": 1,
    "pipeline": 1,
    "virtual": 1,
    "context": 1,
    "context_gather": False,
    "expert": 1,
    "expert_tensor": 1,
    "precision": 0,
    "recompute": 0,
    "recomputed": 1,
    "sharding": 1,
    "sequence_parallel": False,
    "tensor_overlap": False,
    "gradient_products": False,
    "gradient_overlap": True,
    "flash_attention": True,
    "second_flash": False,
    "score_passes": 0,
    "fused_norm": True,
    "schedule": 0,
    "expert_overlap": 0,
    "graphs": 0,
    "once_per_node": True,
    "fetches": 1,
    "frozen": False,
    "balanced": False,
    "gradient_bytes": 4,
    "reduce_bytes": 4,
    "logit_bytes": 10,
    "split_logits": True,
}
"""What a field is when a record does not give it."""


def configurations(records: Sequence[Mapping[str, float | bool]]) -> Configuration:
    """Return the configurations of `records`, one per step; a field that a record lacks has its default.

    Raises
    ------
    KeyError
        If a record lacks a field that has no default.
    """
    columns: dict[str, Any] = {}
    for field in fields(Configuration):
        values = []
        for record in records:
            value = record.get(field.name)
            if value is None:
                if field.name == "plain_layers":
                    value = 0 if record.get("experts") else record["layers"]
                elif field.name == "shard_group":
                    cut = record.get("tensor", 1) * record.get("pipeline", 1)
                    value = record["accelerators"] / cut
                else:
                    value = DEFAULTS[field.name]
            values.append(value)
        kind = np.bool_ if field.type == "Flags" else np.float64
        columns[field.name] = np.array(values, dtype=kind)
    return Configuration(**columns)


def model_record(model: ModelSpec) -> dict[str, float | bool]:
    """Return the fields of a configuration that `model` sets."""
    mixture = sum(model.is_moe_layer(layer) for layer in range(model.depth))
    record: dict[str, float | bool] = {
        "layers": model.depth,
        "mtp_depth": model.mtp_depth,
        "plain_layers": model.depth - mixture,
        "hidden": model.hidden,
        "heads": model.heads,
        "kv_heads": model.kv_heads,
        "head_dim": model.head_dim,
        "vocab": model.vocab,
        "ffn": model.ffn,
        "ups": 2 if model.gated_ffn else 1,
        "experts": model.experts,
        "top_k": model.top_k,
        "ffn_expert": model.ffn_expert,
        "shared_experts": model.shared_experts,
        "latent": model.attention == "mla",
        "q_rank": model.q_lora_rank,
        "kv_rank": model.kv_lora_rank,
        "nope_dim": model.qk_nope_head_dim,
        "rope_dim": model.qk_rope_head_dim,
        "v_dim": model.v_head_dim,
        "fused_activation": model.fused_activation,
    }
    if model.routing_nodes_max is not None:
        record["node_limit"] = model.routing_nodes_max
    if model.sliding_window is not None:
        record |= {"window": model.sliding_window, "windowed": 1.0 / model.sliding_window_every}
    return record


def plan_record(plan: PlanSpec, sequence_length: int) -> dict[str, float | bool]:
    """Return the fields of a configuration that `plan` sets."""
    replicas = plan.data if plan.shard_group is None else min(plan.data, plan.shard_group)
    return {
        "sequence": sequence_length,
        "accelerators": plan.accelerators,
        "tensor": plan.tensor,
        "context": plan.context,
        "context_gather": plan.context_exchange == "all_gather",
        "pipeline": plan.pipeline,
        "virtual": plan.virtual_stages,
        "schedule": SCHEDULES.index(plan.schedule),
        "expert": plan.expert,
        "expert_overlap": EXPERT_OVERLAPS.index(plan.expert_overlap),
        "micro_batch": plan.micro_batch,
        "micro_batches": plan.micro_batches,
        "precision": PRECISIONS[plan.precision],
        "recompute": RECOMPUTES.index(plan.recompute),
        "recomputed": plan.recompute_share,
        "sharding": SHARDINGS.index(plan.sharding),
        "shard_group": replicas * plan.context,
        "sequence_parallel": plan.sequence_parallel and plan.tensor > 1,
        "tensor_overlap": plan.tensor_overlap and plan.tensor > 1,
        "gradient_products": plan.tensor_gradient_overlap and plan.tensor > 1,
        "gradient_overlap": plan.gradient_overlap,
        "flash_attention": plan.flash_attention,
        "score_passes": 0 if plan.flash_attention else 7,
        "gradient_bytes": plan.gradient_bytes,
        "reduce_bytes": plan.gradient_bytes,
    }
