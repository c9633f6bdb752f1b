"""What one transformer layer asks of one rank, forward, for one micro-batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from clustersim.workload.architecture import attention_core_flops
from clustersim.workload.operators import (
    ELEMENT_BYTES,
    Device,
    attention_seconds,
    matmul_seconds,
    streaming_seconds,
)
from clustersim.workload.spec import ModelSpec, PlanSpec

Product = tuple[float, float, float, int]
"""Rows, columns, inner dimension and count of a matrix product."""


@dataclass(frozen=True)
class LayerWork:
    """Products, attention FLOPs, streamed bytes and kept activations of one layer on one rank."""

    products: tuple[Product, ...]
    attention_flops: float
    """Forward FLOPs of the attention core. [FLOP]"""
    streamed_bytes: float
    """Bytes that memory-bound kernels move, forward. [B]"""
    kernels: int
    """Memory-bound kernels, forward."""
    activation_bytes: float
    """Kept for the backward without recomputation. [B]"""
    activation_bytes_selective: float
    """Kept when norms, gates and the latent expansion are recomputed. [B]"""
    input_bytes: float
    """The layer's input, kept under full recomputation. [B]"""


SCORE_PASSES = 8
"""Reads and writes of an unfused score matrix: product out; mask and softmax in, out; dropout in, out; its mask;
product in; scale in place (arXiv 2205.05198, section 4.1 lists the tensors)."""

UNFUSED_PASSES = 3
"""Further reads and writes of the hidden state per block by separate bias, dropout and mask kernels."""


def attention_work(model: ModelSpec, tokens: float, plan: PlanSpec, sequence_length: int) -> LayerWork:
    """Return the attention block's work for `tokens` tokens."""
    tensor = plan.tensor
    own = tokens / tensor
    h = model.hidden
    if model.attention == "mla":
        qk, v = model.qk_nope_head_dim + model.qk_rope_head_dim, model.v_head_dim
        q_in = model.q_lora_rank or h
        products: list[Product] = [
            (own, model.kv_lora_rank + model.qk_rope_head_dim, h, 1),
            (tokens, model.heads * qk / tensor, q_in, 1),
            (tokens, model.heads * (model.qk_nope_head_dim + v) / tensor, model.kv_lora_rank, 1),
            (tokens, h, model.heads * v / tensor, 1),
        ]
        if model.q_lora_rank:
            products.append((own, model.q_lora_rank, h, 1))
        expanded = model.heads * (2 * qk + v)
        kept_small = model.heads * v + tensor * (model.kv_lora_rank + model.qk_rope_head_dim + model.q_lora_rank)
        kept = expanded + kept_small
        rotated = model.heads * model.qk_rope_head_dim
    else:
        d = model.head_dim
        query, key = model.heads * d, model.kv_heads * d
        products = [(tokens, (query + 2 * key) / tensor, h, 1), (tokens, h, query / tensor, 1)]
        kept = kept_small = 2 * query + 2 * key
        rotated = query + key
    split = own if plan.sequence_parallel else tokens
    streamed = ELEMENT_BYTES * (_norm_passes(plan) * h * split + 2 * rotated * own)
    scores = 0.0
    if not plan.flash_attention:
        scores = ELEMENT_BYTES * own * model.heads * sequence_length
        streamed += SCORE_PASSES * scores
    return LayerWork(
        products=tuple(products),
        # an unfused kernel computes the whole square, a flash kernel the causal half
        attention_flops=own * attention_core_flops(model, sequence_length, causal=plan.flash_attention),
        streamed_bytes=streamed,
        kernels=3,
        activation_bytes=ELEMENT_BYTES * (2 * h * split + kept * own) + 2.5 * scores,
        activation_bytes_selective=ELEMENT_BYTES * (h * split + kept_small * own),
        input_bytes=ELEMENT_BYTES * h * split,
    )


def _norm_passes(plan: PlanSpec) -> int:
    """Reads and writes of the hidden state per block: norm in, out; residual in, in, out; more where not fused."""
    return 5 if plan.flash_attention else 5 + UNFUSED_PASSES


