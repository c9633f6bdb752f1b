"""What dummy compute in the gaps of a step costs: power, and the speed of a copy that runs beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clustersim.instrument.levels import Readings, Window, levels
from clustersim.instrument.recording import Marker


@dataclass(frozen=True)
class Filled:
    """Gaps that were filled in one way."""

    target: float
    """Share of the time that dummy products were to run. [-]"""
    reached: float
    """Share that they ran. [-]"""
    beside: str
    """``nothing`` or ``copy``."""
    gaps: int
    watts: float
    """Mean power in them. [W]"""
    low_w: float
    high_w: float
    copy_bytes_per_s: float | None
    """Rate of the copy beside; None without one. [B/s]"""
    slowdown: float | None
    """Rate of the copy alone over that beside the products, less 1; None where either is missing. [-]"""


def filled_gaps(markers: Sequence[Marker], readings: Readings, window: Window) -> tuple[Filled, ...]:
    """Return what each way of filling a gap cost, in order of what ran beside and of the target.

    Power is that of :func:`clustersim.instrument.levels.levels`, the other parts of the steps being known by their
    activity; ways whose power no reading tells are left out.
    """
    ways: dict[tuple[str, float], list[Marker]] = {}
    for one in markers:
        if "target_share" in one.figures:
            ways.setdefault(_way(one), []).append(one)
    if not ways:
        return ()

    def label(marker: Marker) -> str:
        if "target_share" not in marker.figures:
            return f"{marker.activity} {marker.words.get('precision', '')} {marker.figures.get('m', 0.0):g}"
        return "gap {} {}".format(*_way(marker))

    found = {one.label: one for one in levels(markers, readings, window, label)[0]}
    rates = {way: _mean(own, "bytes_per_second") for way, own in ways.items()}
    made = []
    for way, own in sorted(ways.items()):
        level = found.get("gap {} {}".format(*way))
        if level is None:
            continue
        alone, rate = rates.get(("copy", 0.0)), rates[way]
        slower = alone / rate - 1.0 if alone and rate and way[0] == "copy" and way[1] > 0.0 else None
        reached = _mean(own, "share") or 0.0
        band = level.watts
        made.append(Filled(way[1], reached, way[0], len(own), band.value, band.low, band.high, rate, slower))
    return tuple(made)


def _way(marker: Marker) -> tuple[str, float]:
    return marker.words.get("beside", "nothing"), marker.figures["target_share"]


def _mean(markers: Sequence[Marker], name: str) -> float | None:
    known = [one.figures[name] for one in markers if name in one.figures]
    return float(np.mean(known)) if known else None
