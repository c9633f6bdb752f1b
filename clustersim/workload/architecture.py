"""Exact parameter and FLOP counts of a transformer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from clustersim.workload.spec import ModelSpec


@dataclass(frozen=True)
class ParameterCount:
    """Weights of a model; norms and biases are left out (under 0.01 %)."""

    attention_per_layer: int
    dense_ffn_per_layer: int
    moe_shared_per_layer: int
    """Shared experts and router of a mixture layer."""
    moe_experts_per_layer: int
    """All routed experts of a mixture layer."""
    """Routed experts that one token uses."""
    embedding: int
    """Input embedding."""
    head: int
    """Output projection; 0 when tied to the input embedding."""
    total: int
    active: int
    """Parameters that one token uses, both embeddings included."""


def attention_parameters(model: ModelSpec) -> int:
    """Weights of one attention block. MLA after arXiv 2405.04434, section 2.1."""
    if model.attention == "mla":
        query_dim = model.heads * (model.qk_nope_head_dim + model.qk_rope_head_dim)
        query = (
            model.hidden * model.q_lora_rank + model.q_lora_rank * query_dim
            if model.q_lora_rank
            else model.hidden * query_dim
        )
        latent = model.hidden * (model.kv_lora_rank + model.qk_rope_head_dim)
        expand = model.kv_lora_rank * model.heads * (model.qk_nope_head_dim + model.v_head_dim)
        return query + latent + expand + model.heads * model.v_head_dim * model.hidden
    query = model.hidden * model.heads * model.head_dim
    return 2 * query + 2 * model.hidden * model.kv_heads * model.head_dim


def ffn_parameters(model: ModelSpec, width: int) -> int:
    """Weights of one feed-forward block of inner `width`: two matrices, three when gated."""
    return (3 if model.gated_ffn else 2) * model.hidden * width


@lru_cache(maxsize=64)
def count_parameters(model: ModelSpec) -> ParameterCount:
    """Return the weights of `model` by part.

    Held against the published totals of every model of the catalog: within 1 %.
    """
    attention = attention_parameters(model)
    dense = ffn_parameters(model, model.ffn)
    expert = ffn_parameters(model, model.ffn_expert) if model.kind == "moe" else 0
    shared = expert * model.shared_experts + (model.hidden * model.experts if model.kind == "moe" else 0)
    moe_layers = sum(model.is_moe_layer(layer) for layer in range(model.layers))
    dense_layers = model.layers - moe_layers
    embedding = model.vocab * model.hidden
    head = 0 if model.tied_embeddings else embedding
    common = model.layers * attention + dense_layers * dense + moe_layers * shared + embedding + head
    return ParameterCount(
        attention_per_layer=attention,
        dense_ffn_per_layer=dense,
        moe_shared_per_layer=shared,
        moe_experts_per_layer=expert * model.experts,
        embedding=embedding,
        head=head,
        total=common + moe_layers * expert * model.experts,
        active=common + moe_layers * expert * model.top_k,
    )


def attention_widths(model: ModelSpec) -> tuple[int, int]:
    """Return the query-key and the value dimension of one head."""
    if model.attention == "mla":
        return model.qk_nope_head_dim + model.qk_rope_head_dim, model.v_head_dim
    return model.head_dim, model.head_dim


def attention_core_flops(model: ModelSpec, sequence_length: int, *, causal: bool = True) -> float:
    """Forward FLOPs of scores and weighted sum of one layer, per token [FLOP].

    ``2 heads (d_qk + d_v) s``, halved when the causal half alone is computed, as flash kernels do.
    """
    qk, v = attention_widths(model)
    return 2.0 * model.heads * (qk + v) * sequence_length * (0.5 if causal else 1.0)


def model_flops_per_token(model: ModelSpec, sequence_length: int, *, causal: bool = True) -> float:
    """Training FLOPs per token, forward and backward, without recomputation [FLOP].

    ``6 (active - input embedding) + 3 x attention``, the input embedding being a table look-up; PaLM's model-FLOPs
    convention (arXiv 2204.02311, appendix B) with attention counted as computed (causal) unless `causal` is False,
    the convention of Megatron and PaLM.
    """
    count = count_parameters(model)
    looked_up = 0 if model.tied_embeddings else count.embedding
    matrix = 6.0 * (count.active - looked_up)
    return matrix + 3.0 * model.layers * attention_core_flops(model, sequence_length, causal=causal)


def selective_flops_per_token(model: ModelSpec, sequence_length: int, *, fused: bool = True) -> float:
    """FLOPs per token that selective recomputation repeats in all layers [FLOP].

    Queries, keys and values out of their latents (MLA), and the whole square of the attention core where no fused
    kernel keeps it out of memory. Norms and activations are no FLOPs in this count.
    """
    core = 0.0 if fused else attention_core_flops(model, sequence_length, causal=False)
    queries = model.q_lora_rank * (model.qk_nope_head_dim + model.qk_rope_head_dim)
    latents = model.kv_lora_rank * (model.qk_nope_head_dim + model.v_head_dim) + queries
    return model.layers * (core + (2.0 * model.heads * latents if model.attention == "mla" else 0.0))
