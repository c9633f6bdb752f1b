"""A measured trace over time, with what damping leaves of it and the waveform of its fitted record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from clustersim.report.assess import shown_in
from clustersim.report.envelope import Envelope, envelope
from clustersim.report.style import GREEN, GREY, INK, ORANGE, SERIES, styled

COLOURS = {"measured": SERIES[0], "behind damping": ORANGE, "fitted record": GREEN}


@dataclass(frozen=True)
class Line:
    """A record that is drawn."""

    t0_s: float
    dt_s: float
    watts: NDArray[np.float64]
    """Perhaps a file: only the part that is drawn is read."""

    def within(self, from_s: float, to_s: float) -> Envelope:
        """Return at most :data:`clustersim.report.envelope.MOST_POINTS` points of a window. Times [s], power [W]."""
        first = max(0, int(np.floor((from_s - self.t0_s) / self.dt_s)))
        last = min(self.watts.size, int(np.ceil((to_s - self.t0_s) / self.dt_s)) + 1)
        return envelope(self.t0_s + first * self.dt_s, self.dt_s, np.asarray(self.watts[first : max(first, last)]))


def trace_figure(
    shown: Mapping[str, Envelope],
    window_s: tuple[float, float],
    peak_mw: float,
    job_s: tuple[float, float] | None = None,
) -> go.Figure:
    """Return records over a window of time; the job is between two upright lines.

    Parameters
    ----------
    shown : mapping of str to Envelope
        One of :data:`COLOURS` -> its points in that window (:meth:`Line.within`); the first lies below the others.
    window_s : tuple of float
        Begin and end of what is drawn. [s]
    peak_mw : float
        Decides on the unit, so that it does not change with the window. [MW]
    job_s : tuple of float, optional
        Begin and end of the job. [s]
    """
    unit, per = shown_in(peak_mw)
    figure = go.Figure()
    for name, points in shown.items():
        figure.add_trace(
            go.Scatter(
                x=points.x.round(6), y=(points.y * 1e-6 * per).round(6), name=name, mode="lines",
                line={"color": COLOURS[name], "width": 1.2},
                hovertemplate=f"%{{x:.6g}} s<br>%{{y:.4g}} {unit}<extra>{name}</extra>",
            )
        )  # fmt: skip
    for at, said in zip(job_s or (), ("job begins", "job ends"), strict=False):
        if window_s[0] <= at <= window_s[1]:
            figure.add_vline(x=at, line={"color": GREY, "dash": "dot", "width": 1})
            figure.add_annotation(
                x=at, y=1.0, yref="paper", text=said, showarrow=False, font={"color": INK, "size": 11},
                xanchor="left" if said == "job begins" else "right", yanchor="bottom",
            )  # fmt: skip
    styled(figure, "time [s]", f"power [{unit}]", 340)
    figure.update_layout(showlegend=len(shown) > 1, legend={"y": 1.08})
    figure.update_layout(dragmode="select", selectdirection="h")
    return figure.update_xaxes(range=list(window_s))
