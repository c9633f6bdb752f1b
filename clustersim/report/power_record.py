"""Records of power that are drawn: a window of a run, the course of its horizon, or samples in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.power.records import Waveform
from clustersim.report.extremes import Extremes
from clustersim.report.spans import Span
from clustersim.study.result import Result
from clustersim.units import DAY_S, HOUR_S

Array = NDArray[np.float64]


class Record(Protocol):
    """Power of nodes on one clock."""

    @property
    def dt_s(self) -> float:
        """Width of a sample. [s]"""

    @property
    def whole(self) -> Span:
        """From its first sample to the end of its last."""

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the nodes that it has."""

    @property
    def has_vars(self) -> bool:
        """Whether it has reactive power too."""

    def samples(self, node: str, *, reactive: bool = False) -> Extremes:
        """Return the samples of a node. [W] or [var]"""


@dataclass(frozen=True)
class WindowRecord:
    """A window of a run; time from its start."""

    wave: Waveform

    @property
    def dt_s(self) -> float:
        """Width of a sample. [s]"""
        return self.wave.dt_s

    @property
    def whole(self) -> Span:
        """All of it."""
        return Span(0.0, self.wave.samples * self.wave.dt_s)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Nodes of the electrical tree."""
        return self.wave.nodes

    @property
    def has_vars(self) -> bool:
        """Windows have both."""
        return True

    def samples(self, node: str, *, reactive: bool = False) -> Extremes:
        """Return the samples of a node. [W] or [var]"""
        return Extremes(self.wave.reactive(node) if reactive else self.wave.power(node))


@dataclass(frozen=True)
class CloseUp:
    """One rack, one server and one accelerator in it; time from the start of the steady window."""

    table: pd.DataFrame

    @property
    def dt_s(self) -> float:
        """Width of a sample. [s]"""
        times = self.table["time_s"]
        return float(times.iloc[-1] - times.iloc[0]) / (len(times) - 1)

    @property
    def whole(self) -> Span:
        """All of it."""
        return Span(0.0, len(self.table) * self.dt_s)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The levels of the tree below a hall."""
        return tuple(str(name).removesuffix("_w") for name in self.table.columns if name != "time_s")

    @property
    def has_vars(self) -> bool:
        """Reactive power is made by supplies, of which these are the loads."""
        return False

    def samples(self, node: str, *, reactive: bool = False) -> Extremes:
        """Return the samples of a level. [W]

        Raises
        ------
        InputError
            If reactive power is asked for.
        """
        if reactive:
            raise InputError("close-up: expected active power, as there is no other")
        return Extremes(self.table[f"{node}_w"].to_numpy(dtype=float))


@dataclass(frozen=True)
class Stretches:
    """A node over the horizon: constant between edges, with the range of the power within each stretch."""

    edges_s: Array
    mean_mw: Array
    low_mw: Array
    high_mw: Array

    def between(self, span: Span, most: int) -> Stretches:
        """Return what a figure of a span shows: the stretches themselves, or `most` bins of one width.

        The mean of a bin is exact, so that the energy is kept; its range is that of all stretches that it touches.
        """
        first = max(0, int(np.searchsorted(self.edges_s, span.begin_s, "right")) - 1)
        last = min(self.mean_mw.size, int(np.searchsorted(self.edges_s, span.end_s, "left")))
        inner = self.edges_s[first + 1 : last]
        if last - first <= most:
            edges = np.concatenate([[span.begin_s], inner, [span.end_s]])
            return Stretches(edges, self.mean_mw[first:last], self.low_mw[first:last], self.high_mw[first:last])
        edges = np.linspace(span.begin_s, span.end_s, most + 1)
        total = np.concatenate([[0.0], np.cumsum(self.mean_mw * np.diff(self.edges_s))])
        mean = np.diff(np.interp(edges, self.edges_s, total)) / np.diff(edges)
        low, high = np.empty(most), np.empty(most)
        begins = np.clip(np.searchsorted(self.edges_s, edges[:-1], "right") - 1, 0, self.mean_mw.size - 1)
        ends = np.clip(np.searchsorted(self.edges_s, edges[1:], "left"), begins + 1, self.mean_mw.size)
        for number, (begin, end) in enumerate(zip(begins, ends, strict=True)):
            low[number], high[number] = self.low_mw[begin:end].min(), self.high_mw[begin:end].max()
        return Stretches(edges, mean, low, high)


def course_of(result: Result) -> dict[str, Stretches]:
    """Return the power over the horizon by node: meter and sites.

    A result that an earlier version stored has no stretches; of it the hourly means of the meter are returned.
    """
    if not result.course.empty:
        return {str(node): _stretches(rows) for node, rows in result.course.groupby("node", sort=False)}
    hours = result.energy_hours
    if hours.empty:
        return {}
    edges = np.append(hours["t_start_s"].to_numpy(dtype=float), result.summary["horizon_days"] * DAY_S)
    energy = hours[["grid_mwh", "gas_mwh", "diesel_mwh"]].sum(axis=1).to_numpy(dtype=float)
    mean = energy / (np.diff(edges) / HOUR_S)
    return {"meter": Stretches(edges, mean, mean, mean)}


def _stretches(rows: pd.DataFrame) -> Stretches:
    begin, end, mean, low, high = (
        rows[name].to_numpy(dtype=float) for name in ("t_start_s", "t_end_s", "mean_mw", "low_mw", "high_mw")
    )
    return Stretches(np.append(begin, end[-1]), mean, low, high)
