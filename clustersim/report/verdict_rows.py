"""The verdict of a run with what each rule says, which pack asks it, and when it is decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from clustersim import catalog
from clustersim.limits import Rule, pack, pack_names
from clustersim.report.evidence import Evidence, evidence_of, rules_of_run
from clustersim.report.issuers import WORDS, issuer_name, standing
from clustersim.report.rules import SIGN, parameters
from clustersim.report.verdict import ORDER, verdict_word
from clustersim.report.words import number
from clustersim.study.result import Result

OWN = "own rule"
COLUMNS = (
    "verdict", "rule", "says", "pack", "where", "measured", "limit", "margin_percent", "window", "decided", "status",
    "source", "reason", "issuer", "applies",
)  # fmt: skip
SLOW = ("flicker", "flicker_long")
"""Measures of a whole record, for which nothing is gained by looking when."""


def verdict_rows(result: Result) -> pd.DataFrame:
    """Return the verdict of a run, the worst first, under :data:`COLUMNS`."""
    rules = rules_of_run(result)
    packs = packs_of(result, rules)
    rows = [_row(result, row, rules, packs) for row in result.verdict.to_dict("records")]
    rows.sort(key=lambda row: (ORDER.index(row["verdict"]), _low(row["margin_percent"])))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _low(margin: float | None) -> float:
    return 0.0 if margin is None else margin


def _row(result: Result, row: dict[Any, Any], rules: dict[str, Rule], packs: dict[str, str]) -> dict[str, Any]:
    name, unit, judged = str(row["rule"]), str(row["unit"]), row["passed"] is not None
    return {
        "verdict": verdict_word(row["passed"]),
        "rule": name,
        "says": says(rules[name]),
        "pack": packs[name],
        "where": str(row["node"]),
        "measured": f"{number(row['measured'], 4)} {unit}" if judged else "-",
        "limit": f"{SIGN[rules[name].comparison]} {number(row['limit'], 4)} {unit}",
        "margin_percent": 100.0 * float(row["margin"]) if judged else None,
        "window": str(row["window"]).replace("_", " ") or "-",
        "decided": _decided(result, row, rules[name]),
        "status": str(row["status"]).replace("_", " "),
        "source": str(row["source"]),
        "reason": str(row["reason"]),
        "issuer": issuer_name(row),
        "applies": WORDS[standing(result, row)],
    }


def _decided(result: Result, row: dict[Any, Any], rule: Rule) -> str:
    if rule.measure in SLOW:
        return "whole window"
    return decided(evidence_of(result, str(row["rule"]), str(row["node"])))


def decided(found: Evidence) -> str:
    """Return in a few words when a row is decided; ``-`` where it is not decided in time."""
    where, record = found.deciding, found.record
    if where is None or record is None:
        return "-"
    if where.from_s <= 0.0 and where.until_s >= record.values.size * record.dt_s:
        return "whole window"
    if where.until_s - where.from_s < record.dt_s / 2.0:
        return f"{where.from_s:.2f} s"
    return f"{where.from_s:.2f} to {where.until_s:.2f} s"


def says(rule: Rule) -> str:
    """Return what a rule asks in a line: ``ramp <= 20 MW/min, lag 60 s``."""
    more = parameters(rule)
    asked = f"{rule.measure.replace('_', ' ')} {SIGN[rule.comparison]} {rule.limit}"
    return f"{asked}, {more}" if more else asked


def packs_of(result: Result, rules: dict[str, Rule]) -> dict[str, str]:
    """Return the packs of the scenario that ask each rule; of the scenario's own rules :data:`OWN`."""
    known = {alias: name for name in pack_names() for alias in (name, *catalog.entry("rules", name).aliases)}
    found: dict[str, list[str]] = {name: [] for name in rules}
    for asked in result.scenario["limits"]["packs"]:
        for rule in pack(known[asked]) if asked in known else ():
            found.get(rule.id, []).append(known[asked])
    return {name: ", ".join(names) or OWN for name, names in found.items()}


def shown_rows(rows: pd.DataFrame, verdicts: Sequence[str] = (), packs: Sequence[str] = ()) -> pd.DataFrame:
    """Return the rows of some verdicts and packs; of all of them where none is named."""
    found = rows
    if verdicts:
        found = found[found["verdict"].isin(list(verdicts))]
    if packs:
        found = found[[any(pack in asked.split(", ") for pack in packs) for asked in found["pack"]]]
    return found
