"""Time of the exchanges of a step, as arrays over configurations: tensor, context, expert, pipeline, data parallel.

Ranks are numbered with tensor parallelism fastest, then context, then replicas. A group that fits into a scale-up
domain uses its links, any other the NICs of all its members in a domain at once (rings over every NIC, as NCCL
builds them).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim.workload.configuration import Configuration, Numbers
from clustersim.workload.costs import BF16, BlockTime, expert_rows, rank_tokens
from clustersim.workload.footprint import WEIGHT_BYTES
from clustersim.workload.hardware import Hardware
from clustersim.workload.weights import RankWeights


def group_rate(hardware: Hardware, size: Numbers, stride: Numbers) -> Numbers:
    """Return what one member reaches in a ring over `size` ranks that lie `stride` apart [B/s]."""
    together = np.clip(hardware.domain / stride, 1.0, size)
    outside = np.minimum(hardware.scale_up, hardware.nic * together)
    return np.where(size * stride <= hardware.domain, hardware.scale_up, outside)


def ring_steps(hardware: Hardware, size: Numbers, stride: Numbers) -> Numbers:
    """Return the latency of one turn of such a ring: every step in the domain, and every hop out of it [s]."""
    together = np.clip(hardware.domain / stride, 1.0, size)
    hops = np.where(size * stride <= hardware.domain, 0.0, size / together)
    return np.where(size > 1, np.maximum(size - 1.0 - hops, 0.0) * hardware.step + hops * hardware.hop, 0.0)


def collective_seconds(hardware: Hardware, sent: Numbers, size: Numbers, rate: Numbers) -> Numbers:
    """Return the time of a collective in which each of `size` members sends `sent` bytes at `rate` [s].

    ``t0 + (n - 1) t1 + b / B + sqrt(b / B t2)``: start, steps, bytes, and the slow rise of the rate with the size;
    fitted on measured collectives of 2 to 8 accelerators (docs/models/training.md).
    """
    moving = sent / rate
    return np.where(
        size > 1, hardware.start + (size - 1.0) * hardware.step + moving + np.sqrt(moving * hardware.ramp), 0.0
    )


def tensor_exchange(
    c: Configuration, hardware: Hardware, products: tuple[Numbers, Numbers], layers: Numbers, mixtures: Numbers
) -> tuple[Numbers, Numbers]:
    """Return what tensor parallelism adds to forward and backward of all `layers` of a stage [s], of which `mixtures`.

    Four collectives of the hidden state per layer each way (all-gather and reduce-scatter around two blocks; an
    all-reduce is both); a mixture of experts takes part in two of them only with what it shares. Sequence parallelism
    gathers the input of two products once more in the backward (arXiv 2205.05198); full recomputation repeats the
    forward's. Overlapped, all but the first of t chunks hide behind the product beside them. Where the framework
    sends the gradient of the input while it computes that of the weights, two of the backward's four, and what is
    gathered again, hide behind a product. Experts cut over tensor-parallel ranks exchange their rows too. `products` is
    the time of one of the layer's products, forward and backward.
    """
    tokens, _, _ = rank_tokens(c)
    t = c.tensor
    sent = (t - 1.0) / t * tokens * c.hidden * BF16
    one = collective_seconds(hardware, sent, t, group_rate(hardware, t, np.ones_like(t)))
    chunked = c.tensor_overlap & c.sequence_parallel

    def exposed(product: Numbers) -> Numbers:
        return np.where(chunked, one / t + np.maximum(0.0, one * (1.0 - 1.0 / t) - product), one)

    ahead, back = products
    behind = np.maximum(0.0, one - back)
    again = np.where(c.sequence_parallel & ~chunked, np.where(c.gradient_products, behind, one), 0.0)
    inputs = np.where(c.gradient_products & ~chunked, behind, exposed(2.0 * back))
    cut = c.expert_tensor
    rows = np.where(cut > 1, 2.0 * (cut - 1.0) / cut * expert_rows(c) * c.hidden * BF16 / hardware.scale_up, 0.0)
    mixture = mixtures * rows
    # pairs of collectives: around attention in every layer, around what is dense in the rest of it
    pairs = 2.0 * layers - mixtures * np.where(c.shared_experts > 0, 0.0, 1.0)
    forward = 2.0 * pairs * exposed(ahead) + mixture
    backward = pairs * (exposed(2.0 * back) + inputs + again) + mixture
    backward = backward + c.repeated * forward
    return np.where(t > 1, forward, 0.0), np.where(t > 1, backward, 0.0)


def context_exchange(c: Configuration, hardware: Hardware, core: tuple[Numbers, Numbers]) -> tuple[Numbers, Numbers]:
    """Return what context parallelism adds to forward and backward of one layer [s].

    Keys and values go round a ring of the sequence's parts while attention works on the part at hand; what the core,
    (forward, backward), does not cover is waited for. Or they are gathered before it, and their gradients reduced and
    scattered after it, with nothing beside (arXiv 2407.21783, section 3.3.2).
    """
    tokens, _, _ = rank_tokens(c)
    wide = np.where(c.latent, c.heads * (c.nope_dim + c.rope_dim + c.v_dim), 2.0 * c.kv_heads * c.head_dim)
    part = BF16 * wide * tokens / c.tensor
    turns = c.context - 1.0
    # one rank hands on to the next: a hop is as fast as the link between the two of them
    rate = np.where(c.context * c.tensor <= hardware.domain, hardware.scale_up, hardware.nic)
    start = np.where(
        c.context * c.tensor <= hardware.domain, hardware.start + hardware.step, hardware.start + hardware.hop
    )
    moving = part / rate
    each = start + moving + np.sqrt(moving * hardware.ramp)
    hidden = turns / c.context
    gathered = collective_seconds(hardware, turns * part, c.context, group_rate(hardware, c.context, c.tensor))
    forward = np.where(c.context_gather, gathered, np.maximum(turns * each - hidden * core[0], each))
    backward = np.maximum(2.0 * turns * each - hidden * core[1], 2.0 * each)
    backward = np.where(c.context_gather, 2.0 * gathered, backward) + c.repeated * forward
    return np.where(c.context > 1, forward, 0.0), np.where(c.context > 1, backward, 0.0)


def distinct_nodes(nodes: Numbers | float, top_k: Numbers | float, limit: Numbers | float | None) -> Numbers:
    """Expected number of nodes on which a token's `top_k` experts lie, of `nodes` equally likely ones.

    ``n (1 - (1 - 1/n)^k)``, capped by node-limited routing (arXiv 2412.19437, section 2.1.2). A token crosses the
    scale-out fabric once per node and is forwarded inside it, as DeepEP does.
    """
    expected = nodes * (1.0 - (1.0 - 1.0 / nodes) ** top_k)
    return np.minimum(expected, np.inf if limit is None else limit)


def expert_exchange(c: Configuration, hardware: Hardware) -> tuple[Numbers, Numbers]:
    """Return dispatch and combine of one mixture layer, forward and backward [s].

    A token goes to each of its experts, or once to every node that holds one and on inside it
    (:func:`distinct_nodes`). The rows of a low-precision step are dispatched in 8 bit, and come back in bf16.
    """
    _, own, _ = rank_tokens(c)
    e = c.expert
    # experts cut over tensor-parallel ranks: a group takes one rank of each, so that it spans more domains
    stride = c.expert_tensor
    nodes = np.maximum(1.0, np.minimum(e, e * stride / hardware.domain))
    reached = distinct_nodes(nodes, np.maximum(c.top_k, 1.0), c.node_limit)
    crossing = np.where(c.once_per_node, reached, c.top_k) * (nodes - 1.0) / nodes
    row = c.hidden * own
    rows = expert_rows(c) / c.expert_tensor * c.hidden
    uneven = rows / np.maximum(row * c.top_k, 1.0)
    per_byte = np.maximum(
        rows * (e - 1.0) / e / hardware.scale_up,
        np.where(nodes > 1, row * crossing * uneven / hardware.nic_scattered, 0.0),
    )
    start = hardware.start + np.where(nodes > 1, hardware.hop, 0.0)
    dispatch = np.where(c.low_precision, 1.0, BF16)
    forward = per_byte * (dispatch + BF16) + 2.0 * start
    backward = per_byte * 2.0 * BF16 + 2.0 * start + c.repeated * forward
    return np.where(e > 1, forward, 0.0), np.where(e > 1, backward, 0.0)


def stage_exchange(
    c: Configuration, hardware: Hardware, body: BlockTime, attention: BlockTime, layers: Numbers, mixtures: Numbers
) -> tuple[tuple[Numbers, Numbers], tuple[Numbers, Numbers], tuple[Numbers, Numbers]]:
    """Return what a stage exchanges for tensor, context and expert parallelism, each forward and backward [s].

    Parameters
    ----------
    c : Configuration
        Models and plans, n of them.
    hardware : Hardware
        What they run on, arrays of the same length.
    body, attention : BlockTime
        All layers of the stage without embedding and head; one block of attention.
    layers, mixtures : ndarray
        Layers of the stage, and those of them that are mixtures of experts.
    """
    # of four products forward, eight backward and four repeated; the host's lateness gives an exchange time too
    count = np.where(layers > 0, layers, 1.0)
    products = (
        (body.matrix_forward + body.host_forward) / (4.0 * count),
        (body.matrix_backward + body.host_backward) / ((8.0 + 4.0 * c.repeated) * count),
    )
    tensor = tensor_exchange(c, hardware, products, layers, mixtures)
    context = context_exchange(c, hardware, (attention.attention_forward, attention.attention_backward))
    expert = expert_exchange(c, hardware)
    return (
        tensor,
        (layers * context[0], layers * context[1]),
        (mixtures * expert[0], mixtures * expert[1]),
    )


def stage_message(c: Configuration, hardware: Hardware, stride: Numbers) -> Numbers:
    """Return the hand-over of a micro-batch between neighbouring stages, one way [s].

    Neighbours lie `stride` ranks apart: of the hops between them that share leaves a domain, none where the pipeline
    is in one.
    """
    _, own, _ = rank_tokens(c)
    leaving = np.where(c.pipeline * stride <= hardware.domain, 0.0, np.minimum(stride / hardware.domain, 1.0))
    sent = BF16 * c.hidden * own
    message = leaving * (sent / hardware.nic + hardware.hop) + (1.0 - leaving) * (
        sent / hardware.scale_up + hardware.start
    )
    return np.where(c.pipeline > 1, message, 0.0)


@dataclass(frozen=True)
class DataExchange:
    """Times of data parallelism on one rank [s]. Shape (n,)."""

    gather: Numbers
    """Sharded parameters of a stage, gathered once."""
    reduce: Numbers
    """Gradients of a stage, reduced and scattered once."""
    optimizer: Numbers
    """Update of the rank's shard of the optimizer state."""


