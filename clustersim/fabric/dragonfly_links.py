"""Every link of a dragonfly as arrays, and paths by hash or by destination."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError, nearest
from clustersim.fabric.clos_trunks import with_scale_up
from clustersim.fabric.dragonfly_kernels import DETOUR, HASHED, STATIC, dragonfly_half_paths, dragonfly_paths
from clustersim.fabric.site import check_policy
from clustersim.fabric.wiring import Damage, Floats, LinkTable, Longs, Policy, Wiring, damaged

if TYPE_CHECKING:
    from clustersim.fabric.dragonfly import DragonflyFabric

Bools = NDArray[np.bool_]
Ends = tuple[Longs, Longs]

_KINDS, _KINDS_PLUS = ("host-router", "router-router"), ("host-leaf", "leaf-spine")
_MODES: dict[str, int] = {"ecmp": HASHED, "static": STATIC, "valiant": DETOUR}


class DragonflyLinks(Wiring):
    """Links of a dragonfly or dragonfly+.

    Nodes: accelerators, scale-up domains, routers (leaves, then spines), group after group. Links: out of and into the
    scale-up domains, hosts up and down, inside groups (leaf-spine up and down), and out of each port to other groups.
    Port p of a group is on its switch ``p // global_ports``.

    Flows take minimal paths: inside a group the direct link or one spine, between groups one of the links that join the
    two. Where all of these failed, they go over a third router or a third group. Under ``valiant`` flows to another
    group go over a third one first.
    """

    def __init__(self, fabric: DragonflyFabric, policy: Policy) -> None:
        """Lay out the links of `fabric`; `policy` is ``ecmp``, ``static`` or ``valiant``."""
        check_policy(fabric.policies, policy, fabric.spec.kind)
        self.fabric, self._mode = fabric, _MODES[policy]
        site, spec = fabric.site, fabric.spec
        self._first_node = site.endpoints + fabric.scale_up_domains
        self._gate_node = self._first_node + (fabric.leaf_switches if fabric.plus else 0)
        ends = self._ends()
        starts = np.cumsum([0, *(tail.size for tail, _ in ends)])
        port_link = np.full(fabric.peers.size, -1, dtype=np.int64)
        used = fabric.peers >= 0
        port_link[used] = starts[-2] + np.arange(np.count_nonzero(used))
        self._port_link = port_link
        others = max(fabric.laid_out - 1, 1)
        shape = [fabric.plus, fabric.leaf_width, spec.leaves_per_group, spec.spines_per_group, spec.global_ports]
        shape += [fabric.laid_out, fabric.groups, fabric.group_ports // others, fabric.group_ports % others]
        self._row = np.array([*shape, fabric.group_ports, *starts[2:6]], dtype=np.int64)
        rates = [site.scale_up_bandwidth] * 2 + [site.nic_bandwidth] * 2 + [spec.port_rate] * (len(ends) - 4)
        kinds = [0, 0, 1, 1, *[2] * (len(ends) - 5), 3]
        sizes = np.diff(starts)
        self.table = LinkTable(
            np.concatenate([tail for tail, _ in ends]).astype(np.int32),
            np.concatenate([head for _, head in ends]).astype(np.int32),
            np.repeat(np.array(rates), sizes),
            np.repeat(np.array(kinds, dtype=np.int8), sizes),
            ("scale-up", *(_KINDS_PLUS if fabric.plus else _KINDS), "group-group"),
            self._first_node + fabric.leaf_switches + fabric.spine_switches,
        )

    def without(self, damage: Sequence[Damage]) -> Floats:
        """Return the capacity of every link with the damage done [B/s]; ``group0:group5`` are all links of the two."""
        between = [found for found in damage if found.other and found.node.startswith("group")]
        rest = [found for found in damage if found not in between]
        ends = [(self.node_of(d.node), None if d.other is None else self.node_of(d.other)) for d in rest]
        capacity = damaged(self.table, ends, [d.left for d in rest])
        for found in between:
            pair = {self._group_of(found.node), self._group_of(str(found.other))}
            here = np.repeat(np.arange(self.fabric.groups), self.fabric.group_ports)
            there = self.fabric.peers // self.fabric.group_ports
            low, high = min(pair), max(pair)
            struck = ((here == low) & (there == high)) | ((here == high) & (there == low))
            links = self._port_link[struck & (self.fabric.peers >= 0)]
            if len(pair) < 2 or not links.size:
                raise InputError("expected two groups that a link joins")
            capacity[links] *= found.left
        return capacity

    def routes(self, source: Longs, target: Longs, key: Longs, alive: Bools) -> Longs:
        """Return the links of each flow."""
        domain = self.fabric.site.scale_up_domain
        inside = source // domain == target // domain
        paths = dragonfly_paths(self._row, self._port_link, source, target, key, self._mode, alive)
        return with_scale_up(self.fabric.site.endpoints, source, target, inside, 1, paths, alive)

    def upward(self, source: Longs, key: Longs, alive: Bools) -> Longs:
        """Return the link of the host and, in a dragonfly+, one to a spine."""
        return np.asarray(dragonfly_half_paths(self._row, source, key, True, alive))

    def downward(self, target: Longs, key: Longs, alive: Bools) -> Longs:
        """Return the same links down."""
        return dragonfly_half_paths(self._row, target, key, False, alive)

    def node_name(self, node: int) -> str:
        """Return ``gpu5``, ``domain0``, and ``router3`` or ``leaf3``, ``spine1``; switches count on over the groups."""
        for tier, (first, count) in self._tiers().items():
            if first <= node < first + count:
                return f"{tier}{node - first}"
        raise IndexError(node)

    def node_of(self, name: str) -> int:
        """Return the node of a name that :meth:`node_name` gives."""
        match = re.fullmatch(r"([a-z]+)(\d+)", name)
        tiers = self._tiers()
        if match is None or match[1] not in tiers or int(match[2]) >= tiers[match[1]][1]:
            raise self._unknown(name)
        return tiers[match[1]][0] + int(match[2])

    def _group_of(self, name: str) -> int:
        match = re.fullmatch(r"group(\d+)", name)
        if match is None or int(match[1]) >= self.fabric.groups:
            raise self._unknown(name)
        return int(match[1])

    def _unknown(self, name: str) -> InputError:
        listed = ", ".join(f"{tier}0 to {tier}{count - 1}" for tier, (_, count) in self._tiers().items())
        near = nearest(name, [f"{tier}0" for tier in self._tiers()])
        groups = f", or group0 to group{self.fabric.groups - 1} in pairs" if self.fabric.groups > 1 else ""
        return InputError(f"no {name!r} at site {self.fabric.site.name}; expected {listed}{groups}{near}")

    def _tiers(self) -> dict[str, tuple[int, int]]:
        """Return the first node and the number of each kind of nodes."""
        f, site = self.fabric, self.fabric.site
        tiers = {"gpu": (0, site.endpoints), "domain": (site.endpoints, f.scale_up_domains)}
        for tier in f.switch_tiers:
            tiers[tier.name] = (self._gate_node if tier.name == "spine" else self._first_node, tier.count)
        return tiers

    def _ends(self) -> list[Ends]:
        """Return the two ends of the links of each block, as nodes."""
        f, site, spec = self.fabric, self.fabric.site, self.fabric.spec
        everyone = np.arange(site.endpoints, dtype=np.int64)
        domain = site.endpoints + everyone // site.scale_up_domain
        leaf = self._first_node + everyone // f.leaf_width
        blocks = [(everyone, domain), (domain, everyone), (everyone, leaf), (leaf, everyone)]
        switch = np.arange(f.leaf_switches, dtype=np.int64)
        group, across = switch // spec.leaves_per_group, spec.spines_per_group
        if f.plus:
            low = np.repeat(self._first_node + switch, across)
            high = self._gate_node + np.repeat(group * across, across) + np.tile(np.arange(across), f.leaf_switches)
            blocks += [(low, high), (high, low)]
        else:
            others = np.arange(spec.leaves_per_group - 1, dtype=np.int64)
            own = (switch % spec.leaves_per_group)[:, None]
            to = (group * spec.leaves_per_group)[:, None] + others + (others >= own)
            blocks.append((np.repeat(self._first_node + switch, others.size), self._first_node + to.ravel()))
        used = np.flatnonzero(f.peers >= 0)
        ports = spec.global_ports
        blocks.append((self._gate_node + used // ports, self._gate_node + f.peers[used] // ports))
        return blocks
