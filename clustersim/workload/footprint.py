"""Memory of the fullest rank of many configurations at once: weights, gradients, optimizer state, activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clustersim import catalog
from clustersim.workload.configuration import Configuration, Numbers
from clustersim.workload.costs import BF16, expert_rows, rank_tokens
from clustersim.workload.weights import Weights

WEIGHT_BYTES = 2.0
OPTIMIZER_BYTES = 12.0
"""Adam in fp32: master weight and two moments (arXiv 1910.02054, section 3)."""

RAW_NORM_BYTES = 12.0
"""Kept per hidden unit where the norm is not one kernel: the input, its square root's argument and the scaled input in
fp32."""

SCORE_BYTES = 6.0
"""Kept per attention score where attention is not one kernel: scaled, masked and after softmax in bf16."""


@dataclass(frozen=True)
class Footprint:
    """Bytes of the fullest rank by what they hold. Shape (n,)."""

    weights: Numbers
    gradients: Numbers
    optimizer: Numbers
    activations: Numbers
    working: Numbers
    """What one layer or the head needs for a moment on top of what is kept."""

    @property
    def total(self) -> Numbers:
        """All of them. [B]"""
        return self.weights + self.gradients + self.optimizer + self.activations + self.working


def kept_activations(c: Configuration) -> tuple[Numbers, Numbers, Numbers]:
    """Return what attention, dense and mixture blocks keep of a micro-batch for their backward [B], nothing recomputed.

    Norm input and output on the ranks that hold the hidden state; queries, keys, values, the attention's output and the
    inner widths on the ranks that compute them (arXiv 2205.05198, section 4, without dropout).
    """
    _, own, split = rank_tokens(c)
    query, key = c.heads * c.head_dim, c.kv_heads * c.head_dim
    qk = c.nope_dim + c.rope_dim
    plain = 2.0 * query + 2.0 * key
    latent = c.heads * (2.0 * qk + 2.0 * c.v_dim) + c.tensor * (c.kv_rank + c.rope_dim + c.q_rank)
    norm = split * c.hidden * (2.0 * BF16 + np.where(c.fused_norm, 0.0, RAW_NORM_BYTES))
    scores = np.where(c.flash_attention, 0.0, SCORE_BYTES * own * c.heads * c.sequence)
    attention = norm + BF16 * own * np.where(c.latent, latent, plain) + scores
    dense = norm + BF16 * own * (c.ups + 1.0) * c.ffn
    rows = expert_rows(c)
    width = c.ffn_expert / c.expert_tensor
    routed = BF16 * rows * (2.0 * c.hidden + (c.ups + 1.0) * width)
    mixture = norm + routed + BF16 * own * (c.ups + 1.0) * c.ffn_expert * c.shared_experts
    return attention, dense, mixture


def passes_in_flight(c: Configuration) -> Numbers:
    """Return how many forward passes of a chunk the first stage holds at its peak.

    1F1B and zero bubble (ZB-H1): ``min(m, p)``; interleaved: ``min(m v, (v - 1) p + 2 (p - 1) + 1)`` (arXiv 2104.04473,
    section 2.2); DualPipe: ``p + 1`` (arXiv 2412.19437, table 2).
    """
    p, v, m = c.pipeline, c.virtual, c.micro_batches
    plain = np.where(v > 1, np.minimum(m * v, (v - 1.0) * p + 2.0 * (p - 1.0) + 1.0), np.minimum(m, p))
    return np.where(c.schedule == 2, np.minimum(m, p + 1.0), plain)


def footprint(c: Configuration, w: Weights) -> Footprint:
    """Return the memory of the fullest rank: the larger of the first and the last stage.

    The first holds the most passes in flight and the input embedding, the last the logits and the head. Recomputation
    keeps a block's input (full), or all but norm outputs and inner widths (selective).
    """
    p, v = c.pipeline, c.virtual
    layers = np.ceil(c.layers / (p * v) - 1e-9) * v
    share = layers / c.layers
    dense_share, mixture_share = c.plain_layers * share, c.mixture_layers * share
    held_experts = np.maximum(c.experts / c.expert, 1.0) / c.expert_tensor
    common = (layers * w.attention + dense_share * w.plain + mixture_share * w.shared) / c.tensor
    experts = mixture_share * w.expert * held_experts * (c.experts > 0)
    embedding = w.embedding / c.tensor * np.where(p > 1, 1.0, 2.0)
    own = common + embedding
    ranks = c.accelerators / (c.tensor * p)
    group = np.minimum(c.shard_group, ranks)
    holders = np.maximum(np.minimum(ranks * c.tensor / (c.expert * c.expert_tensor), group), 1.0)

    def spread(stage: int) -> Numbers:
        """Return the weights of a rank whose state is sharded at `stage`."""
        return np.where(c.sharding >= stage, own / group + experts / holders, own + experts)

    tokens, own_tokens, split = rank_tokens(c)
    attention, dense, mixture = kept_activations(c)
    inputs = BF16 * split * c.hidden
    inner = BF16 * own_tokens * (c.ups + 1.0) * c.ffn
    rows = BF16 * expert_rows(c) * (c.ups + 1.0) * c.ffn_expert / c.expert_tensor
    full, selective = c.recompute == 2, c.recompute == 1
    scores = np.where(c.flash_attention, 0.0, SCORE_BYTES * own_tokens * c.heads * c.sequence)
    kept_attention = np.where(full, inputs, np.where(selective, attention - inputs - scores, attention))
    kept_dense = np.where(full, 0.0, np.where(selective, dense - inputs - inner / (c.ups + 1.0), dense))
    kept_mixture = np.where(full, 0.0, np.where(selective, mixture - inputs - rows / (c.ups + 1.0), mixture))
    chunk = (layers * kept_attention + dense_share * kept_dense + mixture_share * kept_mixture) / v
    one_layer = attention + np.maximum(np.where(dense_share > 0, dense, 0.0), np.where(mixture_share > 0, mixture, 0.0))
    working = np.where(full, one_layer, inputs + np.maximum(inner, rows * (c.experts > 0)))
    # a layer at work and the one fetched ahead, and the gradients of one before they are spread
    mixed = (w.shared + w.expert * held_experts) * (c.experts > 0)
    layer = np.maximum(w.attention + np.maximum(w.plain * (c.plain_layers > 0), mixed), w.embedding) / c.tensor
    whole = np.where(c.sharding == 3, 2.0 * WEIGHT_BYTES * layer, 0.0)
    summed = np.where((c.sharding == 2) & (v > 1), c.gradient_bytes * (own + experts) / v, WEIGHT_BYTES * layer)
    whole = np.where(group > 1, whole + np.where((c.sharding >= 2) & ~c.frozen, summed, 0.0), 0.0)
    logits = c.logit_bytes * tokens * c.vocab / np.where(c.split_logits, c.tensor, 1.0)
    first = passes_in_flight(c) * chunk
    last_passes = np.where(v > 1, (v - 1.0) * p + 1.0, 1.0)
    last = np.minimum(last_passes, c.micro_batches * v) * chunk
    alone = p <= 1
    at_last = alone | (last + logits > first + working)
    frozen = np.where(c.frozen, 0.0, 1.0)
    return Footprint(
        # DualPipe holds the stages of both directions
        weights=WEIGHT_BYTES * spread(3) * np.where(c.schedule == 2, 2.0, 1.0),
        gradients=c.gradient_bytes * spread(2) * frozen,
        optimizer=OPTIMIZER_BYTES * spread(1) * frozen,
        activations=np.where(at_last, np.where(alone, first, last), first),
        working=np.where(at_last, np.maximum(logits, working), working) + whole,
    )


def usable_bytes(accelerators: Sequence[str]) -> Numbers:
    """Return the memory that a job can use on each accelerator: what the device reports less the reserve [B].

    The reserve holds the context, the libraries' workspace and the buffers of collectives (catalog, `efficiency`,
    `training`, `memory.reserved`).
    """
    reserved = catalog.entry("efficiency", "training").si("memory.reserved")
    chips = [catalog.entry("accelerators", name) for name in accelerators]
    reported = [chip.si("memory.reported" if chip.has("memory.reported") else "memory.capacity") for chip in chips]
    return np.array(reported) - reserved
