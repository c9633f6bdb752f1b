"""What ``dcgmi dmon`` prints: two lines of header, then a row of values for each entity, sweep after sweep.

Formats: NVIDIA, "DCGM command line reference: dcgmi dmon"; the printing in ``dcgmi/DeviceMonitor.cpp`` and the short
names and units of the fields in ``dcgmlib/src/dcgm_fields.cpp`` of the repository NVIDIA/DCGM.

The columns are as wide as each field asks; the header comes again after some sweeps; a value that DCGM does not have
is ``N/A``. There is no time in it. It comes from the delay between sweeps, which the export may hold as a comment (the
command itself is one), or from a stamp before each line, as ``ts '%Y-%m-%dT%H:%M:%.S'`` puts there.
"""

from __future__ import annotations

import math
import re
import sys
from array import array
from dataclasses import dataclass, field
from pathlib import Path

from clustersim import units
from clustersim.errors import InputError, UnitError
from clustersim.instrument.export_file import LONGEST_SHOWN, Place, moment_us, number
from clustersim.instrument.export_series import LIMIT, Key, Series, listed
from clustersim.instrument.recording import POWER, Device, Recording

HEADER = re.compile(r"\s*#\s*Entity\b", re.IGNORECASE)
UNITS = re.compile(r"\s*ID(\s|$)", re.IGNORECASE)
ROW = re.compile(r"\s*([A-Za-z][A-Za-z-]{0,15}) +(\d{1,9})(?!\S)", re.ASCII)
STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\S+)\s+", re.ASCII)
COMMAND = re.compile(r"dcgmi\s+dmon\b(.*)")
DELAY = re.compile(r"(?:-d\s*|--delay[=\s]\s*)(\d{1,12})\b", re.ASCII)
TOLD_DELAY = re.compile(r"\s*#\s*(?:delay|interval)\s*[:=]\s*(.+)", re.IGNORECASE)
STOPPED = "dmon was stopped"
ABSENT = "N/A"
USUAL_DELAY_S = 1.0
"""Of dmon where its command names none. [s]"""
SHORTEST_S, LONGEST_S = 1e-3, 1e5
"""Delays between sweeps that are taken; dmon's shortest is 1 ms. [s]"""
POWERS = ("POWINST", "POWER")
"""Short names of the power fields: at the instant, and as DCGM has it by default. The first that has values is read."""
FIELDS = {
    "TOTEC": ("energy_j", "mJ"), "EPLMT": (LIMIT, "W"), "SMCLK": ("sm_clock_mhz", "MHz"),
    "MMCLK": ("memory_clock_mhz", "MHz"), "TMPTR": ("temperature_c", "C"), "GPUTL": ("utilisation_percent", "%"),
}  # fmt: skip
"""Short name of another field -> what it reads, and its unit where the header tells none."""
FACTORS = {"mW": 1e-3, "W": 1.0, "kW": 1e3, "mJ": 1e-3, "J": 1.0, "kJ": 1e3, "MHz": 1.0, "C": 1.0, "%": 1.0}
"""Unit of a column -> factor to that of the reading."""


@dataclass
class _Printed:
    """What dmon printed, line by line; of each row its line, its entity, the stamp before it, and its numbers."""

    path: Path
    columns: list[str] = field(default_factory=list)
    begins: list[int] = field(default_factory=list)
    """Of the columns, in characters of a line."""
    units: dict[str, str] = field(default_factory=dict)
    delay_s: float | None = None
    lines: array[int] = field(default_factory=lambda: array("q"))
    entities: list[str] = field(default_factory=list)
    stamps: list[str | None] = field(default_factory=list)
    numbers: dict[str, array[float]] = field(default_factory=dict)
    """Of the columns that can be read: as they stand there, NaN where they are absent."""

    def place(self, row: int) -> Place:
        """Return where a row stands."""
        return Place(self.path, self.lines[row])


