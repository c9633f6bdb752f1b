"""Answers of a run beside what is public about them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from clustersim import units
from clustersim.scenario import LoadScenario, load_any
from clustersim.scenario.expectations import Expectation
from clustersim.summary_keys import summary_key
from clustersim.units import DAY_S

COLUMNS = (
    "key", "unit", "predicted", "public", "low", "high", "band", "inside", "error_percent", "used", "source",
    "confidence", "claim", "note", "reason",
)  # fmt: skip

"""Columns of a table of public figures."""
SHORT_S = DAY_S
"""Horizon at which all shipped scenarios are held against what is public. [s]"""


def expected_table(
    expect: Sequence[Expectation], summary: Mapping[str, Any], reasons: Mapping[str, str], horizon_s: float
) -> pd.DataFrame:
    """Return every public figure of a scenario beside the answer of its run.

    Parameters
    ----------
    expect : sequence of Expectation
        What is public, in the order of the scenario.
    summary : mapping
        Answers of the run.
    reasons : mapping
        Why an answer is None.
    horizon_s : float
        Time of the run. [s]

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`. `predicted`, `public`, `low` and `high` are in `unit`, the summary's; infinite where
        the source leaves the band open. `band` is ``given`` by the source or ``assumed`` from its confidence. `inside`
        is whether the answer lies in the band, None where it is not judged, with the `reason`. `error_percent` is the
        answer over the public figure less one; without a figure over the nearer end of the band, 0 within it. `used`
        marks a figure that entered the place, the catalog or the scenario.
    """
    rows = [_row(one, summary, reasons, horizon_s) for one in expect]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for column in ("predicted", "public", "low", "high", "error_percent"):
        table[column] = table[column].astype("float64")
    table["inside"] = table["inside"].astype(object)
    return table.astype({"used": bool})


def _row(one: Expectation, summary: Mapping[str, Any], reasons: Mapping[str, str], horizon_s: float) -> dict[str, Any]:
    key = summary_key(one.key)
    predicted: float | None = summary.get(one.key)
    low, high = (value / key.si_per_unit for value in one.band)
    public = None if one.figure is None else one.figure / key.si_per_unit
    inside, error, reason = None, None, ""
    if predicted is None:
        reason = reasons.get(one.key, "this run has no such key")
    elif horizon_s < one.horizon:
        reason = f"the figure is of {one.horizon / DAY_S:g} days, the run of {horizon_s / DAY_S:g}"
    else:
        inside, error = bool(low <= predicted <= high), _error_percent(predicted, public, low, high)
    return {
        "key": one.key,
        "unit": key.unit,
        "predicted": predicted,
        "public": public,
        "low": low,
        "high": high,
        "band": "given" if one.band_given else "assumed",
        "inside": inside,
        "error_percent": error,
        "used": one.used,
        "source": one.source,
        "confidence": one.confidence,
        "claim": one.claim,
        "note": one.note,
        "reason": reason,
    }


def _error_percent(predicted: float, public: float | None, low: float, high: float) -> float | None:
    """Return the relative error of an answer [%]; None against a figure of zero."""
    nearest = public
    if nearest is None:
        if low <= predicted <= high:
            return 0.0
        nearest = low if predicted < low else high
    return 100.0 * (predicted / nearest - 1.0) if nearest and math.isfinite(nearest) else None


def of_tables(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the tables of several scenarios as one, with the scenario's name in the first column."""
    parts = [table.assign(scenario=name) for name, table in tables.items() if len(table)]
    if not parts:
        return pd.DataFrame(columns=["scenario", *COLUMNS])
    return pd.concat(parts, ignore_index=True)[["scenario", *COLUMNS]]


def expected_errors(table: pd.DataFrame) -> dict[str, float | int]:
    """Return counts and error statistics of a table of public figures.

    Only figures that are judged and entered nothing count: `judged`, `inside`, `outside`, `distinct` (figures that
    several scenarios hold counted once), and median, mean and largest absolute error and the mean error (bias). [%]
    """
    judged = table[table["inside"].notna() & ~table["used"].astype(bool)]
    errors = judged["error_percent"].dropna()
    inside = int(sum(value is True for value in judged["inside"]))
    return {
        "figures": len(table),
        "used": int(table["used"].astype(bool).sum()),
        "not_judged": int(table["inside"].isna().sum()),
        "judged": len(judged),
        "distinct": len(judged.drop_duplicates(["key", "public", "low", "high"])),
        "inside": inside,
        "outside": len(judged) - inside,
        "median_percent": float(errors.abs().median()),
        "mean_percent": float(errors.abs().mean()),
        "largest_percent": float(errors.abs().max()),
        "bias_percent": float(errors.mean()),
    }


def short_settings(path: Path, horizon_s: float = SHORT_S) -> dict[str, Any]:
    """Return the override that cuts a scenario's horizon to `horizon_s` [s]; none where it is as short.

    A scenario with events of the grid keeps its own: they would lie behind the end.
    """
    scenario = load_any(path)
    if isinstance(scenario, LoadScenario):
        long, key = scenario.load.horizon > horizon_s, "load.horizon"
    else:
        long, key = scenario.operation.horizon > horizon_s, "operation.horizon"
    return {key: units.shortest(horizon_s, "time")} if long and not scenario.plant.events else {}
