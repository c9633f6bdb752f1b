"""When the repair crew is at work: working time as a function of time, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass

from clustersim.units import DAY_S

DAYS_PER_WEEK = 7
WEEK_S = DAYS_PER_WEEK * DAY_S


@dataclass(frozen=True)
class Shifts:
    """One shift a day, on the first so many days of the week.

    Working time ``w(t)`` grows by one second per second inside a shift and rests outside, so a repair that takes `d`
    of work and begins at `t` ends at the first time at which ``w = w(t) + d``.
    """

    hours_s: float = DAY_S
    """Length of the shift of a day. [s]"""
    days_per_week: int = DAYS_PER_WEEK
    first_s: float = 0.0
    """When the shift begins, after midnight. [s]"""
    origin_s: float = 0.0
    """Where in the week time 0 lies, after midnight from Sunday to Monday. [s]"""

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0.0 < self.hours_s <= DAY_S or not 1 <= self.days_per_week <= DAYS_PER_WEEK:
            raise ValueError("expected a shift of 0 to 24 h on 1 to 7 days a week")
        if not 0.0 <= self.first_s <= DAY_S - self.hours_s:
            raise ValueError("expected a shift that begins and ends on the same day")
        if not 0.0 <= self.origin_s < WEEK_S:
            raise ValueError("expected time 0 within the week")

    @property
    def continuous(self) -> bool:
        """Whether somebody is always at work."""
        return self.hours_s == DAY_S and self.days_per_week == DAYS_PER_WEEK

    @property
    def _week_s(self) -> float:
        return self.days_per_week * self.hours_s

    def _since_monday(self, time_s: float) -> float:
        """Return the working time [s] from the first Monday's midnight to `time_s` after it."""
        weeks, rest = divmod(time_s, WEEK_S)
        day, clock = divmod(rest, DAY_S)
        days = min(day, float(self.days_per_week))
        today = min(max(clock - self.first_s, 0.0), self.hours_s) if day < self.days_per_week else 0.0
        return weeks * self._week_s + days * self.hours_s + today

    def work_until(self, time_s: float) -> float:
        """Return the working time [s] from time 0 to `time_s`."""
        if self.continuous:
            return time_s
        return self._since_monday(self.origin_s + time_s) - self._since_monday(self.origin_s)

    def when_done(self, work_s: float) -> float:
        """Return the first time [s] at which `work_s` of working time are over."""
        return self._when(work_s, last=False)

    def when_begun(self, work_s: float) -> float:
        """Return the last time [s] at which no more than `work_s` of working time are over: work goes on there."""
        return self._when(work_s, last=True)

    def _when(self, work_s: float, *, last: bool) -> float:
        if self.continuous:
            return work_s
        work = work_s + self._since_monday(self.origin_s)
        days, today = divmod(work, self.hours_s)
        if today == 0.0 and not last:
            # the shift before is just over; the next one begins only later
            days, today = days - 1.0, self.hours_s
        weeks, day = divmod(days, self.days_per_week)
        time_s = weeks * WEEK_S + day * DAY_S + self.first_s + today - self.origin_s
        return max(0.0, time_s) if math.isfinite(time_s) else math.inf
