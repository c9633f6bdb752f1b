"""What was predicted beside what is public of the same system."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from clustersim.report.sections.records import Section, Table
from clustersim.report.verdict import verdict_word
from clustersim.report.words import number, percent
from clustersim.study.result import Result


def expected_section(result: Result) -> Section | None:
    """Return predicted figures beside published ones; None where the scenario expects nothing."""
    table = result.expected
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


def _row(row: Mapping[Hashable, Any]) -> tuple[str, ...]:
    unit = str(row["unit"] or "")
    low, high, inside = row["low"], row["high"], row["inside"]
    told = [str(row[name]) for name in ("source", "note", "reason") if row.get(name)]
    return (
        str(row["key"]),
        _text(row["predicted"], unit),
        _text(row["public"], unit),
        f"{_text(low, unit)} to {_text(high, unit)}",
        verdict_word(None if inside is None or pd.isna(inside) else inside),
        "; ".join(told),
    )


def _text(value: float | None, unit: str) -> str:
    """Return a value with its unit; a dash for none, ``open`` for an end that the source leaves open."""
    if value is None or math.isnan(value):
        return "-"
    if math.isinf(value):
        return "open"
    # a PUE is a share above one, which nobody writes in per cent
    if unit == "share":
        return percent(value) if value <= 1.0 else number(value)
    return number(value) if unit in ("", "1") else f"{number(value)} {unit}"
