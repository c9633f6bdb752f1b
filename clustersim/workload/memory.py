"""Memory of one rank: weights, gradients, optimizer state and the activations in flight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clustersim.workload.layers import LayerWork
from clustersim.workload.operators import ELEMENT_BYTES, Device
from clustersim.workload.spec import PlanSpec

LOGIT_BYTES = 6
"""Logits in fp32 and their gradient in bf16. [B per logit]"""

OPTIMIZER_BYTES = 12
"""Adam in fp32: master weight and two moments. [B per parameter] (arXiv 1910.02054, section 3)"""


def kept_bytes(work: LayerWork, plan: PlanSpec) -> float:
    """Return what a layer keeps of a micro-batch for its backward under the recomputation of `plan` [B]."""
    if plan.recompute == "none":
        return work.activation_bytes
    if plan.recompute == "selective":
        return work.activation_bytes_selective
    return work.input_bytes


def in_flight(plan: PlanSpec, stage: int) -> float:
    """Forward passes of one chunk whose activations stage `stage` holds at its peak.

    1F1B: ``min(m, p - s)``. Interleaved: ``min(m v, (v - 1) p + 2 (p - s - 1) + 1)`` (arXiv 2104.04473, section 2.2).
    An overlapped expert exchange needs more under way: ``2 (p - s - 1) + 1`` in 1F1B, one more when interleaved.
    """
    p, v, m = plan.pipeline, plan.virtual_stages, plan.micro_batches
    if v == 1:
        return min(m, (2 if plan.deep else 1) * (p - stage - 1) + 1)
    return min(m * v, (v - 1) * p + 2 * (p - stage - 1) + 1 + plan.deep)


def stage_memory(
    plan: PlanSpec,
    dense: NDArray[np.float64],
    expert: NDArray[np.float64],
    kept: NDArray[np.float64],
    working: float,
    logits: float,
    devices: tuple[Device, ...],
    reserved: float,
    fragmentation: float,
    sites: int = 1,
) -> NDArray[np.float64]:
    """Memory of one rank of each stage with ZeRO-1: weights, gradients, sharded optimizer, activations [B].

    ``P (2 + g + 12 / d) + in flight x kept + 6 x logits (last stage) + reserved + fragmentation x capacity`` with P the
    weights of a rank, g the bytes of a gradient and d the ranks that hold the same weights.

    Parameters
    ----------
    plan : PlanSpec
        The cut.
    dense, expert : ndarray, shape (virtual stages,)
        Weights of one rank by kind: they are shared by all replicas, and by those that hold the same experts.
    kept : ndarray, shape (virtual stages,)
        Activations of one micro-batch. [B]
    working : float
        All activations of one layer, which are there while it is recomputed. [B]
    logits : float
        Logits of one rank and micro-batch.
    devices : tuple of Device
        Kinds of accelerator in the fleet.
    reserved, fragmentation : float
        What the job cannot use: fixed [B] and as a share of the capacity [-].
    sites : int
        Sites that share the replicas; the optimizer state is sharded over those of one site.
    """
    p = plan.pipeline
    replicas = max(1, plan.data // sites)
    expert_data = max(1, replicas * plan.tensor // max(plan.expert, 1))
    resident = ELEMENT_BYTES + plan.gradient_bytes
    need = dense.reshape(-1, p).sum(axis=0) * (resident + OPTIMIZER_BYTES / replicas)
    need += expert.reshape(-1, p).sum(axis=0) * (resident + OPTIMIZER_BYTES / expert_data)
    need += np.array([in_flight(plan, stage) for stage in range(p)]) * kept.reshape(-1, p).mean(axis=0)
    need[-1] += LOGIT_BYTES * logits
    if plan.recompute == "full":
        need += working  # while one layer is recomputed, all of its activations are there
    return np.asarray(need + reserved + fragmentation * min(device.capacity for device in devices))
