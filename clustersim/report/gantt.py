"""What jobs and sites did over time, as bars in lanes; long horizons are thinned, and the figure's note says how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from clustersim.report.style import STATES, styled
from clustersim.report.words import counted, number, percent

MOST_BARS = 1000
"""Bars of a lane; with more stretches than that, a lane is drawn in so many columns."""
ZOOM_S, BEFORE_S = 6 * 3600.0, 1800.0
"""Length of the close-up, and how long before the first interruption it begins. [s]"""
AT_WORK = ("train", "checkpoint", "evaluation")
MOST_LANES = 40
"""Lanes of a figure; of more jobs those with most time are drawn."""
Floats = NDArray[np.float64]
UNITS = ((86400.0, 2.0, "day", "day"), (3600.0, 2.0, "hour", "h"), (60.0, 0.0, "minute", "min"))
"""Seconds, from how many of them on it is used, name and sign of the units of the time axis."""


@dataclass(frozen=True)
class Bar:
    """A stretch of a lane that is drawn in one colour."""

    start_s: float
    end_s: float
    state: str
    share: float
    """Part of it that was spent in this state; 1 where nothing was merged. [-]"""
    cause: str
    """Empty where stretches were merged."""


@dataclass(frozen=True)
class Gantt:
    """The figure, and what its drawing leaves out."""

    figure: go.Figure
    note: str


def gantt(tables: Mapping[str, pd.DataFrame], t0_s: float, t1_s: float) -> Gantt:
    """Return what every lane did between two times.

    A lane with more than :data:`MOST_BARS` stretches is drawn in as many columns, about a pixel wide; each has the
    colour of the state that took most of it.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By name of the lane: a timeline (columns t_start_s, t_end_s, state, cause) that tiles the time.
    t0_s, t1_s : float
        What is drawn. [s]
    """
    lanes = {name: _within(table, t0_s, t1_s) for name, table in tables.items()}
    thin = {name: len(rows) > MOST_BARS for name, rows in lanes.items()}
    drawn = {name: _columns(rows, t0_s, t1_s) if thin[name] else _whole(rows) for name, rows in lanes.items()}
    scale, _, title, sign = next((unit for unit in UNITS if t1_s - t0_s >= unit[0] * unit[1]), UNITS[-1])
    figure = go.Figure()
    for state in (name for name in STATES if any(bar.state == name for bars in drawn.values() for bar in bars)):
        bars = [(lane, bar) for lane, found in drawn.items() for bar in found if bar.state == state]
        figure.add_trace(
            go.Bar(
                base=[round(bar.start_s / scale, 6) for _, bar in bars],
                x=[round((bar.end_s - bar.start_s) / scale, 6) for _, bar in bars],
                y=[lane for lane, _ in bars],
                orientation="h",
                name=state,
                marker={"color": STATES[state], "line": {"width": 0}},
                customdata=[_told(bar) for _, bar in bars],
                hovertemplate=f"%{{y}}: {state}%{{customdata}}<br>{title} %{{base:.4g}}, %{{x:.3g}} {sign} long"
                "<extra></extra>",
            )
        )
    styled(figure, title, "", min(760, 110 + 40 * len(lanes)), lanes if len(lanes) > 1 else ())
    figure.update_layout(barmode="overlay", bargap=0.2, legend={"traceorder": "normal"})
    figure.update_xaxes(range=[t0_s / scale, t1_s / scale])
    figure.update_yaxes(autorange="reversed", automargin=True, showticklabels=len(lanes) > 1, dtick=1)
    merged = [name for name in lanes if thin[name]]
    return Gantt(figure, _note(lanes, drawn, merged, (t1_s - t0_s) / MOST_BARS))


def gantt_figures(table: pd.DataFrame, horizon_s: float) -> list[tuple[str, go.Figure, str]]:
    """Return title, figure and note of the whole horizon, and of the hours around the first interruption.

    Parameters
    ----------
    table : DataFrame
        Timelines of jobs or sites, one after the other: the columns of a timeline, and part.
    horizon_s : float
        Time that is drawn. [s]
    """
    shown, left = lanes(table)
    beside = f" {counted(left, 'job')} with less accelerator time than these not drawn." if left else ""
    whole = gantt(shown, 0.0, horizon_s)
    found = [("State by state over the horizon", whole.figure, whole.note + beside)]
    begin, end = close_up_s(shown, horizon_s)
    if end - begin < horizon_s:
        near = gantt(shown, begin, end)
        found.append(("Hours around the first interruption", near.figure, near.note))
    return found


def lanes(table: pd.DataFrame) -> tuple[dict[str, pd.DataFrame], int]:
    """Return the rows of the parts with most accelerator time, in their order, and how many parts are left out.

    The first part is always among them.
    """
    spent = ((table["t_end_s"] - table["t_start_s"]) * table["gpus"]).groupby(table["part"], sort=False).sum()
    others = spent.iloc[1:].sort_values(ascending=False, kind="stable").index[: MOST_LANES - 1]
    chosen = [name for index, name in enumerate(spent.index) if index == 0 or name in set(others)]
    rows = table[table["part"].isin(chosen)]
    return {str(name): part for name, part in rows.groupby("part", sort=False)}, len(spent) - len(chosen)


def close_up_s(tables: Mapping[str, pd.DataFrame], horizon_s: float) -> tuple[float, float]:
    """Return the hours around the first interruption of any lane, or the first hours where there is none. [s]"""
    begins = []
    for table in tables.values():
        state = table["state"].to_numpy()
        # the training before an interruption is called lost where it is rolled back
        down = [i for i, name in enumerate(state) if name not in (*AT_WORK, "lost")]
        begins += [float(table["t_start_s"].iloc[down[0]])] if down else []
    start = max(0.0, min(min(begins, default=0.0) - BEFORE_S, horizon_s - ZOOM_S))
    return start, min(horizon_s, start + ZOOM_S)


def _within(table: pd.DataFrame, t0_s: float, t1_s: float) -> pd.DataFrame:
    rows = table[(table["t_end_s"] > t0_s) & (table["t_start_s"] < t1_s)]
    return rows.assign(t_start_s=rows["t_start_s"].clip(lower=t0_s), t_end_s=rows["t_end_s"].clip(upper=t1_s))


def _whole(rows: pd.DataFrame) -> list[Bar]:
    columns = (rows[name] for name in ("t_start_s", "t_end_s", "state", "cause"))
    return [Bar(float(a), float(b), str(state), 1.0, str(cause)) for a, b, state, cause in zip(*columns, strict=True)]


def _columns(rows: pd.DataFrame, t0_s: float, t1_s: float) -> list[Bar]:
    """Return columns of equal width in the state that took most of each; neighbours of one state are one bar."""
    edges = np.linspace(t0_s, t1_s, MOST_BARS + 1)
    start, end, state = (rows[name].to_numpy() for name in ("t_start_s", "t_end_s", "state"))
    names = list(dict.fromkeys(state))
    spent = np.array([_spent(edges, start[state == name], end[state == name]) for name in names])
    # a job that has not come yet, or is gone, is in no state
    most = np.where(spent.sum(axis=0) > 0.0, spent.argmax(axis=0), -1)
    cuts = np.flatnonzero(np.diff(most)) + 1
    bars = []
    for first, last in zip(np.concatenate(([0], cuts)), np.concatenate((cuts, [MOST_BARS])), strict=True):
        if most[first] >= 0:
            width = float(edges[last] - edges[first])
            share = float(spent[most[first], first:last].sum()) / width
            bars.append(Bar(float(edges[first]), float(edges[last]), str(names[most[first]]), share, ""))
    return bars


def _spent(edges: Floats, start: Floats, end: Floats) -> Floats:
    """Return the time [s] between neighbouring edges that lies in the stretches, which do not overlap."""
    corners = np.column_stack((start, end)).ravel()
    done = np.cumsum(end - start)
    before = np.column_stack((done - (end - start), done)).ravel()
    return np.diff(np.interp(edges, corners, before))


def _told(bar: Bar) -> str:
    if not bar.cause:
        return f", {percent(bar.share)} of it"
    return "" if bar.cause in ("none", "schedule") else f", {bar.cause}"


def _note(
    lanes: Mapping[str, pd.DataFrame], drawn: Mapping[str, Sequence[Bar]], merged: Sequence[str], width_s: float
) -> str:
    """Return how far the drawing is from what was, of the lane that it is farthest from."""
    if not merged:
        return "Every stretch is drawn."
    farthest = ("", "", 0.0, 0.0)
    for name in merged:
        rows = lanes[name]
        spans = rows["t_end_s"] - rows["t_start_s"]
        for state, part in spans.groupby(rows["state"]):
            true = float(part.sum() / spans.sum())
            shown = sum(bar.end_s - bar.start_s for bar in drawn[name] if bar.state == state) / float(spans.sum())
            if abs(shown - true) >= abs(farthest[3] - farthest[2]):
                farthest = (name, str(state), true, shown)
    stretches = sum(len(lanes[name]) for name in merged)
    lane = f" of {farthest[0]}" if len(lanes) > 1 else ""
    return (
        f"{number(stretches)} stretches are merged into columns of {number(width_s / 60.0)} min, each in the colour of "
        f"what took most of it. Short stops vanish in that: {farthest[1]} takes {percent(farthest[3])} of the drawing"
        f"{lane}, {percent(farthest[2])} of the time."
    )
