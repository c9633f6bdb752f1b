"""The layout of figures that are drawn anew whenever somebody looks closer: the house look, put together in one go.

Axis by axis, as :func:`clustersim.report.style.styled` does it, takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from clustersim.report.style import FONT, GRID, INK, MARGIN

Plain = dict[str, Any]


def axis(title: str, anchor: str, **more: Any) -> Plain:
    """Return an axis of the house: its title has the unit."""
    look: Plain = {
        "title": {"text": title, "font": {"size": 13}}, "gridcolor": GRID, "zeroline": False, "linecolor": GRID,
        "ticks": "outside", "tickcolor": GRID, "automargin": True, "anchor": anchor,
    }  # fmt: skip
    return look | more


def laid_out(traces: Sequence[Any], height: int, axes: Plain, shapes: Sequence[Plain] = (), **more: Any) -> go.Figure:
    """Return a figure of traces, axes and shapes.

    Parameters
    ----------
    traces : sequence
        As plain dictionaries or plotly's own.
    height : int
        Of the figure. [px]
    axes : dict
        ``xaxis``, ``yaxis`` and so on, by :func:`axis`.
    shapes : sequence of dict
        Drawn on top of the traces or below them.
    more
        Further parts of the layout.
    """
    layout: Plain = {
        "template": "none",
        "height": height,
        "margin": MARGIN,
        "font": {"family": FONT, "size": 13, "color": INK},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"size": 12}},
        "hoverlabel": {"font": {"family": FONT}},
        "hovermode": "closest",
        "shapes": list(shapes),
    }
    return go.Figure(data=list(traces), layout=layout | axes | more)
