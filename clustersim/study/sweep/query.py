"""Questions in SQL to the rows of a store, with no way from the question to files, network or settings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from clustersim.errors import InputError
from clustersim.study.sweep.reading import read_points

if TYPE_CHECKING:
    import duckdb

VIEW = "points"
ASKS = ("SELECT", "EXPLAIN", "MULTI")
"""Kinds of statements that only ask; `PIVOT` counts as several."""
CLOSED = {
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
    "lock_configuration": "true",
}
"""Settings of the database once it has the rows, in this order."""


@dataclass(frozen=True)
class Answer:
    """A table: names of its columns, and rows of bool, int, float, str or None."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Overview:
    """What a store has: per column its type and how many rows have a value."""

    columns: tuple[tuple[str, str, int], ...]
    rows: int
    failed: int


def query(folder: Path, sql: str) -> Answer:
    """Ask the rows of a store in SQL (DuckDB); they are the view `points`.

    Parameters
    ----------
    folder : Path
        Of the store; a sweep may be writing to it.
    sql : str
        One statement that asks.

    Raises
    ------
    InputError
        If there is no store, or the statement is wrong, does more than ask, or asks for something outside the store.
    """
    import duckdb

    table = read_points(folder)
    with duckdb.connect(":memory:") as database:
        database.register(VIEW, table)
        for name, value in CLOSED.items():
            database.execute(f"SET {name} = {value}")
        try:
            _refuse_more_than_asking(database, sql)
            asked = database.execute(sql)
            columns = tuple(str(entry[0]) for entry in asked.description or ())
            rows = tuple(tuple(map(_plain, row)) for row in asked.fetchall())
        except duckdb.Error as error:
            raise InputError(f"query: {_one_line(str(error))}") from None
    return Answer(columns, rows)


def overview(folder: Path) -> Overview:
    """Return which columns a store has.

    Raises
    ------
    InputError
        If there is no store.
    """
    table = read_points(folder)
    found = tuple(
        (name, _sql_type(table.schema.field(name).type), table.num_rows - table[name].null_count)
        for name in table.column_names
    )
    return Overview(found, table.num_rows, table.num_rows - table["error"].null_count)


def _refuse_more_than_asking(database: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = database.extract_statements(sql)
    if len(statements) != 1:
        raise InputError(f"query: expected one SQL statement, found {len(statements)}")
    kind = statements[0].type.name
    if kind not in ASKS:
        raise InputError(f"query: expected a statement that asks (SELECT, DESCRIBE, SUMMARIZE, PIVOT), found {kind}")


def _one_line(text: str) -> str:
    """Return a message of the database without the picture of where in the text the error is."""
    lines = [line.strip() for line in text.split("\n\nLINE ")[0].splitlines()]
    return " ".join(line for line in lines if line)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: what is no finite number is null, dates and lists are text."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _sql_type(kind: pa.DataType) -> str:
    return {pa.int64(): "BIGINT", pa.float64(): "DOUBLE", pa.bool_(): "BOOLEAN", pa.string(): "VARCHAR"}[kind]
