"""The switch graph of a fabric, for drawing, export and cuts."""

from __future__ import annotations

import networkx as nx
import numpy as np

from clustersim.fabric.multi_site import Fabric
from clustersim.fabric.site import SiteFabric


def to_networkx(fabric: Fabric) -> nx.Graph:
    """Return the graph of switches and links; the accelerators that share their leaves are one node.

    Nodes are called ``site/hosts3``, ``site/leaf3``, ``site/spine0``, ``site/core0``, ``site/plane1/leaf0`` where there
    are several planes and, with several sites, ``site/wan``. Node attributes: ``tier`` (hosts, leaf, spine, core, wan),
    ``site``, ``count`` (accelerators of a hosts node, else 1). Edge attributes: ``count`` (parallel links) and
    ``capacity`` (all of them, one direction [B/s], line rate).
    """
    graph = nx.Graph()
    for tree in fabric.sites:
        _add_site(graph, tree)
        if fabric.wan:
            _add_wan_node(graph, tree)
    for route in fabric.wan:
        graph.add_edge(f"{route.a}/wan", f"{route.b}/wan", count=route.fibre_pairs, capacity=route.capacity)
    return graph


def _add_site(graph: nx.Graph, tree: SiteFabric) -> None:
    """Add the switches of a site, its hosts by blocks, and the links between them."""
    wiring, site = tree.wiring("static"), tree.site
    table = wiring.table
    first_switch = site.endpoints + tree.scale_up_domains
    once = (table.kind > 0) & (table.tail < table.head)
    tail, head = table.tail[once].astype(np.int64), table.head[once].astype(np.int64)
    rate, host = table.capacity[once], table.tail[once] < site.endpoints
    blocks = -(-site.endpoints // tree.endpoints_per_leaf)
    # nodes of the graph: blocks of hosts, then switches
    low = np.where(host, tail // tree.endpoints_per_leaf, tail - first_switch + blocks)
    high = head - first_switch + blocks
    pair, first, count = np.unique(low * (table.nodes + blocks) + high, return_index=True, return_counts=True)
    names = [f"{site.name}/hosts{block}" for block in range(blocks)]
    names += [f"{site.name}/{wiring.node_name(node)}" for node in range(first_switch, table.nodes)]
    for block in range(blocks):
        here = min(tree.endpoints_per_leaf, site.endpoints - block * tree.endpoints_per_leaf)
        graph.add_node(names[block], tier="hosts", site=site.name, count=here)
    for name in names[blocks:]:
        graph.add_node(name, tier=name.rsplit("/", 1)[1].rstrip("0123456789"), site=site.name, count=1)
    is_host = host[first]
    links = np.where(is_host, -(-count // tree.sharing) * tree.ports, count)
    each = np.where(is_host, tree.host_rate, rate[first])
    ends = np.divmod(pair, table.nodes + blocks)
    graph.add_edges_from(
        (names[a], names[b], {"count": n, "capacity": n * r})
        for a, b, n, r in zip(*(array.tolist() for array in (*ends, links, each)), strict=True)
    )


def _add_wan_node(graph: nx.Graph, tree: SiteFabric) -> None:
    """Join the switches of the top tier to the node where the fibre ends, without a limit of its own."""
    name, top = f"{tree.site.name}/wan", tree.to_the_fibre()[-1]
    above = [node for node, found in graph.nodes(data=True) if found["tier"] == top and found["site"] == tree.site.name]
    graph.add_node(name, tier="wan", site=tree.site.name, count=1)
    graph.add_edges_from((name, node, {"count": 1, "capacity": float("inf")}) for node in above)
