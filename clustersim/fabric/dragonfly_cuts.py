"""Links that a cut between the two halves of a dragonfly's accelerators has to cross."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from clustersim.fabric.dragonfly import DragonflyFabric


def _middle(fabric: DragonflyFabric) -> tuple[int, int]:
    """Return the group that the second half begins in, and how many of its leaves belong to the first half."""
    leaf = round(fabric.site.endpoints / 2 / fabric.leaf_width)
    return divmod(leaf, fabric.spec.leaves_per_group)


def group_cut(fabric: DragonflyFabric) -> int:
    """Return the links between groups that lie wholly in different halves, one direction."""
    group, inside = _middle(fabric)
    here = np.repeat(np.arange(fabric.groups), fabric.group_ports)
    there = fabric.peers // fabric.group_ports
    return int(np.count_nonzero((here < group) & (there >= group + (inside > 0)) & (fabric.peers >= 0)))


def middle_cut(fabric: DragonflyFabric) -> int:
    """Return the links that cut the group in which the second half begins, one direction; 0 if it begins with one.

    Its leaves are on the side of their accelerators, other switches each on the side where fewer links are cut.
    """
    group, inside = _middle(fabric)
    if not inside:
        return 0
    leaves = fabric.spec.leaves_per_group
    used = min(leaves, fabric.used_leaves - group * leaves)
    rest, empty = used - inside, leaves - used
    peers = fabric.peers[group * fabric.group_ports : (group + 1) * fabric.group_ports]
    there = np.where(peers >= 0, peers // fabric.group_ports, group).reshape(fabric.gates, -1)
    below, above = (np.count_nonzero(side, axis=1) for side in (there < group, there > group))
    if fabric.plus:
        return int(np.minimum(rest + above, inside + below).sum())
    return inside * rest + empty * min(inside, rest) + int(above[:inside].sum() + below[inside:].sum())
