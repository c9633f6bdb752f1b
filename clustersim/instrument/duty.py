"""A power sensor measured by a duty-cycle sweep: how often it reads, over what it averages, how late."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clustersim.errors import InputError
from clustersim.instrument.patterns import AROUND
from clustersim.instrument.recording import Marker, Recording, Sensor
from clustersim.instrument.refresh import refresh_of
from clustersim.instrument.sensor import fit_sensor, published

DUTY = "duty"
"""Word `pattern` of the markers of a duty-cycle sweep."""


def sweep_parts(markers: Sequence[Marker]) -> tuple[Marker, ...]:
    """Return the parts of a duty-cycle sweep among markers."""
    return tuple(one for one in markers if one.words.get("pattern") == DUTY and one.activity not in AROUND)


def sensor_of_sweep(recording: Recording, device: int = 0) -> Sensor:
    """Return what the sensor of a device shows, from the duty-cycle sweep in a recording.

    Raises
    ------
    InputError
        If there is no sweep, or it does not tell.
    """
    parts = sweep_parts([one for one in recording.markers if one.device == device])
    if not parts:
        raise InputError(f"{recording.name}: expected markers of a duty-cycle sweep, found none")
    begin, end = min(one.begin_s for one in parts), max(one.end_s for one in parts)
    during = (recording.times_s >= begin) & (recording.times_s <= end)
    times, watts = recording.times_s[during], recording.power_w(device)[during]
    there = np.isfinite(watts)
    refresh = refresh_of(times[there], watts[there])
    found = fit_sensor(parts, published(times, watts))
    return Sensor(
        refresh_s=refresh, window_s=found.window_s, delay_s=found.delay_s, edges=found.edges, by="duty-cycle sweep"
    )
