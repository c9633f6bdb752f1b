"""The averaging window and the delay of a power sensor, from a known sequence of activities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.instrument.intervals import GROUPS, groups_of, jackknife_half
from clustersim.instrument.recording import Array, Band, Marker
from clustersim.instrument.schedule import UNMARKED, Schedule, schedule_of, shares

WINDOWS, DELAYS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0), (0.03, 0.1, 0.3, 1.0)
"""First guesses of window and delay, in times between readings."""
PAUSED_S = 10.0
"""Longer without a question, the clock of the readings is looked for anew. [s]"""
MOST_SPANS = 3.0
"""A reading that was looked for over more than so many usual spans of asking is left out."""
PURE = 0.95
"""Share of one label in what a reading is the mean of, from which on it says nothing of the window. [-]"""
FOLLOWED = 3
"""So many of the guesses, the best ones, are followed to their minimum."""
UNTOLD = 1e6
"""Condition from which on a combination of levels is not told by the readings. [-]"""


@dataclass(frozen=True)
class Published:
    """Readings as the sensor published them: a value stands until the next one."""

    at_s: Array
    """When each was there first. [s], shape (readings,)"""
    watts: Array
    """[W], shape (readings,)"""
    within_s: float
    """What a time is uncertain by, to both sides. [s]"""


@dataclass(frozen=True)
class SensorFit:
    """What the sensor does, and how the power follows activity, with intervals at 95 % confidence."""

    window_s: Band
    """Time over which a reading is the mean. [s]"""
    delay_s: Band
    """From the end of that time to when the reading is there. [s]"""
    lag_s: Band
    """First-order lag of power behind activity. [s]"""
    levels_w: dict[str, float]
    """Power of each label of the schedule. [W]"""
    residual_w: float
    """Root mean square of what is left. [W]"""
    readings: int
    edges: int

    @property
    def lag_is_resolved(self) -> bool:
        """Whether the lag is no shorter than the window: of what is shorter an averaging sensor knows too little."""
        return self.lag_s.low >= self.window_s.high


def published(times_s: Array, watts: Array) -> Published:
    """Return the readings that a sensor published, from how it was asked.

    A reading that equals the one before it is not seen as one; the first is left out, for nobody knows since when it
    stood. A reading came some time between the last question that found the one before and the first that found it: its
    time is the middle, or, where one even clock of the sensor goes through all of these spans, the tick of that clock.

    Raises
    ------
    InputError
        If there are fewer than three readings.
    """
    there = np.isfinite(watts)
    times, values = times_s[there], watts[there]
    paused = np.flatnonzero(np.diff(times) > PAUSED_S) + 1
    parts = zip(np.split(times, paused), np.split(values, paused), strict=True)
    found = [part for part in (_published(*one) for one in parts) if part is not None]
    if not found:
        changes = int(np.count_nonzero(np.diff(values)))
        raise InputError(f"sensor: expected a power that changes, found {changes + 1} readings that differ")
    return Published(
        np.concatenate([one.at_s for one in found]),
        np.concatenate([one.watts for one in found]),
        max(one.within_s for one in found),
    )


def _published(times: Array, values: Array) -> Published | None:
    """Return the readings in a stretch without a pause; None where there are fewer than three."""
    changed = np.flatnonzero(np.diff(values) != 0.0) + 1
    if changed.size < 3:
        return None
    early, late = times[changed - 1], times[changed]
    # a reading that came while nobody asked came at no known time
    asked = late - early <= MOST_SPANS * float(np.median(late - early))
    early, late, changed = early[asked], late[asked], changed[asked]
    if changed.size < 3:
        return None
    even = _even_clock(early, late)
    if even is not None:
        return Published(even[0], values[changed], even[1])
    return Published(0.5 * (early + late), values[changed], 0.5 * float(np.quantile(late - early, 0.95)))


def _even_clock(early: Array, late: Array) -> tuple[Array, float] | None:
    """Return the times of an even clock with one tick in each span, and how far it can be moved; None without one.

    The line ``t = a + b n`` with the largest margin to all spans is a linear program. A clock that is asked at a
    multiple of its own step is always caught at the same place of its tick, and stays as uncertain as one reading.
    """
    middle = 0.5 * (early + late)
    step = float(np.median(np.diff(middle)))
    if step <= 2.0 * float(np.median(late - early)):
        return None
    tick = np.concatenate([[0.0], np.cumsum(np.maximum(1.0, np.round(np.diff(middle) / step)))])
    ones = np.ones_like(tick)
    above = np.stack([-ones, -tick, ones], axis=1)
    below = np.stack([ones, tick, ones], axis=1)
    # from the first reading on, so that the numbers are small
    bounds = np.concatenate([-(early - middle[0]), late - middle[0]])
    found = scipy.optimize.linprog(
        [0.0, 0.0, -1.0], np.concatenate([above, below]), bounds, bounds=[(None, None)] * 2 + [(0.0, None)]
    )
    if not found.success:
        return None
    begin, rate, _ = np.asarray(found.x)
    line = middle[0] + begin + rate * tick
    down, up = float(np.min(line - early)), float(np.min(late - line))
    return line + 0.5 * (up - down), 0.5 * (up + down)


def fit_sensor(
    markers: Sequence[Marker], readings: Published, label_of: Callable[[Marker], str] = lambda one: one.activity
) -> SensorFit:
    """Return window and delay of a sensor, and the lag of the power, from a sequence of activities that is known.

    Each reading is taken for ``v = sum_a L_a X_a(u - d - W, u - d)`` with the shares X of
    :func:`clustersim.instrument.schedule.shares`; the levels L follow by linear least squares for each window W, delay
    d and lag (variable projection), these by least squares from several first guesses. Intervals are those of a
    jackknife over stretches of the record (:mod:`clustersim.instrument.intervals`).

    Raises
    ------
    InputError
        If readings or changes of activity are too few to tell, markers miss much of the time, or what they say explains
        too little.
    """
    schedule = schedule_of(markers, label_of)
    inside = (readings.at_s > schedule.edges_s[0]) & (readings.at_s < schedule.edges_s[-1] + 1.0)
    at, watts = readings.at_s[inside], readings.watts[inside]
    least = catalog.entry("instrument", "sensor")
    fewest, edges = int(least.si("readings")), int(least.si("edges"))
    if at.size < fewest or schedule.edges < edges:
        raise InputError(
            f"sensor: expected at least {fewest} readings and {edges} changes of activity, found {at.size} and "
            f"{schedule.edges}"
        )
    during = schedule.label[np.searchsorted(schedule.edges_s, at, side="right") - 1]
    bare = float(np.mean(np.array(schedule.labels)[during] == UNMARKED))
    if bare > least.si("unmarked"):
        raise InputError(
            f"sensor: expected markers of nearly all that was done, found none at {bare:.0%} of the readings"
        )
    model = _Model(schedule, at, watts)
    every = np.ones(at.size, dtype=bool)
    refresh = float(np.median(np.diff(at)))
    guesses = [np.log([window * refresh, delay * refresh, least.si("lag")]) for window in WINDOWS for delay in DELAYS]
    guesses.sort(key=lambda one: float(np.sum(model.residuals(one, every) ** 2)))
    followed = [model.fit(every, one) for one in guesses[:FOLLOWED]]
    best = min(followed, key=lambda one: float(one.cost))
    starts = [one.x for one in followed]
    left_w = float(np.sqrt(2.0 * best.cost / at.size))
    explained = model.levels(best.x, every)
    swing = float(explained.max() - explained.min())
    if left_w > least.si("left") * swing:
        raise InputError(
            f"sensor: expected markers that explain the readings, found {left_w:.3g} W rms left of a swing of "
            f"{swing:.3g} W"
        )
    mixed = int(np.count_nonzero(model.shares(best.x, every).max(axis=1) < PURE))
    if mixed < least.si("mixed"):
        raise InputError(
            f"sensor: expected at least {least.si('mixed'):.0f} readings across a change of activity, found {mixed} (a "
            "duty-cycle sweep has them: `clustersim exercise duty`)"
        )
    groups = groups_of(at.size)
    left_out = np.array([model.fit_from(starts, groups != group) for group in range(GROUPS)])
    found = np.exp(best.x)
    half = jackknife_half(left_out) + readings.within_s
    window, delay, lag = (
        Band(value=float(one), low=float(max(0.0, one - off)), high=float(one + off))
        for one, off in zip(found, half, strict=True)
    )
    if window.low <= 0.0 or window.high - window.low > window.value:
        raise InputError(
            f"sensor: expected a record that tells the window, found {1e3 * window.value:.3g} ms "
            f"({1e3 * window.low:.3g} to {1e3 * window.high:.3g})"
        )
    return SensorFit(
        window, delay, lag, dict(zip(schedule.labels, map(float, explained), strict=True)), left_w, int(at.size),
        schedule.edges,
    )  # fmt: skip


def _level(known: Array, watts: Array) -> Array:
    """Return the levels of least squares by the normal equations, which costs less than by the shares themselves.

    What the readings do not tell (a condition of the shares above :data:`UNTOLD`) becomes the least levels.
    """
    return np.asarray(np.linalg.lstsq(known.T @ known, known.T @ watts, rcond=UNTOLD**-2)[0])


class _Model:
    """Readings of a schedule; unknown are the logarithms of window, delay and lag."""

    def __init__(self, schedule: Schedule, at_s: Array, watts: Array) -> None:
        self.schedule, self.at_s, self.watts = schedule, at_s, watts

    def shares(self, logs: Array, chosen: Any) -> Array:
        window, delay, lag = np.exp(logs)
        end = self.at_s[chosen] - delay
        return shares(self.schedule, float(lag), end - window, end)

    def levels(self, logs: Array, chosen: Any) -> Array:
        return _level(self.shares(logs, chosen), self.watts[chosen])

    def residuals(self, logs: Array, chosen: Any) -> Array:
        known = self.shares(logs, chosen)
        return np.asarray(known @ _level(known, self.watts[chosen]) - self.watts[chosen])

    def fit_from(self, starts: Sequence[Array], chosen: Any) -> Array:
        """Return the values at the best minimum from several first guesses."""
        found = min((self.fit(chosen, one) for one in starts), key=lambda one: float(one.cost))
        return np.asarray(np.exp(found.x))

    def fit(self, chosen: Any, start: Array) -> Any:
        bounds = np.log([[1e-4, 1e-5, 1e-5], [5.0, 2.0, 1.0]])
        return scipy.optimize.least_squares(
            self.residuals,
            np.clip(start, *bounds),
            bounds=tuple(bounds),
            args=(chosen,),
            x_scale=0.3,
            diff_step=[1e-3] * 3,
            max_nfev=40,
        )
