"""COMTRADE (IEEE C37.111-1999 and -2013): configuration and data file, ASCII, BINARY, BINARY32 and FLOAT32."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.power.trace import Array, PowerTrace

Form = Literal["ASCII", "BINARY", "BINARY32", "FLOAT32"]
ANALOG = {"BINARY": "<i2", "BINARY32": "<i4", "FLOAT32": "<f4"}
MISSING = {"ASCII": 99999.0, "BINARY": -32768.0, "BINARY32": -2147483648.0}
"""Integer that marks a missing value."""
TICK_S = 1e-6
"""Unit of the time stamps before ``timemult``, by definition of the standard. [s]"""
STAMP = "%d/%m/%Y,%H:%M:%S.%f"
ORIGIN = datetime(1970, 1, 1)
"""Trigger time that is written; a record that starts at ``t0_s`` starts that long after it."""


@dataclass(frozen=True)
class Channel:
    """An analogue channel: ``value = a x + b`` in `unit`, brought to the primary side by `ratio`."""

    name: str
    unit: str
    a: float
    b: float
    ratio: float


@dataclass(frozen=True)
class Record:
    """What a pair of files holds."""

    channels: tuple[Channel, ...]
    times_s: Array
    """Seconds after the trigger. [s], shape (samples,)"""
    values: Array
    """In the channels' units, NaN where missing, shape (channels, samples)."""


@dataclass(frozen=True)
class Described:
    """What the configuration says of a record, before its data are read."""

    channels: tuple[Channel, ...]
    samples: int
    data: Path
    text: bool
    """Whether the data are text."""


@dataclass(frozen=True)
class _Head:
    channels: tuple[Channel, ...]
    digital: int
    rates: tuple[tuple[float, int], ...]
    start_s: float
    form: str
    multiplier: float


def _seconds(text: str) -> float:
    """Seconds of a date and time after the origin, to the nanosecond that the standard of 2013 allows."""
    whole, _, rest = text.partition(".")
    digits = "".join(c for c in rest.strip() if c.isdigit())[:9]
    moment = datetime.strptime(whole.strip(), "%d/%m/%Y,%H:%M:%S")
    return (moment - ORIGIN).total_seconds() + (int(digits) / 10.0 ** len(digits) if digits else 0.0)


def _head(path: Path) -> _Head:
    lines = path.read_text(encoding="utf-8", errors="replace").replace("\r", "").split("\n")
    at = 0
    try:
        at = 1
        counts = lines[1].split(",")
        analog, digital = int(counts[1].strip(" Aa")), int(counts[2].strip(" Dd"))
        if analog < 0 or digital < 0:
            raise ValueError("expected counts of channels")
        channels = []
        for at in range(2, 2 + analog):
            part = [text.strip() for text in lines[at].split(",")]
            secondary = len(part) > 12 and part[12].upper() == "S"
            ratio = float(part[10]) / float(part[11]) if secondary else 1.0
            channels.append(Channel(part[1], part[4], float(part[5]), float(part[6]), ratio))
        at = 2 + analog + digital + 1
        count = int(lines[at])
        rates = []
        first = at + 1
        for at in range(first, first + max(1, count)):
            rate, last = lines[at].split(",")[:2]
            rates.append((float(rate) if count else 0.0, int(last)))
        at += 1
        begin = _seconds(lines[at])
        at += 1
        trigger = _seconds(lines[at])
        at += 1
        form = lines[at].strip().upper()
        at += 1
        multiplier = float(lines[at]) if at < len(lines) and lines[at].strip() else 1.0
    except (IndexError, ValueError, ZeroDivisionError) as error:
        found = lines[at] if 0 <= at < len(lines) else "the end"
        raise InputError(f"{path}: line {at + 1}: not a COMTRADE configuration: {found!r} ({error})") from None
    if form not in ("ASCII", *ANALOG):
        raise InputError(f"{path}: line {at}: expected ASCII, BINARY, BINARY32 or FLOAT32, found {form!r}")
    return _Head(tuple(channels), digital, tuple(rates), begin - trigger, form, multiplier)


def _ascii(path: Path, analog: int) -> tuple[Array, Array]:
    stamps, rows = [], []
    lines = path.read_text(encoding="ascii", errors="replace").replace("\x1a", "").splitlines()
    for number, line in enumerate((text for text in lines if text.strip()), start=1):
        part = line.split(",")
        try:
            stamps.append(float(part[1]) if part[1].strip() else math.nan)
            rows.append([float(text) if text.strip() else math.nan for text in part[2 : 2 + analog]])
        except (IndexError, ValueError):
            raise InputError(f"{path}: row {number}: expected number, time and {analog} values: {line!r}") from None
        if len(rows[-1]) < analog:
            raise InputError(f"{path}: row {number}: expected {analog} analogue values, found {len(rows[-1])}")
    return np.array(stamps), np.array(rows, dtype=np.float64).reshape(len(rows), analog).T


def _binary(path: Path, head: _Head) -> tuple[Array, Array]:
    row = np.dtype(
        [("n", "<u4"), ("t", "<u4"), ("x", ANALOG[head.form], (len(head.channels),)),
         ("d", "<u2", (math.ceil(head.digital / 16),))]
    )  # fmt: skip
    size = path.stat().st_size
    if size % row.itemsize:
        raise InputError(f"{path}: row {size // row.itemsize + 1}: cut off; a row has {row.itemsize} bytes")
    data = np.fromfile(path, dtype=row)
    stamps = data["t"].astype(np.float64)
    stamps[data["t"] == 0xFFFFFFFF] = math.nan
    return stamps, data["x"].T.astype(np.float64)


