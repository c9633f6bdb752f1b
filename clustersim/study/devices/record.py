"""Accelerators recorded: how fast, until when, and what the recording says in figures."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clustersim.errors import InputError
from clustersim.instrument.meter import Field, Meter, NvmlMeter
from clustersim.instrument.pace import pace_of, refreshes, shortest
from clustersim.instrument.recording import (
    MOST_SAMPLES,
    READINGS,
    Array,
    Band,
    Recording,
    Sensor,
    write_recording,
)
from clustersim.instrument.sampler import Sampler
from clustersim.study.devices.exercise import Kit, performed, real_kit

TOLD_EVERY_S = 10.0
"""How often progress is told. [s]"""
BY = "times between changes of the reading"


@dataclass(frozen=True)
class DeviceFigures:
    """A device of a recording in figures."""

    name: str
    mean_w: float
    """Over the time, power taken as even between readings. [W]"""
    min_w: float
    max_w: float
    limit_w: float | None
    refresh: Band | str
    """Of its power reading, or why it cannot be told. [s]"""
    counter_j: float | None
    """By its own counter between the first and the last time that it was read, if it has one. [J]"""
    integral_j: float | None
    """Of its power between the same times. [J]"""


@dataclass(frozen=True)
class Recorded:
    """A recording and what it says."""

    recording: Recording
    devices: tuple[DeviceFigures, ...]
    asked_hz: float | None
    """Samples a second that were asked for; None of an export."""
    reached_hz: float
    missed: int
    """Deadlines missed."""
    why: str
    """Of the interval, in words."""
    interrupted: bool = False

    @property
    def duration_s(self) -> float:
        """From the first to the last sample. [s]"""
        return float(self.recording.times_s[-1] - self.recording.times_s[0])


def record(
    for_s: float | None = None,
    interval_s: float | None = None,
    field: Field = "instant",
    tell: Callable[[str], None] = lambda _: None,
    open_meter: Callable[[Field], Meter] = NvmlMeter,
    sweep: str | None = None,
    kit: Kit | None = None,
) -> Recorded:
    """Record all accelerators of this machine for a time, or until Ctrl-C; without an interval, as fast as is honest.

    With `sweep`, a device as PyTorch calls it, a duty-cycle sweep on that device comes first: what it tells of the
    sensor is stored with the recording.

    Raises
    ------
    InputError
        If the meter cannot be read, the interval is no time, or the file would hold more readings than can be read.
    """
    if for_s is not None and not for_s > 0.0:
        raise InputError(f"--for: expected a time above 0, got {for_s:g} s")
    if interval_s is not None and not interval_s > 0.0:
        raise InputError(f"--interval: expected a time above 0, got {interval_s:g} s")
    sensor = None if sweep is None else _swept(sweep, field, tell, kit)
    meter = open_meter(field)
    try:
        why = "as asked"
        if interval_s is None:
            tell("how fast the sensors can be read")
            pace = pace_of(meter)
            interval_s, why = pace.interval_s, pace.why
        longest_s = MOST_SAMPLES / (2 + len(READINGS) * len(meter.devices)) * interval_s
        if for_s is not None and for_s > longest_s:
            raise InputError(f"--for: expected at most {longest_s:.3g} s at an interval of {interval_s:g} s")
        sampler = Sampler(meter, interval_s=interval_s, most_s=longest_s if for_s is None else for_s)
        interrupted = _waited(sampler, tell)
        count = len(meter.devices)
        recording = sampler.stop(f"{count} x {meter.devices[0].name}" if count > 1 else meter.devices[0].name)
    finally:
        meter.close()
    tell("figures")
    recording = dataclasses.replace(recording, sensor=sensor)
    missed = int(recording.conditions["missed_deadlines"])
    return dataclasses.replace(
        figures(recording), asked_hz=1.0 / interval_s, missed=missed, why=why, interrupted=interrupted
    )


def _swept(device: str, field: Field, tell: Callable[[str], None], kit: Kit | None) -> Sensor:
    """Return what a duty-cycle sweep tells of the sensor.

    Raises
    ------
    InputError
        If PyTorch or a GPU is missing, or the sweep does not tell.
    """
    found = performed(["duty"], device, tell=tell, kit=kit or real_kit(field))
    if found.recording.sensor is None:
        raise InputError(f"--sweep: {found.recording.conditions['sensor']}")
    return found.recording.sensor


def _waited(sampler: Sampler, tell: Callable[[str], None]) -> bool:
    """Wait until a recording is over; return whether Ctrl-C ended it."""
    try:
        tell("recording; Ctrl-C ends it")
        while not sampler.wait(TOLD_EVERY_S):
            tell(f"recording: {sampler.samples:,} samples in {sampler.now_s:.0f} s; Ctrl-C ends it")
    except KeyboardInterrupt:
        return True
    return False


def read_from(path: Path, kind: str | None = None, interval_s: float | None = None) -> Recorded:
    """Return what an export of another tool says; raises as ``read_export`` does."""
    from clustersim.instrument.exports import read_export

    return figures(read_export(path, kind, interval_s=interval_s))


def figures(recording: Recording) -> Recorded:
    """Return a recording in figures; where it says nothing of its sensor, the refresh is looked for and added."""
    power = np.asarray(recording.readings["power_w"])
    found = refreshes(recording.times_s, power)
    refresh = shortest(found)
    if recording.sensor is None and refresh is not None:
        recording = dataclasses.replace(recording, sensor=Sensor(refresh_s=refresh, by=BY))
    span = float(recording.times_s[-1] - recording.times_s[0])
    reached = (recording.times_s.size - 1) / span if span > 0.0 else math.nan
    devices = tuple(_device(recording, at, found[at]) for at in range(len(recording.devices)))
    return Recorded(recording, devices, None, reached, 0, "as exported")


def _device(recording: Recording, at: int, refresh: Band | str) -> DeviceFigures:
    power = recording.power_w(at)
    there = np.isfinite(power)
    times, power = recording.times_s[there], power[there]
    device = recording.devices[at]
    if not power.size:
        raise InputError(f"{device.name}: expected readings of its power, found none")
    mean = float(np.trapezoid(power, times) / (times[-1] - times[0])) if power.size > 1 else float(power[0])
    counter, integral = _energies(recording, at, times, power)
    return DeviceFigures(
        device.name, mean, float(power.min()), float(power.max()), device.limit_w, refresh, counter, integral
    )


def _energies(recording: Recording, at: int, times: Array, power: Array) -> tuple[float | None, float | None]:
    """Return energy by the counter and by the integral of the power, between first and last reading of the counter."""
    if "energy_j" not in recording.readings:
        return None, None
    energy = recording.readings["energy_j"][:, at]
    read = np.flatnonzero(np.isfinite(energy))
    if read.size < 2 or power.size < 2:
        return None, None
    first, last = recording.times_s[read[0]], recording.times_s[read[-1]]
    inside = times[(times > first) & (times < last)]
    points = np.concatenate([[first], inside, [last]])
    return float(energy[read[-1]] - energy[read[0]]), float(np.trapezoid(np.interp(points, times, power), points))


def check_file(path: Path) -> None:
    """Refuse a file that a recording cannot be written to, before it is made.

    Raises
    ------
    InputError
        If its name does not end in ``.parquet``, it is a folder, or its folder cannot be written in.
    """
    if path.suffix != ".parquet":
        raise InputError(f"{path}: expected a name that ends in .parquet, found {path.suffix or 'no ending'}")
    folder = next(one for one in path.absolute().parents if one.exists())
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(f"{path}: cannot be written")


def write(path: Path, found: Recorded) -> None:
    """Write the recording whole or not at all; raises as ``write_recording`` does."""
    write_recording(path, found.recording)
