"""A spectrogram of a trace as a table and as a figure."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from clustersim.power.spectrum import Spectrogram
from clustersim.report.style import styled


def spectrogram_csv(found: Spectrogram) -> str:
    """Return the density, one row per segment and band: ``time_s,low_hz,high_hz,density_mw2_per_hz``."""
    lines = ["time_s,low_hz,high_hz,density_mw2_per_hz"]
    edges = found.edges_hz
    for column, time in enumerate(found.times_s):
        lines += [
            f"{time:.9g},{low:.9g},{high:.9g},{value * 1e-12:.9g}"
            for low, high, value in zip(edges[:-1], edges[1:], found.density[:, column], strict=True)
        ]
    return "\n".join(lines) + "\n"


def spectrogram_html(found: Spectrogram, title: str) -> str:
    """Return the spectrogram as a self-contained HTML page."""
    return str(spectrogram_figure(found, title).to_html(include_plotlyjs=True, full_html=True))


def spectrogram_figure(found: Spectrogram, title: str) -> go.Figure:
    """Return the density over time and frequency; colours are 10 log10 of MW^2/Hz, over the highest 60 dB."""
    density = found.density * 1e-12
    top = float(density.max())
    level = 10.0 * np.log10(np.maximum(density, 1e-6 * top)) if top > 0.0 else np.zeros_like(density)
    middle = np.sqrt(found.edges_hz[1:] * found.edges_hz[:-1])
    figure = go.Figure(
        go.Heatmap(
            x=np.round(found.times_s, 6), y=np.round(middle, 9), z=np.round(level, 2), colorscale="Viridis",
            colorbar={"title": {"text": "dB of MW^2/Hz"}},
            hovertemplate="%{x:.4g} s, %{y:.4g} Hz: %{z:.1f} dB<extra></extra>",
        )
    )  # fmt: skip
    styled(figure, "time [s]", f"frequency [Hz], segments of {found.segment_s:.4g} s", 520)
    figure.update_layout(title={"text": title})
    return figure.update_yaxes(type="log")
