"""What every kind of fabric of one site answers: counts, links, blocks of accelerators and their shares."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clustersim.errors import InputError

if TYPE_CHECKING:
    from clustersim.fabric.wiring import Policy, Wiring


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
    server: int = 0
    """Accelerators of a server; 0: as many as a scale-up domain has."""
    halls: int = 1
    """Data halls over which the accelerators are spread evenly."""
    servers_per_rack: int = 1

    @property
    def server_accelerators(self) -> int:
        """Accelerators of a server."""
        return self.server or self.scale_up_domain


@dataclass(frozen=True)
class LinkTier:
    """Links of one kind, all alike."""

    lower: str
    """What stands at the lower end: ``host`` or a tier of switches."""
    upper: str
    count: int
    rate: float
    """Line rate of each, one direction. [B/s]"""

    @property
    def name(self) -> str:
        """Both ends, as ``leaf-spine``."""
        return f"{self.lower}-{self.upper}"


@dataclass(frozen=True)
class SwitchTier:
    """Switches of one tier, all alike."""

    name: str
    part: str
    """Catalog name."""
    count: int
    hop_latency: float
    """Delay of one, port to port, without cables. [s]"""


class SiteFabric(ABC):
    """The scale-out network of one site. Subclasses are frozen dataclasses, one per family of topologies."""

    site: SiteEndpoints
    ports: int
    """Ports to which an accelerator has links, in each plane."""
    sharing: int
    """Accelerators that share a port."""

    @property
    @abstractmethod
    def policies(self) -> tuple[Policy, ...]:
        """How flows can choose paths here."""

    @property
    @abstractmethod
    def host_rate(self) -> float:
        """Line rate of a port to a host. [B/s]"""

    @property
    @abstractmethod
    def switch_tiers(self) -> tuple[SwitchTier, ...]:
        """Tiers of switches, from the hosts up; tiers without a switch are left out."""

    @property
    @abstractmethod
    def link_tiers(self) -> tuple[LinkTier, ...]:
        """Kinds of links, from the hosts up."""

    @property
    @abstractmethod
    def endpoints_per_leaf(self) -> int:
        """Accelerators that reach each other over one switch: those of a leaf, or of the leaves of a group of rails."""

    @property
    @abstractmethod
    def endpoints_per_pod(self) -> int:
        """Accelerators that reach each other without the topmost kind of links."""

    @property
    @abstractmethod
    def uplink_shares(self) -> tuple[float, float]:
        """Capacity of leaf uplinks and of pod uplinks for each accelerator below, line rate, one direction [B/s]."""

    @property
    @abstractmethod
    def bisection(self) -> float:
        """What half of the accelerators can send to the other half, line rate, one direction [B/s]."""

    @abstractmethod
    def tier_bisection(self) -> dict[str, float]:
        """Return the same cut at every kind of link alone, by name of the kind [B/s]."""

    @abstractmethod
    def hops(self, block: str) -> tuple[str, ...]:
        """Return the tiers of the switches between two accelerators whose smallest common block is `block`.

        `block` is scale_up, leaf, pod or site.
        """

    @abstractmethod
    def to_the_fibre(self) -> tuple[str, ...]:
        """Return the tiers of the switches between an accelerator and the fibre to other sites."""

    @abstractmethod
    def wiring(self, policy: Policy) -> Wiring:
        """Return the directed links of the site as flows under `policy` use them.

        Raises
        ------
        InputError
            If this kind of fabric does not know the policy.
        """

    @property
    def scale_up_domains(self) -> int:
        """Scale-up domains of the site."""
        return -(-self.site.endpoints // self.site.scale_up_domain)

    @property
    def switches(self) -> int:
        """Switches of all tiers."""
        return sum(tier.count for tier in self.switch_tiers)

    @property
    def switch_links(self) -> int:
        """Links between switches."""
        return sum(tier.count for tier in self.link_tiers if tier.lower != "host")

    @property
    def host_links(self) -> int:
        """Links between hosts and switches."""
        return sum(tier.count for tier in self.link_tiers if tier.lower == "host")

    def count(self, tier: str) -> int:
        """Return the switches of `tier`; 0 where the site has none."""
        return sum(found.count for found in self.switch_tiers if found.name == tier)

    def link_count(self, name: str) -> int:
        """Return the links of a kind, as ``leaf-spine``; 0 where the site has none."""
        return sum(found.count for found in self.link_tiers if found.name == name)

    def hop_latency(self, tiers: Sequence[str]) -> float:
        """Return the delay of one switch of each of `tiers` [s]."""
        each = {tier.name: tier.hop_latency for tier in self.switch_tiers}
        return sum(each[tier] for tier in tiers)


def ports_and_sharing(nic_rate: float, port_rate: float) -> tuple[int, int]:
    """Return the ports that an accelerator takes, and the accelerators that share a port.

    A network card of `nic_rate` [B/s] faster than a port of `port_rate` [B/s] takes several ports; one port serves
    several accelerators when it is faster than they are.
    """
    ratio = nic_rate / port_rate
    if ratio > 1.0 + _ROUNDING:
        return math.ceil(ratio - _ROUNDING), 1
    return 1, math.floor(1.0 / ratio + _ROUNDING)


def check_policy(known: Sequence[Policy], policy: Policy, kind: str) -> None:
    """Refuse a policy that a kind of fabric does not know.

    Raises
    ------
    InputError
        If it is none of `known`.
    """
    if policy not in known:
        raise InputError(f"a {kind} knows the policies {', '.join(known)}, not {policy}")


def check_rails(site: SiteEndpoints, rails: int, key: str) -> None:
    """Refuse a number of rails that is not the number of a server's network cards.

    Raises
    ------
    InputError
        If they differ, or the accelerators do not fill whole servers.
    """
    if rails == 1:
        return
    server = site.server_accelerators
    if rails != server:
        raise InputError(
            f"fabric.{key}: a server of site {site.name} has {server} network cards, one per accelerator; "
            f"expected {server}, found {rails}"
        )
    if site.endpoints % rails:
        raise InputError(f"fabric.{key}: {site.endpoints:,} accelerators of site {site.name} are not whole servers")
