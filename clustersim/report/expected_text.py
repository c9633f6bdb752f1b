"""Public figures of one result beside what it answers, as cells and as text."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from clustersim.report.words import columns, dollars, number, percent, wrapped
from clustersim.study.expected import expected_errors

HEAD = ("", "predicted", "public", "band", "error", "inside")


def figure_text(value: float, unit: str) -> str:
    """Return a value of the summary with its unit; empty for NaN."""
    if math.isnan(value):
        return ""
    if unit == "share":
        # a PUE is a ratio above one, and nobody writes it in per cent
        return number(value) if value > 1.0 else percent(value)
    if unit == "USD":
        return dollars(value)
    if unit == "1":
        return number(int(value) if value.is_integer() else value)
    return number(value) if unit == "1/s" else f"{number(value)} {unit}"


def band_text(low: float, high: float, unit: str) -> str:
    """Return a band with its unit; open ends are said."""
    if math.isinf(high):
        return f"at least {figure_text(low, unit)}"
    if math.isinf(low):
        return f"at most {figure_text(high, unit)}"
    if unit == "share" and high <= 1.0:
        return f"{number(100.0 * low)} to {percent(high)}"
    start = figure_text(low, unit) if unit in ("USD", "1") else number(low)
    return f"{start} to {figure_text(high, unit)}"


def inside_text(row: Mapping[Hashable, Any]) -> str:
    """Return whether an answer lies in the band."""
    if row["inside"] is None or pd.isna(row["inside"]):
        return "not judged"
    return ("yes" if row["inside"] else "NO") + (" *" if row["used"] else "")


def error_text(value: float | None) -> str:
    """Return a relative error in per cent."""
    return "" if value is None or math.isnan(value) else f"{value:+.0f} %"


def cells(row: Mapping[Hashable, Any]) -> tuple[str, ...]:
    """Return a row of the table of public figures as text, without its source: the columns :data:`HEAD`."""
    unit = row["unit"]
    return (
        row["key"],
        figure_text(row["predicted"], unit),
        figure_text(row["public"], unit),
        band_text(row["low"], row["high"], unit),
        error_text(row["error_percent"]),
        inside_text(row),
    )


def expected_text(table: pd.DataFrame) -> str:
    """Return what is public about a run beside its answers, with the sources below."""
    rows = table.to_dict("records")
    told = expected_errors(table)
    lines = ["PREDICTED BESIDE PUBLIC", columns(HEAD, [cells(row) for row in rows], widest=30)]
    if told["used"]:
        lines.append("  * the place or the catalog was built from this figure: it is met by construction")
    for row in rows:
        said = "; ".join(part for part in (row["reason"], row["note"]) if part)
        assumed = f"; band by its confidence, {row['confidence']}" if row["band"] == "assumed" else ""
        lines.append(wrapped(f"{row['key']}: {row['source']}{assumed}{f' ({said})' if said else ''}", "    ", "      "))
    return "\n".join(lines)
