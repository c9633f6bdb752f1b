"""What a recording tells of an accelerator under power limits and locked clocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.instrument.capping import Overshoot, Point, curve, is_set, overshoots, points, setting_levels
from clustersim.instrument.levels import Readings, Window
from clustersim.instrument.recording import Marker, Recording
from clustersim.study.device_works import work_of


@dataclass(frozen=True)
class Capped:
    """Products under settings that the user permitted."""

    limits: tuple[Point, ...] = ()
    """By power limit, the lowest first."""
    clocks: tuple[Point, ...] = ()
    """By locked clock; the last was not locked."""
    curve: tuple[Point, ...] = ()
    """Speed against power, of the limits where they were set, else of the clocks; empty where they tell none."""
    overshoots: tuple[Overshoot, ...] = ()
    """By length of the bursts."""
    entered: Overshoot | None = None
    """That of the longest bursts, which the catalog's is of, where its interval is narrow enough."""


def measured_capping(
    recording: Recording, device: int, markers: Sequence[Marker], readings: Readings, window: Window,
    left_out: dict[str, str],
) -> Capped:  # fmt: skip
    """Return what was measured under settings of a device; `left_out` is told why something is missing."""
    own = [one for one in markers if is_set(one)]
    if not own:
        return Capped()
    known, missing = setting_levels(markers, readings, window, work_of)
    left_out |= missing
    clock_of = _clocks(recording, device)
    found: dict[str, tuple[Point, ...]] = {}
    for quantity in ("limit", "clock"):
        try:
            found[quantity] = points(quantity, own, known, clock_of)
        except InputError as error:
            left_out[f"products under a {quantity}"] = str(error)
            found[quantity] = ()
    bursts, untold = overshoots(known)
    left_out |= untold
    drawn: tuple[Point, ...] = ()
    try:
        drawn = curve(found["limit"] or found["clock"])
    except InputError as error:
        left_out["speed by power"] = str(error)
    return Capped(found["limit"], found["clock"], drawn, bursts, _entered(bursts, left_out))


def _entered(measured: Sequence[Overshoot], left_out: dict[str, str]) -> Overshoot | None:
    if not measured:
        return None
    share = measured[-1].share
    widest = catalog.entry("instrument", "calibration").si("overshoot.widest")
    if share.high - share.low <= widest:
        return measured[-1]
    left_out["overshoot"] = (
        f"{100 * share.value:.0f} % ({100 * share.low:.0f} to {100 * share.high:.0f}): expected an interval of at most "
        f"{100 * widest:.0f} points"
    )
    return None


def _clocks(recording: Recording, device: int) -> Callable[[Marker], float]:
    """Return the mean clock of the multiprocessors that was read during a marker; NaN where there is none. [MHz]"""
    readings: Mapping[str, np.ndarray] = recording.readings
    if "sm_clock_mhz" not in readings:
        return lambda _: float("nan")
    clocks = readings["sm_clock_mhz"][:, device]
    there = np.isfinite(clocks)
    times, values = recording.times_s[there], clocks[there]

    def mean(marker: Marker) -> float:
        inside = values[(times >= marker.begin_s) & (times < marker.end_s)]
        return float(inside.mean()) if inside.size else float("nan")

    return mean
