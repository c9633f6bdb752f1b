"""Input records of the workload: the model's architecture, the parallel plan and the job."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from clustersim import catalog
from clustersim.spec import Spec
from clustersim.units import Time

Precision = Literal["bf16", "fp8", "fp8_block", "fp4"]
Recompute = Literal["none", "selective", "full"]
ExpertOverlap = Literal["none", "pairs", "halves"]
Sharding = Literal["none", "optimizer", "gradients", "parameters"]
ScheduleName = Literal["1f1b", "zero_bubble", "dualpipe", "breadth_first"]


class ModelSpec(Spec):
    """Architecture of a decoder-only transformer, dense or mixture of experts."""

    name: str
    kind: Literal["dense", "moe"]
    layers: int = Field(gt=0)
    hidden: int = Field(gt=0)
    heads: int = Field(gt=0)
    kv_heads: int = Field(gt=0)
    head_dim: int = Field(gt=0)
    vocab: int = Field(gt=0)
    gated_ffn: bool
    tied_embeddings: bool
    ffn: int = Field(gt=0)
    """Width of the dense feed-forward layers."""
    dense_layers: int = Field(default=0, ge=0)
    """How many of the layers of a mixture of experts have a dense feed-forward (the first ones)."""
    ffn_expert: int = 0
    experts: int = 0
    shared_experts: int = 0
    top_k: int = 0
    routing_nodes_max: int | None = None
    """A token's experts lie on at most this many nodes (node-limited routing); None: no limit."""
    attention: Literal["mha", "gqa", "mla"]
    q_lora_rank: int = 0
    kv_lora_rank: int = 0
    qk_nope_head_dim: int = 0
    qk_rope_head_dim: int = 0
    v_head_dim: int = 0
    sliding_window: int | None = None
    """Tokens that a windowed layer attends to; None: every layer attends to all."""
    sliding_window_every: int = Field(default=1, ge=1)
    """One layer of so many is windowed."""
    mtp_depth: int = Field(default=0, ge=0)
    """Modules that predict further tokens, each one layer more and the head once more (arXiv 2412.19437, section 2.2);
    they train with the model and are no part of its published parameter count."""
    fused_activation: bool = True
    """Whether published stacks compute the activation function of the experts in one kernel."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kind == "moe" and not (self.experts and self.top_k and self.ffn_expert):
            raise ValueError(f"model {self.name!r}: a mixture of experts needs experts, top_k and ffn_expert")
        if self.attention == "mla" and not (self.kv_lora_rank and self.v_head_dim):
            raise ValueError(f"model {self.name!r}: latent attention (mla) needs kv_lora_rank and v_head_dim")
        return self

    @property
    def depth(self) -> int:
        """Layers that a step computes."""
        return self.layers + self.mtp_depth

    def is_moe_layer(self, layer: int) -> bool:
        """Whether the feed-forward of `layer` (from 0) is a mixture of experts."""
        return self.kind == "moe" and layer >= self.dense_layers


def load_model(name: str) -> ModelSpec:
    """Return the architecture called `name` in the catalog.

    Raises
    ------
    CatalogError
        If there is no such model.
    """
    entry = catalog.entry("models", name)
    known = {key: entry.properties[key] for key in ModelSpec.model_fields if key in entry.properties}
    return ModelSpec.model_validate({"name": entry.name, **known})


class PlanSpec(Spec):
    """How the job is cut over the accelerators.

    Ranks are numbered with the tensor-parallel index fastest, then context, then the expert-parallel group, then the
    pipeline stage, then the rest of data parallelism, so that an expert-parallel group is contiguous.
    """

    tensor: int = Field(default=1, ge=1)
    """Tensor-parallel ranks."""
    context: int = Field(default=1, ge=1)
    """Ranks over which each sequence is cut."""
    context_exchange: Literal["ring", "all_gather"] = "ring"
    """Whether keys and values go round a ring beside attention, or are gathered before it."""
    pipeline: int = Field(default=1, ge=1)
    """Pipeline stages."""
    virtual_stages: int = Field(default=1, ge=1)
    """Model chunks per stage: 1 is 1F1B, more is interleaved 1F1B."""
    stage_layers: tuple[int, ...] | None = None
    """Layers of each virtual stage, chunk by chunk; None: as even as the work of the two ends allows."""
    schedule: ScheduleName = "1f1b"
    """`zero_bubble` computes gradients of weights in gaps (ZB-H1); `dualpipe` runs micro-batches from both ends;
    `breadth_first` runs all forwards, chunk by chunk, and then all backwards."""
    data: int = Field(ge=1)
    """Replicas."""
    sharding: Sharding = "optimizer"
    """What the replicas share out: ZeRO stage 0 to 3; `parameters` is also called FSDP."""
    shard_group: int | None = Field(default=None, ge=1)
    """Replicas over which it is shared out (HSDP); None: all of a site."""
    expert: int = Field(default=1, ge=1)
    """Accelerators over which the experts of a layer are spread."""
    micro_batch: int = Field(default=1, ge=1)
    """Sequences per micro-batch."""
    micro_batches: int = Field(ge=1)
    """Micro-batches per replica and step."""
    balance: bool = False
    """Whether replicas on faster accelerators take more of the micro-batches."""
    recompute: Recompute = "none"
    """What a backward computes again: nothing; norms, activations and other cheap parts (`selective`); the whole
    forward of a share of the layers (`full`)."""
    recompute_share: float = Field(default=1.0, gt=0.0, le=1.0)
    """Share of the layers that `full` recomputes."""
    precision: Precision = "bf16"
    """Format of the matrix products; `fp8_block` scales blocks of a matrix by themselves."""
    expert_overlap: ExpertOverlap = "none"
    """What hides the expert exchange: `none`; `pairs`, it runs beside the compute of another micro-batch (DualPipe,
    Megatron-Core), which needs more micro-batches under way; `halves`, each micro-batch is cut in two that take turns
    (MegaScale-MoE's overlap inside the layer)."""
    sequence_parallel: bool = True
    """Whether norms, residuals and their activations are split over the tensor-parallel ranks."""
    tensor_overlap: bool = False
    """Whether the exchanges of tensor parallelism run in chunks beside the products next to them."""
    tensor_gradient_overlap: bool = True
    """Whether gradients of inputs are exchanged beside the product that gives those of the weights (Megatron's
    default since 2022)."""
    gradient_overlap: bool = True
    """Whether replicas exchange gradients and weights beside the passes; else after the last backward, Megatron-LM's
    default."""
    flash_attention: bool = True
    """Whether attention is one fused kernel; else the score matrix goes through memory (before 2022)."""
    gradient_bytes: Literal[2, 4] = 4
    """Bytes per gradient element, held and in the data-parallel reduction."""

    @property
    def accelerators(self) -> int:
        """Accelerators that the plan uses."""
        return self.tensor * self.context * self.pipeline * self.data

    @property
    def sequences(self) -> int:
        """Sequences per step."""
        return self.data * self.micro_batch * self.micro_batches

    @property
    def replicas_per_unit(self) -> int:
        """Replicas whose ranks of one stage share an expert-parallel group and so run in lock step."""
        return max(1, self.expert // (self.tensor * self.context))

    @property
    def block(self) -> int:
        """Ranks of one stage of a lock-step unit."""
        return self.tensor * self.context * self.replicas_per_unit

    @property
    def span(self) -> int:
        """Ranks of a lock-step unit."""
        return self.block * self.pipeline

    @property
    def deep(self) -> bool:
        """Whether more micro-batches are under way than compute needs, for an overlapped expert exchange."""
        return self.expert_overlap == "pairs" and self.expert > 1

    @property
    def units(self) -> int:
        """Lock-step units along data parallelism."""
        return self.data // self.replicas_per_unit

    @property
    def chunks(self) -> int:
        """Parts of the model that one stage holds: virtual stages, or the stages of both directions of DualPipe."""
        return 2 if self.schedule == "dualpipe" else self.virtual_stages


class JobSpec(Spec):
    """Section `job` of a scenario: what is trained."""

    model: str
    """Name in the catalog kind `models`."""
    sequence_length: int = Field(gt=0)
    """Tokens of a sequence."""
    tokens_per_step_max: int = Field(gt=0)
    """No step may hold more tokens than this."""
    critical_batch_tokens: int | None = Field(default=None, gt=0)
    """Above this many tokens per step more tokens teach less; a larger step warns."""
    token_budget: float = Field(gt=0)
    """Tokens to train on in all."""
    precision: Precision = "bf16"
    """Arithmetic of the matrix products."""
    stack: str | None = None
    """Software stack, a name in the catalog kind `stacks`; None: the one on which accelerators are calibrated."""
    data_stall: Time = Field(default=0.0, ge=0)
    """Time that every step waits for its input and its host, beyond what prefetching hides. [s]"""
    data_stall_spread: Time = Field(default=0.0, ge=0)
    """Standard deviation of `data_stall` from step to step; all ranks wait for the same. [s]"""
    exchange_path: str | None = None
    """What runs the exchanges, a name in the catalog kind `exchange_paths`; None: the accelerator's usual way."""
    plan: PlanSpec | Literal["best"] = "best"
    """A fixed plan, or `best` to search for the fastest that fits."""

    @model_validator(mode="after")
    def _one_sequence_at_least(self) -> Self:
        if self.tokens_per_step_max < self.sequence_length:
            raise ValueError(
                f"tokens_per_step_max: expected at least one sequence of {self.sequence_length} tokens, "
                f"got {self.tokens_per_step_max}"
            )
        return self
