"""Figures of the training page: the step from ideal to real, memory by stage, spread of the units, plans, lost time."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from clustersim.report.style import ACTIVITY, BLUE, CATEGORIES, GREEN, GREY, INK, ORANGE, PURPLE, RED, SKY, styled
from clustersim.report.words import number, percent

HELD = {"weights": BLUE, "gradients": SKY, "optimizer": GREEN, "activations": ORANGE, "working": PURPLE}
"""Colours of the parts of a rank's memory."""
PARTS = {
    "matrix": ("matrix products", ACTIVITY["matrix"]),
    "memory": ("memory-bound, update", ACTIVITY["memory"]),
    "exchange": ("inside a replica", ACTIVITY["exchange"]),
    "data_exchange": ("between replicas", PURPLE),
    "bubble": ("bubble", GREY),
    "host": ("launches, input", SKY),
}
"""Parts of a step as ``clustersim step`` gives them, with their names and colours."""


def waterfall(summary: Mapping[str, Any]) -> go.Figure:
    """Return how a step grows from its products at peak speed to what it takes, stops of the job included.

    Parameters
    ----------
    summary : mapping
        Of a run. The first bar is MFU times the iteration time; the last the iteration time over the goodput.
    """
    seconds, goodput = float(summary["iteration_time_s"]), float(summary["goodput"])
    ideal = float(summary["mfu"]) * seconds
    parts = [
        ("at peak speed", ideal, BLUE),
        ("slower compute", float(summary["compute_fraction"]) * seconds - ideal, SKY),
        ("exposed comm", float(summary["exposed_comm_fraction"]) * seconds, ORANGE),
        ("bubble", float(summary["bubble_fraction"]) * seconds, GREY),
    ]
    rows, at = [], 0.0
    for name, length, colour in parts:
        rows.append((name, at, length, colour))
        at += length
    rows.append(("one step", 0.0, seconds, INK))
    if goodput > 0.0:
        whole = seconds / goodput
        rows.append(("stops of the job", seconds, whole - seconds, RED))
        rows.append(("with its stops", 0.0, whole, INK))
    return _falling(rows, max(row[1] + row[2] for row in rows))


def _falling(rows: Sequence[tuple[str, float, float, str]], whole: float) -> go.Figure:
    figure = go.Figure(
        go.Bar(
            base=[round(start, 6) for _, start, _, _ in rows],
            x=[round(length, 6) for _, _, length, _ in rows],
            y=[name for name, *_ in rows],
            orientation="h",
            marker={"color": [colour for *_, colour in rows]},
            text=[f"{number(length)} s" for _, _, length, _ in rows],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.4g} s<extra></extra>",
        )
    )
    styled(figure, "time of a step [s]", "", 92 + 34 * len(rows), [name for name, *_ in rows])
    figure.update_layout(bargap=0.28, showlegend=False)
    figure.update_xaxes(range=[0.0, 1.2 * whole])
    return figure.update_yaxes(autorange="reversed", automargin=True)


def step_parts(breakdown: Mapping[str, float], seconds: float) -> go.Figure:
    """Return what each part of a step takes, the largest first; mean over accelerators and steps.

    Parameters
    ----------
    breakdown : mapping
        Seconds by part, with the keys that ``clustersim step --json`` gives.
    seconds : float
        Of the step. [s]
    """
    rows = sorted(((float(breakdown[f"{name}_s"]), *told) for name, told in PARTS.items()), key=lambda row: -row[0])
    figure = go.Figure(
        go.Bar(
            x=[round(value, 6) for value, *_ in rows],
            y=[name for _, name, _ in rows],
            orientation="h",
            marker={"color": [colour for *_, colour in rows]},
            text=[percent(value / seconds) for value, *_ in rows],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.4g} s<extra></extra>",
        )
    )
    styled(figure, "time of a step [s]", "", 92 + 32 * len(rows), [name for _, name, _ in rows])
    figure.update_layout(bargap=0.28, showlegend=False)
    figure.update_xaxes(range=[0.0, 1.25 * max(row[0] for row in rows)])
    return figure.update_yaxes(autorange="reversed", automargin=True)


def memory_by_stage(stages: Sequence[Mapping[str, Any]], usable_gb: float) -> go.Figure:
    """Return the memory of a rank of every stage by what it holds, with what a job can use.

    Parameters
    ----------
    stages : sequence of mapping
        As ``clustersim step --json`` gives them.
    usable_gb : float
        Of the smallest accelerator. [GB]
    """
    numbers = [int(stage["stage"]) for stage in stages]
    figure = go.Figure()
    for name, colour in HELD.items():
        figure.add_trace(
            go.Bar(
                x=numbers, y=[round(float(stage[f"{name}_gb"]), 4) for stage in stages], name=name,
                marker={"color": colour}, hovertemplate=f"stage %{{x}}: {name} %{{y:.3g}} GB<extra></extra>",
            )
        )  # fmt: skip
    edge = [-0.5, numbers[-1] + 0.5]
    figure.add_trace(
        go.Scatter(
            x=edge, y=[usable_gb, usable_gb], mode="lines", name=f"a job can use {number(usable_gb)} GB",
            line={"color": RED, "width": 2, "dash": "dash"}, hoverinfo="skip",
        )
    )  # fmt: skip
    styled(figure, "pipeline stage", "memory of an accelerator [GB]", 340)
    figure.update_layout(barmode="stack", bargap=0.25, legend={"traceorder": "normal"})
    return figure.update_xaxes(range=edge, dtick=1 if len(numbers) <= 16 else 4)


