"""Where copies of the job's state lie, how long they take, which loss they survive, and how often to make them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from clustersim import catalog
from clustersim.errors import CatalogError, nearest
from clustersim.operation.facts import JobFacts
from clustersim.operation.spec_parts.checkpoint import CheckpointSpec, Domain, Interval, LocalSpec, NeighbourSpec

KIND = "recovery"

NEWTON_STEPS, NEWTON_END = 100, 1e-13
"""Most iterations, and the relative change at which the exact interval is found."""

TierName = Literal["neighbour", "local", "storage"]
Loss = Literal["process", "server", "power", "pair", "site"]
"""What is gone when the job falls.

- ``process``: nothing but the ranks; memory and drives of every server are still there
- ``server``: servers that are replaced, of no pair both
- ``power``: the memory of all servers of a domain; their drives come back with them
- ``pair``: servers that are replaced, of a pair both
- ``site``: every server of the place
"""
SURVIVES: dict[TierName, tuple[Loss, ...]] = {
    "neighbour": ("process", "server"),
    "local": ("process", "power"),
    "storage": ("process", "server", "power", "pair", "site"),
}
_SIZES: tuple[str, ...] = ("server", "rack", "leaf", "feed", "building")


@dataclass(frozen=True)
class Tier:
    """One place for copies of the job's state."""

    name: TierName
    interval_s: float
    """Training time between two copies. [s]"""
    blocking_s: float
    """Pause of training for one copy. [s]"""
    write_s: float
    """Time from the end of the pause until the copy is safe; zero when training waits for it. [s]"""
    reload_s: float
    """Time to load the copy after a loss. [s]"""

    @property
    def survives(self) -> tuple[Loss, ...]:
        """Losses after which the copy is still there."""
        return SURVIVES[self.name]

    @property
    def effective_interval_s(self) -> float:
        """Time between two copies: a copy that is still being written puts off the next one. [s]"""
        return max(self.interval_s, self.write_s)


def loss_of(domain: str, *, replaces_server: bool, apart: Domain = "server") -> Loss:
    """Return what is gone when a domain fails.

    The sizes are taken as nested: server, rack, leaf, feed, building. A pair whose servers lie in two domains of size
    `apart` keeps one copy when a domain up to that size is lost.

    Parameters
    ----------
    domain : str
        ``server``, ``rack``, ``leaf``, ``feed``, ``building``; ``route`` or ``job`` when no server is touched.
    replaces_server : bool
        Whether other servers take the place of the lost ones; else they come back with their drives.
    apart : str
        What the two servers of a pair do not share.
    """
    if domain not in _SIZES:
        return "process"
    inside = _SIZES.index(domain) <= _SIZES.index(apart)
    if replaces_server:
        return "server" if inside else "pair"
    return "process" if inside else "power"


def tiers_of(
    spec: CheckpointSpec, job: JobFacts, losses: Sequence[tuple[Loss, float]], horizon_s: float
) -> tuple[Tier, ...]:
    """Return the tiers of a job, the nearest first and the storage last.

    Parameters
    ----------
    spec : CheckpointSpec
        Intervals, pauses, rates; what it leaves out is the catalog's.
    job : JobFacts
        Ranks, servers and bytes of the checkpoint.
    losses : sequence of (Loss, float)
        Of every cause, what is gone and how often. [1/s]
    horizon_s : float
        Interval of a tier with ``young_daly`` that nothing ever needs. [s]
    """
    tiers: list[Tier] = []
    if spec.tiers.neighbour is not None:
        tiers.append(_neighbour(spec.tiers.neighbour, job, _rate(losses, "neighbour", tiers), horizon_s))
    if spec.tiers.local is not None:
        tiers.append(_local(spec.tiers.local, job, _rate(losses, "local", tiers), horizon_s))
    tiers.append(_storage(spec, job, _rate(losses, "storage", tiers), horizon_s))
    return tuple(tiers)


def young_daly_interval(blocking_s: float, mtbf_s: float) -> float:
    """Return the training time [s] between checkpoints that loses least.

    ``sqrt(2 C M)`` with the cost `blocking_s` of one checkpoint and the mean time between failures `mtbf_s`
    (J. W. Young, Comm. ACM 17, 1974; first-order result of J. T. Daly, FGCS 22, 2006).

    Examples
    --------
    >>> young_daly_interval(40.0, 2000.0)
    400.0
    """
    return math.sqrt(2.0 * blocking_s * mtbf_s)


def daly_interval(blocking_s: float, mtbf_s: float) -> float:
    """Return Daly's higher-order interval [s]: ``sqrt(2 C M) (1 + x / 3 + x^2 / 9) - C`` with ``x = sqrt(C / 2 M)``.

    From ``C = 2 M`` on it is `mtbf_s` (J. T. Daly, FGCS 22, 2006, equation 37).
    """
    if blocking_s >= 2.0 * mtbf_s:
        return mtbf_s
    x = math.sqrt(blocking_s / (2.0 * mtbf_s))
    return young_daly_interval(blocking_s, mtbf_s) * (1.0 + x / 3.0 + x * x / 9.0) - blocking_s


