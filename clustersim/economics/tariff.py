"""The bill of a meter under a tariff, line by line and month by month.

A month that the record covers in part bears its share of what is charged by the month: fixed charges and demand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clustersim.economics.meter import MeterRecord
from clustersim.economics.spec_parts.tariff import DemandChargeSpec, EnergyChargeSpec, PowerFactorSpec
from clustersim.economics.tariff_calendar import calendar, covered, hourly_prices, month_name, month_seconds
from clustersim.economics.tariffs import Cited, Tariff
from clustersim.units import HOUR_S, KWH_J

BILL_COLUMNS = ("month", "group", "item", "quantity", "unit", "unit_usd", "usd", "source", "assumed")
KW_W = 1e3
Array = NDArray[np.float64]


@dataclass(frozen=True)
class BillLine:
    """One line of the bill of one month."""

    month: int
    """Months since January of year 0."""
    group: str
    """``energy``, ``demand``, ``fixed`` or ``export``."""
    item: str
    quantity: float
    unit: str
    usd: float
    cited: Cited

    def row(self) -> tuple[object, ...]:
        """Return the line in the order of :data:`BILL_COLUMNS`."""
        each = self.usd / self.quantity if self.quantity else 0.0
        return (
            month_name(self.month), self.group, self.item, self.quantity, self.unit, each, self.usd, self.cited.source,
            self.cited.assumed,
        )  # fmt: skip


@dataclass(frozen=True)
class Bill:
    """What the utility charges over a record."""

    lines: tuple[BillLine, ...]
    demand_w: float
    """Highest billed demand of all charges and months; 0 without a demand charge. [W]"""

    @property
    def usd(self) -> float:
        """Sum of all lines. [USD]"""
        return math.fsum(line.usd for line in self.lines)

    def group_usd(self, group: str) -> float:
        """Sum of the lines of a group. [USD]"""
        return math.fsum(line.usd for line in self.lines if line.group == group)

    def items(self) -> tuple[BillLine, ...]:
        """Return the lines with all months added up; the month is the first. Demand is in kW times months."""
        found: dict[tuple[str, str], list[BillLine]] = {}
        for line in self.lines:
            found.setdefault((line.group, line.item), []).append(line)
        return tuple(
            BillLine(
                same[0].month, group, item, math.fsum(line.quantity for line in same), same[0].unit,
                math.fsum(line.usd for line in same), same[0].cited,
            )
            for (group, item), same in found.items()
        )  # fmt: skip

    def table(self) -> pd.DataFrame:
        """Return the lines; columns :data:`BILL_COLUMNS`."""
        return pd.DataFrame([line.row() for line in self.lines], columns=list(BILL_COLUMNS))


@dataclass(frozen=True)
class _Month:
    """Part of a record that lies in one month."""

    number: int
    share: float
    """Of the month's length that the record covers. [-]"""
    hours: slice
    """Of the record's hours."""


def bill(tariff: Tariff, record: MeterRecord) -> Bill:
    """Return the bill of a record.

    Energy costs its hour's price. Demand is the highest mean over an interval of the clock within the hours of a
    charge; billed is the most of it, the ratchet's share of the months before, and the contract's least share.

    Parameters
    ----------
    tariff : Tariff
        Charges with their sources (:func:`~clustersim.economics.tariffs.tariff_of`).
    record : MeterRecord
        Power at the meter.
    """
    marks = record.marks(HOUR_S)
    at = calendar(record.start, marks[:-1])
    months = []
    for number in np.unique(at.month):
        inside = np.flatnonzero(at.month == number)
        hours = slice(int(inside[0]), int(inside[-1]) + 1)
        seconds = float(marks[hours.stop] - marks[hours.start])
        months.append(_Month(int(number), seconds / month_seconds(int(number)), hours))
    demands = {charge.name: _demands(tariff, charge, record, months) for charge in tariff.spec.demand}
    bought = record.energies(marks, "bought")
    lines = [*_energy_lines(tariff, record, months, bought, {name: found[0] for name, found in demands.items()})]
    billed = 0.0
    for charge in tariff.spec.demand:
        lines += _demand_lines(tariff, charge, months, demands[charge.name][1])
        billed = max([billed, *demands[charge.name][1]])
    lines += _other_lines(tariff, record, months, marks)
    return Bill(tuple(sorted(lines, key=lambda line: line.month)), billed)


def energy_usd_by_hour(tariff: Tariff, record: MeterRecord) -> Array:
    """Return what the energy of each hour costs; shape (hours,). [USD]

    The sum is that of the bill's energy lines: where a charge has blocks, its energy of a month costs the mean price
    of them.
    """
    marks = record.marks(HOUR_S)
    at = calendar(record.start, marks[:-1])
    bought = record.energies(marks, "bought")
    if tariff.spec.hourly is not None:
        return np.asarray(bought * (hourly_prices(tariff.spec.hourly, at) + tariff.spec.rider))
    lines = [line for line in bill(tariff, record).lines if line.group == "energy"]
    usd = bought * tariff.spec.rider
    left = np.ones(bought.size, dtype=bool)
    for charge in tariff.spec.energy:
        mine = left & covered(charge.when, at)
        left &= ~mine
        names = {charge.name, *(f"{charge.name} block {k}" for k in range(1, len(charge.blocks) + 1))}
        for month in np.unique(at.month[mine]):
            same = [line for line in lines if line.month == month and line.item in names]
            energy = math.fsum(line.quantity for line in same) * KWH_J
            here = mine & (at.month == month)
            if energy > 0.0:
                usd[here] += bought[here] * math.fsum(line.usd for line in same) / energy
    return usd


