"""Traffic between sites: bytes, rates, what of an exchange is not hidden, and the bandwidth that hides it.

One replica per site. Every `period` steps the sites all-reduce the model once, whole or in fragments, over a ring:
each site sends ``2 (M - 1) / M x parameters x bits / 8``. What runs beside it is told layer by layer, as in the
simulation of Streaming DiLoCo [1]_: the gradients of a layer can leave when its backward is done, the exchanges pass
the link one after the other in that order, and the layer is needed in the forward of the next step, or `delay` steps
later.

References
----------
.. [1] A. Douillard et al., Streaming DiLoCo with overlapping communication, arXiv:2501.18512, 2025, section 3.1 and
   table 4. Eager updates: S. Kale et al., arXiv:2502.12996, 2025.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Method = Literal["synchronous", "diloco", "streaming_diloco", "overlapped_outer"]


@dataclass(frozen=True)
class CrossSiteJob:
    """A job that keeps one replica of its model at each of several sites."""

    parameters: float
    """Parameters that a site exchanges."""
    sites: int
    step_s: float
    """One step without any exchange between sites. [s]"""
    layers: int
    forward_s: float
    """The first forward of a step, which waits for the layers one by one. [s]"""
    backward_s: float
    """The last backward of a step, which releases the layers one by one. [s]"""
    latency_s: float = 0.0
    """One way between neighbouring sites. [s]"""

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.sites < 2 or self.layers < 1 or self.parameters <= 0.0 or self.step_s <= 0.0:
            raise ValueError("expected two or more sites, a layer or more, and positive parameters and step time")
        if min(self.forward_s, self.backward_s, self.latency_s) < 0.0:
            raise ValueError("forward, backward and latency must not be negative")


def one_batch_job(parameters: float, sites: int, step_s: float, layers: int, latency_s: float = 0.0) -> CrossSiteJob:
    """Return the job whose step is one forward and one backward of `layers` equal layers.

    Forward, gradient of the input and gradient of the weights of a layer take equally long, and the first layer needs
    no gradient of its input: ``3 L - 1`` equal parts, L forward and ``2 L - 1`` backward (arXiv:2501.18512, 3.1).
    """
    part = step_s / (3 * layers - 1)
    return CrossSiteJob(parameters, sites, step_s, layers, layers * part, (2 * layers - 1) * part, latency_s)


@dataclass(frozen=True)
class Sync:
    """How the replicas of a job are kept together."""

    method: Method
    bits: float
    """Of each parameter exchanged. [bit]"""
    period: float = 1.0
    """Steps between two exchanges of the same parameter (H)."""
    fragments: int = 1
    """Parts of the model that are exchanged at different steps, spread evenly over the period (P)."""
    delay: float = 0.0
    """Steps that the exchange may take before its result is waited for, beyond the next forward (tau). [steps]"""
    layerwise: bool = True
    """Whether layers leave and are waited for one by one; False: the job stops until the exchange is done."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.bits <= 0.0 or self.period < 1.0 or self.fragments < 1 or self.delay < 0.0:
            raise ValueError("expected positive bits, a period and fragments of at least 1 and a delay of at least 0")


def synchronous(bits: float, *, layerwise: bool = True) -> Sync:
    """Return the all-reduce of gradients in every step."""
    return Sync("synchronous", bits, layerwise=layerwise)


def diloco(period: float, bits: float, *, layerwise: bool = True) -> Sync:
    """Return DiLoCo: the change of all parameters is averaged every `period` steps (arXiv:2311.08105)."""
    return Sync("diloco", bits, period, layerwise=layerwise)


def streaming_diloco(period: float, bits: float, fragments: int, delay: float = 0.0) -> Sync:
    """Return Streaming DiLoCo: strided fragments, each every `period` steps, with `delay` steps of overlap."""
    return Sync("streaming_diloco", bits, period, fragments, delay)


def overlapped_outer(period: float, bits: float, fragments: int = 1) -> Sync:
    """Return DiLoCo with eager updates: the exchange may take the whole period (arXiv:2502.12996)."""
    return Sync("overlapped_outer", bits, period, fragments, period)


def sync_bytes(job: CrossSiteJob, sync: Sync) -> float:
    """Return what a site sends in one period: ``2 (M - 1) / M x parameters x bits / 8`` [B]."""
    return 2.0 * (job.sites - 1) / job.sites * job.parameters * sync.bits / 8.0


def mean_rate(job: CrossSiteJob, sync: Sync) -> float:
    """Return what a site sends on average at full compute speed: ``sync_bytes / (H t_step)`` [B/s]."""
    return sync_bytes(job, sync) / (sync.period * job.step_s)


def peak_rate(job: CrossSiteJob, sync: Sync) -> float:
    """Return the rate of a site while a fragment is exchanged over the steps that it may take, at least one [B/s].

    ``sync_bytes / P / (min(max(tau, 1), H / P) t_step)``, and no less than the mean: fragments lower the peak, not the
    mean.
    """
    steps = min(max(sync.delay, 1.0), sync.period / sync.fragments)
    return max(mean_rate(job, sync), sync_bytes(job, sync) / sync.fragments / (steps * job.step_s))


def exchange_s(job: CrossSiteJob, sync: Sync, bandwidth: ArrayLike) -> Array:
    """Return how long one fragment is on the link, hidden or not [s].

    ``sync_bytes / P / bandwidth + 2 (M - 1) latency``, the bandwidth that of a site in one direction [B/s].
    """
    moving = sync_bytes(job, sync) / sync.fragments / np.asarray(bandwidth, dtype=np.float64)
    return np.asarray(moving + _ring_latency(job))


