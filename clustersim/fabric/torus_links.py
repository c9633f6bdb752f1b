"""Every link of a torus as arrays, and routes along one dimension after the other."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.fabric.torus import Torus, Triple
from clustersim.fabric.wiring import LinkTable, Longs

Bools = NDArray[np.bool_]


class TorusLinks:
    """Directed links of a torus or mesh, and its routes. Nodes are accelerators, the last dimension fastest.

    Routes go along the first dimension, then the second, then the third, the shorter way round; half-way round a ring
    accelerators at even places go up, others down. Where a link of that path failed, the other orders of the
    dimensions are tried, then the longer ways round.
    """

    def __init__(self, torus: Torus, cube: Triple | None = None) -> None:
        """Lay out the links of `torus`; those that leave a block of size `cube` are of the kind ``optical``."""
        self.torus = torus
        self._at = np.stack(np.unravel_index(np.arange(torus.chips), torus.size)).astype(np.int64)
        self._stride = np.array([torus.size[1] * torus.size[2], torus.size[2], 1])
        self._link = np.full((3, 2, torus.chips), -1, dtype=np.int64)
        tails, heads, optical = [], [], []
        count = 0
        for dimension, length in enumerate(torus.size):
            at = self._at[dimension]
            for side, step in enumerate((1, -1)):
                inside = (at + step >= 0) & (at + step < length)
                tail = np.flatnonzero(inside | (torus.wrapped[dimension] and length > 1))
                there = (at[tail] + step) % length
                edge = cube[dimension] if cube else length
                self._link[dimension, side, tail] = count + np.arange(tail.size)
                tails.append(tail)
                heads.append(tail + (there - at[tail]) * self._stride[dimension])
                optical.append(~inside[tail] | (at[tail] // edge != there // edge))
                count += tail.size
        self.table = LinkTable(
            np.concatenate(tails).astype(np.int32),
            np.concatenate(heads).astype(np.int32),
            np.full(count, torus.link_rate),
            np.concatenate(optical).astype(np.int8),
            ("copper", "optical"),
            torus.chips,
        )

    def routes(self, source: ArrayLike, target: ArrayLike, alive: Bools | None = None) -> Longs:
        """Return the links of each flow in order, -1 behind the last; -2 first where no path tried is alive.

        Parameters
        ----------
        source, target : array_like of int, shape (flows,)
            Accelerators.
        alive : ndarray of bool, shape (links,), optional
            Links in order; all when left out.

        Returns
        -------
        ndarray of int, shape (flows, most links of a path)
        """
        a, b = (np.atleast_1d(np.asarray(ends, dtype=np.int64)) for ends in (source, target))
        paths = self._paths(a, b, (0, 1, 2), (False, False, False))
        if alive is None:
            return paths
        lost = np.flatnonzero(self._dead(paths, alive))
        ways = itertools.product(itertools.product((False, True), repeat=3), itertools.permutations(range(3)))
        for flips, order in sorted(ways, key=lambda way: sum(way[0])):
            if not lost.size:
                break
            again = self._paths(a[lost], b[lost], order, flips)
            good = ~self._dead(again, alive)
            wide = max(paths.shape[1], again.shape[1])
            paths = np.pad(paths, ((0, 0), (0, wide - paths.shape[1])), constant_values=-1)
            paths[lost[good]] = -1
            paths[lost[good], : again.shape[1]] = again[good]
            lost = lost[~good]
        paths[lost] = -1
        paths[lost, 0] = -2
        return paths

    def _dead(self, paths: Longs, alive: Bools) -> Bools:
        return np.asarray(np.any((paths >= 0) & ~alive[paths], axis=1))

    def _moves(self, a: Longs, b: Longs, dimension: int, flip: bool) -> tuple[Longs, Longs]:
        """Return how many links to take along a dimension, and to which side (0: up, 1: down)."""
        length = self.torus.size[dimension]
        here, there = self._at[dimension][a], self._at[dimension][b]
        if not self.torus.wrapped[dimension]:
            return np.abs(there - here), (there < here).astype(np.int64)
        up = (there - here) % length
        down = (2 * up > length) | ((2 * up == length) & (here % 2 == 1))
        if flip:
            down = ~down
        down &= up > 0
        return np.where(down, length - up, up), down.astype(np.int64)

    def _paths(self, a: Longs, b: Longs, order: tuple[int, ...], flips: tuple[bool, ...]) -> Longs:
        moves = {dimension: self._moves(a, b, dimension, flips[dimension]) for dimension in order}
        total = sum((count for count, _ in moves.values()), np.zeros(a.size, dtype=np.int64))
        out = np.full((a.size, max(int(total.max(initial=0)), 1)), -1, dtype=np.int64)
        at, column = a.copy(), np.zeros(a.size, dtype=np.int64)
        for dimension in order:
            count, side = moves[dimension]
            for step in range(int(count.max(initial=0))):
                going = np.flatnonzero(count > step)
                link = self._link[dimension, side[going], at[going]]
                out[going, column[going]] = link
                at[going] = self.table.head[link]
                column[going] += 1
        return out
