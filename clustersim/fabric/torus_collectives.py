"""Times of collective operations on a torus: all dimensions and both directions at once.

Sizes are of the whole buffer, as in :mod:`clustersim.fabric.collectives`; latency is that of one link.
"""

from __future__ import annotations

import itertools
import math

from clustersim.fabric.torus import Torus


def _check(size_bytes: float, latency: float) -> None:
    if size_bytes < 0.0 or latency < 0.0:
        raise ValueError(f"expected a size and a latency that are not negative, got {size_bytes:g} B, {latency:g} s")


def torus_reduce_scatter(size_bytes: float, torus: Torus, latency: float) -> float:
    """Return the time of a reduce-scatter over all accelerators of a torus [s].

    The buffer is cut in shares that go through the dimensions in different orders, each half of a share one way round
    the rings [1]_ [2]_. With ``c_d`` two links in a ring and one in a line, and shares cut as well as they can be::

        T = sum_d (n_d - 1) L + S max over sets A of dimensions of (prod over d not in A of 1 / n_d - 1 / N) / sum_A c_d

    Whatever the order, the dimensions of A have to carry what is left when all others went first; the loads that
    orders can give are all those above these bounds (they form the base of a polymatroid), so that the largest is
    reached. In a torus of rings the whole set decides, ``S (N - 1) / N / (6 rate)`` in three dimensions, unless one
    ring is far longer than the others.

    Parameters
    ----------
    size_bytes : float
        Buffer of each accelerator. [B]
    torus : Torus
        The accelerators and their links.
    latency : float
        Of one link. [s]

    Raises
    ------
    ValueError
        If size or latency is negative.

    References
    ----------
    .. [1] P. Sack and W. Gropp, Collective algorithms for multiported torus networks, ACM Trans. Parallel Comput. 1,
       2015.
    .. [2] N. Jain and Y. Sabharwal, Optimal bucket algorithms for large MPI collectives on torus interconnects,
       ICS 2010.
    """
    _check(size_bytes, latency)
    used = [dimension for dimension in range(3) if torus.size[dimension] > 1]
    slowest = 0.0
    for count in range(1, len(used) + 1):
        for chosen in itertools.combinations(used, count):
            others = math.prod(torus.size[d] for d in used if d not in chosen)
            capacity = math.fsum(torus.capacity_along(d) for d in chosen)
            slowest = max(slowest, (1.0 / others - 1.0 / torus.chips) / capacity)
    return sum(torus.size[d] - 1 for d in used) * latency + size_bytes * slowest


def torus_all_gather(size_bytes: float, torus: Torus, latency: float) -> float:
    """Return the time of an all-gather: the steps of :func:`torus_reduce_scatter` backwards [s]."""
    return torus_reduce_scatter(size_bytes, torus, latency)


def torus_all_reduce(size_bytes: float, torus: Torus, latency: float) -> float:
    """Return the time of an all-reduce: a reduce-scatter, then an all-gather [s]."""
    return 2.0 * torus_reduce_scatter(size_bytes, torus, latency)


def torus_all_to_all(size_bytes: float, torus: Torus, latency: float) -> float:
    """Return the time of an all-to-all with shortest routes [s].

    ``T = diameter L + S max_d floor(n_d^2 / 4) / (n_d c_d)``, with ``c_d`` as in :func:`torus_reduce_scatter`: the mean
    way along a dimension over the links that a member has there, in a line the load of its middle link. For even n_d
    the longest dimension is the bisection bound, ``S N / 4 / bisection``: ``S n / (8 rate)`` in rings.

    Raises
    ------
    ValueError
        If size or latency is negative.
    """
    _check(size_bytes, latency)
    most = max((n * n // 4) / (n * torus.capacity_along(d)) for d, n in enumerate(torus.size))
    return torus.diameter * latency + size_bytes * most
