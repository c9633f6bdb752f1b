"""Months, weekdays and hours of a record, and which of them a charge covers."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.economics.spec_parts.price_file import HourlyPrices
from clustersim.economics.spec_parts.tariff import WhenSpec
from clustersim.units import DAY_S, HOUR_S, MWH_J

SATURDAY = 5
FEBRUARY_DAYS = 59
"""Days of January and February without 29 February."""


@dataclass(frozen=True)
class Calendar:
    """Local standard time at some instants of a record; no daylight saving."""

    month: NDArray[np.int64]
    """Months since January of year 0; shape (instants,)."""
    weekday: NDArray[np.int64]
    """0 is Monday."""
    hour: NDArray[np.int64]
    """0 to 23."""
    day_of_year: NDArray[np.int64]
    """0 to 364; 29 February counts as the day before it."""

    @property
    def month_of_year(self) -> NDArray[np.int64]:
        """1 to 12."""
        return self.month % 12 + 1


def calendar(start: datetime.date, times_s: NDArray[np.float64]) -> Calendar:
    """Return the local time at `times_s` [s] after the midnight at which `start` begins."""
    # a thousandth: an instant that rounding put just before the full hour belongs to that hour
    hours = np.floor((times_s + 1e-3) / HOUR_S).astype(np.int64)
    days = np.datetime64(start, "D") + hours // 24
    months = days.astype("datetime64[M]").astype(np.int64) + 1970 * 12
    of_year = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
    years = months // 12
    leap = ((years % 4 == 0) & (years % 100 != 0)) | (years % 400 == 0)
    of_year = of_year - (leap & (of_year >= FEBRUARY_DAYS))
    return Calendar(months, (days.astype(np.int64) + 3) % 7, hours % 24, of_year)


def covered(when: WhenSpec, at: Calendar) -> NDArray[np.bool_]:
    """Return which instants lie in the hours that `when` describes; shape (instants,)."""
    found = np.ones(at.hour.size, dtype=bool)
    if when.months is not None:
        found &= np.isin(at.month_of_year, when.months)
    if when.days != "all":
        found &= (at.weekday >= SATURDAY) == (when.days == "weekends")
    if when.hours is not None:
        found &= np.any([(at.hour >= begin) & (at.hour < end) for begin, end in when.hours], axis=0)
    return found


def hourly_prices(prices: HourlyPrices | tuple[float, ...], at: Calendar) -> NDArray[np.float64]:
    """Return the price of every instant's hour; shape (instants,). [USD/J]"""
    if isinstance(prices, tuple):
        return np.asarray(prices)[at.hour]
    table = np.asarray(prices.usd_per_mwh) / MWH_J
    index = {24: at.hour, 168: at.weekday * 24 + at.hour, 8760: at.day_of_year * 24 + at.hour}[table.size]
    return np.asarray(table[index])


def month_name(month: int) -> str:
    """Return ``2025-07`` for months since January of year 0."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def month_seconds(month: int) -> float:
    """Return the length of a month. [s]"""
    first, after = (np.datetime64(month_name(m), "D") for m in (month, month + 1))
    return float((after - first).astype(np.int64)) * DAY_S
