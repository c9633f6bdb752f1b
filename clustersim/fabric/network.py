"""All links of a place as one network: routes of flows from accelerator to accelerator, within sites and between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.errors import CapacityError, InputError, nearest
from clustersim.fabric.maxmin import Routes, flow_completion_times, max_min_rates
from clustersim.fabric.multi_site import Fabric, WanRoute, wan_path
from clustersim.fabric.path_kernels import compress, hash_keys
from clustersim.fabric.wiring import LANE_BITS, Damage, Floats, Longs, Policy, Wiring

LOST = -2
"""First link of a flow that has no path."""


@dataclass(frozen=True)
class FlowNetwork:
    """Directed links of a place, site after site, then the fibre: one link each way per route."""

    fabric: Fabric
    policy: Policy
    wirings: tuple[Wiring, ...]
    first_link: tuple[int, ...]
    """First link of each site; the last entry is the first link of the fibre."""
    first_rank: tuple[int, ...]
    """First accelerator of each site, and their number."""
    capacity: Floats
    """Of each link: line rate times the fabric's goodput (not in the scale-up network), less what failed. [B/s]"""

    def __post_init__(self) -> None:
        """Make the array read-only."""
        self.capacity.setflags(write=False)

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Which links carry anything."""
        return np.asarray(self.capacity > 0.0)

    def kind_of(self, link: int) -> str:
        """Return the kind of a link, as ``leaf-spine`` or ``fibre``."""
        site = int(np.searchsorted(self.first_link, link, side="right")) - 1
        if site >= len(self.wirings):
            return "fibre"
        table = self.wirings[site].table
        return table.kinds[int(table.kind[link - self.first_link[site]])]

    def name_of(self, link: int) -> str:
        """Return both ends of a link, as ``east/leaf3 > east/spine0``."""
        site = int(np.searchsorted(self.first_link, link, side="right")) - 1
        if site >= len(self.wirings):
            index, back = divmod(link - self.first_link[-1], 2)
            route = self.fabric.wan[index]
            return f"{route.b} > {route.a}" if back else f"{route.a} > {route.b}"
        wiring, at = self.wirings[site], link - self.first_link[site]
        name = self.fabric.sites[site].site.name
        tail, head = (wiring.node_name(int(ends[at])) for ends in (wiring.table.tail, wiring.table.head))
        return f"{name}/{tail} > {name}/{head}"


@dataclass(frozen=True)
class PlaceDamage:
    """What failed at a place: parts of sites, and fibre."""

    parts: tuple[tuple[str, Damage], ...] = ()
    """Site and damage."""
    fibres: tuple[tuple[str, float], ...] = ()
    """Route, as ``east-west``, and the share of its capacity that is left."""


def parse_damage(fabric: Fabric, names: Sequence[str], left: float = 0.0) -> PlaceDamage:
    """Return the damage that names mean.

    ``SITE/NODE`` or, with one site, ``NODE``: a switch or accelerator with all its links, as ``spine3`` or
    ``plane1/leaf0``; ``NODE:NODE`` the links between two; ``fibre A-B`` a route between sites.

    Raises
    ------
    InputError
        If there is no such part; the message names what there is.
    """
    parts, fibres = [], []
    sites = [tree.site.name for tree in fabric.sites]
    routes = {route.name: route for route in fabric.wan} | {f"{r.b}-{r.a}": r for r in fabric.wan}
    for name in names:
        if name.startswith("fibre "):
            wanted = name.removeprefix("fibre ").strip()
            if wanted not in routes:
                known = ", ".join(route.name for route in fabric.wan) or "none"
                raise InputError(f"no fibre {wanted!r} in this place; there is {known}{nearest(wanted, routes)}")
            fibres.append((routes[wanted].name, left))
            continue
        site, _, rest = name.partition("/")
        if site not in sites:
            if len(sites) > 1:
                raise InputError(
                    f"{name!r}: expected SITE/NODE with a site of {', '.join(sites)}{nearest(site, sites)}"
                )
            site, rest = sites[0], name
        node, _, other = rest.partition(":")
        parts.append((site, Damage(node, other or None, left)))
    return PlaceDamage(tuple(parts), tuple(fibres))


def flow_network(fabric: Fabric, policy: Policy, damage: PlaceDamage | None = None) -> FlowNetwork:
    """Return the links of `fabric` as flows under `policy` see them, with `damage` done.

    A cut fibre that has a second way keeps the capacity of that.

    Raises
    ------
    InputError
        If the damage names what is not there, or a kind of fabric does not know the policy.
    """
    wirings = tuple(tree.wiring(policy) for tree in fabric.sites)
    capacity = _capacity(fabric, wirings, damage or PlaceDamage())
    first = np.concatenate(([0], np.cumsum([wiring.table.size for wiring in wirings])))
    ranks = np.concatenate(([0], np.cumsum([tree.site.endpoints for tree in fabric.sites])))
    return FlowNetwork(fabric, policy, wirings, tuple(first.tolist()), tuple(ranks.tolist()), capacity)


def with_damage(network: FlowNetwork, damage: PlaceDamage) -> FlowNetwork:
    """Return the same links with `damage` done to the whole place, whatever had failed in `network`.

    Raises
    ------
    InputError
        If the damage names what is not there.
    """
    return replace(network, capacity=_capacity(network.fabric, network.wirings, damage))


def _capacity(fabric: Fabric, wirings: Sequence[Wiring], damage: PlaceDamage) -> Floats:
    """Return the capacity of all links, sites first, then the fibre each way [B/s]."""
    parts = []
    for tree, wiring in zip(fabric.sites, wirings, strict=True):
        capacity = wiring.without([found for site, found in damage.parts if site == tree.site.name])
        parts.append(np.where(wiring.table.kind == 0, capacity, fabric.spec.goodput * capacity))
    left = dict(damage.fibres)
    fibre = [
        fabric.spec.goodput * max(route.capacity * left.get(route.name, 1.0), _second(route, left))
        for route in fabric.wan
        for _ in range(2)
    ]
    return np.concatenate([*parts, np.array(fibre)])


def _second(route: WanRoute, left: dict[str, float]) -> float:
    return route.protection_capacity if left.get(route.name, 1.0) < 1.0 else 0.0


def route_flows(
    network: FlowNetwork, source: ArrayLike, target: ArrayLike, *, seed: int = 0, number: ArrayLike | None = None
) -> Routes:
    """Return the links that flows between accelerators take.

    A flow between sites goes up to the fibre, along the path of least delay, and down. Where every accelerator has a
    port in every plane, a flow has one part per plane in which a path is left.

    Parameters
    ----------
    network : FlowNetwork
        The links.
    source, target : array_like of int, shape (flows,)
        Accelerators, numbered site after site.
    seed : int
        Of the hash.
    number : array_like of int, shape (flows,), optional
        Tells flows between the same two accelerators apart (queue pairs); 0 when left out.

    Raises
    ------
    CapacityError
        If an accelerator is not at the place.
    InputError
        If a flow has no path: the message names it.
    """
    a, b = (np.atleast_1d(np.asarray(ends, dtype=np.int64)) for ends in (source, target))
    which = np.zeros(a.size, dtype=np.int64) if number is None else np.asarray(number, dtype=np.int64)
    most = network.first_rank[-1]
    if a.shape != b.shape or which.shape != a.shape:
        raise ValueError(f"expected as many sources, targets and numbers, got {a.shape}, {b.shape}, {which.shape}")
    for ends in (a, b):
        if ends.size and (ends.min() < 0 or ends.max() >= most):
            raise CapacityError(f"expected accelerators from 0 to {most - 1}, got {ends.min()} to {ends.max()}")
    lanes = max(wiring.lanes for wiring in network.wirings)
    flow = np.arange(a.size, dtype=np.int64)
    if lanes > 1:
        flow, lane = np.repeat(flow, lanes), np.tile(np.arange(lanes, dtype=np.int64), a.size)
        a, b, which = a[flow], b[flow], which[flow]
    key = hash_keys(a, b, which, np.uint64(seed)) & ((1 << LANE_BITS) - 1)
    if lanes > 1:
        key |= lane << LANE_BITS
    paths = _paths(network, a, b, key)
    lost = paths[:, 0] == LOST
    if lost.any():
        # a flow goes on over the planes that are left
        parts = np.bincount(flow[~lost], minlength=flow[-1] + 1)
        gone = np.flatnonzero(parts[flow] == 0)
        if gone.size:
            others = np.count_nonzero(parts == 0) - 1
            raise InputError(
                f"no path is left from accelerator {a[gone[0]]} to {b[gone[0]]}, nor for {others} other flows"
            )
        paths, flow = paths[~lost], flow[~lost]
    first, links = compress(paths)
    return Routes(first, links, flow)


def _paths(network: FlowNetwork, a: Longs, b: Longs, key: Longs) -> Longs:
    """Return the links of every flow as rows, -1 behind the last."""
    alive, ranks = network.alive, np.array(network.first_rank)
    if len(network.wirings) == 1:
        return network.wirings[0].routes(a, b, key, alive)
    site_a, site_b = (np.searchsorted(ranks, ends, side="right") - 1 for ends in (a, b))
    fibres = _fibre_paths(network)
    rows = []
    for here in range(len(network.wirings)):
        for there in range(len(network.wirings)):
            chosen = np.flatnonzero((site_a == here) & (site_b == there))
            if chosen.size:
                ends = (a[chosen] - ranks[here], b[chosen] - ranks[there])
                rows.append((chosen, _between(network, fibres, here, there, *ends, key[chosen], alive)))
    out = np.full((a.size, max(found.shape[1] for _, found in rows) if rows else 1), -1, dtype=np.int64)
    for chosen, found in rows:
        out[chosen, : found.shape[1]] = found
    return out


def _between(
    network: FlowNetwork,
    fibres: dict[tuple[int, int], list[int]],
    here: int,
    there: int,
    a: Longs,
    b: Longs,
    key: Longs,
    alive: NDArray[np.bool_],
) -> Longs:
    """Return the links of flows from one site to another, or within one."""

    def shifted(site: int, found: Longs) -> Longs:
        return np.where(found >= 0, found + network.first_link[site], found)

    def own(site: int) -> NDArray[np.bool_]:
        return alive[network.first_link[site] : network.first_link[site + 1]]

    if here == there:
        return shifted(here, network.wirings[here].routes(a, b, key, own(here)))
    if (here, there) not in fibres:
        return np.full((a.size, 1), LOST, dtype=np.int64)
    up = shifted(here, network.wirings[here].upward(a, key, own(here)))
    down = shifted(there, network.wirings[there].downward(b, key, own(there)))
    lost = (up[:, 0] == LOST) | (down[:, 0] == LOST)
    way = np.tile(np.array(fibres[here, there], dtype=np.int64), (a.size, 1))
    found = np.concatenate((up, way, down), axis=1)
    found[lost, 0] = LOST
    return found


def _fibre_paths(network: FlowNetwork) -> dict[tuple[int, int], list[int]]:
    """Return the fibre links between every two sites, by least delay over those that are alive."""
    fabric, base = network.fabric, network.first_link[-1]
    names = [tree.site.name for tree in fabric.sites]
    living = {route.name for index, route in enumerate(fabric.wan) if network.capacity[base + 2 * index] > 0.0}
    index_of = {route.name: index for index, route in enumerate(fabric.wan)}
    found: dict[tuple[int, int], list[int]] = {}
    for i, a in enumerate(names):
        for j, b in enumerate(names):
            way = wan_path(fabric, a, b, living) if i != j else ()
            if way is None or i == j:
                continue
            at, links = a, []
            for route in way:
                links.append(base + 2 * index_of[route.name] + (0 if route.a == at else 1))
                at = route.b if route.a == at else route.a
            found[i, j] = links
    return found


def flow_rates(network: FlowNetwork, routes: Routes) -> Floats:
    """Return the max-min rate of each flow, over all its parts [B/s]; shape (flows,)."""
    rates = max_min_rates(network.capacity, routes)
    return np.bincount(routes.flow, rates).astype(np.float64)


def completion_times(network: FlowNetwork, routes: Routes, size_bytes: ArrayLike, start_s: ArrayLike = 0.0) -> Floats:
    """Return when each flow ends [s]: when its last part does; the parts of a flow are equal.

    Parameters
    ----------
    network : FlowNetwork
        The links.
    routes : Routes
        As :func:`route_flows` gives them.
    size_bytes, start_s : array_like, shape (flows,) or ()
        Size [B] and start [s].
    """
    flows = int(routes.flow[-1]) + 1 if len(routes) else 0
    parts = np.bincount(routes.flow, minlength=flows)
    size = np.broadcast_to(np.asarray(size_bytes, dtype=np.float64), (flows,)) / parts
    start = np.broadcast_to(np.asarray(start_s, dtype=np.float64), (flows,))
    if len(routes) == flows:
        return flow_completion_times(network.capacity, routes, size, start)
    ends = flow_completion_times(network.capacity, routes, size[routes.flow], start[routes.flow])
    out = np.zeros(flows)
    np.maximum.at(out, routes.flow, ends)
    return out
