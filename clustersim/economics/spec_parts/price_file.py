"""Prices of energy by hour from a file, checked row by row."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Self

from pydantic import model_validator

from clustersim.errors import InputError
from clustersim.spec import Spec

COLUMN = "usd_per_mwh"
HOURS = (24, 168, 8760)
"""A day, a week from Monday on, or a year without 29 February."""
LIMITS = (-10_000.0, 100_000.0)
"""Outside no market has settled. [USD/MWh]"""
MOST_BYTES = 5_000_000


class HourlyPrices(Spec):
    """Prices of every hour, as read from a file."""

    file: str
    """Name of the file."""
    usd_per_mwh: tuple[float, ...]
    """Price of every hour, shape (24,), (168,) or (8760,); local standard time. [USD/MWh]"""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if len(self.usd_per_mwh) not in HOURS:
            raise ValueError(f"{self.file}: expected 24, 168 or 8760 hours, found {len(self.usd_per_mwh)}")
        return self


def read_prices(path: Path) -> HourlyPrices:
    """Return the prices in a CSV file with the column ``usd_per_mwh``: a day, a week from Monday on, or a year.

    Raises
    ------
    InputError
        If the file is not there, too large, not text, without the column, of another number of hours, or has a value
        that is missing or impossible; the message names the row.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected a file of hourly prices (.csv), found none")
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path}: expected at most {MOST_BYTES / 1e6:g} MB, found {path.stat().st_size / 1e6:.1f} MB")
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            rows = [row for row in csv.reader(text) if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file: {error}") from None
    head = [cell.strip() for cell in rows[0]] if rows else []
    if COLUMN not in head:
        raise InputError(f"{path}:1: expected a column {COLUMN}, found {', '.join(head)[:60] or 'nothing'}")
    if len(rows) - 1 not in HOURS:
        raise InputError(f"{path}: expected 24, 168 or 8760 rows of prices, found {len(rows) - 1}")
    column = head.index(COLUMN)
    return HourlyPrices(
        file=path.name, usd_per_mwh=tuple(_value(path, line, row, column) for line, row in enumerate(rows[1:], start=2))
    )


def _value(path: Path, line: int, row: list[str], column: int) -> float:
    text = row[column].strip() if column < len(row) else ""
    low, high = LIMITS
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{path}:{line}: {COLUMN}: expected a number, found {text!r}") from None
    if not low <= value <= high:
        raise InputError(f"{path}:{line}: {COLUMN}: expected {low:g} to {high:g}, found {text}")
    return value
