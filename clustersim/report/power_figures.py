"""Figures of a record of power: the whole of it and a closer look at a part, its spectrum, with and without damping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from clustersim.power.records import Waveform
from clustersim.report.envelope import MOST_POINTS, Envelope
from clustersim.report.extremes import Extremes
from clustersim.report.power_record import Stretches
from clustersim.report.spans import Span, axis_unit, time_text
from clustersim.report.style import BLUE, GREEN, GREY, INK, ORANGE, SERIES, styled
from clustersim.study.result import Result

STRIP_POINTS = 600
"""Points of a trace in the strip that shows the whole record."""
BINS = 600
"""Bins of the horizon in a figure; their steps are drawn as two points each."""
PARTS = {"meter": INK, "it": BLUE, "cooling": GREEN, "losses": GREY, "battery": ORANGE}
OTHERS = tuple(colour for colour in SERIES if colour not in PARTS.values())
Array = NDArray[np.floating]


@dataclass(frozen=True)
class Scale:
    """Unit of the vertical axis."""

    unit: str
    size: float
    """How many watts or vars it has."""
    reactive: bool = False

    @property
    def title(self) -> str:
        """Title of the axis."""
        return f"{'reactive power' if self.reactive else 'power'} [{self.unit}]"


def scale_of(traces: Mapping[str, Extremes], *, reactive: bool = False) -> Scale:
    """Return the unit in which records read well: the largest that is not above their greatest value."""
    names = (("Mvar", 1e6), ("kvar", 1e3), ("var", 1.0)) if reactive else (("MW", 1e6), ("kW", 1e3), ("W", 1.0))
    top = max((greatest(trace) for trace in traces.values()), default=0.0)
    return next((Scale(unit, size, reactive) for unit, size in names if top >= size), Scale(*names[-1], reactive))


def greatest(trace: Extremes) -> float:
    """Return the greatest magnitude of a record."""
    shown = trace.envelope(0.0, 1.0, most=8).y
    return float(np.abs(shown).max())


def colours_of(nodes: Sequence[str]) -> dict[str, str]:
    """Return a colour for each node: parts of a site have theirs, where they are there once."""
    found: dict[str, str] = {}
    left = [*OTHERS, *PARTS.values()]
    for node in nodes:
        own = PARTS.get(node.rpartition("/")[2])
        colour = own if own is not None and own not in found.values() else None
        if colour is None:
            colour = next((one for one in left if one not in found.values()), GREY)
        found[node] = colour
    return found


@dataclass(frozen=True)
class Clock:
    """How the times of a figure are written."""

    unit: str
    size_s: float
    origin_s: float
    title: str

    def at(self, seconds: Array | float) -> Array:
        """Return times on the axis."""
        return np.round((np.asarray(seconds) - self.origin_s) / self.size_s, 9)


def strip_clock(whole: Span) -> Clock:
    """Return the clock of the strip that shows all of a record."""
    unit, size = axis_unit(whole.length_s)
    return Clock(unit, size, 0.0, f"time [{unit}]")


def detail_clock(span: Span, whole: Span) -> Clock:
    """Return the clock of a span: that of the whole record, or from the span's begin where that is too coarse."""
    (unit, size), (coarse, _) = axis_unit(span.length_s), axis_unit(whole.length_s)
    if unit == coarse:
        return Clock(unit, size, 0.0, f"time [{unit}]")
    return Clock(unit, size, span.begin_s, f"time after {time_text(round(span.begin_s, 6), whole)} [{unit}]")


def zoomed(traces: Mapping[str, Extremes], whole: Span, dt_s: float, span: Span, scale: Scale) -> go.Figure:
    """Return a strip with the whole record, and the span below it; both can be dragged over.

    Every trace is an envelope of at most :data:`~clustersim.report.envelope.MOST_POINTS` points.
    """
    figure, strip, clock = _pair(whole, span, scale.title)
    colours = colours_of(list(traces))
    for name, trace in traces.items():
        first, last = span.samples(whole.begin_s, dt_s, trace.samples)
        shown = trace.envelope(whole.begin_s, dt_s, first, last, MOST_POINTS)
        figure.add_trace(_line(clock, shown, name, colours[name], scale), row=2, col=1)
    for name, trace in list(traces.items())[:1]:
        shown = trace.envelope(whole.begin_s, dt_s, most=STRIP_POINTS)
        figure.add_trace(_strip_line(strip, shown, name, colours[name], scale), row=1, col=1)
    return figure


