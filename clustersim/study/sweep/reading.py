"""Reading of a store, also while a sweep writes to it; what its folder holds."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from clustersim.errors import InputError
from clustersim.study.sweep.columns import together

FORMAT = 1
"""Of the folder; a store of another one is refused."""
MANIFEST, TABLE, PARTS, LOG, LOCK = "manifest.json", "points.parquet", "parts", "log.jsonl", "lock"
PART = "part-*.parquet"
TRIES = 20
"""How often a reader looks again when a writer has just put parts together."""
PAUSE_S = 0.05


def is_store(folder: Path) -> bool:
    """Return whether a folder holds a store."""
    return (folder / MANIFEST).is_file()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a store: `format`, `header`, `columns`, `about`.

    Raises
    ------
    InputError
        If there is no store, or its manifest cannot be read or is of another format.
    """
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{folder}: expected the store of a sweep, found no {MANIFEST}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        stated = found.get("format") if isinstance(found, dict) else None
        raise InputError(f"{path}: expected the format {FORMAT} of a store, found {stated!r}")
    parts: tuple[tuple[str, type], ...] = (("header", dict), ("columns", list), ("about", dict))
    for key, kind in parts:
        if not isinstance(found.get(key), kind):
            raise InputError(f"{path}: {key}: expected a {kind.__name__}, found {found.get(key)!r}")
    return found


def read_points(folder: Path) -> pa.Table:
    """Return the rows of a store, one per index, sorted: ``index``, ``point_id``, columns of the study, ``error``.

    Needs no lock: a part is there whole or not at all.

    Raises
    ------
    InputError
        If there is no store or a part cannot be read.
    """
    order = [str(name) for name in read_manifest(folder)["columns"]]
    return together(read_tables(folder), order)


def read_tables(folder: Path, columns: list[str] | None = None) -> list[pa.Table]:
    """Return the tables of a store as they are, the earliest first.

    Raises
    ------
    InputError
        If one cannot be read.
    """
    for _ in range(TRIES):
        try:
            # parts first: what is put together meanwhile is then read twice, and counts once
            parts = [_read(path, columns) for path in part_files(folder)]
            whole = folder / TABLE
            return [_read(whole, columns), *parts] if whole.exists() else parts
        except FileNotFoundError:
            time.sleep(PAUSE_S)
    raise InputError(f"{folder}: its parts change faster than they can be read; try again when the sweep has paused")


def part_files(folder: Path) -> list[Path]:
    """Return the parts of a store, the earliest first."""
    return sorted((folder / PARTS).glob(PART))


def _read(path: Path, columns: list[str] | None) -> pa.Table:
    try:
        # the file, not its folder: a folder's name may look like a column
        return parquet.ParquetFile(path).read(columns)
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read as Parquet: {error}; move it away and resume the sweep") from None
