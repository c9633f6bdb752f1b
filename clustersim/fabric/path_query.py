"""The links between two accelerators, by name: delay, cable and rate."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from clustersim.errors import InputError, nearest
from clustersim.fabric.latency import hall_cable_delay
from clustersim.fabric.layout import cable_runs, hall_layout, link_lengths, positions
from clustersim.fabric.multi_site import Fabric
from clustersim.fabric.network import FlowNetwork, flow_rates, route_flows
from clustersim.fabric.site import SiteFabric
from clustersim.fabric.spec import LayoutSpec
from clustersim.fabric.wiring import Floats


@dataclass(frozen=True)
class PathLink:
    """One link of a path."""

    name: str
    """Both ends, as ``east/leaf3 > east/spine0``."""
    kind: str
    """As ``leaf-spine``; ``fibre`` between sites."""
    rate: float
    """Line rate times goodput, less what failed; of all its links where they act as one. [B/s]"""
    length: float | None
    """Of the cable or fibre; None where links of several lengths act as one, and in a scale-up domain. [m]"""


@dataclass(frozen=True)
class PathAnswer:
    """How one flow gets from one accelerator to another."""

    policy: str
    links: tuple[PathLink, ...]
    """Of the first part, where the flow is cut over several planes."""
    parts: int
    """Planes that the flow is cut over."""
    switches: int
    """Switches on the way."""
    switches_s: float
    """Delay of the switches. [s]"""
    cables_s: float
    """Delay of the cables; of median length where links act as one, 0 where the switches have it in theirs. [s]"""
    fibre_s: float
    """Delay of the fibre between sites. [s]"""
    rate: float
    """Of the flow alone, over all its parts. [B/s]"""
    cables_in_switches: bool = False
    """Whether the delay of the switches has the cables of the halls in it."""

    @property
    def total_s(self) -> float:
        """One-way delay, without network cards and software. [s]"""
        return self.switches_s + self.cables_s + self.fibre_s


def parse_accelerator(fabric: Fabric, text: str) -> int:
    """Return the number of an accelerator of the place: ``17``, ``gpu17`` with one site, ``SITE/gpu17`` or ``SITE/17``.

    A number without a site counts over all sites, in their order.

    Raises
    ------
    InputError
        If there is no such accelerator; the message says what there is.
    """
    site, slash, rest = text.rpartition("/")
    names = [tree.site.name for tree in fabric.sites]
    match = re.fullmatch(r"(?:gpu)?(\d+)", rest)
    if match is None:
        raise InputError(f"{text!r}: expected an accelerator such as 17 or {names[0]}/gpu17")
    number = int(match[1])
    if not slash:
        if number >= fabric.endpoints:
            raise InputError(f"{text!r}: expected an accelerator from 0 to {fabric.endpoints - 1}, found {number}")
        if len(names) > 1 and rest.startswith("gpu"):
            raise InputError(f"{text!r}: expected SITE/gpuN with a site of {', '.join(names)}")
        return number
    if site not in names:
        raise InputError(f"no site {site!r} in this place; there is {', '.join(names)}{nearest(site, names)}")
    at = names.index(site)
    own = fabric.sites[at].site.endpoints
    if number >= own:
        raise InputError(f"{text!r}: expected an accelerator from 0 to {own - 1} of {site}, found {number}")
    return sum(tree.site.endpoints for tree in fabric.sites[:at]) + number


def find_path(network: FlowNetwork, source: int, target: int, *, seed: int = 0, number: int = 0) -> PathAnswer:
    """Return the way of a flow between two accelerators.

    Parameters
    ----------
    network : FlowNetwork
        The links, with or without damage.
    source, target : int
        Accelerators, numbered site after site.
    seed, number : int
        Of the hash, and of the flow among those between the same two.

    Raises
    ------
    InputError
        If the two are one, or no path is left.
    """
    if source == target:
        raise InputError(f"expected two different accelerators, found {source} twice")
    routes = route_flows(network, [source], [target], seed=seed, number=[number])
    parts = [routes.links[a:b].tolist() for a, b in zip(routes.first[:-1], routes.first[1:], strict=True)]
    lengths, metres = _lengths(network, parts[0])
    links = tuple(
        PathLink(network.name_of(link), network.kind_of(link), float(network.capacity[link]), length)
        for link, length in zip(parts[0], lengths, strict=True)
    )
    tiers = [_switch_after(network, link) for link in parts[0]]
    met = [delay for delay in tiers if delay is not None]
    fibre = math.fsum(
        network.wan[(link - network.first_link[-1]) // 2].one_way_s
        for link in parts[0]
        if network.kind_of(link) == "fibre"
    )
    return PathAnswer(
        network.policy,
        links,
        len(parts),
        len(met),
        math.fsum(met),
        metres * hall_cable_delay(network.fabric),
        fibre,
        float(flow_rates(network, routes)[0]),
        network.fabric.spec.hop_latency_with_cables,
    )


def _site_of(network: FlowNetwork, link: int) -> int:
    """Return the index of the site of a link; the number of sites for fibre."""
    return next((at for at, end in enumerate(network.first_link[1:]) if link < end), len(network.wirings))


def _switch_after(network: FlowNetwork, link: int) -> float | None:
    """Return the delay of the switch at the head of a link [s]; None where there is none."""
    fabric, at = network.fabric, _site_of(network, link)
    if at == len(network.wirings):
        index, back = divmod(link - network.first_link[-1], 2)
        route = fabric.wan[index]
        tree = fabric.site(route.a if back else route.b)
        return tree.hop_latency(tree.to_the_fibre()[-1:])
    tree, wiring = fabric.sites[at], network.wirings[at]
    head = int(wiring.table.head[link - network.first_link[at]])
    if head < tree.site.endpoints + tree.scale_up_domains:
        return None
    name = wiring.node_name(head).rsplit("/", 1)[-1].rstrip("0123456789")
    # switches that act as one have the plural of their tier
    known = {tier.name: tier.hop_latency for tier in tree.switch_tiers}
    return known.get(name, known.get(name.removesuffix("s"), fabric.spec.hop_latency))


def _lengths(network: FlowNetwork, links: list[int]) -> tuple[list[float | None], float]:
    """Return the length of each link [m], None where it is not one cable, and of all cables together [m].

    Where links act as one, the sum has their median length.
    """
    layout = hall_layout(network.fabric.spec.layout)
    shown: list[float | None] = []
    total = 0.0
    for link in links:
        kind, at = network.kind_of(link), _site_of(network, link)
        if kind == "fibre":
            shown.append(network.wan[(link - network.first_link[-1]) // 2].route_m)
            continue
        if kind == "scale-up":
            shown.append(None)
            continue
        shown.append(_cable(network, at, link, layout))
        total += _median(network, at, kind, layout) if shown[-1] is None else shown[-1]
    return shown, total


@lru_cache(maxsize=2)
def _metres(tree: SiteFabric, layout: LayoutSpec) -> tuple[int, Floats]:
    """Return the nodes and the length of every link of a site [m]."""
    table = tree.wiring("static").table
    return table.nodes, link_lengths(table, positions(tree, layout), layout)


def _cable(network: FlowNetwork, at: int, link: int, layout: LayoutSpec) -> float | None:
    """Return the length of the cable of a link of a site [m]; None where links act as one."""
    nodes, metres = _metres(network.fabric.sites[at], layout)
    alike = network.wirings[at].table.nodes == nodes
    return float(metres[link - network.first_link[at]]) if alike else None


def _median(network: FlowNetwork, at: int, kind: str, layout: LayoutSpec) -> float:
    runs = {run.tier.name: run for run in cable_runs(network.fabric.sites[at], layout)}
    return runs[kind].quantile(0.5) if kind in runs else 0.0
