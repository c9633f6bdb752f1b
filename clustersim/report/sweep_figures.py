"""Figures of the rows of a sweep: scatter with a front, parallel coordinates, both drawn as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from clustersim.report.style import BLUE, GREY, INK, RED, SERIES, styled
from clustersim.report.sweep import SHADES
from clustersim.report.words import number
from clustersim.study.sweep.overview import numbers

MOST_POINTS = 2000
"""Points of a scatter."""
MOST_LINES = 1000
"""Lines of parallel coordinates."""
SHARES = 6
"""Shades of the lines: rows of one shade are one trace."""
NONE = "-"


def thinned(table: pd.DataFrame, most: int) -> tuple[pd.DataFrame, str]:
    """Return the rows that are drawn, evenly over the study where there are too many, and what to say of it."""
    if len(table) <= most:
        return table, ""
    every = -(-len(table) // most)
    return table.iloc[::every], f"One row in {every} of {len(table):,} is drawn."


def scatter(table: pd.DataFrame, x: str, y: str, colour: str | None, front: pd.DataFrame | None) -> go.Figure:
    """Return a scatter of two columns of numbers.

    Parameters
    ----------
    table : DataFrame
        Rows of a store; each point carries its `point_id`.
    x, y : str
        Columns of numbers.
    colour : str, optional
        Column that colours the points: numbers by shade, words by one colour each.
    front : DataFrame, optional
        The rows that no other one beats; a line joins them.
    """
    figure = go.Figure()
    shown = table[table[x].notna() & table[y].notna()]
    for name, part, marker in _coloured(shown, colour):
        figure.add_trace(
            go.Scatter(
                x=part[x].astype(float).tolist(), y=part[y].astype(float).tolist(), name=name, mode="markers",
                marker={"size": 8, "opacity": 0.85, **marker}, customdata=_told(part, colour),
                hovertemplate=f"{x} %{{x:.5g}}<br>{y} %{{y:.5g}}<br>%{{customdata[1]}}<extra></extra>",
            )
        )  # fmt: skip
    if front is not None and len(front):
        ordered = front.sort_values(x)
        figure.add_trace(
            go.Scatter(
                x=ordered[x].astype(float).tolist(), y=ordered[y].astype(float).tolist(), name="front",
                mode="lines+markers", line={"color": INK, "width": 1.5, "dash": "dot"},
                marker={"symbol": "circle-open", "size": 13, "color": INK, "line": {"width": 2}},
                customdata=_told(ordered, colour),
                hovertemplate=f"{x} %{{x:.5g}}<br>{y} %{{y:.5g}}<br>%{{customdata[1]}}<extra>front</extra>",
            )
        )  # fmt: skip
    styled(figure, x, y, 420)
    return figure.update_layout(showlegend=len(figure.data) > 1)


def _told(part: pd.DataFrame, colour: str | None) -> list[list[str]]:
    """Return what a point carries: its identity, and what the pointer shows."""
    shades = part[colour] if colour is not None else [None] * len(part)
    words = [f"point {index}" for index in part["index"]]
    more = ["" if colour is None else f"<br>{colour} {_word(value)}" for value in shades]
    return [[str(one), word + rest] for one, word, rest in zip(part["point_id"], words, more, strict=True)]


def _coloured(table: pd.DataFrame, colour: str | None) -> list[tuple[str, pd.DataFrame, dict[str, Any]]]:
    if colour is None or table.empty:
        return [("points", table, {"color": BLUE})]
    if len(numbers(table, colour)) and table[colour].dtype != bool:
        bar = {"title": {"text": colour, "side": "right"}, "thickness": 12}
        known, missing = table[table[colour].notna()], table[table[colour].isna()]
        shade = {"color": known[colour].astype(float).tolist(), "colorscale": SHADES, "colorbar": bar}
        rest = [(f"no {colour}", missing, {"color": GREY, "symbol": "x"})] if len(missing) else []
        return [("points", known, shade), *rest]
    words = table[colour].map(_word)
    return [
        (word, table[words == word], {"color": SERIES[at % len(SERIES)], "symbol": at % 8})
        for at, word in enumerate(dict.fromkeys(words))
    ]


def parallel(table: pd.DataFrame, names: Sequence[str], colour: str) -> go.Figure:
    """Return parallel coordinates: one upright axis per column, one line per row, shaded by one of the columns.

    Parameters
    ----------
    table : DataFrame
        Rows of a store, :data:`MOST_LINES` at most.
    names : sequence of str
        Columns, from left to right; numbers or words.
    colour : str
        The column that shades the lines.
    """
    figure = go.Figure()
    heights = {name: _heights(table, name) for name in dict.fromkeys((*names, colour))}
    shade = heights[colour]
    band = np.minimum((np.nan_to_num(shade, nan=-1.0) * SHARES).astype(int), SHARES - 1)
    texts = {name: [f"{name}: {_word(value)}" for value in table[name]] for name in names}
    for at in sorted(set(band.tolist())):
        rows = np.flatnonzero(band == at)
        ys = [value for row in rows for value in (*(_point(heights[name][row]) for name in names), None)]
        label = f"{colour}, {'missing' if at < 0 else _share(table, colour, at)}"
        figure.add_trace(
            go.Scatter(
                x=[*range(len(names)), None] * len(rows), y=ys, mode="lines", name=label, connectgaps=False,
                line={"color": _shade(at), "width": 1.4}, opacity=0.75,
                text=[text for row in rows for text in (*(texts[name][row] for name in names), "")],
                hovertemplate="%{text}<extra></extra>",
            )
        )  # fmt: skip
    styled(figure, "", "", 480)
    for at, name in enumerate(names):
        figure.add_vline(x=at, line={"color": GREY, "width": 1})
        for height, text in _ticks(table, name):
            figure.add_annotation(
                x=at, y=height, text=text, showarrow=False, xanchor="left", xshift=4, font={"size": 11},
                bgcolor="white", opacity=0.9,
            )  # fmt: skip
    figure.update_yaxes(showticklabels=False, showgrid=False, range=[-0.06, 1.06], ticks="")
    figure.update_xaxes(
        tickmode="array", tickvals=list(range(len(names))), ticktext=list(names), side="bottom", showgrid=False,
        range=[-0.15, len(names) - 0.55],
    )  # fmt: skip
    return figure


def _heights(table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """Return where each row crosses an axis, from 0 to 1; not a number where the row has no value."""
    values = numbers(table, name)
    if len(values):
        low, high = float(values.min()), float(values.max())
        found = table[name].astype(float).to_numpy()
        return np.asarray((found - low) / (high - low) if high > low else np.where(np.isnan(found), np.nan, 0.5))
    words = _words(table, name)
    places = [words.index(_word(value)) for value in table[name]]
    return np.asarray(places, dtype=np.float64) / max(1, len(words) - 1)


def _words(table: pd.DataFrame, name: str) -> list[str]:
    return list(dict.fromkeys(_word(value) for value in table[name]))


def _ticks(table: pd.DataFrame, name: str) -> list[tuple[float, str]]:
    values = numbers(table, name)
    if len(values):
        low, high = float(values.min()), float(values.max())
        if low == high:
            return [(0.5, number(low, 4))]
        return [(share, number(low + share * (high - low), 4)) for share in (0.0, 0.5, 1.0)]
    words = _words(table, name)
    return [(at / max(1, len(words) - 1), word[:24]) for at, word in enumerate(words)][:12]


def _point(height: float) -> float | None:
    return None if np.isnan(height) else round(float(height), 5)


def _share(table: pd.DataFrame, colour: str, at: int) -> str:
    values = numbers(table, colour)
    if not len(values):
        words = _words(table, colour)
        inside = [word for k, word in enumerate(words) if _band(k / max(1, len(words) - 1)) == at]
        return ", ".join(inside)[:40]
    low, high = float(values.min()), float(values.max())
    ends = [number(low + share * (high - low)) for share in (at / SHARES, (at + 1) / SHARES)]
    return f"{ends[0]} to {ends[1]}"


def _band(share: float) -> int:
    return min(int(share * SHARES), SHARES - 1)


def _shade(at: int) -> str:
    return (GREY, "#56B4E9", BLUE, "#009E73", "#B8A900", "#E69F00", RED)[at + 1]


def _word(value: Any) -> str:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return NONE
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return value if isinstance(value, str) else number(float(value), 5)