# ---- energy ---------------------------------------------------------------------------------------------------------


def _energy_lines(
    tariff: Tariff, record: MeterRecord, months: list[_Month], bought_j: Array, measured_w: dict[str, list[float]]
) -> Iterator[BillLine]:
    spec = tariff.spec
    at = calendar(record.start, record.marks(HOUR_S)[:-1])
    if spec.hourly is not None:
        usd = bought_j * hourly_prices(spec.hourly, at)
        for month in months:
            kwh = float(bought_j[month.hours].sum()) / KWH_J
            yield BillLine(month.number, "energy", "by hour", kwh, "kWh", float(usd[month.hours].sum()), Cited())
    left = np.ones(bought_j.size, dtype=bool)
    for charge in spec.energy:
        mine = left & covered(charge.when, at)
        left &= ~mine
        energy_j = np.where(mine, bought_j, 0.0)
        for number, month in enumerate(months):
            here, total = float(energy_j[month.hours].sum()), float(bought_j[month.hours].sum())
            if here > 0.0:
                width_w = 0.0 if charge.block_demand is None else measured_w[charge.block_demand][number]
                yield from _blocks(tariff, charge, month, here, width_w * here / total)
    if spec.rider != 0.0:
        for month in months:
            joules = float(bought_j[month.hours].sum())
            yield BillLine(
                month.number, "energy", "rider", joules / KWH_J, "kWh", joules * spec.rider, tariff.where_from("rider")
            )


def _blocks(
    tariff: Tariff, charge: EnergyChargeSpec, month: _Month, energy_j: float, width_w: float
) -> Iterator[BillLine]:
    """Yield the energy of a charge block by block; `width_w` times a block's hours is its width."""
    key = f"energy.{charge.name}"
    parts = [(f"{key}.block_{k}", b.hours_use * month.share * width_w, b.price) for k, b in enumerate(charge.blocks, 1)]
    left = energy_j
    for name, width_j, price in (*parts, (key, math.inf, charge.price)):
        taken = min(left, width_j)
        left -= taken
        if taken > 0.0:
            item = name.removeprefix("energy.").replace(".block_", " block ")
            yield BillLine(month.number, "energy", item, taken / KWH_J, "kWh", taken * price, tariff.where_from(name))


# ---- demand ---------------------------------------------------------------------------------------------------------


def _demands(
    tariff: Tariff, charge: DemandChargeSpec, record: MeterRecord, months: list[_Month]
) -> tuple[list[float], list[float]]:
    """Return the measured and the billed demand of every month [W]; 0 where the charge is not billed."""
    marks = record.marks(charge.interval)
    at = calendar(record.start, marks[:-1])
    inside = covered(charge.when, at)
    means = np.maximum(record.means(charge.interval), 0.0) * _factor(tariff.spec.power_factor, record.power_factor)
    measured = []
    for month in months:
        here = means[inside & (at.month == month.number)]
        seen = 0.0 if here.size == 0 else float(here.max() if charge.measure == "maximum" else here.mean())
        measured.append(seen)
    billed = []
    first = months[0].number
    of_charge = charge.billed_months or charge.when.months or tuple(range(1, 13))
    for number, month in enumerate(months):
        since = month.number - charge.ratchet_months
        before = [measured[k] for k in range(number) if months[k].number >= since]
        # the demand before the run is of the months right before it
        before += [tariff.spec.past_demand] if first - 1 >= since else []
        least = charge.least_share * (tariff.spec.contract or 0.0)
        asked = max([measured[number], charge.ratchet * max(before, default=0.0), least])
        billed.append(asked if month.number % 12 + 1 in of_charge else 0.0)
    return measured, billed


def _factor(rule: PowerFactorSpec | None, power_factor: float) -> float:
    """Return what demand is multiplied by. [-]"""
    if rule is None or power_factor >= rule.least:
        return 1.0
    return 1.0 + rule.least - power_factor if rule.law == "difference" else rule.least / power_factor


def _demand_lines(
    tariff: Tariff, charge: DemandChargeSpec, months: list[_Month], billed_w: list[float]
) -> Iterator[BillLine]:
    key = f"demand.{charge.name}"
    for month, watts in zip(months, billed_w, strict=True):
        if watts > 0.0:
            amount = watts * month.share
            usd = amount * charge.price
            yield BillLine(month.number, "demand", charge.name, amount / KW_W, "kW", usd, tariff.where_from(key))
        above = max(0.0, watts - tariff.spec.contract) if tariff.spec.contract is not None else 0.0
        if above > 0.0 and charge.excess_price > 0.0:
            amount = above * month.share
            usd = amount * charge.excess_price
            cited = tariff.where_from(f"{key}.excess")
            yield BillLine(month.number, "demand", f"{charge.name} above contract", amount / KW_W, "kW", usd, cited)


# ---- fixed charges and export ----------------------------------------------------------------------------------------


def _other_lines(tariff: Tariff, record: MeterRecord, months: list[_Month], marks: Array) -> Iterator[BillLine]:
    spec = tariff.spec
    given = record.energies(marks, "given")
    for month in months:
        if spec.fixed > 0.0:
            usd = spec.fixed * month.share
            yield BillLine(month.number, "fixed", "fixed", month.share, "month", usd, tariff.where_from("fixed"))
        joules = float(given[month.hours].sum())
        if joules > 0.0 and spec.export_credit != 0.0:
            usd = -joules * spec.export_credit
            cited = tariff.where_from("export_credit")
            yield BillLine(month.number, "export", "export", joules / KWH_J, "kWh", usd, cited)