def monitor_recording(path: Path, text: str, interval_s: float | None) -> Recording:
    """Return the recording in what ``dcgmi dmon`` printed.

    Raises
    ------
    InputError
        If a line is none that dmon prints, sweeps differ in their entities, or nothing tells the time between them.
    """
    printed = _Printed(path)
    for at, line in enumerate(text.split("\n"), 1):
        if line and not line.isspace():
            _read_line(printed, Place(path, at), line)
    if not printed.entities:
        raise InputError(f"{path}: expected '#Entity', names of fields and rows of values below, found no such row")
    sweep = _first_sweep(printed.entities)
    times_us, clock = _clock(printed, len(sweep), interval_s)
    power = _power_column(printed)
    series, wanted = Series(path), _wanted(printed, power)
    for at, entity in enumerate(printed.entities):
        key, place, time_us = ("", entity), printed.place(at), times_us[at // len(sweep)]
        if entity != sweep[at % len(sweep)]:
            raise place.wrong(f"{sweep[at % len(sweep)]}, as in the sweep above", entity)
        for column, (name, factor) in wanted.items():
            series.add(key, name, time_us, printed.numbers[column][at] * factor, place)
    return _finished(series, power, clock, printed)


def _first_sweep(entities: list[str]) -> list[str]:
    """Return the entities up to the first that comes again."""
    found: dict[str, None] = {}
    for entity in entities:
        if entity in found:
            break
        found[entity] = None
    return list(found)


def _read_line(printed: _Printed, place: Place, line: str) -> None:
    stamped = STAMP.match(line)
    stamp, rest = (stamped[1], line[stamped.end() :].rstrip()) if stamped else (None, line.rstrip())
    row, header = ROW.match(rest), HEADER.match(rest)
    if row and printed.columns:
        _read_row(printed, place, rest, row)
        printed.stamps.append(stamp)
    elif header:
        names = [(found[0], header.end() + found.start()) for found in re.finditer(r"\S+", rest[header.end() :])]
        columns = [name for name, _ in names]
        if not columns or len(set(columns)) < len(columns) or printed.columns not in ([], columns):
            raise place.wrong(f"names of fields, each once{', as above' if printed.columns else ''}", rest)
        printed.columns, printed.begins = columns, [begin for _, begin in names]
        printed.numbers = printed.numbers or {name: array("d") for name in columns if name in (*POWERS, *FIELDS)}
    elif UNITS.match(rest) and printed.columns:
        printed.units = dict(zip(printed.columns, _cut(printed, rest), strict=True))
    elif not rest.startswith(STOPPED) and not _read_delay(printed, place, rest) and not rest.lstrip().startswith("#"):
        raise place.wrong("a line of dmon: '#Entity' and names, 'ID' and units, or an entity and its values", rest)


def _cut(printed: _Printed, line: str) -> list[str]:
    """Return what stands below each column."""
    ends = [*printed.begins[1:], len(line)]
    return [line[begin:end].strip() for begin, end in zip(printed.begins, ends, strict=True)]


def _read_row(printed: _Printed, place: Place, line: str, row: re.Match[str]) -> None:
    found = line[row.end() :].split()
    if len(found) != len(printed.columns):
        found = _cut(printed, line)  # a name of a device may have blanks in it
    if len(found) != len(printed.columns) or not all(found):
        raise place.wrong(f"{len(printed.columns)} values", line[row.end() :].strip())
    for column, told in zip(printed.columns, found, strict=True):
        if column in printed.numbers:
            what = f"a number or {ABSENT} of {column}"
            printed.numbers[column].append(math.nan if told == ABSENT else number(told, place, what))
    printed.lines.append(place.line or 0)
    printed.entities.append(sys.intern(f"{row[1]} {int(row[2])}"))


def _read_delay(printed: _Printed, place: Place, line: str) -> bool:
    """Take the delay from a comment, or from the command; return whether the line is one of these."""
    command, told = COMMAND.search(line), TOLD_DELAY.match(line)
    if command:
        delay = DELAY.search(command[1])
        printed.delay_s = USUAL_DELAY_S if delay is None else int(delay[1]) * 1e-3
    elif told:
        try:
            printed.delay_s = units.parse(told[1][:LONGEST_SHOWN], "time")
        except UnitError as error:
            raise InputError(f"{place}: {error}") from None
    return command is not None or told is not None


def _clock(printed: _Printed, entities: int, interval_s: float | None) -> tuple[list[int], dict[str, str]]:
    """Return the times of the sweeps, and how they are known."""
    path, first = printed.path, range(0, len(printed.entities), entities)
    stamps = [stamp is not None for stamp in printed.stamps]
    if interval_s is None and any(stamps):
        if not all(stamps):
            raise printed.place(stamps.index(False)).wrong("a time before the line, as before others", None)
        return [moment_us(printed.stamps[at], printed.place(at)) for at in first], {"clock": "stamps before the lines"}
    delay_s = printed.delay_s if interval_s is None else interval_s
    if delay_s is None:
        raise InputError(
            f"{path}: dmon prints no time: expected the interval between sweeps, found none; give it, or put the "
            "command before the output as a comment such as '# dcgmi dmon -e 155 -d 100'"
        )
    if not SHORTEST_S <= delay_s <= LONGEST_S:
        raise InputError(f"{path}: expected an interval of {SHORTEST_S:g} s to {LONGEST_S:g} s, found {delay_s:g} s")
    told = {"interval": f"{delay_s:g} s", "clock": "counted from the delay between sweeps, which are a little later"}
    return [round(at * delay_s * 1e6) for at in range(len(first))], told


def _power_column(printed: _Printed) -> str:
    there = [name for name in POWERS if name in printed.columns]
    if not there:
        columns = listed(printed.columns)
        raise InputError(
            f"{printed.path}: expected a column {' or '.join(POWERS)}, fields 157 and 155, found {columns}"
        )
    return next((name for name in there if any(value == value for value in printed.numbers[name])), there[0])


def _wanted(printed: _Printed, power: str) -> dict[str, tuple[str, float]]:
    """Return the columns that are read: what each reads, and its factor."""
    fields = {power: (POWER, "W")} | FIELDS
    wanted = {}
    for column in printed.columns:
        if column in fields:
            name, usual = fields[column]
            unit = printed.units.get(column) or usual
            if unit not in FACTORS or unit[-1] != usual[-1]:
                raise Place(printed.path, None, column).wrong(f"{usual} or the like as its unit", unit)
            wanted[column] = (name, FACTORS[unit])
    return wanted


def _finished(series: Series, power: str, clock: dict[str, str], printed: _Printed) -> Recording:
    keys, without = series.with_power()
    gpus = all(name.startswith("GPU ") for _, name in keys)
    devices: dict[Key, Device] = {
        key: Device(index=int(key[1].split()[1]) if gpus else at, name=key[1], **series.limits(key))
        for at, key in enumerate(keys)
    }
    unread = [column for column in printed.columns if column not in {*FIELDS, power}]
    conditions = {"tool": "dcgmi dmon", "field": power} | clock
    conditions |= {"without power": listed([name for _, name in without])} if without else {}
    conditions |= {"not read": listed(unread)} if unread else {}
    return series.recording(devices, "dcgm", conditions, begin="interval" not in clock)
