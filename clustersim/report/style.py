"""The look of all figures: colours that colour-blind readers tell apart, system fonts, no decoration."""

from __future__ import annotations

from collections.abc import Iterable

import plotly.graph_objects as go

BLUE, ORANGE, GREEN, RED, PURPLE, GREY, SKY, YELLOW = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#7A8490", "#56B4E9", "#B8A900",
)  # fmt: skip
"""Okabe and Ito's palette (2008), the yellow darkened for a white ground."""
SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED, YELLOW, GREY)
INK, GRID = "#1F2933", "#E4E7EB"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
ACTIVITY = {
    "forward": BLUE, "backward": SKY, "weight_gradients": PURPLE, "data_exchange": ORANGE, "optimizer": GREEN,
    "gather": YELLOW, "bubble": "#D9DEE4", "matrix": BLUE, "memory": GREEN, "exchange": ORANGE,
}  # fmt: skip
STATES = {
    "train": BLUE, "serve": "#66C2A5", "checkpoint": SKY, "evaluation": GREEN, "lost": RED, "detect": ORANGE,
    "restart": PURPLE, "reload": YELLOW, "reconfigure": "#8C5A80", "stopped": GREY, "wait": "#C3C9D0",
    "queued": "#D9DEE4",
}  # fmt: skip
CATEGORIES = {
    "useful": BLUE, "lost_work": RED, "restart": PURPLE, "checkpoint": SKY, "evaluation": GREEN, "straggler": YELLOW,
    "idle": GREY, "curtailed": ORANGE,
}  # fmt: skip
"""Where the time of a job goes."""
VERDICT = {"PASS": GREEN, "FAIL": RED, "not judged": GREY}


MARGIN = {"l": 78, "r": 28, "t": 44, "b": 52}
"""Room for titles, labels of some six digits and a legend of one line. [px]

Where a figure needs more, plotly makes room, and for that draws it a second time.
"""

BARE_PX = 28
"""Room above a figure without a legend: a title, a note. [px]"""
LETTER_PX, WORD_PX, MOST_PX = 7.4, 20.0, 170.0
"""Width of a letter of a label, rather wide; of the tick and the space beside a word; of the room that is left at
most, so that a phone has some for the bars. [px]"""


AXIS = {
    "gridcolor": GRID, "zeroline": False, "linecolor": GRID, "ticks": "outside", "tickcolor": GRID, "automargin": True,
}  # fmt: skip
"""Of every axis."""


def styled(figure: go.Figure, x: str, y: str, height: int = 300, beside: Iterable[object] = ()) -> go.Figure:
    """Return the figure with axis titles and the house look.

    Parameters
    ----------
    figure : Figure
    x, y : str
        Titles, with units.
    height : int
        [px]
    beside : iterable
        Labels of the vertical axis where they are words, for which room is left.
    """
    words = max((len(str(label)) for label in beside), default=0)
    named = sum(trace.showlegend is not False for trace in figure.data)
    # part by part: plotly's update_layout() and update_xaxes() look through all that is there and take thrice as long
    layout = figure.layout
    layout.height = height
    layout.margin = MARGIN | {
        "l": max(MARGIN["l"], round(min(WORD_PX + LETTER_PX * words, MOST_PX))),
        "t": MARGIN["t"] if named > 1 else BARE_PX,
    }
    layout.font = {"family": FONT, "size": 13, "color": INK}
    layout.paper_bgcolor = layout.plot_bgcolor = "white"
    layout.legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}}
    layout.hoverlabel = {"font": {"family": FONT}}
    layout.hovermode = "closest"
    for title, axes in ((x, figure.select_xaxes()), (y, figure.select_yaxes())):
        for axis in axes:
            axis.title = {"text": title, "font": {"size": 13}}
            for key, value in AXIS.items():
                axis[key] = value
    return figure