def exact_interval(blocking_s: float, mtbf_s: float) -> float:
    """Return the interval [s] that minimises the expected time where failures are exponential.

    The expected time per second of work is ``M exp(R / M) (exp((T + C) / M) - 1) / T`` for any restart time `R` (Daly,
    as above); its minimum solves ``T / M + exp(-(T + C) / M) = 1``: Newton's method from above, as that is convex.
    """
    if blocking_s == 0.0:
        return 0.0
    cost = blocking_s / mtbf_s
    interval = 1.0
    for _ in range(NEWTON_STEPS):
        decay = math.exp(-(interval + cost))
        change = (interval + decay - 1.0) / (1.0 - decay)
        interval -= change
        if abs(change) <= NEWTON_END * interval:
            break
    return mtbf_s * interval


def _rate(losses: Sequence[tuple[Loss, float]], name: TierName, nearer: Sequence[Tier]) -> float:
    """Return the rate [1/s] of the losses that this tier survives and none that is nearer."""
    return math.fsum(
        rate for loss, rate in losses if loss in SURVIVES[name] and not any(loss in tier.survives for tier in nearer)
    )


def _interval(asked: Interval, blocking_s: float, rate: float, horizon_s: float) -> float:
    if asked != "young_daly":
        return asked
    return young_daly_interval(blocking_s, 1.0 / rate) if rate > 0.0 else horizon_s


def _neighbour(spec: NeighbourSpec, job: JobFacts, rate: float, horizon_s: float) -> Tier:
    figures = catalog.entry(KIND, "tier-neighbour")
    blocking = figures.si("blocking") if spec.blocking is None else spec.blocking
    transfer = job.checkpoint_bytes / job.gpus / (spec.bandwidth or figures.si("bandwidth"))
    return Tier("neighbour", _interval(spec.interval, blocking, rate, horizon_s), blocking, transfer, transfer)


def _local(spec: LocalSpec, job: JobFacts, rate: float, horizon_s: float) -> Tier:
    figures = catalog.entry(KIND, "tier-local")
    blocking = figures.si("blocking") if spec.blocking is None else spec.blocking
    share, drives = job.checkpoint_bytes / job.servers, figures.si("drives")
    write = share / (spec.write_bandwidth or drives * figures.si("write_per_drive"))
    read = share / (spec.read_bandwidth or drives * figures.si("read_per_drive"))
    return Tier("local", _interval(spec.interval, blocking, rate, horizon_s), blocking, write, read)


def _storage(spec: CheckpointSpec, job: JobFacts, rate: float, horizon_s: float) -> Tier:
    defaults = catalog.entry("reliability", "checkpoint")
    if spec.storage is None:
        writes = reads = spec.storage_bandwidth or defaults.si("storage_bandwidth")
    else:
        storage = _named("storage", spec.storage)
        writes, reads = storage.si("write"), storage.si("read")
    save, load = transfer_times(spec.framework, job.checkpoint_bytes, writes, reads, job.gpus)
    snapshot = defaults.si("blocking") if spec.blocking is None else spec.blocking
    blocking, write = (snapshot, save) if spec.asynchronous else (save, 0.0)
    return Tier("storage", _interval(spec.interval, blocking, rate, horizon_s), blocking, write, load)


def transfer_times(
    framework: str | None, size_bytes: float, write_bandwidth: float, read_bandwidth: float, ranks: int
) -> tuple[float, float]:
    """Return the times [s] to save and to load `size_bytes` on a storage of these bandwidths [B/s].

    ``planning_per_rank x ranks + bytes / min(bandwidth, the framework's rate)``; planning is part of a save only.
    Without a framework they are ``bytes / bandwidth``.

    Raises
    ------
    CatalogError
        If the framework is not in the catalog.
    """
    if framework is None:
        return size_bytes / write_bandwidth, size_bytes / read_bandwidth
    found = _named("framework", framework)
    save = found.si("planning_per_rank") * ranks + size_bytes / min(write_bandwidth, found.si("save"))
    return save, size_bytes / min(read_bandwidth, found.si("load"))


def _named(what: str, name: str) -> catalog.Entry:
    """Return the storage or framework called `name`."""
    found = {key: one for key, one in catalog.entries(KIND).items() if one.properties["kind_of"] == what}
    for key, one in found.items():
        if name == key or name in one.aliases:
            return one
    known = [alias for one in found.values() for alias in one.aliases]
    raise CatalogError(
        f"operation.checkpoint: unknown {what} {name!r}{nearest(name, known)}; use one of {', '.join(known)}"
    )
