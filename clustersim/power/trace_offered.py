"""What a file of a trace has to choose from, told from its head."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import csv, parquet

from clustersim import units
from clustersim.errors import InputError
from clustersim.power import comtrade
from clustersim.power.trace_files import POWERS, TIMES, delimiter_of, kind_of, unit_in


@dataclass(frozen=True)
class Offered:
    """What a file has to choose from, and what is taken where nothing is chosen."""

    names: tuple[str, ...]
    """Columns or channels that can be read."""
    time: str | None
    """None where no column has a usual name; COMTRADE has its own clock."""
    power: str | None
    units: tuple[str | None, ...]
    """Unit of each column where its name or the channel tells it."""
    has_clock: bool = False
    """Whether the file has a clock of its own, which is no column."""


def offered(path: Path) -> Offered:
    """Return the columns or channels of a file from its head, without its samples.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if kind_of(path) == ".cfg":
        channels = comtrade.described(path).channels
        known = [channel.unit if channel.unit in units.TABLE["power"] else None for channel in channels]
        power = next((one.name for one, unit in zip(channels, known, strict=True) if unit), None)
        return Offered(tuple(one.name for one in channels), None, power, tuple(known), has_clock=True)
    names = _names_of_parquet(path) if kind_of(path) in (".parquet", ".pq") else _names_of_csv(path)
    lower = {name.strip().lower(): name for name in names}
    time, power = (next((lower[usual] for usual in known if usual in lower), None) for known in (TIMES, POWERS))
    return Offered(names, time, power, tuple(map(unit_in, names)))


def _names_of_csv(path: Path) -> tuple[str, ...]:
    try:
        with csv.open_csv(path, parse_options=csv.ParseOptions(delimiter=delimiter_of(path))) as reader:
            return tuple(reader.schema.names)
    except (pa.ArrowException, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as CSV: {error}") from None


def _names_of_parquet(path: Path) -> tuple[str, ...]:
    try:
        schema = parquet.read_schema(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as Parquet: {error}") from None
    # text packed in a few bytes may unpack to more than there is memory
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_timestamp)
    return tuple(field.name for field in schema if any(check(field.type) for check in numbers))
