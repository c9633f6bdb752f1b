"""Dragonflies: groups of switches, every two groups joined directly."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.errors import CapacityError, InputError
from clustersim.fabric import dragonfly_kernels
from clustersim.fabric.dragonfly_cuts import group_cut, middle_cut
from clustersim.fabric.site import LinkTier, SiteEndpoints, SiteFabric, SwitchTier, ports_and_sharing
from clustersim.fabric.spec import DragonflySpec
from clustersim.fabric.wiring import Policy, Wiring

_ROUNDING = 1e-9
"""Slack when a ratio of rates should be whole."""


@functools.lru_cache(maxsize=8)
def global_peers(groups: int, ports: int, built: int) -> NDArray[np.int64]:
    """Return the far port of each port to other groups, counted over all groups; -1: idle. Read-only.

    With P ports in each of G groups, every two groups have ``floor(P / (G - 1))`` or one more links; all ports are
    used, but for one in the last group where G and P are odd.

    Parameters
    ----------
    groups : int
        Groups that the wiring is laid out for.
    ports : int
        Ports of a group to other groups.
    built : int
        Groups that stand; the first ones.
    """
    peers = dragonfly_kernels.global_peers(groups, ports, built)
    peers.setflags(write=False)
    return peers


@dataclass(frozen=True)
class DragonflyFabric(SiteFabric):
    """The dragonfly or dragonfly+ of one site. Groups are built whole; the last may lack accelerators."""

    site: SiteEndpoints
    spec: DragonflySpec
    ports: int
    """Ports that an accelerator takes."""
    sharing: int
    """Accelerators that share a port."""
    leaf_width: int
    """Accelerators under one leaf or router."""
    groups: int
    """Groups that stand."""
    laid_out: int
    """Groups that the wiring is laid out for."""

    @property
    def plus(self) -> bool:
        """Whether groups are trees of leaves and spines."""
        return self.spec.kind == "dragonfly_plus"

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Minimal paths by hash or destination, detours over a third group; trunks where groups have spines."""
        return ("ecmp", "static", "valiant", *(("spread",) if self.plus else ()))

    @property
    def host_rate(self) -> float:
        """Line rate of a port to a host. [B/s]"""
        return self.spec.port_rate

    @property
    def gates(self) -> int:
        """Switches of a group with ports to other groups."""
        return self.spec.spines_per_group if self.plus else self.spec.leaves_per_group

    @property
    def group_ports(self) -> int:
        """Ports of a group to other groups."""
        return self.gates * self.spec.global_ports

    @property
    def peers(self) -> NDArray[np.int64]:
        """The far port of each port to other groups, as :func:`global_peers` gives it."""
        return global_peers(self.laid_out, self.group_ports, self.groups)

    @property
    def leaf_switches(self) -> int:
        """Leaves, or routers."""
        return self.groups * self.spec.leaves_per_group

    @property
    def used_leaves(self) -> int:
        """Leaves, or routers, that hold accelerators."""
        return math.ceil(self.site.endpoints / self.leaf_width)

    @property
    def spine_switches(self) -> int:
        """Spines; 0 in a dragonfly."""
        return self.groups * self.spec.spines_per_group

    @property
    def switch_tiers(self) -> tuple[SwitchTier, ...]:
        """Routers, or leaves and spines."""
        part, latency = self.spec.switch, self.spec.hop_latency
        if not self.plus:
            return (SwitchTier("router", part, self.leaf_switches, latency),)
        spines = SwitchTier("spine", part, self.spine_switches, latency)
        return SwitchTier("leaf", part, self.leaf_switches, latency), spines

    @property
    def link_tiers(self) -> tuple[LinkTier, ...]:
        """Links to hosts, inside groups and, with several groups, between them."""
        rate, leaves = self.spec.port_rate, self.spec.leaves_per_group
        hosts = math.ceil(self.site.endpoints / self.sharing) * self.ports
        if self.plus:
            tiers = [LinkTier("host", "leaf", hosts, rate)]
            tiers += [LinkTier("leaf", "spine", self.leaf_switches * self.spec.spines_per_group, rate)]
        else:
            tiers = [LinkTier("host", "router", hosts, rate)]
            tiers += [LinkTier("router", "router", self.leaf_switches * (leaves - 1) // 2, rate)]
        if self.groups > 1:
            tiers.append(LinkTier("group", "group", int(np.count_nonzero(self.peers >= 0)) // 2, rate))
        return tuple(tier for tier in tiers if tier.count)

    @property
    def endpoints_per_leaf(self) -> int:
        """Accelerators under one leaf or router."""
        return self.leaf_width

    @property
    def endpoints_per_pod(self) -> int:
        """Accelerators of a full group."""
        return self.leaf_width * self.spec.leaves_per_group

    @property
    def uplink_shares(self) -> tuple[float, float]:
        """Links of a leaf into its group, and of a group to other groups, over the accelerators below. [B/s]

        In a dragonfly a byte to another group also takes a link inside a group at both ends, save where a router
        holds both accelerator and link: with p hosts on each of a routers the second share is at most
        ``a / (2 p)`` of a port. That and h links of a router give the balance a = 2 p = 2 h of [1]_. The share of
        groups holds where the traffic of a group goes evenly to all others; to one other group go only the one or
        few links that join the two.

        References
        ----------
        .. [1] J. Kim, W. J. Dally, S. Scott and D. Abts, Technology-driven, highly-scalable dragonfly topology,
           ISCA 2008.
        """
        rate, leaves = self.spec.port_rate, self.spec.leaves_per_group
        inside = self.spec.spines_per_group if self.plus else leaves - 1
        leaf = (inside or self.spec.global_ports) * rate / self.leaf_width
        if self.groups == 1:
            return leaf, math.inf
        links = np.count_nonzero(self.peers.reshape(self.groups, -1) >= 0, axis=1).min()
        group = float(links) * rate / self.endpoints_per_pod
        return leaf, group if self.plus or leaves == 1 else min(group, leaves * rate / (2.0 * self.leaf_width))

    @property
    def bisection(self) -> float:
        """What the first half of the accelerators can send to the second, line rate, one direction [B/s].

        The least of the cuts of :meth:`tier_bisection`: an upper bound, and exact where whole groups fall on each
        side.
        """
        return min(self.tier_bisection().values())

    def tier_bisection(self) -> dict[str, float]:
        """Return the capacity of the links of each kind that a cut between halves has to cross [B/s].

        Hosts: half of them. Leaf-spine: the uplinks of half of the leaves. Group-group: the links between groups of
        different halves; where the middle falls into a group, that group is cut too, by its links between switches of
        different sides. A dragonfly of several whole groups can cross without its links inside groups.
        """
        hosts, rate = self.link_tiers[0], self.spec.port_rate
        cuts = {hosts.name: min(self.site.endpoints * self.site.nic_bandwidth, hosts.count * hosts.rate) / 2.0}
        used = self.used_leaves
        if self.plus and used > 1:
            cuts["leaf-spine"] = (used // 2) * self.spec.spines_per_group * rate
        if not self.plus and self.groups == 1 and used > 1:
            cuts["router-router"] = middle_cut(self) * rate
        if self.groups > 1:
            cuts["group-group"] = (group_cut(self) + middle_cut(self)) * rate
        return cuts

    def hops(self, block: str) -> tuple[str, ...]:
        """Return the tiers between two accelerators, on the longest of the minimal paths."""
        if block == "site" and self.groups == 1:
            block = "pod"
        if self.plus:
            ways = {"leaf": ("leaf",), "pod": ("leaf", "spine", "leaf"), "site": ("leaf", "spine", "spine", "leaf")}
        else:
            ways = {"leaf": ("router",), "pod": ("router",) * 2, "site": ("router",) * 4}
        return () if block == "scale_up" else ways[block]

    def to_the_fibre(self) -> tuple[str, ...]:
        """Return leaf and spine, or the router: the fibre ends at all spines, or at all routers."""
        return tuple(tier.name for tier in self.switch_tiers)

    def wiring(self, policy: Policy) -> Wiring:
        """Return the links of the site, or the trunks of a dragonfly+ where packets are spread.

        `policy` is ``ecmp``, ``static``, ``valiant`` or, in a dragonfly+, ``spread``.
        """
        from clustersim.fabric.dragonfly_links import DragonflyLinks
        from clustersim.fabric.dragonfly_trunks import DragonflyTrunks

        return DragonflyTrunks(self) if policy == "spread" and self.plus else DragonflyLinks(self, policy)


def check_dragonfly_switch(spec: DragonflySpec) -> None:
    """Refuse a switch with less capacity than its ports.

    Raises
    ------
    CatalogError
        If the catalog does not know the switch.
    InputError
        If it has too little capacity.
    """
    capacity = catalog.entry("switches", spec.switch).si("capacity")
    if spec.radix * spec.port_rate > capacity * (1.0 + _ROUNDING):
        most = math.floor(capacity / spec.port_rate)
        raise InputError(
            f"fabric.radix: {spec.switch} has {capacity * 8e-12:g} Tbit/s, enough for {most} ports of "
            f"{spec.port_rate * 8e-9:g} Gbit/s, got {spec.radix}"
        )


def checked_dragonfly(spec: DragonflySpec, site: SiteEndpoints) -> DragonflyFabric:
    """Return the dragonfly of a site whose switches have the ports that the record says.

    Raises
    ------
    CapacityError, CatalogError, InputError
        As :func:`check_dragonfly_switch` and :func:`build_dragonfly` do.
    """
    check_dragonfly_switch(spec)
    return build_dragonfly(spec, site)


def build_dragonfly(spec: DragonflySpec, site: SiteEndpoints) -> DragonflyFabric:
    """Return the dragonfly of `spec` with as few groups as hold the accelerators of `site`.

    A dragonfly of a routers per group, each with p hosts and h ports to other groups, holds at most ``a h + 1`` groups
    and ``a p (a h + 1)`` hosts [1]_; a dragonfly+ of s spines per group ``s h + 1`` groups [2]_.

    Raises
    ------
    CapacityError
        If it cannot hold so many; the message says how many it can.
    InputError
        If the site has no accelerator or no bandwidth, one accelerator needs more ports than a leaf has for hosts, or
        ``groups`` are more than a group has ports to the others.

    References
    ----------
    .. [1] J. Kim, W. J. Dally, S. Scott and D. Abts, Technology-driven, highly-scalable dragonfly topology, ISCA 2008.
    .. [2] A. Shpiner, Z. Haramaty, S. Eliad, V. Zdornov, B. Gafni and E. Zahavi, Dragonfly+: low cost topology for
       scaling datacenters, HiPINEB 2017.
    """
    if site.endpoints < 1 or site.scale_up_domain < 1 or not site.nic_bandwidth > 0.0:
        raise InputError(f"site {site.name}: expected accelerators, a scale-up domain and a NIC bandwidth above 0")
    ports, sharing = ports_and_sharing(site.nic_bandwidth, spec.port_rate)
    width = spec.hosts_per_leaf * sharing // ports
    if width < 1:
        raise InputError(
            f"site {site.name}: one accelerator needs {ports} ports, more than the {spec.hosts_per_leaf} of "
            "fabric.hosts_per_leaf"
        )
    gates = spec.spines_per_group if spec.kind == "dragonfly_plus" else spec.leaves_per_group
    most_groups, of_group = gates * spec.global_ports + 1, width * spec.leaves_per_group
    if spec.groups is not None and spec.groups > most_groups:
        raise InputError(
            f"fabric.groups: {spec.groups} groups need {spec.groups - 1} ports to the others in each, and a group has "
            f"{gates} x {spec.global_ports}; expected at most {most_groups}"
        )
    laid_out, groups = spec.groups or most_groups, math.ceil(site.endpoints / of_group)
    if groups > laid_out:
        raise CapacityError(
            f"site {site.name}: a {spec.kind} of {laid_out} groups holds at most {laid_out * of_group:,} accelerators, "
            f"and the site has {site.endpoints:,}; use more groups, global ports or hosts per leaf"
        )
    return DragonflyFabric(site, spec, ports, sharing, width, groups, spec.groups or groups)
