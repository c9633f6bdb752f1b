"""Which limits each design keeps and fails: rules against designs, with margin and window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from clustersim.study.compare.designs import Design

COLUMNS = (
    "rule", "design", "verdict", "nodes", "failed_nodes", "node", "measured", "limit", "unit", "margin", "window",
    "source", "reason",
)  # fmt: skip
FAIL, KEPT, OPEN, ABSENT = "FAIL", "PASS", "not judged", "-"


def limits_table(designs: Sequence[Design]) -> pd.DataFrame:
    """Return one row per rule and design: its verdict and its worst place.

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`. `verdict` is FAIL when a place fails, else PASS when one was judged, else not judged,
        and ``-`` where the design has no such rule. `node`, `measured`, `limit`, `margin` (share of the limit that is
        left; negative: broken by so much) and `window` are of the place with the smallest margin. Rules that a design
        fails come first, those that most designs fail before others.
    """
    groups = {design.name: _by_rule(design.verdict) for design in designs}
    rules = list(dict.fromkeys(rule for found in groups.values() for rule in found))
    rows = {rule: [_row(rule, name, found.get(rule, [])) for name, found in groups.items()] for rule in rules}
    order = sorted(rules, key=lambda rule: -sum(row["verdict"] == FAIL for row in rows[rule]))
    return pd.DataFrame([row for rule in order for row in rows[rule]], columns=list(COLUMNS))


def limits_matrix(table: pd.DataFrame, designs: Sequence[str]) -> pd.DataFrame:
    """Return rules against designs: ``FAIL -35 %, steady``, from the rows of :func:`limits_table`."""
    rows = []
    for rule, part in table.groupby("rule", sort=False):
        cells = {row["design"]: _cell(row) for row in part.to_dict("records")}
        rows.append({"rule": rule, **{name: cells[name] for name in designs}})
    return pd.DataFrame(rows, columns=["rule", *designs])


def _by_rule(verdict: pd.DataFrame) -> dict[str, list[dict[Any, Any]]]:
    found: dict[str, list[dict[Any, Any]]] = {}
    for row in verdict.to_dict("records"):
        found.setdefault(rule_of(row), []).append(row)
    return found


def rule_of(row: dict[Any, Any]) -> str:
    """Return the name of a row's rule; a rating is named after its equipment, without the site."""
    rule, node = str(row["rule"]), str(row["node"])
    if rule != "equipment-rating":
        return rule
    item = node.rsplit(": ", 1)[-1]
    return f"rating: {item}"


def _row(rule: str, design: str, rows: list[dict[Any, Any]]) -> dict[str, Any]:
    if not rows:
        return dict.fromkeys(COLUMNS, None) | {"rule": rule, "design": design, "verdict": ABSENT, "nodes": 0}
    failed = [row for row in rows if row["passed"] is False]
    judged = [row for row in rows if row["passed"] is not None]
    worst = min(judged or rows, key=lambda row: 0.0 if pd.isna(row["margin"]) else float(row["margin"]))
    return {
        "rule": rule,
        "design": design,
        "verdict": FAIL if failed else KEPT if judged else OPEN,
        "nodes": len(rows),
        "failed_nodes": len(failed),
        **{key: _plain(worst[key]) for key in ("node", "measured", "limit", "unit", "margin", "window", "source")},
        "reason": str(worst["reason"]),
    }


def _plain(value: Any) -> Any:
    return None if not isinstance(value, str) and pd.isna(value) else value


def _cell(row: dict[Any, Any]) -> str:
    if row["verdict"] in {ABSENT, OPEN} or pd.isna(row["margin"]):
        return str(row["verdict"])
    window = f", {row['window']}" if row["window"] else ""
    return f"{row['verdict']} {100.0 * row['margin']:+.0f} %{window}"
