"""The links of a site as arrays, and the links that a flow takes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]

Policy = Literal["ecmp", "static", "spread", "rail_local", "valiant"]
"""How flows choose among equal paths.

``ecmp``: each flow hashes to one path, so that flows collide. ``static``: the path follows from the destination, as
InfiniBand's tables do (D-mod-k), so that shifts do not collide. ``spread``: packets go over all live paths evenly
(adaptive routing, packet spraying), so that the uplinks of a switch act as one. ``rail_local``: as ``spread``, and a
flow to another rail changes rails inside the sender's scale-up domain. ``valiant``: in a dragonfly, each flow to
another group hashes to a third group, which it goes over (Valiant and Brebner, STOC 1981). A kind of fabric refuses
policies that it does not know.
"""


@dataclass(frozen=True)
class LinkTable:
    """Directed links; link l goes from node `tail[l]` to node `head[l]`. Arrays are read-only."""

    tail: Ints
    head: Ints
    capacity: Floats
    """Line rate. [B/s]"""
    kind: NDArray[np.int8]
    """Index into `kinds`."""
    kinds: tuple[str, ...]
    """Names of the kinds of links, as ``leaf-spine``."""
    nodes: int

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for array in (self.tail, self.head, self.capacity, self.kind):
            array.setflags(write=False)

    @property
    def size(self) -> int:
        """Directed links."""
        return int(self.tail.size)

    @property
    def nbytes(self) -> int:
        """Memory of the arrays. [B]"""
        return self.tail.nbytes + self.head.nbytes + self.capacity.nbytes + self.kind.nbytes


@dataclass(frozen=True)
class Damage:
    """A failed or degraded part of a site: a node with all its links, or the links between two nodes."""

    node: str
    other: str | None = None
    """The other end, where only the links between the two are meant."""
    left: float = 0.0
    """Share of the capacity that is left; 0: failed."""

    def __post_init__(self) -> None:
        """Refuse shares outside 0 to 1."""
        if not 0.0 <= self.left <= 1.0:
            raise ValueError(f"expected a share from 0 to 1 of what is left of {self.node}, got {self.left:g}")


def damaged(
    table: LinkTable, ends: Sequence[tuple[int, int | None]], left: Sequence[float], names: Sequence[str] | None = None
) -> Floats:
    """Return the capacity of each link after damage to nodes, or to the links between two nodes [B/s].

    `names` of the damaged parts are for the message.

    Raises
    ------
    InputError
        If two nodes have no link.
    """
    capacity = table.capacity.copy()
    for at, ((node, other), share) in enumerate(zip(ends, left, strict=True)):
        if other == node:
            raise InputError("expected two different nodes that a link joins")
        struck = (table.tail == node) | (table.head == node)
        if other is not None:
            struck &= (table.tail == other) | (table.head == other)
        if not struck.any():
            found = f", found {names[at]}" if names else ""
            raise InputError(f"expected two nodes that a link joins{found}")
        capacity[struck] *= share
    return capacity


class Wiring(ABC):
    """Links of one site and the paths over them. Accelerators are the nodes 0 to endpoints - 1."""

    table: LinkTable

    @property
    def lanes(self) -> int:
        """Parts into which a flow is cut, each with its own path."""
        return 1

    @abstractmethod
    def without(self, damage: Sequence[Damage]) -> Floats:
        """Return the capacity of every link with the damage done [B/s].

        Raises
        ------
        InputError
            If the site has no such switch or link.
        """

    @abstractmethod
    def routes(self, source: Longs, target: Longs, key: Longs, alive: NDArray[np.bool_]) -> Longs:
        """Return the links of each flow in order, -1 behind the last; -2 first where no path is alive.

        Parameters
        ----------
        source, target : ndarray of int, shape (flows,)
            Accelerators of the site.
        key : ndarray of int, shape (flows,)
            What a hash makes of the flow; decides among equal paths.
        alive : ndarray of bool, shape (links,)
            Links in order.

        Returns
        -------
        ndarray of int, shape (flows, most links of a path)
        """

    @abstractmethod
    def upward(self, source: Longs, key: Longs, alive: NDArray[np.bool_]) -> Longs:
        """Return the links from accelerators to where the fibre to other sites ends, likewise."""

    @abstractmethod
    def downward(self, target: Longs, key: Longs, alive: NDArray[np.bool_]) -> Longs:
        """Return the links from where the fibre ends to accelerators, likewise."""

    @abstractmethod
    def node_name(self, node: int) -> str:
        """Return the name of a node, as ``leaf3``."""

    @abstractmethod
    def node_of(self, name: str) -> int:
        """Return the node of a name.

        Raises
        ------
        InputError
            If there is none; the message names the nearest.
        """
