"""A power trace of others as a recording: its samples, and a table of what was done when."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from clustersim.errors import InputError, nearest
from clustersim.instrument.recording import Band, Device, Marker, Recording, Sensor
from clustersim.power.device import LEVELS
from clustersim.power.trace_files import Columns, read_trace

NEEDED = ("begin_s", "end_s", "activity")
MOST_ROWS = 100_000
MOST_BYTES = 20_000_000


def read_marked_trace(trace: Path, markers: Path, columns: Columns, count: int, name: str) -> Recording:
    """Return the recording of one accelerator that stands for the mean of those in a trace.

    Parameters
    ----------
    trace : Path
        Any file that ``assess`` takes.
    markers : Path
        CSV with the columns ``begin_s``, ``end_s`` and ``activity``, on the trace's clock; of other columns those that
        hold text, such as ``precision``, are words of a marker, numbers its figures.
    columns : Columns
        How the trace is read; an averaging time of its sensor counts as stated.
    count : int
        Accelerators whose power adds up to the trace's.
    name : str
        Of the accelerator.

    Raises
    ------
    InputError
        If a file cannot be read, or a row of the markers is wrong; the message names it.
    """
    if count < 1:
        raise InputError(f"--count: expected at least 1 accelerator, found {count}")
    read = read_trace(trace, columns)
    stated = columns.sensor_s
    sensor = None
    if stated > 0.0:
        alike = Band(value=stated, low=stated, high=stated)
        sensor = Sensor(refresh_s=Band(value=read.dt_s, low=read.dt_s, high=read.dt_s), window_s=alike, by="stated")
    conditions = {
        "markers": markers.name,
        "mean of": f"{count} accelerators",
        "samples": f"{read.dt_s:g} s, {read.clock}",
    }
    return Recording(
        read.name, "a trace", (Device(index=0, name=name),), read.times_s(), {"power_w": (read.watts / count)[:, None]},
        read_markers(markers), sensor, conditions,
    )  # fmt: skip


def read_markers(path: Path) -> tuple[Marker, ...]:
    """Return the markers in a table; raises as :func:`read_marked_trace` does."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path}: expected a table of markers of at most {MOST_BYTES / 1e6:g} MB, found more")
        table = pd.read_csv(path, nrows=MOST_ROWS + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a table of markers: {error}") from None
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise InputError(f"{path}: expected a column {missing[0]}, found {', '.join(map(str, table.columns))}")
    if not 0 < len(table) <= MOST_ROWS:
        raise InputError(f"{path}: expected 1 to {MOST_ROWS:,} markers, found {len(table):,}")
    return tuple(_marker(path, at, row) for at, row in enumerate(table.to_dict("records"), 1))


def _marker(path: Path, at: int, row: dict[object, object]) -> Marker:
    activity = str(row["activity"])
    if activity not in LEVELS:
        raise InputError(
            f"{path}: row {at}: activity: expected one of {', '.join(LEVELS)}, found {activity!r}"
            f"{nearest(activity, LEVELS)}"
        )
    words: dict[str, str] = {}
    figures: dict[str, float] = {}
    for key, value in row.items():
        if key in NEEDED:
            continue
        if isinstance(value, str):
            words[str(key)] = value
        elif isinstance(value, (int, float)) and math.isfinite(value):
            figures[str(key)] = float(value)
    try:
        begin, end = (float(row[name]) for name in NEEDED[:2])  # type: ignore[arg-type]
        return Marker(activity=activity, begin_s=begin, end_s=end, words=words, figures=figures)
    except (TypeError, ValueError) as error:
        told = str(error).splitlines()[-2].strip() if "\n" in str(error) else str(error)
        raise InputError(f"{path}: row {at}: expected times with begin_s before end_s: {told}") from None
