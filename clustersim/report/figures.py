"""Figures of the report's windows: waveform, spectrum, the plant's answer, margins of the rules; Limits shows some too.

The pages Power and Plant have figures of their own: `power_figures` and `plant_figures`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from clustersim.limits.definitions import BAND_HZ
from clustersim.plant.records import PlantResponse
from clustersim.power.records import Waveform
from clustersim.report.envelope import MOST_POINTS, Envelope, envelope, samples_between
from clustersim.report.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, RED, SERIES, styled
from clustersim.study.result import Result

MW = 1e6


def parts_w(wave: Waveform) -> dict[str, NDArray[np.float64]]:
    """Return the meter and its parts over all sites by name: meter, IT, cooling, losses, battery. [W]"""
    found = {"meter": wave.power("meter")}
    for part in ("it", "cooling", "losses", "battery"):
        rows = [wave.power(node) for node in wave.nodes if node.endswith(f"/{part}")]
        if rows:
            found["IT" if part == "it" else part] = np.sum(rows, axis=0)
    return found


def waveform(wave: Waveform, t0_s: float | None = None, t1_s: float | None = None) -> go.Figure:
    """Return the meter and its parts over a window, or over ``[t0_s, t1_s)`` of it; time from the window's start.

    Every trace is an envelope of at most :data:`~clustersim.report.envelope.MOST_POINTS` points.
    """
    first, last = _span(wave, t0_s, t1_s)
    figure = go.Figure()
    for (name, power), colour in zip(parts_w(wave).items(), (INK, BLUE, GREEN, GREY, ORANGE), strict=False):
        shown = envelope(first * wave.dt_s, wave.dt_s, power[first:last] / MW)
        figure.add_trace(_line(shown, name, colour, "MW", width=1.4 if name == "meter" else 1.0))
    return styled(figure, "time in the window [s]", "power [MW]", 340)


def _span(wave: Waveform, t0_s: float | None, t1_s: float | None) -> tuple[int, int]:
    return samples_between(wave.samples, wave.dt_s, t0_s, t1_s)


def waveform_note(wave: Waveform, t0_s: float | None = None, t1_s: float | None = None) -> str:
    """Return how much of the waveform a figure shows, and what it leaves out."""
    first, last = _span(wave, t0_s, t1_s)
    shown = envelope(0.0, wave.dt_s, wave.power("meter")[first:last])
    return f"{shown.note}; samples are means over {wave.dt_s * 1e3:g} ms; harmonics above 20 Hz are not modelled."


def _line(shown: Envelope, name: str, colour: str, unit: str, width: float = 1.2) -> go.Scatter:
    return go.Scatter(
        x=np.round(shown.x, 6),
        y=_short(shown.y),
        name=name,
        mode="lines",
        line={"color": colour, "width": width},
        hovertemplate=f"%{{x:.3f}} s<br>%{{y:.4g}} {unit}<extra>{name}</extra>",
    )


def _short(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return values as an array: it goes into the page as bytes, where a list would be checked number by number."""
    return np.asarray(values, dtype=np.float64)


def swings(wave: Waveform, until_s: float) -> Envelope:
    """Return the meter of the first `until_s` of a window about the window's mean. [MW]"""
    power = wave.power("meter")
    _, last = _span(wave, 0.0, until_s)
    return envelope(0.0, wave.dt_s, (power[:last] - power.mean()) / MW)


def close_up(result: Result) -> go.Figure:
    """Return one accelerator, its server and its rack over the first iterations, 1 ms samples."""
    table = result.close_up
    until = table["time_s"] < 3.0 * result.summary["iteration_time_s"]
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.05)
    for row, (column, name, colour) in enumerate(
        (("accelerator_w", "accelerator", BLUE), ("server_w", "server", GREEN), ("rack_w", "rack", ORANGE)), 1
    ):
        shown = envelope(0.0, 1e-3, table.loc[until, column].to_numpy() / 1e3)
        figure.add_trace(_line(shown, name, colour, "kW"), row=row, col=1)
    styled(figure, "", "kW", 420)
    return figure.update_xaxes(title_text="time [s]", row=3, col=1)


def spectrum(wave: Waveform) -> go.Figure:
    """Return the amplitude spectrum of the meter (:func:`amplitude_spectrum`)."""
    return amplitude_spectrum(wave.power("meter"), wave.dt_s, "meter")


