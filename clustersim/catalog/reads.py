"""Which figures are read: a recorder that :meth:`Entry.figure` and :meth:`Entry.si` tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Read(NamedTuple):
    """A figure that was read."""

    kind: str
    entry: str
    figure: str


_open: list[set[Read]] = []
"""Recordings that go on; those inside others are told too."""


def told(kind: str, entry: str, figure: str) -> None:
    """Tell every open recording that a figure is read."""
    if _open:
        read = Read(kind, entry, figure)
        for reads in _open:
            reads.add(read)


@contextmanager
def listening() -> Iterator[set[Read]]:
    """Collect what is read inside the block; values that were made of figures before it are not read again."""
    reads: set[Read] = set()
    _open.append(reads)
    try:
        yield reads
    finally:
        # by identity: two sets with the same members are equal
        _open[:] = [other for other in _open if other is not reads]
