"""What tables of predictions beside measurements have in common: statistics, blank fields, rows left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from clustersim.report.words import number
from clustersim.study.tables.collectives_validation import CollectivesValidation
from clustersim.study.tables.multisite_table import MultisiteValidation
from clustersim.study.tables.reliability_table import ReliabilityValidation
from clustersim.study.tables.validation import Statistics, Validation

HEAD = ("", "rows", "modelled", "MAPE %", "median %", "P90 %", "bias %", "rank corr.")
SHOWN_ROWS = 400
"""Rows printed one by one; `--csv` writes all."""
Steps = Validation | CollectivesValidation
Found = Steps | MultisiteValidation | ReliabilityValidation


def cells(name: str, s: Statistics) -> tuple[str, ...]:
    """Return a line of a table of statistics, below :data:`HEAD`."""
    figures = (s.mape_percent, s.median_percent, s.p90_percent, s.bias_percent, s.rank_correlation)
    return (name, str(s.rows), str(s.modelled), *(number(value) for value in figures))


def by_group(found: Found) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Yield what the rows are grouped by, and the lines of its statistics; ``all`` first."""
    yield "all", [cells("all rows", found.overall)]
    for by, groups in found.groups.items():
        yield by, [cells(name, statistics) for name, statistics in groups.items()]


def rows_of(found: Found) -> list[dict[str, Any]]:
    """Return the modelled rows by column."""
    return [{str(key): value for key, value in row.items()} for row in found.rows.to_dict("records")]


def blank_fields(found: Steps) -> list[tuple[str, str]]:
    """Return what blank fields were taken to be, and in how many rows."""
    counted = Counter(text for row in rows_of(found) for text in row["assumed"].split("; ") if text)
    return [(str(count), text) for text, count in counted.most_common()]


def reasons(found: Steps) -> list[tuple[str, str]]:
    """Return how many rows are not modelled for which reason."""
    counted = Counter(refusal.reason for refusal in found.refused)
    return [(str(count), reason) for reason, count in counted.most_common()]


def table_csv(found: MultisiteValidation | ReliabilityValidation) -> str:
    """Return every modelled row beside its prediction, then the rows that are not modelled."""
    rows = found.rows.assign(not_modelled="").to_dict("records")
    rows += [{"row_id": one.row_id, "use": one.use, "not_modelled": one.reason} for one in found.refused]
    return str(found.rows.assign(not_modelled="").iloc[:0].from_records(rows).to_csv(index=False))


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join(lines)
