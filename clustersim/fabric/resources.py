"""From a fabric to the shares that one accelerator has of it, and to blocks of ranks."""

from __future__ import annotations

from collections.abc import Sequence

from clustersim.errors import CapacityError
from clustersim.fabric.multi_site import Fabric, wan_ring_bandwidth
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
