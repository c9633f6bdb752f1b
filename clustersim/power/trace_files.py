"""Traces from files: CSV, Parquet, COMTRADE; each problem of a file is named with its row."""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from clustersim import catalog, units
from clustersim.errors import InputError, UnitError, nearest
from clustersim.power import comtrade
from clustersim.power.trace import Array, Between, PowerTrace, bin_means

TIMES = ("time_s", "t_s", "time_seconds", "timestamp_s", "time", "t")
POWERS = ("power_w", "power_kw", "power_mw", "watts", "power_watts", "power", "p_w", "p_kw", "p_mw", "p")
"""Names of columns that are taken when none is given."""
MOST_HEADER = 100_000
"""Bytes of a header that are looked at."""
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf|infinity)", re.IGNORECASE)
MOST_BINS = 200_000_000
"""More bins than this are a mistake in the step or in the times, not a trace."""
UNIT_OF_SUFFIX = {"_w": "W", "_watts": "W", "watts": "W", "_kw": "kW", "_mw": "MW"}


@dataclass(frozen=True)
class Columns:
    """Which columns of a file mean what, in which units, and what is assumed between readings."""

    time: str | None = None
    """Column of time; a usual name when absent. Seconds, or dates with a time."""
    power: tuple[str, ...] = ()
    """Columns, or COMTRADE channels, that are added up; a usual name when empty."""
    reactive: str | None = None
    unit: str | None = None
    """``W``, ``kW``, ``MW``, ``GW``, or ``pu`` of `base_w`; from the column's name or the channel when absent."""
    base_w: float | None = None
    """Power at a reading of 1 in ``pu``. [W]"""
    zero_w: float = 0.0
    """Power at a reading of 0 in ``pu``: on a min-max scale that of the lowest reading. [W]"""
    dt_s: float | None = None
    """Width of the bins; the median step of the times when absent. [s]"""
    between: Between = "line"
    """Of times that are not even: what the power is between two readings."""
    gap: float | None = None
    """A step longer than this many median steps is an error; the catalog's when absent."""
    sensor_s: float = 0.0
    """Averaging time of the sensor. [s]"""
    most_bins: int = MOST_BINS
    """More bins than this are refused."""


def read_trace(path: Path, columns: Columns | None = None) -> PowerTrace:
    """Return the trace in a file: ``.csv`` (also ``.csv.gz``), ``.parquet``, or COMTRADE by its ``.cfg``.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing, a unit is wrong, times do not increase or have a gap, or a
        power is negative or not a number; the message names the data row, counted from 1 below the header.
    """
    asked = Columns() if columns is None else columns
    if asked.sensor_s < 0.0:
        raise InputError(f"sensor: expected an averaging time of at least zero, got {asked.sensor_s:g} s")
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    kind = kind_of(path)
    if kind == ".cfg":
        return _from_comtrade(path, asked)
    if kind in (".csv", ".csv.gz", ".txt"):
        return _from_table(path, asked, _csv(path))
    if kind in (".parquet", ".pq"):
        return _from_table(path, asked, _parquet(path, asked))
    raise InputError(f"{path}: expected .csv, .csv.gz, .parquet or COMTRADE's .cfg, found {kind or 'no ending'}")


def kind_of(path: Path) -> str:
    """Return the ending of a file's name in small letters, of a packed file both."""
    return "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()


