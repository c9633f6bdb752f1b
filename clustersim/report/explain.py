"""The explanation of a summary key as text and as data."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from clustersim.report.words import columns, number, wrapped
from clustersim.study.explain import Explained

MOST_FIGURES = 12
"""Assumed figures that are shown on the terminal."""
MOST_LEVERS = 12
"""Levers that are shown on the terminal."""


def explain_data(found: Explained, levers: pd.DataFrame | None = None) -> dict[str, Any]:
    """Return an explanation as plain values; `levers` is what moves the key (`tornado_table`)."""
    key = found.key
    return {
        "key": key.name,
        "value": found.value,
        "unit": key.unit,
        "reason": found.reason,
        "meaning": key.meaning,
        "identity": key.identity,
        "formula": key.formula,
        "worked_out": found.worked_out,
        "from": [{"key": one.key, "value": one.value, "meaning": one.meaning} for one in found.operands],
        "inputs": json.loads(found.inputs.to_json(orient="records")),
        "inputs_not_listed": dict(found.left_out),
        "figures": json.loads(found.figures.to_json(orient="records")),
        "catalog": list(key.catalog),
        "followers": list(found.followers),
        "page": key.page,
        "levers": None if levers is None else json.loads(levers.to_json(orient="records")),
    }


def explain_text(found: Explained, levers: pd.DataFrame | None = None) -> str:
    """Return an explanation as text; `levers` is what moves the key (`tornado_table`)."""
    key = found.key
    lines = [f"{key.name} = {_shown(found.value, key.unit)}", wrapped(key.meaning)]
    if found.reason is not None:
        lines.append(wrapped(f"no value: {found.reason}"))
    lines += ["", "formula", wrapped(f"{key.name} = {key.identity}" if key.identity else key.formula)]
    if found.worked_out is not None:
        lines.append(wrapped(f"with the numbers below: {_shown(found.worked_out, key.unit)}"))
    if found.operands:
        rows = [(one.key, _shown(one.value, ""), one.meaning) for one in found.operands]
        lines += ["", "follows from", columns(("key", "value", "meaning"), rows, left=3, widest=60)]
    if not found.inputs.empty:
        lines += ["", "inputs of the scenario", _inputs(found)]
        lines += [f"  {section}: {count} more" for section, count in found.left_out.items()]
    if key.catalog:
        lines += ["", wrapped(f"figures of the catalog: {', '.join(key.catalog)} (clustersim catalog KIND)", "")]
    if not found.figures.empty:
        lines += ["of them assumed", _figures(found)]
    if levers is not None:
        lines += ["", *_levers(levers, key.unit)]
    if found.followers:
        lines += ["", wrapped(f"enters {', '.join(found.followers)}", "")]
    return "\n".join([*lines, "", f"model: {key.page}"])


def _levers(table: pd.DataFrame, unit: str) -> list[str]:
    """Return the levers that move a key most."""
    moving = table[table["span"] > 0.0].iloc[:MOST_LEVERS]
    said = "what moves it most: figures over the band of their source, quantities of the scenario by a tenth"
    if moving.empty:
        return [wrapped(f"{said}: none of {len(table)} levers does", "")]
    rows = [
        (
            str(row["input"]),
            _shown(row["answer_low"], unit),
            _shown(row["answer_high"], unit),
            number(row["elasticity"], 2),
        )
        for row in moving.to_dict("records")
    ]
    still = int((table["span"] == 0.0).sum())
    lost = int(table["span"].isna().sum())
    note = f"  {still} of {len(table)} levers do not move it" + (f", {lost} have an end that fails" if lost else "")
    return [
        wrapped(said, ""),
        columns(("lever", "at its low end", "at its high end", "elasticity"), rows, widest=70),
        note,
    ]


def _figures(found: Explained) -> str:
    rows = list(found.figures[["path", "value", "source"]].astype(str).itertuples(index=False))
    told = columns(("figure", "value", "why"), rows[:MOST_FIGURES], left=3, widest=60)
    return told if len(rows) <= MOST_FIGURES else f"{told}\n  {len(rows) - MOST_FIGURES} more (--json has all)"


def _inputs(found: Explained) -> str:
    rows = found.inputs[["path", "value", "source"]].astype(str).itertuples(index=False)
    return columns(("path", "value", "source"), rows, left=3, widest=60)


def _shown(value: Any, unit: str) -> str:
    if value is None or isinstance(value, str | bool):
        return "-" if value is None else str(value)
    if unit == "share":
        return f"{number(100.0 * value, 4)} %"
    return f"{number(value, 6)}{'' if unit in ('', '1') else f' {unit}'}"
