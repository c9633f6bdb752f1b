"""What the rows of a store come to: how many, what failed, how many are feasible, the range of the chief answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from clustersim.study.sweep.reading import read_manifest, read_points
from clustersim.study.sweep.rows import FEASIBLE

CHIEF = (
    "iteration_time_s", "mfu", "tokens_per_s", "goodput", "mean_mw", "peak_mw", "swing_mw", "throughput_loss",
    "damping_energy_share", "energy_mwh", "capex_usd", "usd_per_million_tokens",
)  # fmt: skip
"""Answers that are told where a study does not say which."""
OWN = ("index", "point_id", "error", "seed", FEASIBLE)
"""Columns that are neither axes nor answers."""
MOST_ERRORS = 5


@dataclass(frozen=True)
class Spread:
    """The range of an answer over the rows that have it."""

    key: str
    low: float
    median: float
    high: float
    rows: int


@dataclass(frozen=True)
class Overview:
    """What a store holds."""

    folder: Path
    name: str
    title: str
    points: int
    """Rows of the whole study."""
    table: pd.DataFrame
    """The rows that are there, by index."""
    axes: tuple[str, ...]
    """Columns of the axes."""
    chief: tuple[str, ...]
    """Columns of the answers that are told first."""

    @property
    def failed(self) -> int:
        """Rows with an error."""
        return int(self.table["error"].notna().sum())

    @property
    def errors(self) -> list[tuple[str, int]]:
        """Different errors and how many rows have each, the most frequent first, in the order of the study."""
        counted = Counter(str(text) for text in self.table["error"].dropna())
        return sorted(counted.items(), key=lambda item: -item[1])

    @property
    def feasible(self) -> tuple[int, int] | None:
        """Rows that meet what is required, and rows that can be told; None where nothing is required."""
        if FEASIBLE not in self.table:
            return None
        told = self.table[FEASIBLE].dropna()
        return int(told.astype(bool).sum()), len(told)

    @property
    def spreads(self) -> list[Spread]:
        """Range of each chief answer that is a number in some row."""
        found = []
        for key in self.chief:
            values = numbers(self.table, key)
            if len(values):
                low, median, high = (float(values.quantile(share)) for share in (0.0, 0.5, 1.0))
                found.append(Spread(key, low, median, high, len(values)))
        return found


def overview(folder: Path) -> Overview:
    """Return what a store holds; it may still grow.

    Raises
    ------
    InputError
        If there is no store.
    """
    about = read_manifest(folder)["about"]
    table = read_points(folder).to_pandas()
    axes = tuple(str(name) for name in about.get("axes", ()) if name in table)
    return Overview(
        folder, str(about.get("name", folder.name)), str(about.get("title", "")), int(about.get("points", len(table))),
        table, axes, chief_columns(table, axes, about.get("study", {})),
    )  # fmt: skip


def chief_columns(table: pd.DataFrame, axes: Sequence[str], study: dict[str, Any]) -> tuple[str, ...]:
    """Return the columns of answers that are told first: those that the study names, else the usual ones."""
    derived = [name for name in study.get("derive", {}) if name in table]
    named = [key for key in study.get("keys") or CHIEF if key in table]
    return tuple(key for key in dict.fromkeys([*derived, *named]) if key not in (*axes, *OWN))


def numbers(table: pd.DataFrame, column: str) -> pd.Series[float]:
    """Return the numbers of a column, without rows that have none; empty where it holds texts."""
    if column not in table or not (pd.api.types.is_numeric_dtype(table[column]) or table[column].dtype == object):
        return pd.Series(dtype=float)
    values = table[column].dropna()
    if any(isinstance(value, str) for value in values):
        return pd.Series(dtype=float)
    return values.astype(float)
