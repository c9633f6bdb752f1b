"""Iteration time of many configurations at once, in closed form.

The blocks of :mod:`clustersim.workload.costs` and the exchanges of :mod:`clustersim.training.exchange` are put together
along the pipeline without following single operations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim.training.exchange import (
    DataExchange,
    data_exchange,
    stage_exchange,
    stage_message,
)
from clustersim.training.overlap import beside, contention, with_experts
from clustersim.workload.configuration import SCHEDULES, Configuration, Numbers
from clustersim.workload.costs import (
    attention_block,
    embedding_block,
    head_block,
    mixture_block,
    plain_block,
    stage_block,
)
from clustersim.workload.hardware import Hardware
from clustersim.workload.weights import rank_weights, weights

PARTS = (
    "matrix", "attention", "memory", "host", "tensor", "context", "expert", "parameters", "pipeline", "bubble",
    "gradients", "optimizer", "fixed", "stragglers",
)  # fmt: skip
"""What the time of a step is made of; the parts add up to it."""


@dataclass(frozen=True)
class StepEstimate:
    """Iteration times and what they are made of. Shape (n,). [s]"""

    iteration_time_s: Numbers
    parts: dict[str, Numbers]


def _bubble(c: Configuration, chain: Numbers, ends: Numbers, backward: Numbers, weight: Numbers) -> Numbers:
    """Return the idle time of a stage at both ends of the step, hand-over left out [s].

    1F1B and breadth first ``(p - 1)(f + b) / v``; zero bubble ``(p - 1)(f + b - 2 w)``, w the gradients of the weights,
    which fill gaps (arXiv 2401.10241, table 2); DualPipe ``(p / 2 - 1)((f & b) + b - 3 w)``, f & b a forward and a
    backward that share the stage (arXiv 2412.19437, table 2).
    """
    p = c.pipeline
    plain = (p - 1.0) * (chain + ends / p) / c.virtual
    zero = (p - 1.0) * np.maximum(chain + ends / p - 2.0 * weight, 0.0)
    dual = np.maximum(p / 2.0 - 1.0, 0.0) * np.maximum(chain + backward - 3.0 * weight, 0.0)
    return np.select([c.schedule == 1, c.schedule == 2], [zero, dual], plain)


def _slowest_stage(c: Configuration, both: Numbers, ends: Numbers) -> Numbers:
    """Return the time of a forward and a backward of the slowest stage [s].

    It has ``ceil(L / p)`` layers, or it is the last one, with the head. Where the stages do not divide the layers,
    frameworks give fewer to the end: of the places without a layer as many as outweigh the head are on the last stage.
    """
    here = c.layers / c.pipeline
    most = np.ceil(here - 1e-9)
    layer = both / here
    fewer = np.minimum(most * c.pipeline - c.layers, np.ceil(ends / layer))
    return np.maximum(most, most - fewer + ends / layer) * layer


def estimate_steps(c: Configuration, hardware: Hardware) -> StepEstimate:
    """Return the iteration time of every configuration.

    With f and b the forward and backward of a stage's layers, h those of the head, v chunks and m micro-batches,

        m max(slowest stage, (f + b) + h) + bubble + (p - 1) hand-overs + reductions + optimizer

    The slowest stage is that of :func:`_slowest_stage`. Sharded parameters are gathered in every forward and backward
    and reduced in every backward, beside the compute. Else the reduction hides behind the backwards that are still
    to come when a chunk's gradients are ready, ``min(p, m) b (v - 1) / v`` interleaved (m for p breadth first) and
    ``b (1 - p / L)`` otherwise, and weights are gathered beside as much of the forward. Interleaved stages send while
    they compute. What the exchange of experts costs beside compute is in
    :func:`clustersim.training.overlap.with_experts`. The spread of n ranks adds ``sigma sqrt(2 ln n)``, an upper bound
    of the expected largest of n normal deviations: 109 % above it at n = 2, 23 % at 64, 11 % at 16,384. The
    constants of the catalog were fitted with it.

    Parameters
    ----------
    c : Configuration
        Models and plans, n of them.
    hardware : Hardware
        What they run on, arrays of the same length.
    """
    w = weights(c)
    p, v, m = c.pipeline, c.virtual, c.micro_batches
    attention = attention_block(c, hardware, w)
    plain, mixture = plain_block(c, hardware, w), mixture_block(c, hardware, w)
    head = stage_block((1.0, head_block(c, hardware)), (1.0, embedding_block(c, hardware)))
    here, mixtures = c.layers / p, c.mixture_layers / p
    stage = stage_block((here, attention), (c.plain_layers / p, plain), (mixtures, mixture))
    tensor, context, expert = stage_exchange(c, hardware, stage, attention, here, mixtures)
    message = stage_message(c, hardware, c.accelerators / c.pipeline)  # stages are numbered last
    data = data_exchange(c, hardware, rank_weights(c, w), here)  # DualPipe: of one of its two stages
    data = DataExchange(c.copies * data.gather, c.copies * data.reduce, c.copies * data.optimizer)

    forward = stage.forward + tensor[0] + context[0] + expert[0]
    backward = stage.backward + tensor[1] + context[1] + expert[1]
    lost = contention(hardware, stage.memory_forward + stage.memory_backward, stage.forward + stage.backward)
    compute = forward + backward - expert[0] - expert[1]
    passes = with_experts(c, (forward - expert[0], backward - expert[1]), expert, mixtures, lost)
    both = passes.forward + passes.backward
    ends = head.forward + head.backward
    slowest = np.where(p > 1, _slowest_stage(c, both, ends), both + ends)
    hide = np.where(c.gradient_overlap, hardware.overlap, 0.0)

    sharded = c.sharding == 3
    gathered = beside(forward, data.gather, hide, lost)
    gathered = gathered + beside(backward, data.gather + data.reduce, hide, lost)
    parameters = np.where(sharded, m * gathered, 0.0)
    breadth = c.schedule == SCHEDULES.index("breadth_first")
    in_a_row = np.where(breadth, m, np.minimum(p, m))
    to_come = np.where(v > 1, in_a_row * (v - 1.0) / v, 1.0 - p / c.layers)
    last = 1.0 / np.maximum(here, 1.0)
    gradients = np.maximum(beside(to_come * backward, data.reduce, hide, lost), last * data.reduce)
    # sharded gradients are reduced after every backward, or after the p backwards in a row of an interleaved chunk
    times = np.where((c.sharding == 2) & ~breadth, np.where(v > 1, np.ceil(m / p), m), 1.0)
    gradients = gradients + (times - 1.0) * beside(backward * m / times, data.reduce, hide, lost)
    gradients = gradients + np.maximum(beside(to_come * forward, data.gather, hide, lost), last * data.gather)
    gradients = np.where(sharded, 0.0, gradients)
    # what runs beside other compute delays those who wait for it: filling and draining take longer
    chain = both + passes.forward_late + passes.backward_late
    idle = _bubble(c, chain, ends, backward, np.where(c.frozen, 0.0, stage.matrix_forward))
    bubble = np.where(p > 1, idle + (p - 1.0) * 2.0 * message, 0.0)
    hand_over = np.where(p > 1, m * v * 2.0 * message * np.where(v > 1, 1.0 - hide, 1.0), 0.0)

    quiet = m * slowest + hand_over + parameters + bubble + gradients + data.optimizer + hardware.step_fixed
    stragglers = quiet * hardware.rank_spread * np.sqrt(2.0 * np.log(np.maximum(c.accelerators, 1.0)))
    # an average stage has its share of the head; what the slowest has more is waited for
    uneven = m * (slowest - both - ends / p)
    head_matrix = (head.matrix_forward + head.matrix_backward) / p
    head_memory = (head.memory_forward + head.memory_backward) / p
    parts = {
        "matrix": m * (stage.matrix_forward + stage.matrix_backward + head_matrix),
        "attention": m * (stage.attention_forward + stage.attention_backward),
        "memory": m * (stage.memory_forward + stage.memory_backward + head_memory),
        "host": m * (stage.host_forward + stage.host_backward),
        "tensor": m * (tensor[0] + tensor[1]),
        "context": m * (context[0] + context[1]),
        "expert": m * (both - compute),
        "parameters": parameters,
        "pipeline": hand_over + uneven,
        "bubble": bubble,
        "gradients": gradients,
        "optimizer": data.optimizer,
        "fixed": hardware.step_fixed,
        "stragglers": stragglers,
    }
    return StepEstimate(quiet + stragglers, parts)
