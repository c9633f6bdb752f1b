"""Time of a collective as a library like NCCL runs it: the fastest of its algorithms and protocols for the size.

A group spans one or several scale-up domains. Every algorithm costs

    launch + latency of its steps + x + sqrt(x ramp),    x = bytes over the slowest link / what that link reaches

and the library takes the least over (algorithm, protocol) for each size, as NCCL's tuner does with its own tables [1]_.
Latencies of steps are NCCL's tables; what links reach, the start and the ramp are fitted (catalog kind `collectives`).

References
----------
.. [1] NCCL, tuning model (src/graph/tuning.cc), https://github.com/NVIDIA/nccl.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.fabric.library import Library, ScaleUp, Transport

Numbers = NDArray[np.float64]

ALGORITHMS = ("ring", "tree", "nvls", "nvls_tree", "sharp", "direct")
"""`nvls` reduces in the scale-up switch, `nvls_tree` passes that on through a tree of domains, `sharp` through switches
of the scale-out fabric that reduce; `direct` sends to every member at once."""

REDUCING = frozenset({"nvls", "nvls_tree", "sharp"})
"""Those that reduce in the scale-up switch."""

COLLECTIVES = ("all_reduce", "reduce_scatter", "all_gather", "broadcast", "all_to_all", "send_recv")


@dataclass(frozen=True)
class Group:
    """Members of a collective and the links that they have."""

    members: int
    domain: float
    """Members that share a scale-up domain; a mean where domains hold different numbers."""
    scale_up: ScaleUp
    transport: Transport
    nic: float
    """Line rate of the scale-out ports of one member, one direction. [B/s]"""
    fabric_reduces: bool = False
    """Whether the switches of the scale-out fabric reduce (SHARP)."""

    def __post_init__(self) -> None:
        if self.members < 1 or self.domain < 1 or not self.nic > 0.0:
            raise ValueError(
                "expected at least one member, one member per domain and a positive NIC rate, "
                f"got {self.members}, {self.domain}, {self.nic:g} B/s"
            )

    @property
    def domains(self) -> int:
        """Scale-up domains that the group spans."""
        return math.ceil(self.members / self.domain)

    @property
    def inside(self) -> float:
        """Members of the group in one domain."""
        return min(self.members, self.domain)


@dataclass(frozen=True)
class Choice:
    """What the library does for each size."""

    seconds: Numbers
    algorithm: NDArray[np.str_]
    protocol: NDArray[np.str_]


def collective_time(
    collective: str, size_bytes: ArrayLike, group: Group, library: Library, algorithms: Collection[str] = ALGORITHMS
) -> Choice:
    """Return time [s], algorithm and protocol of a collective for every size.

    Parameters
    ----------
    collective : str
        One of :data:`COLLECTIVES`.
    size_bytes : array_like
        Whole buffer: input of an all-reduce or reduce-scatter, output of an all-gather, all that one member sends (its
        own part included) of an all-to-all, the message of a broadcast or send. [B]
    algorithms : collection of str
        The ones that may be used, of :data:`ALGORITHMS`.

    Raises
    ------
    ValueError
        If the collective is unknown, a size is negative, or no allowed algorithm does it on this group.
    """
    size = np.atleast_1d(np.asarray(size_bytes, dtype=np.float64))
    if collective not in COLLECTIVES or (size < 0.0).any():
        raise ValueError(f"expected one of {', '.join(COLLECTIVES)} and sizes that are not negative, got {collective}")
    if group.members == 1:
        nothing = np.full(size.shape, "none")
        return Choice(np.zeros_like(size), nothing, nothing)
    costs = {
        (algorithm, protocol): _cost(algorithm, protocol, collective, size, group, library)
        for algorithm in ALGORITHMS
        if algorithm in algorithms and possible(algorithm, collective, group)
        for protocol in library.protocols(algorithm)
    }
    if not costs:
        raise ValueError(f"{collective} of {group.members} members: none of {', '.join(algorithms)} can do it")
    return _least(costs)


def _least(costs: Mapping[tuple[str, str], Numbers]) -> Choice:
    names = list(costs)
    table = np.stack([costs[name] for name in names])
    which = np.argmin(table, axis=0)
    return Choice(
        seconds=np.asarray(np.take_along_axis(table, which[None], axis=0)[0]),
        algorithm=np.array([name[0] for name in names])[which],
        protocol=np.array([name[1] for name in names])[which],
    )


def possible(algorithm: str, collective: str, group: Group) -> bool:
    """Whether a group can do a collective with an algorithm of :data:`ALGORITHMS`."""
    reduces = collective == "all_reduce" and group.scale_up.reduce_share > 0.0 and group.inside > 1
    return {
        "ring": collective in {"all_reduce", "reduce_scatter", "all_gather", "broadcast"},
        "tree": collective == "all_reduce",
        "nvls": reduces and group.domains == 1,
        "nvls_tree": reduces and group.domains > 1,
        "sharp": reduces and group.domains > 1 and group.fabric_reduces,
        "direct": collective in {"all_to_all", "send_recv"},
    }[algorithm]


def _cost(algorithm: str, protocol: str, collective: str, size: Numbers, group: Group, library: Library) -> Numbers:
    """Return the time of one algorithm with one protocol. [s]"""
    up, net = group.scale_up, group.transport
    steps_up, steps_net = _steps(algorithm, collective, group)
    bytes_up, bytes_net, own = _bytes(algorithm, collective, group)
    reached = up.bandwidth * _share(algorithm, up)
    own *= up.exchange_own if algorithm == "direct" else library.own_part
    moved = (bytes_up / _links(group) + own) * size / reached
    if group.domains > 1:
        moved = np.maximum(moved, bytes_net * size / (group.nic * net.share))
    moved = moved / library.share[protocol]
    if group.domains > 1 and protocol == "ll":
        moved = np.maximum(moved, bytes_up * size / library.ll_net[0 if group.domains == 2 else 1])
    hop = library.step_net[algorithm, protocol] + net.latency * (2.0 if protocol == "simple" else 1.0)
    inner = library.step_up[algorithm, protocol] * up.latency
    if group.domains > 1 and algorithm == "ring":
        inner = max(inner, library.post * (3.0 if protocol == "simple" else 1.0))
    wait = up.launch + steps_up * inner + steps_net * hop
    if protocol == "ll":
        return np.asarray(wait + moved)
    ramp = up.reduce_ramp if algorithm in REDUCING else up.ramp
    ramp += net.ramp * steps_net if algorithm != "ring" else 0.0
    return np.asarray(wait + moved + np.sqrt(moved * ramp))


def _share(algorithm: str, up: ScaleUp) -> float:
    """Return the share of the scale-up bandwidth that an algorithm reaches."""
    if algorithm == "direct":
        return up.exchange_share
    return up.reduce_share if algorithm in REDUCING else up.ring_share


def _links(group: Group) -> float:
    """Return the share of a member's scale-up links that lead to members of the group: all of them with a switch."""
    if group.scale_up.mesh_of < 2 or group.inside < 2:
        return 1.0
    return min(1.0, (group.inside - 1) / (group.scale_up.mesh_of - 1))