def amplitude_spectrum(power: NDArray[np.float64], dt_s: float, name: str) -> go.Figure:
    """Return the amplitude spectrum of a power [W] (mean removed, Hann window), and the 0.1-20 Hz band.

    The largest line of each of 1,000 logarithmic buckets of frequency is drawn.
    """
    window = np.hanning(power.size)
    amplitude = 2.0 * np.abs(np.fft.rfft((power - power.mean()) * window)) / window.sum() / MW
    frequency = np.fft.rfftfreq(power.size, dt_s)
    x, y = peaks(frequency[1:], amplitude[1:], MOST_POINTS // 2)
    figure = go.Figure(
        go.Scatter(
            x=_short(x), y=_short(y), mode="lines", line={"color": BLUE, "width": 1.1}, name=name,
            hovertemplate="%{x:.3g} Hz<br>%{y:.3g} MW<extra></extra>", showlegend=False,
        )
    )  # fmt: skip
    figure.add_vrect(x0=BAND_HZ[0], x1=BAND_HZ[1], fillcolor=ORANGE, opacity=0.12, line_width=0, layer="below")
    figure.add_annotation(
        x=np.log10(1.4),
        y=1.0,
        yref="paper",
        text="0.1 to 20 Hz",
        showarrow=False,
        font={"color": "#8A5F00"},
        yanchor="bottom",
    )
    styled(figure, "frequency [Hz]", "amplitude [MW]")
    top = float(np.log10(max(float(y.max()), 1e-9))) + 0.3
    figure.update_yaxes(type="log", range=[top - 5.0, top], dtick=1, exponentformat="power")
    return figure.update_xaxes(type="log", dtick=1)


def peaks(
    x: NDArray[np.floating], y: NDArray[np.floating], most: int
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return the largest point of every logarithmic bucket of `x`."""
    edges = np.geomspace(float(x[0]), float(x[-1]), most)
    starts = np.unique(np.append(np.searchsorted(x, edges * (1.0 - 1e-12)), x.size))
    keep = [int(a) + int(y[a:b].argmax()) for a, b in pairwise(starts) if a < b]
    return x[keep], y[keep]


def plant_response(responses: Sequence[PlantResponse], window: str, mode: str) -> go.Figure:
    """Return frequency, voltage, sources and state of charge of every site over a window."""
    found = [r for r in responses if (r.window, r.mode) == (window, mode)]
    figure = make_subplots(
        rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.07, row_heights=[0.3, 0.25, 0.45],
    )  # fmt: skip
    several = len(found) > 1
    for site, response in enumerate(found):
        colour = SERIES[site % len(SERIES)]
        prefix = f"{response.site} " if several else ""
        for row, values, name, unit in (
            (1, response.frequency_hz, "frequency", "Hz"),
            (2, response.voltage_pu, "voltage", "pu"),
        ):
            line = _line(envelope(0.0, response.dt_s, values), f"{prefix}{name}", colour, unit)
            figure.add_trace(line.update(showlegend=False), row=row, col=1)
        sources = (
            (response.load_w, "load", INK),
            (response.grid_w, "grid", BLUE),
            (response.generator_w, "generators", GREEN),
            (response.battery_w, "battery", PURPLE),
        )
        for power, name, tone in sources:
            if np.any(power):
                shown = envelope(0.0, response.dt_s, power / MW)
                figure.add_trace(_line(shown, f"{prefix}{name}", colour if several else tone, "MW"), row=3, col=1)
    styled(figure, "", "", 520)
    figure.update_yaxes(tickformat=".9~g", row=1, col=1)
    for row, title in enumerate(("frequency [Hz]", "voltage [pu]", "power [MW]"), 1):
        figure.update_yaxes(title_text=title, row=row, col=1)
    return figure.update_xaxes(title_text="time in the window [s]", row=3, col=1)


def margins(verdict: pd.DataFrame) -> go.Figure:
    """Return measured over limit of every judged rule on a logarithmic axis; a rule is kept left of 1."""
    judged = verdict[[passed is not None for passed in verdict["passed"]]]
    # a lower limit is turned round, so that beyond 1 always means broken
    ratio = np.clip(1.0 - judged["margin"].to_numpy(dtype=float), 1e-3, None)
    same = judged["rule"] == "equipment-rating"
    names = judged["node"].where(same, judged["rule"] + ", " + judged["node"])
    passed = [bool(p) for p in judged["passed"]]
    figure = go.Figure(
        go.Scatter(
            x=_short(ratio), y=list(names), mode="markers",
            marker={
                "size": 11, "color": [GREEN if p else RED for p in passed],
                "symbol": ["circle" if p else "x" for p in passed],
            },
            hovertemplate="%{y}<br>%{x:.3g} of the limit<extra></extra>",
        )
    )  # fmt: skip
    figure.add_vline(x=1.0, line={"color": INK, "width": 1.2, "dash": "dash"})
    styled(figure, "share of the limit that is used", "", 90 + 26 * len(judged))
    # names above their lines, not beside them: on a phone they would leave no width for the points
    inside = {"ticklabelposition": "inside top", "ticks": "", "tickfont": {"size": 11}}
    figure.update_yaxes(range=[len(judged) - 0.5, -1.0], dtick=1, **inside)
    figure.update_layout(margin={"l": 8, "t": 8})
    # given, since plotly would keep the names' width free of points
    ends = np.log10([*ratio, 1.0])
    across = [float(ends.min()) - 0.1, float(ends.max()) + 0.2]
    return figure.update_xaxes(type="log", tickvals=[0.001, 0.01, 0.1, 1, 10, 100], range=across, tickangle=0)
