"""Compiled wiring and path choice of dragonflies: plain arrays in, plain arrays out."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]

WIDTH = 8
"""Most links of a path without the scale-up network: round a failed link in a dragonfly+."""

HASHED, STATIC, DETOUR = range(3)
"""How a flow chooses: by hash, by destination, or over another group on purpose (Valiant)."""

# A dragonfly as a row of integers: 1 for a dragonfly+, accelerators per leaf, leaves and spines of a group, ports of a
# switch to other groups, groups laid out, groups built, links that every two groups have, ports of a group that are
# left over, ports of a group to others, and the first links: host up and down, inside a group (and down).
(_PLUS, _W, _A, _S, _H, _G, _B, _BASE, _EXTRA, _P, _HU, _HD, _LU, _LD) = range(14)


@njit(cache=True)
def port_to(groups: int, base: int, extra: int, here: int, there: int, link: int) -> int:
    """Return the port of group `here` that holds link number `link` to group `there`; -1: there is none.

    Every two groups have `base` links. The `extra` ports left over in a group go to groups at the least distances
    round the circle, one pair of distances +k and -k after the other; an odd one joins the groups 2i and 2i + 1.
    """
    away = (there - here) % groups
    if link < base:
        return int(link * (groups - 1) + away - 1)
    if link > base:
        return -1
    first = 1 + extra % 2
    near = min(away, groups - away)
    if first <= near < first + extra // 2:
        return int(base * (groups - 1) + 2 * (near - first) + (0 if away == near else 1))
    if extra % 2 == 1 and here // 2 == there // 2:
        return int(base * (groups - 1) + extra - 1)
    return -1


@njit(cache=True)
def global_peers(groups: int, ports: int, built: int) -> Longs:
    """Return the port, counted over all groups, at the far end of each port to other groups; -1: idle."""
    base, extra = (ports // (groups - 1), ports % (groups - 1)) if groups > 1 else (0, 0)
    peers = np.full(built * ports, -1, dtype=np.int64)
    for here in range(built):
        for there in range(built):
            for link in range(base + 1 if here != there else 0):
                port = port_to(groups, base, extra, here, there, link)
                if port >= 0:
                    peers[here * ports + port] = there * ports + port_to(groups, base, extra, there, here, link)
    return peers


@njit(cache=True)
def _links(row: Longs, here: int, there: int) -> int:
    """Return how many links two groups have."""
    return int(row[_BASE] + (port_to(row[_G], row[_BASE], row[_EXTRA], here, there, row[_BASE]) >= 0))


@njit(cache=True)
def _step(row: Longs, group: int, a: int, b: int, path: Longs, at: int) -> int:
    """Write the link between two routers of a group; return where the next link goes."""
    if a == b:
        return at
    path[at] = row[_LU] + (group * row[_A] + a) * (row[_A] - 1) + b - (b > a)
    return at + 1


@njit(cache=True)
def _up(row: Longs, group: int, leaf: int, gate: int, path: Longs, at: int) -> int:
    """Write the links from a leaf to the switch of its group with the port to another group."""
    if not row[_PLUS]:
        return int(_step(row, group, leaf, gate, path, at))
    path[at] = row[_LU] + (group * row[_A] + leaf) * row[_S] + gate
    return at + 1


@njit(cache=True)
def _down(row: Longs, group: int, gate: int, leaf: int, path: Longs, at: int) -> int:
    """Write the links from the switch with the port to another group to a leaf of its group."""
    if not row[_PLUS]:
        return int(_step(row, group, gate, leaf, path, at))
    path[at] = row[_LD] + (group * row[_A] + leaf) * row[_S] + gate
    return at + 1


@njit(cache=True)
def _over(row: Longs, port_link: Longs, here: int, there: int, link: int, path: Longs, at: int) -> tuple[int, int, int]:
    """Write a link between groups; return its switch on this side and on the other, and where the next link goes."""
    out = port_to(row[_G], row[_BASE], row[_EXTRA], here, there, link)
    into = port_to(row[_G], row[_BASE], row[_EXTRA], there, here, link)
    path[at] = port_link[here * row[_P] + out]
    return out // row[_H], into // row[_H], at + 1


@njit(cache=True)
def _living(path: Longs, alive: Bools) -> bool:
    dead = 0
    for link in path:
        dead += link >= 0 and not alive[link]
    return dead == 0


@njit(cache=True)
def _inside(row: Longs, a: int, b: int, target: int, pick: int, alive: Bools, path: Longs) -> bool:
    """Write a living path between two leaves of a group; False: there is none."""
    group, low, high = a // row[_A], a % row[_A], b % row[_A]
    ways = row[_S] if row[_PLUS] else row[_A]
    for attempt in range(ways):
        path[1:] = -1
        if row[_PLUS]:
            middle = (pick + attempt) % ways
            at = _down(row, group, middle, high, path, _up(row, group, low, middle, path, 1))
        else:
            # the direct link first, then over another router
            middle = low if attempt == 0 else (pick + attempt) % ways
            at = _step(row, group, middle, high, path, _step(row, group, low, middle, path, 1))
        path[at] = row[_HD] + target
        if _living(path, alive):
            return True
    return False


@njit(cache=True)
def _straight(row: Longs, port_link: Longs, a: int, b: int, target: int, pick: int, alive: Bools, path: Longs) -> bool:
    """Write a living path over one link between groups; False: there is none."""
    here, there = a // row[_A], b // row[_A]
    links = _links(row, here, there)
    spare = np.empty(1, dtype=np.int64)
    for attempt in range(links):
        link = (pick + attempt) % links
        path[1:] = -1
        gate, far, _ = _over(row, port_link, here, there, link, spare, 0)
        at = _up(row, here, a % row[_A], gate, path, 1)
        path[at] = spare[0]
        at = _down(row, there, far, b % row[_A], path, at + 1)
        path[at] = row[_HD] + target
        if _living(path, alive):
            return True
    return False


@njit(cache=True)
def _round(row: Longs, port_link: Longs, a: int, b: int, target: int, pick: int, alive: Bools, path: Longs) -> bool:
    """Write a living path over a third group; False: there is none."""
    here, there, others = a // row[_A], b // row[_A], row[_B] - 2
    low, high = min(here, there), max(here, there)
    spare = np.empty(1, dtype=np.int64)
    for attempt in range(others):
        middle = (pick + attempt) % others
        middle += middle >= low
        middle += middle >= high
        first, second = _links(row, here, middle), _links(row, middle, there)
        for trial in range(first * second):
            path[1:] = -1
            link = (pick // others + trial) % (first * second)
            gate, into, _ = _over(row, port_link, here, middle, link % first, spare, 0)
            at = _up(row, here, a % row[_A], gate, path, 1)
            path[at] = spare[0]
            gate, far, _ = _over(row, port_link, middle, there, link // first, spare, 0)
            if row[_PLUS] and into != gate:
                leaf = (pick >> 8) % row[_A]
                at = _up(row, middle, leaf, gate, path, _down(row, middle, into, leaf, path, at + 1))
            else:
                at = _step(row, middle, into, gate, path, at + 1)
            path[at] = spare[0]
            at = _down(row, there, far, b % row[_A], path, at + 1)
            path[at] = row[_HD] + target
            if _living(path, alive):
                return True
    return False


@njit(cache=True)
def dragonfly_paths(
    row: Longs, port_link: Longs, source: Longs, target: Longs, key: Longs, mode: int, alive: Bools
) -> Longs:
    """Return the links of flows between accelerators, -2 first where no path is alive; shape (flows, 8).

    Minimal paths first; where none is alive, over a third group (over another router inside a group). With `mode`
    DETOUR over a third group first.
    """
    out = np.full((source.size, WIDTH), -1, dtype=np.int64)
    for flow in range(source.size):
        path, a, b = out[flow], source[flow] // row[_W], target[flow] // row[_W]
        path[0] = row[_HU] + source[flow]
        pick = target[flow] if mode == STATIC else key[flow]
        if a == b:
            path[1] = row[_HD] + target[flow]
            found = _living(path, alive)
        elif a // row[_A] == b // row[_A]:
            found = _inside(row, a, b, target[flow], pick, alive, path)
        else:
            found = mode == DETOUR and _round(row, port_link, a, b, target[flow], pick, alive, path)
            found = found or _straight(row, port_link, a, b, target[flow], pick, alive, path)
            found = found or (mode != DETOUR and _round(row, port_link, a, b, target[flow], pick, alive, path))
        if not found:
            path[0] = -2
    return out


@njit(cache=True)
def dragonfly_half_paths(row: Longs, end: Longs, key: Longs, upward: bool, alive: Bools) -> Longs:
    """Return the links between accelerators and the fibre to other sites, in the order of travel; shape (flows, 2).

    The fibre ends at all spines, or, in a dragonfly without spines, at all routers.
    """
    out = np.full((end.size, 2), -1, dtype=np.int64)
    for flow in range(end.size):
        leaf, found = end[flow] // row[_W], False
        for attempt in range(row[_S] if row[_PLUS] else 1):
            path = out[flow]
            host = row[_HU if upward else _HD] + end[flow]
            path[0] = host
            if row[_PLUS]:
                link = row[_LU if upward else _LD] + leaf * row[_S] + (key[flow] + attempt) % row[_S]
                path[0], path[1] = (host, link) if upward else (link, host)
            if _living(path, alive):
                found = True
                break
        if not found:
            out[flow, 0] = -2
    return out
