"""Waveforms written to a file piece by piece, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from clustersim.errors import InputError
from clustersim.study.waveforms.stream import Piece
from clustersim.whole_file import write_whole


@dataclass
class Account:
    """Mean, highest and lowest sample of each node, kept while pieces pass."""

    samples: int
    total: NDArray[np.float64]
    highest: NDArray[np.float64]
    lowest: NDArray[np.float64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean of each node. [W]"""
        return self.total / self.samples


def write_pieces(
    path: Path | None,
    pieces: Iterable[Piece],
    names: Sequence[str],
    dt_s: float,
    metadata: dict[str, str],
    tell: Callable[[int], None] = lambda _: None,
) -> Account:
    """Write the pieces to a Parquet file with columns ``time_s`` and one per node [W]; return what passed.

    Parameters
    ----------
    path : Path or None
        Ending in ``.parquet``; None: only the account.
    pieces, names
        As they come, and the names of the rows.
    dt_s : float
        Width of a sample. [s]
    metadata : dict
        Kept in the file's schema.
    tell : callable
        Told the number of samples that are done.

    Raises
    ------
    InputError
        If the file cannot be written; nothing is left half-written.
    """
    count = len(names)
    account = Account(0, np.zeros(count), np.full(count, -np.inf), np.full(count, np.inf))
    if path is None:
        for piece in pieces:
            _count(account, piece)
            tell(account.samples)
        return account
    if path.suffix.lower() != ".parquet":
        raise InputError(f"{path}: expected a name that ends in .parquet")
    schema = pa.schema([("time_s", pa.float64()), *((name, pa.float64()) for name in names)], metadata=metadata)

    def write(working: str) -> None:
        with parquet.ParquetWriter(working, schema) as writer:
            for piece in pieces:
                times = dt_s * (piece.first + np.arange(piece.watts.shape[1]))
                writer.write_table(pa.table([times, *piece.watts], schema=schema))
                _count(account, piece)
                tell(account.samples)

    write_whole(path, write)
    return account


def _count(account: Account, piece: Piece) -> None:
    account.samples += piece.watts.shape[1]
    account.total += piece.watts.sum(axis=1)
    account.highest = np.maximum(account.highest, piece.watts.max(axis=1))
    account.lowest = np.minimum(account.lowest, piece.watts.min(axis=1))
