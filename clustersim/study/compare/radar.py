"""Designs on a few axes at once, each axis as a share of the best design."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from clustersim.study.compare.designs import Design
from clustersim.study.questions import better_way
from clustersim.summary_keys import unit_of

AXES = (
    "tokens_per_s", "goodput", "mfu", "days_to_budget", "swing_mw", "max_ramp_up_mw_per_s", "max_voltage_dip_pu", "pue",
    "capex_usd", "tco_usd_per_h", "usd_per_million_tokens",
)  # fmt: skip
"""Summary keys with a clear better way; `tokens_per_s` is the speed while the job trains."""
DEFINITION = (
    "1.0 is the best of these designs on that axis, and every axis points to better: a design at 0.5 has half the best "
    "where more is better, and twice the best where less is better. Points alone are drawn: the area between them "
    "would depend on the order of the axes and says nothing."
)


def radar_table(designs: Sequence[Design]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the normalised axes, and why an axis is left out.

    Returns
    -------
    DataFrame
        Columns key, unit, better, and per design ``NAME`` (its value over the best, at most 1) and ``value NAME``.
    dict
        Key -> reason: a design has no value, or a value is not positive, so that no ratio can be told.
    """
    rows: list[dict[str, Any]] = []
    left_out: dict[str, str] = {}
    for key in AXES:
        values = [design.summary.get(key) for design in designs]
        if all(value is None for value in values):
            continue
        missing = [design.name for design, value in zip(designs, values, strict=True) if value is None]
        if missing:
            left_out[key] = f"no value in {', '.join(missing)}"
            continue
        numbers = [float(value) for value in values if value is not None]
        if not all(value > 0.0 and math.isfinite(value) for value in numbers):
            left_out[key] = "a value is not positive"
            continue
        lower = better_way(key) == "lower"
        best = min(numbers) if lower else max(numbers)
        shares = [best / value if lower else value / best for value in numbers]
        row: dict[str, Any] = {"key": key, "unit": unit_of(key), "better": better_way(key)}
        row |= {design.name: share for design, share in zip(designs, shares, strict=True)}
        row |= {f"value {design.name}": value for design, value in zip(designs, numbers, strict=True)}
        rows.append(row)
    return pd.DataFrame(rows), left_out
