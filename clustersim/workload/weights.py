"""Weights of the parts of a model, as arrays beside a configuration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim.workload.configuration import Configuration, Numbers


@dataclass(frozen=True)
class Weights:
    """Weights by part, of the whole model; norms and biases are left out (under 0.01 %). Shape (n,)."""

    attention: Numbers
    """One attention block."""
    plain: Numbers
    """One dense feed-forward."""
    shared: Numbers
    """Shared experts and router of one mixture layer."""
    expert: Numbers
    """One routed expert."""
    embedding: Numbers
    """One embedding: input or head."""


def weights(c: Configuration) -> Weights:
    """Return the weights of the parts. Latent attention after arXiv 2405.04434, section 2.1."""
    plain_heads = 2.0 * c.hidden * c.head_dim * (c.heads + c.kv_heads)
    query = c.heads * (c.nope_dim + c.rope_dim)
    latent = (
        np.where(c.q_rank > 0, c.hidden * c.q_rank + c.q_rank * query, c.hidden * query)
        + c.hidden * (c.kv_rank + c.rope_dim)
        + c.kv_rank * c.heads * (c.nope_dim + c.v_dim)
        + c.heads * c.v_dim * c.hidden
    )
    expert = (c.ups + 1.0) * c.hidden * c.ffn_expert
    return Weights(
        attention=np.where(c.latent, latent, plain_heads),
        plain=(c.ups + 1.0) * c.hidden * c.ffn,
        shared=expert * c.shared_experts + c.hidden * c.experts,
        expert=expert,
        embedding=c.vocab * c.hidden,
    )


@dataclass(frozen=True)
class RankWeights:
    """Weights that one rank of an average pipeline stage holds before any sharding over replicas. Shape (n,)."""

    common: Numbers
    """Attention, dense and shared feed-forward: held by every replica."""
    experts: Numbers
    """Routed experts: held by one of so many replicas as the experts are spread over."""
    embedding: Numbers
    """Embeddings, cut over the tensor-parallel ranks: the larger number of them that a stage holds."""


def rank_weights(c: Configuration, w: Weights) -> RankWeights:
    """Return what a rank holds: tensor parallelism cuts all but the experts, which expert parallelism spreads."""
    common = c.layers * w.attention + c.plain_layers * w.plain + c.mixture_layers * w.shared
    return RankWeights(
        common=common / (c.tensor * c.pipeline),
        experts=c.mixture_layers * w.expert * c.experts / (c.expert * c.expert_tensor * c.pipeline),
        embedding=w.embedding / c.tensor * np.where(c.pipeline > 1, 1.0, 2.0),
    )


def model_weights(c: Configuration, w: Weights) -> Numbers:
    """Return all weights of the models, one embedding counted; modules for further tokens are no part of them."""
    mixture = w.shared + w.expert * c.experts
    layers, plain, mixtures = _own_layers(c)
    return layers * w.attention + plain * w.plain + mixtures * mixture + w.embedding


def _own_layers(c: Configuration) -> tuple[Numbers, Numbers, Numbers]:
    """Return all, dense and mixture layers of the models without their modules for further tokens."""
    mixtures = c.mixture_layers - np.where(c.mixture, c.mtp_depth, 0.0)
    return c.layers - c.mtp_depth, c.layers - c.mtp_depth - mixtures, mixtures


def model_flops(c: Configuration, w: Weights) -> Numbers:
    """Return the FLOPs of one token, forward and backward, attention counted in full.

    ``6 (active weights - input embedding) + 12 L a d s``, the convention of PaLM (arXiv 2204.02311, appendix B);
    modules for further tokens are not counted.
    """
    layers, plain, mixtures = _own_layers(c)
    active = layers * w.attention + plain * w.plain + mixtures * (w.shared + w.expert * c.top_k) + w.embedding
    wide = np.where(c.latent, c.nope_dim + c.rope_dim + c.v_dim, 2.0 * c.head_dim)
    return 6.0 * active + 6.0 * layers * c.heads * wide * c.sequence
