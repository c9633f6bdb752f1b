"""A comparison as rows of text: what a page shows beside its figures, in the words of the terminal."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from clustersim.report.words import answer, number, percent
from clustersim.study.compare import BreakEven, Comparison, Waterfall
from clustersim.summary_keys import summary_keys

UP, DOWN, SAME = "↑", "↓", "="


def answer_rows(found: Comparison) -> pd.DataFrame:
    """Return the answers of all designs with how they differ from the base, in words and arrows.

    Returns
    -------
    DataFrame
        Columns question, answer, one per design, and what the answer means. An arrow says whether the value is larger
        or smaller than the base's, a word whether that is better or worse, where one of them is clear.
    """
    base, names = found.names[0], found.names
    rows = []
    for row in found.table.astype(object).where(found.table.notna(), None).to_dict("records"):
        key = str(row["key"])
        cells = {name: answer(key, row[name]) + ("" if name == base else _change(row, name)) for name in names}
        meaning = summary_keys()[key].meaning if key in summary_keys() else ""
        rows.append({"question": str(row["question"]), "answer": key, **cells, "meaning": meaning})
    return pd.DataFrame(rows, columns=["question", "answer", *names, "meaning"])


def _change(row: dict[Any, Any], name: str) -> str:
    difference, ratio, word = row[f"difference {name}"], row[f"ratio {name}"], row[f"change {name}"]
    if difference is None:
        return ""
    if word == "same" or difference == 0.0:
        return f"  {SAME}"
    size = percent(abs(ratio - 1.0)) if ratio is not None and ratio > 0.0 else answer(str(row["key"]), abs(difference))
    return f"  {UP if difference > 0.0 else DOWN} {size}" + (f", {word}" if word else "")


def radar_rows(found: Comparison) -> pd.DataFrame:
    """Return the axes of the radar: which way is better, and each design's share of the best with its value."""
    rows = [
        {
            "axis": str(row["key"]),
            "better": str(row["better"]),
            **{name: f"{row[name]:.3f} ({answer(str(row['key']), row[f'value {name}'])})" for name in found.names},
        }
        for row in found.radar.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=["axis", "better", *found.names])


def waterfall_rows(one: Waterfall) -> pd.DataFrame:
    """Return the parts of a waterfall and their sum."""
    whole = one.end - one.start
    rows = [(part.name, part.start, part.end, part.change) for part in one.parts]
    lines = [
        (name, number(start, 4), number(end, 4), f"{change:+.4g}", percent(change / whole) if whole else "-")
        for name, start, end, change in (*rows, ("sum", one.start, one.end, whole))
    ]
    return pd.DataFrame(lines, columns=["part", one.base, one.design, "adds", "of the difference"])


def break_even_rows(found: Comparison) -> pd.DataFrame:
    """Return where the base and each other design cost the same per token, those that never do last."""
    rows = []
    for one in sorted(found.break_evens, key=lambda one: one.value is None):
        now = " / ".join(number(value) for value in dict.fromkeys(one.now) if not math.isnan(value))
        equal = "never" if one.value is None else number(one.value, 4)
        rows.append((crossing(one), one.input.unit, now, equal, one.below, one.above, one.reason))
    head = ["input", "unit", "now", "equal at", "cheaper below", "cheaper above", "reason"]
    return pd.DataFrame(rows, columns=head)


def crossing(one: BreakEven) -> str:
    """Return which input of which two designs is varied."""
    varied = "" if one.input.varied == "both" else f", {one.varied} alone"
    return f"{one.base} and {one.design}: {one.input.name}{varied}"


def told(one: BreakEven) -> str:
    """Return where two designs cost the same, in a sentence."""
    if one.value is None:
        return f"No break-even: {one.reason}. {one.above} is cheaper at the top of the range."
    more = f" {one.reason}." if one.reason else ""
    return (
        f"Equal at {one.value:.5g} {one.input.unit} ({one.method}); below it {one.below} is cheaper, above it "
        f"{one.above}.{more}"
    )