def _csv(path: Path) -> pa.Table:
    try:
        table = csv.read_csv(path, parse_options=csv.ParseOptions(delimiter=delimiter_of(path)))
        return table.rename_columns(table.column_names)  # names that are no text are told here
    except (pa.ArrowException, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as CSV: {error}") from None


def delimiter_of(path: Path) -> str:
    """Return what separates the names in the header: a comma, else a semicolon or a tabulator where there is one."""
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    with opened(path, "rb") as file:
        head = file.readline(MOST_HEADER)
    return next((mark.decode() for mark in (b",", b";", b"\t") if mark in head), ",")


def _parquet(path: Path, asked: Columns) -> pa.Table:
    """Return the columns that are asked for, or all where some are left to their usual names."""
    reactive = () if asked.reactive is None else (asked.reactive,)
    try:
        with parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            chosen = [asked.time, *asked.power, *reactive] if asked.time and asked.power else names
            return file.read(columns=chosen if len(set(names)) == len(names) and set(chosen) <= set(names) else None)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as Parquet: {error}") from None


def _from_table(path: Path, asked: Columns, table: pa.Table) -> PowerTrace:
    names = table.column_names
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{path}: column {twice!r} is there twice")
    time = _column(path, names, (asked.time,) if asked.time else (), TIMES, "time")[0]
    powers = _column(path, names, asked.power, POWERS, "power")
    unit = asked.unit or _unit_of(path, powers[0])
    watts = sum(_numbers(path, table, name) for name in powers)
    reactive = None
    if asked.reactive is not None:
        reactive = _numbers(path, table, _column(path, names, (asked.reactive,), (), "reactive power")[0])
    times = _times(path, table, time)
    return on_even_clock(path, times, np.asarray(watts, dtype=np.float64), reactive, unit, asked)


def _column(path: Path, names: list[str], asked: tuple[str, ...], usual: tuple[str, ...], what: str) -> tuple[str, ...]:
    for name in asked:
        if name not in names:
            raise InputError(f"{path}: no column {name!r} for {what}{nearest(name, names)}; found {', '.join(names)}")
    if asked:
        return asked
    lower = {name.strip().lower(): name for name in names}
    found = next((lower[name] for name in usual if name in lower), None)
    if found is None:
        raise InputError(f"{path}: no column for {what} ({', '.join(usual)}); name one of {', '.join(names)}")
    return (found,)


def _unit_of(path: Path, name: str) -> str:
    found = unit_in(name)
    if found is None:
        raise InputError(f"{path}: column {name!r} does not tell its unit; give W, kW, MW, GW or pu")
    return found


def unit_in(name: str) -> str | None:
    """Return the unit that a column's name tells; None where it tells none."""
    lower = name.strip().lower()
    return next((unit for suffix, unit in UNIT_OF_SUFFIX.items() if lower.endswith(suffix)), None)


def _numbers(path: Path, table: pa.Table, name: str) -> Array:
    column = table.column(name)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            raise InputError(f"{path}: column {name!r}: expected text: {error}") from None
        for row, text in enumerate(column.to_pylist(), start=1):
            if text is None or NUMBER.fullmatch(text.strip()) is None:
                raise InputError(f"{path}: row {row}: column {name!r}: expected a number, found {text!r}")
        column = pc.utf8_trim_whitespace(column)
    if pa.types.is_boolean(column.type):
        raise InputError(f"{path}: column {name!r}: expected numbers, found {column.type}")
    try:
        return np.asarray(pc.cast(column, pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputError(f"{path}: column {name!r}: expected numbers, found {column.type}") from None


def _times(path: Path, table: pa.Table, name: str) -> Array:
    """Seconds; dates count from the first one."""
    column = table.column(name)
    if not pa.types.is_timestamp(column.type):
        return _numbers(path, table, name)
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy())[0]) + 1
        raise InputError(f"{path}: row {row}: column {name!r}: no time")
    try:
        ticks = pc.cast(pc.cast(column, pa.timestamp("ns", tz=column.type.tz)), pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        raise InputError(f"{path}: column {name!r}: expected dates from 1678 to 2261, found others") from None
    return np.asarray((ticks - (ticks[0] if ticks.size else 0)) * 1e-9, dtype=np.float64)


def _from_comtrade(path: Path, asked: Columns) -> PowerTrace:
    record = comtrade.read(path)
    names = [channel.name for channel in record.channels]
    if asked.power:
        chosen = [names.index(name) for name in _column(path, names, asked.power, (), "power")]
    else:
        chosen = [k for k, channel in enumerate(record.channels) if channel.unit in units.TABLE["power"]][:1]
        if not chosen:
            raise InputError(f"{path}: no channel in W, kW, MW or GW; name one of {', '.join(names)}")
    unit = asked.unit or record.channels[chosen[0]].unit
    watts = record.values[chosen].sum(axis=0)
    reactive = None
    if asked.reactive is not None:
        place = names.index(_column(path, names, (asked.reactive,), (), "reactive power")[0])
        factor = units.TABLE["reactive power"].get(record.channels[place].unit, 1.0)
        reactive = record.values[place] * factor / _factor(path, unit, asked)
    return on_even_clock(path, record.times_s, watts, reactive, unit, asked)


def _factor(path: Path, unit: str, asked: Columns) -> float:
    known = {**units.TABLE["power"], "pu": 1.0}
    if unit not in known:
        raise UnitError(f"{path}: expected power in {', '.join(known)}, got {unit!r}{nearest(unit, known)}")
    if unit != "pu":
        if asked.base_w is not None or asked.zero_w != 0.0:
            raise InputError(f"{path}: base and zero: expected with power in pu, found {unit}; leave them out")
        return known[unit]
    if asked.base_w is None:
        raise InputError(f"{path}: power in pu needs the power at a reading of 1 (base)")
    if not asked.base_w > asked.zero_w:
        raise InputError(f"{path}: expected a base above {asked.zero_w:g} W, got {asked.base_w:g} W")
    return asked.base_w - asked.zero_w


def _told(text: str) -> Callable[[int], str]:
    return lambda _: text


def _refuse(path: Path, wrong: Any, told: Callable[[int], str]) -> None:
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(f"{path}: row {at + 1}: {told(at)}")


def on_even_clock(
    path: Path, times_s: Array, readings: Array, reactive: Array | None, unit: str, asked: Columns
) -> PowerTrace:
    """Check times and readings, bring them to watts and onto an even clock.

    Times that keep to the clock of their mean step within the catalog's tolerance are taken as bins of that step;
    others are resampled by exact area (:func:`clustersim.power.trace.bin_means`) onto bins of the median step.

    Raises
    ------
    InputError
        As of :func:`read_trace`.
    """
    rules = catalog.entry("traces", "clock")
    if times_s.size < rules.si("least_samples"):
        raise InputError(f"{path}: expected at least {rules.si('least_samples'):g} samples, found {times_s.size}")
    for values, what in ((times_s, "time"), (readings, "power"), (reactive, "reactive power")):
        if values is not None and not math.isfinite(_largest(values)):
            _refuse(path, ~np.isfinite(values), _told(f"{what} is not a number"))
    factor = _factor(path, unit, asked)
    _check_size(path, times_s, readings, reactive, unit, factor)
    watts = readings * factor
    if unit == "pu":
        watts += asked.zero_w
    if watts.min() < 0.0:
        _refuse(path, watts < 0.0, lambda k: f"negative power {readings[k]:g} {unit}")
    usual = _check_times(path, times_s, rules.si("gap") if asked.gap is None else asked.gap)
    var = None if reactive is None else reactive * factor
    even = float(times_s[-1] - times_s[0]) / (times_s.size - 1)
    off = np.arange(times_s.size, dtype=np.float64)
    off *= even
    off += times_s[0]
    off -= times_s
    name = path.name.split(".")[0]
    if max(-float(off.min()), float(off.max())) <= rules.si("tolerance") * even and asked.dt_s is None:
        return PowerTrace(name, float(times_s[0]), even, watts, var, asked.sensor_s)
    width = usual if asked.dt_s is None else asked.dt_s
    if not width > 0.0 or (times_s[-1] - times_s[0]) / width > asked.most_bins:
        raise InputError(
            f"{path}: expected bins above zero and at most {asked.most_bins:,} of them, got {width:g} s each"
        )
    clock = f"exact means over {width:.6g} s, power between readings: {asked.between}"
    made = [None if v is None else bin_means(times_s, v, width, asked.between) for v in (watts, var)]
    if made[0] is None or made[0].size < rules.si("least_samples"):
        raise InputError(f"{path}: expected at least {rules.si('least_samples'):g} bins of {width:g} s, found fewer")
    return PowerTrace(name, float(times_s[0]), width, made[0], made[1], asked.sensor_s, clock)


def _largest(values: Array) -> float:
    """Return the largest magnitude; NaN where a value is not a number."""
    return max(float(values.max()), -float(values.min()))


def _check_size(path: Path, times_s: Array, readings: Array, reactive: Array | None, unit: str, factor: float) -> None:
    """Refuse numbers that no power and no time of a record can have: mostly the unit is another one."""
    rules = catalog.entry("traces", "clock")
    most, late, short = rules.si("highest"), rules.si("latest"), rules.si("shortest_step")
    for values, what in ((readings, "power"), (reactive, "reactive power")):
        if values is not None and _largest(values) > most / factor:
            text = f"{what} %g {unit} is above {most * 1e-12:g} TW: is the unit right?"
            _refuse(path, np.abs(values) > most / factor, lambda k, v=values, t=text: t % v[k])  # type: ignore[misc]
    if _largest(times_s) > late:
        told = f"is beyond {late:g} s: times must be in seconds"
        _refuse(path, np.abs(times_s) > late, lambda k: f"time {times_s[k]:g} {told}")
    even = abs(float(times_s[-1] - times_s[0])) / (times_s.size - 1)
    if 0.0 < even < short:
        raise InputError(
            f"{path}: expected readings at least {short:g} s apart, found {even:g} s: times must be in seconds"
        )


def _check_times(path: Path, times_s: Array, gap: float) -> float:
    """Return the usual step, the median; times that do not increase or have a gap are refused. [s]"""
    step = np.diff(times_s)
    least, most = float(step.min()), float(step.max())
    if least <= 0.0:
        _refuse(
            path,
            np.concatenate([[False], step <= 0.0]),
            lambda k: f"time {times_s[k]:.9g} s does not come after {times_s[k - 1]:.9g} s",
        )
    usual = float(np.median(step)) if most > 1.5 * least else 0.5 * (least + most)
    _refuse(
        path,
        np.concatenate([[False], step > gap * usual]) if most > gap * usual else np.zeros(1, dtype=bool),
        lambda k: f"gap of {step[k - 1]:.6g} s before it, more than {gap:g} times the usual {usual:.6g} s",
    )
    return usual
