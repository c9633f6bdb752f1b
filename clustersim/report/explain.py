"""The explanation of a summary key as text and as data."""

from __future__ import annotations

import json
from typing import Any

from clustersim.report.words import columns, number, wrapped
from clustersim.study.explain import Explained


def explain_data(found: Explained) -> dict[str, Any]:
    """Return an explanation as plain values."""
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
    }


def explain_text(found: Explained) -> str:
    """Return an explanation as text."""
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
        lines += ["of them assumed", columns(
            ("figure", "value", "why"), found.figures[["path", "value", "source"]].astype(str).itertuples(index=False),
            left=3, widest=60,
        )]  # fmt: skip
    if found.followers:
        lines += ["", wrapped(f"enters {', '.join(found.followers)}", "")]
    return "\n".join([*lines, "", f"model: {key.page}"])


def _inputs(found: Explained) -> str:
    rows = found.inputs[["path", "value", "source"]].astype(str).itertuples(index=False)
    return columns(("path", "value", "source"), rows, left=3, widest=60)


def _shown(value: Any, unit: str) -> str:
    if value is None or isinstance(value, str | bool):
        return "-" if value is None else str(value)
    if unit == "share":
        return f"{number(100.0 * value, 4)} %"
    return f"{number(value, 6)}{'' if unit in ('', '1') else f' {unit}'}"
