"""From a fabric to the shares that one accelerator has of it, to blocks of ranks and to path latency."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from clustersim.errors import CapacityError
from clustersim.fabric.multi_site import Fabric, wan_path, wan_ring_bandwidth
from clustersim.fabric.site import SiteFabric
from clustersim.fabric.traffic import Placement


def accelerator_resources(
    fabric: Fabric, site: str | None = None, ranks: Sequence[int] | None = None
) -> dict[str, float]:
    """Return what one accelerator can send through each resource [B/s]; ``wan`` only where there are several sites.

    NIC, uplinks and WAN are line rate times goodput, shared evenly by the accelerators below: a leaf uplink share is
    ``leaf_up * port_rate / endpoints_per_leaf``, a spine uplink share that times ``spine_up / spine_down``, the WAN
    share :func:`~clustersim.fabric.multi_site.wan_ring_bandwidth` over the ranks of the site. A two-tier tree
    has no spine uplinks, that share is infinite. The scale-up bandwidth is taken as it is.

    Parameters
    ----------
    fabric : Fabric
        The place.
    site : str, optional
        The site to look at; when left out, the least share of all sites.
    ranks : sequence of int, optional
        Ranks of the job at each site, which share the WAN; all accelerators when left out.

    Raises
    ------
    InputError
        If the place has no such site.
    CapacityError
        If a site has fewer accelerators than ranks.
    """
    if site is None:
        each = [accelerator_resources(fabric, tree.site.name, ranks) for tree in fabric.sites]
        return {resource: min(shares[resource] for shares in each) for resource in each[0]}
    tree = fabric.site(site)
    goodput = fabric.spec.goodput
    leaf, spine = tree.uplink_shares
    shares = {
        "scale_up": tree.site.scale_up_bandwidth,
        "nic": goodput * tree.site.nic_bandwidth,
        "leaf": goodput * leaf,
        "spine": goodput * spine,
    }
    if fabric.wan:
        sharing = placement(fabric, ranks).sites[fabric.sites.index(tree)]
        shares["wan"] = goodput * wan_ring_bandwidth(fabric) / sharing
    return shares


def placement(fabric: Fabric, ranks: Sequence[int] | None = None) -> Placement:
    """Return where the ranks of a job sit.

    Parameters
    ----------
    fabric : Fabric
        The place.
    ranks : sequence of int, optional
        Ranks at each site; all accelerators when left out.

    Raises
    ------
    CapacityError
        If a site has fewer accelerators than ranks.
    """
    wanted = tuple(ranks) if ranks is not None else tuple(tree.site.endpoints for tree in fabric.sites)
    for tree, count in zip(fabric.sites, wanted, strict=True):
        if count > tree.site.endpoints:
            raise CapacityError(f"site {tree.site.name} has {tree.site.endpoints:,} accelerators, the job {count:,}")
    return Placement(
        wanted,
        scale_up=tuple(tree.site.scale_up_domain for tree in fabric.sites),
        leaf=tuple(tree.endpoints_per_leaf for tree in fabric.sites),
        pod=tuple(tree.endpoints_per_pod for tree in fabric.sites),
    )


def _tiers(fabric: Fabric, rank_a: int, rank_b: int) -> tuple[SiteFabric, SiteFabric, tuple[str, ...] | None]:
    """Return the sites of two ranks and the tiers of the switches between them; None at different sites."""
    a, b, blocks = _locate(fabric, rank_a, rank_b)
    if a is not b:
        return a, b, None
    return a, b, a.hops(next(level for level in ("scale_up", "leaf", "pod", "site") if blocks[level]))


def hop_count(fabric: Fabric, rank_a: int, rank_b: int) -> int:
    """Return the switches between two ranks of the full place.

    In a tree none inside a scale-up domain, 1 under one leaf, 3 in one pod (or one two-tier tree), 5 across pods;
    between sites all tiers at both ends, and one switch at each site on the way.
    """
    a, b, tiers = _tiers(fabric, rank_a, rank_b)
    if tiers is not None:
        return len(tiers)
    through = len(wan_path(fabric, a.site.name, b.site.name)) - 1
    return len(a.to_the_fibre()) + len(b.to_the_fibre()) + through


def path_latency(fabric: Fabric, rank_a: int, rank_b: int) -> float:
    """Return the one-way delay of switches and fibre between two ranks [s]; NICs and software are not counted."""
    a, b, tiers = _tiers(fabric, rank_a, rank_b)
    if tiers is not None:
        return a.hop_latency(tiers)
    way = wan_path(fabric, a.site.name, b.site.name)
    switches = a.hop_latency(a.to_the_fibre()) + b.hop_latency(b.to_the_fibre())
    return switches + (len(way) - 1) * fabric.spec.hop_latency + math.fsum(route.one_way_s for route in way)


def _locate(fabric: Fabric, rank_a: int, rank_b: int) -> tuple[SiteFabric, SiteFabric, dict[str, bool]]:
    """Return the trees of two ranks and, per level, whether they share the block."""
    for rank in (rank_a, rank_b):
        if not 0 <= rank < fabric.endpoints:
            raise CapacityError(f"expected a rank from 0 to {fabric.endpoints - 1}, got {rank}")
    blocks = placement(fabric).blocks(np.array([rank_a, rank_b]))
    a, b = (fabric.sites[int(index)] for index in blocks["site"])
    return a, b, {level: bool(found[0] == found[1]) for level, found in blocks.items()}
