"""Rows as columns: one type for each, the same whatever came first, together or apart.

A column of one kind keeps it (bool, int64, float64, string). Whole and other numbers together are float64. Anything
else mixed is text. A value's text depends on the value alone, so that batches and their order leave no trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from clustersim.study.sweep.records import Outcome

OWN = ("index", "point_id", "error")
"""Columns of the store itself."""
_LARGEST = 2**63
_EXACT = 1e15
"""Whole floats below this are written as whole numbers in a column of text."""


def table_of(outcomes: Sequence[Outcome]) -> pa.Table:
    """Return outcomes as a table with ``index``, ``point_id``, ``error`` and a column for each key of the rows.

    Raises
    ------
    ValueError
        If a row has a column of the store's own.
    TypeError
        If a value is neither bool, number, text nor None.
    """
    names = list(dict.fromkeys(name for outcome in outcomes for name in outcome.row or ()))
    taken = [name for name in names if name in OWN]
    if taken:
        raise ValueError(f"a row may not have a column {taken[0]!r}: the store has its own")
    rows = [outcome.row or {} for outcome in outcomes]
    columns: dict[str, pa.Array] = {
        "index": pa.array([outcome.index for outcome in outcomes], pa.int64()),
        "point_id": pa.array([outcome.point_id for outcome in outcomes], pa.string()),
        "error": pa.array([outcome.error for outcome in outcomes], pa.string()),
    }
    return pa.table(columns | {name: _array(name, [row.get(name) for row in rows]) for name in names})


def together(tables: Iterable[pa.Table], order: Sequence[str] = (), *, final: bool = True) -> pa.Table:
    """Return one table with one row per index, sorted by index.

    Of several rows of one index a success stands before a failure, and a later one before an earlier one.

    Parameters
    ----------
    tables : iterable of Table
        As :func:`table_of` makes them, the earlier ones first.
    order : sequence of str
        Columns that stand first, in this order; the others follow by name, ``error`` last.
    final : bool
        Give a column without any value a type (float64); without it the column waits for its first value.
    """
    parts = _one_of_each_index([part for part in tables if part.num_rows])
    there = {name for part in parts for name in part.column_names}.union(order) - set(OWN)
    names = [*dict.fromkeys(name for name in order if name not in OWN), *sorted(there.difference(order))]
    columns: dict[str, pa.ChunkedArray] = {}
    for name, kind in (("index", pa.int64()), ("point_id", pa.string())):
        columns[name] = _column(parts, name, kind)
    for name in names:
        columns[name] = _column(parts, name, _common({_kind(part, name) for part in parts}, final=final))
    columns["error"] = _column(parts, "error", pa.string())
    return pa.table(columns).sort_by("index").combine_chunks()


def _one_of_each_index(parts: Sequence[pa.Table]) -> list[pa.Table]:
    """Return the parts with the rows that stand."""
    if not parts:
        return []
    index = np.concatenate([part["index"].to_numpy() for part in parts])
    failed = np.concatenate([part["error"].is_valid().to_numpy() for part in parts])
    ranked = np.lexsort((-np.arange(len(index)), failed, index))
    stands = np.zeros(len(index), bool)
    stands[ranked[np.append(True, np.diff(index[ranked]) != 0)]] = True
    ends = np.cumsum([part.num_rows for part in parts])
    return [part.filter(pa.array(stands[end - part.num_rows : end])) for part, end in zip(parts, ends, strict=True)]


def _kind(table: pa.Table, name: str) -> pa.DataType:
    """Return the type of a column's values; a column without any may have been given one for want of a better."""
    if name not in table.column_names or table[name].null_count == table.num_rows:
        return pa.null()
    return table.schema.field(name).type


def _common(kinds: set[pa.DataType], *, final: bool) -> pa.DataType:
    """Return the type that takes all of `kinds`."""
    values = kinds - {pa.null()}
    if not values:
        return pa.float64() if final else pa.null()
    if len(values) == 1:
        return values.pop()
    return pa.float64() if values == {pa.int64(), pa.float64()} else pa.string()


def _column(parts: Sequence[pa.Table], name: str, kind: pa.DataType) -> pa.ChunkedArray:
    """Return a column of all parts as one type."""
    chunks = [
        chunk if chunk.type == kind else _as(chunk, kind)
        for part in parts
        for chunk in (part[name].chunks if name in part.column_names else [pa.nulls(part.num_rows)])
    ]
    return pa.chunked_array(chunks, kind)


def _as(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if kind == pa.string() and array.type != pa.null():
        return pa.array([None if value is None else _text(value) for value in array.to_pylist()], kind)
    return array.cast(kind, safe=False)


def _array(name: str, values: Sequence[Any]) -> pa.Array:
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    kinds = {_kind_of(name, value) for value in plain if value is not None}
    kind = _common(kinds, final=False)
    if kind == pa.string() and kinds != {kind}:
        plain = [None if value is None else _text(value) for value in plain]
    elif kind == pa.float64():
        plain = [None if value is None else float(value) for value in plain]
    return pa.array(plain, kind)


def _kind_of(name: str, value: Any) -> pa.DataType:
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int):
        return pa.int64() if -_LARGEST <= value < _LARGEST else pa.float64()
    if isinstance(value, float):
        return pa.float64()
    if isinstance(value, str):
        return pa.string()
    raise TypeError(f"{name}: expected bool, number, text or None, got {type(value).__name__}")


def _text(value: bool | float | str) -> str:
    """Return a value as text; a whole number and the float that equals it give the same."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) < _EXACT else repr(number)
