"""Where the time of jobs went: stacked bars by category, with the band of what was useful."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from clustersim.operation.bands import Band
from clustersim.report.style import CATEGORIES, INK, styled
from clustersim.report.words import percent

TITLES = {name: name.replace("_", " ") for name in CATEGORIES}


def goodput_bars(shares: Mapping[str, Mapping[str, float]], bands: Mapping[str, Mapping[str, Band]]) -> go.Figure:
    """Return one stacked bar per job or site; a whisker shows from where to where the useful share goes.

    Parameters
    ----------
    shares : mapping
        By name of the bar: mean share of every category; they add up to one. [-]
    bands : mapping
        By name of the bar: the band of every category; empty for a single seed.
    """
    names = list(shares)
    figure = go.Figure()
    for category, colour in CATEGORIES.items():
        values = [100.0 * shares[name].get(category, 0.0) for name in names]
        if category != "useful" and not any(values):
            continue
        told = [_told(bands.get(name, {}).get(category)) for name in names]
        figure.add_trace(
            go.Bar(
                x=[round(value, 4) for value in values], y=names, orientation="h", name=TITLES[category],
                marker={"color": colour}, customdata=told,
                hovertemplate=f"%{{y}}: {TITLES[category]} %{{x:.3g}} %%{{customdata}}<extra></extra>",
            )
        )  # fmt: skip
    if all(name in bands for name in names):
        figure.add_trace(_whiskers({name: bands[name]["useful"] for name in names}))
    styled(figure, "share of the time [%]", "", 110 + 46 * len(names), names if len(names) > 1 else ())
    figure.update_layout(barmode="stack", legend={"traceorder": "normal"})
    figure.update_xaxes(range=[0, 100])
    return figure.update_yaxes(autorange="reversed", automargin=True, showticklabels=len(names) > 1)


def shares_of(accounts: pd.DataFrame) -> dict[str, float]:
    """Return the share of every category [-] of a table with columns category and seconds."""
    total = math.fsum(accounts["seconds"])
    return {str(name): math.fsum(part) / total for name, part in accounts.groupby("category")["seconds"]}


def _whiskers(useful: Mapping[str, Band]) -> go.Scatter:
    """Return error bars about the means, a trace of its own: bars to the right would cover those of a bar."""
    return go.Scatter(
        x=[100.0 * one.mean for one in useful.values()],
        y=list(useful),
        mode="markers",
        marker={"color": INK, "size": 5},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [100.0 * max(0.0, one.high - one.mean) for one in useful.values()],
            "arrayminus": [100.0 * max(0.0, one.mean - one.low) for one in useful.values()],
            "color": INK,
            "thickness": 1.6,
            "width": 8,
        },
        showlegend=False,
        hoverinfo="skip",
    )


def _told(one: Band | None) -> str:
    return "" if one is None or one.draws == 1 else f" ({percent(one.low)} to {percent(one.high)})"
