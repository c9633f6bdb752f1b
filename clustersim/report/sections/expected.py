"""What was predicted beside what is public of the same system."""

from __future__ import annotations

import pandas as pd

from clustersim.report.sections.records import Section, Table
from clustersim.report.words import number
from clustersim.study.result import Result

KNOWN = ("key", "predicted", "public", "low", "high", "unit", "inside", "source")


def expected_section(result: Result) -> Section | None:
    """Return predicted figures beside published ones; None where the scenario expects nothing."""
    table: pd.DataFrame = getattr(result, "expected", pd.DataFrame())
    if table.empty:
        return None
    rows = [_row(row) for row in table.to_dict("records")]
    inside = sum(row[4] == "PASS" for row in rows)
    judged = sum(row[4] in {"PASS", "FAIL"} for row in rows)
    head = ("figure", "predicted", "public", "band", "within", "source")
    return Section(
        "expected",
        "Predicted beside public",
        notes=[
            f"{inside} of {judged} predictions lie within the published band; the figures change nothing in the run."
        ],
        tables=[Table("", head, rows, (1, 2, 3))],
    )


def _row(row: dict[object, object]) -> tuple[str, ...]:
    unit = str(row["unit"] or "")
    low, high = _number(row["low"]), _number(row["high"])
    inside = row["inside"]
    return (
        str(row["key"]),
        f"{_number(row['predicted'])} {unit}".strip(),
        f"{_number(row['public'])} {unit}".strip(),
        "-" if low == high == "-" else f"{low} to {high}",
        "not judged" if inside is None or pd.isna(inside) else "PASS" if inside else "FAIL",  # type: ignore[call-overload]
        str(row["source"]),
    )


def _number(value: object) -> str:
    return number(value) if isinstance(value, (int, float)) else "-" if value is None else str(value)
