"""Paths of flows through a place: within sites, and over the fibre between them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clustersim.fabric.multi_site import wan_path
from clustersim.fabric.wiring import Longs

if TYPE_CHECKING:
    from clustersim.fabric.network import FlowNetwork

LOST = -2
"""First link of a flow that has no path."""


def place_paths(network: FlowNetwork, a: Longs, b: Longs, key: Longs) -> Longs:
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
    fabric, base = replace(network.fabric, wan=network.wan), network.first_link[-1]
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
