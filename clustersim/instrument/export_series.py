"""Readings as exports tell them, one device and one quantity at a time, put on the union of their times."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.instrument.export_file import Place, moment_text
from clustersim.instrument.recording import POWER, READINGS, Array, Device, Recording

Key = tuple[str, str]
"""Host, or nothing, and what the device is called or told at."""
MOST_CELLS = 20_000_000
"""Most readings of an export, absent ones among them: times on which few devices agree make a large table of holes."""
MOST_DEVICES = 2_000
"""Most devices of an export."""
LONGEST_LISTED = 150
"""Characters of a name among others in a condition or a message."""
LIMIT = "limit_w"
RATED = "rated_w"
"""Series that are no readings: power limits, told with the readings."""
SIGNED = ("temperature_c",)
"""Readings that may be below zero."""


@dataclass
class _Told:
    """One quantity of one device: times that increase, and a value or NaN at each."""

    times_us: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


@dataclass
class Series:
    """Gathers readings; each device has a key."""

    path: Path
    told: dict[Key, dict[str, _Told]] = field(default_factory=dict)
    repeated: int = 0
    """Readings that were told again, the same, by a later part of the export."""
    _highest_w: float = field(default_factory=lambda: catalog.entry("traces", "clock").si("highest"))

    def add(
        self, device: Key, name: str, time_us: int, value: float, place: Place, *, since: int | None = None
    ) -> None:
        """Add a reading; NaN says that the export has none there.

        A reading that an earlier part of the export told in the same way is passed over where `since` says how many
        there were before the part began, see :meth:`count`.

        Raises
        ------
        InputError
            If its time does not come after the one before, or no such power, energy, clock or share can be.
        """
        if value < 0.0 and name not in SIGNED:
            raise place.wrong(f"{name} of at least 0", value)
        if value > self._highest_w and name == POWER:
            raise place.wrong(f"at most {self._highest_w:g} W", value)
        of_device = self.told.get(device)
        if of_device is None:
            if len(self.told) >= MOST_DEVICES:
                raise InputError(f"{place}: expected at most {MOST_DEVICES:,} devices, found more")
            of_device = self.told[device] = {}
        told = of_device.setdefault(name, _Told())
        if told.times_us and time_us <= told.times_us[-1]:
            self._again(told, time_us, value, place, since)
            return
        told.times_us.append(time_us)
        told.values.append(value)

    def _again(self, told: _Told, time_us: int, value: float, place: Place, since: int | None) -> None:
        at = bisect_left(told.times_us, time_us)
        same = told.times_us[at] == time_us
        if since is not None and at < since and same and (told.values[at] == value or value != value):
            self.repeated += 1
            return
        last = moment_text(told.times_us[-1])
        raise InputError(
            f"{place}: expected a time after {last}, found {moment_text(time_us)}{' a second time' if same else ''}"
        )

    def count(self, device: Key, name: str) -> int:
        """Return how many readings of a quantity there are."""
        told = self.told.get(device, {}).get(name)
        return 0 if told is None else len(told.times_us)

    def constant(self, device: Key, name: str) -> float | None:
        """Return the value that a quantity, such as a limit, has all the time; None where it has several or none."""
        told = self.told[device].get(name)
        values = set() if told is None else {value for value in told.values if value == value}
        return next(iter(values)) if len(values) == 1 else None

    def limits(self, device: Key) -> dict[str, float | None]:
        """Return the power limits of a device that hold all the time, as its record takes them."""
        return {name: self.constant(device, name) or None for name in (LIMIT, RATED)}

    def with_power(self) -> tuple[list[Key], list[Key]]:
        """Return the devices that have a reading of power, and the others."""
        there = [key for key, told in self.told.items() if POWER in told and any(v == v for v in told[POWER].values)]
        kept = set(there)
        return there, [key for key in self.told if key not in kept]

    def recording(
        self, devices: Mapping[Key, Device], source: str, conditions: Mapping[str, str], begin: bool = True
    ) -> Recording:
        """Return the recording of some devices, in their order, from their first time on.

        Raises
        ------
        InputError
            If none has power, or the table of their readings were too large.
        """
        if not devices:
            raise InputError(f"{self.path}: expected at least one reading of power, found none")
        kept = [{name: told for name, told in self.told[key].items() if name in READINGS} for key in devices]
        times_us = np.unique(np.concatenate([one.times_us for told in kept for one in told.values()]).astype(np.int64))
        names = [name for name in READINGS if any(name in told for told in kept)]
        cells = times_us.size * (2 + len(names) * len(kept))
        if cells > MOST_CELLS:
            raise InputError(
                f"{self.path}: expected at most {MOST_CELLS:,} readings on {times_us.size:,} times, found {cells:,}: "
                "export fewer devices or a shorter time"
            )
        readings: dict[str, Array] = {name: np.full((times_us.size, len(kept)), np.nan) for name in names}
        for at, told in enumerate(kept):
            for name, one in told.items():
                readings[name][np.searchsorted(times_us, np.asarray(one.times_us, dtype=np.int64)), at] = one.values
        from_begin = {"begin": moment_text(int(times_us[0]))} if begin else {}
        again = {"told again": f"{self.repeated} readings, passed over"} if self.repeated else {}
        return Recording(
            self.path.name.split(".")[0], source, tuple(devices.values()), (times_us - times_us[0]) / 1e6, readings,
            conditions=from_begin | dict(conditions) | again,
        )  # fmt: skip


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return names for a condition: all of a few, else the first and how many more."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (
        ", ".join(name if len(name) <= LONGEST_LISTED else f"{name[:LONGEST_LISTED]}..." for name in names[:most])
        + more
    )


def counted(names: Counter[str]) -> str:
    """Return what was not read, the most frequent first."""
    return listed([f"{name[:LONGEST_LISTED]} ({times})" for name, times in names.most_common()])
