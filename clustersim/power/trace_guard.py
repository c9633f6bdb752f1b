"""Files of traces that a stranger sends: what would take too much memory is refused before it is read."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
from pyarrow import parquet

from clustersim.errors import InputError
from clustersim.power import comtrade
from clustersim.power.trace_files import kind_of

MOST_LINE = 1_000_000
"""Bytes of a line; as many are looked at at a time."""


@dataclass(frozen=True)
class Most:
    """How large a file may be."""

    size: int = 200_000_000
    """As it is stored. [B]"""
    unpacked: int = 1_000_000_000
    """Once unpacked. [B]"""
    samples: int = 10_000_000
    columns: int = 1_000


def refuse_large(path: Path, most: Most | None = None) -> None:
    """Refuse a file of a trace that is larger than allowed, however small it is packed; reads no samples of it.

    Raises
    ------
    InputError
        If it is too large, or not the file that its name says.
    """
    allowed = most or Most()
    _refuse_size(path, allowed)
    kind = kind_of(path)
    if kind in (".csv", ".txt"):
        with path.open("rb") as file:
            _refuse_lines(path, file, allowed)
    elif kind == ".csv.gz":
        try:
            with gzip.open(path, "rb") as packed:
                _refuse_lines(path, packed, allowed)  # type: ignore[arg-type]
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{path}: cannot be unpacked: {error}") from None
    elif kind in (".parquet", ".pq"):
        _refuse_parquet(path, allowed)
    elif kind == ".cfg":
        _refuse_comtrade(path, allowed)
    elif path.stat().st_size > MOST_LINE:
        raise InputError(f"{path}: expected a load record of at most {MOST_LINE / 1e6:g} MB")


def _refuse_size(path: Path, most: Most) -> None:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    size = path.stat().st_size
    if size > most.size:
        raise InputError(f"{path}: expected at most {most.size / 1e6:g} MB, found {size / 1e6:.1f} MB")


def _refuse_lines(path: Path, file: BinaryIO, most: Most) -> None:
    """Refuse text with too many or too long lines, too many columns, too much in all, or that is no text."""
    total = lines = begun = 0
    while block := file.read(MOST_LINE):
        if not total:
            _refuse_head(path, block, most)
        total += len(block)
        if b"\0" in block:
            raise InputError(f"{path}: expected text, found binary data")
        if total > most.unpacked:
            raise InputError(f"{path}: expected at most {most.unpacked / 1e6:g} MB unpacked, found more")
        first = block.find(b"\n")
        if begun + (len(block) if first < 0 else first) > MOST_LINE:
            raise InputError(f"{path}: row {lines}: expected a line of at most {MOST_LINE / 1e6:g} MB")
        begun = begun + len(block) if first < 0 else len(block) - 1 - block.rfind(b"\n")
        lines += block.count(b"\n")
        if lines > most.samples + 1:
            raise InputError(f"{path}: expected at most {most.samples:,} samples, found more")


def _refuse_head(path: Path, block: bytes, most: Most) -> None:
    head = block.split(b"\n", 1)[0]
    columns = 1 + max(head.count(mark) for mark in (b",", b";", b"\t"))
    if columns > most.columns:
        raise InputError(f"{path}: expected at most {most.columns:,} columns, found {columns:,}")


def _refuse_parquet(path: Path, most: Most) -> None:
    try:
        told = parquet.read_metadata(path)
        groups = [told.row_group(number) for number in range(told.num_row_groups)]
        rows = max(told.num_rows, sum(group.num_rows for group in groups))
        size = sum(group.total_byte_size for group in groups)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as Parquet: {error}") from None
    if not 0 <= rows <= most.samples:
        raise InputError(f"{path}: expected at most {most.samples:,} samples, found {rows:,}")
    if told.num_columns > most.columns:
        raise InputError(f"{path}: expected at most {most.columns:,} columns, found {told.num_columns:,}")
    if not 0 <= size <= most.unpacked:
        raise InputError(f"{path}: expected at most {most.unpacked / 1e6:g} MB unpacked, found {size / 1e6:,.0f} MB")


def _refuse_comtrade(path: Path, most: Most) -> None:
    if path.stat().st_size > MOST_LINE:
        raise InputError(f"{path}: expected a configuration of at most {MOST_LINE / 1e6:g} MB")
    described = comtrade.described(path)
    if len(described.channels) > most.columns:
        raise InputError(f"{path}: expected at most {most.columns:,} channels, found {len(described.channels):,}")
    _refuse_size(described.data, most)
    # every channel is read, and each value takes eight bytes
    values = described.samples * max(1, len(described.channels))
    if not 0 <= values <= most.samples * 4:
        raise InputError(f"{path}: expected at most {most.samples * 4:,} values of all channels, found {values:,}")
    lines = described.data.stat().st_size // 2 if described.text else 0
    if described.text and lines < described.samples:
        raise InputError(f"{described.data}: expected {described.samples:,} rows, found fewer")
