"""Tables of published figures as CSV: what tells one from another, and their rows."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from clustersim.errors import InputError


def has_columns(path: Path, columns: Sequence[str]) -> bool:
    """Return whether the file at `path` is a CSV whose first line names all `columns`."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            head = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    return set(columns) <= set(head)


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return every row by the names of its columns; a cell that is not there is blank.

    Raises
    ------
    InputError
        If the file cannot be read or lacks one of the `columns`.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = [{name: cell or "" for name, cell in row.items() if name is not None} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV: {error}") from None
    if missing := [name for name in columns if name not in (reader.fieldnames or ())]:
        raise InputError(f"{path}: expected the columns {', '.join(columns)}; missing {', '.join(missing)}")
    return rows
