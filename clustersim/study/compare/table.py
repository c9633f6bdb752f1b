"""The answers of all designs, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from clustersim.study.compare.designs import Design
from clustersim.study.questions import QUESTIONS, better_way
from clustersim.summary_keys import unit_of

ROUNDING = 1e-9
"""Relative difference below which two values are the same; of values below 1e-3, of that."""


def compare_table(designs: Sequence[Design]) -> pd.DataFrame:
    """Return the answers of all designs.

    Parameters
    ----------
    designs : sequence of Design
        Two or more; the first is the base.

    Returns
    -------
    DataFrame
        Columns question, key, unit, better (``lower``, ``higher`` or empty), one per design, and for every design but
        the base ``ratio NAME`` (over the base; none where the base is 0), ``difference NAME`` (less the base) and
        ``change NAME``: ``better``, ``worse``, ``same``, or empty where no way is better or a value is missing.
    """
    base, rest = designs[0], designs[1:]
    rows = []
    for question, keys in QUESTIONS.items():
        for key in keys:
            if all(design.summary.get(key) is None for design in designs):
                continue
            row: dict[str, Any] = {"question": question, "key": key, "unit": unit_of(key)}
            row["better"] = better_way(key) or ""
            row |= {design.name: design.summary.get(key) for design in designs}
            for design in rest:
                row |= _against(design.name, key, base.summary.get(key), design.summary.get(key))
            rows.append(row)
    return pd.DataFrame(rows)


def _against(name: str, key: str, base: Any, value: Any) -> dict[str, Any]:
    """Return ratio, difference and change of one value against the base."""
    if not (_is_number(base) and _is_number(value)):
        return {f"ratio {name}": None, f"difference {name}": None, f"change {name}": ""}
    return {
        f"ratio {name}": value / base if base else None,
        f"difference {name}": value - base,
        f"change {name}": change(key, base, value),
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def change(key: str, base: float, value: float) -> str:
    """Return whether a value is ``better`` or ``worse`` than the base, ``same``, or empty where no way is better."""
    way = better_way(key)
    if way is None:
        return ""
    if abs(value - base) <= ROUNDING * max(abs(value), abs(base), 1.0e-3):
        return "same"
    return "better" if (value < base) == (way == "lower") else "worse"
