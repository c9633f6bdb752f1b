"""How much of a folded Clos network has to be cut between two halves of its accelerators."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clustersim.fabric.clos import ClosFabric


Block = tuple[float, float]
"""Accelerators of the first and of the second half under one leaf, or under one group of rails."""


def _blocks(f: ClosFabric) -> list[list[Block]]:
    """Return the blocks of every pod of a plane."""
    width, half = f.leaf_width * f.rails, f.attached / 2.0
    found: list[list[Block]] = [[] for _ in range(f.pods)]
    for block in range(f.leaf_switches // f.rails):
        low, high = block * width, min((block + 1) * width, f.attached)
        first = min(max(half - low, 0.0), high - low)
        found[block * f.rails // f.shape.leaves_of_pod].append((first, high - low - first))
    return found


def least_cut(f: ClosFabric, *, hosts: bool = True, leaves: bool = True, spines: bool = True) -> float:
    """Return the least capacity between the first and the second half of the accelerators of a site [B/s].

    One direction, at line rate, all planes. The switches of a tier may stand on either side, pod by pod; with n
    accelerators of a half in a pod, its part is cut at their links, at the uplinks of their leaves, or, together with
    the rest of the pod, at those of its spines. By maximum flow and minimum cut this is what the halves can send to
    each other; exact where whole leaves fall on each side.

    Parameters
    ----------
    f : ClosFabric
        The site.
    hosts, leaves, spines : bool
        Which kinds of links may be cut; the others are taken to be unlimited.
    """
    shape, planes = f.shape, f.planes
    # under one leaf, or one group of rails, nothing crosses its uplinks
    leaves = leaves and f.leaf_switches > f.rails
    nic = f.site.nic_bandwidth / (planes if f.spec.split_ports else 1)
    host = min(nic, f.ports * f.host_rate) if f.sharing == 1 else min(nic, f.host_rate / f.sharing)
    uplinks = f.rails * shape.leaf_up * f.uplink_rate if leaves else math.inf

    def inside(blocks: list[Block], side: int) -> float:
        """Return what it takes to cut one half's accelerators of a pod off its spines."""
        total = 0.0
        for block in blocks:
            own, other = block[side], block[1 - side]
            # the leaf goes with the spines, or stays with its accelerators; the other half's have to be cut off it.
            # Where hosts are no limit, a leaf with some of either half counts with its share of uplinks
            links = own * host if hosts else uplinks * own / (own + other)
            stay = uplinks + (other * host if hosts or not other else math.inf)
            total += min(links, stay) if own else 0.0
        return total

    def above(pod: int) -> float:
        return f.spines_in(pod) * shape.spine_up * f.uplink_rate if spines else math.inf

    pods = _blocks(f)
    if not shape.spine_up:
        return planes * min(inside(pods[0], side) for side in (0, 1))
    # the core stands with the second half, or with the first; the spines of a pod with either
    cuts = [
        math.fsum(
            min(inside(blocks, side), inside(blocks, 1 - side) + above(pod)) if any(b[side] for b in blocks) else 0.0
            for pod, blocks in enumerate(pods)
        )
        for side in (0, 1)
    ]
    return planes * min(cuts)
