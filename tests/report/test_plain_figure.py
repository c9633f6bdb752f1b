"""Figures without templates: the same values, taken from where plotly would have taken them."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from clustersim.report.plain_figure import plain_figure

TEMPLATE = {
    "data": {
        "scatter": [{"line": {"width": 3, "dash": "dot"}}, {"line": {"width": 5}}],
        "scattergl": [{"marker": {"colorbar": {"ticks": ""}, "size": 4}}],
        "heatmap": [{"colorbar": {"ticks": ""}}],
    },
    "layout": {
        "xaxis": {"gridcolor": "red", "title": {"standoff": 15}}, "yaxis": {"gridcolor": "blue"},
        "font": {"size": 9, "color": "green"}, "colorway": ["#123456"], "polar": {"bgcolor": "grey"},
        "annotationdefaults": {"arrowhead": 2},
    },
}  # fmt: skip


def made():
    figure = go.Figure(
        [
            go.Scatter(x=np.array([0.5, 1.5]), y=[1, 2], line={"width": 1}),
            go.Scatter(x=[1], y=[2], xaxis="x2", yaxis="y2"),
            go.Scatter(x=[1], y=[2]),
        ],
        {"template": TEMPLATE, "font": {"size": 20}, "annotations": [{"text": "here"}, {"text": "b", "arrowhead": 1}]},
    )
    return figure.update_layout(xaxis2={"title": {"text": "time"}, "gridcolor": "black"})


def test_the_template_is_beneath_what_the_figure_says():
    found = plain_figure(made())
    lines = [trace["line"] for trace in found["data"]]
    assert lines == [{"width": 1, "dash": "dot"}, {"width": 5}, {"width": 3, "dash": "dot"}]
    layout = found["layout"]
    assert layout["font"] == {"size": 20, "color": "green"}
    assert layout["colorway"] == ["#123456"]
    assert layout["xaxis"] == {"gridcolor": "red", "title": {"standoff": 15}}
    assert layout["xaxis2"] == {"gridcolor": "black", "title": {"standoff": 15, "text": "time"}}
    assert layout["yaxis2"] == {"gridcolor": "blue"}
    assert [one["arrowhead"] for one in layout["annotations"]] == [2, 1]


def test_there_is_nothing_left_that_plotly_takes_for_new():
    found = plain_figure(made())
    assert "template" not in found["layout"]
    # parts that it does not have are not put into it
    assert "polar" not in found["layout"]
    assert found["data"][0]["x"] == [0.5, 1.5]


def test_the_figure_itself_stays_and_a_plain_one_comes_out_the_same():
    figure = made()
    before = figure.to_json()
    once = plain_figure(figure)
    assert figure.to_json() == before
    again = go.Figure(once["data"], once["layout"] | {"template": "none"})
    again.layout.template = None
    assert plain_figure(again) == once


def test_no_colour_bar_comes_that_was_not_there():
    figure = go.Figure([go.Scattergl(x=[1], y=[2]), go.Heatmap(z=[[1.0]])], {"template": TEMPLATE})
    marks, heat = plain_figure(figure)["data"]
    assert marks["marker"] == {"size": 4}
    assert heat["colorbar"] == {"ticks": ""}


def test_times_stay_times():
    times = np.array(["2026-01-01", "2026-01-02"], dtype="datetime64[ns]")
    found = plain_figure(go.Figure(go.Scatter(x=times, y=[1, 2])))["data"][0]
    assert [at[:10] for at in found["x"]] == ["2026-01-01", "2026-01-02"]


def test_a_figure_without_axes_gets_none():
    layout = plain_figure(go.Figure(go.Pie(values=[1, 2]), {"template": TEMPLATE}))["layout"]
    assert not {"xaxis", "yaxis"} & set(layout)
