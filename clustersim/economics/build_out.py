"""A site that grows: accelerators that run, that wait for power, and power that waits for accelerators."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from clustersim.economics.spec_parts.build_out import AcceleratorStepSpec, BuildOutSpec, HallStepSpec, PowerStepSpec
from clustersim.units import DAY_S, HOUR_S, MWH_J

MW = 1e6
COLUMNS = (
    "month", "grid_mw", "onsite_mw", "needed_mw", "used_mw", "installed", "ready", "running", "bridged", "stranded",
    "stranded_mw", "accelerator_hours", "stranded_hours", "stranded_usd", "grid_mwh", "onsite_mwh", "energy_usd",
    "tokens", "capex_usd", "accelerator_hours_total", "tokens_total", "capex_usd_total",
)  # fmt: skip


@dataclass(frozen=True)
class AcceleratorFacts:
    """One accelerator of the job that runs on the site, with its share of the site."""

    needed_w: float
    """Power at the meter that must be there for it. [W]"""
    mean_w: float
    """Power at the meter over the horizon, stops included. [W]"""
    useful_tokens_per_s: float
    """Tokens that count, over the horizon. [1/s]"""
    equipment_usd: float
    """Server and network. [USD]"""
    site_usd: float
    """Building, generators, batteries, fibre. [USD]"""
    idle_usd_per_h: float
    """What server and network lose in value while it waits. [USD/h]"""
    grid_usd_per_j: float
    onsite_usd_per_j: float


@dataclass(frozen=True)
class Span:
    """Days in which nothing changes."""

    begin: datetime.date
    end: datetime.date
    grid_w: float
    onsite_w: float
    """What may be loaded of it. [W]"""
    installed: int
    ready: int
    """Of the installed: those that have a place in a hall."""
    running: int
    by_grid: int
    """That would run on grid power alone; generators on site feed the rest."""
    needed_w: float
    """For all that are installed. [W]"""
    reserved_w: float
    """For those that run. [W]"""
    used_w: float
    """Mean of those that run. [W]"""

    @property
    def seconds(self) -> float:
        """Length. [s]"""
        return (self.end - self.begin).days * DAY_S

    @property
    def stranded(self) -> int:
        """Accelerators that are installed and do not run."""
        return self.installed - self.running

    @property
    def stranded_w(self) -> float:
        """Power that is there and that no running accelerator needs. [W]"""
        return self.grid_w + self.onsite_w - self.reserved_w


@dataclass(frozen=True)
class BuildOut:
    """A site from month to month."""

    table: pd.DataFrame
    """Columns :data:`COLUMNS`: powers and counts are means over the month; ``_total`` is since the start."""
    spans: tuple[Span, ...]

    def total(self, column: str) -> float:
        """Return the sum of a column over all months."""
        return math.fsum(self.table[column])


def build_out(spec: BuildOutSpec, each: AcceleratorFacts) -> BuildOut:
    """Return what runs, what waits and what it costs, month by month.

    Accelerators run in the order in which they came, as many as have a place in a hall and power at the meter; each
    needs `each.needed_w` times the factor of its step. Grid power is used first. Capex falls due in the month in which
    accelerators come, with their share of the site, or where `halls` are given that share when halls are ready.

    Parameters
    ----------
    spec : BuildOutSpec
        Power, halls and accelerators by date.
    each : AcceleratorFacts
        Of the job that runs here.
    """
    firsts = _firsts(spec.start, spec.months)
    steps = [step.date for name in ("grid", "onsite", "accelerators", "halls") for step in getattr(spec, name)]
    days = sorted({*firsts, *(day for day in steps if firsts[0] < day < firsts[-1])})
    spans = tuple(_span(spec, each, begin, end) for begin, end in pairwise(days))
    rows = [
        _row(spec, each, begin, end, [span for span in spans if begin <= span.begin < end])
        for begin, end in pairwise(firsts)
    ]
    table = pd.DataFrame(rows)
    for column in ("accelerator_hours", "tokens", "capex_usd"):
        table[f"{column}_total"] = table[column].cumsum()
    return BuildOut(table[list(COLUMNS)], spans)


def _firsts(start: datetime.date, months: int) -> list[datetime.date]:
    """Return the first days of the months and the day after the last."""
    first = start.year * 12 + start.month - 1
    return [datetime.date(m // 12, m % 12 + 1, 1) for m in range(first, first + months + 1)]


def _power(steps: Sequence[PowerStepSpec], day: datetime.date) -> float:
    """Return the power that is there on a day. [W]"""
    return next((step.power for step in reversed(steps) if step.date <= day), 0.0)


def _count(steps: Sequence[AcceleratorStepSpec | HallStepSpec], day: datetime.date) -> int:
    return next((step.count for step in reversed(steps) if step.date <= day), 0)


def _batches(spec: BuildOutSpec, day: datetime.date) -> list[tuple[int, float]]:
    """Return the accelerators that are installed on a day as (count, power against the scenario's), oldest first."""
    before, found = 0, []
    for step in spec.accelerators:
        if step.date <= day:
            found.append((step.count - before, step.power))
            before = step.count
    return found


def _span(spec: BuildOutSpec, each: AcceleratorFacts, begin: datetime.date, end: datetime.date) -> Span:
    grid_w, onsite_w = _power(spec.grid, begin), _power(spec.onsite, begin) * spec.onsite_use
    batches = _batches(spec, begin)
    installed = sum(count for count, _ in batches)
    ready = min(installed, _count(spec.halls, begin)) if spec.halls else installed
    running, weight = _feed(batches, ready, grid_w + onsite_w, each.needed_w)
    return Span(
        begin=begin, end=end, grid_w=grid_w, onsite_w=onsite_w, installed=installed, ready=ready, running=running,
        by_grid=_feed(batches, ready, grid_w, each.needed_w)[0],
        needed_w=each.needed_w * math.fsum(count * factor for count, factor in batches),
        reserved_w=each.needed_w * weight, used_w=each.mean_w * weight,
    )  # fmt: skip


def _feed(batches: Sequence[tuple[int, float]], places: int, power_w: float, each_w: float) -> tuple[int, float]:
    """Return how many run, oldest first, on `places` and `power_w` [W], and their power in units of `each_w`."""
    running, weight = 0, 0.0
    for count, factor in batches:
        # a hair more, so that power meant for a whole number of them feeds that number
        fed = math.floor(max(0.0, power_w - weight * each_w) / (each_w * factor) * (1.0 + 1e-12))
        on = min(count, places - running, fed)
        running, weight = running + on, weight + on * factor
        if on < count:
            break
    return running, weight


def _row(
    spec: BuildOutSpec, each: AcceleratorFacts, begin: datetime.date, end: datetime.date, spans: Sequence[Span]
) -> dict[str, object]:
    seconds = math.fsum(span.seconds for span in spans)

    def mean(values: Sequence[float]) -> float:
        return math.fsum(value * span.seconds for value, span in zip(values, spans, strict=True)) / seconds

    hours = math.fsum(span.running * span.seconds for span in spans) / HOUR_S
    idle = math.fsum(span.stranded * span.seconds for span in spans) / HOUR_S
    grid_j = math.fsum(min(span.grid_w, span.used_w) * span.seconds for span in spans)
    onsite_j = math.fsum(max(0.0, span.used_w - span.grid_w) * span.seconds for span in spans)
    return {
        "month": f"{begin:%Y-%m}",
        "grid_mw": mean([span.grid_w for span in spans]) / MW,
        "onsite_mw": mean([span.onsite_w for span in spans]) / MW,
        "needed_mw": mean([span.needed_w for span in spans]) / MW,
        "used_mw": mean([span.used_w for span in spans]) / MW,
        "installed": mean([span.installed for span in spans]),
        "ready": mean([span.ready for span in spans]),
        "running": mean([span.running for span in spans]),
        "bridged": mean([span.running - span.by_grid for span in spans]),
        "stranded": mean([span.stranded for span in spans]),
        "stranded_mw": mean([span.stranded_w for span in spans]) / MW,
        "accelerator_hours": hours,
        "stranded_hours": idle,
        "stranded_usd": idle * each.idle_usd_per_h,
        "grid_mwh": grid_j / MWH_J,
        "onsite_mwh": onsite_j / MWH_J,
        "energy_usd": grid_j * each.grid_usd_per_j + onsite_j * each.onsite_usd_per_j,
        "tokens": hours * HOUR_S * each.useful_tokens_per_s,
        "capex_usd": _capex(spec, each, begin, end),
    }


def _capex(spec: BuildOutSpec, each: AcceleratorFacts, begin: datetime.date, end: datetime.date) -> float:
    """Return what falls due in a month; what was there before the first month falls due in it. [USD]"""
    last = end - datetime.timedelta(days=1)
    before = begin - datetime.timedelta(days=1)
    first = begin == spec.start
    places = spec.halls or spec.accelerators
    come = _count(spec.accelerators, last) - (0 if first else _count(spec.accelerators, before))
    opened = _count(places, last) - (0 if first else _count(places, before))
    return come * each.equipment_usd + opened * each.site_usd
