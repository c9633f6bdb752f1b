"""What was recorded of accelerators: readings of each, markers of what they did, and what the sensor can show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from clustersim.errors import InputError, problem_text
from clustersim.whole_file import write_whole

Array = NDArray[np.float64]
FORMAT = 1
"""Version of the file."""
KEY = b"clustersim.recording"
"""Of the metadata in the schema of the Parquet file."""
MOST_METADATA = 50_000_000
"""Largest metadata that are read. [B]"""
MOST_SAMPLES = 100_000_000
"""Most readings of all devices together that are read."""
POWER = "power_w"
READINGS = (POWER, "energy_j", "sm_clock_mhz", "memory_clock_mhz", "temperature_c", "utilisation_percent")
"""What can be read of a device; only power must be there. Columns of the file are ``gpu0_power_w`` and so on."""


class Record(BaseModel):
    """A frozen record that knows all its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Device(Record):
    """An accelerator that was recorded."""

    index: int = Field(ge=0)
    name: str
    """As its driver or the export calls it."""
    limit_w: float | None = Field(default=None, gt=0)
    """Power limit while it was recorded. [W]"""
    rated_w: float | None = Field(default=None, gt=0)
    """Default power limit. [W]"""


class Marker(Record):
    """What a device did from one time to another, by the clock of the recording."""

    activity: str
    """``matrix``, ``memory``, ``exchange``, ``wait``, ``idle``, ``context``, ``stall``, ``duty`` and so on."""
    begin_s: float
    end_s: float
    device: int = Field(default=0, ge=0)
    """Place in the devices of the recording."""
    words: dict[str, str] = Field(default_factory=dict)
    """Such as the precision of a product."""
    figures: dict[str, float] = Field(default_factory=dict)
    """Such as its dimensions, how often it was done, how long once took; names end in their unit."""

    @model_validator(mode="after")
    def _ends_later(self) -> Marker:
        if not self.end_s > self.begin_s:
            raise ValueError(f"expected an end after the begin at {self.begin_s:g} s, found {self.end_s:g} s")
        return self


class Band(Record):
    """A measured value with its interval at 95 % confidence."""

    value: float
    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Band:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"expected low <= value <= high, found {self.low:g}, {self.value:g}, {self.high:g}")
        return self


class Sensor(Record):
    """What a power sensor shows: every `refresh_s` the mean of the power over `window_s`, `delay_s` later."""

    refresh_s: Band
    """Between new readings. [s]"""
    window_s: Band | None = None
    """Over which a reading is the mean; absent where it was not measured. [s]"""
    delay_s: Band | None = None
    """From the end of the window to the time at which the reading is there. [s]"""
    edges: int = Field(default=0, ge=0)
    """Rises and falls of a known load that window and delay were measured on."""
    by: str = ""
    """How, in words."""


@dataclass(frozen=True)
class Recording:
    """Readings of one or several devices on one clock."""

    name: str
    source: str
    """``nvml``, ``dcgm``, ``ipmi``, ``redfish``, ``torch`` with what read the power, and so on."""
    devices: tuple[Device, ...]
    times_s: Array
    """Increasing; from the begin of the recording. [s], shape (samples,)"""
    readings: Mapping[str, Array]
    """Some of :data:`clustersim.instrument.recording.READINGS`, power among them; NaN where there was none. Each of
    shape (samples, devices)."""
    markers: tuple[Marker, ...] = ()
    sensor: Sensor | None = None
    conditions: Mapping[str, str] = field(default_factory=dict)
    """When, with which driver, which field of the sensor, how often asked: what a reader must know to judge it."""

    def __post_init__(self) -> None:
        """Check shapes and order, and make the arrays read-only."""
        shape = (self.times_s.size, len(self.devices))
        if self.times_s.ndim != 1 or 0 in shape:
            raise ValueError(f"expected times in one dimension and at least one device, got {shape}")
        if self.times_s.size > 1 and not (np.diff(self.times_s) > 0.0).all():
            raise ValueError("expected times that increase")
        if POWER not in self.readings or set(self.readings) - set(READINGS):
            raise ValueError(f"expected power_w among readings of {READINGS}, got {sorted(self.readings)}")
        for name, array in self.readings.items():
            if array.shape != shape:
                raise ValueError(f"expected {name} of shape {shape}, got {array.shape}")
            array.setflags(write=False)
        self.times_s.setflags(write=False)
        wrong = [one.device for one in self.markers if one.device >= shape[1]]
        if wrong:
            raise ValueError(f"expected markers of {shape[1]} devices, got one of device {wrong[0]}")

    def power_w(self, device: int = 0) -> Array:
        """Return the power of a device. [W], shape (samples,)"""
        return np.asarray(self.readings[POWER][:, device])

    def marked(self, activity: str, device: int | None = None) -> tuple[Marker, ...]:
        """Return the markers of an activity, of one device or of all."""
        return tuple(
            one for one in self.markers if one.activity == activity and (device is None or one.device == device)
        )


