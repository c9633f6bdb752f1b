"""Figures as plain data for a browser that is handed them more than once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

Plain = dict[str, Any]

_NUMBERED = ("coloraxis", "geo", "map", "polar", "scene", "ternary")
"""Parts of a layout that there can be several of, beside the axes."""


def plain_figure(figure: go.Figure) -> Plain:
    """Return the data and the layout of a figure as plain data: no template, lists for arrays.

    For the kinds of figures that this program draws: on axes of x and y, in shares and in parallel coordinates. Of
    other parts, such as polar axes or shared colour axes, those get the template's look that the layout names.

    Plotly compares a figure with the one that it has drawn, and draws again where a part is another object: a template
    always is, and so is an array that came as bytes. What the template sets is written where it would be taken from:
    the figure's own word goes before it.
    """
    layout = _lists(figure.layout.to_plotly_json())
    template = layout.pop("template", {})
    looks: Mapping[str, list[Plain]] = template.get("data", {})
    counts: dict[str, int] = {}
    data: list[Plain] = []
    axes: set[str] = set()
    for trace in figure.data:
        kinds = looks.get(trace.type, [])
        at = counts[trace.type] = counts.get(trace.type, -1) + 1
        data.append(_beneath(_lists(trace.to_plotly_json()), _look(kinds[at % len(kinds)]) if kinds else {}))
        axes |= {f"{axis}axis{(trace[f'{axis}axis'] or axis)[1:]}" for axis in "xy" if f"{axis}axis" in trace}
    return {"data": data, "layout": _laid_out(layout, template.get("layout", {}), axes)}


def _laid_out(own: Plain, template: Plain, axes: set[str]) -> Plain:
    layout: Plain = {name: {} for name in sorted(axes)} | own
    found: Plain = {}
    for key, value in template.items():
        if key in ("annotationdefaults", "shapedefaults"):
            many = f"{key.removesuffix('defaults')}s"
            if many in layout:
                found[many] = [_beneath(one, value) for one in layout[many]]
        elif key in ("xaxis", "yaxis", *_NUMBERED):
            found |= {name: _beneath(layout[name], value) for name in layout if re.fullmatch(rf"{key}\d*", name)}
        else:
            found[key] = _beneath(layout[key], value) if key in layout else value
    return layout | found


def _look(template: Plain) -> Plain:
    """Return the look of a trace without colour bars of its marks and lines: naming one would show it."""
    return {
        key: {name: inner for name, inner in value.items() if name != "colorbar"}
        if key in ("marker", "line")
        else value
        for key, value in template.items()
    }


def _beneath(own: Any, default: Any) -> Any:
    """Return a value with what it does not say itself taken from a default."""
    if not isinstance(own, dict) or not isinstance(default, dict):
        return own
    return default | {key: _beneath(value, default[key]) if key in default else value for key, value in own.items()}


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        return (np.datetime_as_string(value) if value.dtype.kind == "M" else value).tolist()
    if isinstance(value, (list, tuple)):
        return [_lists(inner) if isinstance(inner, (dict, list, tuple, np.ndarray)) else inner for inner in value]
    return value
