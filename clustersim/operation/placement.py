"""Which free servers a gang gets: whole leaves and racks where it can, over nested contiguous blocks."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Servers = NDArray[np.int64]
Free = NDArray[np.bool_]


def place(
    free: Free, count: int, blocks: tuple[int, ...] = (), policy: Literal["pack", "spread"] = "pack"
) -> Servers | None:
    """Return the servers that a gang of `count` gets, ascending; None where fewer are free: all or nothing.

    ``pack``: from the largest block down, the gang goes into one block where one has room, the fullest of those; where
    none has, into as few blocks as can hold it: the emptiest whole, and of those that hold the rest the fullest. The
    number of blocks of the largest size is the least possible, and so on downwards within the blocks chosen.
    ``spread``: as evenly as it can over all blocks of the second-largest stated size (leaves, where racks, leaves and
    pods are stated; the only size, where one is).

    Parameters
    ----------
    free : bool[n]
        Whether a server is free; neighbours share a rack, a leaf, a pod.
    count : int
        Servers of the gang.
    blocks : tuple of int
        Servers of a rack, a leaf, a pod: ascending, each block whole within one of the next size.
    policy : str
        ``pack`` or ``spread``.

    Examples
    --------
    >>> place(np.array([True, True, False, True, True, True]), 2, (3,))
    array([0, 1])
    """
    if count < 1:
        raise ValueError(f"expected a gang of at least one server, got {count}")
    if int(np.count_nonzero(free)) < count:
        return None
    if policy == "spread" and blocks:
        return _spread(free, count, blocks[-2] if len(blocks) > 1 else blocks[-1])
    return _pack(free, 0, count, blocks)


def _pack(free: Free, begin: int, count: int, blocks: tuple[int, ...]) -> Servers:
    """Return `count` free servers of a block that begins at server `begin` and has as many."""
    if not blocks:
        return begin + np.flatnonzero(free)[:count]
    size, inner = blocks[-1], blocks[:-1]
    chosen: list[Servers] = []
    room = free_in_blocks(free, size)
    for block in blocks_for(room, count):
        part, first, taken = free[block * size : (block + 1) * size], begin + block * size, min(count, int(room[block]))
        # a block that is used whole needs no choice within
        whole = taken == room[block]
        chosen.append(first + np.flatnonzero(part) if whole else _pack(part, first, taken, inner))
        count -= taken
    return np.sort(np.concatenate(chosen))


def free_in_blocks(free: Free, size: int) -> NDArray[np.int64]:
    """Return the free servers of each block of `size` neighbours; the last block may be smaller.

    Examples
    --------
    >>> free_in_blocks(np.array([True, False, True, True, True]), 2)
    array([1, 2, 1])
    """
    return np.add.reduceat(free, np.arange(0, free.size, size), dtype=np.int64)


def blocks_for(room: NDArray[np.int64], count: int) -> list[int]:
    """Return the fewest blocks that hold `count` servers: all but the last are used whole.

    The emptiest first; the last is the fullest of those that hold the rest. Ties go to the first block.
    """
    fitting = np.flatnonzero(room >= count)
    chosen: list[int] = []
    if fitting.size == 0:
        order = np.argsort(-room, kind="stable")
        whole = int(np.searchsorted(np.cumsum(room[order]), count))
        chosen = [int(block) for block in order[:whole]]
        count -= int(room[order[:whole]].sum())
        left = np.ones(room.size, dtype=np.bool_)
        left[order[:whole]] = False
        fitting = np.flatnonzero(left & (room >= count))
    return [*chosen, int(fitting[np.argmin(room[fitting])])]


def _spread(free: Free, count: int, size: int) -> Servers:
    """Return `count` free servers, as evenly from the blocks of `size` as their room allows."""
    room = free_in_blocks(free, size)
    low, high = 0, int(room.max())
    while low < high:
        # the largest equal share that does not take more than `count`
        middle = (low + high + 1) // 2
        low, high = (middle, high) if int(np.minimum(room, middle).sum()) <= count else (low, middle - 1)
    take = np.minimum(room, low)
    further = np.flatnonzero(room > take)[: count - int(take.sum())]
    take[further] += 1
    chosen = [
        block * size + np.flatnonzero(free[block * size : (block + 1) * size])[: take[block]]
        for block in np.flatnonzero(take)
    ]
    return np.concatenate(chosen)
