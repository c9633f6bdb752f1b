"""Compiled path choice in folded Clos networks: plain arrays in, plain arrays out."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]

WIDTH = 6
"""Most links of a path inside a site, without the scale-up network: up three, down three."""


@njit(cache=True)
def mix(key: np.uint64) -> np.uint64:
    """Return a well-mixed 64-bit hash of `key` (the finaliser of SplitMix64)."""
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


@njit(cache=True)
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


@njit(cache=True)
def _leaf_of(local: int, width: int, rails: int) -> int:
    """Return the leaf of an accelerator of a plane: its group's, of its own rail."""
    return int((local // (width * rails)) * rails + local % rails)


@njit(cache=True)
def _uplink_to(leaf_in_pod: int, spine_in_pod: int, up: int, spines: int, choice: int) -> int:
    """Return the uplink of a leaf that ends at a spine of its pod; `choice` picks among parallel ones, -1: none."""
    first = (spine_in_pod - leaf_in_pod * up) % spines
    if first >= up:
        return -1
    return int(first + (choice % ((up - first - 1) // spines + 1)) * spines)


# One tree as a row of integers: accelerators per leaf, rails, leaf uplinks, leaves of a full pod, spines of a full pod,
# spine uplinks, leaves, spines, cores, and the first links: host up and down, leaf up and down, spine up and down.
(_W, _R, _U, _LP, _SP, _V, _L, _S, _C, _HU, _HD, _LU, _LD, _SU, _SD) = range(15)


@njit(cache=True)
def _spines(tree: Longs, spine_down: int, pod: int) -> int:
    """Return the spines of a pod; the last may have fewer."""
    leaves = min(tree[_LP], tree[_L] - pod * tree[_LP])
    return int(-(-leaves * tree[_U] // spine_down))


@njit(cache=True)
def _in_pod(tree: Longs, spines: int, a: int, b: int, u: int, pick: int, path: Longs) -> bool:
    """Write the four links from leaf `a` over its uplink `u` to leaf `b` of the same pod; False: no such way."""
    spine = ((a % tree[_LP]) * tree[_U] + u) % spines
    back = _uplink_to(b % tree[_LP], spine, tree[_U], spines, pick)
    if back < 0:
        return False
    path[1] = tree[_LU] + a * tree[_U] + u
    path[2] = tree[_LD] + b * tree[_U] + back
    path[4] = -1
    return True


@njit(cache=True)
def _across(tree: Longs, spine_down: int, a: int, b: int, u: int, v: int, pick: int, ahead: bool, path: Longs) -> bool:
    """Write the six links from leaf `a` to leaf `b` of another pod; False: no such way.

    `u` and `v` are the uplinks of leaf and spine on the side that chooses: the source's (`ahead`) or the target's.
    """
    near, far = (a, b) if ahead else (b, a)
    near_pod, far_pod = near // tree[_LP], far // tree[_LP]
    near_spines, far_spines = _spines(tree, spine_down, near_pod), _spines(tree, spine_down, far_pod)
    spine = near_pod * tree[_SP] + ((near % tree[_LP]) * tree[_U] + u) % near_spines
    port = spine * tree[_V] + v
    core = port % tree[_C]
    low = far_pod * tree[_SP] * tree[_V]
    first = low + (core - low) % tree[_C]
    high = low + far_spines * tree[_V]
    if first >= high:
        return False
    other = first + (pick % ((high - first - 1) // tree[_C] + 1)) * tree[_C]
    back = _uplink_to(far % tree[_LP], other // tree[_V] - far_pod * tree[_SP], tree[_U], far_spines, pick >> 3)
    if back < 0:
        return False
    near_up = near * tree[_U] + u
    far_up = far * tree[_U] + back
    if ahead:
        path[1], path[2] = tree[_LU] + near_up, tree[_SU] + port
        path[3], path[4] = tree[_SD] + other, tree[_LD] + far_up
    else:
        path[1], path[2] = tree[_LU] + far_up, tree[_SU] + other
        path[3], path[4] = tree[_SD] + port, tree[_LD] + near_up
    return True


@njit(cache=True)
def _living(path: Longs, alive: Bools) -> bool:
    dead = 0
    for link in path:
        dead += link >= 0 and not alive[link]
    return dead == 0


@njit(cache=True)
def _path(
    tree: Longs, spine_down: int, source: int, target: int, key: int, static: bool, alive: Bools, path: Longs
) -> None:
    """Write the links of one flow; -2 first when no path is alive."""
    path[:] = -1
    path[0] = tree[_HU] + source
    a, b = _leaf_of(source, tree[_W], tree[_R]), _leaf_of(target, tree[_W], tree[_R])
    pod_a, pod_b = a // tree[_LP], b // tree[_LP]
    if a == b:
        path[1] = tree[_HD] + target
        if not _living(path, alive):
            path[0] = -2
        return
    spines_a, spines_b = _spines(tree, spine_down, pod_a), _spines(tree, spine_down, pod_b)
    # the core reaches a small pod over few of its switches: the side with fewer spines chooses
    ahead = spines_a <= spines_b
    ups, overs = tree[_U], tree[_V] if pod_a != pod_b else 1
    if static:
        u0, v0, pick = target % ups, (target // ups) % max(overs, 1), target
    else:
        u0, v0, pick = key % ups, (key >> 20) % max(overs, 1), key >> 40
    for attempt in range(ups * overs):
        u, v = (u0 + attempt) % ups, (v0 + (u0 + attempt) // ups - u0 // ups) % overs
        if pod_a == pod_b:
            found = _in_pod(tree, spines_a, a, b, u, pick, path)
            last = 3
        else:
            found = _across(tree, spine_down, a, b, u, v, pick, ahead, path)
            last = 5
        path[last] = tree[_HD] + target
        if found and _living(path, alive):
            return
    path[0] = -2


@njit(cache=True)
def clos_paths(
    trees: Longs,
    spine_down: int,
    plane: Longs,
    source: Longs,
    target: Longs,
    key: Longs,
    static: bool,
    alive: Bools,
) -> Longs:
    """Return the links of flows between accelerators of planes, each by its number in the plane; shape (flows, 6)."""
    out = np.empty((source.size, WIDTH), dtype=np.int64)
    for flow in range(source.size):
        _path(trees[plane[flow]], spine_down, source[flow], target[flow], key[flow], static, alive, out[flow])
    return out


@njit(cache=True)
def clos_half_paths(
    trees: Longs, spine_down: int, plane: Longs, end: Longs, key: Longs, upward: bool, alive: Bools
) -> Longs:
    """Return the links between accelerators and the topmost switches, in the order of travel; shape (flows, 3)."""
    out = np.full((end.size, 3), -1, dtype=np.int64)
    for flow in range(end.size):
        tree = trees[plane[flow]]
        leaf = _leaf_of(end[flow], tree[_W], tree[_R])
        pod = leaf // tree[_LP]
        spines = _spines(tree, spine_down, pod)
        overs = max(tree[_V], 1)
        found = False
        for attempt in range(tree[_U] * overs):
            u = (key[flow] + attempt) % tree[_U]
            v = ((key[flow] >> 20) + attempt // tree[_U]) % overs
            spine = pod * tree[_SP] + ((leaf % tree[_LP]) * tree[_U] + u) % spines
            path = out[flow]
            if upward:
                path[0] = tree[_HU] + end[flow]
                path[1] = tree[_LU] + leaf * tree[_U] + u
                path[2] = tree[_SU] + spine * tree[_V] + v if tree[_C] else -1
            else:
                path[0] = tree[_SD] + spine * tree[_V] + v if tree[_C] else tree[_LD] + leaf * tree[_U] + u
                path[1] = tree[_LD] + leaf * tree[_U] + u if tree[_C] else tree[_HD] + end[flow]
                path[2] = tree[_HD] + end[flow] if tree[_C] else -1
            if _living(path, alive):
                found = True
                break
        if not found:
            out[flow, 0] = -2
    return out


@njit(cache=True)
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
