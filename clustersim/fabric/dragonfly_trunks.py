"""A dragonfly+ whose packets go over all minimal paths: uplinks of a leaf, and links of two groups, as trunks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clustersim.fabric.clos_trunks import packed, with_scale_up
from clustersim.fabric.dragonfly_links import DragonflyLinks
from clustersim.fabric.wiring import Damage, Floats, LinkTable, Longs, Wiring

if TYPE_CHECKING:
    from clustersim.fabric.dragonfly import DragonflyFabric

Bools = NDArray[np.bool_]


class DragonflyTrunks(Wiring):
    """Hosts, the uplinks of each leaf together, and the links from each group to each other together.

    What adaptive routing over minimal paths reaches at best: a trunk of a leaf is full when all of its links are,
    though the links of two groups end at a few spines only. A dragonfly without spines has no such trunks: a byte
    between two of its routers has one link to take. Where all links of two groups failed, flows go over a third group,
    down to a leaf and up again.

    Nodes: accelerators, scale-up domains, leaves, groups (their spines). Trunk g B + t goes from group g of B to t.
    """

    def __init__(self, fabric: DragonflyFabric) -> None:
        """Lay out the trunks of `fabric`, a dragonfly+."""
        self.fabric = fabric
        site, leaves = fabric.site, fabric.leaf_switches
        used = np.flatnonzero(fabric.peers >= 0)
        self._pair = used // fabric.group_ports * fabric.groups + fabric.peers[used] // fabric.group_ports
        sizes = [site.endpoints] * 4 + [leaves] * 2 + [fabric.groups**2]
        self._starts = np.cumsum([0, *sizes])
        self._first_node = site.endpoints + fabric.scale_up_domains
        self.table = self._table(np.array(sizes))

    def without(self, damage: Sequence[Damage]) -> Floats:
        """Return the capacity of every trunk with the damage done to its links [B/s]."""
        if not damage:
            return self.table.capacity
        f = self.fabric
        hosts = np.arange(self._starts[4])
        leaf = np.repeat(np.arange(f.leaf_switches), f.spec.spines_per_group)
        trunk = np.concatenate((hosts, self._starts[4] + leaf, self._starts[5] + leaf, self._starts[6] + self._pair))
        left = DragonflyLinks(f, "static").without(damage)
        return np.bincount(trunk, left, self.table.size).astype(np.float64)

    def routes(self, source: Longs, target: Longs, key: Longs, alive: Bools) -> Longs:
        """Return the trunks of each flow."""
        site, f = self.fabric.site, self.fabric
        inside = source // site.scale_up_domain == target // site.scale_up_domain
        a, b = source // f.leaf_width, target // f.leaf_width
        here, there = a // f.spec.leaves_per_group, b // f.spec.leaves_per_group
        between, starts = here != there, self._starts
        paths = np.full((source.size, 8), -1, dtype=np.int64)
        paths[:, 0], paths[:, 7] = starts[2] + source, starts[3] + target
        paths[:, 1] = np.where(a != b, starts[4] + a, -1)
        paths[:, 6] = np.where(a != b, starts[5] + b, -1)
        paths[:, 2] = np.where(between, self._trunk(here, there), -1)
        cut = np.flatnonzero(between & ~alive[paths[:, 2]])
        if cut.size:
            self._go_round(paths, cut, here, there, key, alive)
        closed = packed(paths)
        closed[np.any((closed >= 0) & ~alive[closed], axis=1), 0] = -2
        return with_scale_up(site.endpoints, source, target, inside, 1, closed, alive)

    def upward(self, source: Longs, key: Longs, alive: Bools) -> Longs:  # noqa: ARG002 (one way)
        """Return host and leaf trunk up."""
        leaf = source // self.fabric.leaf_width
        return self._living(np.stack((self._starts[2] + source, self._starts[4] + leaf), axis=1), alive)

    def downward(self, target: Longs, key: Longs, alive: Bools) -> Longs:  # noqa: ARG002 (one way)
        """Return leaf trunk and host down."""
        leaf = target // self.fabric.leaf_width
        return self._living(np.stack((self._starts[5] + leaf, self._starts[3] + target), axis=1), alive)

    def node_name(self, node: int) -> str:
        """Return ``gpu5``, ``domain0``, ``leaf3`` or ``spines1`` (those of a group)."""
        site, at = self.fabric.site, node - self._first_node
        if at < 0:
            return f"gpu{node}" if node < site.endpoints else f"domain{node - site.endpoints}"
        return f"leaf{at}" if at < self.fabric.leaf_switches else f"spines{at - self.fabric.leaf_switches}"

    def node_of(self, name: str) -> int:
        """Return the node of an accelerator, domain or leaf; spines are inside trunks."""
        return DragonflyLinks(self.fabric, "static").node_of(name)

    def _trunk(self, here: Longs, there: Longs) -> Longs:
        return np.asarray(self._starts[6] + here * self.fabric.groups + there)

    def _go_round(self, paths: Longs, cut: Longs, here: Longs, there: Longs, key: Longs, alive: Bools) -> None:
        """Write the way over the first third group, counted on from the hash, whose trunks and leaf are alive."""
        f, others = self.fabric, self.fabric.groups - 2
        for attempt in range(others):
            middle = (key[cut] + attempt) % others
            low, high = np.minimum(here[cut], there[cut]), np.maximum(here[cut], there[cut])
            middle += middle >= low
            middle += middle >= high
            leaf = middle * f.spec.leaves_per_group + (key[cut] >> 20) % f.spec.leaves_per_group
            way = np.stack(
                (
                    self._trunk(here[cut], middle),
                    self._starts[5] + leaf,
                    self._starts[4] + leaf,
                    self._trunk(middle, there[cut]),
                ),
                axis=1,
            )
            paths[cut, 2:6] = way
            cut = cut[~alive[way].all(axis=1)]
            if not cut.size:
                return

    def _living(self, paths: Longs, alive: Bools) -> Longs:
        paths[~alive[paths].all(axis=1), 0] = -2
        return paths

    def _table(self, sizes: Longs) -> LinkTable:
        f, site = self.fabric, self.fabric.site
        everyone = np.arange(site.endpoints, dtype=np.int64)
        domain, leaf = site.endpoints + everyone // site.scale_up_domain, self._first_node + everyone // f.leaf_width
        leaves = np.arange(f.leaf_switches, dtype=np.int64)
        first_group = self._first_node + f.leaf_switches
        above, leaves = first_group + leaves // f.spec.leaves_per_group, self._first_node + leaves
        here, there = np.divmod(np.arange(f.groups**2), f.groups)
        rates = np.repeat(
            [site.scale_up_bandwidth] * 2
            + [site.nic_bandwidth] * 2
            + [f.spec.spines_per_group * f.host_rate] * 2
            + [0.0],
            sizes,
        )
        rates[self._starts[6] :] = np.bincount(self._pair, minlength=f.groups**2) * f.host_rate
        return LinkTable(
            np.concatenate((everyone, domain, everyone, leaf, leaves, above, first_group + here)).astype(np.int32),
            np.concatenate((domain, everyone, leaf, everyone, above, leaves, first_group + there)).astype(np.int32),
            rates,
            np.repeat(np.array([0, 0, 1, 1, 2, 2, 3], dtype=np.int8), sizes),
            ("scale-up", "host-leaf", "leaf-spine", "group-group"),
            first_group + f.groups,
        )