def _times(path: Path, head: _Head, stamps: Array) -> Array:
    """Times from the sampling rates where given, else from the stamps."""
    if head.rates[0][0] == 0.0:
        if not np.isfinite(stamps).all():
            raise InputError(
                f"{path}: row {int(np.argmax(~np.isfinite(stamps))) + 1}: no time stamp, and no sampling rate"
            )
        return np.asarray(head.start_s + (stamps - stamps[0]) * TICK_S * head.multiplier)
    step = np.empty(stamps.size)
    first = 0
    for rate, last in head.rates:
        step[first:last] = 1.0 / rate
        first = last
    step[first:] = 1.0 / head.rates[-1][0]
    return np.asarray(head.start_s + np.concatenate([[0.0], np.cumsum(step[:-1])]))


def described(path: Path) -> Described:
    """Return what the ``.cfg`` at `path` says of its record.

    Raises
    ------
    InputError
        If it does not keep to the format, or there is no data file beside it.
    """
    head = _head(path)
    return Described(head.channels, head.rates[-1][1], _data_of(path), head.form == "ASCII")


def _data_of(path: Path) -> Path:
    data = next((f for f in (path.with_suffix(".dat"), path.with_suffix(".DAT")) if f.is_file()), None)
    if data is None:
        raise InputError(f"{path.with_suffix('.dat')}: no such file; it belongs to {path.name}")
    return data


def read(path: Path) -> Record:
    """Return the analogue channels of a COMTRADE record; `path` is its ``.cfg``, the ``.dat`` lies beside it.

    Raises
    ------
    InputError
        If a file is missing or does not keep to the format; the message names the line or row.
    """
    head = _head(path)
    data = _data_of(path)
    stamps, raw = _ascii(data, len(head.channels)) if head.form == "ASCII" else _binary(data, head)
    if stamps.size == 0:
        raise InputError(f"{data}: empty")
    if stamps.size != head.rates[-1][1]:
        raise InputError(f"{data}: expected {head.rates[-1][1]} rows, found {stamps.size}")
    if head.form in MISSING:
        raw[raw == MISSING[head.form]] = math.nan
    a, b, ratio = (np.array([getattr(c, key) for c in head.channels])[:, None] for key in ("a", "b", "ratio"))
    return Record(head.channels, _times(data, head, stamps), (a * raw + b) * ratio)


def _integers(values: Array, form: Form) -> tuple[NDArray[np.generic], float, float]:
    """Return what is stored, and the factor and offset that bring it back."""
    if form == "FLOAT32":
        return values.astype("<f4"), 1.0, 0.0
    most = catalog.entry("traces", "comtrade").si(form.lower())
    low, high = float(values.min()), float(values.max())
    middle = float(f"{0.5 * (low + high):.9g}")
    span = max(high - middle, middle - low)
    a = float(f"{span / most * (1.0 + 1e-9):.12g}") if span > 0.0 else 1.0
    return np.rint((values - middle) / a).astype(np.int64), a, middle


def encode(trace: PowerTrace, form: Form = "FLOAT32") -> tuple[str, bytes]:
    """Return configuration and data of a record with channels P [MW] and, where known, Q [Mvar], standard of 2013.

    Integers cover the range of the values: the error is at most half of ``(max - min) / (2 M)`` with M = 32,767 of
    BINARY, 99,998 of ASCII, 2,147,483,647 of BINARY32; FLOAT32 is good to 6e-8 of the value. Time stamps are in
    microseconds times ``timemult``, which grows so that long records fit into 32 bits; the sampling rate counts.
    """
    series = [("P", "MW", trace.watts * 1e-6)]
    if trace.vars is not None:
        series.append(("Q", "Mvar", trace.vars * 1e-6))
    stored = [_integers(values, form) for _, _, values in series]
    multiplier = max(1, math.ceil(trace.duration_s / TICK_S / (2**32 - 2)))
    stamps = np.rint(trace.dt_s / TICK_S / multiplier * np.arange(trace.samples)).astype(np.uint32)
    lines = [f"{trace.name.replace(',', ' ')},clustersim,2013", f"{len(series)},{len(series)}A,0D"]
    for number, ((name, unit, _), (x, a, b)) in enumerate(zip(series, stored, strict=True), start=1):
        low, high = (f"{v:.9g}" for v in (x.min(), x.max()))
        lines.append(f"{number},{name},,,{unit},{a:.12g},{b:.12g},0,{low},{high},1,1,P")
    start = ORIGIN + timedelta(seconds=trace.t0_s)
    lines += ["60", "1", f"{1.0 / trace.dt_s!r},{trace.samples}", start.strftime(STAMP), ORIGIN.strftime(STAMP)]
    lines += [form, str(multiplier), "0,0", "0,0", ""]
    counted = np.arange(1, trace.samples + 1, dtype=np.uint32)
    if form == "ASCII":
        columns = zip(counted.tolist(), stamps.tolist(), *(x.tolist() for x, _, _ in stored), strict=True)
        data = "".join(f"{','.join(map(str, row))}\r\n" for row in columns).encode("ascii")
    else:
        table = np.empty(trace.samples, np.dtype([("n", "<u4"), ("t", "<u4"), ("x", ANALOG[form], (len(series),))]))
        table["n"], table["t"] = counted, stamps
        for place, (x, _, _) in enumerate(stored):
            table["x"][:, place] = x
        data = table.tobytes()
    return "\r\n".join(lines), data
