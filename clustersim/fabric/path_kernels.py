"""Compiled path choice in folded Clos networks: plain arrays in, plain arrays out."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]

LANE_BITS = 50
"""A flow's key holds its hash in the bits below; above is its lane: the plane, where it has a part in each."""
WIDTH = 6
"""Most links of a path inside a site, without the scale-up network: up three, down three."""


@njit(cache=True, error_model="numpy")
def mix(key: np.uint64) -> np.uint64:
    """Return a well-mixed 64-bit hash of `key` (the finaliser of SplitMix64)."""
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


@njit(cache=True, error_model="numpy")
def hash_keys(first: Longs, second: Longs, number: Longs, seed: np.uint64) -> Longs:
    """Return a hash of two ends and a flow number under `seed`, not negative."""
    out = np.empty(first.size, dtype=np.int64)
    step = np.uint64(0x9E3779B97F4A7C15)
    for at in range(first.size):
        key = mix(seed + step)
        key = mix(key + np.uint64(first[at]) * step)
        key = mix(key + np.uint64(second[at]) * step)
        key = mix(key + np.uint64(number[at]) * step)
        out[at] = np.int64(key >> np.uint64(1))
    return out


# One tree as a row of integers: leaf uplinks, leaves of a full pod, spines of a full pod, spine uplinks, cores, and the
# first links: host up and down, leaf up and down, spine up and down.
(_U, _LP, _SP, _V, _C, _HU, _HD, _LU, _LD, _SU, _SD) = range(11)


