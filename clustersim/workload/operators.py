"""Time of one kernel on one accelerator."""

from __future__ import annotations

from dataclasses import dataclass

from clustersim import catalog
from clustersim.workload.spec import Precision

ELEMENT_BYTES = 2
"""Activations and weights travel in bf16. [B]"""


@dataclass(frozen=True)
class Device:
    """What an accelerator reaches, as the operators need it. Rates in FLOP/s and B/s."""

    name: str
    peak: float
    """Dense peak at the job's precision. [FLOP/s]"""
    matmul: float
    """Asymptotic share of `peak` that matrix products reach. [-]"""
    attention_peak: float
    """Dense bf16 peak: attention runs in bf16 at either precision. [FLOP/s]"""
    attention_forward: float
    attention_backward: float
    bandwidth: float
    """Memory bandwidth that streaming kernels reach. [B/s]"""
    capacity: float
    """Memory. [B]"""
    launch: float
    """Fixed time of a kernel. [s]"""
    exchange_share: float = 0.0
    """Share of the compute units that an exchange takes while it overlaps with compute. [-]"""


def load_device(name: str, precision: Precision) -> Device:
    """Return the accelerator `name` of the catalog at `precision`.

    Raises
    ------
    CatalogError
        If the accelerator, its efficiency entry or its peak at this precision is not in the catalog.
    """
    chip = catalog.entry("accelerators", name)
    reached = catalog.entry("efficiency", chip.name)
    return Device(
        name=chip.name,
        peak=chip.si(f"peak.{precision}"),
        matmul=reached.si(f"matmul.{precision}"),
        attention_peak=chip.si("peak.bf16"),
        attention_forward=reached.si("attention.forward"),
        attention_backward=reached.si("attention.backward"),
        bandwidth=chip.si("memory.bandwidth") * reached.si("memory"),
        capacity=chip.si("memory.capacity"),
        launch=catalog.entry("efficiency", "training").si("kernel.launch"),
        exchange_share=reached.si("exchange.sm_share"),
    )


def matmul_seconds(device: Device, m: float, n: float, k: float, count: int = 1) -> float:
    """Time of `count` products of an (m, k) with a (k, n) matrix [s].

    Roofline with a smooth knee: ``t0 + (t_flops^4 + t_bytes^4)^(1/4)`` with ``t_flops = 2 m n k / (e P)``.
    The asymptote ``e`` is fitted once per accelerator generation and precision on measured products (catalog kind
    `efficiency`); the exponent 4 is the same for all.
    """
    flops = 2.0 * m * n * k / (device.peak * device.matmul)
    moved = ELEMENT_BYTES * (m * n + n * k + m * k) / device.bandwidth
    return float(count * (device.launch + (flops**4 + moved**4) ** 0.25))


def attention_seconds(device: Device, flops: float, *, backward: bool) -> float:
    """Time of the fused attention kernel for `flops` forward FLOPs; the backward does 2.5 times as many [s]."""
    if backward:
        return device.launch + 2.5 * flops / (device.attention_peak * device.attention_backward)
    return device.launch + flops / (device.attention_peak * device.attention_forward)


def streaming_seconds(device: Device, moved_bytes: float, kernels: int = 1) -> float:
    """Time of memory-bound kernels that move `moved_bytes` in total [s]."""
    return kernels * device.launch + moved_bytes / device.bandwidth
