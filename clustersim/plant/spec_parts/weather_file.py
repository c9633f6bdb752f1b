"""Weather of a year from a file in EnergyPlus' format (EPW), checked row by row."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from pydantic import model_validator

from clustersim.errors import InputError
from clustersim.spec import Spec

HEADER_ROWS = 8
"""LOCATION, DESIGN CONDITIONS, TYPICAL/EXTREME PERIODS, GROUND TEMPERATURES, HOLIDAYS, two comments, DATA PERIODS."""
COLUMNS = 35
HOURS = (8760, 8784)
MOST_BYTES = 20_000_000
_DRY, _DEW, _HUMIDITY, _PRESSURE = 6, 7, 8, 9
_LIMITS = {
    _DRY: ("dry-bulb temperature", "degC", -70.0, 70.0, 99.9),
    _DEW: ("dew-point temperature", "degC", -90.0, 70.0, 99.9),
    _HUMIDITY: ("relative humidity", "%", 0.0, 110.0, 999.0),
    _PRESSURE: ("pressure", "Pa", 31000.0, 120000.0, 999999.0),
}
"""Name, unit, range and the code that marks a missing value, of EnergyPlus' Auxiliary Programs, chapter EPW."""


class WeatherRecord(Spec):
    """Hourly weather of a year, as read from a file."""

    place: str
    """Name of the place, as the file's first row has it."""
    file: str
    """Name of the file."""
    dry_bulb_c: tuple[float, ...]
    """Dry bulb of every hour, shape (8760,). [degC]"""
    relative_humidity: tuple[float, ...]
    """Relative humidity of every hour, shape (8760,). [-]"""
    pressure_pa: float
    """Pressure, mean of the year. [Pa]"""

    @model_validator(mode="after")
    def _whole_year(self) -> WeatherRecord:
        for name in ("dry_bulb_c", "relative_humidity"):
            if len(getattr(self, name)) != HOURS[0]:
                raise ValueError(f"{name}: expected {HOURS[0]} hours, found {len(getattr(self, name))}")
        return self


def read_epw(path: Path) -> WeatherRecord:
    """Return the year in an EPW file; of a leap year without 29 February.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    InputError
        If it is not there, too large, not text, has no LOCATION, other than 8760 or 8784 hours, or a row with a missing
        or impossible value; the message names the row.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected a weather file (.epw), found none")
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path}: expected at most {MOST_BYTES / 1e6:g} MB, found {path.stat().st_size / 1e6:.1f} MB")
    try:
        with path.open(encoding="utf-8", newline="") as text:
            rows = list(csv.reader(text))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a weather file: {error}") from None
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows.pop()
    if not rows or rows[0][:1] != ["LOCATION"] or len(rows[0]) < 10:
        raise InputError(
            f"{path}:1: expected a row LOCATION with 10 fields, found {','.join(rows[0])[:40] if rows else 'nothing'!r}"
        )
    hours = rows[HEADER_ROWS:]
    if len(hours) not in HOURS:
        raise InputError(f"{path}: expected {HOURS[0]} or {HOURS[1]} rows of data, found {len(hours)}")
    found = [_row(path, HEADER_ROWS + 1 + k, row) for k, row in enumerate(hours)]
    if len(found) == HOURS[1]:
        found = [row for row, cells in zip(found, hours, strict=True) if (int(cells[1]), int(cells[2])) != (2, 29)]
        if len(found) != HOURS[0]:
            raise InputError(f"{path}: expected 24 rows of 29 February among {HOURS[1]}, found {HOURS[1] - len(found)}")
    return WeatherRecord(
        place=rows[0][1].strip() or path.stem,
        file=path.name,
        dry_bulb_c=tuple(row[0] for row in found),
        relative_humidity=tuple(row[1] for row in found),
        pressure_pa=math.fsum(row[2] for row in found) / len(found),
    )


def _row(path: Path, line: int, cells: Sequence[str]) -> tuple[float, float, float]:
    """Return dry bulb [degC], relative humidity [-] and pressure [Pa] of a row."""
    where = f"{path}:{line}"
    if len(cells) < _PRESSURE + 1:
        raise InputError(f"{where}: expected {COLUMNS} columns, found {len(cells)}")
    if not all(cells[k].strip().isdigit() for k in range(1, 4)):
        raise InputError(f"{where}: expected year, month, day and hour, found {','.join(cells[:4])!r}")
    dry = _value(where, cells, _DRY)
    humidity = _value(where, cells, _HUMIDITY)
    # converters leave 100 to 110 % in fog
    return dry, min(humidity, 100.0) / 100.0, _value(where, cells, _PRESSURE)


def _value(where: str, cells: Sequence[str], column: int) -> float:
    name, unit, low, high, missing = _LIMITS[column]
    text = cells[column].strip()
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{where}: {name}: expected a number in {unit}, found {text!r}") from None
    if value == missing:
        raise InputError(f"{where}: {name}: the value is missing (code {missing:g})")
    if not low <= value <= high:
        raise InputError(f"{where}: {name}: expected {low:g} to {high:g} {unit}, found {text}")
    return value
