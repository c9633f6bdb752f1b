"""What a page is made of: figures, tables, sections."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import plotly.graph_objects as go

from clustersim.report.plotted import Plotted, plotted
from clustersim.report.svg import Picture
from clustersim.report.words import answer

CONFIG = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
LONG = 2000
"""Letters of a packed array from which on it is stored in single precision."""
Card = tuple[str, str, bool]
"""Label, value, and whether it is bad news."""


@dataclass(frozen=True)
class Figure:
    """A figure with its title and the note below it."""

    title: str
    figure: go.Figure
    note: str = ""

    @property
    def name(self) -> str:
        """Name of the figure in the page: of its own in place of plotly's random one, so that pages repeat."""
        return re.sub(r"[^a-z0-9]+", "-", f"figure {self.title}".lower()).strip("-")

    @property
    def html(self) -> str:
        """The figure as a piece of a page that holds plotly.js already; marks of HTML in texts are escaped."""
        height = int(self.figure.layout.height or 300)
        drawn = json.loads(self.figure.to_json())
        data = [_short(trace) for trace in drawn["data"]]
        drawn["layout"].pop("template", None)
        arguments = _escaped([self.name, data, drawn["layout"], CONFIG])
        return (
            f'<div id="{self.name}" class="plotly-graph-div" style="height:{height}px"></div>'
            f"<script>figures.push({arguments})</script>"
        )

    @cached_property
    def plotted(self) -> Plotted:
        """What the figure shows, as a table."""
        return plotted(self.figure)


def _short(trace: dict[str, Any]) -> dict[str, Any]:
    """Return a trace with long arrays in single precision: seven digits, at half the size."""
    for key in ("x", "y"):
        packed = trace.get(key)
        if isinstance(packed, dict) and packed.get("dtype") == "f8" and len(packed["bdata"]) > LONG:
            values = np.frombuffer(base64.b64decode(packed["bdata"]), dtype=np.float64).astype(np.float32)
            trace[key] = {"dtype": "f4", "bdata": base64.b64encode(values.tobytes()).decode()}
    return trace


def _escaped(data: Any) -> str:
    """Return data as JSON that may stand in a script: no tag can begin in it."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


@dataclass(frozen=True)
class Table:
    """A table of text."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numeric: tuple[int, ...] = ()
    """Columns that are aligned to the right."""
    folded: bool = False
    """Shown after a click."""
    printed: bool = False
    """Whether paper has it though it is folded."""


@dataclass(frozen=True)
class Section:
    """One question and its answers."""

    id: str
    title: str
    cards: list[Card] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    figures: list[Figure | Picture] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    """Blocks in letters of one width."""
    tables: list[Table] = field(default_factory=list)


def cards(summary: dict[str, Any], keys: Iterable[tuple[str, str]]) -> list[Card]:
    """Return a card for each key that the summary has."""
    return [(label, answer(key, summary[key]), False) for key, label in keys if summary.get(key) is not None]
