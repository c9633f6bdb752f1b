"""Patterns of an exercise, and what was recorded of one, as text and JSON data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from clustersim.report.record import sensor_line
from clustersim.study.devices.exercise import Exercised, Round, Script

SAYS = {
    "levels": "every level by itself: idle, products by size and precision, streams, waiting kernels",
    "products": "products by size, shape and precision: the curve of matrix efficiency",
    "duty": "square waves of products and nothing: what the sensor averages over",
    "step": "training steps with an exchange gap, an optimizer and checkpoint stalls",
    "dummy": "training steps with dummy compute in the gaps, alone and beside a copy",
    "limits": "products under power limits, for long and in bursts; with --permit-limits",
    "clocks": "products and streams with locked clocks; with --permit-clocks",
}
"""What each pattern is for."""


def _time(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds < 99.5 else f"{seconds / 60.0:.1f} min"


def list_text(made: Sequence[Script]) -> str:
    """Return the patterns, a line each."""
    lines = [f"{'PATTERN':10}{'PARTS':>7}{'LENGTH':>11}  WHAT"]
    lines += [f"{one.pattern:10}{one.count:7}{_time(one.seconds):>11}  {SAYS[one.pattern]}" for one in made]
    return "\n".join(lines)


def list_data(made: Sequence[Script]) -> dict[str, Any]:
    """Return the patterns for JSON."""
    return {
        "patterns": [
            {"name": one.pattern, "parts": one.count, "seconds": one.seconds, "what": SAYS[one.pattern]} for one in made
        ]
    }


def scripts_text(made: Sequence[Script]) -> str:
    """Return all that would be done, in its order."""
    return "\n\n".join("\n".join(_script_lines(one)) for one in made)


def _script_lines(made: Script) -> list[str]:
    lines = [
        f"{made.pattern.upper()}  {made.count} parts, {_time(made.seconds)}",
        f"{'begins':>10}  {'length':>9}  what",
    ]
    begins = 0.0
    for one in made.rounds:
        lines.append(f"{begins:8.2f} s  {_time(one.seconds):>9}  {one.name}")
        if one.times > 1:
            lines.append(f"{'':23}{one.times} times: {_parts(one)}")
        begins += one.seconds
    return lines


def _parts(one: Round) -> str:
    return ", ".join(f"{part.activity} {part.seconds * 1e3:.4g} ms" for part in one.parts)


def scripts_data(made: Sequence[Script]) -> dict[str, Any]:
    """Return all that would be done, in its order, for JSON."""
    return {
        "scripts": [
            {
                "pattern": one.pattern,
                "parts": one.count,
                "seconds": one.seconds,
                "rounds": [_round_data(each) for each in one.rounds],
            }
            for one in made
        ]
    }


def _round_data(one: Round) -> dict[str, Any]:
    parts = [
        {
            "activity": part.activity,
            "seconds": part.seconds,
            "work": {"kind": type(part.work).__name__.lower(), **asdict(part.work)},
            "words": dict(part.words),
            "figures": dict(part.figures),
        }
        for part in one.parts
    ]
    return {
        "name": one.name,
        "times": one.times,
        "marker": one.activity or None,
        "seconds": one.seconds,
        "parts": parts,
    }


def _activities(found: Exercised) -> list[dict[str, Any]]:
    """Return for each activity how often and how long it was done, and what the sensor showed meanwhile."""
    times, power = found.recording.times_s, found.recording.power_w(found.place)
    rows: dict[str, list[tuple[float, float]]] = {}
    for one in found.markers:
        rows.setdefault(one.activity, []).append((one.begin_s, one.end_s))
    made = []
    for activity, spans in rows.items():
        inside = np.zeros(times.size, dtype=bool)
        for begin, end in spans:
            inside[np.searchsorted(times, begin) : np.searchsorted(times, end)] = True
        shown = power[inside & np.isfinite(power)]
        made.append(
            {
                "activity": activity,
                "markers": len(spans),
                "seconds": sum(end - begin for begin, end in spans),
                "mean_w": float(shown.mean()) if shown.size else None,
            }
        )
    return made


def exercised_data(found: Exercised, out: Path) -> dict[str, Any]:
    """Return what was done and recorded, for JSON."""
    return {
        "file": str(out),
        "device": found.recording.devices[found.place].name,
        "samples": int(found.recording.times_s.size),
        "stopped": found.stopped,
        "patterns": [{"name": one.pattern, "parts": one.parts, "of": one.of} for one in found.performed],
        "precisions_left_out": list(found.left_out),
        "sensor": None if found.recording.sensor is None else found.recording.sensor.model_dump(),
        "activities": _activities(found),
    }


def exercised_text(found: Exercised, out: Path) -> str:
    """Return what was done and recorded, for a terminal."""
    recording = found.recording
    length = float(recording.times_s[-1] - recording.times_s[0])
    lines = [f"{recording.devices[found.place].name}: {recording.times_s.size} samples over {_time(length)}"]
    lines += [f"{one.pattern}: {one.parts} of {one.of} parts" for one in found.performed]
    if found.left_out:
        lines.append(f"without products in {', '.join(found.left_out)}, which it does not have")
    lines += ["", f"{'ACTIVITY':12}{'MARKERS':>8}{'LENGTH':>11}{'MEAN POWER':>13}"]
    for row in _activities(found):
        mean = "none" if row["mean_w"] is None else f"{row['mean_w']:.1f} W"
        lines.append(f"{row['activity']:12}{row['markers']:8}{_time(row['seconds']):>11}{mean:>13}")
    sensor = recording.sensor
    if sensor is not None:
        lines += ["", sensor_line(sensor)]
    elif "sensor" in recording.conditions:
        lines += ["", f"sensor not measured: {recording.conditions['sensor']}"]
    lines += ["", f"power as the sensor shows it, late and averaged; recording in {out}"]
    return "\n".join(lines)
