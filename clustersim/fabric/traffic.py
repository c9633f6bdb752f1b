"""Which share of a group's traffic passes through which resource of an accelerator, from where its members sit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import CapacityError

RESOURCES = ("scale_up", "nic", "leaf", "spine", "wan")
"""What an accelerator sends through: its scale-up port, its NIC, and its shares of leaf uplinks, spine uplinks, WAN."""

Pattern = Literal["ring", "all_to_all"]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Placement:
    """Where ranks sit: numbered from 0, site after site, in consecutive blocks inside a site."""

    sites: tuple[int, ...]
    """Ranks at each site."""
    scale_up: int | tuple[int, ...]
    """Ranks of a scale-up domain; one number for all sites, or one per site."""
    leaf: int | tuple[int, ...]
    """Ranks under a leaf switch, likewise."""
    pod: int | tuple[int, ...]
    """Ranks under the spines of one pod, likewise."""

    def __post_init__(self) -> None:
        """Refuse blocks without ranks, and block sizes that are neither one nor one per site."""
        if min(self.sites) < 1 or any(self._width(level).min() < 1 for level in ("scale_up", "leaf", "pod")):
            raise ValueError("expected every block of a placement to hold at least one rank")

    def _width(self, level: str) -> Ints:
        """Return the ranks of a full block of `level` at each site."""
        return np.broadcast_to(np.asarray(getattr(self, level), dtype=np.int64), (len(self.sites),))

    @property
    def ranks(self) -> int:
        """Ranks of all sites."""
        return sum(self.sites)

    def blocks(self, ranks: Ints) -> dict[str, Ints]:
        """Return the number of the scale-up domain, leaf, pod and site of each rank; blocks count on over the sites."""
        first = np.concatenate(([0], np.cumsum(self.sites)))
        site = np.searchsorted(first, ranks, side="right") - 1
        local = ranks - first[site]
        found = {"site": site}
        for level in ("scale_up", "leaf", "pod"):
            width = self._width(level)
            before = np.concatenate(([0], np.cumsum(-(-np.array(self.sites) // width))))
            found[level] = before[site] + local // width[site]
        return found

    def sharers(self) -> dict[str, Floats]:
        """Return the ranks that share each scale-up domain, leaf, pod and site.

        A partly filled leaf counts as full, for it has all its uplinks; a pod counts its leaves as full.
        """
        everyone = self.blocks(np.arange(self.ranks, dtype=np.int64))
        found = {level: np.bincount(block).astype(np.float64) for level, block in everyone.items()}
        leaves, pods = (-(-np.array(self.sites) // self._width(level)) for level in ("leaf", "pod"))
        leaf = self._width("leaf").astype(np.float64)
        found["leaf"] = np.repeat(leaf, leaves)
        found["pod"] = np.ceil(found["pod"] / np.repeat(leaf, pods)) * np.repeat(leaf, pods)
        return found


@dataclass(frozen=True)
class TrafficClass:
    """One kind of communication, as seen by one of the accelerators that take part."""

    name: str
    group: int
    """Members of one group."""
    usage: Mapping[str, float]
    """Bytes through each resource per byte that the accelerator sends; keys from `RESOURCES`, zeros left out."""
    weight: float = 1.0
    """Weight of the class where it shares a resource with another."""

    def __post_init__(self) -> None:
        """Refuse unknown resources, negative use and weights that are not positive."""
        unknown = set(self.usage) - set(RESOURCES)
        if unknown or min(self.usage.values(), default=0.0) < 0.0 or not self.weight > 0.0:
            raise ValueError(f"traffic class {self.name!r}: expected use >= 0 of {', '.join(RESOURCES)} and weight > 0")


def group_ranks(ranks: int, size: int, stride: int) -> Ints:
    """Return the members of every group of `size` ranks that lie `stride` apart.

    Ranks are tiled by blocks of ``size * stride``; ranks after the last whole block are in no group.

    Returns
    -------
    ndarray of int, shape (groups, size)

    Raises
    ------
    CapacityError
        If one group needs more ranks than there are.
    """
    if size < 1 or stride < 1:
        raise ValueError(f"expected a group size and a stride of at least 1, got {size} and {stride}")
    span = size * stride
    if span > ranks:
        raise CapacityError(f"a group of {size} ranks {stride} apart spans {span} ranks, and there are {ranks}")
    tiles = np.arange(ranks // span, dtype=np.int64)[:, None, None] * span
    members = tiles + np.arange(stride)[None, :, None] + np.arange(size)[None, None, :] * stride
    return members.reshape(-1, size)


def _leaving(blocks: Ints, pattern: Pattern) -> tuple[Floats, Floats]:
    """Return the share of its bytes that each member sends out of, and gets from outside, its own block.

    `blocks` has shape (groups, size), and so have the results.
    """
    if pattern == "ring":
        out = (blocks != np.roll(blocks, -1, axis=1)).astype(np.float64)
        return out, np.roll(out, 1, axis=1)
    # Members of the same group and block, counted by sorting: groups of thousands need no list of pairs.
    groups, size = blocks.shape
    keys = blocks + np.arange(groups)[:, None] * (int(blocks.max()) + 1)
    _, which, count = np.unique(keys, return_inverse=True, return_counts=True)
    out = 1.0 - (count[which].reshape(groups, size) - 1.0) / (size - 1.0)
    return out, out


def _worst(shares: Floats, blocks: Ints, ranks: Floats) -> float:
    """Return the largest sum of shares over a block, per rank of it; `ranks` holds the ranks of each block."""
    return float(np.max(np.bincount(blocks.ravel(), shares.ravel(), ranks.size) / ranks))


def group_traffic(
    name: str, placement: Placement, size: int, stride: int, pattern: Pattern, weight: float = 1.0
) -> TrafficClass:
    """Return the traffic class of process groups of `size` ranks that lie `stride` apart.

    A byte that stays in the scale-up domain uses the scale-up port; any other uses the NIC; it uses leaf uplinks,
    spine uplinks and the WAN when sender and receiver have not the same leaf, pod and site. The use of a resource is
    the mean over the ranks that share it (the NICs of a domain, the uplinks of a leaf or pod, the fibre of a site), in
    the direction and at the place where it is largest, since a collective waits for its slowest member.

    Parameters
    ----------
    name : str
        Name of the class.
    placement : Placement
        Where ranks sit.
    size, stride : int
        Members of a group and the distance between neighbours in rank.
    pattern : {"ring", "all_to_all"}
        Whether a member sends to the next member only, or the same to each other member.
    weight : float
        Weight of the class where it shares a resource.

    Raises
    ------
    CapacityError
        If one group needs more ranks than the placement has.
    """
    members = group_ranks(placement.ranks, size, stride)
    if size == 1:
        return TrafficClass(name, size, {}, weight)
    blocks = {level: found.reshape(members.shape) for level, found in placement.blocks(members.ravel()).items()}
    sizes = placement.sharers()
    domain_shares = _leaving(blocks["scale_up"], pattern)
    usage = {"scale_up": _worst(1.0 - domain_shares[0], blocks["scale_up"], sizes["scale_up"])}
    for resource, level in (("nic", "scale_up"), ("leaf", "leaf"), ("spine", "pod"), ("wan", "site")):
        leaving = _leaving(blocks[level], pattern)
        # A domain may be wider than a leaf (72 accelerators, 64 ports): what stays in it never meets a switch.
        both = [np.minimum(own, domain) for own, domain in zip(leaving, domain_shares, strict=True)]
        usage[resource] = max(_worst(share, blocks[level], sizes[level]) for share in both)
    return TrafficClass(name, size, {resource: use for resource, use in usage.items() if use > 0.0}, weight)
