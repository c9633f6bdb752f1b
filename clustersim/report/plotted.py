"""What a figure shows, as a table: the rows behind it, thinned where there are many."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

MOST_ROWS = 48
"""Rows of the table under a figure; all points are in its CSV."""


@dataclass(frozen=True)
class Plotted:
    """The points of a figure as text."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    points: int
    """Points that the figure draws."""
    numeric: tuple[int, ...] = ()
    """Columns that are aligned to the right."""

    @property
    def note(self) -> str:
        """How many of the points the rows are."""
        if len(self.rows) == self.points:
            return f"all {self.points:,} points"
        return f"{len(self.rows):,} of {self.points:,} points, of each series with its least and greatest"


def plotted(figure: go.Figure, most: int | None = MOST_ROWS) -> Plotted:
    """Return the points of a figure of lines, markers or bars.

    Of a long series evenly spaced points stay, and its least and greatest value. Bars that begin elsewhere than at zero
    have the columns ``from`` and ``length``.

    Parameters
    ----------
    figure : Figure
        Its traces have `x` and `y`, bars perhaps a `base`.
    most : int, optional
        Rows at most, or about that; None: every point.

    Returns
    -------
    Plotted
        Columns: series, the titles of the axes.
    """
    traces = [trace for trace in figure.data if _has(trace, "x") and _has(trace, "y") and trace.hoverinfo != "skip"]
    titles = [_titles(figure, trace) for trace in traces]
    across = next((x for x, _ in titles if x), "x")
    upward = list(dict.fromkeys(y for _, y in titles if y))
    based = any(_base(trace) is not None for trace in traces)
    each = None if most is None else max(6, most // max(1, len(traces)))
    rows: list[tuple[str, ...]] = []
    for trace, (_, title) in zip(traces, titles, strict=True):
        name = str(trace.name or "") + (f", {title}" if len(upward) > 1 and title else "")
        base = _base(trace)
        for at in _kept(trace, each):
            start = () if not based else (_text("" if base is None else base[at]),)
            rows.append((name, *start, _text(trace.x[at]), _text(trace.y[at])))
    own = upward[0] if len(upward) == 1 else "value" if upward else "y"
    middle = ("from", f"length, {across}") if based else (across,)
    return Plotted(("series", *middle, own), tuple(rows), sum(len(trace.x) for trace in traces))


def csv_of(figure: go.Figure) -> str:
    """Return every point of a figure as CSV; of a radar its axes and how far out each point is."""
    found = plotted(_unrolled(figure), None)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([found.head, *found.rows])
    return text.getvalue()


def _unrolled(figure: go.Figure) -> go.Figure:
    """Return a figure whose radar, if it has one, is points over axes."""
    if not any(trace.type == "scatterpolar" for trace in figure.data):
        return figure
    points = go.Figure([go.Scatter(x=trace.theta, y=trace.r, name=trace.name) for trace in figure.data])
    return points.update_xaxes(title_text="axis").update_yaxes(title_text="share of the best")


def _has(trace: Any, axis: str) -> bool:
    """Return whether a trace has values on an axis; parallel coordinates and radars have none."""
    return getattr(trace, axis, None) is not None


def _base(trace: Any) -> Sequence[Any] | None:
    base = getattr(trace, "base", None) if trace.type == "bar" else None
    return None if base is None or np.ndim(base) == 0 else base


def _titles(figure: go.Figure, trace: Any) -> tuple[str, str]:
    """Return the titles of a trace's axes, without the breaks of lines."""
    found = []
    for axis in ("x", "y"):
        number = str(getattr(trace, f"{axis}axis", None) or axis)[1:]
        title = figure.layout[f"{axis}axis{number}"].title.text
        found.append(str(title or "").replace("<br>", " "))
    return found[0], found[1]


def _kept(trace: Any, most: int | None) -> list[int]:
    """Return the indices of the points that a table shows, in order."""
    size = len(trace.x)
    if most is None or size <= most:
        return list(range(size))
    chosen = set(np.linspace(0, size - 1, most - 2).round().astype(int).tolist())
    values = np.asarray(trace.y)
    if values.dtype.kind in "fiu":
        chosen |= {int(np.nanargmin(values)), int(np.nanargmax(values))}
    return sorted(chosen)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else str(value)