def _steps(algorithm: str, collective: str, group: Group) -> tuple[float, float]:
    """Return the steps in a row that stay inside a domain and those that leave it."""
    n, m, d = group.members, group.inside, group.domains
    depth = math.ceil(math.log2(d)) if d > 1 else 0
    if algorithm == "ring":
        turns = 2.0 if collective == "all_reduce" else 1.0
        outside = turns * (d - 1)
        return turns * (n - 1) - outside, outside
    if algorithm == "tree":
        return 2.0 * (m - 1), 2.0 * depth
    if algorithm == "direct":
        return 1.0, 1.0 if d > 1 else 0.0
    return 1.0, {"nvls": 0.0, "nvls_tree": 2.0 * depth, "sharp": 1.0}[algorithm]


def _bytes(algorithm: str, collective: str, group: Group) -> tuple[float, float, float]:
    """Return, per byte of the buffer, what a member sends in its domain and out of it, and what it copies for itself.

    The ring crosses each border of a domain once with all it carries, spread over the NICs of the domain's members. A
    tree of two domains passes the buffer once each way; in a larger double tree a domain is inside one of two trees and
    sends half of the buffer up in each and half down to each of two children: twice the buffer.
    """
    n, m, d = group.members, group.inside, group.domains
    if algorithm == "direct":
        if collective == "send_recv":
            return 1.0, 1.0, 0.0
        return (m - 1) / n, (n - m) / n, 1.0 / n
    if algorithm == "ring":
        sent = {"all_reduce": 2.0 * (n - 1) / n, "broadcast": 1.0}.get(collective, (n - 1) / n)
        return sent, sent / m, 0.0 if collective == "broadcast" else 1.0 / n
    through = 1.0 if d == 2 or algorithm == "sharp" else 2.0
    if algorithm == "tree":
        return 2.0, through / m, 0.0
    return (m + 1) / m, through / m, 0.0
