"""A folded Clos network whose packets go over all paths: the uplinks of a switch as one trunk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clustersim.fabric.clos_links import ClosLinks, leaf_of
from clustersim.fabric.path_kernels import LANE_BITS
from clustersim.fabric.wiring import Damage, Floats, LinkTable, Longs, Policy, Wiring

if TYPE_CHECKING:
    from clustersim.fabric.clos import ClosFabric

Bools = NDArray[np.bool_]


class ClosTrunks(Wiring):
    """Hosts, the uplinks of each leaf together, and the uplinks of each pod together.

    Exact for even spreading in an undamaged tree, where all uplinks of a switch carry the same. Damaged, a trunk has
    what is left of its links: what adaptive routing reaches at best.

    Nodes: accelerators, scale-up domains, then plane by plane leaves, pods (their spines) and the core.
    """

    def __init__(self, fabric: ClosFabric, policy: Policy) -> None:
        """Lay out the trunks of `fabric`; `policy` is ``spread`` or ``rail_local``."""
        self.fabric = fabric
        site = fabric.site
        self._planes = fabric.planes
        self._spread_rails = not fabric.spec.split_ports and fabric.planes > 1
        self._rails = self._planes if self._spread_rails else fabric.rails if policy == "rail_local" else 1
        self._leaf = leaf_of(fabric)
        self._sizes = (
            [fabric.attached] * 2 + [fabric.leaf_switches] * 2 + [fabric.pods if fabric.core_switches else 0] * 2
        )
        self._starts = np.concatenate(([0], np.cumsum(self._sizes)))
        self._base = 2 * site.endpoints
        self._nodes_of_plane = fabric.leaf_switches + fabric.pods + 1
        self._first_node = site.endpoints + fabric.scale_up_domains
        self.table = self._table()

    @property
    def lanes(self) -> int:
        """One per plane where every accelerator has a port in every plane."""
        return self._planes if self.fabric.spec.split_ports else 1

    def without(self, damage: Sequence[Damage]) -> Floats:
        """Return the capacity of every trunk with the damage done to its links [B/s]."""
        if not damage:
            return self.table.capacity
        links = ClosLinks(self.fabric, "static")
        return np.bincount(self._trunk_of_link(), links.without(damage), self.table.size).astype(np.float64)

    def routes(self, source: Longs, target: Longs, key: Longs, alive: Bools) -> Longs:
        """Return the trunks of each flow."""
        site = self.fabric.site
        inside = source // site.scale_up_domain == target // site.scale_up_domain
        rails = self._rails
        # the network card that is used is the one with the target's rail
        sender = source - source % rails + target % rails if rails > 1 else source
        up, down = self._half(sender, key, True), self._half(target, key, False)
        a, b = (self._leaf_of_accelerator(ends) for ends in (sender, target))
        pod = self.fabric.shape.leaves_of_pod
        same_leaf, same_pod = a == b, a // pod == b // pod
        paths = np.concatenate((up, down), axis=1)
        paths[same_leaf[:, None] & np.array([False, True, True, True, True, False])] = -1
        paths[same_pod[:, None] & np.array([False, False, True, True, False, False])] = -1
        closed = packed(paths)
        dead = np.any((closed >= 0) & ~alive[closed], axis=1)
        closed[dead, 0] = -2
        return with_scale_up(site.endpoints, source, target, inside, rails, closed, alive)

    def upward(self, source: Longs, key: Longs, alive: Bools) -> Longs:
        """Return host, leaf trunk and pod trunk up."""
        return self._living(packed(self._half(source, key, True)), alive)

    def downward(self, target: Longs, key: Longs, alive: Bools) -> Longs:
        """Return pod trunk, leaf trunk and host down."""
        return self._living(packed(self._half(target, key, False)), alive)

    def node_name(self, node: int) -> str:
        """Return ``gpu5``, ``domain0``, ``leaf3``, ``spines1`` (those of a pod) or ``cores``."""
        if node < self._first_node:
            return f"gpu{node}" if node < self.fabric.site.endpoints else f"domain{node - self.fabric.site.endpoints}"
        plane, at = divmod(node - self._first_node, self._nodes_of_plane)
        prefix = f"plane{plane}/" if self._planes > 1 else ""
        if at < self.fabric.leaf_switches:
            return f"{prefix}leaf{at}"
        at -= self.fabric.leaf_switches
        return f"{prefix}spines{at}" if at < self.fabric.pods else f"{prefix}cores"

    def node_of(self, name: str) -> int:
        """Return the node of an accelerator or domain; switches are inside trunks."""
        return ClosLinks(self.fabric, "static").node_of(name)

    def _living(self, paths: Longs, alive: Bools) -> Longs:
        paths[np.any((paths >= 0) & ~alive[paths], axis=1), 0] = -2
        return paths

    def _place(self, accelerators: Longs, key: Longs) -> tuple[Longs, Longs]:
        if self._spread_rails:
            return accelerators % self._planes, accelerators // self._planes
        return (key >> LANE_BITS) % self._planes, accelerators

    def _leaf_of_accelerator(self, accelerators: Longs) -> Longs:
        return self._leaf[accelerators // self._planes if self._spread_rails else accelerators]

    def _half(self, accelerators: Longs, key: Longs, upward: bool) -> Longs:
        """Return the trunks of accelerators up to the core, or down from it; -1 where there is none."""
        plane, local = self._place(accelerators, key)
        first = self._base + plane * int(self._starts[-1])
        leaf, side = self._leaf[local], 0 if upward else 1
        host = first + self._starts[side] + local
        trunk = first + self._starts[2 + side] + leaf
        pod = first + self._starts[4 + side] + leaf // self.fabric.shape.leaves_of_pod
        if not self.fabric.core_switches:
            pod = np.full_like(pod, -1)
        return np.stack((host, trunk, pod) if upward else (pod, trunk, host), axis=1)

    def _table(self) -> LinkTable:
        f, site = self.fabric, self.fabric.site
        everyone = np.arange(site.endpoints, dtype=np.int64)
        domain = site.endpoints + everyone // site.scale_up_domain
        tails, heads, rates, kinds = [everyone, domain], [domain, everyone], [], []
        rates += [np.full(2 * site.endpoints, site.scale_up_bandwidth)]
        kinds += [np.zeros(2 * site.endpoints)]
        local, leaves, pods = (np.arange(count) for count in (f.attached, f.leaf_switches, f.pods))
        nic = site.nic_bandwidth / (self._planes if f.spec.split_ports else 1)
        leaf_rate = np.full(f.leaf_switches, f.shape.leaf_up * f.uplink_rate)
        pod_rate = np.array([f.spines_in(pod) * f.shape.spine_up * f.uplink_rate for pod in range(f.pods)])
        for plane in range(self._planes):
            node = self._first_node + plane * self._nodes_of_plane
            hosts = local * self._planes + plane if self._spread_rails else local
            above = node + f.leaf_switches + leaves // f.shape.leaves_of_pod
            core = np.full(f.pods, node + f.leaf_switches + f.pods)
            tiers = [(hosts, node + self._leaf, np.full(f.attached, nic)), (node + leaves, above, leaf_rate)]
            if f.core_switches:
                tiers.append((node + f.leaf_switches + pods, core, pod_rate))
            for tier, (low, high, rate) in enumerate(tiers, start=1):
                tails += [low, high]
                heads += [high, low]
                rates += [rate, rate]
                kinds += [np.full(2 * low.size, tier)]
        return LinkTable(
            np.concatenate(tails).astype(np.int32),
            np.concatenate(heads).astype(np.int32),
            np.concatenate(rates),
            np.concatenate(kinds).astype(np.int8),
            ("scale-up", "host-leaf", "leaf-spine", "spine-core"),
            self._first_node + self._planes * self._nodes_of_plane,
        )

    def _trunk_of_link(self) -> Longs:
        """Return the trunk that each link of the site belongs to."""
        f, shape = self.fabric, self.fabric.shape
        blocks = [np.arange(self._base)]
        hosts = np.arange(f.attached)
        leaves = np.repeat(np.arange(f.leaf_switches), shape.leaf_up)
        pods = np.repeat(np.arange(f.spine_switches) // shape.spines_of_pod, shape.spine_up)
        for plane in range(self._planes):
            first = self._base + plane * int(self._starts[-1])
            within = [hosts, hosts, leaves, leaves, *([pods, pods] if f.core_switches else [])]
            blocks += [first + self._starts[at] + block for at, block in enumerate(within)]
        return np.concatenate(blocks)


def packed(paths: Longs) -> Longs:
    """Return paths with their links first and -1 behind them."""
    order = np.argsort(paths < 0, axis=1, kind="stable")
    return np.take_along_axis(paths, order, axis=1)


def with_scale_up(
    accelerators: int, source: Longs, target: Longs, inside: Bools, rails: int, paths: Longs, alive: Bools
) -> Longs:
    """Return paths with the scale-up network before them.

    Flows `inside` a domain use nothing else. Another rail of `rails` is reached inside the sender's domain first: out
    of the sender, and into the accelerator of its server that has the target's rail (NCCL's PXN).
    """
    out = np.concatenate((np.full((source.size, 2), -1, dtype=np.int64), paths), axis=1)
    dead = ~inside & (paths[:, 0] == -2)
    if rails > 1:
        crossing = ~inside & (source % rails != target % rails)
        relay = source - source % rails + target % rails
        out[crossing, 0] = source[crossing]
        out[crossing, 1] = accelerators + relay[crossing]
    out[inside, 2:] = -1
    out[inside, 0] = source[inside]
    out[inside, 1] = accelerators + target[inside]
    through = out[:, 0] >= 0
    dead |= through & ~(alive[out[:, 0]] & alive[out[:, 1]])
    # the links of a path stand first
    out[~through, :-2] = out[~through, 2:]
    out[~through, -2:] = -1
    out[dead] = -1
    out[dead, 0] = -2
    return out