def _ring_latency(job: CrossSiteJob) -> float:
    return 2.0 * (job.sites - 1) * job.latency_s


def _windows(job: CrossSiteJob, sync: Sync) -> list[tuple[Array, Array]]:
    """Return per fragment the shares of the model and the windows [s] of which ``share x exchange - window`` is waited.

    Layers j <= k of a fragment: the exchanges from k down to j follow one another, begin when k's backward is done and
    must end when the forward reaches j. Strided fragments: layers i, i + P, i + 2 P and so on.
    """
    count, late = job.layers, sync.delay * job.step_s
    if not sync.layerwise:
        return [(np.array([1.0 / sync.fragments]), np.array([late])) for _ in range(sync.fragments)]
    if sync.fragments > count:
        raise ValueError(f"expected at most {count} fragments, one per layer, got {sync.fragments}")
    part = job.backward_s / (2 * count - 1)
    number = np.arange(1, count + 1)
    released = np.where(number == 1, 0.0, (2 * number - 3) * part)
    """How long before the end of the backward the gradients of each layer are done. [s]"""
    needed = (number - 1) * job.forward_s / count
    found = []
    for first in range(sync.fragments):
        own = np.arange(first, count, sync.fragments)
        low, high = np.triu_indices(own.size)
        found.append(((high - low + 1) / count, late + released[own[high]] + needed[own[low]]))
    return found


def _waited(exchange: Array, pieces: list[tuple[Array, Array]], job: CrossSiteJob, sync: Sync) -> tuple[Array, Array]:
    """Return the seconds per period that the job waits, and their slope, for exchanges of `exchange` seconds a period.

    The slope is that of growing exchanges. The link carries one exchange after the other, so that a period takes at
    least as long as its exchanges: ``max(sum of fragments, exchange - H t_step)``.
    """
    latency = _ring_latency(job)
    total, slope = np.zeros_like(exchange), np.zeros_like(exchange)
    for shares, windows in pieces:
        late = exchange[..., None] * shares - windows + latency
        at = late.argmax(axis=-1)
        worst = np.take_along_axis(late, at[..., None], axis=-1)[..., 0]
        total = total + np.maximum(worst, 0.0)
        slope = slope + np.where(worst > 0.0, shares[at], 0.0)
    crowded = exchange - sync.period * job.step_s
    return np.maximum(total, crowded), np.where(crowded > total, 1.0, slope)


def exposed_s(job: CrossSiteJob, sync: Sync, bandwidth: ArrayLike) -> Array:
    """Return what a step waits for exchanges between sites on average, at a bandwidth per site [B/s], in seconds."""
    exchange = sync_bytes(job, sync) / np.asarray(bandwidth, dtype=np.float64)
    return np.asarray(_waited(exchange, _windows(job, sync), job, sync)[0] / sync.period)


def utilisation(job: CrossSiteJob, sync: Sync, bandwidth: ArrayLike) -> Array:
    """Return the compute utilisation ``t_step / (t_step + exposed)`` at a bandwidth per site [B/s]; a share."""
    return np.asarray(job.step_s / (job.step_s + exposed_s(job, sync, bandwidth)))


def bandwidth_for(job: CrossSiteJob, sync: Sync, share: float) -> float:
    """Return the bandwidth per site at which the compute utilisation is `share` [B/s]; the inverse of the above.

    The wait is a convex, piecewise linear function of the exchange time, on which Newton's method from above ends
    after finitely many steps. Infinite where latency, or the last layer, allows no such utilisation.

    Raises
    ------
    ValueError
        If `share` is not between 0 and 1.
    """
    if not 0.0 < share <= 1.0:
        raise ValueError(f"expected a compute utilisation above 0 and up to 1, got {share:g}")
    compute = sync.period * job.step_s
    allowed = compute * (1.0 / share - 1.0)
    pieces = _windows(job, sync)
    if float(_waited(np.zeros(1), pieces, job, sync)[0][0]) > allowed:
        return math.inf
    exchange = compute + allowed
    for _ in range(1000):
        waited, slope = (float(value[0]) for value in _waited(np.array([exchange]), pieces, job, sync))
        if slope == 0.0 or waited - allowed <= 1e-15 * compute:
            break
        exchange = max(exchange - (waited - allowed) / slope, 0.0)
    return sync_bytes(job, sync) / exchange if exchange > 1e-12 * compute else math.inf


@dataclass(frozen=True)
class PipelineCut:
    """A pipeline whose stages lie at several sites, one after the other."""

    message_bytes: float
    """Activations of one micro-batch, one way; as many gradients come back. [B]"""
    micro_batches: int
    crossings: int = 1
    """Boundaries between stages that are boundaries between sites."""


def pipeline_exposed_s(cut: PipelineCut, step_s: float, bandwidth: ArrayLike, latency_s: float) -> Array:
    """Return what a step takes longer because its pipeline crosses between sites [s].

    ``2 c (latency + x) + max(0, m x - t_step)`` with x the time of one message: the first micro-batch forward and the
    last gradient back have nothing to run beside; between them the link carries one message after the other, each
    direction of its own.
    """
    message = cut.message_bytes / np.asarray(bandwidth, dtype=np.float64)
    ends = 2.0 * cut.crossings * (latency_s + message)
    return np.asarray(ends + np.maximum(0.0, cut.micro_batches * message - step_s))
