"""Figures as they are handed to the browser."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
import plotly.graph_objects as go
import streamlit as st
from plotly.basedatatypes import BaseFigure

from clustersim.report.dark import grounded
from clustersim.report.plain_figure import plain_figure
from dashboard import theme

PLOT = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["lasso2d", "autoScale2d"]}


class _Handed(BaseFigure):  # type: ignore[misc]  # plotly has no types
    """A figure whose parts are plain data already: they are handed on as they are, not checked and copied again.

    It is a figure for Streamlit alone, which asks for :meth:`to_dict` and for nothing else.
    """

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._parts = dict(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return the parts, as Streamlit asks for them."""
        return self._parts


def _digest(parts: Mapping[str, Any]) -> str:
    packed = orjson.dumps(parts, default=str, option=orjson.OPT_SERIALIZE_NUMPY)
    return hashlib.sha256(packed).hexdigest()[:16]


def chart(drawn: go.Figure, key: str, alt: str, config: Mapping[str, Any] = PLOT, **options: Any) -> Any:
    """Show a figure alone, in the colours of the ground; `options` are those of ``st.plotly_chart``."""
    shown = grounded(plain_figure(drawn), dark=theme.is_dark())
    if options.get("on_select"):
        # as Streamlit would after the first drawing
        shown["layout"] |= {"clickmode": "event", "dragmode": "select"}
    # Streamlit hands plotly every figure, and then a copy of it. By this plotly knows that the points are the same, and
    # does not draw them again
    shown["layout"] |= {"datarevision": _digest(shown)}
    return st.plotly_chart(
        _Handed(shown), width="stretch", config=dict(config), key=key, theme=None, alt=alt, **options
    )  # fmt: skip
