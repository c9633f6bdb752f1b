"""A load that follows the hours of the day, and its exact means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from clustersim import catalog
from clustersim.units import DAY_S, HOUR_S

HOURS = 24


def hour_of_day(local_s: float) -> int:
    """Return the hour of the day, 0 to 23, that holds a local time counted from a midnight; an hour holds its begin."""
    # half a millisecond: an edge that rounding put just before the full hour belongs to that hour
    return math.floor((local_s + 5e-4) / HOUR_S) % HOURS


@dataclass(frozen=True)
class DailyLoad:
    """A load that is constant within each hour and the same on every day."""

    shares: tuple[float, ...]
    """Load in each of 24 local hours, from midnight on. [-]"""
    utc_offset_s: float = 0.0
    """Local time less universal time; time 0 is midnight, universal time. [s]"""

    def __post_init__(self) -> None:
        """Check the number of hours."""
        if len(self.shares) != HOURS:
            raise ValueError(f"expected 24 hourly shares, got {len(self.shares)}")

    def at(self, time_s: float) -> float:
        """Return the load [-] in the hour that holds `time_s` (:func:`hour_of_day`)."""
        return self.shares[hour_of_day(time_s + self.utc_offset_s)]

    def changes_s(self, horizon_s: float) -> tuple[float, ...]:
        """Return the times [s] in ``(0, horizon_s)`` at which the load changes."""
        first = math.floor(self.utc_offset_s / HOUR_S) + 1
        last = math.ceil((horizon_s + self.utc_offset_s) / HOUR_S)
        ends = [(k, k * HOUR_S - self.utc_offset_s) for k in range(first, last)]
        return tuple(t for k, t in ends if t > 0.0 and self.shares[k % HOURS] != self.shares[(k - 1) % HOURS])

    def integral_s(self, start_s: float, end_s: float) -> float:
        """Return the integral of the load [s] over ``[start_s, end_s]``, exact."""
        return self._from_midnight_s(end_s + self.utc_offset_s) - self._from_midnight_s(start_s + self.utc_offset_s)

    def mean(self, start_s: float, end_s: float) -> float:
        """Return the mean load [-] over ``[start_s, end_s]``.

        Examples
        --------
        >>> DailyLoad((0.5,) * 12 + (1.0,) * 12).mean(0.0, DAY_S)
        0.75
        """
        return self.integral_s(start_s, end_s) / (end_s - start_s)

    def _from_midnight_s(self, local_s: float) -> float:
        """Return the integral from local midnight of day 0."""
        days, rest = divmod(local_s, DAY_S)
        hour = min(int(rest // HOUR_S), HOURS - 1)
        part = math.fsum(self.shares[:hour]) * HOUR_S + self.shares[hour] * (rest - hour * HOUR_S)
        return days * math.fsum(self.shares) * HOUR_S + part


def cosine_shares(mean: float, peak_hour: float) -> tuple[float, ...]:
    """Return 24 hourly shares that peak at 1 in the hour of `peak_hour` and have the mean `mean`.

    ``1 - (1 - mean) (1 - cos(2 pi (h - p) / 24))``: the one sinusoid of that mean whose largest hour is 1; its mean
    over 24 equidistant hours is exact.

    Raises
    ------
    ValueError
        If the mean is not in [0.5, 1]: below one half the sinusoid would fall under zero.

    Examples
    --------
    >>> cosine_shares(0.8, 16)[16], round(cosine_shares(0.8, 16)[4], 12)
    (1.0, 0.6)
    """
    if not 0.5 <= mean <= 1.0:
        raise ValueError(f"expected a mean from 0.5 to 1 of the peak, got {mean:g}")
    return tuple(1.0 - (1.0 - mean) * (1.0 - math.cos(2.0 * math.pi * (h - peak_hour) / HOURS)) for h in range(HOURS))


def daily_load(profile: str | Sequence[float], utc_offset_s: float = 0.0) -> DailyLoad:
    """Return the load of 24 given shares, or of a name of the catalog (kind ``daily_profiles``).

    Raises
    ------
    CatalogError
        If the name is unknown.
    """
    if not isinstance(profile, str):
        return DailyLoad(tuple(profile), utc_offset_s)
    entry = catalog.entry("daily_profiles", profile)
    mean = entry.si("nodes.mean") / entry.si("nodes.peak")
    return DailyLoad(cosine_shares(mean, entry.si("peak_hour")), utc_offset_s)
