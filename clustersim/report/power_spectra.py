"""The spectrum and the spectrogram of a record of power, with the lines and bands that matter drawn in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import plotly.graph_objects as go
import scipy
from numpy.typing import NDArray

from clustersim.limits import LimitsSpec, rules_of
from clustersim.power.spectrum import Spectrogram, spectrogram
from clustersim.report.envelope import MOST_POINTS
from clustersim.report.figures import peaks
from clustersim.report.power_figures import Scale
from clustersim.report.power_layout import Plain, axis, laid_out
from clustersim.report.spectrogram import spectrogram_figure
from clustersim.report.style import BLUE, GREEN, GREY, ORANGE, PURPLE
from clustersim.study.result import Result

MOST_SAMPLES = 1_000_000
"""Longer records are averaged down to this many samples at most before they are transformed."""
MOST_OVER_TIME = 250_000
"""The same of a spectrogram, whose rows are too coarse for more."""
HARMONICS = 10
"""Harmonics of the iteration that are drawn."""
FEWEST = 64
"""Samples of a span that has a spectrum."""
SEGMENTS = 40.0
"""A spectrogram's segment is this part of the span, or as long as holds :data:`FEWEST` samples."""
WHITE = "rgb(255, 255, 255)"
BANDED = ("band_energy", "band_amplitude", "band_range")
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Mark:
    """A frequency, or a band of them, that is drawn in."""

    kind: str
    """iteration, mode or rule."""
    name: str
    low_hz: float
    high_hz: float


def rule_marks(result: Result) -> tuple[Mark, ...]:
    """Return the bands that the rules of a result look at."""
    rules = rules_of(LimitsSpec.model_validate(result.scenario["limits"]))
    return tuple(
        Mark("rule", rule.id, float(rule.band[0]), float(rule.band[1]))
        for rule in rules
        if rule.measure in BANDED and rule.band is not None
    )


def marks_text(marks: Sequence[Mark]) -> str:
    """Return which rules look at which band."""
    bands: dict[str, list[str]] = {}
    for mark in marks:
        if mark.kind == "rule":
            bands.setdefault(f"{mark.low_hz:g} to {mark.high_hz:g} Hz", []).append(mark.name)
    return "; ".join(f"{band} ({', '.join(names)})" for band, names in bands.items())


def line_marks(result: Result) -> tuple[Mark, ...]:
    """Return the iteration frequency, its harmonics, and the modes of the grid and of shafts where they are known."""
    found = []
    base = result.summary.get("iteration_frequency_hz")
    if base:
        found += [Mark("iteration", f"{n} x iteration", n * base, n * base) for n in range(1, HARMONICS + 1)]
    if not result.modes.empty:
        modes = result.modes.drop_duplicates("mode")
        found += [
            Mark("mode", str(name), float(hertz), float(hertz))
            for name, hertz in zip(modes["mode"], modes["mode_hz"], strict=True)
        ]
    return tuple(found)


@dataclass(frozen=True)
class Part:
    """Samples of a span, ready to be transformed."""

    values: Array
    dt_s: float
    averaged: int
    """Samples of the record in each."""


