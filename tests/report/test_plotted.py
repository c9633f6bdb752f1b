"""The table behind a figure."""

import json
import re

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.report import figures
from clustersim.report.plotted import MOST_ROWS, plotted
from clustersim.report.sections import Figure
from clustersim.report.style import styled


def arguments(page: str) -> list:
    """What a figure's script hands to the page."""
    return json.loads(re.search(r"figures\.push\((.*)\)</script>", page, re.S).group(1))


def test_a_short_figure_is_all_in_its_table():
    figure = styled(go.Figure(go.Scatter(x=[1, 2], y=[3.5, 4.0], name="a")), "time [s]", "power [MW]")
    found = plotted(figure)
    assert found.head == ("series", "time [s]", "power [MW]")
    assert found.rows == (("a", "1", "3.5"), ("a", "2", "4"))
    assert found.note == "all 2 points"


@given(size=st.integers(1, 5000), at=st.floats(0, 0.999))
@settings(max_examples=20, deadline=None)
def test_the_greatest_of_a_long_series_stays(size, at):
    values = np.full(size, 1.0)
    values[int(at * size)] = 9.0
    found = plotted(go.Figure(go.Scatter(x=np.arange(size), y=values)))
    assert found.points == size
    assert len(found.rows) <= MOST_ROWS
    assert "9" in {row[-1] for row in found.rows}


def test_bars_that_begin_elsewhere_tell_where():
    figure = styled(go.Figure(go.Bar(base=[1.0], x=[0.5], y=["s0"], orientation="h", name="b")), "time [s]", "stage")
    assert plotted(figure).head == ("series", "from", "length, time [s]", "stage")
    assert plotted(figure).rows == (("b", "1", "0.5", "s0"),)


def test_axes_of_their_own_are_named(small_result):
    window, mode = small_result.responses[0].window, small_result.responses[0].mode
    found = plotted(figures.plant_response(small_result.responses, window, mode))
    assert found.head[-1] == "value"
    assert any(row[0] == "frequency, frequency [Hz]" for row in found.rows)


def test_what_the_page_draws_is_what_the_figure_has():
    values = np.random.default_rng(1).normal(60.0, 0.01, 1500)
    figure = Figure("f & <g>", go.Figure(go.Scatter(x=np.arange(1500) * 0.01, y=values, name="</script><b>")))
    assert "</script><b>" not in figure.html
    name, (trace,), layout, config = arguments(figure.html)
    assert name == figure.name == "figure-f-g"
    assert trace["name"] == "</script><b>"
    assert trace["y"]["dtype"] == "f4"
    drawn = np.frombuffer(__import__("base64").b64decode(trace["y"]["bdata"]), dtype="f4")
    assert drawn == pytest.approx(values, rel=1e-7)
    assert "template" not in layout
    assert config["responsive"]
