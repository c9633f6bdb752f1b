"""Several recordings of the same devices as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clustersim.errors import InputError
from clustersim.instrument.recording import Device, Recording

SAME = ("field", "uuid")
"""Conditions that recordings of one device by one sensor have in common."""
PAUSE_S = 60.0
"""Between the end of a recording and the begin of the next, longer than any sensor averages. [s]"""


def joined(recordings: Sequence[Recording]) -> Recording:
    """Return recordings one after the other on one clock; readings that one of them lacks are left out.

    Raises
    ------
    InputError
        If there is none, or they are not of the same devices read in the same way.
    """
    if not recordings:
        raise InputError("expected at least one recording, found none")
    first = recordings[0]
    if len(recordings) == 1:
        return first
    for one in recordings[1:]:
        if one.devices != first.devices or one.source != first.source:
            raise InputError(
                f"{one.name}: expected the devices, limits and source of {first.name}, found "
                f"{', '.join(_told(part) for part in one.devices)} by {one.source}"
            )
        for key in SAME:
            if one.conditions.get(key) != first.conditions.get(key):
                known, found = first.conditions.get(key), one.conditions.get(key)
                raise InputError(f"{one.name}: {key}: expected {known}, as in {first.name}, found {found}")
    names = set(first.readings).intersection(*(one.readings for one in recordings))
    times, markers, begin = [], [], 0.0
    for one in recordings:
        shift = begin - float(one.times_s[0])
        times.append(one.times_s + shift)
        markers += [
            part.model_copy(update={"begin_s": part.begin_s + shift, "end_s": part.end_s + shift})
            for part in one.markers
        ]
        last = max([float(times[-1][-1]), *(part.end_s + shift for part in one.markers)])
        begin = last + PAUSE_S
    return Recording(
        " + ".join(one.name for one in recordings), first.source, first.devices, np.concatenate(times),
        {name: np.concatenate([one.readings[name] for one in recordings]) for name in sorted(names)},
        tuple(markers), next((one.sensor for one in recordings if one.sensor is not None), None), first.conditions,
    )  # fmt: skip


def _told(device: Device) -> str:
    return device.name if device.limit_w is None else f"{device.name} at {device.limit_w:g} W"
