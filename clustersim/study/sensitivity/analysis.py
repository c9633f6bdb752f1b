"""What the rows of a sweep say about its axes: tornado, Sobol's indices, rank correlations, bands of the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray
from pydantic import ValidationError

from clustersim.errors import InputError, nearest, problem_text
from clustersim.study.sensitivity.sobol import design, indices
from clustersim.study.sensitivity.tornado import tornado_table
from clustersim.study.sweep.axes import Axis, axes_of
from clustersim.study.sweep.reading import read_manifest, read_points
from clustersim.study.sweep.spec import StudySpec

RANK_COLUMNS = ("input", "rank_correlation", "p_value", "q_value", "points")
BAND_COLUMNS = ("key", "rows", "low", "median", "high", "mean", "standard_deviation")
QUANTILES = (0.05, 0.5, 0.95)
FEWEST = 8
"""Points below which a rank correlation says nothing."""


@dataclass(frozen=True)
class Swept:
    """A sweep that is there: its study and its rows."""

    folder: Path
    spec: StudySpec
    axes: tuple[Axis, ...]
    table: pd.DataFrame
    """One row per point, by index; `error` is set where a point failed."""

    @property
    def answers(self) -> tuple[str, ...]:
        """Columns of numbers that are answers, in the table's order."""
        inputs = {axis.column for axis in self.axes} | {"index", "seed"}
        return tuple(
            str(name)
            for name in self.table.columns
            if name not in inputs and pd.api.types.is_numeric_dtype(self.table[name]) and self.table[name].notna().any()
        )

    @property
    def seeds(self) -> int:
        """Rows of one point: replicates."""
        asked = self.spec.seeds
        return 1 if asked is None else asked if isinstance(asked, int) else len(asked)

    @property
    def failed(self) -> int:
        """Points without an answer."""
        return int(self.table["error"].notna().sum())


def read_swept(folder: Path) -> Swept:
    """Return the sweep in a store.

    Raises
    ------
    InputError
        If there is no store, it has no rows, or does not tell its study.
    """
    manifest = read_manifest(folder)
    try:
        spec = StudySpec.model_validate(manifest["about"].get("study"))
    except ValidationError as error:
        told = problem_text(error.errors()[0])
        raise InputError(f"{folder}: manifest.json: about.study: expected a study: {told}") from None
    table = read_points(folder).to_pandas()
    if table.empty:
        raise InputError(f"{folder}: expected rows, found none; clustersim sweep --resume goes on")
    return Swept(folder, spec, axes_of(spec, str(folder)), table)


def require_answer(swept: Swept, key: str) -> None:
    """Raise InputError unless the rows have numbers in a column."""
    if key not in swept.answers:
        raise InputError(f"{swept.folder}: {key}: expected an answer that is a number{nearest(key, swept.answers)}")


def tornado(swept: Swept, key: str) -> pd.DataFrame:
    """Return what each axis of a one-at-a-time sweep does to an answer (:func:`tornado_table`).

    Raises
    ------
    InputError
        If the sweep is of another kind or has no such answer.
    """
    _require_kind(swept, "one_at_a_time")
    require_answer(swept, key)
    values = _by_point(swept, key, 2 * len(swept.axes) + 1)
    ranges: dict[str, tuple[Any, Any, Any]] = {}
    ends: dict[tuple[str, str], float | None] = {}
    for place, axis in enumerate(swept.axes):
        low, middle, high = (_stated(swept, axis.column, at) for at in (2 * place + 1, 0, 2 * place + 2))
        ranges[axis.column] = (low, middle, high)
        for at, end in enumerate(("low", "high")):
            ends[axis.column, end] = _or_none(values[2 * place + 1 + at])
    return tornado_table(ranges, _or_none(values[0]), ends)


