"""Folded Clos networks: fat trees of two or three tiers, rail-optimised, in several planes; full or partly filled."""

from __future__ import annotations

import math
from dataclasses import dataclass

from clustersim import catalog
from clustersim.errors import CapacityError, InputError
from clustersim.fabric.clos_cuts import least_cut
from clustersim.fabric.site import (
    LinkTier,
    SiteEndpoints,
    SiteFabric,
    SwitchTier,
    check_policy,
    check_rails,
    ports_and_sharing,
)
from clustersim.fabric.spec import ClosSpec, TierSpec
from clustersim.fabric.wiring import Policy, Wiring

_ROUNDING = 1e-9
"""Slack when a ratio of rates should be whole."""


@dataclass(frozen=True)
class TreeShape:
    """Ports of each kind of switch and the blocks of a full tree."""

    leaf_down: int
    leaf_up: int
    spine_down: int
    spine_up: int
    """0 in a two-tier tree."""
    core_down: int
    """0 in a two-tier tree."""
    leaves_of_pod: int
    """A spine has one port for each leaf of its pod; whole groups of rails."""
    pods: int
    """Most pods; 1 in a two-tier tree."""

    @property
    def leaves(self) -> int:
        """Most leaf switches."""
        return self.leaves_of_pod * self.pods

    @property
    def spines_of_pod(self) -> int:
        """Spines of a full pod."""
        return math.ceil(self.leaves_of_pod * self.leaf_up / self.spine_down)


def _split(radix: int, ratio: float, tier: str) -> tuple[int, int]:
    """Return ports down and up of a switch, down over up at most `ratio`."""
    up = math.floor(radix / (1.0 + ratio) + _ROUNDING)
    if up < 1:
        raise InputError(f"fabric.oversubscription.{tier}: {ratio:g} leaves no uplink on a switch of {radix} ports")
    return min(radix - up, math.floor(ratio * up + _ROUNDING)), up


def _ports(tier: TierSpec, default: tuple[int, int]) -> tuple[int, int]:
    return tier.down or default[0], tier.up or default[1]


def tree_shape(spec: ClosSpec) -> TreeShape:
    """Return ports and blocks of the largest tree of `spec`; in a multi-plane fabric, of one plane.

    Non-blocking trees of radix k hold k**2 / 2 endpoints in two tiers and k**3 / 4 in three [1]_.

    Raises
    ------
    InputError
        If the radix is too small for the oversubscription or for the rails.

    References
    ----------
    .. [1] M. Al-Fares, A. Loukissas and A. Vahdat, A scalable, commodity data center network architecture,
       SIGCOMM 2008.
    """
    # a leaf's uplinks may be faster than its ports to hosts: as many as carry the same
    faster = spec.between_switches / spec.port_rate
    above = math.floor(spec.radix / faster + _ROUNDING)
    down, up = _split(spec.radix, spec.oversubscription.leaf, "leaf")
    leaf_down, leaf_up = _ports(spec.leaf, (down, max(1, math.floor(up / faster + _ROUNDING))))
    if spec.tiers == 2:
        spine_down, spine_up, core_down, pods = _ports(spec.spine, (above, 0))[0], 0, 0, 1
    else:
        spine_down, spine_up = _ports(spec.spine, _split(above, spec.oversubscription.spine, "spine"))
        core_down = spec.core.down or above
        pods = core_down
    rails = spec.rails_in_plane
    if spine_down < rails:
        raise InputError(
            f"fabric.rails: a spine has {spine_down} ports down, too few for the {rails} leaves of a group"
        )
    return TreeShape(leaf_down, leaf_up, spine_down, spine_up, core_down, spine_down - spine_down % rails, pods)


