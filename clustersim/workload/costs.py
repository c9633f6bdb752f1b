"""Time of the blocks of a transformer on one rank for one micro-batch, as arrays over configurations.

Products follow the roofline law of :func:`product_seconds`; everything else moves bytes through memory; and the host
must launch the kernels in time. Every function is elementwise: one plan, a search and a table of runs share it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim.workload.configuration import Configuration, Numbers
from clustersim.workload.hardware import Hardware
from clustersim.workload.weights import Weights

BF16 = 2.0
"""Bytes of an activation."""

NORM_PASSES = 5.0
"""Reads and writes of the hidden state per block: norm in, out; residual in, in, out."""

RAW_NORM_PASSES = 16.0
"""More of them, in bf16 passes, where the norm is not one kernel: RMSNorm in fp32 writes and reads each of cast,
square, mean, scale, cast back and weight."""

RAW_ACTIVATION_PASSES = 8.0
"""Reads and writes of the inner width where a clamped gate with bias is not one kernel: bias, two clamps, scale,
sigmoid, product, shift, product."""

COPIES = 2.0
"""A cast to low precision reads bf16 and writes two copies, one of them transposed."""

WEIGHT_GRADIENT_BYTES = 6.0
"""Bytes per weight and micro-batch beyond the product's own: its gradient is added to one in fp32."""


@dataclass(frozen=True)
class BlockTime:
    """Seconds of one block, forward and backward, by what it waits for. Shape (n,)."""

    matrix_forward: Numbers
    attention_forward: Numbers
    memory_forward: Numbers
    host_forward: Numbers
    """What launching the kernels adds to the three above."""
    matrix_backward: Numbers
    attention_backward: Numbers
    memory_backward: Numbers
    host_backward: Numbers

    @property
    def forward(self) -> Numbers:
        """All of the forward. [s]"""
        return self.matrix_forward + self.attention_forward + self.memory_forward + self.host_forward

    @property
    def backward(self) -> Numbers:
        """All of the backward, with what is recomputed. [s]"""
        return self.matrix_backward + self.attention_backward + self.memory_backward + self.host_backward


def product_seconds(
    hardware: Hardware,
    rows: Numbers,
    columns: Numbers,
    depth: Numbers,
    count: Numbers | float = 1.0,
    *,
    plain: bool = False,
) -> Numbers:
    """Return the time of `count` products of a (rows, depth) with a (depth, columns) matrix [s].

    ``t0 + ((1 + k0 / k) u t_flops)^4 + t_bytes^4)^(1/4)`` with ``t_flops = 2 m n k / (e P)``: a roofline with a smooth
    knee, in which shallow products are slower, and those with a dimension that is no multiple of 64 by the factor u.
    `plain` products run in bf16 whatever the step's precision. The products of a group share their fixed time.
    """
    peak, share, half, fixed, element = (
        (hardware.plain_peak, hardware.plain_share, hardware.plain_half_depth, hardware.plain_fixed, BF16)
        if plain
        else (hardware.peak, hardware.share, hardware.half_depth, hardware.fixed, hardware.element_bytes)
    )
    m, n, k = (np.maximum(size, 1.0) for size in (rows, columns, depth))
    fits = (n % 64 == 0) & (k % 64 == 0)
    flops = 2.0 * m * n * k / (peak * share) * (1.0 + half / k) * np.where(fits, 1.0, hardware.unaligned)
    moved = (element * (m * k + n * k) + BF16 * m * n) / hardware.bandwidth
    return np.asarray(count * (flops**4 + moved**4) ** 0.25 + fixed * np.minimum(count, 4.0))


def _launched(
    hardware: Hardware, c: Configuration, kernels: Numbers, forward: Numbers, backward: Numbers
) -> tuple[Numbers, Numbers]:
    """Return what the host adds: the GPU and the host each work ahead, so the slower one sets the pace, softly."""
    host = hardware.launch * kernels
    late = hardware.host_backward * host + c.repeated * host
    return (forward**4 + host**4) ** 0.25 - forward, (backward**4 + late**4) ** 0.25 - backward


