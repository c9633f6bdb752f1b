"""From a fabric to the shares that one accelerator has of it, to blocks of ranks and to path latency."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from clustersim.errors import CapacityError
from clustersim.fabric.fat_tree import SiteFabric
from clustersim.fabric.multi_site import Fabric, wan_path, wan_ring_bandwidth
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
    goodput, shape = fabric.spec.goodput, tree.shape
    leaf = goodput * shape.leaf_up * tree.port_rate / tree.endpoints_per_leaf
    shares = {
        "scale_up": tree.site.scale_up_bandwidth,
        "nic": goodput * tree.site.nic_bandwidth,
        "leaf": leaf,
        "spine": leaf * shape.spine_up / shape.spine_down if shape.spine_up else math.inf,
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


def hop_count(fabric: Fabric, rank_a: int, rank_b: int) -> int:
    """Return the switches between two ranks of the full place.

    None inside a scale-up domain, 1 under one leaf, 3 in one pod (or one two-tier tree), 5 across pods; between
    sites all tiers at both ends, and one core switch at each site on the way.
    """
    a, b, blocks = _locate(fabric, rank_a, rank_b)
    for level, switches in (("scale_up", 0), ("leaf", 1), ("pod", 3), ("site", 5)):
        if blocks[level]:
            return switches
    return 2 * fabric.spec.tiers + len(wan_path(fabric, a.site.name, b.site.name)) - 1


def path_latency(fabric: Fabric, rank_a: int, rank_b: int) -> float:
    """Return the one-way delay of switches and fibre between two ranks [s]; NICs and software are not counted."""
    a, b, _ = _locate(fabric, rank_a, rank_b)
    fibre = math.fsum(route.one_way_s for route in wan_path(fabric, a.site.name, b.site.name))
    return hop_count(fabric, rank_a, rank_b) * fabric.spec.hop_latency + fibre


def _locate(fabric: Fabric, rank_a: int, rank_b: int) -> tuple[SiteFabric, SiteFabric, dict[str, bool]]:
    """Return the trees of two ranks and, per level, whether they share the block."""
    for rank in (rank_a, rank_b):
        if not 0 <= rank < fabric.endpoints:
            raise CapacityError(f"expected a rank from 0 to {fabric.endpoints - 1}, got {rank}")
    blocks = placement(fabric).blocks(np.array([rank_a, rank_b]))
    a, b = (fabric.sites[int(index)] for index in blocks["site"])
    return a, b, {level: bool(found[0] == found[1]) for level, found in blocks.items()}