def sobol(swept: Swept, key: str) -> pd.DataFrame:
    """Return Sobol's indices of an answer from a sweep of Saltelli's points (:func:`indices`).

    Raises
    ------
    InputError
        If the sweep is of another kind, has no such answer, or too few whole samples.
    """
    _require_kind(swept, "saltelli")
    require_answer(swept, key)
    plan = design(len(swept.axes), swept.spec.samples or 0, swept.spec.scramble_seed)
    values = _by_point(swept, key, plan.unit.shape[0])
    return indices(tuple(axis.column for axis in swept.axes), plan, values)


def rank_correlations(swept: Swept, key: str) -> pd.DataFrame:
    """Return Spearman's rank correlation of an answer with every axis of numbers, the strongest first.

    Returns
    -------
    DataFrame
        Columns :data:`RANK_COLUMNS`. `p_value` is that of no correlation, for this axis alone: of a hundred axes that
        do nothing, five are below 0.05. `q_value` holds for all axes together: of those below 0.1 one in ten does
        nothing (Benjamini and Hochberg 1995). A point counts once, with the mean over its seeds: replicates are not
        independent draws of the axes.

    Raises
    ------
    InputError
        If there is no such answer, or fewer than :data:`FEWEST` points have it.
    """
    require_answer(swept, key)
    answered = swept.table[swept.table[key].notna()]
    points = answered["index"] // swept.seeds
    rows = answered.groupby(points).first().assign(**{key: answered[key].astype(float).groupby(points).mean()})
    if len(rows) < FEWEST:
        raise InputError(f"{swept.folder}: {key}: expected {FEWEST} points or more for correlations, found {len(rows)}")
    found = []
    for axis in swept.axes:
        column = rows[axis.column]
        if not pd.api.types.is_numeric_dtype(column) or column.nunique() < 2 or rows[key].nunique() < 2:
            continue
        answer = scipy.stats.spearmanr(column, rows[key])
        found.append((axis.column, float(answer.statistic), float(answer.pvalue), len(rows)))
    table = pd.DataFrame(found, columns=[name for name in RANK_COLUMNS if name != "q_value"])
    q_values = scipy.stats.false_discovery_control(table["p_value"]) if found else np.zeros(0)
    table.insert(RANK_COLUMNS.index("q_value"), "q_value", q_values)
    order = np.argsort(-table["rank_correlation"].abs().to_numpy(), kind="stable")
    return table.iloc[order].reset_index(drop=True)


def bands(swept: Swept, keys: Sequence[str]) -> pd.DataFrame:
    """Return how answers spread over the rows of a sweep.

    Returns
    -------
    DataFrame
        Columns :data:`BAND_COLUMNS`: the 5 %, 50 % and 95 % quantiles, mean and standard deviation.

    Raises
    ------
    InputError
        If there is no such answer.
    """
    found = []
    for key in keys:
        require_answer(swept, key)
        values = swept.table[key].dropna().to_numpy(np.float64)
        low, median, high = (float(one) for one in np.quantile(values, QUANTILES))
        spread = float(values.std(ddof=1)) if values.size > 1 else float("nan")
        found.append((key, values.size, low, median, high, float(values.mean()), spread))
    return pd.DataFrame(found, columns=list(BAND_COLUMNS))


def _require_kind(swept: Swept, kind: str) -> None:
    if swept.spec.combine != kind:
        raise InputError(f"{swept.folder}: expected a study with combine: {kind}, found {swept.spec.combine}")


def _by_point(swept: Swept, key: str, points: int) -> NDArray[np.float64]:
    """Return the answer of every point, the mean over its seeds; not a number where one is missing or failed."""
    values = np.full(points * swept.seeds, np.nan)
    values[swept.table["index"].to_numpy()] = swept.table[key].to_numpy(np.float64, na_value=np.nan)
    return np.asarray(values.reshape(points, swept.seeds).mean(axis=1))


def _stated(swept: Swept, column: str, point: int) -> Any:
    """Return an input of a point as its rows have it: the catalog may have changed since; None without a row."""
    found = swept.table.loc[swept.table["index"] == point * swept.seeds, column].tolist()
    return found[0] if found else None


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