def _block(
    c: Configuration,
    hardware: Hardware,
    *,
    matrix: Numbers,
    memory_bytes: Numbers,
    kernels: Numbers,
    repeated_bytes: Numbers,
    backward_bytes: Numbers,
    trained: Numbers,
    attention: tuple[Numbers, Numbers] | None = None,
    repeated_matrix: Numbers | float = 0.0,
    repeated_attention: Numbers | float = 0.0,
) -> BlockTime:
    """Return the block's time from its products, bytes and kernels.

    A backward is two products for each of the forward (one where the weights are frozen), twice the bytes, the casts of
    the gradients and the addition to fp32 gradients; full recomputation adds a forward, selective what it repeats.
    """
    zero = np.zeros_like(matrix)
    attention_forward, attention_backward = attention if attention is not None else (zero, zero)
    memory = memory_bytes / hardware.bandwidth
    adds = np.where(c.frozen | (c.sharding == 3), 0.0, WEIGHT_GRADIENT_BYTES * trained)
    full, selective = c.repeated, c.recompute == 1
    matrix_backward = np.where(c.frozen, 1.0, 2.0) * matrix
    matrix_backward = matrix_backward + np.where(selective, repeated_matrix, full * matrix)
    memory_backward = 2.0 * memory + (backward_bytes + adds) / hardware.bandwidth
    memory_backward = memory_backward + np.where(selective, repeated_bytes / hardware.bandwidth, full * memory)
    attention_backward = attention_backward + np.where(selective, repeated_attention, full * attention_forward)
    waits = _launched(
        hardware,
        c,
        kernels,
        matrix + memory + attention_forward,
        matrix_backward + memory_backward + attention_backward,
    )
    return BlockTime(
        matrix_forward=matrix,
        attention_forward=attention_forward,
        memory_forward=memory,
        host_forward=waits[0],
        matrix_backward=matrix_backward,
        attention_backward=attention_backward,
        memory_backward=memory_backward,
        host_backward=waits[1],
    )


def rank_tokens(c: Configuration) -> tuple[Numbers, Numbers, Numbers]:
    """Return the tokens of a micro-batch on a tensor-parallel group, on one rank of it, and on a rank in norms."""
    tokens = c.micro_batch * c.sequence / c.context
    own = tokens / c.tensor
    return tokens, own, np.where(c.sequence_parallel, own, tokens)


def _norm_bytes(c: Configuration, split: Numbers) -> Numbers:
    return BF16 * c.hidden * split * (NORM_PASSES + np.where(c.fused_norm, 0.0, RAW_NORM_PASSES))


def _cast_bytes(c: Configuration, hardware: Hardware) -> Numbers:
    """Return the bytes that a cast of one element moves; none in bf16."""
    return np.where(c.low_precision, BF16 + COPIES * hardware.element_bytes, 0.0)


def _cast_kernels(c: Configuration) -> Numbers:
    return np.where(c.low_precision, 2.0, 0.0) + np.where(c.tensor > 1, 2.0, 0.0)


