"""Every link of a folded Clos network as arrays, and paths by hash or by destination."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError, nearest
from clustersim.fabric.path_kernels import LANE_BITS, clos_half_paths, clos_paths
from clustersim.fabric.wiring import Damage, Floats, LinkTable, Longs, Policy, Wiring, damaged

if TYPE_CHECKING:
    from clustersim.fabric.clos import ClosFabric

Bools = NDArray[np.bool_]


class ClosLinks(Wiring):
    """Links of all planes of a site.

    Nodes: accelerators, scale-up domains, then plane by plane leaves, spines and cores. Links: out of and into the
    scale-up domains, then plane by plane up and down of hosts, leaves and spines. Uplink u of leaf l of a pod ends at
    spine ``(l U + u) mod S`` of its pod, uplink v of spine s at core ``(s V + v) mod C``: the standard wiring where the
    tree is full.
    """

    def __init__(self, fabric: ClosFabric, policy: Policy) -> None:
        """Lay out the links of `fabric`; `policy` is ``ecmp`` or ``static``."""
        self.fabric, self.static = fabric, policy == "static"
        shape, site = fabric.shape, fabric.site
        self._planes = fabric.planes
        self._spread_rails = not fabric.spec.split_ports and fabric.planes > 1
        hosts, leaves = fabric.attached, fabric.leaf_switches
        spines, cores = fabric.spine_switches, fabric.core_switches
        sizes = [hosts, hosts, leaves * shape.leaf_up, leaves * shape.leaf_up]
        sizes += [spines * shape.spine_up] * 2 if cores else [0, 0]
        starts = np.concatenate(([0], np.cumsum(sizes)))
        self._block = int(starts[-1])
        self._first_node = site.endpoints + fabric.scale_up_domains
        self._nodes_of_plane = leaves + spines + cores
        row = [shape.leaf_up, shape.leaves_of_pod, shape.spines_of_pod, shape.spine_up, cores]
        base = 2 * site.endpoints
        self._trees = np.array(
            [[*row, *(base + plane * self._block + starts[:6])] for plane in range(self._planes)], dtype=np.int64
        )
        self._leaf = leaf_of(fabric)
        self._pod = np.arange(leaves, dtype=np.int64) // shape.leaves_of_pod
        self._spines = np.array([fabric.spines_in(pod) for pod in range(fabric.pods)], dtype=np.int64)
        self.table = self._table(starts)

    @property
    def lanes(self) -> int:
        """One per plane where every accelerator has a port in every plane."""
        return self._planes if self.fabric.spec.split_ports else 1

    def without(self, damage: Sequence[Damage]) -> Floats:
        """Return the capacity of every link with the damage done [B/s]."""
        ends = [(self.node_of(d.node), None if d.other is None else self.node_of(d.other)) for d in damage]
        return damaged(self.table, ends, [d.left for d in damage], [f"{d.node}:{d.other}" for d in damage])

    def routes(self, source: Longs, target: Longs, key: Longs, alive: Bools) -> Longs:
        """Return the links of each flow: up to two of the scale-up network, then up to six."""
        return clos_paths(
            self._trees,
            self._leaf,
            self._pod,
            self._spines,
            self.fabric.site.endpoints,
            self.fabric.site.scale_up_domain,
            self._planes if self._spread_rails else 1,
            self.lanes > 1,
            source,
            target,
            key,
            self.static,
            alive,
        )

    def upward(self, source: Longs, key: Longs, alive: Bools) -> Longs:
        """Return host, leaf and spine uplinks."""
        return self._half(source, key, True, alive)

    def downward(self, target: Longs, key: Longs, alive: Bools) -> Longs:
        """Return spine, leaf and host links down."""
        return self._half(target, key, False, alive)

    def node_name(self, node: int) -> str:
        """Return ``gpu5``, ``domain0``, ``leaf3``, ``spine1`` or ``core2``, with ``plane1/`` before the switches."""
        site, f = self.fabric.site, self.fabric
        if node < site.endpoints:
            return f"gpu{node}"
        if node < self._first_node:
            return f"domain{node - site.endpoints}"
        plane, at = divmod(node - self._first_node, self._nodes_of_plane)
        prefix = f"plane{plane}/" if self._planes > 1 else ""
        for tier, count in (("leaf", f.leaf_switches), ("spine", f.spine_switches), ("core", f.core_switches)):
            if at < count:
                return f"{prefix}{tier}{at}"
            at -= count
        raise IndexError(node)

    def node_of(self, name: str) -> int:
        """Return the node of a name that :meth:`node_name` gives."""
        f = self.fabric
        counts = {"leaf": f.leaf_switches, "spine": f.spine_switches, "core": f.core_switches}
        match = re.fullmatch(r"(?:plane(\d+)/)?(gpu|domain|leaf|spine|core)(\d+)", name)
        plane, tier, index = (match[1], match[2], int(match[3])) if match else (None, "", 0)
        most = counts | {"gpu": f.site.endpoints, "domain": f.scale_up_domains}
        number = int(plane or 0)
        known = [tier for tier, count in most.items() if count]
        if match is None or tier not in known or index >= most[tier] or number >= self._planes:
            listed = ", ".join(f"{tier}0 to {tier}{most[tier] - 1}" for tier in known)
            where = f", with plane0/ to plane{self._planes - 1}/ before a switch" if self._planes > 1 else ""
            near = nearest(name, [f"{tier}{min(index, most[tier] - 1)}" for tier in known])
            raise InputError(f"no {name!r} at site {f.site.name}; expected {listed}{where}{near}")
        if tier == "gpu":
            return index
        if tier == "domain":
            return f.site.endpoints + index
        before = {"leaf": 0, "spine": f.leaf_switches, "core": f.leaf_switches + f.spine_switches}
        return self._first_node + number * self._nodes_of_plane + before[tier] + index

    def _half(self, ends: Longs, key: Longs, upward: bool, alive: Bools) -> Longs:
        plane, local = (key >> LANE_BITS) % self._planes, ends
        if self._spread_rails:
            plane, local = ends % self._planes, ends // self._planes
        return clos_half_paths(self._trees, self._leaf, self._pod, self._spines, plane, local, key, upward, alive)

    def _table(self, starts: NDArray[np.int64]) -> LinkTable:
        f, site = self.fabric, self.fabric.site
        everyone = np.arange(site.endpoints, dtype=np.int32)
        domain = (site.endpoints + everyone // site.scale_up_domain).astype(np.int32)
        size = 2 * site.endpoints + self._planes * self._block
        tail, head = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
        capacity, kind = np.empty(size), np.empty(size, dtype=np.int8)
        tail[: site.endpoints], head[: site.endpoints] = everyone, domain
        tail[site.endpoints : 2 * site.endpoints], head[site.endpoints : 2 * site.endpoints] = domain, everyone
        capacity[: 2 * site.endpoints], kind[: 2 * site.endpoints] = site.scale_up_bandwidth, 0
        nic = site.nic_bandwidth / (self._planes if f.spec.split_ports else 1)
        ends = [_host_ends(f), _leaf_ends(f), *([_spine_ends(f)] if f.core_switches else [])]
        rates = (nic, f.uplink_rate, f.uplink_rate)
        for plane in range(self._planes):
            base, node = 2 * site.endpoints + plane * self._block, self._first_node + plane * self._nodes_of_plane
            for tier, (low, high) in enumerate(ends):
                # the lower end of the first tier are accelerators, numbered over all planes
                below = _accelerators(low, plane, self._planes) if tier == 0 and self._spread_rails else low
                below = below if tier == 0 else low + node
                up = slice(base + starts[2 * tier], base + starts[2 * tier + 1])
                down = slice(base + starts[2 * tier + 1], base + starts[2 * tier + 2])
                tail[up], head[up], tail[down], head[down] = below, high + node, high + node, below
                for block in (up, down):
                    capacity[block], kind[block] = rates[tier], tier + 1
        kinds = ("scale-up", "host-leaf", "leaf-spine", "spine-core")
        return LinkTable(tail, head, capacity, kind, kinds, self._first_node + self._planes * self._nodes_of_plane)


def _accelerators(local: Longs, plane: int, planes: int) -> Longs:
    return local * planes + plane


def leaf_of(f: ClosFabric) -> Longs:
    """Return the leaf of every accelerator of a plane, by its number there."""
    local = np.arange(f.attached, dtype=np.int64)
    return local // (f.leaf_width * f.rails) * f.rails + local % f.rails


def _host_ends(f: ClosFabric) -> tuple[Longs, Longs]:
    return np.arange(f.attached, dtype=np.int64), leaf_of(f)


def _leaf_ends(f: ClosFabric) -> tuple[Longs, Longs]:
    """Return leaf and spine of every leaf uplink, as nodes of the plane."""
    shape = f.shape
    leaf = np.repeat(np.arange(f.leaf_switches, dtype=np.int64), shape.leaf_up)
    uplink = np.tile(np.arange(shape.leaf_up, dtype=np.int64), f.leaf_switches)
    pod = leaf // shape.leaves_of_pod
    spines = np.array([f.spines_in(number) for number in range(f.pods)], dtype=np.int64)[pod]
    spine = pod * shape.spines_of_pod + ((leaf % shape.leaves_of_pod) * shape.leaf_up + uplink) % spines
    return leaf, f.leaf_switches + spine


def _spine_ends(f: ClosFabric) -> tuple[Longs, Longs]:
    """Return spine and core of every spine uplink, as nodes of the plane."""
    port = np.arange(f.spine_switches * f.shape.spine_up, dtype=np.int64)
    above = f.leaf_switches + f.spine_switches
    return f.leaf_switches + port // f.shape.spine_up, above + port % f.core_switches
