"""Figures of a comparison: radar, waterfalls, break-even curves, meters."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from clustersim.report import figures
from clustersim.report.measured import cycle_s
from clustersim.report.style import FONT, GREEN, GREY, GRID, INK, RED, SERIES, styled
from clustersim.report.words import number
from clustersim.study.compare import BreakEven, Comparison, Waterfall

_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star", "hexagon")


def radar(found: Comparison) -> go.Figure:
    """Return the normalised axes as points on spokes, without areas and without lines between axes."""
    figure = go.Figure()
    axes = [str(key) for key in found.radar["key"]]
    for index, name in enumerate(found.names):
        shares = [round(float(share), 4) for share in found.radar[name]]
        figure.add_trace(
            go.Scatterpolar(
                r=shares, theta=axes, mode="markers", name=name,
                marker={"color": SERIES[index % len(SERIES)], "size": 10, "symbol": _SYMBOLS[index % len(_SYMBOLS)]},
                hovertemplate="%{theta}: %{r:.3f} of the best<extra>" + name + "</extra>",
            )
        )  # fmt: skip
    figure.update_layout(
        height=460,
        margin={"l": 110, "r": 110, "t": 40, "b": 30},
        font={"family": FONT, "size": 13, "color": INK},
        paper_bgcolor="white",
        legend={"orientation": "h", "x": 0, "y": 1.08, "yanchor": "bottom"},
        polar={
            "bgcolor": "white",
            "radialaxis": {"range": [0, 1.05], "tickvals": [0, 0.25, 0.5, 0.75, 1.0], "gridcolor": GRID},
            "angularaxis": {"gridcolor": GRID, "direction": "clockwise"},
        },
    )
    return figure


def waterfall(one: Waterfall) -> go.Figure:
    """Return a waterfall: the base, what each part adds, the other design."""
    parts = one.shown
    figure = go.Figure(
        go.Waterfall(
            x=[one.base, *(part.name for part in parts), one.design],
            y=[one.start, *(part.change for part in parts), None],
            measure=["absolute", *["relative"] * len(parts), "total"],
            texttemplate="%{delta:.3g}",
            textposition="outside",
            cliponaxis=False,
            connector={"line": {"color": GREY, "width": 1}},
            increasing={"marker": {"color": SERIES[1]}},
            decreasing={"marker": {"color": SERIES[0]}},
            totals={"marker": {"color": GREY}},
            hovertemplate="%{x}: %{y:.5g}<extra></extra>",
        )
    )
    unit = "" if one.unit == "-" else f" [{one.unit}]"
    styled(figure, "", unit.strip(), 380)
    reached, levels = one.start, [one.start, one.end]
    for part in parts:
        reached += part.change
        levels.append(reached)
    low, high = min(levels), max(levels)
    # bars start at zero unless the whole difference would be a sliver: then the axis is cut, and its title says so
    if high > 0.0 and high - low < 0.3 * high and low > 0.0:
        figure.update_yaxes(range=[low - 0.25 * (high - low), high + 0.15 * (high - low)])
        figure.update_yaxes(title={"text": f"{unit} axis does not start at 0".strip()})
    return figure.update_xaxes(automargin=True)


def break_even(one: BreakEven) -> go.Figure:
    """Return the cost per token of both designs over an input, with where they cross and where they are now."""
    figure = go.Figure()
    for name, column, colour in ((one.base, "base_usd", SERIES[0]), (one.design, "design_usd", SERIES[1])):
        figure.add_trace(
            go.Scatter(
                x=one.curve["value"], y=one.curve[column], mode="lines", name=name, line={"color": colour, "width": 2},
                hovertemplate="%{x:.4g}: %{y:.4g} USD<extra>" + name + "</extra>",
            )
        )  # fmt: skip
    for value in dict.fromkeys(one.now):
        figure.add_vline(
            x=value,
            line={"color": GREY, "width": 1, "dash": "dot"},
            annotation_text="now",
            annotation_position="bottom right",
        )
    if one.value is not None:
        figure.add_vline(
            x=one.value,
            line={"color": RED, "width": 1.5},
            annotation_text=f"equal at {number(one.value, 4)}",
            annotation_position="top right",
        )
    return styled(figure, f"{one.input.name}, {one.varied} [{one.input.unit}]", "USD per million tokens", 320)


def limits(found: Comparison) -> go.Figure | None:
    """Return the margins of the rules that a design fails, one bar per design; None where none is failed."""
    failed = list(dict.fromkeys(found.limits[found.limits["verdict"] == "FAIL"]["rule"]))
    if not failed:
        return None
    figure = go.Figure()
    for index, name in enumerate(found.names):
        part = found.limits[(found.limits["design"] == name) & found.limits["rule"].isin(failed)]
        part = part[part["margin"].notna()]
        figure.add_trace(
            go.Bar(
                x=[round(100.0 * float(margin), 2) for margin in part["margin"]], y=list(part["rule"]), orientation="h",
                name=name, marker={"color": SERIES[index % len(SERIES)]},
                hovertemplate="%{y}: %{x:+.0f} %<extra>" + name + "</extra>",
            )
        )  # fmt: skip
    styled(figure, "margin to the limit [%]; negative is broken", "", 120 + 22 * len(failed) * len(found.names), failed)
    figure.add_vline(x=0.0, line={"color": GREEN, "width": 1.5})
    figure.update_layout(barmode="group")
    return figure.update_yaxes(autorange="reversed", automargin=True)


def meters(found: Comparison) -> go.Figure | None:
    """Return the swings of all meters over three of the longest design's steps; None without waveforms."""
    results = [(design.name, design.result) for design in found.designs if design.result is not None]
    stored = [(name, result) for name, result in results if result is not None and "steady" in result.waveforms]
    if not stored:
        return None
    longest = max(cycle_s(result) for _, result in stored)
    figure = go.Figure()
    colours: Sequence[str] = SERIES * len(stored)
    for (name, result), colour in zip(stored, colours, strict=False):
        shown = figures.swings(result.waveforms["steady"], 3.0 * longest)
        figure.add_trace(
            go.Scatter(x=shown.x, y=shown.y, name=name, mode="lines", line={"color": colour, "width": 1.3})
        )
    return styled(figure, "time [s]", "power about the mean [MW]")
