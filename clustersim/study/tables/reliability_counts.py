"""Counts, rates, shares and times between failures of published fleets, predicted from the catalog's rates."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clustersim.operation.causes import Cause
from clustersim.study.tables.reliability_bands import Rates, count_draws, interval, job_rates
from clustersim.study.tables.reliability_causes import (
    causes_of,
    fleet_of,
    group_of_name,
    has_members,
    kind_of_name,
    members,
    named,
    of_kind,
)
from clustersim.study.tables.reliability_cells import period_of, rate_unit, time_unit
from clustersim.study.tables.reliability_rows import ReliabilityRow
from clustersim.study.tables.row_fields import UnreadableError

Array = NDArray[np.float64]

COUNTS_BY_CAUSE = r"(unexpected_)?(interruptions|failures)_by_cause$|failure_count$"
SHARES_BY_CAUSE = r"(interruption|failure)_share$|lemon_node_root_cause$"
"""Patterns of the metrics whose rows each name one cause."""


@dataclass(frozen=True)
class Prediction:
    """What the model says about a row, in the row's unit."""

    value: float
    low: float | None
    high: float | None
    """The 90 % predictive band; None where the model gives no spread."""
    entry: str
    """What of the catalog it follows from."""
    assumed: tuple[str, ...] = ()

    def scaled(self, factor: float) -> Prediction:
        """Return the prediction in a unit of which one is `factor` of this."""
        low, high = (None if end is None else end * factor for end in (self.low, self.high))
        return replace(self, value=self.value * factor, low=low, high=high)


def _rates(row: ReliabilityRow, accelerators: float) -> Rates:
    return job_rates(fleet_of(row), row.facts(accelerators), row.accelerator)


def _said(row: ReliabilityRow, rates: Rates, value: float, draws: Array, *more: str) -> Prediction:
    low, high = interval(draws)
    return Prediction(value, low, high, rates.entry, (f"{row.per_server()} accelerators per server", *more))


def counted(row: ReliabilityRow, _: Sequence[ReliabilityRow]) -> Prediction:
    """Return how many failures a job has over the period of the row: ``rate x period``, Poisson about a drawn rate."""
    rates, seconds = _rates(row, row.accelerators()), row.period_s()
    words = f"{row.metric.partition('_')[0]} {row.component}"
    if re.search("cycled|replaced", row.metric):
        numbers = [number for number, cause in enumerate(rates.causes) if cause.replaces_server]
    else:
        numbers = named(row.component if kind_of_name(words) is None else words, rates.causes)
    return _said(row, rates, rates.total(numbers) * seconds, count_draws(rates.drawn(numbers) * seconds))


def by_cause(metric: str) -> bool:
    """Return whether each row of a metric names one cause, so that rows of one group are counted together."""
    return re.match(f"{COUNTS_BY_CAUSE}|{SHARES_BY_CAUSE}", metric) is not None


def same_group(row: ReliabilityRow, table: Sequence[ReliabilityRow]) -> list[ReliabilityRow]:
    """Return the rows of the same table of causes that mean the same group of causes as `row`, itself included."""
    job = causes_of(fleet_of(row), row.facts(1.0))
    wanted = _counted_in(row, job)
    alike = [
        other
        for other in table
        if (other.source, other.cluster, other.n_gpus, other.period, other.metric, other.use)
        == (row.source, row.cluster, row.n_gpus, row.period, row.metric, row.use)
    ]
    return [other for other in alike if _known(other, job) and _counted_in(other, job) == wanted]


def _group(row: ReliabilityRow) -> str:
    group = group_of_name(row.component)
    if group is None:
        raise UnreadableError(f"component: {row.component!r} is no known cause")
    return group


def _counted_in(row: ReliabilityRow, causes: Sequence[Cause]) -> str:
    return members(_group(row), causes)[1]


def _known(row: ReliabilityRow, causes: Sequence[Cause]) -> bool:
    """Return whether the cause that a row names is one of the model's."""
    group = group_of_name(row.component)
    return group is not None and has_members(group, causes)


