"""How far apart accelerators are: switches on the way, and the delay of switches, cables and fibre."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clustersim import catalog
from clustersim.fabric.cables import SiteCables
from clustersim.fabric.clos import ClosFabric
from clustersim.fabric.multi_site import Fabric, wan_path
from clustersim.fabric.site import SiteFabric

BLOCKS = ("scale_up", "leaf", "pod", "site")
"""Blocks of a site, from the inside out."""
SAME_RAIL, INSIDE, OVER_SPINE = "same_rail", "inside_the_server", "over_the_spine"
"""Ways within a group of rails: under one leaf; to the other rail inside the server first; over the spine."""


@dataclass(frozen=True)
class Latency:
    """The one-way delay between two accelerators; network cards and software are not counted."""

    a: str
    """Site of the one."""
    b: str
    """Site of the other."""
    block: str
    """Smallest block that holds both: scale_up, leaf, pod or site; ``sites`` at different sites.

    Where the cards of a server hang on several leaves (rails), ``leaf`` is for two of the same rail, and ``group`` for
    two of different rails whose leaves are of one group.
    """
    hops: int
    """Switches on the way."""
    switches_s: float
    """[s]"""
    cables_s: float
    """Of cables of median length; 0 where the delay of the switches has them in it. [s]"""
    fibre_s: float
    """[s]"""
    way: str = ""
    """In fabrics with rails, where it matters: `SAME_RAIL`, `INSIDE` or `OVER_SPINE`."""

    @property
    def total_s(self) -> float:
        """Sum of the parts. [s]"""
        return self.switches_s + self.cables_s + self.fibre_s


def cable_delay() -> float:
    """Return the delay of fibre cable from the catalog [s/m].

    Raises
    ------
    CatalogError
        If the catalog lacks it.
    """
    return catalog.entry("networks", "fibre").si("delay")


def hall_cable_delay(fabric: Fabric) -> float:
    """Return what a metre of cable in a hall adds to the delay of the switches [s/m]; 0 where it is in that already."""
    return 0.0 if fabric.spec.hop_latency_with_cables else cable_delay()


def blocks_of(tree: SiteFabric) -> tuple[str, ...]:
    """Return the blocks of a site whose accelerators do not all share a smaller block."""
    sizes = (1, tree.site.scale_up_domain, tree.endpoints_per_leaf, tree.endpoints_per_pod, tree.site.endpoints)
    reached, found = 1, []
    for block, size in zip(BLOCKS, sizes[1:], strict=True):
        held = min(size, tree.site.endpoints)
        if held > reached:
            found.append(block)
            reached = held
    return tuple(found)


def rail_ways(tree: SiteFabric) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Return block, way and tiers of switches between accelerators of one group of rails; nothing without rails.

    Two of the same rail share a leaf. To another rail a flow changes rails inside the sender's server and then crosses
    one leaf (policy ``rail_local``), or, where the leaves are of one tree, goes over the spine.
    """
    if not isinstance(tree, ClosFabric) or (tree.rails == 1 and (tree.planes == 1 or tree.spec.split_ports)):
        return ()
    found = [("leaf", SAME_RAIL, tree.hops("leaf")), ("group", INSIDE, tree.hops("leaf"))]
    if tree.rails > 1:
        found.append(("group", OVER_SPINE, tree.hops("pod")))
    return tuple(found)


def latency_matrix(fabric: Fabric, cables: Sequence[SiteCables]) -> tuple[Latency, ...]:
    """Return the delay between two accelerators of each block of each site, and of each pair of sites.

    Switches: the sum of their ``hop_latency``. Cables: median length of each kind of link on the way times the delay
    of fibre (catalog kind ``networks``, entry ``fibre``); none where the fabric's ``hop_latency_with_cables`` says that
    they are in the delay of the switches. Fibre between sites: the path of least delay. Inside a
    scale-up domain no switch of the fabric is crossed and the delay is given as 0.

    Parameters
    ----------
    fabric : Fabric
        The place.
    cables : sequence of SiteCables
        As :func:`~clustersim.fabric.cables.site_cables` gives them.
    """
    median = {tree.site.name: _medians(tree, cables) for tree in fabric.sites}
    delay = hall_cable_delay(fabric)
    found = []
    for tree in fabric.sites:
        name = tree.site.name
        for block in blocks_of(tree):
            ways = rail_ways(tree) if block == "leaf" else ()
            for called, rail, tiers in ways or ((block, "", tree.hops(block)),):
                way = _way(("host", *tiers, "host"), median[name]) if tiers else 0.0
                switches = tree.hop_latency(tiers)
                found.append(Latency(name, name, called, len(tiers), switches, way * delay, 0.0, rail))
    for a, b in itertools.combinations(fabric.sites, 2):
        route = wan_path(fabric, a.site.name, b.site.name)
        ends = [(tree, tree.to_the_fibre()) for tree in (a, b)]
        hops = sum(len(tiers) for _, tiers in ends) + len(route) - 1
        switches = math.fsum(tree.hop_latency(tiers) for tree, tiers in ends)
        way = math.fsum(_way(("host", *tiers), median[tree.site.name]) for tree, tiers in ends)
        found.append(
            Latency(
                a.site.name,
                b.site.name,
                "sites",
                hops,
                switches + (len(route) - 1) * fabric.spec.hop_latency,
                way * delay,
                math.fsum(part.one_way_s for part in route),
            )
        )
    return tuple(found)


def diameter(matrix: Sequence[Latency]) -> int:
    """Return the switches between the two accelerators that are farthest apart."""
    return max((found.hops for found in matrix), default=0)


def _medians(tree: SiteFabric, cables: Sequence[SiteCables]) -> Mapping[frozenset[str], float]:
    """Return the median length of the cables between two tiers, the longest where there are several kinds [m]."""
    lengths: dict[frozenset[str], float] = {}
    for found in cables:
        if found.site == tree.site.name:
            ends = frozenset((found.run.tier.lower, found.run.tier.upper))
            lengths[ends] = max(lengths.get(ends, 0.0), found.run.quantile(0.5))
    return lengths


def _way(tiers: Sequence[str], medians: Mapping[frozenset[str], float]) -> float:
    """Return the length of the cables along a row of tiers [m]; the longest kind where two tiers have no kind of link.

    A group of a dragonfly is left over links whose ends the tiers do not tell.
    """
    longest = max(medians.values(), default=0.0)
    return math.fsum(medians.get(frozenset(pair), longest) for pair in itertools.pairwise(tiers))