def units_histogram(units: Mapping[str, Any]) -> go.Figure:
    """Return when the lock-step units are through with their passes, and where fastest, median and slowest stand."""
    edges, counts = units["histogram"]["edges_s"], units["histogram"]["units"]
    figure = go.Figure(
        go.Bar(
            x=[round(0.5 * (low + high), 7) for low, high in itertools.pairwise(edges)],
            y=counts, width=[high - low for low, high in itertools.pairwise(edges)],
            name="units", marker={"color": BLUE, "line": {"color": "white", "width": 1}},
            hovertemplate="around %{x:.5g} s: %{y} units<extra></extra>",
        )
    )  # fmt: skip
    for name, colour in (("fastest", GREEN), ("median", INK), ("slowest", RED)):
        at = float(units[name]["end_s"])
        figure.add_trace(
            go.Scatter(
                x=[at, at], y=[0, 1.05 * max(counts)], mode="lines", name=f"{name}: {number(at, 5)} s",
                line={"color": colour, "width": 2, "dash": "dot"}, hoverinfo="skip",
            )
        )  # fmt: skip
    styled(figure, "through with the passes of the step after [s]", "lock-step units", 280)
    return figure.update_layout(bargap=0.0)


def plan_scatter(
    plans: Sequence[Mapping[str, Any]], refused: Sequence[Mapping[str, Any]], usable_gb: float
) -> go.Figure:
    """Return memory against time of the plans of a search, and of the fastest that need more memory than there is."""
    figure = go.Figure()
    kinds = (("fits", plans, BLUE, "circle", 9), ("does not fit", refused, RED, "x", 8))
    for name, rows, colour, symbol, size in kinds:
        figure.add_trace(
            go.Scatter(
                x=[round(float(row["memory_gb"]), 4) for row in rows],
                y=[round(float(row["iteration_time_s"]), 6) for row in rows],
                mode="markers", name=name, text=[cut_words(row) for row in rows],
                marker={"color": colour, "symbol": symbol, "size": size, "line": {"color": "white", "width": 1}},
                hovertemplate="%{text}<br>%{y:.4g} s, %{x:.4g} GB<extra></extra>",
            )
        )  # fmt: skip
    times = [float(row["iteration_time_s"]) for row in (*plans, *refused)]
    figure.add_trace(
        go.Scatter(
            x=[usable_gb, usable_gb], y=[min(times), max(times)], mode="lines",
            name=f"a job can use {number(usable_gb)} GB", line={"color": RED, "dash": "dash"}, hoverinfo="skip",
        )
    )  # fmt: skip
    return styled(figure, "memory of the fullest accelerator [GB]", "time of a step [s]", 360)


def cut_words(plan: Mapping[str, Any]) -> str:
    """Return a plan in a line."""
    several = plan["virtual_stages"]
    return (
        f"tensor {plan['tensor']} x context {plan['context']} x pipeline {plan['pipeline']}"
        f"{f' ({several} chunks)' if several > 1 else ''} x data {plan['data']}, expert {plan['expert']}, "
        f"{plan['micro_batches']} micro-batches, {plan['schedule']}, recompute {plan['recompute']}, "
        f"{plan['sharding']} sharded, experts hidden: {plan['expert_overlap']}"
    )


def time_by_cause(accounts: pd.DataFrame, most: int = 12) -> go.Figure:
    """Return the hours that every cause took from the job, by category, the largest first.

    Parameters
    ----------
    accounts : DataFrame
        Of a result: category, cause, seconds.
    most : int
        Causes that are drawn.
    """
    lost = accounts[accounts["category"] != "useful"]
    totals = lost.groupby("cause")["seconds"].sum().sort_values(ascending=False, kind="stable")
    causes = list(totals.index[:most])
    figure = go.Figure()
    for category, colour in CATEGORIES.items():
        hours = lost[lost["category"] == category].groupby("cause")["seconds"].sum() / 3600.0
        if not hours.empty:
            figure.add_trace(
                go.Bar(
                    x=[round(float(hours.get(cause, 0.0)), 4) for cause in causes],
                    y=[str(cause).replace("_", " ") for cause in causes],
                    orientation="h", name=category.replace("_", " "), marker={"color": colour},
                    hovertemplate=f"%{{y}}, {category.replace('_', ' ')}: %{{x:.3g}} h<extra></extra>",
                )
            )  # fmt: skip
    styled(figure, "taken from the job [h]", "", 104 + 28 * len(causes), causes)
    figure.update_layout(barmode="stack", legend={"traceorder": "normal"})
    return figure.update_yaxes(autorange="reversed", automargin=True)
