"""What a recording tells of an accelerator under power limits and locked clocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.instrument.capping import (
    QUANTITIES,
    Overshoot,
    Point,
    Quantity,
    curve,
    is_set,
    overshoots,
    points,
    setting_levels,
)
from clustersim.instrument.levels import Readings, Window
from clustersim.instrument.recording import Band, Device, Marker, Recording
from clustersim.study.devices.works import work_of


@dataclass(frozen=True)
class Capped:
    """Products under settings that the user permitted."""

    limits: tuple[Point, ...] = ()
    """By power limit, the lowest first."""
    clocks: tuple[Point, ...] = ()
    """By locked clock; the last was not locked."""
    curve: tuple[Point, ...] = ()
    """Speed against power, of the limits where these tell one, else of the clocks."""
    overshoots: tuple[Overshoot, ...] = ()
    """By length of the bursts."""
    entered: Entered | None = None


@dataclass(frozen=True)
class Entered:
    """The overshoot that the catalog takes: of the longest bursts, as its own is, with the free level that it has."""

    overshoot: Overshoot
    share: Band
    """With that free level. [-]"""
    free_w: float
    """Highest level of the accelerator as the catalog will have it. [W]"""


def measured_capping(
    recording: Recording, device: int, markers: Sequence[Marker], readings: Readings, window: Window, free_w: float,
    left_out: dict[str, str],
) -> Capped:  # fmt: skip
    """Return what was measured under settings of a device; `left_out` is told why something is missing.

    `free_w` is the level of matrix products of the catalog, or what was measured of it. [W]
    """
    own = [one for one in markers if is_set(one)]
    if not own:
        return Capped()
    known, missing = setting_levels(markers, readings, window, work_of)
    left_out |= missing
    clock_of = _clocks(recording, device)
    found: dict[Quantity, tuple[Point, ...]] = {}
    for quantity in QUANTITIES:
        try:
            found[quantity] = points(quantity, own, known, clock_of)
        except InputError as error:
            left_out[f"products under a {quantity}"] = str(error)
            found[quantity] = ()
    bursts, untold = overshoots(known)
    left_out |= untold
    drawn = _curve(found, recording.devices[device], left_out)
    lengths = {one.figures["burst_s"] for one in own if "burst_s" in one.figures}
    entered = _entered(bursts, max(lengths, default=0.0), free_w, left_out)
    return Capped(found["limit"], found["clock"], drawn, bursts, entered)


def _curve(found: Mapping[Quantity, tuple[Point, ...]], device: Device, left_out: dict[str, str]) -> tuple[Point, ...]:
    """Return the curve of the limits, else that of the clocks."""
    lowest = catalog.entry("instrument", "calibration").si("capping.lowest")
    why = []
    for quantity, measured in found.items():
        if not measured:
            continue
        top = measured[-1].value if quantity == "limit" else device.limit_w
        lowered = top if top is not None and device.rated_w is not None and top < device.rated_w else None
        try:
            return curve(measured, lowest, lowered)
        except InputError as error:
            why.append(f"{quantity}s: {error}")
    if why:
        left_out["speed by power"] = "; ".join(why)
    return ()


def _entered(
    measured: Sequence[Overshoot], longest_s: float, free_w: float, left_out: dict[str, str]
) -> Entered | None:
    found = [one for one in measured if one.burst_s == longest_s]
    if not found:
        if measured:
            left_out["overshoot"] = f"the catalog's is of the longest bursts, here {1e3 * longest_s:g} ms"
        return None
    try:
        share = found[0].share_at(free_w)
    except InputError as error:
        left_out["overshoot"] = str(error)
        return None
    widest = catalog.entry("instrument", "calibration").si("overshoot.widest")
    if share.high - share.low > widest:
        left_out["overshoot"] = (
            f"{100 * share.value:.0f} % ({100 * share.low:.0f} to {100 * share.high:.0f}): expected an interval of at "
            f"most {100 * widest:.0f} points"
        )
        return None
    return Entered(found[0], share, free_w)


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
