"""What the loss of a part does: accelerators cut off, capacity left, and the pace of an all-reduce."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.fabric.multi_site import Fabric
from clustersim.fabric.network import (
    FlowNetwork,
    PlaceDamage,
    flow_network,
    flow_rates,
    parse_damage,
    route_flows,
    with_damage,
)
from clustersim.fabric.wiring import Longs, Policy

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Networks:
    """The undamaged links of a place as each policy uses them."""

    by_policy: Mapping[Policy, FlowNetwork]
    """With ``static``, which has every link, whether it is asked for or not."""
    policies: tuple[Policy, ...]
    """Those that are asked for."""
    parts: Longs
    """The connected part that each accelerator is in."""


@dataclass(frozen=True)
class TierLeft:
    """What damage leaves of the links of one kind at a site, or of one fibre route."""

    site: str
    """Name of the site, or of the route."""
    tier: str
    """Kind of links, as ``leaf-spine``; ``fibre`` for a route."""
    left: float
    """Share of the capacity of all of them that is left."""
    least: float
    """The least share that a switch or accelerator that is not cut off has left of its links upwards."""


@dataclass(frozen=True)
class Pace:
    """How fast a ring all-reduce and its flows go under one policy."""

    policy: Policy
    ring: float
    """Slowest flow of the ring: one per network card, between neighbouring servers. [B/s]"""
    bus: float
    """Bus bandwidth of the all-reduce. [B/s]"""
    across: float
    """Slowest flow when every accelerator sends half-way round the place, all at once. [B/s]"""
    reason: str = ""
    """Why a rate is 0."""


@dataclass(frozen=True)
class Outage:
    """What damage does to a place."""

    names: tuple[str, ...]
    cut_off: int
    """Accelerators that do not reach the largest part of what hung together before."""
    members: int
    """Accelerators that can take part in one job: whole servers of which none is cut off."""
    tiers: tuple[TierLeft, ...]
    paces: tuple[Pace, ...]
    """Of the accelerators that are left, one per policy."""


def all_reduce_seconds(bus: float, members: int, size_bytes: float) -> float:
    """Return the time that an all-reduce of `size_bytes` per accelerator takes to move: ``2 (n - 1) / n S / bus`` [s].

    Latency is not counted. Infinite where nothing moves.

    Raises
    ------
    ValueError
        If the size is negative or there is no member.
    """
    if members < 1 or size_bytes < 0.0:
        raise ValueError(f"expected members and a size that is not negative, got {members}, {size_bytes:g} B")
    if members == 1 or size_bytes == 0.0:
        return 0.0
    return 2.0 * (members - 1) / members * size_bytes / bus if bus > 0.0 else float("inf")


def living(before: Longs, network: FlowNetwork) -> Bools:
    """Return which accelerators are still in the largest part of what hung together `before`.

    Planes that only scale-up domains join hang together each for itself. The network is of ``static`` routes.
    """
    after = _parts(network)
    kept = np.zeros(before.size, dtype=bool)
    for part in np.unique(before):
        own = np.flatnonzero(before == part)
        kept[own] = after[own] == np.bincount(after[own]).argmax()
    return kept


def _parts(network: FlowNetwork) -> Longs:
    """Return for every accelerator the number of the connected part that it is in, scale-up networks left out."""
    capacity, nodes, ends = network.capacity, 0, []
    gateways = []
    for site, (tree, wiring) in enumerate(zip(network.fabric.sites, network.wirings, strict=True)):
        table = wiring.table
        alive = capacity[network.first_link[site] : network.first_link[site + 1]] > 0.0
        chosen = np.flatnonzero(alive & (table.kind > 0) & (table.tail < table.head))
        ends.append((nodes + table.tail[chosen].astype(np.int64), nodes + table.head[chosen].astype(np.int64)))
        if network.fabric.wan:
            # the fibre ends at all switches of the top tier
            first = tree.site.endpoints + tree.scale_up_domains
            top = tree.to_the_fibre()[-1]
            names = (wiring.node_name(node).rsplit("/", 1)[-1] for node in range(first, table.nodes))
            tops = np.array([first + at for at, name in enumerate(names) if name.rstrip("0123456789") == top])
            gateways.append((nodes + table.nodes, nodes + tops))
            ends.append((np.full(tops.size, nodes + table.nodes), nodes + tops))
        nodes += table.nodes + 1
    index = {tree.site.name: at for at, tree in enumerate(network.fabric.sites)}
    for at, route in enumerate(network.fabric.wan):
        if capacity[network.first_link[-1] + 2 * at] > 0.0:
            pair = (gateways[index[route.a]][0], gateways[index[route.b]][0])
            ends.append((np.array([pair[0]]), np.array([pair[1]])))
    low, high = (np.concatenate([pair[side] for pair in ends]) for side in (0, 1))
    graph = scipy.sparse.coo_array((np.ones(low.size, dtype=np.int8), (low, high)), shape=(nodes, nodes))
    _, part = scipy.sparse.csgraph.connected_components(graph, directed=False)
    starts = np.concatenate(([0], np.cumsum([wiring.table.nodes + 1 for wiring in network.wirings])))
    return np.concatenate(
        [part[start : start + tree.site.endpoints] for start, tree in zip(starts, network.fabric.sites, strict=False)]
    ).astype(np.int64)


def ring_members(fabric: Fabric, alive: Bools) -> Longs:
    """Return the accelerators of the servers of which none is cut off, numbered site after site."""
    kept, start = [], 0
    for tree in fabric.sites:
        site = tree.site
        own = alive[start : start + site.endpoints]
        server = np.arange(site.endpoints) // site.server_accelerators
        whole = np.bincount(server, ~own) == 0.0
        kept.append(start + np.flatnonzero(whole[server]))
        start += site.endpoints
    return np.concatenate(kept).astype(np.int64)


def ring_step(fabric: Fabric) -> int:
    """Return the accelerators from one member of a ring to the next: those of a server or scale-up domain."""
    sites = [tree.site for tree in fabric.sites]
    return max(min(max(site.server_accelerators, site.scale_up_domain), site.endpoints) for site in sites)


def pace(network: FlowNetwork, members: Longs, seed: int = 0) -> Pace:
    """Return the pace of an all-reduce over `members` on the links of `network`.

    Rings go from server to server (or scale-up domain, where that is larger), one per network card: accelerator i
    sends to the one of the same number in the next server, all at once. Their max-min rates decide, the slowest flow
    r sets the pace of its ring and, since all rings end together, of the operation. With d rings the bus bandwidth is
    ``min(d r, scale-up bandwidth)``: every accelerator also passes on all rings inside its server.

    References
    ----------
    .. [1] P. Patarasuk and X. Yuan, Bandwidth optimal all-reduce algorithms for clusters of workstations, J. Parallel
       Distrib. Comput. 69, 2009.
    """
    fabric, step = network.fabric, ring_step(network.fabric)
    inside = min(tree.site.scale_up_bandwidth for tree in fabric.sites)
    count = members.size
    if count < 2:
        return Pace(network.policy, 0.0, 0.0, 0.0, "fewer than two accelerators are left")
    rings = min(step, count)
    slowest = []
    half = max(count // 2 // step * step, 1)
    for shift in (step % count or 1, half):
        try:
            routes = route_flows(network, members, np.roll(members, -shift), seed=seed)
        except InputError as error:
            return Pace(network.policy, 0.0, 0.0, 0.0, str(error))
        slowest.append(float(flow_rates(network, routes).min()))
    ring = slowest[0]
    return Pace(network.policy, ring, min(rings * ring, inside), slowest[1])


def place_networks(fabric: Fabric, policies: Sequence[Policy]) -> Networks:
    """Return the undamaged links of a place under each policy, and as every link (``static``).

    Raises
    ------
    InputError
        If a kind of fabric does not know a policy.
    """
    wanted = tuple(dict.fromkeys(policies))
    found = {policy: flow_network(fabric, policy) for policy in dict.fromkeys((*wanted, "static"))}
    return Networks(found, wanted, _parts(found["static"]))


def outage(networks: Networks, names: Sequence[str], *, seed: int = 0, left: float = 0.0) -> Outage:
    """Return what the loss of named parts does; with no name, the place as it is.

    Parameters
    ----------
    networks : Networks
        As :func:`place_networks` gives them.
    names : sequence of str
        As :func:`~clustersim.fabric.network.parse_damage` reads them: ``spine3``, ``leaf0:spine1``, ``fibre a-b``.
    seed : int
        Of the hash of ``ecmp``.
    left : float
        Share of the capacity of the parts that is left.

    Raises
    ------
    InputError
        If there is no such part.
    """
    whole = networks.by_policy["static"]
    damage = parse_damage(whole.fabric, names, left)
    struck = {policy: with_damage(network, damage) for policy, network in networks.by_policy.items()}
    alive = living(networks.parts, struck["static"])
    members = ring_members(whole.fabric, alive)
    paces = tuple(pace(struck[policy], members, seed) for policy in networks.policies)
    cut_off = int(alive.size - np.count_nonzero(alive))
    return Outage(tuple(names), cut_off, members.size, _tiers_left(whole, struck["static"], damage, alive), paces)


def _tiers_left(whole: FlowNetwork, network: FlowNetwork, damage: PlaceDamage, alive: Bools) -> tuple[TierLeft, ...]:
    """Return what is left of each kind of links of `network`, against the `whole`."""
    fabric, found, rank = network.fabric, [], 0
    for site, (tree, wiring) in enumerate(zip(fabric.sites, network.wirings, strict=True)):
        table, own = wiring.table, slice(network.first_link[site], network.first_link[site + 1])
        before, after = whole.capacity[own], network.capacity[own]
        struck = {part.node for name, part in damage.parts if name == tree.site.name and part.other is None}
        dead = np.zeros(table.nodes, dtype=bool)
        dead[[wiring.node_of(name) for name in struck]] = True
        dead[: tree.site.endpoints] |= ~alive[rank : rank + tree.site.endpoints]
        upward = table.tail < table.head
        for tier in tree.link_tiers:
            chosen = np.flatnonzero(upward & (table.kind == table.kinds.index(tier.name)))
            low = table.tail[chosen]
            old, new = (np.bincount(low, values[chosen], table.nodes) for values in (before, after))
            held = (old > 0.0) & ~dead
            least = float((new[held] / old[held]).min()) if held.any() else 0.0
            found.append(TierLeft(tree.site.name, tier.name, float(new.sum() / old.sum()), least))
        rank += tree.site.endpoints
    for at, route in enumerate(fabric.wan):
        link = network.first_link[-1] + 2 * at
        share = float(network.capacity[link] / whole.capacity[link])
        found.append(TierLeft(route.name, "fibre", share, share))
    return tuple(found)
