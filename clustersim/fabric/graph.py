"""The switch graph of a fabric, for drawing, export and cuts."""

from __future__ import annotations

import networkx as nx

from clustersim.fabric.fat_tree import SiteFabric
from clustersim.fabric.multi_site import Fabric


def to_networkx(fabric: Fabric) -> nx.Graph:
    """Return the graph of switches and links; the hosts of a leaf are one node.

    Nodes are called ``site/hosts3``, ``site/leaf3``, ``site/spine0``, ``site/core0`` and, with several sites,
    ``site/wan``. Node attributes: ``tier`` (hosts, leaf, spine, core, wan), ``site``, ``count`` (accelerators of a
    hosts node, else 1). Edge attributes: ``count`` (parallel links) and ``capacity`` (all of them, one direction
    [B/s], line rate). Uplinks go round-robin to the switches above, which gives the standard wiring in a full tree.
    """
    graph = nx.Graph()
    for tree in fabric.sites:
        _add_leaves(graph, tree)
        _add_spines(graph, tree)
        _add_cores(graph, tree)
        if fabric.wan:
            _add_wan_node(graph, tree)
    for route in fabric.wan:
        graph.add_edge(f"{route.a}/wan", f"{route.b}/wan", count=route.fibre_pairs, capacity=route.capacity)
    return graph


def bisection_bandwidth(fabric: Fabric, site: str) -> float:
    """Return what one half of a site's accelerators can send to the other half, at line rate, one direction [B/s].

    The least of half the NICs, half the leaf uplinks and, with several pods, half the spine uplinks; exact where whole
    switches fall on each side.

    Raises
    ------
    InputError
        If the place has no such site.
    """
    tree = fabric.site(site)
    cuts = [tree.site.endpoints * tree.site.nic_bandwidth, tree.host_links * tree.port_rate]
    if tree.leaf_switches > 1:
        cuts.append(tree.leaf_spine_links * tree.port_rate)
    if tree.pods > 1:
        cuts.append(tree.spine_core_links * tree.port_rate)
    return min(cuts) / 2.0


def _node(graph: nx.Graph, tree: SiteFabric, tier: str, index: int, count: int = 1) -> str:
    name = f"{tree.site.name}/{tier}{index}"
    graph.add_node(name, tier=tier, site=tree.site.name, count=count)
    return name


def _link(graph: nx.Graph, a: str, b: str, rate: float, count: int = 1) -> None:
    """Add links between two nodes to those already there."""
    before = graph.edges[a, b]["count"] if graph.has_edge(a, b) else 0
    graph.add_edge(a, b, count=before + count, capacity=(before + count) * rate)


def _add_leaves(graph: nx.Graph, tree: SiteFabric) -> None:
    endpoints, links = tree.site.endpoints, tree.host_links
    shared = links < endpoints
    links_per_leaf = tree.shape.leaf_down if shared else tree.endpoints_per_leaf * (links // endpoints)
    for index in range(tree.leaf_switches):
        here = min(tree.endpoints_per_leaf, endpoints - index * tree.endpoints_per_leaf)
        hosts = _node(graph, tree, "hosts", index, here)
        leaf = _node(graph, tree, "leaf", index)
        _link(graph, hosts, leaf, tree.port_rate, min(links_per_leaf, links - index * links_per_leaf))


def _add_spines(graph: nx.Graph, tree: SiteFabric) -> None:
    first_spine = 0
    for pod in range(tree.pods):
        spines = [_node(graph, tree, "spine", first_spine + index) for index in range(tree.spines_of(pod))]
        for leaf in range(tree.leaves_of(pod)):
            name = f"{tree.site.name}/leaf{pod * tree.shape.spine_down + leaf}"
            for port in range(tree.shape.leaf_up):
                _link(graph, name, spines[(leaf * tree.shape.leaf_up + port) % len(spines)], tree.port_rate)
        first_spine += len(spines)


def _add_cores(graph: nx.Graph, tree: SiteFabric) -> None:
    cores = [_node(graph, tree, "core", index) for index in range(tree.core_switches)]
    for spine in range(tree.spine_switches if cores else 0):
        for port in range(tree.shape.spine_up):
            core = cores[(spine * tree.shape.spine_up + port) % len(cores)]
            _link(graph, f"{tree.site.name}/spine{spine}", core, tree.port_rate)


def _add_wan_node(graph: nx.Graph, tree: SiteFabric) -> None:
    """Join the switches of the top tier to the node where the fibre ends, without a limit of its own."""
    name = f"{tree.site.name}/wan"
    graph.add_node(name, tier="wan", site=tree.site.name, count=1)
    tier, switches = ("core", tree.core_switches) if tree.core_switches else ("spine", tree.spine_switches)
    for index in range(switches):
        graph.add_edge(name, f"{tree.site.name}/{tier}{index}", count=1, capacity=float("inf"))
