"""A recording of accelerators as text and JSON data."""

from __future__ import annotations

import math
from typing import Any

from clustersim.instrument.recording import Band, Sensor
from clustersim.study.devices.record import DeviceFigures, Recorded


def record_data(found: Recorded) -> dict[str, Any]:
    """Return a recording in figures, in SI, for JSON."""
    recording = found.recording
    return {
        "name": recording.name,
        "source": recording.source,
        "samples": int(recording.times_s.size),
        "duration_s": found.duration_s,
        "asked_hz": found.asked_hz,
        "reached_hz": None if math.isnan(found.reached_hz) else found.reached_hz,
        "missed_deadlines": found.missed,
        "interval": found.why,
        "interrupted": found.interrupted,
        "sensor": None if recording.sensor is None else recording.sensor.model_dump(),
        "devices": [_device_data(one) for one in found.devices],
        "conditions": dict(recording.conditions),
    }


def _device_data(device: DeviceFigures) -> dict[str, Any]:
    known = isinstance(device.refresh, Band)
    return {
        "name": device.name,
        "mean_w": device.mean_w,
        "min_w": device.min_w,
        "max_w": device.max_w,
        "limit_w": device.limit_w,
        "refresh_s": device.refresh.model_dump() if isinstance(device.refresh, Band) else None,
        "refresh_unknown": None if known else device.refresh,
        "counter_j": device.counter_j,
        "integral_j": device.integral_j,
    }


def record_text(found: Recorded) -> str:
    """Return a recording in figures for a terminal."""
    recording = found.recording
    lines = [f"{recording.name} ({recording.source}): {recording.times_s.size:,} samples in {found.duration_s:.4g} s"]
    if found.asked_hz is not None:
        lines.append(
            f"asked {found.asked_hz:.4g} times a second ({found.why}), reached {found.reached_hz:.4g}; "
            f"{found.missed:,} deadlines missed"
        )
    if found.interrupted:
        lines.append("ended by Ctrl-C")
    lines += [
        "",
        "DEVICE                              mean W    min W    max W  limit W     counter J    integral J   apart",
    ]
    for at, one in enumerate(found.devices):
        limit = "-" if one.limit_w is None else f"{one.limit_w:.0f}"
        lines.append(
            f"{f'{at} {one.name}'[:34]:34}{one.mean_w:8.1f} {one.min_w:8.1f} {one.max_w:8.1f} {limit:>8}"
            f"{_energy(one.counter_j):>14}{_energy(one.integral_j):>14}{_apart(one):>8}"
        )
    lines += ["", "REFRESH OF THE READING"]
    lines += [f"{at} {_refresh(one.refresh)}" for at, one in enumerate(found.devices)]
    sensor = recording.sensor
    if sensor is not None and sensor.window_s is not None:
        lines += ["", sensor_line(sensor)]
    lines += ["", *(f"{key.replace('_', ' ')}: {text}" for key, text in recording.conditions.items())]
    return "\n".join(line.rstrip() for line in lines).rstrip()


def sensor_line(sensor: Sensor) -> str:
    """Return in a line over what a sensor averages, and how late it is."""
    window, delay = (
        "not measured" if band is None else f"{1e3 * band.value:.3g} ms ({1e3 * band.low:.3g} to {1e3 * band.high:.3g})"
        for band in (sensor.window_s, sensor.delay_s)
    )
    return f"sensor by {sensor.by}: a reading is the mean over {window}, there {delay} later; {sensor.edges} edges"


def _energy(value: float | None) -> str:
    return "-" if value is None else f"{value:.5g}"


def _apart(device: DeviceFigures) -> str:
    if not device.counter_j or device.integral_j is None:
        return ""
    return f"{device.integral_j / device.counter_j - 1.0:+.1%}"


def _refresh(found: Band | str) -> str:
    if isinstance(found, str):
        return f"not known: {found}"
    return f"{found.value * 1e3:.6g} ms ({found.low * 1e3:.6g} to {found.high * 1e3:.6g} ms)"
