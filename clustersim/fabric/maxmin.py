"""Max-min fair rates of flows over links, by progressive filling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.fabric.kernels import TIE, fill_all, play_flows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Routes:
    """The links that flows cross: part p of the flows crosses ``links[first[p]:first[p + 1]]``."""

    first: Ints
    links: NDArray[np.int32]
    flow: Ints
    """Flow to which each part belongs; a flow that is cut over several planes has several parts."""

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for array in (self.first, self.links, self.flow):
            array.setflags(write=False)

    def __len__(self) -> int:
        """Return the number of parts."""
        return self.first.size - 1


def as_routes(routes: Routes | Sequence[ArrayLike]) -> Routes:
    """Return routes as arrays; each entry of a sequence is a flow of one part.

    Raises
    ------
    ValueError
        If an entry is not a list of link indices.
    """
    if isinstance(routes, Routes):
        return routes
    parts = [part if isinstance(part, np.ndarray) and part.ndim == 1 else np.array(part).ravel() for part in routes]
    first = np.zeros(len(parts) + 1, dtype=np.int64)
    np.cumsum(np.fromiter((part.size for part in parts), dtype=np.int64, count=len(parts)), out=first[1:])
    links = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
    if links.size and not np.issubdtype(links.dtype, np.integer) and np.any(links != np.floor(links)):
        raise ValueError("expected routes of whole numbers")
    if links.size and (links.min() < 0 or links.max() > np.iinfo(np.int32).max):
        raise ValueError(f"expected link indices from 0, got {links.min()} to {links.max()}")
    return Routes(first, links.astype(np.int32), np.arange(len(parts)))


def fill(capacity: Floats, flow: Ints, link: Ints, load: Floats, weights: Floats) -> Floats:
    """Return max-min rates where a flow loads a link with `load` times its rate.

    All rates rise together, each in proportion to its weight; when a link is full, the flows that load it stop, and
    the others go on. A flow that loads no link is not limited, its rate is infinite.

    Parameters
    ----------
    capacity : ndarray, shape (links,)
        Capacity of each link. [B/s]
    flow, link : ndarray of int, shape (incidences,)
        The flow and the link of each incidence.
    load : ndarray, shape (incidences,)
        Bytes through the link per byte of the flow; positive.
    weights : ndarray, shape (flows,)
        Positive weight of each flow.

    Returns
    -------
    ndarray, shape (flows,)
        Rate of each flow. [B/s]

    References
    ----------
    .. [1] D. Bertsekas and R. Gallager, Data Networks, 2nd ed., 1992, section 6.5.2.
    """
    rates = np.full(weights.size, np.inf)
    used = np.zeros(capacity.size)
    while flow.size:
        density = np.bincount(link, load * weights[flow], capacity.size)
        crowded = density > 0.0
        level = np.full(capacity.size, np.inf)
        np.divide(np.maximum(capacity - used, 0.0), density, out=level, where=crowded)
        lowest = float(level.min())
        if lowest == np.inf:  # what is left crosses only links without limit
            break
        stopped = np.zeros(weights.size, dtype=bool)
        stopped[flow[level[link] <= lowest * (1.0 + TIE)]] = True
        rates[stopped] = lowest * weights[stopped]
        done = stopped[flow]
        used += np.bincount(link[done], load[done] * rates[flow[done]], capacity.size)
        flow, link, load = flow[~done], link[~done], load[~done]
    return rates


def _checked(capacity: ArrayLike, link: NDArray[np.int32]) -> Floats:
    found = np.asarray(capacity, dtype=np.float64)
    if found.ndim != 1 or np.any(found < 0.0) or np.any(np.isnan(found)):
        raise ValueError("expected a one-dimensional array of capacities that are not negative")
    if link.size and (link.min() < 0 or link.max() >= found.size):
        raise ValueError(f"expected link indices from 0 to {found.size - 1}, got {link.min()} to {link.max()}")
    return found


def _weights(weights: ArrayLike | None, flows: int) -> Floats:
    given = np.ones(flows) if weights is None else np.asarray(weights, dtype=np.float64)
    if given.shape != (flows,) or not np.all((given > 0.0) & np.isfinite(given)):
        raise ValueError(f"expected {flows} positive weights")
    return given


def max_min_rates(
    capacity: ArrayLike, routes: Routes | Sequence[ArrayLike], weights: ArrayLike | None = None
) -> Floats:
    """Return the max-min fair rate of each flow.

    No link carries more than its capacity, and every flow has a full link on which no flow has a larger rate per
    weight; these two properties determine the rates [1]_.

    Parameters
    ----------
    capacity : array_like, shape (links,)
        Capacity of each link. [B/s]
    routes : Routes or sequence of array_like of int
        Links that each flow crosses; an empty route gives an infinite rate.
    weights : array_like, shape (flows,), optional
        Positive weight of each flow; all 1 when left out.

    Returns
    -------
    ndarray, shape (flows,)
        Rate of each flow, or part of a flow. [B/s]

    Raises
    ------
    ValueError
        If a capacity is negative, a link index is out of range, or a weight is not positive and finite.

    References
    ----------
    .. [1] D. Bertsekas and R. Gallager, Data Networks, 2nd ed., 1992, section 6.5.2.

    Examples
    --------
    >>> max_min_rates([10.0, 4.0], [[0], [0, 1], [1]]).tolist()
    [8.0, 2.0, 2.0]
    """
    found = as_routes(routes)
    return fill_all(_checked(capacity, found.links), found.first, found.links, _weights(weights, len(found)))


def flow_completion_times(
    capacity_bytes_per_s: ArrayLike,
    routes: Routes | Sequence[ArrayLike],
    size_bytes: ArrayLike,
    start_s: ArrayLike,
    weights: ArrayLike | None = None,
) -> Floats:
    """Return when each flow ends if rates are max-min fair at every moment (the fluid model).

    Parameters
    ----------
    capacity_bytes_per_s : array_like, shape (links,)
        Capacity of each link. [B/s]
    routes : Routes or sequence of array_like of int
        Links that each flow crosses; a flow without links ends as it starts.
    size_bytes, start_s : array_like, shape (flows,)
        Size [B] and start [s] of each flow (of each part of a flow); a flow of infinite size never ends.
    weights : array_like, shape (flows,), optional
        Positive weight of each flow; all 1 when left out.

    Returns
    -------
    ndarray, shape (flows,)
        End of each flow; infinite where a link has no capacity. [s]

    Raises
    ------
    ValueError
        If shapes differ, or a size or capacity is negative, a weight not positive, or a link index is out of range.
    """
    found = as_routes(routes)
    capacity = _checked(capacity_bytes_per_s, found.links)
    size, start = (np.asarray(values, dtype=np.float64) for values in (size_bytes, start_s))
    if (
        size.shape != (len(found),)
        or start.shape != size.shape
        or not np.all(size >= 0.0)
        or not np.all(np.isfinite(start))
    ):
        raise ValueError(f"expected {len(found)} sizes that are not negative, and as many finite starts")
    order = np.argsort(start, kind="stable")
    return play_flows(capacity, found.first, found.links, size, start, order, _weights(weights, len(found)))