def recording_table(recording: Recording) -> pa.Table:
    """Return a recording as a table: `time_s`, `power_w` of all devices together, and each reading of each device.

    With that any tool that takes a trace takes a recording; what it is besides stands in the metadata of the schema. A
    hole in one device's readings stays one in its own column.
    """
    columns: dict[str, Array] = {"time_s": recording.times_s, POWER: _together(recording)}
    for at in range(len(recording.devices)):
        columns |= {f"gpu{at}_{name}": array[:, at] for name, array in recording.readings.items()}
    told = {
        "format": FORMAT,
        "name": recording.name,
        "source": recording.source,
        "devices": [one.model_dump() for one in recording.devices],
        "markers": [one.model_dump() for one in recording.markers],
        "sensor": None if recording.sensor is None else recording.sensor.model_dump(),
        "conditions": dict(recording.conditions),
    }
    return pa.table(columns).replace_schema_metadata({KEY: json.dumps(told, allow_nan=False).encode()})


def _together(recording: Recording) -> Array:
    """Return the power of all devices together; where one has no reading, on the line between its neighbours. [W]"""
    power = recording.readings[POWER]
    total = np.zeros(recording.times_s.size)
    for at in range(power.shape[1]):
        there = np.isfinite(power[:, at])
        if there.any():
            total += np.interp(recording.times_s, recording.times_s[there], power[there, at])
    return total


def write_recording(path: Path, recording: Recording) -> None:
    """Write a recording as Parquet, whole or not at all.

    Raises
    ------
    InputError
        If the name does not end in ``.parquet``, or the file cannot be written.
    """
    if path.suffix != ".parquet":
        raise InputError(f"{path}: expected a name that ends in .parquet, found {path.suffix or 'no ending'}")
    table = recording_table(recording)
    write_whole(path, lambda working: parquet.write_table(table, working, compression="zstd"))


class _Told(Record):
    """The metadata of a file."""

    format: int
    name: str
    source: str
    devices: tuple[Device, ...] = Field(min_length=1)
    markers: tuple[Marker, ...]
    sensor: Sensor | None
    conditions: dict[str, str]


def read_recording(path: Path) -> Recording:
    """Return the recording in a file that :func:`write_recording` wrote.

    Raises
    ------
    InputError
        If it cannot be read, is no recording, is of another format, or its columns and devices do not agree.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with parquet.ParquetFile(path) as file:
            found = dict(file.schema_arrow.metadata or {}).get(KEY)
            if found is None:
                raise InputError(
                    f"{path}: expected a recording of `clustersim record`, found Parquet of something else"
                )
            size = file.metadata.num_rows * file.metadata.num_columns
            if len(found) > MOST_METADATA or size > MOST_SAMPLES:
                raise InputError(f"{path}: expected at most {MOST_SAMPLES:,} readings, found {size:,}")
            told = _told(path, found)
            columns = {name: file.read([name]).column(0) for name in file.schema_arrow.names}
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as Parquet: {error}") from None
    return _recording(path, told, columns)


def _told(path: Path, found: bytes) -> _Told:
    try:
        data = json.loads(found)
        told_format = data.get("format") if isinstance(data, dict) else None
        if told_format != FORMAT:
            raise InputError(f"{path}: expected a recording of format {FORMAT}, found {told_format}")
        return _Told.model_validate(data)
    except ValidationError as error:
        raise InputError(f"{path}: metadata: {problem_text(error.errors()[0])}") from None
    except ValueError as error:
        raise InputError(f"{path}: metadata: {error}") from None


def _recording(path: Path, told: _Told, columns: Mapping[str, Any]) -> Recording:
    def numbers(name: str) -> Array:
        if name not in columns:
            raise InputError(f"{path}: expected a column {name}, found none")
        column = columns[name]
        if not pa.types.is_floating(column.type) and not pa.types.is_integer(column.type):
            raise InputError(f"{path}: {name}: expected numbers, found {column.type}")
        return np.asarray(column.to_numpy(), dtype=np.float64)

    there = [name for name in READINGS if f"gpu0_{name}" in columns or name == POWER]
    readings = {
        name: np.stack([numbers(f"gpu{at}_{name}") for at in range(len(told.devices))], axis=1) for name in there
    }
    try:
        return Recording(
            told.name, told.source, told.devices, numbers("time_s"), readings, told.markers, told.sensor,
            told.conditions,
        )  # fmt: skip
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
