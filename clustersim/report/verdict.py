"""What the rules say of a run, as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from clustersim.report.words import columns, number, wrapped

ORDER = ("FAIL", "not judged", "PASS")
"""Words of verdicts, the worst first."""


def verdict_word(passed: object) -> str:
    """Return PASS, FAIL or not judged."""
    return "not judged" if passed is None else "PASS" if passed else "FAIL"


def verdict_text(verdict: pd.DataFrame, foreign: Mapping[str, str] | None = None) -> str:
    """Return the verdict as a table, with numbered sources below it; of sites alike in a rule the worst is shown.

    `foreign` names rules that no site is known to be bound by, with whose they are
    (:func:`~clustersim.report.issuers.foreign_rules`).
    """
    sources = list(dict.fromkeys(str(source) for source in verdict["source"]))
    groups: dict[tuple[str, str], list[dict[Any, Any]]] = {}
    for row in verdict.to_dict("records"):
        groups.setdefault((verdict_word(row["passed"]), _rule(row)[0]), []).append(row)
    rows = [_verdict_row(rows, sources) for _, rows in sorted(groups.items(), key=lambda item: ORDER.index(item[0][0]))]
    head = ("verdict", "rule", "where", "measured", "limit", "margin", "window", "src")
    table = columns(head, rows, left=3, widest=25)
    reasons = dict.fromkeys(str(row["reason"]) for row in verdict.to_dict("records") if row["passed"] is None)
    notes = [wrapped("not judged: " + reason.removeprefix("not judged: ")) for reason in reasons]
    whose: dict[str, list[str]] = {}
    for rule, words in (foreign or {}).items():
        whose.setdefault(words, []).append(rule)
    notes += [wrapped(f"rule of {words}: {', '.join(named)}") for words, named in whose.items()]
    return "\n".join([table, *notes, *(wrapped(text, f"  [{i}] ", "      ") for i, text in enumerate(sources, 1))])


def _rule(row: dict[Any, Any]) -> tuple[str, str]:
    """Return rule and site of a row; a rating is named after its equipment."""
    rule, where = str(row["rule"]), str(row["node"])
    if rule == "equipment-rating" and ": " in where:
        where, item = where.split(": ", 1)
        rule = f"rating: {item}"
    return rule, where


def _verdict_row(rows: list[dict[Any, Any]], sources: list[str]) -> tuple[str, ...]:
    row = min(rows, key=lambda one: 0.0 if pd.isna(one["margin"]) else float(one["margin"]))
    rule, where = _rule(row)
    return (
        verdict_word(row["passed"]),
        rule,
        _where(where, len(rows) - 1),
        _cell(row["measured"], row["unit"]).removesuffix(f" {row['unit']}"),
        _cell(row["limit"], row["unit"]),
        "-" if pd.isna(row["margin"]) else f"{100 * row['margin']:+.0f}%",
        str(row["window"]) or "-",
        f"[{sources.index(str(row['source'])) + 1}]",
    )


def _where(where: str, more: int) -> str:
    """Return a site; of a stage of its electrical tree the stage alone, since lines are short."""
    if "/" in where:
        return where.rsplit("/", 1)[1] + (f" +{more}" if more else "")
    return f"{where}, {more} more" if more else where


def _cell(value: float | None, unit: str) -> str:
    if value is None or pd.isna(value):
        return "-"
    text = f"{value:.3f}" if unit == "Hz" else number(value)
    return text if unit in {"", "x", "1"} else f"{text} {unit}"
