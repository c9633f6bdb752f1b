"""The table of losses of a place: one part of each kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clustersim.fabric.failures import Outage, outage, place_networks
from clustersim.fabric.multi_site import Fabric
from clustersim.fabric.site import SiteFabric
from clustersim.fabric.spec import ClosSpec
from clustersim.fabric.wiring import Policy, Wiring

MANY_PARTS = 500_000
"""Parts of flows beyond which a table of losses takes long."""
MOST_ROUTES = 3
"""Most fibre routes of a table of losses."""


@dataclass(frozen=True)
class FailureDomain:
    """One part of a kind, and what its loss does."""

    kind: str
    """host-leaf link, leaf, spine, core, fibre."""
    count: int
    """Parts of this kind."""
    site: str
    """The site whose accelerators are looked at; empty: the whole place."""
    before: Outage
    """With nothing lost."""
    outage: Outage


def flow_parts(fabric: Fabric) -> int:
    """Return the parts of one flow from every accelerator: one, or one per plane where it has a port in each."""
    spec = fabric.spec
    planes = spec.trees if isinstance(spec, ClosSpec) and spec.split_ports else 1
    return planes * sum(tree.site.endpoints for tree in fabric.sites)


def host_link(tree: SiteFabric, wiring: Wiring) -> tuple[tuple[str, ...], float]:
    """Return the links, by name, that one port of the site's first leaf carries, and the share that its loss leaves.

    A port that several accelerators share takes the links of all of them along. Where a network card has several
    ports in a plane, the others go on at their line rate.
    """
    table, hosts = wiring.table, tree.link_tiers[0]
    up = np.flatnonzero((table.tail < table.head) & (table.kind == table.kinds.index(hosts.name)))
    leaf = table.head[up[0]]
    struck = up[table.head[up] == leaf][: tree.sharing]
    names = tuple(f"{wiring.node_name(int(host))}:{wiring.node_name(int(leaf))}" for host in table.tail[struck])
    left = (tree.ports - 1) * tree.host_rate / float(table.capacity[up[0]])
    return names, min(left, 1.0)


def failure_domains(fabric: Fabric, policies: Sequence[Policy], *, seed: int = 0) -> tuple[FailureDomain, ...]:
    """Return what the loss of one part of each kind does: a host link and a switch of each tier, fibre.

    Parts of a site are of the first site, and their rates those among its accelerators; the loss of a fibre is that
    of the whole place. Of many routes the first few are tried.

    Raises
    ------
    InputError
        If a kind of fabric does not know a policy.
    """
    tree = fabric.sites[0]
    networks = place_networks(fabric if len(fabric.sites) == 1 else Fabric(fabric.spec, (tree,), ()), policies)
    wiring, site = networks.by_policy["static"].wirings[0], tree.site.name
    table, first = wiring.table, tree.site.endpoints + tree.scale_up_domains
    seen: dict[str, str] = {}
    for node in range(first, table.nodes):
        name = wiring.node_name(node)
        seen.setdefault(name.rsplit("/", 1)[-1].rstrip("0123456789"), name)
    hosts = tree.link_tiers[0]
    links, left = host_link(tree, wiring)
    named = [(f"{hosts.name} link", hosts.count, links, left)]
    named += [(tier.name, tier.count, (seen[tier.name],), 0.0) for tier in tree.switch_tiers if tier.name in seen]
    before = outage(networks, [], seed=seed)
    found = [
        FailureDomain(kind, n, site, before, outage(networks, [f"{site}/{one}" for one in names], seed=seed, left=rest))
        for kind, n, names, rest in named
    ]
    if not fabric.wan:
        return tuple(found)
    whole = place_networks(fabric, policies)
    before = outage(whole, [], seed=seed)
    routes = fabric.wan[: 1 if flow_parts(fabric) > MANY_PARTS else MOST_ROUTES]
    found += [
        FailureDomain("fibre", len(fabric.wan), "", before, outage(whole, [f"fibre {route.name}"], seed=seed))
        for route in routes
    ]
    return tuple(found)