def _first(row: ReliabilityRow, table: Sequence[ReliabilityRow]) -> None:
    """Refuse a row whose cause is counted with that of a row before it."""
    first = same_group(row, table)[0]
    if first.row_id != row.row_id:
        name = _counted_in(row, causes_of(fleet_of(row), row.facts(1.0)))
        raise UnreadableError(f"counted with {first.row_id}: one cause of the model, {name}")


def counted_by_cause(row: ReliabilityRow, table: Sequence[ReliabilityRow]) -> Prediction:
    """Return the failures of one cause over the period; rows that mean one cause of the model are counted together."""
    _first(row, table)
    rates, seconds = _rates(row, row.accelerators()), row.period_s()
    numbers, name = members(_group(row), rates.causes)
    draws = count_draws(rates.drawn(numbers) * seconds)
    return _said(row, rates, rates.total(numbers) * seconds, draws, f"cause {name}")


def _shares(row: ReliabilityRow, of: Callable[[Sequence[Cause]], list[int]]) -> Prediction:
    """Return the share of some causes; of so many failures as the row's job has, where it says, else of many."""
    accelerators, seconds = _size(row)
    rates = _rates(row, accelerators)
    numbers = of(rates.causes)
    part, total = rates.drawn(numbers), rates.drawn()
    share = rates.total(numbers) / rates.total()
    if seconds is None:
        return _said(row, rates, share, part / total)
    counts, rest = count_draws(np.stack([part, total - part]) * seconds)
    return _said(row, rates, share, counts / np.maximum(counts + rest, 1.0))


def _size(row: ReliabilityRow) -> tuple[float, float | None]:
    """Return accelerators and period; one server and no period where the row has not both."""
    try:
        return row.accelerators(), row.period_s()
    except UnreadableError:
        return float(row.per_server()), None


def share_of_cause(row: ReliabilityRow, table: Sequence[ReliabilityRow]) -> Prediction:
    """Return the share of one cause of all failures."""
    _first(row, table)
    return _shares(row, lambda causes: members(_group(row), causes)[0])


def share_of_kind(row: ReliabilityRow, _: Sequence[ReliabilityRow]) -> Prediction:
    """Return the share of hardware, or of GPUs with their memory, of all failures."""
    kind = "gpu" if row.metric.startswith("gpu") else "hardware"
    return _shares(row, lambda causes: of_kind(kind, causes))


def time_between(row: ReliabilityRow, _: Sequence[ReliabilityRow]) -> Prediction:
    """Return the mean time between failures of a job: the inverse of its rate."""
    part = re.match(r"(gpu|accelerator|chip|node|server|machine)-(\w+)", row.unit, re.IGNORECASE)
    unit = time_unit(part[2] if part else row.unit)
    if unit is None:
        raise UnreadableError(f"unit: expected a unit of time, found {row.unit!r}")
    one = None if part is None else 1.0 if part[1].lower() in ("gpu", "accelerator", "chip") else row.per_server()
    # of one accelerator or server: that of a server's job, as many times as it has of them
    rates = _rates(row, row.accelerators() if one is None else float(row.per_server()))
    unit *= 1.0 if one is None else one / row.per_server()
    return _said(row, rates, 1.0 / rates.total() / unit, 1.0 / rates.drawn() / unit)


def rate(row: ReliabilityRow, _: Sequence[ReliabilityRow]) -> Prediction:
    """Return a rate of failures in the unit of the row; of one cause where the component names one.

    Where accelerators and period are given, the band has what chance adds to as many failures.
    """
    unit = rate_unit(row.unit)
    if unit is None:
        raise UnreadableError(f"unit: no rate of failures of servers, accelerators or jobs: {row.unit!r}")
    accelerators = row.accelerators() if unit.part == "job" else _size(row)[0]
    rates = _rates(row, accelerators)
    numbers = named(row.component, rates.causes)
    parts = {"job": 1.0, "server": float(row.facts(accelerators).servers), "accelerator": accelerators}[unit.part]
    draws = rates.drawn(numbers)
    seconds = period_of(row.period) if row.n_gpus else None
    if seconds is not None:
        draws = count_draws(draws * seconds) / seconds
    scale = parts * unit.scale
    return _said(row, rates, rates.total(numbers) / scale, draws / scale)