def attention_block(c: Configuration, hardware: Hardware, w: Weights) -> BlockTime:
    """Return the time of an attention block: projections, rotation, core, output, norm and residual."""
    tokens, own, split = rank_tokens(c)
    t = c.tensor
    query, key = c.heads * c.head_dim, c.kv_heads * c.head_dim
    plain = product_seconds(hardware, tokens, (query + 2.0 * key) / t, c.hidden)
    plain = plain + product_seconds(hardware, tokens, c.hidden, query / t)
    qk = c.nope_dim + c.rope_dim
    q_in = np.where(c.q_rank > 0, c.q_rank, c.hidden)
    queries = product_seconds(hardware, tokens, c.heads * qk / t, q_in)
    expansion = product_seconds(hardware, tokens, c.heads * (c.nope_dim + c.v_dim) / t, c.kv_rank)
    latent = (
        product_seconds(hardware, own, c.kv_rank + c.rope_dim, c.hidden)
        + queries
        + expansion
        + product_seconds(hardware, tokens, c.hidden, c.heads * c.v_dim / t)
        + np.where(c.q_rank > 0, product_seconds(hardware, own, c.q_rank, c.hidden), 0.0)
    )
    out_width = np.where(c.latent, c.heads * c.v_dim, query)
    in_width = np.where(c.latent, c.heads * (qk + c.nope_dim + c.v_dim), query + 2.0 * key)

    wide = np.where(c.latent, qk + c.v_dim, 2.0 * c.head_dim)
    seen = c.windowed * np.minimum(c.window, c.sequence / 2.0) + (1.0 - c.windowed) * c.sequence / 2.0
    # one kernel computes the causal half, an unfused one the whole square
    core_flops = 2.0 * c.heads * wide * own * np.where(c.flash_attention, seen, c.sequence)
    core = core_flops / (
        hardware.plain_peak * hardware.attention * np.where(c.second_flash, hardware.second_flash, 1.0)
    )
    core_backward = np.where(c.flash_attention, 2.5, 2.0) / hardware.attention_backward * core
    scores = np.where(c.flash_attention, 0.0, BF16 * c.score_passes * own * c.heads * c.sequence)

    rotated = np.where(c.latent, c.heads * c.rope_dim, query + key)
    low = _cast_bytes(c, hardware)
    casts = low * out_width / t * tokens
    norm = _norm_bytes(c, split)
    return _block(
        c,
        hardware,
        matrix=np.where(c.latent, latent, plain),
        memory_bytes=norm + 2.0 * BF16 * rotated * own + casts + scores,
        kernels=np.where(
            c.graphs > 0, 0.0, np.where(c.latent, 11.0, 8.0) + _cast_kernels(c) + np.where(c.context > 1, 3.0, 0.0)
        ),
        repeated_bytes=2.0 * BF16 * c.hidden * split + scores,
        backward_bytes=low * (in_width / t + c.hidden) * tokens - casts,
        trained=w.attention / t,
        attention=(core, core_backward),
        repeated_matrix=np.where(c.latent, expansion + np.where(c.q_rank > 0, queries, 0.0), 0.0),
        repeated_attention=np.where(c.flash_attention, 0.0, core),
    )


def plain_block(c: Configuration, hardware: Hardware, w: Weights) -> BlockTime:
    """Return the time of a dense feed-forward block."""
    tokens, own, split = rank_tokens(c)
    t = c.tensor
    matrix = product_seconds(hardware, tokens, c.ups * c.ffn / t, c.hidden) + product_seconds(
        hardware, tokens, c.hidden, c.ffn / t
    )
    low = _cast_bytes(c, hardware)
    activation = BF16 * (c.ups + 1.0) * c.ffn * own
    return _block(
        c,
        hardware,
        matrix=matrix,
        memory_bytes=_norm_bytes(c, split) + activation + low * c.ffn * own,
        kernels=np.where(c.graphs > 1, 0.0, 5.0 + _cast_kernels(c)),
        repeated_bytes=2.0 * BF16 * c.hidden * split + activation,
        backward_bytes=low * (c.ups * c.ffn * own + c.hidden * tokens - c.ffn * own),
        trained=w.plain / t,
    )


def expert_rows(c: Configuration) -> Numbers:
    """Return the rows that the routed experts of one rank compute for a micro-batch, the fullest rank's.

    Even routing but for chance: the largest of n counts of mean r is ``1 + sqrt(2 ln n / r)`` means (extreme value of
    the normal law); a balanced router is even.
    """
    _, own, _ = rank_tokens(c)
    mean = own * c.top_k * c.expert_tensor
    chance = 1.0 + np.sqrt(2.0 * np.log(np.maximum(c.expert, 1.0)) / np.maximum(mean, 1.0))
    return mean * np.where(c.balanced, 1.0, chance)


