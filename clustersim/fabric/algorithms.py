"""Closed forms of collectives beside the ring: halving-doubling, broadcast, reduction in the network.

As in :mod:`clustersim.fabric.collectives` every function takes the size of the whole buffer [B], the number of members,
the bandwidth of one member in one direction [B/s] and the latency of one message [s], and returns seconds. One message
through a switch passes two links, so its latency is two link latencies (:func:`message_latency`).
"""

from __future__ import annotations

import math

from clustersim.fabric.checks import check_group


def message_latency(link_latency: float, switches: int = 1) -> float:
    """Return the latency of a message through switches in a row: ``(switches + 1) link_latency`` [s].

    Raises
    ------
    ValueError
        If an argument is negative.
    """
    if link_latency < 0.0 or switches < 0:
        raise ValueError(f"expected a latency and switches that are not negative, got {link_latency:g} s, {switches}")
    return (switches + 1) * link_latency


def halving_doubling_reduce_scatter(size_bytes: float, members: int, bandwidth: float, latency: float) -> float:
    """Return the time of a recursive-halving reduce-scatter [s].

    ``log2(p) latency + (p - 1) / p size / bandwidth`` for p members, a power of two: in step k a member exchanges
    ``size / 2^k`` with the one ``p / 2^k`` away [1]_. Of other counts n, with p the power of two below, n - p members
    hand all they have to a neighbour first and get their share at the end: ``latency + size / bandwidth`` and
    ``latency + size / (n bandwidth)`` more.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    .. [1] R. Thakur, R. Rabenseifner and W. Gropp, Optimization of collective communication operations in MPICH, Int.
       J. High Perform. Comput. Appl. 19, 2005, section 4.4.
    """
    check_group(size_bytes, members, bandwidth, latency)
    time = _halving(size_bytes, members, bandwidth, latency)
    if _odd(members):
        time += 2.0 * latency + (1.0 + 1.0 / members) * size_bytes / bandwidth
    return time


def halving_doubling_all_gather(size_bytes: float, members: int, bandwidth: float, latency: float) -> float:
    """Return the time of a recursive-doubling all-gather: the steps of the reduce-scatter turned round [s].

    Of counts that are no power of two the members left out hand in their share first and receive the whole buffer at
    the end: the same time more as in the reduce-scatter.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    return halving_doubling_reduce_scatter(size_bytes, members, bandwidth, latency)


def halving_doubling_all_reduce(size_bytes: float, members: int, bandwidth: float, latency: float) -> float:
    """Return the time of Rabenseifner's all-reduce: recursive halving, then recursive doubling [s].

    ``2 log2(p) latency + 2 (p - 1) / p size / bandwidth`` for a power of two: the bytes of a ring with the steps of a
    tree. Of other counts n, n - p pairs of members first reduce between them, half of the buffer each way and the
    reduced half handed over (``2 latency + size / bandwidth``), and get the result at the end
    (``latency + size / bandwidth``) [1]_.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    .. [1] R. Thakur, R. Rabenseifner and W. Gropp, Optimization of collective communication operations in MPICH, Int.
       J. High Perform. Comput. Appl. 19, 2005, section 4.5.
    """
    check_group(size_bytes, members, bandwidth, latency)
    time = 2.0 * _halving(size_bytes, members, bandwidth, latency)
    if _odd(members):
        time += 3.0 * latency + 2.0 * size_bytes / bandwidth
    return time


def _odd(members: int) -> bool:
    return members & (members - 1) != 0


def _halving(size_bytes: float, members: int, bandwidth: float, latency: float) -> float:
    power = 1 << (members.bit_length() - 1)
    return math.log2(power) * latency + (power - 1) / power * size_bytes / bandwidth


def binomial_broadcast(size_bytes: float, members: int, bandwidth: float, latency: float) -> float:
    """Return the time of a binomial-tree broadcast: ``ceil(log2 n) (latency + size / bandwidth)`` [s].

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    check_group(size_bytes, members, bandwidth, latency)
    return math.ceil(math.log2(members)) * (latency + size_bytes / bandwidth)


def ring_broadcast(
    size_bytes: float, members: int, bandwidth: float, latency: float, chunk_bytes: float | None = None
) -> float:
    """Return the time of a broadcast passed along a chain in chunks [s].

    ``(n - 2 + k) (latency + size / (k bandwidth))`` for k chunks; without `chunk_bytes` in the best number of chunks,
    ``k = sqrt((n - 2) size / (bandwidth latency))``, at least one and not rounded, which gives
    ``(sqrt((n - 2) latency) + sqrt(size / bandwidth))^2`` [1]_.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    .. [1] J. L. Traeff and A. Ripke, Optimal broadcast for fully connected processor-node networks, J. Parallel
       Distrib. Comput. 68, 2008.
    """
    check_group(size_bytes, members, bandwidth, latency)
    if chunk_bytes is not None and not chunk_bytes > 0.0:
        raise ValueError(f"expected a chunk of some bytes, got {chunk_bytes:g}")
    if members == 1:
        return 0.0
    moving = size_bytes / bandwidth
    if chunk_bytes is not None:
        chunks = float(max(1, math.ceil(size_bytes / chunk_bytes)))
    elif latency > 0.0:
        chunks = max(1.0, math.sqrt((members - 2) * moving / latency))
    else:
        return moving
    return (members - 2 + chunks) * (latency + moving / chunks)


def in_network_all_reduce(size_bytes: float, members: int, bandwidth: float, latency: float, levels: int = 1) -> float:
    """Return the time of an all-reduce that the switches do: ``2 levels latency + size / bandwidth`` [s].

    Every member sends its buffer up once and receives the sum once, both at the same time, whatever the number of
    members; `levels` of switches reduce on the way up (SHARP [1]_). Against ``2 (n - 1) / n`` in a ring half of the
    bytes. `latency` is that of one link with the switch behind it.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    .. [1] R. L. Graham et al., Scalable hierarchical aggregation protocol (SHARP), COMHPC 2016.
    """
    check_group(size_bytes, members, bandwidth, latency)
    if levels < 1:
        raise ValueError(f"expected at least one level of switches, got {levels}")
    return 0.0 if members == 1 else 2.0 * levels * latency + size_bytes / bandwidth


def in_switch_all_reduce(size_bytes: float, members: int, bandwidth: float, latency: float) -> float:
    """Return the time of an all-reduce by loads and stores that a scale-up switch reduces and spreads (NVLS) [s].

    ``2 latency + (n + 1) / n size / bandwidth``: each member reads one n-th reduced, for which everybody's buffer goes
    up once, and writes it back to all: out of a member go ``size + size / n`` bytes, and as many into it [1]_.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    .. [1] B. Klenk et al., An in-network architecture for accelerating shared-memory multiprocessor collectives, ISCA
       2020.
    """
    check_group(size_bytes, members, bandwidth, latency)
    return 0.0 if members == 1 else 2.0 * latency + (members + 1) / members * size_bytes / bandwidth
