"""Room that figures leave for what stands around them."""

from __future__ import annotations

import plotly.graph_objects as go
from hypothesis import given
from hypothesis import strategies as st

from clustersim.report.style import MARGIN, MOST_PX, styled


@given(st.lists(st.text(max_size=80), max_size=5))
def test_labels_get_room_and_a_phone_keeps_some_for_the_bars(labels):
    left = styled(go.Figure(go.Bar(x=[1] * len(labels), y=labels)), "x", "", beside=labels).layout.margin.l
    assert MARGIN["l"] <= left <= MOST_PX
    longest = max((len(label) for label in labels), default=0)
    assert left == MOST_PX or left >= 7 * longest


def test_room_above_is_for_a_legend_or_a_title():
    one, two = (styled(go.Figure([go.Bar(x=[1], y=[1])] * count), "x", "y").layout.margin.t for count in (1, 2))
    assert 18 * 1.3 < one < two
