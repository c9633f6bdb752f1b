"""The fabric of a place: a tree per site and the fibre between sites."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pkgutil import resolve_name
from typing import overload

import networkx as nx

from clustersim.errors import InputError, nearest
from clustersim.fabric.scale_up_network import check_scale_up
from clustersim.fabric.site import SiteEndpoints, SiteFabric
from clustersim.fabric.spec import FabricBase
from clustersim.fabric.wan import WanRoute, route_after_loss, wan_route


@dataclass(frozen=True)
class Fabric:
    """Trees and long-haul links of a place; ranks are numbered site after site in the order of `sites`."""

    spec: FabricBase
    sites: tuple[SiteFabric, ...]
    wan: tuple[WanRoute, ...]

    def site(self, name: str) -> SiteFabric:
        """Return the tree of the site called `name`.

        Raises
        ------
        InputError
            If the place has no such site.
        """
        for tree in self.sites:
            if tree.site.name == name:
                return tree
        raise InputError(f"no site {name!r} in this place{nearest(name, [tree.site.name for tree in self.sites])}")

    @property
    def endpoints(self) -> int:
        """Accelerators of all sites."""
        return sum(tree.site.endpoints for tree in self.sites)


def build_site(spec: FabricBase, site: SiteEndpoints) -> SiteFabric:
    """Return the fabric of one site, of the kind that `spec` is.

    Raises
    ------
    CapacityError
        If it cannot hold the accelerators.
    InputError
        If the section and the site do not fit together.
    """
    if spec.scale_up is not None:
        check_scale_up(spec.scale_up, site)
    found: SiteFabric = resolve_name(spec.builder)(spec, site)
    return found


def build_fabric(spec: FabricBase, sites: Sequence[SiteEndpoints]) -> Fabric:
    """Return the fabric of `sites`: for each its own network of `spec`, joined by the links of ``spec.wan``.

    Raises
    ------
    CapacityError
        If a tree cannot hold the accelerators of its site.
    InputError
        If the switch has less capacity than ``radix * port_rate``, a link names an unknown site or has a transceiver
        that does not light it, the links do not join all sites, or ``wan`` is given for one site or missing for
        several.
    CatalogError
        If the catalog does not know the switch.
    """
    names = [site.name for site in sites]
    if not names or len(set(names)) != len(names):
        raise InputError(f"expected one or more sites of different names, got {names}")
    trees = tuple(build_site(spec, site) for site in sites)
    if spec.wan is None:
        if len(sites) > 1:
            raise InputError(f"fabric.wan: {len(sites)} sites need links between them")
        return Fabric(spec, trees, ())
    if len(sites) == 1:
        raise InputError("fabric.wan: a single site has no links to other sites; remove the section")
    by_name = {site.name: site for site in sites}
    routes = tuple(wan_route(spec.wan, link, by_name, index) for index, link in enumerate(spec.wan.links))
    _check_joined(names, routes)
    return Fabric(spec, trees, routes)


def after_loss(fabric: Fabric, left: Mapping[str, float]) -> Fabric:
    """Return the fabric of whose routes, by name, a share of the capacity is left; routes with none are gone.

    Second ways take over as :func:`~clustersim.fabric.wan.route_after_loss` says.
    """
    routes = (route_after_loss(route, left.get(route.name, 1.0)) for route in fabric.wan)
    return replace(fabric, wan=tuple(route for route in routes if route.capacity > 0.0))


def _wan_graph(routes: Sequence[WanRoute]) -> nx.Graph:
    graph = nx.Graph()
    for route in routes:
        graph.add_edge(route.a, route.b, route=route, delay=route.one_way_s)
    return graph


def _check_joined(names: Sequence[str], routes: Sequence[WanRoute]) -> None:
    pairs = [frozenset((route.a, route.b)) for route in routes]
    if len(set(pairs)) != len(pairs):
        raise InputError("fabric.wan.links: two entries join the same pair of sites; add their fibre pairs up")
    graph = _wan_graph(routes)
    reached = nx.node_connected_component(graph, names[0]) if names[0] in graph else {names[0]}
    if apart := [name for name in names if name not in reached]:
        raise InputError(f"fabric.wan.links: no path from {names[0]} to {', '.join(apart)}")


@overload
def wan_path(fabric: Fabric, a: str, b: str) -> tuple[WanRoute, ...]: ...


@overload
def wan_path(fabric: Fabric, a: str, b: str, living: Collection[str]) -> tuple[WanRoute, ...] | None: ...


def wan_path(fabric: Fabric, a: str, b: str, living: Collection[str] | None = None) -> tuple[WanRoute, ...] | None:
    """Return the links on the path of least delay from site `a` to site `b`; none when they are the same.

    With `living`, only over routes of these names, and None where they do not join the two.

    Raises
    ------
    InputError
        If the place has no such site.
    """
    fabric.site(a), fabric.site(b)
    if a == b:
        return ()
    graph = _wan_graph([route for route in fabric.wan if living is None or route.name in living])
    if a not in graph or b not in graph or not nx.has_path(graph, a, b):
        return None
    path = nx.shortest_path(graph, a, b, weight="delay")
    return tuple(graph.edges[pair]["route"] for pair in itertools.pairwise(path))


def wan_ring_bandwidth(fabric: Fabric) -> float:
    """Return what each site can send to its neighbours in a ring over all sites [B/s].

    Two rings turn in opposite directions, each hop along :func:`wan_path`; with n_l the hops that use link l in one
    direction, a ring runs at ``min_l capacity_l / n_l`` and a site sends twice that. Two sites have the capacity of
    their link, three in a full triangle of equal links twice that of one.

    Raises
    ------
    InputError
        If the place has one site.
    """
    names = [tree.site.name for tree in fabric.sites]
    if len(names) < 2:
        raise InputError("a single site has no links to other sites")
    hops: dict[tuple[str, str], int] = {}
    for start, end in zip(names, [*names[1:], names[0]], strict=True):
        for here, there in ((start, end), (end, start)):
            at = here
            for route in wan_path(fabric, here, there):
                to = route.b if route.a == at else route.a
                hops[at, to] = hops.get((at, to), 0) + 1
                at = to
    both_ways = [(route, ends) for route in fabric.wan for ends in ((route.a, route.b), (route.b, route.a))]
    return 2.0 * min(route.capacity / hops[ends] for route, ends in both_ways if ends in hops)
