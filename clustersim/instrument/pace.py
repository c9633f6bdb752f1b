"""How fast a meter can honestly be read: no faster than a sweep takes, and little faster than its readings change."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from clustersim.errors import InputError
from clustersim.instrument.meter import Meter
from clustersim.instrument.recording import POWER, Array, Band
from clustersim.instrument.refresh import refresh_of

PROBE_S = 4.0
"""How long a meter is read as fast as it can be. [s]"""
PER_REFRESH = 5.0
"""Samples in a refresh: a change is then known to a fifth of it."""
ROOM = 1.25
"""Interval over the time that a slow sweep takes."""
UNKNOWN_S = 0.01
"""Interval where the refresh was not found, since readings of an idle device may stay the same for long. [s]"""


@dataclass(frozen=True)
class Pace:
    """What a meter can do, and how fast it is read because of that."""

    sweep_s: float
    """Time that nine of ten sweeps keep. [s]"""
    refresh: Band | None
    """Shortest of the devices. [s]"""
    interval_s: float
    why: str
    """In words."""


def pace_of(
    meter: Meter,
    probe_s: float = PROBE_S,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Pace:
    """Read a meter as fast as it can be for a while, and return how fast it should be read."""
    begin = clock()
    times: list[float] = []
    took: list[float] = []
    powers: list[Sequence[float]] = []
    while (now := clock()) - begin < probe_s:
        sweep = meter.read()
        took.append(clock() - now)
        if not times or now > times[-1]:
            times.append(now)
            powers.append(sweep[POWER])
        # other threads of this process get a turn; half a millisecond is shorter than any refresh
        sleep(5e-4)
    sweep_s = float(np.quantile(took, 0.9))
    refresh = shortest(refreshes(np.array(times) - begin, np.array(powers, dtype=np.float64)))
    if refresh is None:
        interval = max(UNKNOWN_S, ROOM * sweep_s)
        why = f"the refresh was not found in {probe_s:.3g} s"
    else:
        interval = max(refresh.value / PER_REFRESH, ROOM * sweep_s)
        why = f"a fifth of the refresh of {refresh.value * 1e3:.3g} ms"
    if interval == ROOM * sweep_s:
        why = f"a sweep takes {sweep_s * 1e3:.3g} ms"
    # to two digits, and never less than a sweep takes
    digits = 1 - math.floor(math.log10(interval))
    rounded = max(round(interval, digits), math.ceil(ROOM * sweep_s * 10.0**digits) / 10.0**digits)
    return Pace(sweep_s, refresh, rounded, why)


def refreshes(times_s: Array, power_w: Array) -> tuple[Band | str, ...]:
    """Return the refresh of each device, or why it cannot be told; power of shape (samples, devices)."""
    found: list[Band | str] = []
    for at in range(power_w.shape[1]):
        try:
            found.append(refresh_of(times_s, power_w[:, at]))
        except InputError as error:
            found.append(str(error).removeprefix("refresh: "))
    return tuple(found)


def shortest(found: Sequence[Band | str]) -> Band | None:
    """Return the shortest refresh of several devices, None where none could be told."""
    return min((one for one in found if isinstance(one, Band)), key=lambda one: one.value, default=None)
