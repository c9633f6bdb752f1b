"""Figures of what a row of the verdict rests on: pure functions from evidence to plotly figures, drawn as SVG."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from clustersim.power.records import Waveform
from clustersim.report.envelope import envelope
from clustersim.report.evidence import SHOWN_IN, Evidence, Record
from clustersim.report.figures import spectrum
from clustersim.report.style import BLUE, GREY, INK, ORANGE, RED, styled

TITLES = {"power": "power at the meter", "voltage": "voltage", "frequency": "frequency"}
AROUND = 1.5
"""Time that is shown before and after what decides, over its own length. [-]"""
LEAST_S = 2.0
"""Least time that is shown before and after. [s]"""
SPECTRAL = ("band_energy", "band_amplitude")


def evidence_figure(found: Evidence, verdict: pd.DataFrame, whole: bool = False) -> go.Figure | None:
    """Return what a row of the verdict rests on, with the limit drawn; None for a row that was not judged.

    Parameters
    ----------
    found : Evidence
        The row, and where it is decided.
    verdict : DataFrame
        All rows, for a rating that is shown among those of its site.
    whole : bool
        Whether to draw the whole window in place of what lies around the deciding time.
    """
    if found.row["passed"] is None:
        return None
    if found.record is not None and found.deciding is not None:
        if found.rule.measure in SPECTRAL:
            return _spectral(found, found.record)
        return _in_time(found, found.record, whole)
    if found.rule.measure == "rating":
        return _ratings(found, verdict)
    if found.rule.curve:
        return _curve(found)
    return _bullet(found)


def has_times(found: Evidence) -> bool:
    """Return whether the figure of a piece of evidence has a time axis, of which a part or all can be drawn."""
    return found.record is not None and found.deciding is not None and found.rule.measure not in SPECTRAL


def view_s(found: Evidence, whole: bool = False) -> tuple[float, float]:
    """Return the time of the window that is drawn: around what decides, or all of it. [s]"""
    if found.record is None or found.deciding is None:
        return 0.0, 0.0
    length = found.record.values.size * found.record.dt_s
    begin, end = found.deciding.from_s, found.deciding.until_s
    if whole or end - begin >= length / 2.0:
        return min(0.0, begin), max(length, end)
    pad = max(LEAST_S, AROUND * (end - begin))
    return max(0.0, begin - pad), min(length, end + pad)


def _in_time(found: Evidence, record: Record, whole: bool) -> go.Figure:
    assert found.deciding is not None  # noqa: S101 (its only caller has looked)
    unit, factor = SHOWN_IN[record.quantity]
    begin, end = view_s(found, whole)
    first, last = max(0, int(begin / record.dt_s)), min(record.values.size, math.ceil(end / record.dt_s) + 1)
    shown = envelope(first * record.dt_s, record.dt_s, record.values[first:last] * factor)
    figure = go.Figure(
        go.Scatter(
            x=np.round(shown.x, 6), y=shown.y, mode="lines", name=record.quantity, line={"color": BLUE, "width": 1.3},
            hovertemplate=f"%{{x:.3f}} s<br>%{{y:.6g}} {unit}<extra></extra>",
        )
    )  # fmt: skip
    where = found.deciding
    if where.until_s > where.from_s:
        figure.add_vrect(where.from_s, where.until_s, fillcolor=ORANGE, opacity=0.16, line_width=0, layer="below")
    else:
        figure.add_vline(where.from_s, line={"color": ORANGE, "width": 2})
    ends = [begin, end]
    for number, level in enumerate(where.allowed):
        figure.add_trace(_level(ends, level * factor, "limit", RED, "dash", unit, number == 0))
    for number, level in enumerate(where.levels):
        figure.add_trace(_level(ends, level * factor, "measured", INK, "dot", unit, number == 0))
    styled(figure, "time in the window [s]", f"{TITLES[record.quantity]} [{unit}]", 320)
    figure.update_xaxes(range=ends)
    return figure.update_yaxes(tickformat=".9~g")


def _level(ends: list[float], value: float, name: str, colour: str, dash: str, unit: str, told: bool) -> go.Scatter:
    return go.Scatter(
        x=ends, y=[value, value], mode="lines", name=name, showlegend=told, legendgroup=name,
        line={"color": colour, "width": 1.4, "dash": dash},
        hovertemplate=f"{name}: %{{y:.6g}} {unit}<extra></extra>",
    )  # fmt: skip


def _spectral(found: Evidence, record: Record) -> go.Figure:
    low, high = found.rule.band or (0.0, 0.0)
    power = record.values[np.newaxis]
    figure = spectrum(Waveform(0.0, record.dt_s, ("meter",), (None,), power, np.zeros_like(power)))
    # the band of the rule in place of the usual one; `update_layout` would leave what is there
    figure.layout.shapes, figure.layout.annotations = (), ()
    figure.add_vrect(low, high, fillcolor=ORANGE, opacity=0.16, line_width=0, layer="below")
    figure.add_annotation(
        x=math.log10(math.sqrt(low * high)), y=1.0, yref="paper", yanchor="bottom", showarrow=False,
        text=f"{low:g} to {high:g} Hz: {found.row['measured']:.4g} {found.row['unit']}, limit {found.row['limit']:.4g} "
        f"{found.row['unit']}",
    )  # fmt: skip
    return figure


def _ratings(found: Evidence, verdict: pd.DataFrame) -> go.Figure:
    """Return how far every rating of the site is used, the one asked for in its own colour."""
    site = _site(str(found.row["node"]))
    rows = zip(verdict["rule"], verdict["node"], verdict["passed"], strict=True)
    kept = [rule == found.rule.id and _site(str(node)) == site and passed is not None for rule, node, passed in rows]
    own = verdict[kept]
    names = [str(node) for node in own["node"]]
    figure = go.Figure(
        go.Bar(
            x=1.0 - own["margin"].to_numpy(dtype=float), y=names, orientation="h",
            marker={"color": [BLUE if name == found.row["node"] else GREY for name in names]},
            customdata=[
                f"{measured:.4g} of {rated:.4g} {unit}"
                for measured, rated, unit in zip(own["measured"], own["limit"], own["unit"], strict=True)
            ],
            hovertemplate="%{y}<br>%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    figure.add_vline(x=1.0, line={"color": RED, "width": 1.4, "dash": "dash"})
    styled(figure, "share of the rating that is used (1 = all of it)", "", 100 + 22 * len(names), names)
    return figure.update_yaxes(autorange="reversed", dtick=1)


def _site(node: str) -> str:
    return node.split(":", 1)[0].split("/", 1)[0]


def _curve(found: Evidence) -> go.Figure:
    """Return the dips that the load must ride through: all above the line."""
    corners = sorted(found.rule.curve)
    x, y = [1e-3], [corners[0][1]]
    for (until, residual), after in zip(corners, [*(residual for _, residual in corners[1:]), 1.0], strict=True):
        x += [until, until]
        y += [residual, after]
    figure = go.Figure(
        go.Scatter(
            x=x, y=y, mode="lines", name="limit", line={"color": RED, "width": 1.6, "dash": "dash"},
            hovertemplate="%{x:.3g} s: %{y:.3g} pu<extra>must stay connected above</extra>",
        )
    )  # fmt: skip
    styled(figure, "duration of the dip [s]", "voltage that is left [pu]", 300)
    return figure.update_xaxes(type="log")


def _bullet(found: Evidence) -> go.Figure:
    """Return what was measured beside its limit."""
    unit = str(found.row["unit"])
    figure = go.Figure(
        go.Bar(
            x=[float(found.row["measured"])], y=["measured"], orientation="h", marker={"color": BLUE}, width=0.5,
            hovertemplate=f"%{{x:.4g}} {unit}<extra></extra>",
        )
    )  # fmt: skip
    figure.add_vline(x=float(found.row["limit"]), line={"color": RED, "width": 1.6, "dash": "dash"})
    return styled(figure, f"{found.rule.measure.replace('_', ' ')} [{unit}], limit dashed", "", 160, ["measured"])