@njit(cache=True, error_model="numpy")
def _uplink_to(leaf_in_pod: int, spine_in_pod: int, up: int, spines: int, choice: int) -> int:
    """Return the uplink of a leaf that ends at a spine of its pod; `choice` picks among parallel ones, -1: none."""
    if spines == up:
        return spine_in_pod
    first = (spine_in_pod - leaf_in_pod * up) % spines
    if first >= up:
        return -1
    return int(first + (choice % ((up - first - 1) // spines + 1)) * spines)


@njit(cache=True, error_model="numpy")
def _spine_at(leaf_in_pod: int, uplink: int, up: int, spines: int) -> int:
    """Return the spine of the pod at which an uplink of a leaf ends."""
    return uplink if spines == up else (leaf_in_pod * up + uplink) % spines


@njit(cache=True, error_model="numpy")
def _in_pod(tree: Longs, spines: int, pod: int, a: int, b: int, u: int, pick: int, path: Longs) -> bool:
    """Write the two links from leaf `a` over its uplink `u` to leaf `b` of the same pod; False: no such way."""
    first = pod * tree[_LP]
    spine = _spine_at(a - first, u, tree[_U], spines)
    back = _uplink_to(b - first, spine, tree[_U], spines, pick)
    if back < 0:
        return False
    path[1] = tree[_LU] + a * tree[_U] + u
    path[2] = tree[_LD] + b * tree[_U] + back
    return True


@njit(cache=True, error_model="numpy")
def _across(
    tree: Longs,
    spines: Longs,
    near: int,
    near_pod: int,
    far: int,
    far_pod: int,
    u: int,
    v: int,
    pick: int,
    ahead: bool,
    path: Longs,
) -> bool:
    """Write the four links between leaves of two pods; False: no such way.

    `u` and `v` are the uplinks of leaf and spine on the near side, which chooses: the source's (`ahead`) or the
    target's.
    """
    spine = near_pod * tree[_SP] + _spine_at(near - near_pod * tree[_LP], u, tree[_U], spines[near_pod])
    port = spine * tree[_V] + v
    low, ports = far_pod * tree[_SP] * tree[_V], spines[far_pod] * tree[_V]
    first = (port - low) % tree[_C]
    if first >= ports:
        return False
    ways = 1 if ports == tree[_C] else (ports - first - 1) // tree[_C] + 1
    other = first if ways == 1 else first + (pick % ways) * tree[_C]
    back = _uplink_to(far - far_pod * tree[_LP], other // tree[_V], tree[_U], spines[far_pod], pick // ways)
    if back < 0:
        return False
    near_up, far_up = near * tree[_U] + u, far * tree[_U] + back
    if ahead:
        path[1], path[2] = tree[_LU] + near_up, tree[_SU] + port
        path[3], path[4] = tree[_SD] + low + other, tree[_LD] + far_up
    else:
        path[1], path[2] = tree[_LU] + far_up, tree[_SU] + low + other
        path[3], path[4] = tree[_SD] + port, tree[_LD] + near_up
    return True


@njit(cache=True, error_model="numpy")
def _living(path: Longs, alive: Bools) -> bool:
    dead = 0
    for link in path:
        dead += link >= 0 and not alive[link]
    return dead == 0


@njit(cache=True, error_model="numpy")
def _path(
    tree: Longs,
    leaf: Longs,
    pod: Longs,
    spines: Longs,
    source: int,
    target: int,
    key: int,
    static: bool,
    alive: Bools,
    path: Longs,
) -> None:
    """Write the links of one flow; -2 first when no path is alive."""
    path[:] = -1
    path[0] = tree[_HU] + source
    a, b = leaf[source], leaf[target]
    if a == b:
        path[1] = tree[_HD] + target
        if not _living(path, alive):
            path[0] = -2
        return
    pod_a, pod_b = pod[a], pod[b]
    # the core reaches a small pod over few of its switches: the side with fewer spines chooses
    ahead = spines[pod_a] <= spines[pod_b]
    ups, overs = tree[_U], tree[_V] if pod_a != pod_b else 1
    if static:
        high = target // ups
        u, v, pick = target - high * ups, 0 if overs == 1 else high % overs, target
    else:
        u, v, pick = key % ups, 0 if overs == 1 else (key >> 20) % overs, key >> 40
    # on the side that does not choose: links of a core to its pod, and parallel links of a leaf to its spine
    far = spines[pod_b] if ahead else spines[pod_a]
    choices = -(-ups // far) * (1 if pod_a == pod_b else -(-far * tree[_V] // tree[_C]))
    for attempt in range(ups * overs * choices):
        if pod_a == pod_b:
            found = _in_pod(tree, spines[pod_a], pod_a, a, b, u, pick, path)
            path[3] = tree[_HD] + target
        else:
            if ahead:
                found = _across(tree, spines, a, pod_a, b, pod_b, u, v, pick, True, path)
            else:
                found = _across(tree, spines, b, pod_b, a, pod_a, u, v, pick, False, path)
            path[5] = tree[_HD] + target
        if found and _living(path, alive):
            return
        pick += 1
        if (attempt + 1) % choices == 0:
            u += 1
            if u == ups:
                u, v = 0, (v + 1) % overs
    path[0] = -2


@njit(cache=True, error_model="numpy")
def clos_paths(
    trees: Longs,
    leaf: Longs,
    pod: Longs,
    spines: Longs,
    accelerators: int,
    domain: int,
    rails: int,
    split: bool,
    source: Longs,
    target: Longs,
    key: Longs,
    static: bool,
    alive: Bools,
) -> Longs:
    """Return the links of flows between accelerators; shape (flows, 8).

    Accelerators of a scale-up domain reach each other there. Where the rails are planes (`rails` > 1), a flow to
    another rail changes to the accelerator of its server that has it, inside the domain. Where every accelerator is in
    every plane (`split`), the plane is the flow's lane.
    """
    out = np.full((source.size, WIDTH + 2), -1, dtype=np.int64)
    for flow in range(source.size):
        a, b = source[flow], target[flow]
        path = out[flow]
        if domain > 1 and a // domain == b // domain:
            path[0], path[1] = a, accelerators + b
            if not (alive[path[0]] and alive[path[1]]):
                path[0] = -2
            continue
        plane, offset = 0, 0
        if rails > 1:
            rail_a, rail_b = a % rails, b % rails
            plane = rail_b
            if rail_a != rail_b:
                path[0], path[1] = a, accelerators + a - rail_a + rail_b
                offset = 2
                if not (alive[path[0]] and alive[path[1]]):
                    path[0] = -2
                    continue
            a, b = a // rails, b // rails
        elif split:
            plane = (key[flow] >> LANE_BITS) % trees.shape[0]
        part = path[offset : offset + WIDTH]
        _path(trees[plane], leaf, pod, spines, a, b, key[flow], static, alive, part)
        if part[0] == -2:
            path[0] = -2
    return out


@njit(cache=True, error_model="numpy")
def clos_half_paths(
    trees: Longs,
    leaf: Longs,
    pod: Longs,
    spines: Longs,
    plane: Longs,
    end: Longs,
    key: Longs,
    upward: bool,
    alive: Bools,
) -> Longs:
    """Return the links between accelerators and the topmost switches, in the order of travel; shape (flows, 3)."""
    out = np.full((end.size, 3), -1, dtype=np.int64)
    for flow in range(end.size):
        tree, path = trees[plane[flow]], out[flow]
        at = leaf[end[flow]]
        here = pod[at]
        overs = max(tree[_V], 1)
        found = False
        for attempt in range(tree[_U] * overs):
            u = (key[flow] + attempt) % tree[_U]
            v = ((key[flow] >> 20) + attempt // tree[_U]) % overs
            spine = here * tree[_SP] + _spine_at(at - here * tree[_LP], u, tree[_U], spines[here])
            links = (
                tree[_HU if upward else _HD] + end[flow],
                tree[_LU if upward else _LD] + at * tree[_U] + u,
                tree[_SU if upward else _SD] + spine * tree[_V] + v,
            )
            count = 3 if tree[_C] else 2
            for step in range(count):
                path[step] = links[step if upward else count - 1 - step]
            if _living(path, alive):
                found = True
                break
        if not found:
            path[0] = -2
    return out


@njit(cache=True, error_model="numpy")
def compress(paths: Longs) -> tuple[Longs, NDArray[np.int32]]:
    """Return rows of links as one array, and where each row begins; entries below 0 are left out."""
    first = np.zeros(paths.shape[0] + 1, dtype=np.int64)
    for row in range(paths.shape[0]):
        count = 0
        for at in range(paths.shape[1]):
            count += paths[row, at] >= 0
        first[row + 1] = first[row] + count
    links = np.empty(first[-1], dtype=np.int32)
    at = 0
    for row in range(paths.shape[0]):
        for column in range(paths.shape[1]):
            if paths[row, column] >= 0:
                links[at] = paths[row, column]
                at += 1
    return first, links
