"""What a report says of a measured load in place of a job."""

from __future__ import annotations

from typing import Any

from clustersim import units
from clustersim.report.words import number, percent
from clustersim.study.result import Result

MW = 1e6


def load_lines(result: Result) -> list[tuple[str, str]]:
    """Return label and text of what is known of a measured load, in order."""
    load = result.scenario["load"]
    record = load["record"]
    lines = [
        ("record", f"{record['name']}: {record['source']}"),
        (
            "of it",
            f"{load['units']:,} loads at {load['site']}, pairwise correlation "
            f"{number(units.parse(load['coherence'], 'ratio'))}",
        ),
        ("levels", _levels(record, load["units"])),
        (
            "cycle",
            f"{record['period']} with a standard deviation of {record['period_sd']}, {percent(_si(record, 'duty'))} "
            f"of it at the high level, from {record['cycles']} cycles",
        ),
        ("horizon", f"{number(result.summary['horizon_days'])} days without a stop: no job, no failures"),
    ]
    sensor_s = _si(record, "sensor")
    if sensor_s > 0.0:
        lines.append(("sensor", f"averages over {number(sensor_s)} s: peaks, swings and ramps are lower bounds"))
    return lines


def cycle_s(result: Result) -> float:
    """Return the time after which the power of a result repeats: an iteration, or a measured load's period. [s]"""
    return (
        _si(result.scenario["load"]["record"], "period")
        if result.measured
        else float(result.summary["iteration_time_s"])
    )


def _levels(record: dict[str, Any], count: int) -> str:
    low, high = (number(count * _si(record, key) / MW) for key in ("low", "high"))
    idle = f", idle {number(count * _si(record, 'idle') / MW)} MW" if record.get("idle") is not None else ""
    return f"high {high} MW, low {low} MW in {len(record['dips'])} dips per cycle{idle}"


def _si(record: dict[str, Any], key: str) -> float:
    """Return a quantity of a resolved record in SI units."""
    dimension = {"period": "time", "sensor": "time", "duty": "ratio"}.get(key, "power")
    return units.parse(record[key], dimension)
