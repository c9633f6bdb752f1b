"""Memory of the fullest rank of many configurations at once: weights, gradients, optimizer state, activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clustersim import catalog
from clustersim.workload.configuration import Configuration, Flags, Numbers
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


def passes_in_flight(c: Configuration, stage: Numbers | float = 0.0) -> Numbers:
    """Return how many forward passes of a chunk a stage (from 0) holds at its peak.

    1F1B: ``min(m, p - s)``; interleaved: ``min(m v, (v - 1) p + 2 (p - s - 1) + 1)`` (arXiv 2104.04473, section 2.2).
    An exchange of experts that runs beside another micro-batch needs more under way: ``2 (p - s - 1) + 2``, or one more
    when interleaved. Zero bubble (ZB-H1): ``min(m, p)`` on every stage; DualPipe: ``p + 1`` (arXiv 2412.19437, table
    2). Breadth first: all, ``m v``.
    """
    p, v, m = c.pipeline, c.virtual, c.micro_batches
    deep = (c.expert_overlap == 1) & (c.expert > 1)
    behind = p - stage - 1.0
    plain = np.minimum(m, np.where(deep, 2.0 * behind + 2.0, behind + 1.0))
    woven = np.minimum(m * v, (v - 1.0) * p + 2.0 * behind + 1.0 + deep)
    once = np.where(v > 1, woven, plain)
    every = [c.schedule == code for code in range(3)]
    return np.select(every, [once, np.minimum(m, p), np.minimum(m, p + 1.0)], m * v)


@dataclass(frozen=True)
class Held:
    """What one rank's stage consists of; fields broadcast against those of the configuration."""

    layers: Numbers
    plain: Numbers
    """Of the layers, those with a dense feed-forward."""
    mixtures: Numbers
    """Of the layers, mixtures of experts."""
    embeddings: Numbers
    """Embeddings: input, head or both."""
    passes: Numbers
    """Forward passes of a chunk that are kept at the peak."""
    head: Flags
    """Whether the stage computes the loss."""


def stage_footprint(c: Configuration, w: Weights, held: Held) -> Footprint:
    """Return the memory of one rank of a stage.

    Recomputation keeps a layer's input (full, on the layers that are recomputed), or all but norm outputs, inner
    widths and the expansion of latents (selective).
    """
    p, v = c.pipeline, c.virtual
    held_experts = np.maximum(c.experts / c.expert, 1.0) / c.expert_tensor
    common = (held.layers * w.attention + held.plain * w.plain + held.mixtures * w.shared) / c.tensor
    experts = held.mixtures * w.expert * held_experts * (c.experts > 0)
    own = common + w.embedding / c.tensor * held.embeddings
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
    left = 1.0 - c.repeated  # layers that keep all under full recomputation of some
    # what the expansion of a latent gives: queries, keys and values of all heads
    expanded = np.where(c.latent, BF16 * own_tokens * c.heads * (2.0 * (c.nope_dim + c.rope_dim) + c.v_dim), 0.0)
    light = attention - inputs - scores - expanded
    kept_attention = np.where(selective, light, left * attention + c.repeated * inputs)
    kept_dense = np.where(selective, dense - inputs - inner / (c.ups + 1.0), left * dense)
    kept_mixture = np.where(selective, mixture - inputs - rows / (c.ups + 1.0), left * mixture)
    chunk = (held.layers * kept_attention + held.plain * kept_dense + held.mixtures * kept_mixture) / v
    one_layer = attention + np.maximum(np.where(held.plain > 0, dense, 0.0), np.where(held.mixtures > 0, mixture, 0.0))
    working = np.where(full, one_layer, inputs + np.maximum(inner, rows * (c.experts > 0)))
    # a layer at work and the one fetched ahead, and the gradients of one before they are spread
    mixed = (w.shared + w.expert * held_experts) * (c.experts > 0)
    layer = np.maximum(w.attention + np.maximum(w.plain * (c.plain_layers > 0), mixed), w.embedding) / c.tensor
    whole = np.where(c.sharding == 3, 2.0 * WEIGHT_BYTES * layer, 0.0)
    summed = np.where((c.sharding == 2) & (v > 1), c.gradient_bytes * (own + experts) / v, WEIGHT_BYTES * layer)
    whole = np.where(group > 1, whole + np.where((c.sharding >= 2) & ~c.frozen, summed, 0.0), 0.0)
    logits = c.logit_bytes * tokens * c.vocab / np.where(c.split_logits, c.tensor, 1.0)
    frozen = np.where(c.frozen, 0.0, 1.0)
    # DualPipe holds the stages of both directions; shards are shared with the device that holds the other copy
    twice = c.copies
    return Footprint(
        weights=WEIGHT_BYTES * spread(3) * np.where(c.sharding >= 3, 1.0, twice),
        gradients=c.gradient_bytes * spread(2) * np.where(c.sharding >= 2, 1.0, twice) * frozen,
        optimizer=OPTIMIZER_BYTES * spread(1) * np.where(c.sharding >= 1, 1.0, twice) * frozen,
        activations=held.passes * chunk,
        working=np.where(held.head, np.maximum(logits, working), working) + whole,
    )


def footprint(c: Configuration, w: Weights) -> Footprint:
    """Return the memory of the fullest rank: the larger of the first and the last stage.

    The first holds the most passes in flight and the input embedding, the last the logits and the head; either may have
    the most layers.
    """
    p = c.pipeline
    layers = np.ceil(c.layers / p - 1e-9)
    share = layers / c.layers
    alone = p <= 1

    def end(stage: Numbers | float, head: Flags) -> Footprint:
        held = Held(
            layers=layers,
            plain=c.plain_layers * share,
            mixtures=c.mixture_layers * share,
            embeddings=np.where(alone, 2.0, 1.0),
            passes=passes_in_flight(c, stage),
            head=head,
        )
        return stage_footprint(c, w, held)

    first, last = end(0.0, alone), end(p - 1.0, np.ones_like(alone))
    fuller = last.total > first.total
    return Footprint(
        *(np.where(fuller, getattr(last, name), getattr(first, name)) for name in Footprint.__dataclass_fields__)
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
