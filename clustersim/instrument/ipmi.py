"""Readings that ``ipmitool dcmi power reading`` printed again and again: the power of a node, from its BMC.

Formats: ipmitool, ``lib/ipmi_dcmi.c`` (what is printed) and ``lib/ipmi_time.c`` (how times are), repository
ipmitool/ipmitool; outputs in "ipmitool dcmi power reading do not work", issue 167 of openbmc/phosphor-host-ipmid.

A BMC tells whole watts, and its time in whole seconds. The state of a reading is ``deactivated`` where the BMC says
that it does not measure: such a reading is none. The time of a block is, in this order, counted from an interval that
is given; that of a line before the block which is a time as in ISO 8601, as ``date -Ins`` prints it; the BMC's own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from clustersim.errors import InputError
from clustersim.instrument.export_file import EPOCH, LONGEST_NAME, MICROSECOND, Place, moment_us, number
from clustersim.instrument.export_series import Series, listed
from clustersim.instrument.recording import POWER, Device, Recording

INSTANT = "Instantaneous power reading"
LEAST, MOST = "Minimum during sampling period", "Maximum during sampling period"
MEAN = "Average power reading over sample period"
TIME, PERIOD, STATE = "IPMI timestamp", "Sampling period", "Power reading state is"
LABEL = re.compile(f"({'|'.join((INSTANT, LEAST, MOST, MEAN, TIME, PERIOD, STATE))}):")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\S+", re.ASCII)
HOST = re.compile(r"ipmitool\b.*?\s-H\s*(\S+)")
WATTS = re.compile(r"(\S+)\s+Watts?")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LONG_TIME = re.compile(r"\w{3}\s+(\w{3})\s+(\d{1,2})\s+(\d\d):(\d\d):(\d\d)\s+(\d{4})\b.*", re.ASCII)
"""As in ``Wed Feb 15 12:49:51 2017``, which older ipmitool prints."""
SHORT_TIME = re.compile(r"(\d\d)/(\d\d)/(\d{4}|\d\d)\s+(\d\d):(\d\d):(\d\d)\b.*", re.ASCII)
"""As in ``02/15/2017 12:49:51 UTC``, which newer ipmitool prints."""
SECONDS = re.compile(r"0*(\d+) Seconds\.?", re.ASCII)
SHORTEST_S, LONGEST_S = 1e-3, 1e5
"""Intervals between blocks that are taken. [s]"""
NODE = "node power, from the BMC"


@dataclass
class _Block:
    """One reading: what stands at each label, with its place, and the stamp before it."""

    place: Place
    stamp: tuple[Place, str] | None
    told: dict[str, tuple[Place, str]] = field(default_factory=dict)


@dataclass
class _Output:
    """All that was printed."""

    blocks: list[_Block] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    """Lines that are no part of a reading: messages of ipmitool, mostly."""


def ipmi_recording(path: Path, text: str, interval_s: float | None = None) -> Recording:
    """Return the recording in repeated readings of the power of a node; `interval_s` is the time between them.

    Raises
    ------
    InputError
        If there is no reading, a time does not come after the one before, or a power is none.
    """
    if interval_s is not None and not SHORTEST_S <= interval_s <= LONGEST_S:
        raise InputError(f"{path}: expected an interval of {SHORTEST_S:g} s to {LONGEST_S:g} s, found {interval_s:g} s")
    output = _output(path, text)
    if len(set(output.hosts)) > 1:
        raise InputError(f"{path}: expected readings of one node, found those of {listed(sorted(set(output.hosts)))}")
    if not output.blocks:
        raise InputError(f"{path}: expected blocks of '{INSTANT}: ... Watts', found none")
    series = Series(path)
    off = 0
    stamped = any(block.stamp is not None for block in output.blocks)
    for at, block in enumerate(output.blocks):
        place, told = block.told[INSTANT]
        value = _watts(place, told)
        if not _active(block):
            value, off = math.nan, off + 1
        time_us = _time_us(block, stamped) if interval_s is None else round(at * interval_s * 1e6)
        series.add(("", NODE), POWER, time_us, value, place)
    if off == len(output.blocks):
        raise InputError(f"{path}: expected a reading whose state is activated, found {off} that are deactivated")
    own = {"clock": "that of the BMC, in whole seconds", "begin": output.blocks[0].told.get(TIME, (None, ""))[1]}
    clock = {"clock": "stamps before the readings"} if stamped else own
    if interval_s is not None:
        clock = {"interval": f"{interval_s:g} s", "clock": "counted from the interval"}
    conditions = {"tool": "ipmitool dcmi power reading"} | clock
    conditions |= _averaging(output.blocks)
    conditions |= {"host": output.hosts[0]} if output.hosts else {}
    conditions |= {"deactivated": f"{off} readings, taken as absent"} if off else {}
    conditions |= {"lines not read": listed(output.unread, 3)} if output.unread else {}
    return series.recording(
        {("", NODE): Device(index=0, name=NODE)}, "ipmi", conditions, begin=interval_s is None and stamped
    )


def _output(path: Path, text: str) -> _Output:
    output, stamp = _Output(), None
    for at, line in enumerate(text.split("\n"), 1):
        place = Place(path, at)
        labels = list(_labels(line))
        for label, told in labels:
            if label == INSTANT:
                output.blocks.append(_Block(place, stamp))
                stamp = None
            if not output.blocks:
                raise place.wrong(f"'{INSTANT}' before what belongs to it", line.strip())
            if label in output.blocks[-1].told:
                raise place.wrong(f"'{label}' once in a reading", line.strip())
            output.blocks[-1].told[label] = (place, told)
        if labels or not line.strip():
            continue
        host = HOST.search(line[:LONGEST_NAME])
        if host:
            output.hosts.append(host[1])
        elif STAMP.fullmatch(line.strip()):
            stamp = (place, line.strip())
        else:
            output.unread.append(f"line {at}")
    return output


def _labels(line: str) -> Iterator[tuple[str, str]]:
    """Yield the labels of a line with what follows each: some versions print two on a line."""
    found = list(LABEL.finditer(line))
    for at, label in enumerate(found):
        end = found[at + 1].start() if at + 1 < len(found) else len(line)
        yield label[1], line[label.end() : end].strip()


def _watts(place: Place, told: str) -> float:
    found = WATTS.fullmatch(told)
    if found is None:
        raise place.wrong("a number of Watts", told)
    return number(found[1], place, "a number of Watts")


def _active(block: _Block) -> bool:
    """Return whether the BMC measures, as the state of the reading says; without a state it does."""
    place, told = block.told.get(STATE, (block.place, "activated"))
    if told not in ("activated", "deactivated"):
        raise place.wrong("activated or deactivated", told)
    return told == "activated"


def _time_us(block: _Block, stamped: bool) -> int:
    if stamped:
        if block.stamp is None:
            raise block.place.wrong("a line with the time before the reading, as before others", None)
        return moment_us(block.stamp[1], block.stamp[0])
    place, told = block.told.get(TIME, (block.place, ""))
    what = "a time of the BMC, or a line with the time before the reading"
    long, short = LONG_TIME.fullmatch(told), SHORT_TIME.fullmatch(told)
    try:
        if long:
            month, day, *clock, year = long.groups()
            parts = [int(year), MONTHS.index(month) + 1, int(day), *map(int, clock)]
        elif short:
            month, day, year, *clock = short.groups()
            parts = [int(year) + (2000 if len(year) == 2 else 0), int(month), int(day), *map(int, clock)]
        else:
            raise place.wrong(what, told or None)
        return (datetime(*parts, tzinfo=UTC) - EPOCH) // MICROSECOND  # type: ignore[arg-type,misc]
    except ValueError:
        raise place.wrong(what, told) from None


def _averaging(blocks: list[_Block]) -> dict[str, str]:
    """Return what the export says of its sampling period, and of the power over it."""
    periods = [SECONDS.sub(r"\1 s", block.told[PERIOD][1]) for block in blocks if PERIOD in block.told]
    first, last = (periods[0], periods[-1]) if periods else ("", "")
    said = {"sampling period": first if first == last else f"{first} to {last}"} if first else {}
    ends = blocks[-1].told
    parts = (("least", LEAST), ("mean", MEAN), ("most", MOST))
    over = [f"{what} {ends[label][1]}" for what, label in parts if label in ends]
    return said | ({"over the sampling period, at the end": ", ".join(over)} if over else {})
