"""Time and traffic of collective operations: latency plus bytes over bandwidth.

Every function takes the size of the whole buffer (what each member holds before an all-reduce or reduce-scatter, or
after an all-gather; what each member sends in all, its own part included, for all-to-all), the number of members, the
bandwidth of one member in one direction [B/s] and the latency of one message [s], and returns seconds. A group of one
costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from clustersim.fabric.algorithms import halving_doubling_all_reduce, in_network_all_reduce
from clustersim.fabric.checks import check_group

Algorithm = Literal["ring", "halving_doubling", "tree", "in_network"]


def point_to_point(size_bytes: float, bandwidth: float, latency: float) -> float:
    """Return the time of one message: ``latency + size / bandwidth`` [s].

    Raises
    ------
    ValueError
        If the size or latency is negative or the bandwidth is not positive.
    """
    check_group(size_bytes, 2, bandwidth, latency)
    return latency + size_bytes / bandwidth


def ring_reduce_scatter(size_bytes: float, members: int, bandwidth: float, latency: float) -> float:
    """Return the time of a ring reduce-scatter: ``(n - 1) (latency + size / (n bandwidth))`` [s].

    Each of the n - 1 steps passes one n-th of the buffer to the next member [1]_.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    .. [1] P. Patarasuk and X. Yuan, Bandwidth optimal all-reduce algorithms for clusters of workstations, J. Parallel
       Distrib. Comput. 69, 2009.
    """
    check_group(size_bytes, members, bandwidth, latency)
    return (members - 1) * (latency + size_bytes / (members * bandwidth))


def ring_all_gather(size_bytes: float, members: int, bandwidth: float, latency: float) -> float:
    """Return the time of a ring all-gather; the same steps as :func:`ring_reduce_scatter` [s].

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    return ring_reduce_scatter(size_bytes, members, bandwidth, latency)


def ring_all_reduce(size_bytes: float, members: int, bandwidth: float, latency: float) -> float:
    """Return the time of a ring all-reduce: a reduce-scatter, then an all-gather [s].

    ``2 (n - 1) (latency + size / (n bandwidth))``.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    return 2.0 * ring_reduce_scatter(size_bytes, members, bandwidth, latency)


def tree_all_reduce(size_bytes: float, members: int, bandwidth: float, latency: float) -> float:
    """Return the time of a pipelined double-binary-tree all-reduce [s].

    ``2 ceil(log2 n) latency + 2 size / bandwidth``: a member passes half of the buffer up each of two trees and, being
    inside only one of them, half down to each of its two children there [1]_. Beside the ring, latency grows with the
    logarithm of the group, at slightly more bytes.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    .. [1] P. Sanders, J. Speck and J. L. Traeff, Two-tree algorithms for full bandwidth broadcast, reduction and scan,
       Parallel Computing 35, 2009.
    """
    check_group(size_bytes, members, bandwidth, latency)
    if members == 1:
        return 0.0
    return 2.0 * math.ceil(math.log2(members)) * latency + 2.0 * size_bytes / bandwidth


def all_to_all(size_bytes: float, members: int, bandwidth: float, latency: float) -> float:
    """Return the time of an all-to-all: ``latency + (n - 1) / n size / bandwidth`` [s].

    The messages to the other members are all in flight together, so the latency counts once.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    check_group(size_bytes, members, bandwidth, latency)
    if members == 1:
        return 0.0
    return latency + (members - 1) / members * size_bytes / bandwidth


@dataclass(frozen=True)
class Level:
    """One level of a hierarchical collective: scale-up domain, scale-out fabric, sites."""

    members: int
    bandwidth: float
    """Of one accelerator, one direction. [B/s]"""
    latency: float
    """Of one message. [s]"""
    algorithm: Algorithm = "ring"
    """`in_network` takes two messages, up to a switch that reduces and down."""


@dataclass(frozen=True)
class HierarchicalCost:
    """Time and traffic of a hierarchical all-reduce, innermost level first."""

    seconds: float
    level_seconds: tuple[float, ...]
    """Time of each level; adds up to `seconds` unless the levels are pipelined. [s]"""
    level_bytes: tuple[float, ...]
    """Bytes that one accelerator sends at each level. [B]"""


_ALL_REDUCE = {
    "ring": ring_all_reduce,
    "halving_doubling": halving_doubling_all_reduce,
    "tree": tree_all_reduce,
    "in_network": in_network_all_reduce,
}


def hierarchical_all_reduce(size_bytes: float, levels: Sequence[Level], *, pipelined: bool = False) -> HierarchicalCost:
    """Return time and bytes of an all-reduce done level by level, innermost first.

    Reduce-scatter inside, all-reduce of the part that is left at the next level, all-gather inside; with
    ``b_1 = size`` and ``b_{i+1} = b_i / n_i``, level i takes the time of its algorithm for b_i, for a ring
    ``2 (n_i - 1) (latency_i + b_i / (n_i bandwidth_i))``. With rings each accelerator sends ``2 (n_i - 1) / n_i b_i``
    there, and all accelerators of a site together ``2 (M - 1) / M size`` to other sites when the outermost level joins
    M sites.

    Parameters
    ----------
    size_bytes : float
        Buffer of each accelerator. [B]
    levels : sequence of Level
        For instance scale-up, scale-out, sites; one level gives the flat algorithm.
    pipelined : bool
        False: the levels follow one another, the times add up. True: the buffer goes through in many small chunks, so
        that all levels work at once; the slowest level sets the time, and the latencies of all levels add up.

    Raises
    ------
    ValueError
        If an argument is out of range, or a level inside others has the algorithm `tree`, which leaves no parts.
    """
    if any(level.algorithm == "tree" for level in levels[:-1]):
        raise ValueError("expected a tree at the outermost level only: it leaves no part of the buffer to the next one")
    seconds: list[float] = []
    latency: list[float] = []
    sent: list[float] = []
    part = size_bytes
    for level in levels:
        cost = _ALL_REDUCE[level.algorithm]
        seconds.append(cost(part, level.members, level.bandwidth, level.latency))
        latency.append(cost(0.0, level.members, level.bandwidth, level.latency))
        sent.append(cost(part, level.members, 1.0, 0.0))
        part /= level.members
    if pipelined:
        moving = max((own / level.bandwidth for own, level in zip(sent, levels, strict=True)), default=0.0)
        total = moving + math.fsum(latency)
    else:
        total = math.fsum(seconds)
    return HierarchicalCost(total, tuple(seconds), tuple(sent))
