"""Predicted beside measured for a table of collectives, with error statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from clustersim.study.tables.collectives_fit import free_constants, predict
from clustersim.study.tables.collectives_table import CollectiveCase, CollectivesTable, LeftOut, bus_factor
from clustersim.study.tables.validation import Statistics, statistics

SCORED_BYTES = 1e6
"""From this size on rows count in the headline: below, the start of a call decides, and nccl-tests, a framework and a
digitised plot do not agree on it. [B]"""

SIZES = ((64e6, "1 to 64 MB"), (1e9, "64 MB to 1 GB"), (np.inf, "1 GB and more"))


@dataclass(frozen=True)
class CollectivesValidation:
    """A table of collectives predicted row by row."""

    rows: pd.DataFrame
    """One line per modelled row: row_id, use, source, what was measured where, predicted and measured [s],
    error_percent, metric, algorithm and protocol chosen, bus bandwidths [GB/s], assumed."""
    refused: tuple[LeftOut, ...]
    overall: Statistics
    groups: dict[str, dict[str, Statistics]]
    """By use, by use and size; by fabric, collective, accelerator, members and source the rows of 1 MB and more."""
    headline: Statistics
    """Test rows of 1 MB and more; all rows of 1 MB and more where none is marked `test`."""
    constants: int
    """Fitted constants that act on these rows."""
    fit_rows: int
    """Rows of the table that are marked `fit`."""


def validate_collectives(table: CollectivesTable) -> CollectivesValidation:
    """Return the table predicted row by row, with statistics overall and by group."""
    frame = _frame(table.cases)
    left = Counter(refusal.use for refusal in table.refused)
    large = frame[frame["bytes"] >= SCORED_BYTES]
    groups = {
        "use": _grouped(frame, "use", left),
        "size": _grouped(frame, "size"),
        **{name: _grouped(large, name) for name in ("fabric", "collective", "accelerator", "members", "source")},
    }
    scored = large[large["use"] == "test"]
    return CollectivesValidation(
        rows=frame,
        refused=table.refused,
        overall=_statistics(frame, len(frame) + len(table.refused)),
        groups=groups,
        headline=_statistics(scored if len(scored) else large),
        constants=len(free_constants(table.cases)),
        fit_rows=sum(case.use == "fit" for case in table.cases),
    )


def _frame(cases: Sequence[CollectiveCase]) -> pd.DataFrame:
    found = predict(cases)
    factor = np.array([bus_factor(case.collective, case.members) * case.size_bytes * 1e-9 for case in cases])
    measured = np.array([case.measured_s for case in cases])
    return pd.DataFrame(
        {
            "row_id": [case.row_id for case in cases],
            "use": [case.use for case in cases],
            "source": [_with_use(case, case.source) for case in cases],
            "fabric": [_with_use(case, case.fabric) for case in cases],
            "collective": [_with_use(case, case.collective) for case in cases],
            "accelerator": [_with_use(case, case.accelerator) for case in cases],
            "members": [_with_use(case, f"{case.members:,} accelerators") for case in cases],
            "size": [_size(case) for case in cases],
            "bytes": [case.size_bytes for case in cases],
            "accelerators": [case.members for case in cases],
            "predicted": found.seconds,
            "measured": measured,
            "error_percent": 100.0 * (found.seconds / measured - 1.0),
            "metric": [case.metric for case in cases],
            "algorithm": found.algorithm,
            "protocol": found.protocol,
            "predicted_busbw_gbps": factor / found.seconds if len(cases) else factor,
            "measured_busbw_gbps": factor / measured if len(cases) else factor,
            "assumed": ["; ".join(case.assumed) for case in cases],
        }
    )


def _with_use(case: CollectiveCase, text: str) -> str:
    return f"{case.use}, {text}" if case.use else text


def _size(case: CollectiveCase) -> str:
    if case.size_bytes < SCORED_BYTES:
        return _with_use(case, "below 1 MB")
    return _with_use(case, next(name for most, name in SIZES if case.size_bytes < most))


def _statistics(frame: pd.DataFrame, rows: int | None = None) -> Statistics:
    bus = (frame["predicted_busbw_gbps"].to_numpy(float), frame["measured_busbw_gbps"].to_numpy(float))
    return statistics(frame["predicted"].to_numpy(float), frame["measured"].to_numpy(float), rows, bus)


def _grouped(frame: pd.DataFrame, column: str, refused: dict[str, int] | None = None) -> dict[str, Statistics]:
    left = refused or {}
    names: Iterable[str] = sorted({*frame[column], *left})
    return {name: _statistics(part := frame[frame[column] == name], len(part) + left.get(name, 0)) for name in names}