@dataclass(frozen=True)
class ClosFabric(SiteFabric):
    """The trees of one site: one, or one per plane, all alike."""

    site: SiteEndpoints
    spec: ClosSpec
    shape: TreeShape
    attached: int
    """Accelerators with a port in a plane."""
    ports: int
    """Ports that an accelerator takes in a plane."""
    sharing: int
    """Accelerators that share a port."""
    leaf_width: int
    """Accelerators under one leaf."""
    leaf_switches: int
    """Of one plane, as all counts below."""
    spine_switches: int
    core_switches: int

    @property
    def planes(self) -> int:
        """Separate trees."""
        return self.spec.trees

    @property
    def rails(self) -> int:
        """Leaves of a plane over which a server is spread."""
        return self.spec.rails_in_plane

    @property
    def policies(self) -> tuple[Policy, ...]:
        """All but Valiant's, which a tree has no use for."""
        return ("ecmp", "static", "spread", "rail_local")

    @property
    def host_rate(self) -> float:
        """Line rate of a port to a host. [B/s]"""
        return self.spec.port_rate

    @property
    def uplink_rate(self) -> float:
        """Line rate of a link between switches. [B/s]"""
        return self.spec.between_switches

    @property
    def pods(self) -> int:
        """Pods of a plane that hold leaf switches; the last may be partly filled."""
        return math.ceil(self.leaf_switches / self.shape.leaves_of_pod)

    @property
    def switch_tiers(self) -> tuple[SwitchTier, ...]:
        """Leaf, spine and, with three tiers, core switches of all planes."""
        counts = {"leaf": self.leaf_switches, "spine": self.spine_switches, "core": self.core_switches}
        return tuple(
            SwitchTier(name, self._tier(name).switch or self.spec.switch, count * self.planes, self._latency(name))
            for name, count in counts.items()
            if count
        )

    @property
    def link_tiers(self) -> tuple[LinkTier, ...]:
        """Links of all planes."""
        hosts = math.ceil(self.attached / self.sharing) if self.sharing > 1 else self.attached * self.ports
        tiers = [
            LinkTier("host", "leaf", hosts * self.planes, self.host_rate),
            LinkTier("leaf", "spine", self.leaf_switches * self.shape.leaf_up * self.planes, self.uplink_rate),
        ]
        if self.core_switches:
            links = self.spine_switches * self.shape.spine_up * self.planes
            tiers.append(LinkTier("spine", "core", links, self.uplink_rate))
        return tuple(tiers)

    @property
    def endpoints_per_leaf(self) -> int:
        """Accelerators under one leaf, or under the leaves of a group of rails."""
        return self.leaf_width * self.rails * self._rail_planes

    @property
    def endpoints_per_pod(self) -> int:
        """Accelerators of a full pod, of all its rails."""
        return self.leaf_width * self.shape.leaves_of_pod * self._rail_planes

    @property
    def uplink_shares(self) -> tuple[float, float]:
        """Uplinks of a leaf over its accelerators, and of a full pod over its own. [B/s]"""
        planes_of_one = self.planes if self.spec.split_ports else 1
        leaf = planes_of_one * self.shape.leaf_up * self.uplink_rate / self.leaf_width
        if not self.shape.spine_up:
            return leaf, math.inf
        below = self.leaf_width * self.shape.leaves_of_pod
        return leaf, planes_of_one * self.shape.spines_of_pod * self.shape.spine_up * self.uplink_rate / below

    @property
    def bisection(self) -> float:
        """What the first half of the accelerators can send to the second. [B/s]

        See :func:`clustersim.fabric.clos_cuts.least_cut`.
        """
        return least_cut(self)

    def tier_bisection(self) -> dict[str, float]:
        """Return the same where only the links of one kind are limited [B/s]; kinds without a limit are left out.

        Where half of a pod is on either side, the core alone is no limit: its links count together with those inside.
        """
        hosts, *between = self.link_tiers
        cuts = {hosts.name: least_cut(self, leaves=False, spines=False)}
        if self.leaf_switches > self.rails:
            cuts["leaf-spine"] = least_cut(self, hosts=False, spines=False)
        if self.pods > 1 and any(tier.name == "spine-core" for tier in between):
            cuts["spine-core"] = least_cut(self)
        return cuts

    def hops(self, block: str) -> tuple[str, ...]:
        """Return the tiers between two accelerators: leaf, up to the spine of a pod, or up to the core."""
        if block == "site" and not self.core_switches:
            block = "pod"
        return {
            "scale_up": (),
            "leaf": ("leaf",),
            "pod": ("leaf", "spine", "leaf"),
            "site": ("leaf", "spine", "core", "spine", "leaf"),
        }[block]

    def to_the_fibre(self) -> tuple[str, ...]:
        """Return all tiers: the fibre ends at the topmost."""
        return tuple(tier.name for tier in self.switch_tiers)

    def wiring(self, policy: Policy) -> Wiring:
        """Return the links of the site, or its trunks where packets are spread."""
        check_policy(self.policies, policy, "tree")
        # built where it is used: the arrays of 200,000 accelerators take 30 MB
        from clustersim.fabric.clos_links import ClosLinks
        from clustersim.fabric.clos_trunks import ClosTrunks

        return ClosLinks(self, policy) if policy in ("ecmp", "static") else ClosTrunks(self, policy)

    def leaves_in(self, pod: int) -> int:
        """Leaf switches of pod number `pod` of a plane."""
        return min(self.shape.leaves_of_pod, self.leaf_switches - pod * self.shape.leaves_of_pod)

    def spines_in(self, pod: int) -> int:
        """Spine switches of pod number `pod` of a plane: as many as its leaf uplinks need."""
        return math.ceil(self.leaves_in(pod) * self.shape.leaf_up / self.shape.spine_down)

    @property
    def _rail_planes(self) -> int:
        """Planes that the accelerators of a server are spread over."""
        return 1 if self.spec.split_ports else self.planes

    def _tier(self, name: str) -> TierSpec:
        found: TierSpec = getattr(self.spec, name)
        return found

    def _latency(self, name: str) -> float:
        own = self._tier(name).hop_latency
        return self.spec.hop_latency if own is None else own