def _ffn(model: ModelSpec, tokens: float, plan: PlanSpec, width: float) -> LayerWork:
    tensor, h = plan.tensor, model.hidden
    own = tokens / tensor
    split = own if plan.sequence_parallel else tokens
    ups = 2 if model.gated_ffn else 1
    return LayerWork(
        products=((tokens, ups * width / tensor, h, 1), (tokens, h, width / tensor, 1)),
        attention_flops=0.0,
        streamed_bytes=ELEMENT_BYTES * (_norm_passes(plan) * h * split + (ups + 1) * width * own),
        kernels=3,
        activation_bytes=ELEMENT_BYTES * (2 * h * split + (ups + 1) * width * own),
        activation_bytes_selective=ELEMENT_BYTES * (h * split + ups * width * own),
        input_bytes=0.0,
    )


def routing_imbalance(rows: float, ranks: int) -> float:
    """Rows of the fullest of `ranks` expert-parallel ranks over the mean [-].

    Tokens that pick experts at random with equal odds give each rank a count of mean and variance `rows`; the largest
    of n such counts is ``1 + sqrt(2 ln n / rows)`` means (extreme value of the normal law). A router that prefers some
    experts is worse; balance is assumed.
    """
    return 1.0 if ranks == 1 else 1.0 + math.sqrt(2.0 * math.log(ranks) / rows)


def ffn_work(model: ModelSpec, tokens: float, plan: PlanSpec, *, mixture: bool) -> LayerWork:
    """Return the feed-forward block's work: dense, or shared and routed experts, routed evenly but for chance."""
    tensor = plan.tensor
    if not mixture:
        return _ffn(model, tokens, plan, model.ffn)
    own, h, width = tokens / tensor, model.hidden, model.ffn_expert
    ups = 2 if model.gated_ffn else 1
    local = model.experts / plan.expert
    rows = own * model.top_k
    rows *= routing_imbalance(rows, plan.expert)
    shared = _ffn(model, tokens, plan, width * model.shared_experts)
    routed = (
        (own, float(model.experts), float(h), 1),
        # grouped products: `local` experts with rows / local rows each
        (rows / local, ups * width, float(h), round(local)),
        (rows / local, float(h), float(width), round(local)),
    )
    # permutation and un-permutation read and write every routed row; the activation reads and writes the inner width
    moved = ELEMENT_BYTES * rows * (4 * h + (ups + 1) * width)
    kept = ELEMENT_BYTES * rows * (h + (ups + 1) * width)
    kept_selective = ELEMENT_BYTES * rows * (h + ups * width)
    return LayerWork(
        products=(*(shared.products if model.shared_experts else ()), *routed),
        attention_flops=0.0,
        streamed_bytes=shared.streamed_bytes + moved,
        kernels=shared.kernels + 4,
        activation_bytes=shared.activation_bytes + kept,
        activation_bytes_selective=shared.activation_bytes_selective + kept_selective,
        input_bytes=0.0,
    )


@dataclass(frozen=True)
class ComputeTime:
    """Seconds of matrix and of memory-bound work of one layer, forward and backward."""

    matrix_forward: float
    memory_forward: float
    matrix_backward: float
    memory_backward: float

    def __add__(self, other: ComputeTime) -> ComputeTime:
        """Add the parts."""
        return ComputeTime(
            self.matrix_forward + other.matrix_forward,
            self.memory_forward + other.memory_forward,
            self.matrix_backward + other.matrix_backward,
            self.memory_backward + other.memory_backward,
        )


def compute_time(device: Device, work: LayerWork) -> ComputeTime:
    """Return the seconds of `work` on `device`.

    The backward of a product is two products of the same size (gradients of input and of weight), that of a streaming
    kernel moves twice the bytes.
    """
    # the products of a group run as one kernel: one launch
    matrix = sum(
        matmul_seconds(device, m, n, k, count) - (count - 1) * device.launch for m, n, k, count in work.products
    )
    streaming = streaming_seconds(device, work.streamed_bytes, work.kernels)
    forward = backward = 0.0
    if work.attention_flops:
        forward = attention_seconds(device, work.attention_flops, backward=False)
        backward = attention_seconds(device, work.attention_flops, backward=True)
    return ComputeTime(matrix + forward, streaming, 2 * matrix + backward, 2 * streaming)