UPDATE_BYTES = 30.0
"""Bytes per weight of an Adam update: gradient, master weight and two moments in fp32 read, three of them and the bf16
weight written."""


def data_exchange(c: Configuration, hardware: Hardware, held: RankWeights, layers: Numbers) -> DataExchange:
    """Return the exchanges between replicas: ring reduce-scatter and all-gather, and the update.

    Gradients travel in buckets, of which each turns the ring once, so that the latency grows with the replicas
    (the catalog has Megatron's bucket, in weights, and its least per rank). Sharded parameters are gathered per layer,
    of which the rank holds `layers`. What is sharded over a group of the replicas only is reduced between the groups
    too (HSDP; several instances of a distributed optimizer).
    """
    # DualPipe's stages are on two devices each, which reduce together
    ranks = c.copies * c.accelerators / (c.tensor * c.pipeline)
    reduce_bytes = hardware.reduce_share * c.reduce_bytes
    group = np.minimum(c.copies * c.shard_group, ranks)
    sharded = c.sharding == 3
    common = held.common + held.embedding
    holders = np.maximum(ranks * c.tensor / (c.expert * c.expert_tensor), 1.0)
    expert_rate = group_rate(hardware, holders, np.minimum(c.expert * c.expert_tensor, hardware.domain))
    expert_part = held.experts * (holders - 1.0) / holders / expert_rate
    spread = np.where(c.sharding == 0, ranks, group)
    shard_rate, turn = group_rate(hardware, spread, c.tensor), ring_steps(hardware, spread, c.tensor)
    moving = common * (spread - 1.0) / spread / shard_rate + expert_part
    buckets = np.maximum(1.0, (common + held.experts) / np.maximum(hardware.bucket, hardware.bucket_per_rank * spread))
    all_weights = common + held.experts
    turns = turn * (layers + 1.0) * c.fetches
    sharding = all_weights * (group - 1.0) / group / shard_rate
    # groups that hold the same shards reduce their gradients between them
    groups = ranks / spread
    between = 2.0 * reduce_bytes * np.where(sharded, all_weights, common) / group * (groups - 1.0) / groups
    between = between / group_rate(hardware, groups, group * c.tensor)
    between = between + 2.0 * np.where(sharded, 1.0, buckets) * ring_steps(hardware, groups, group * c.tensor)
    between = np.where(groups > 1, between, 0.0)
    state = np.where(c.sharding > 0, common / group + held.experts / np.minimum(holders, group), all_weights)
    alone = (ranks <= 1) | c.frozen
    return DataExchange(
        gather=np.where(
            sharded,
            WEIGHT_BYTES * sharding + turns,
            np.where(alone | (c.sharding == 0), 0.0, WEIGHT_BYTES * moving + turn * buckets),
        ),
        reduce=np.where(
            sharded,
            reduce_bytes * sharding + turns + between,
            # without sharding the second half of the all-reduce carries gradients too
            np.where(
                alone, 0.0, np.where(c.sharding == 0, 2.0, 1.0) * (reduce_bytes * moving + turn * buckets) + between
            ),
        ),
        optimizer=np.where(c.frozen, 0.0, UPDATE_BYTES * state / hardware.bandwidth),
    )
