"""Answers of a store as text, CSV and plain data."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from clustersim.study.sweep.query import Answer, Overview

MOST_ROWS, MOST_WIDE = 40, 40
"""Rows, and characters of a cell, that the text shows; CSV and JSON have all."""


def answer_text(answer: Answer) -> str:
    """Return a table for the terminal, its first rows."""
    if not answer.columns:
        return "no columns"
    shown = answer.rows[:MOST_ROWS]
    more = len(answer.rows) - len(shown)
    tail = f"{len(answer.rows)} row{'' if len(answer.rows) == 1 else 's'}"
    return (
        _aligned(answer.columns, shown) + f"\n{tail}" + (f", {more} of them not shown; --csv FILE has all" * (more > 0))
    )


def answer_data(answer: Answer) -> dict[str, Any]:
    """Return columns and rows as plain data."""
    return {"columns": list(answer.columns), "rows": [list(row) for row in answer.rows]}


def answer_csv(answer: Answer) -> str:
    """Return all rows as CSV, numbers in full."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(answer.columns)
    writer.writerows(tuple(_exact(value) for value in row) for row in answer.rows)
    return text.getvalue()


def overview_text(found: Overview) -> str:
    """Return which columns a store has."""
    rows = [(name, kind, filled) for name, kind, filled in found.columns]
    head = f"{found.rows} points, {found.failed} of them failed; view: points\n\n"
    return head + _aligned(("column", "type", "rows with a value"), rows)


def overview_data(found: Overview) -> dict[str, Any]:
    """Return the same as plain data."""
    columns = [{"column": name, "type": kind, "values": filled} for name, kind, filled in found.columns]
    return {"points": found.rows, "failed": found.failed, "columns": columns}


def _aligned(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return columns side by side, numbers to the right."""
    cells = [list(columns), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(columns))]
    right = [any(_is_number(row[at]) for row in rows) for at in range(len(columns))]
    lines = [
        "  ".join(
            text.rjust(wide) if left else text.ljust(wide) for text, wide, left in zip(line, widths, right, strict=True)
        )
        for line in cells
    ]
    return "\n".join(line.rstrip() for line in lines)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    text = f"{value:.6g}" if isinstance(value, float) else " ".join(str(_exact(value)).split())
    return text if len(text) <= MOST_WIDE else text[: MOST_WIDE - 3] + "..."


def _exact(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