def part_of(values: NDArray[np.floating], dt_s: float, most: int = MOST_SAMPLES) -> Part:
    """Return a span averaged down where it is long: exact means, so that lower frequencies stay as they are."""
    factor = max(1, -(-values.size // most))
    if factor == 1:
        return Part(np.asarray(values, dtype=np.float64), dt_s, 1)
    whole = values.size // factor * factor
    rows = values[:whole].reshape(-1, factor)
    # summed in double precision whatever the samples are kept in
    return Part(np.einsum("ij->i", rows, dtype=np.float64) / factor, dt_s * factor, factor)


def amplitudes(part: Part) -> tuple[Array, Array]:
    """Return frequencies above zero [Hz] and amplitudes, mean removed, Hann window; of a sine its amplitude.

    At most a few samples at the end are left out, so that the transform is fast.
    """
    fast = int(scipy.fft.prev_fast_len(part.values.size, real=True))
    values = part.values[:fast]
    window = _window(fast)
    found = 2.0 * np.abs(scipy.fft.rfft((values - values.mean()) * window)) / window.sum()
    frequency = np.fft.rfftfreq(fast, part.dt_s)[1:]
    return np.asarray(frequency, dtype=np.float64), np.asarray(found[1:], dtype=np.float64)


@lru_cache(maxsize=4)
def _window(size: int) -> Array:
    return np.hanning(size)


def spectrum(parts: Sequence[tuple[str, Part]], scale: Scale, marks: Sequence[Mark]) -> go.Figure:
    """Return the amplitude spectrum of records, the largest line of each of 1,000 logarithmic buckets of frequency.

    Parameters
    ----------
    parts : sequence of (str, Part)
        Name and samples; two at most are told apart well.
    scale : Scale
        Unit of the amplitude.
    marks : sequence of Mark
        Bands and lines that are drawn in.
    """
    drawn, top, lowest, highest = list[Plain](), 1e-9, np.inf, 0.0
    for (name, part), colour in zip(parts, (BLUE, GREY, GREEN), strict=False):
        frequency, amplitude = amplitudes(part)
        x, y = peaks(frequency, amplitude / scale.size, MOST_POINTS // 2)
        top, lowest, highest = max(top, float(y.max())), min(lowest, float(x[0])), max(highest, float(x[-1]))
        drawn.append(
            {
                "type": "scatter", "x": x, "y": y, "mode": "lines", "name": name,
                "line": {"color": colour, "width": 1.2},
                "showlegend": True, "hovertemplate": f"%{{x:.4g}} Hz<br>%{{y:.3g}} {scale.unit}<extra>{name}</extra>",
            }
        )  # fmt: skip
    high = float(np.log10(top)) + 0.3
    shown = [mark for mark in marks if mark.kind != "rule" and lowest <= mark.low_hz <= highest]
    for kind, colour, dash in (("iteration", GREEN, "dot"), ("mode", PURPLE, "dash")):
        of_kind = [mark for mark in shown if mark.kind == kind]
        if of_kind:
            drawn.append(_lines(of_kind, kind, colour, dash, 10.0 ** (high - 5.0), 10.0**high))
    shapes, words = _bands([mark for mark in marks if mark.kind == "rule"])
    across = [float(np.log10(lowest)), float(np.log10(highest))]
    axes = {
        "xaxis": axis("frequency [Hz]", "y", type="log", dtick=1, range=across),
        "yaxis": axis(f"amplitude [{scale.unit}]", "x", type="log", range=[high - 5.0, high], dtick=1, tickformat="~g"),
    }
    return laid_out(drawn, 360, axes, shapes, annotations=words)


def _bands(marks: Sequence[Mark]) -> tuple[list[Plain], list[Plain]]:
    """Return the shapes of bands, and their names; rules of the same band share one."""
    together: dict[tuple[float, float], list[str]] = {}
    for mark in marks:
        together.setdefault((mark.low_hz, mark.high_hz), []).append(mark.name)
    shapes: list[Plain] = [
        {
            "type": "rect", "x0": low, "x1": high, "yref": "paper", "y0": 0, "y1": 1, "fillcolor": ORANGE,
            "opacity": 0.12, "line": {"width": 0}, "layer": "below",
        }
        for low, high in together
    ]  # fmt: skip
    words: list[Plain] = [
        {
            "x": float(np.log10(low)), "y": 1.0 - 0.07 * number, "yref": "paper", "text": f" {low:g} to {high:g} Hz",
            "showarrow": False, "font": {"color": "#8A5F00", "size": 11}, "xanchor": "left", "yanchor": "top",
            "hovertext": ", ".join(names),
        }
        for number, ((low, high), names) in enumerate(together.items())
    ]  # fmt: skip
    return shapes, words


def _lines(marks: Sequence[Mark], kind: str, colour: str, dash: str, low: float, high: float) -> Plain:
    """Return vertical lines as one trace, so that its name switches them off."""
    return {
        "type": "scatter", "mode": "lines", "line": {"color": colour, "width": 1, "dash": dash},
        "x": [at for mark in marks for at in (mark.low_hz, mark.low_hz, None)],
        "y": [at for _ in marks for at in (low, high, None)],
        "text": [name for mark in marks for name in (mark.name, mark.name, "")],
        "name": {"iteration": "iteration and harmonics", "mode": "modes"}[kind],
        "hovertemplate": "%{text}: %{x:.4g} Hz<extra></extra>",
    }  # fmt: skip


def spectra_over_time(part: Part) -> Spectrogram:
    """Return the spectrogram of a span; segments are a fortieth of it, or as long as they must be."""
    length = part.values.size * part.dt_s
    return spectrogram(part.values, part.dt_s, min(length, max(FEWEST * part.dt_s, length / SEGMENTS)))


def spectra_figure(found: Spectrogram, begin_s: float, marks: Sequence[Mark]) -> go.Figure:
    """Return the spectrogram as a figure; marked frequencies are lines across it."""
    low, high = float(found.edges_hz[0]), float(found.edges_hz[-1])
    drawn = spectrogram_figure(found, "").data[0].to_plotly_json()
    drawn["x"] = np.round(found.times_s + begin_s, 6)
    shapes: list[Plain] = [
        {
            "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": mark.low_hz, "y1": mark.low_hz, "opacity": 0.6,
            # white stands out from the colour scale on light and dark pages alike
            "line": {"color": WHITE, "width": 1, "dash": "dot" if mark.kind == "iteration" else "dash"},
        }
        for mark in marks
        if mark.kind in ("iteration", "mode") and low <= mark.low_hz <= high
    ]  # fmt: skip
    axes = {"xaxis": axis("time [s]", "y"), "yaxis": axis("frequency [Hz]", "x", type="log", dtick=1)}
    return laid_out([drawn], 400, axes, shapes)
