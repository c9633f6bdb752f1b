"""Figures and drawings on a dark ground: every colour of the house has its partner there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from clustersim.report.style import GREY, GRID, INK

GROUND = "#12181F"
"""The dark ground, the same as the dashboard's."""
PARTNERS: Mapping[str, str] = MappingProxyType(
    {
        "white": GROUND, "#fff": GROUND, "#ffffff": GROUND,
        INK.lower(): "#E6EBF0", GRID.lower(): "#2A343F", GREY.lower(): "#9AA6B2",
        "#52606d": "#A9B4BF", "#d9dee4": "#3A4551", "#c3c9d0": "#4A5663",
        "#0072b2": "#4AA3DF", "#e69f00": "#F0B429", "#009e73": "#2CC295", "#d55e00": "#FF8A4C",
        "#cc79a7": "#E39AC3", "#56b4e9": "#8CCBF2", "#b8a900": "#E0D24A", "#66c2a5": "#8AD9C0",
        "#8c5a80": "#C08FB4", "#8a5f00": "#F0B429", "#b3440a": "#FF8A4C", "#00735a": "#2CC295",
    }
)  # fmt: skip
"""Colour on white -> colour on the dark ground. Okabe and Ito's palette, lightened so that each keeps 4.5:1."""
_DATA = frozenset({"x", "y", "z", "customdata", "base", "ids", "labels", "values", "parents"})
"""Parts of a trace that hold no colours."""
_HEX = re.compile(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b")


def grounded(figure: Mapping[str, Any], *, dark: bool) -> dict[str, Any]:
    """Return data and layout of a figure (:func:`.plain_figure.plain_figure`) for a light or a dark ground."""
    if not dark:
        return dict(figure)
    found: dict[str, Any] = _partner(figure)
    label = found["layout"].get("hoverlabel", {})
    label = label | {"bgcolor": "#1B232C", "font": label.get("font", {}) | {"color": "#E6EBF0"}}
    found["layout"] |= {"paper_bgcolor": GROUND, "plot_bgcolor": GROUND, "hoverlabel": label}
    return found


def _partner(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: inner if key in _DATA else _partner(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_partner(inner) for inner in value]
    return PARTNERS.get(value.lower(), value) if isinstance(value, str) else value


def dark_svg(svg: str) -> str:
    """Return a drawing for a dark ground."""
    return _HEX.sub(lambda found: PARTNERS.get(found.group().lower(), found.group()), svg)
