"""All links of a place as one network: routes of flows from accelerator to accelerator, within sites and between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.errors import CapacityError, InputError, nearest
from clustersim.fabric.maxmin import Routes, flow_completion_times, max_min_rates
from clustersim.fabric.multi_site import Fabric
from clustersim.fabric.path_kernels import LANE_BITS, compress, hash_keys
from clustersim.fabric.place_paths import LOST, place_paths
from clustersim.fabric.wan import WanRoute, route_after_loss
from clustersim.fabric.wiring import Damage, Floats, Policy, Wiring


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
    wan: tuple[WanRoute, ...]
    """Routes as they are used, in the order of those of `fabric`: of a cut one with a second way, that."""

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

    A cut fibre that has a second way goes on over that: its capacity, its length, its delay.

    Raises
    ------
    InputError
        If the damage names what is not there, or a kind of fabric does not know the policy.
    """
    wirings = tuple(tree.wiring(policy) for tree in fabric.sites)
    routes = _routes(fabric, damage or PlaceDamage())
    capacity = _capacity(fabric, wirings, damage or PlaceDamage(), routes)
    first = np.concatenate(([0], np.cumsum([wiring.table.size for wiring in wirings])))
    ranks = np.concatenate(([0], np.cumsum([tree.site.endpoints for tree in fabric.sites])))
    return FlowNetwork(fabric, policy, wirings, tuple(first.tolist()), tuple(ranks.tolist()), capacity, routes)


def with_damage(network: FlowNetwork, damage: PlaceDamage) -> FlowNetwork:
    """Return the same links with `damage` done to the whole place, whatever had failed in `network`.

    Raises
    ------
    InputError
        If the damage names what is not there.
    """
    routes = _routes(network.fabric, damage)
    return replace(network, capacity=_capacity(network.fabric, network.wirings, damage, routes), wan=routes)


def _routes(fabric: Fabric, damage: PlaceDamage) -> tuple[WanRoute, ...]:
    """Return the routes of the fabric as damage leaves them, those without capacity among them."""
    left = dict(damage.fibres)
    return tuple(route_after_loss(route, left.get(route.name, 1.0)) for route in fabric.wan)


def _capacity(fabric: Fabric, wirings: Sequence[Wiring], damage: PlaceDamage, routes: Sequence[WanRoute]) -> Floats:
    """Return the capacity of all links, sites first, then the fibre each way [B/s]."""
    parts = []
    for tree, wiring in zip(fabric.sites, wirings, strict=True):
        capacity = wiring.without([found for site, found in damage.parts if site == tree.site.name])
        parts.append(np.where(wiring.table.kind == 0, capacity, fabric.spec.goodput * capacity))
    fibre = np.repeat([route.capacity for route in routes], 2)
    return np.concatenate([*parts, fabric.spec.goodput * fibre])


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
    paths = place_paths(network, a, b, key)
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