def check_switches(spec: ClosSpec) -> None:
    """Refuse switches with less capacity than their ports.

    Raises
    ------
    CatalogError
        If the catalog does not know a switch.
    InputError
        If a switch has too little capacity.
    """
    shape = tree_shape(spec)
    above = spec.between_switches
    wanted = {
        "leaf": shape.leaf_down * spec.port_rate + shape.leaf_up * above,
        "spine": (shape.spine_down + shape.spine_up) * above,
        "core": shape.core_down * above,
    }
    for tier, own in (("leaf", spec.leaf), ("spine", spec.spine), ("core", spec.core))[: spec.tiers]:
        part = own.switch or spec.switch
        capacity = catalog.entry("switches", part).si("capacity")
        if tier == "leaf" and own == TierSpec() and spec.radix * spec.port_rate > capacity * (1.0 + _ROUNDING):
            most = math.floor(capacity / spec.port_rate)
            raise InputError(
                f"fabric.radix: {part} has {capacity * 8e-12:g} Tbit/s, enough for {most} ports of "
                f"{spec.port_rate * 8e-9:g} Gbit/s, got {spec.radix}"
            )
        if wanted[tier] > capacity * (1.0 + _ROUNDING):
            raise InputError(
                f"fabric.{tier}: {part} has {capacity * 8e-12:g} Tbit/s, and its ports need {wanted[tier] * 8e-12:g}"
            )


def _ports_and_sharing(spec: ClosSpec, site: SiteEndpoints) -> tuple[int, int]:
    """Return the ports that an accelerator takes in a plane, and the accelerators that share a port."""
    return ports_and_sharing(site.nic_bandwidth / (spec.trees if spec.split_ports else 1), spec.port_rate)


def checked_clos(spec: ClosSpec, site: SiteEndpoints) -> ClosFabric:
    """Return the trees of a site whose switches have the ports that the record says.

    Raises
    ------
    CapacityError, CatalogError, InputError
        As :func:`check_switches` and :func:`build_clos` do.
    """
    check_switches(spec)
    return build_clos(spec, site)


def build_clos(spec: ClosSpec, site: SiteEndpoints) -> ClosFabric:
    """Return the smallest trees of `spec` that hold the accelerators of `site`.

    Each tier is filled before the next switch is added: leaf switches = ceil(N / accelerators per leaf), spines of a
    pod = ceil(leaf uplinks / spine down-ports), cores = ceil(spine uplinks / core ports). With rails, leaves come in
    groups of one per rail.

    Raises
    ------
    CapacityError
        If the tree cannot hold so many; the message says how many it can.
    InputError
        If the site has no accelerator or no bandwidth, one accelerator needs more ports than a leaf has, or the rails
        are not the network cards of a server.
    """
    if site.endpoints < 1 or site.scale_up_domain < 1 or not site.nic_bandwidth > 0.0:
        raise InputError(f"site {site.name}: expected accelerators, a scale-up domain and a NIC bandwidth above 0")
    shape = tree_shape(spec)
    rails, planes = spec.rails_in_plane, 1 if spec.split_ports else spec.trees
    check_rails(site, rails, "rails")
    check_rails(site, planes, "planes")
    attached = site.endpoints // planes
    ports, sharing = _ports_and_sharing(spec, site)
    width = shape.leaf_down * sharing // ports
    if width < 1:
        raise InputError(f"site {site.name}: one accelerator needs more ports than the {shape.leaf_down} of a leaf")
    most = width * shape.leaves * planes
    if site.endpoints > most:
        kind = "fat tree" if spec.trees == 1 else f"fabric of {spec.trees} planes"
        raise CapacityError(
            f"site {site.name}: a {kind} of {spec.tiers} tiers and radix {spec.radix} holds at most {most:,} "
            f"accelerators, and the site has {site.endpoints:,}; use more tiers, a larger radix or oversubscription"
        )
    leaves = math.ceil(attached / (width * rails)) * rails
    full_pods, rest = divmod(leaves, shape.leaves_of_pod)
    spines = full_pods * shape.spines_of_pod + math.ceil(rest * shape.leaf_up / shape.spine_down)
    cores = math.ceil(spines * shape.spine_up / shape.core_down) if shape.spine_up else 0
    return ClosFabric(site, spec, shape, attached, ports, sharing, width, leaves, spines, cores)
