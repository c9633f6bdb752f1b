"""Nodes of the electrical tree with their power in a window: mean, least, greatest, range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clustersim.errors import InputError, nearest
from clustersim.report.assess import shown_in
from clustersim.report.words import columns, number
from clustersim.study.result import Result

LEVELS = ("rack", "server", "accelerator")
"""Columns of a result's close-up."""


@dataclass(frozen=True)
class NodePower:
    """A node over a window. [W]"""

    node: str
    parent: str | None
    depth: int
    mean_w: float
    lowest_w: float
    highest_w: float

    @property
    def range_w(self) -> float:
        """Greatest less least sample. [W]"""
        return self.highest_w - self.lowest_w

    def data(self) -> dict[str, Any]:
        """Return it for JSON, with the names of ``clustersim waveform --json``."""
        return {
            "node": self.node,
            "parent": self.parent,
            "mean_w": self.mean_w,
            "lowest_w": self.lowest_w,
            "highest_w": self.highest_w,
        }


def window_nodes(result: Result, window: str) -> tuple[NodePower, ...]:
    """Return every node of the electrical tree in a window of a run, each after its parent.

    With the steady window of a job come its close-up, one rack with one server and one accelerator, over as long as
    that was kept.

    Raises
    ------
    InputError
        If the run has no such window.
    """
    if window not in result.waveforms:
        known = ", ".join(result.waveforms)
        raise InputError(f"--window: expected one of {known}, found {window!r}{nearest(window, result.waveforms)}")
    wave = result.waveforms[window]
    parents = dict(zip(wave.nodes, wave.parents, strict=True))
    found = [NodePower(node, parent, _depth(node, parents), *_of(wave.power(node))) for node, parent in parents.items()]
    if window == "steady" and not result.close_up.empty:
        hall = next((node for node in wave.nodes if node.rpartition("/")[2].startswith("hall")), wave.nodes[0])
        depth, parent = _depth(hall, parents), hall
        for level in LEVELS:
            node = f"{parent}/{level}_1"
            values = result.close_up[f"{level}_w"].to_numpy(dtype=float)
            depth += 1
            found.append(NodePower(node, parent, depth, *_of(values)))
            parent = node
    return _in_order(found)


def _of(values: Any) -> tuple[float, float, float]:
    return float(values.mean()), float(values.min()), float(values.max())


def _depth(node: str, parents: dict[str, str | None]) -> int:
    depth, above = 0, parents[node]
    while above is not None:
        depth, above = depth + 1, parents[above]
    return depth


def _in_order(found: Sequence[NodePower]) -> tuple[NodePower, ...]:
    """Return nodes so that those below a node follow it."""
    children: dict[str | None, list[NodePower]] = {}
    for one in found:
        children.setdefault(one.parent, []).append(one)
    order: list[NodePower] = []
    waiting = list(reversed(children.get(None, [])))
    while waiting:
        one = waiting.pop()
        order.append(one)
        waiting += reversed(children.get(one.node, []))
    return tuple(order)


def nodes_data(window: str, dt_s: float, found: Sequence[NodePower]) -> dict[str, Any]:
    """Return the table for JSON."""
    return {"window": window, "dt_s": dt_s, "nodes": [one.data() for one in found]}


HEAD = ("node", "mean", "lowest", "highest", "range")
"""Columns of the table; `range` is of the samples, `swing_mw` of a summary of means of 100 ms, step by step."""


def nodes_rows(found: Sequence[NodePower]) -> list[tuple[str, ...]]:
    """Return the table as text: each power in a unit in which it reads well."""
    rows = []
    for one in found:
        values = (one.mean_w, one.lowest_w, one.highest_w, one.range_w)
        rows.append((one.node, *(power_text(value, one.highest_w) for value in values)))
    return rows


def power_text(watts: float, highest_w: float) -> str:
    """Return a power in the unit in which the highest of its kind reads well."""
    unit, per = shown_in(abs(highest_w) / 1e6)
    return f"{number(watts / 1e6 * per)} {unit}"


def nodes_text(window: str, found: Sequence[NodePower]) -> str:
    """Return the table for a terminal."""
    return f"window {window}\n\n" + columns(HEAD, nodes_rows(found), widest=44)


def told_nodes(data: Mapping[str, Any]) -> tuple[NodePower, ...]:
    """Return the nodes of what ``clustersim waveform --json`` printed."""
    rows = data["nodes"]
    return tuple(NodePower(row["node"], None, 0, row["mean_w"], row["lowest_w"], row["highest_w"]) for row in rows)
