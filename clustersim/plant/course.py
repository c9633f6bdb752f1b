"""Courses over time: voltages as steps, shares of a load as straight lines with jumps between them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Voltage:
    """Voltage in steps; before the first one it is nominal, the last one holds for ever."""

    start_s: tuple[float, ...]
    """Beginnings, each later than the one before. [s]"""
    level_pu: tuple[float, ...]

    @classmethod
    def dips(cls, residual_pu: float, duration_s: float, count: int = 1, spacing_s: float = 0.0) -> Voltage:
        """Return `count` dips of the same depth and length, the first at time 0.

        Parameters
        ----------
        residual_pu : float
            Voltage in a dip. [pu]
        duration_s, spacing_s : float
            Length of a dip, and time from the beginning of one to that of the next. [s]
        count : int
        """
        starts = [begin for k in range(count) for begin in (k * spacing_s, k * spacing_s + duration_s)]
        return cls(tuple(starts), (residual_pu, 1.0) * count)

    def steps(self, after_s: float = -math.inf) -> Iterator[tuple[float, float, float]]:
        """Yield begin [s], end [s] and level [pu] of each step from `after_s` on; the first may have begun before."""
        begins = (-math.inf, *self.start_s)
        ends, levels = (*self.start_s, math.inf), (1.0, *self.level_pu)
        for begin, end, level in zip(begins, ends, levels, strict=True):
            if end > after_s:
                yield max(begin, after_s), end, level

    def held(self, below: bool, level_pu: float, for_s: float, after_s: float) -> float:
        """Return when the voltage has been below (or not below) a level for some time, without a break; else infinite.

        What lasts exactly `for_s` below the level does not count: a limit that is just kept is kept. The time before
        `after_s` does not count either. [s]
        """
        since = math.inf
        for begin, end, level in self.steps(after_s):
            if (level < level_pu - 1e-9) != below:
                since = math.inf
                continue
            since = min(since, begin)
            reached = since + for_s
            if reached < end - 1e-9:
                return max(reached, begin)
        return math.inf

    @property
    def cleared_s(self) -> float:
        """Beginning of the last step. [s]"""
        return self.start_s[-1]


@dataclass(frozen=True)
class Course:
    """A quantity between corners on straight lines; two corners at one time are a jump. Constant before and after."""

    time_s: Floats
    value: Floats

    @classmethod
    def of(cls, corners: Sequence[tuple[float, float]]) -> Course:
        """Return the course through (time [s], value) corners in order of time."""
        table = np.array(corners, dtype=np.float64)
        return cls(table[:, 0], table[:, 1])

    def after(self, time_s: Floats) -> Floats:
        """Return the values just after some times."""
        right = np.searchsorted(self.time_s, time_s, side="right")
        return self._between(time_s, right)

    def before(self, time_s: Floats) -> Floats:
        """Return the values just before some times."""
        left = np.searchsorted(self.time_s, time_s, side="left")
        return self._between(time_s, left)

    def _between(self, time_s: Floats, right: NDArray[np.intp]) -> Floats:
        last = self.time_s.size - 1
        a, b = np.clip(right - 1, 0, last), np.clip(right, 0, last)
        span = self.time_s[b] - self.time_s[a]
        share = np.divide(time_s - self.time_s[a], span, out=np.zeros_like(time_s), where=span > 0.0)
        return np.asarray(self.value[a] + np.clip(share, 0.0, 1.0) * (self.value[b] - self.value[a]))

    def means(self, t0_s: float, dt_s: float, samples: int) -> Floats:
        """Return the exact mean of each bin of a clock; shape (samples,)."""
        edges = t0_s + dt_s * np.arange(samples + 1)
        inside = self.time_s[(self.time_s > edges[0]) & (self.time_s < edges[-1])]
        times = np.union1d(edges, inside)
        parts = np.diff(times) * (self.after(times[:-1]) + self.before(times[1:])) / 2.0
        total = np.concatenate(([0.0], np.cumsum(parts)))
        return np.diff(total[np.searchsorted(times, edges)]) / np.diff(edges)

    def integral(self, begin_s: float, end_s: float) -> float:
        """Return the integral between two times, in the unit of the value times seconds."""
        return float(self.means(begin_s, end_s - begin_s, 1)[0]) * (end_s - begin_s)


def added(parts: Sequence[tuple[float, Course]]) -> Course:
    """Return the sum of courses, each times a factor."""
    times = np.unique(np.concatenate([course.time_s for _, course in parts]))
    before = sum(factor * course.before(times) for factor, course in parts)
    after = sum(factor * course.after(times) for factor, course in parts)
    return Course(np.repeat(times, 2), np.stack([np.asarray(before), np.asarray(after)], axis=1).ravel())
