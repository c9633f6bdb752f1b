"""Figures of the report about step, days and cost, also side by side; and predictions over measurements.

The training page has figures of its own: `training_figures`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from clustersim.report.envelope import MOST_POINTS
from clustersim.report.style import ACTIVITY, BLUE, GREY, SERIES, STATES, styled
from clustersim.study.compare import Design
from clustersim.study.result import Result
from clustersim.units import DAY_S


def gantt(step: pd.DataFrame, unit: int = 0) -> go.Figure:
    """Return the operations of one unit by pipeline stage; each kind is one trace of horizontal bars.

    Parameters
    ----------
    step : DataFrame
        The table `step` of a result.
    unit : int
        Which lock-step unit.
    """
    rows = step[(step["unit"] == unit) & (step["end_s"] > step["start_s"])]
    figure = go.Figure()
    for kind, part in rows.groupby("kind", sort=False):
        virtual = part["virtual_stage"].to_numpy()
        figure.add_trace(
            go.Bar(
                base=part["start_s"].round(6),
                x=(part["end_s"] - part["start_s"]).round(6),
                y=part["stage"],
                orientation="h",
                name=str(kind).replace("_", " "),
                marker={
                    "color": ACTIVITY[str(kind)],
                    "line": {"color": "white", "width": 0.5 if len(rows) < MOST_POINTS // 4 else 0.0},
                    # later model chunks of a stage are lighter
                    "opacity": [1.0 - 0.55 * max(v, 0) / max(1, virtual.max()) for v in virtual],
                },
                customdata=part[["micro_batch", "virtual_stage"]],
                hovertemplate=f"stage %{{y}}, {kind}<br>micro-batch %{{customdata[0]}}, virtual stage "
                "%{customdata[1]}<br>%{base:.4f} s, %{x:.4f} s long<extra></extra>",
            )
        )
    stages = int(rows["stage"].max()) + 1
    styled(figure, "time in the step [s]", "pipeline stage", min(560, 110 + 34 * stages))
    figure.update_layout(barmode="overlay", bargap=0.12)
    return figure.update_yaxes(autorange="reversed", dtick=1 if stages <= 16 else 4)


def breakdown(results: Sequence[Result | Design]) -> go.Figure:
    """Return where the time of a step goes, one bar per result."""
    shares = {
        "compute": [r.summary["compute_fraction"] for r in results],
        "bubble": [r.summary["bubble_fraction"] for r in results],
        "exposed communication": [r.summary["exposed_comm_fraction"] for r in results],
    }
    colours = (ACTIVITY["matrix"], ACTIVITY["bubble"], ACTIVITY["exchange"])
    figure = go.Figure()
    for (name, values), colour in zip(shares.items(), colours, strict=True):
        figure.add_trace(
            go.Bar(
                x=[round(100.0 * v, 2) for v in values], y=[r.name for r in results], orientation="h", name=name,
                marker={"color": colour}, texttemplate="%{x:.3g} %", textposition="inside",
                hovertemplate=f"{name}: %{{x:.3g}} %<extra></extra>",
            )
        )  # fmt: skip
    names = [one.name for one in results]
    styled(figure, "share of the step [%]", "", 100 + 46 * len(results), names if len(names) > 1 else ())
    figure.update_layout(barmode="stack", legend={"traceorder": "normal"})
    return figure.update_yaxes(autorange="reversed", automargin=True, showticklabels=len(results) > 1)


def states_by_day(timeline: pd.DataFrame) -> go.Figure:
    """Return how the hours of every day of the horizon were spent, by state of the job."""
    figure = go.Figure()
    hours = _hours(timeline)
    for state in STATES:
        if state in hours:
            figure.add_trace(
                go.Bar(
                    x=list(hours.index), y=hours[state].round(4), name=state, marker={"color": STATES[state]},
                    hovertemplate=f"day %{{x}}<br>{state}: %{{y:.2f}} h<extra></extra>",
                )
            )  # fmt: skip
    styled(figure, "day", "hours")
    figure.update_layout(barmode="stack", bargap=0.08, legend={"traceorder": "normal"})
    return figure


def _hours(timeline: pd.DataFrame) -> pd.DataFrame:
    """Return the hours per day and state, of several sites the mean; spans are cut at midnight."""
    sites = timeline["site"].nunique() if "site" in timeline else 1
    rows: list[tuple[int, str, float]] = []
    for start, end, state in zip(timeline["t_start_s"], timeline["t_end_s"], timeline["state"], strict=True):
        begin = float(start)
        while begin < end:
            day = int(begin // DAY_S)
            until = min(float(end), (day + 1) * DAY_S)
            rows.append((day + 1, state, (until - begin) / 3600.0 / sites))
            begin = until
    table = pd.DataFrame(rows, columns=["day", "state", "hours"])
    return table.pivot_table(index="day", columns="state", values="hours", aggfunc="sum", fill_value=0.0)


def costs(cost: pd.DataFrame) -> go.Figure:
    """Return what it costs to build, by item."""
    rows = cost[cost["group"] == "capex"].sort_values("usd")
    figure = go.Figure(
        go.Bar(
            x=(rows["usd"] / 1e6).round(3), y=list(rows["item"]), orientation="h", marker={"color": BLUE},
            texttemplate="%{x:,.0f}", textposition="auto", hovertemplate="%{y}: %{x:,.1f} million USD<extra></extra>",
        )
    )  # fmt: skip
    styled(figure, "to build [million USD]", "", 90 + 34 * len(rows), rows["item"])
    return figure.update_yaxes(automargin=True)


def answers_bar(results: Sequence[Result | Design], key: str, title: str) -> go.Figure:
    """Return one summary key of several designs as bars."""
    figure = go.Figure(
        go.Bar(
            x=[r.summary.get(key) for r in results], y=[r.name for r in results], orientation="h",
            marker={"color": [SERIES[i % len(SERIES)] for i in range(len(results))]},
            texttemplate="%{x:.4g}", textposition="auto", hovertemplate="%{y}: %{x:.4g}<extra></extra>",
        )
    )  # fmt: skip
    styled(figure, title, "", 100 + 40 * len(results), [one.name for one in results])
    return figure.update_yaxes(autorange="reversed", automargin=True)


def predicted_over_measured(
    rows: pd.DataFrame, by: str, measured: str, predicted: str, what: str, off: float = 0.2
) -> go.Figure:
    """Return a scatter of predicted over measured, one colour per value of `by`, with lines at 1 and 20 % off it.

    Parameters
    ----------
    rows : DataFrame
        With the columns `by`, `measured`, `predicted` and row_id.
    what : str
        What is predicted, with its unit, for the titles of the axes.
    off : float
        How far from 1 the dotted lines are. [-]
    """
    figure = go.Figure()
    for index, (name, part) in enumerate(rows.groupby(by)):
        marker = {"color": SERIES[index % len(SERIES)], "size": 6, "opacity": 0.7, "symbol": index // len(SERIES)}
        figure.add_trace(
            go.Scatter(x=part[measured], y=part[predicted], mode="markers", name=str(name), text=part["row_id"],
                       marker=marker)
        )  # fmt: skip
    if len(rows):
        ends = np.array([rows[measured].min(), rows[measured].max()])
        for factor, dash in ((1.0, "solid"), (1.0 + off, "dot"), (1.0 / (1.0 + off), "dot")):
            figure.add_trace(
                go.Scatter(x=ends, y=ends * factor, mode="lines", line={"color": GREY, "dash": dash, "width": 1},
                           showlegend=False, hoverinfo="skip")
            )  # fmt: skip
    styled(figure, f"measured {what}", f"predicted {what}", height=560)
    figure.update_xaxes(type="log")
    figure.update_yaxes(type="log")
    return figure
