"""Fat trees of two or three tiers, full or partly filled: how many switches and links of which kind."""

from __future__ import annotations

import math
from dataclasses import dataclass

from clustersim.errors import CapacityError, InputError
from clustersim.fabric.spec import FabricSpec

_ROUNDING = 1e-9
"""Slack when a ratio of rates should be whole."""


@dataclass(frozen=True)
class SiteEndpoints:
    """What a site attaches to the fabric: accelerators, all alike."""

    name: str
    endpoints: int
    """Accelerators of the site."""
    lat: float
    """Latitude. [degree]"""
    lon: float
    """Longitude. [degree]"""
    scale_up_domain: int
    """Accelerators of a scale-up domain."""
    scale_up_bandwidth: float
    """Of one accelerator, one direction. [B/s]"""
    nic_bandwidth: float
    """Of one accelerator, one direction. [B/s]"""


@dataclass(frozen=True)
class TreeShape:
    """Ports of each kind of switch and the blocks of a full tree."""

    leaf_down: int
    leaf_up: int
    spine_down: int
    spine_up: int
    """0 in a two-tier tree."""
    pods: int
    """Most pods; 1 in a two-tier tree."""

    @property
    def leaves(self) -> int:
        """Most leaf switches: a spine has one port for each leaf of its pod."""
        return self.spine_down * self.pods


def _split(radix: int, ratio: float, tier: str) -> tuple[int, int]:
    """Return ports down and up of a switch, down over up at most `ratio`."""
    up = math.floor(radix / (1.0 + ratio) + _ROUNDING)
    if up < 1:
        raise InputError(f"fabric.oversubscription.{tier}: {ratio:g} leaves no uplink on a switch of {radix} ports")
    return min(radix - up, math.floor(ratio * up + _ROUNDING)), up


def tree_shape(spec: FabricSpec) -> TreeShape:
    """Return ports and blocks of the largest tree of `spec`.

    Non-blocking trees of radix k hold k**2 / 2 endpoints in two tiers and k**3 / 4 in three [1]_.

    Raises
    ------
    InputError
        If the radix is too small for the oversubscription.

    References
    ----------
    .. [1] M. Al-Fares, A. Loukissas and A. Vahdat, A scalable, commodity data center network architecture,
       SIGCOMM 2008.
    """
    leaf_down, leaf_up = _split(spec.radix, spec.oversubscription.leaf, "leaf")
    if spec.tiers == 2:
        return TreeShape(leaf_down, leaf_up, spine_down=spec.radix, spine_up=0, pods=1)
    spine_down, spine_up = _split(spec.radix, spec.oversubscription.spine, "spine")
    return TreeShape(leaf_down, leaf_up, spine_down, spine_up, pods=spec.radix)


@dataclass(frozen=True)
class SiteFabric:
    """The tree of one site: counts of switches and of links, each link of one port rate in each direction."""

    site: SiteEndpoints
    shape: TreeShape
    port_rate: float
    """Line rate of a port, one direction. [B/s]"""
    scale_up_domains: int
    endpoints_per_leaf: int
    leaf_switches: int
    spine_switches: int
    core_switches: int
    host_links: int
    leaf_spine_links: int
    spine_core_links: int

    @property
    def pods(self) -> int:
        """Pods that hold leaf switches; the last may be partly filled."""
        return math.ceil(self.leaf_switches / self.shape.spine_down)

    @property
    def endpoints_per_pod(self) -> int:
        """Accelerators of a full pod."""
        return self.endpoints_per_leaf * self.shape.spine_down

    @property
    def switches(self) -> int:
        """Switches of all tiers."""
        return self.leaf_switches + self.spine_switches + self.core_switches

    @property
    def switch_links(self) -> int:
        """Links between switches."""
        return self.leaf_spine_links + self.spine_core_links

    def leaves_of(self, pod: int) -> int:
        """Leaf switches of pod number `pod`."""
        return min(self.shape.spine_down, self.leaf_switches - pod * self.shape.spine_down)

    def spines_of(self, pod: int) -> int:
        """Spine switches of pod number `pod`: as many as its leaf uplinks need."""
        return math.ceil(self.leaves_of(pod) * self.shape.leaf_up / self.shape.spine_down)


def _endpoints_and_links(site: SiteEndpoints, shape: TreeShape, port_rate: float) -> tuple[int, int]:
    """Return accelerators per leaf and host links of the site.

    A NIC faster than a port takes several ports; one port serves several accelerators when it is faster than they are.
    """
    ratio = site.nic_bandwidth / port_rate
    if ratio > 1.0 + _ROUNDING:
        ports = math.ceil(ratio - _ROUNDING)
        return shape.leaf_down // ports, site.endpoints * ports
    sharing = math.floor(1.0 / ratio + _ROUNDING)
    return shape.leaf_down * sharing, math.ceil(site.endpoints / sharing)


def build_tree(spec: FabricSpec, site: SiteEndpoints) -> SiteFabric:
    """Return the smallest tree of `spec` that holds the accelerators of `site`.

    Each tier is filled before the next switch is added: leaf switches = ceil(N / endpoints per leaf), spines of a pod =
    ceil(leaf uplinks / spine down-ports), cores = ceil(spine uplinks / radix).

    Raises
    ------
    CapacityError
        If the tree cannot hold so many; the message says how many it can.
    InputError
        If the site has no accelerator or no bandwidth, or one accelerator needs more ports than a leaf has.
    """
    if site.endpoints < 1 or site.scale_up_domain < 1 or not site.nic_bandwidth > 0.0:
        raise InputError(f"site {site.name}: expected accelerators, a scale-up domain and a NIC bandwidth above 0")
    shape = tree_shape(spec)
    per_leaf, host_links = _endpoints_and_links(site, shape, spec.port_rate)
    if per_leaf < 1:
        raise InputError(f"site {site.name}: one accelerator needs more ports than the {shape.leaf_down} of a leaf")
    most = per_leaf * shape.leaves
    if site.endpoints > most:
        raise CapacityError(
            f"site {site.name}: a fat tree of {spec.tiers} tiers and radix {spec.radix} holds at most {most:,} "
            f"accelerators, and the site has {site.endpoints:,}; use more tiers, a larger radix or oversubscription"
        )
    leaves = math.ceil(site.endpoints / per_leaf)
    full_pods, rest = divmod(leaves, shape.spine_down)
    spines = full_pods * shape.leaf_up + math.ceil(rest * shape.leaf_up / shape.spine_down)
    return SiteFabric(
        site=site,
        shape=shape,
        port_rate=spec.port_rate,
        scale_up_domains=math.ceil(site.endpoints / site.scale_up_domain),
        endpoints_per_leaf=per_leaf,
        leaf_switches=leaves,
        spine_switches=spines,
        core_switches=math.ceil(spines * shape.spine_up / spec.radix),
        host_links=host_links,
        leaf_spine_links=leaves * shape.leaf_up,
        spine_core_links=spines * shape.spine_up,
    )
