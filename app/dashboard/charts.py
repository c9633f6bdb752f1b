"""Figures as they are handed to the browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from plotly.basedatatypes import BaseFigure

from clustersim.report.dark import grounded
from clustersim.report.plain_figure import plain_figure
from dashboard import theme

PLOT = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["lasso2d", "autoScale2d"]}


class _Handed(BaseFigure):  # type: ignore[misc]  # plotly has no types
    """A figure whose parts are plain data already: they are handed on as they are, not checked and copied again."""

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._parts = dict(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return the parts, as Streamlit asks for them."""
        return self._parts


def chart(drawn: go.Figure, key: str, alt: str, config: Mapping[str, Any] = PLOT, **options: Any) -> Any:
    """Show a figure alone, in the colours of the ground; `options` are those of ``st.plotly_chart``."""
    shown = grounded(plain_figure(drawn), dark=theme.is_dark())
    # Streamlit hands every figure to plotly twice. That its points are the same the second time, and what it would add
    # itself, is said here, so that plotly draws it once
    shown["layout"] |= {"datarevision": 1}
    if options.get("on_select"):
        shown["layout"] |= {"clickmode": "event", "dragmode": "select"}
    return st.plotly_chart(
        _Handed(shown), width="stretch", config=dict(config), key=key, theme=None, alt=alt, **options
    )  # fmt: skip
