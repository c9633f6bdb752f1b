"""Figures of a record of power: the whole of it and a closer look at a part, its spectrum, with and without damping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from clustersim.limits.definitions import METER_DT_S
from clustersim.power.records import Waveform
from clustersim.report.envelope import MOST_POINTS, Envelope
from clustersim.report.extremes import Extremes
from clustersim.report.power_layout import Plain, axis, laid_out
from clustersim.report.power_record import Stretches
from clustersim.report.spans import Span, axis_unit, time_text
from clustersim.report.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SERIES, SKY
from clustersim.study.result import Result

STRIP_POINTS = 600
"""Points of a trace in the strip that shows the whole record."""
BINS = 600
"""Bins of the horizon in a figure; their steps are drawn as two points each."""
COURSES = (BLUE, GREEN, PURPLE, SKY, GREY)
"""Colours of nodes over the horizon; their lighter shade is the range."""
PARTS = {"meter": INK, "it": BLUE, "cooling": GREEN, "losses": GREY, "battery": ORANGE}
OTHERS = tuple(colour for colour in SERIES if colour not in PARTS.values())
IN_STRIP: Plain = {"xaxis": "x", "yaxis": "y", "showlegend": False, "hoverinfo": "skip", "hovertemplate": None}
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
    strip, clock = strip_clock(whole), detail_clock(span, whole)
    colours = colours_of(list(traces))
    drawn = []
    for name, trace in traces.items():
        first, last = span.samples(whole.begin_s, dt_s, trace.samples)
        shown = trace.envelope(whole.begin_s, dt_s, first, last, MOST_POINTS)
        width = 1.4 if name == "meter" else 1.0
        drawn.append(
            _line(clock.at(shown.x), _scaled(shown, scale), name, colours[name], width)
            | {"hovertemplate": f"%{{x}} {clock.unit}<br>%{{y:.5g}} {scale.unit}<extra>{name}</extra>"}
        )
    for name, trace in list(traces.items())[:1]:
        shown = trace.envelope(whole.begin_s, dt_s, most=STRIP_POINTS)
        drawn.append(_line(strip.at(shown.x), _scaled(shown, scale), name, colours[name], 0.8) | IN_STRIP)
    return _pair(drawn, whole, span, scale.title)


def horizon(
    nodes: Mapping[str, Stretches], whole: Span, span: Span, windows: Mapping[str, float] | None = None
) -> go.Figure:
    """Return the same for the course of the horizon: mean and range of each node, and where windows are.

    Parameters
    ----------
    nodes : mapping of str to Stretches
        By name.
    whole, span : Span
        The horizon, and what of it is looked at.
    windows : mapping of str to float, optional
        Windows of the run by name, with the time at which each begins. [s]
    """
    strip, clock = strip_clock(whole), detail_clock(span, whole)
    colours = dict(zip(nodes, COURSES * len(nodes), strict=False))
    drawn = []
    for name, course in nodes.items():
        shown = course.between(span, BINS)
        x = clock.at(shown.edges_s)
        drawn += _range(x, shown, name, colours[name])
        drawn.append(
            _line(x, _closed(shown.mean_mw), name, colours[name], 1.3, "hv")
            | {"hovertemplate": f"%{{x}} {clock.unit}<br>%{{y:.4g}} MW<extra>{name}, mean</extra>"}
        )
    for name, course in list(nodes.items())[:1]:
        shown = course.between(whole, STRIP_POINTS // 2)
        x = strip.at(shown.edges_s)
        drawn += [band | IN_STRIP for band in _range(x, shown, name, colours[name])]
        drawn.append(_line(x, _closed(shown.mean_mw), name, colours[name], 1.0, "hv") | IN_STRIP)
    here = {name: max(begin, 0.0) for name, begin in (windows or {}).items()}
    for of, part, where in ((strip, whole, IN_STRIP | {"yaxis": "y3"}), (clock, span, {"xaxis": "x2", "yaxis": "y4"})):
        marked = {name: at for name, at in here.items() if part.begin_s <= at < part.end_s}
        if marked:
            drawn.append(_marks(of, marked) | where)
    over: Plain = {"range": [0, 1], "visible": False, "fixedrange": True}
    return _pair(
        drawn, whole, span, "power [MW]", yaxis3=over | {"overlaying": "y"}, yaxis4=over | {"overlaying": "y2"}
    )


def _marks(clock: Clock, here: Mapping[str, float]) -> Plain:
    """Return the marks of windows, at the foot of the curves."""
    return {
        "type": "scatter", "x": clock.at(np.array(list(here.values()))), "y": [0.03] * len(here), "mode": "markers",
        "name": "windows", "text": list(here), "hovertemplate": "window: %{text}<extra></extra>",
        "marker": {"symbol": "triangle-up", "size": 9, "color": ORANGE},
    }  # fmt: skip


def _closed(values: Array) -> Array:
    """Return values of bins with the last one repeated, so that its step has an end."""
    return np.append(values, values[-1])


def _range(x: Array, shown: Stretches, name: str, colour: str) -> list[Plain]:
    """Return the two edges of the range within bins, the space between them filled."""
    return [
        _line(x, _closed(values), f"{name}, {word}", colour, 0.0, "hv")
        | {"fill": fill, "opacity": 0.25, "showlegend": False}
        | {"hovertemplate": "%{y:.4g} MW<extra>%{fullData.name}</extra>"}
        for values, word, fill in ((shown.low_mw, "least", "none"), (shown.high_mw, "greatest", "tonexty"))
    ]


def _scaled(shown: Envelope, scale: Scale) -> Array:
    return np.asarray(shown.y, dtype=np.float64) / scale.size


def _line(x: Array, y: Array, name: str, colour: str, width: float, shape: str = "linear") -> Plain:
    return {
        "type": "scatter", "x": x, "y": y, "name": name, "mode": "lines", "xaxis": "x2", "yaxis": "y2",
        "line": {"color": colour, "width": width, "shape": shape},
    }  # fmt: skip


def _pair(drawn: Sequence[Plain], whole: Span, span: Span, title: str, **more: Any) -> go.Figure:
    """Return the strip and the closer look as one figure."""
    strip, clock = strip_clock(whole), detail_clock(span, whole)
    # where the closer look is; at least as wide as the eye sees
    least = whole.length_s / 400.0
    seen = span if span.length_s >= least else Span(span.middle_s - 0.5 * least, span.middle_s + 0.5 * least)
    shapes = [] if span.length_s >= whole.length_s * (1.0 - 1e-12) else [
        {
            "type": "rect", "xref": "x", "yref": "y domain", "y0": 0, "y1": 1, "opacity": 0.35, "layer": "above",
            "x0": float(strip.at(seen.begin_s)), "x1": float(strip.at(seen.end_s)), "fillcolor": ORANGE,
            "line": {"width": 1, "color": ORANGE},
        }
    ]  # fmt: skip
    small: Plain = {"tickfont": {"size": 11}}
    axes = {
        "xaxis": axis("", "y", range=_ends(strip, whole), **small),
        "yaxis": axis("", "x", domain=[0.86, 1.0], showticklabels=False, fixedrange=True, nticks=3),
        "xaxis2": axis(clock.title, "y2", range=_ends(clock, span)),
        "yaxis2": axis(title, "x2", domain=[0.0, 0.74]),
    }
    return laid_out(drawn, 440, axes | more, shapes, dragmode="select", selectdirection="h")


def _ends(clock: Clock, span: Span) -> list[float]:
    return [float(at) for at in clock.at(np.array([span.begin_s, span.end_s]))]


def overlaid(waves: Mapping[str, Waveform], span: Span) -> go.Figure:
    """Return the meter of runs in the same span, the first one behind the others."""
    drawn = []
    for (name, wave), colour in zip(waves.items(), (GREY, BLUE, GREEN), strict=False):
        trace = Extremes(wave.power("meter"))
        shown = trace.envelope(0.0, wave.dt_s, *span.samples(0.0, wave.dt_s, trace.samples))
        drawn.append(
            _line(np.round(shown.x, 6), shown.y / 1e6, name, colour, 1.1)
            | {"hovertemplate": f"%{{x:.4f}} s<br>%{{y:.4g}} MW<extra>{name}</extra>", "xaxis": "x", "yaxis": "y"}
        )
    axes = {"xaxis": axis("time in the window [s]", "y"), "yaxis": axis("power [MW]", "x")}
    return laid_out(drawn, 340, axes)


def note(figure: go.Figure, samples: int, dt_s: float) -> str:
    """Return how many points of how many samples a figure shows, and what a sample is."""
    most = max((len(trace.x) for trace in figure.data if trace.xaxis == "x2"), default=0)
    if most >= samples:
        shown = f"All {samples:,} samples"
    else:
        shown = f"{most:,} points of {samples:,} samples, with the least and the greatest of every bucket,"
    of = f"{shown} of {_width(dt_s)}."
    # a planner looks for the headline numbers, which are of coarser means, in the curve
    finer = dt_s < METER_DT_S * (1.0 - 1e-9)
    beyond = (
        f" Peaks and swings of the cards are of {_width(METER_DT_S)} means: this curve goes beyond." if finer else ""
    )
    stored = any(str(trace.name).rpartition("/")[2] == "battery" for trace in figure.data)
    sign = " A battery is a load: above zero it charges." if stored else ""
    return f"{of}{beyond}{sign} Drag over the strip or the chart to look closer."


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
    return (
        f"{shown}: mean, and shaded the range of the 10 ms means of steady training. Spikes where one state gives way "
        f"to another are in the windows only. {drag}"
    )