def mixture_block(c: Configuration, hardware: Hardware, w: Weights) -> BlockTime:
    """Return the time of a mixture of experts: router, permutation, grouped products, shared experts."""
    tokens, own, split = rank_tokens(c)
    t, cut = c.tensor, c.expert_tensor
    rows = expert_rows(c)
    local = np.maximum(c.experts / c.expert, 1.0)
    each = rows / local
    width = c.ffn_expert / cut
    routed = product_seconds(hardware, each, c.ups * width, c.hidden, local)
    routed = routed + product_seconds(hardware, each, c.hidden, width, local)
    shared_width = c.ffn_expert * c.shared_experts
    shared = product_seconds(hardware, tokens, c.ups * shared_width / t, c.hidden)
    shared = shared + product_seconds(hardware, tokens, c.hidden, shared_width / t)
    router = product_seconds(hardware, own, c.experts, c.hidden, plain=True)
    low = _cast_bytes(c, hardware)
    activation = BF16 * (c.ups + 1.0) * (rows * width + shared_width * own)
    activation = activation + np.where(c.fused_activation, 0.0, BF16 * RAW_ACTIVATION_PASSES * rows * c.ups * width)
    # rows are put in order and back; those of several experts that come from other ranks once more each way, unless the
    # exchange delivers them in order (Megatron-Core's dispatchers)
    sorted_again = (c.expert > 1) & (local > 1) & ~c.once_per_node
    moves = np.where(sorted_again, 8.0, 4.0)
    permuted = moves * BF16 * rows * c.hidden + 4.0 * 2.0 * own * c.experts  # and fp32 scores
    return _block(
        c,
        hardware,
        matrix=routed + router + np.where(c.shared_experts > 0, shared, 0.0),
        memory_bytes=_norm_bytes(c, split) + permuted + activation + low * rows * width,
        kernels=np.where(c.graphs > 0, 0.0, hardware.routing_kernels)
        + np.where(
            c.graphs > 1,
            0.0,
            # in low precision every expert's rows are cast and multiplied by kernels of their own
            np.where(c.shared_experts > 0, 4.0, 0.0) + np.where(c.low_precision, 3.0 * local, 2.0),
        ),
        repeated_bytes=2.0 * BF16 * c.hidden * split + activation,
        backward_bytes=low * (rows * (c.ups * width + c.hidden - width) + c.ups * shared_width * own),
        trained=w.expert * local / cut + w.expert * c.shared_experts / t,
    )


def embedding_block(c: Configuration, hardware: Hardware) -> BlockTime:
    """Return the time of looking up the input embedding: rows read and written."""
    _, own, _ = rank_tokens(c)
    lookup = 2.0 * BF16 * c.hidden * own / hardware.bandwidth
    zero = np.zeros_like(lookup)
    return BlockTime(zero, zero, lookup, zero, zero, zero, lookup, zero)


def head_block(c: Configuration, hardware: Hardware) -> BlockTime:
    """Return the time of output projection, softmax and loss; in bf16, three fp32 passes each way.

    Modules that predict further tokens (arXiv 2412.19437, section 2.2) each use the head once more, and project the
    hidden state beside the embedding of the next token to the width of the model; their layer counts as one.
    Where the loss works on all columns, the tensor-parallel ranks gather them first, and each does all of the passes.
    """
    tokens, own, _ = rank_tokens(c)
    columns, times = c.vocab / c.tensor, 1.0 + c.mtp_depth
    projection = product_seconds(hardware, own, c.hidden, 2.0 * c.hidden)
    matrix = times * product_seconds(hardware, tokens, columns, c.hidden, plain=True) + c.mtp_depth * projection
    seen = np.where(c.split_logits, columns, c.vocab)
    gathered = np.where(c.split_logits, 0.0, BF16 * tokens * (c.vocab - columns) / hardware.scale_up)
    loss = times * (3.0 * 4.0 * tokens * seen / hardware.bandwidth + gathered)
    zero = np.zeros_like(matrix)
    return BlockTime(
        matrix_forward=matrix,
        attention_forward=zero,
        memory_forward=loss,
        host_forward=zero,
        matrix_backward=np.where(c.frozen, 1.0, 2.0) * matrix,
        attention_backward=zero,
        memory_backward=loss,
        host_backward=zero,
    )


def stage_block(*parts: tuple[Numbers | float, BlockTime]) -> BlockTime:
    """Return the time of a stage that holds so many of each block: pairs of count and block."""
    return BlockTime(
        *(
            np.asarray(sum(count * getattr(block, name) for count, block in parts), dtype=np.float64)
            for name in BlockTime.__dataclass_fields__
        )
    )