def horizon(
    nodes: Mapping[str, Stretches], whole: Span, span: Span, windows: Mapping[str, float] | None = None
) -> go.Figure:
    """Return the same for the course of the horizon: mean and range of each node; windows are marked in the strip.

    Parameters
    ----------
    nodes : mapping of str to Stretches
        By name.
    whole, span : Span
        The horizon, and what of it is looked at.
    windows : mapping of str to float, optional
        Windows of the run by name, with the time at which each begins. [s]
    """
    figure, strip, clock = _pair(whole, span, "power [MW]")
    colours = colours_of(list(nodes))
    for name, course in nodes.items():
        shown = course.between(span, BINS)
        x = clock.at(shown.edges_s)
        _range(figure, x, shown, name, colours[name], 2)
        figure.add_trace(
            go.Scatter(
                x=x, y=_closed(shown.mean_mw), name=name, mode="lines",
                line={"color": colours[name], "width": 1.3, "shape": "hv"},
                hovertemplate=f"%{{x}} {clock.unit}<br>%{{y:.4g}} MW<extra>{name}, mean</extra>",
            ), row=2, col=1,
        )  # fmt: skip
    for name, course in list(nodes.items())[:1]:
        shown = course.between(whole, STRIP_POINTS // 2)
        _range(figure, strip.at(shown.edges_s), shown, name, colours[name], 1)
        figure.add_trace(
            go.Scatter(
                x=strip.at(shown.edges_s), y=_closed(shown.mean_mw), mode="lines", showlegend=False, hoverinfo="skip",
                line={"color": colours[name], "width": 1, "shape": "hv"},
            ), row=1, col=1,
        )  # fmt: skip
    for row, axis, shown_in in ((1, strip, whole), (2, clock, span)):
        _marked(figure, axis, shown_in, windows or {}, row)
    return figure


def _marked(figure: go.Figure, clock: Clock, span: Span, windows: Mapping[str, float], row: int) -> None:
    """Mark where windows are, below the curves."""
    here = {name: max(begin, 0.0) for name, begin in windows.items() if span.begin_s <= max(begin, 0.0) < span.end_s}
    if not here:
        return
    # both axes of the strip and of the detail are named by their row
    y = 0.0 if row == 1 else 0.02
    figure.add_trace(
        go.Scatter(
            x=clock.at(np.array(list(here.values()))), y=[y] * len(here), mode="markers", name="windows",
            marker={"symbol": "triangle-up", "size": 8, "color": ORANGE}, yaxis="y3" if row == 1 else "y4",
            xaxis="x" if row == 1 else "x2", text=list(here), hovertemplate="window: %{text}<extra></extra>",
            showlegend=row == 2,
        )
    )  # fmt: skip
    name = "yaxis3" if row == 1 else "yaxis4"
    over = "y" if row == 1 else "y2"
    figure.update_layout({name: {"overlaying": over, "range": [0, 1], "visible": False, "fixedrange": True}})


def _closed(values: Array) -> Array:
    """Return values of bins with the last one repeated, so that its step has an end."""
    return np.append(values, values[-1])


def _range(figure: go.Figure, x: Array, shown: Stretches, name: str, colour: str, row: int) -> None:
    for values, fill in ((shown.low_mw, None), (shown.high_mw, "tonexty")):
        figure.add_trace(
            go.Scatter(
                x=x, y=_closed(values), mode="lines", line={"width": 0, "shape": "hv", "color": colour}, fill=fill,
                opacity=0.3, showlegend=False, name=f"{name}, {'least' if fill is None else 'greatest'}",
                hovertemplate="%{y:.4g} MW<extra>%{fullData.name}</extra>" if row == 2 else None,
                hoverinfo=None if row == 2 else "skip",
            ), row=row, col=1,
        )  # fmt: skip


def _pair(whole: Span, span: Span, title: str) -> tuple[go.Figure, Clock, Clock]:
    strip, clock = strip_clock(whole), detail_clock(span, whole)
    figure = make_subplots(rows=2, cols=1, row_heights=[0.16, 0.84], vertical_spacing=0.13)
    styled(figure, "", "", 430)
    figure.update_layout(dragmode="select", selectdirection="h", margin={"t": 34})
    figure.update_xaxes(range=list(strip.at(np.array([whole.begin_s, whole.end_s]))), row=1, col=1)
    figure.update_xaxes(
        range=list(clock.at(np.array([span.begin_s, span.end_s]))), title_text=clock.title, row=2, col=1
    )
    figure.update_xaxes(title_text="", tickfont={"size": 11}, row=1, col=1)
    figure.update_yaxes(title_text="", showticklabels=False, ticks="", fixedrange=True, row=1, col=1)
    figure.update_yaxes(title_text=title, row=2, col=1)
    # where the closer look is; at least as wide as the eye sees
    least = whole.length_s / 400.0
    seen = span if span.length_s >= least else Span(span.middle_s - 0.5 * least, span.middle_s + 0.5 * least)
    if span.length_s < whole.length_s:
        figure.add_vrect(
            x0=float(strip.at(seen.begin_s)), x1=float(strip.at(seen.end_s)), fillcolor=ORANGE, opacity=0.35,
            line={"width": 1, "color": ORANGE}, layer="above", row=1, col=1,
        )  # fmt: skip
    figure.update_layout(legend={"y": 1.0, "yanchor": "bottom", "x": 0})
    return figure, strip, clock


def _line(clock: Clock, shown: Envelope, name: str, colour: str, scale: Scale) -> go.Scatter:
    return go.Scatter(
        x=clock.at(shown.x), y=np.asarray(shown.y, dtype=np.float64) / scale.size, name=name, mode="lines",
        line={"color": colour, "width": 1.4 if name == "meter" else 1.0},
        hovertemplate=f"%{{x}} {clock.unit}<br>%{{y:.5g}} {scale.unit}<extra>{name}</extra>",
    )  # fmt: skip


def _strip_line(clock: Clock, shown: Envelope, name: str, colour: str, scale: Scale) -> go.Scatter:
    return go.Scatter(
        x=clock.at(shown.x), y=np.asarray(shown.y, dtype=np.float64) / scale.size, name=name, mode="lines",
        line={"color": colour, "width": 0.8}, showlegend=False, hoverinfo="skip",
    )  # fmt: skip


def note(figure: go.Figure, samples: int, dt_s: float) -> str:
    """Return how many points of how many samples a figure shows, and what a sample is."""
    most = max((len(trace.x) for trace in figure.data if trace.xaxis == "x2"), default=0)
    if most >= samples:
        shown = f"All {samples:,} samples"
    else:
        shown = f"{most:,} points of {samples:,} samples, with the least and the greatest of every bucket,"
    return f"{shown} of {_width(dt_s)}. Drag over the strip or the chart to look closer."


def _width(dt_s: float) -> str:
    return f"{dt_s * 1e3:.6g} ms" if dt_s < 1.0 else f"{dt_s:.6g} s"


def horizon_note(result: Result, nodes: Mapping[str, Stretches], span: Span) -> str:
    """Return what the figure of the horizon shows."""
    drag = "Triangles are the windows above. Drag over the strip or the chart to look closer."
    if result.course.empty:
        return f"Hourly means: an earlier version stored this result without the range; Run again has it. {drag}"
    course = next(iter(nodes.values()))
    exact = course.between(span, BINS).mean_mw.size < BINS
    shown = "Every stretch of the timeline in one state" if exact else f"{BINS} bins of {_width(span.length_s / BINS)}"
    return f"{shown}: mean, and shaded the range of the 10 ms means within. {drag}"


def overlaid(waves: Mapping[str, Waveform], span: Span) -> go.Figure:
    """Return the meter of runs in the same span, the first one behind the others."""
    figure = go.Figure()
    for (name, wave), colour in zip(waves.items(), (GREY, BLUE, GREEN), strict=False):
        trace = Extremes(wave.power("meter"))
        first, last = span.samples(0.0, wave.dt_s, trace.samples)
        shown = trace.envelope(0.0, wave.dt_s, first, last)
        figure.add_trace(
            go.Scatter(
                x=np.round(shown.x, 6), y=np.asarray(shown.y) / 1e6, name=name, mode="lines",
                line={"color": colour, "width": 1.1},
                hovertemplate=f"%{{x:.4f}} s<br>%{{y:.4g}} MW<extra>{name}</extra>",
            )
        )  # fmt: skip
    return styled(figure, "time in the window [s]", "power [MW]", 340)
