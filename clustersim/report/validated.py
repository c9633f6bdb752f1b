"""A table that a user brings, of any kind that ``clustersim validate`` reads: what it tells, and a scatter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from clustersim.report.charts import predicted_over_measured
from clustersim.report.collectives import collectives_csv, collectives_data, collectives_text
from clustersim.report.cross_site import multisite_data, multisite_text
from clustersim.report.predicted_tables import table_csv
from clustersim.report.reliability import reliability_data, reliability_text
from clustersim.report.validation import validation_csv, validation_data, validation_text
from clustersim.study.tables import collectives_table, multisite_table, reliability_rows, throughput_table
from clustersim.study.tables.collectives_table import is_collectives_table, read_collectives
from clustersim.study.tables.collectives_validation import validate_collectives
from clustersim.study.tables.multisite_table import is_multisite, validate_multisite
from clustersim.study.tables.reliability_rows import is_reliability
from clustersim.study.tables.reliability_table import validate_reliability
from clustersim.study.tables.throughput_table import read_table
from clustersim.study.tables.validation import validate

OFF = 0.10
"""Dotted lines of a scatter: this far from equality. [-]"""
MOST_MARKS = 2000


@dataclass(frozen=True)
class Validated:
    """A predicted table."""

    kind: str
    """What the table holds, in words."""
    data: dict[str, Any]
    """As ``clustersim validate --json``."""
    text: str
    """As ``clustersim validate`` prints."""
    csv: str
    """As ``clustersim validate --csv``."""
    scatter: go.Figure


def table_columns() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the kinds of tables: the columns that each must have, and the others that are read."""
    known = {
        "training steps": (throughput_table.REQUIRED, throughput_table.COLUMNS),
        "collectives": (collectives_table.REQUIRED, collectives_table.COLUMNS),
        "training across sites": (multisite_table.RECOGNISED, multisite_table.COLUMNS),
        "reliability": (reliability_rows.RECOGNISED, reliability_rows.COLUMNS),
    }
    return {
        kind: (tuple(needed), tuple(name for name in read if name not in needed))
        for kind, (needed, read) in known.items()
    }


def validated(table: Path, tell: Callable[[str], None] = lambda _: None) -> Validated:
    """Predict a table of training steps, collectives, training across sites or reliability; its columns tell which.

    Raises
    ------
    InputError
        If the file cannot be read, or lacks columns that every row needs.
    """
    tell("table")
    if is_collectives_table(table):
        read = read_collectives(table)
        tell("prediction")
        found = validate_collectives(read)
        drawn = _scatter(found.rows, "fabric", "time [s]")
        return Validated("collectives", collectives_data(found), collectives_text(found), collectives_csv(found), drawn)
    if is_multisite(table):
        sites = validate_multisite(table)
        drawn = _scatter(sites.rows, "metric", "figure [unit of its row]")
        return Validated("training across sites", multisite_data(sites), multisite_text(sites), table_csv(sites), drawn)
    if is_reliability(table):
        kept = validate_reliability(table)
        drawn = _scatter(kept.rows, "metric", "figure [unit of its row]")
        return Validated("reliability", reliability_data(kept), reliability_text(kept), table_csv(kept), drawn)
    steps = read_table(table)
    tell("prediction")
    predicted = validate(steps)
    drawn = _scatter(predicted.rows, "accelerator", "time of a step [s]")
    return Validated(
        "training steps", validation_data(predicted), validation_text(predicted), validation_csv(predicted), drawn
    )


def _scatter(rows: pd.DataFrame, by: str, what: str) -> go.Figure:
    """Return predicted over measured; what has no place on a logarithmic axis is left out."""
    if not len(rows):
        return predicted_over_measured(pd.DataFrame({by: [], "measured": [], "predicted": [], "row_id": []}), by,
                                       "measured", "predicted", what, OFF)  # fmt: skip
    positive = (rows["measured"].astype(float) > 0.0) & (rows["predicted"].astype(float) > 0.0)
    return predicted_over_measured(rows[positive].head(MOST_MARKS), by, "measured", "predicted", what, OFF)
