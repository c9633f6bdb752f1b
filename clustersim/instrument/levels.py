"""Power of a device by what it does, from readings and markers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.instrument.recording import Array, Band, Marker
from clustersim.instrument.schedule import UNMARKED, Schedule, schedule_of, shares
from clustersim.instrument.sensor import CONFIDENCE, GROUPS, Published, published

SETTLED = 0.99
"""Share of one label in what a reading is the mean of, from which on the reading is of that label alone. [-]"""
LEAST_RUNS = 3
"""Runs of an activity from which on their spread is its error."""
BATCHES = 6
"""Stretches into which the readings of one or two runs are cut for their spread."""


@dataclass(frozen=True)
class Window:
    """What a reading is the mean of: `window_s` that ended `delay_s` before it was there; power lags by `lag_s`."""

    window_s: float
    delay_s: float
    lag_s: float
    measured: bool
    """Whether window and delay are of this sensor; else they are the longest that are documented."""


@dataclass(frozen=True)
class Level:
    """Mean power of an activity with its interval at 95 % confidence."""

    label: str
    watts: Band
    runs: int
    """How often the activity was marked."""
    readings: int
    how: Literal["between runs", "within runs", "deconvolved"]
    """Where the interval comes from: the spread between runs, between stretches of them, or the fit of all readings."""


def unmeasured_window() -> Window:
    """Return the window to be assumed of a sensor that was not measured: the longest that is documented."""
    figures = catalog.entry("instrument", "sensor")
    return Window(figures.si("window.longest"), 0.0, figures.si("lag"), False)


def levels(
    markers: Sequence[Marker], readings: Published, window: Window, label_of: Callable[[Marker], str]
) -> tuple[tuple[Level, ...], dict[str, str]]:
    """Return the level of each label, and of which there is none and why.

    Readings that hold one label alone are averaged run by run: the interval is that of the mean of the runs (Student's
    t), or with fewer than :data:`LEAST_RUNS` of their stretches. Where a run is too short for such readings, and the
    sensor's window is measured, the levels follow from all readings at once: ``v = X L`` with the shares X of
    :func:`clustersim.instrument.schedule.shares`, so that the averaging is undone by what is known of when what was
    done; the interval is that of a jackknife over :data:`GROUPS` stretches.

    Raises
    ------
    InputError
        If there are no markers, or they overlap.
    """
    schedule = schedule_of(markers, label_of)
    end = readings.at_s - window.delay_s
    slack = readings.within_s if window.measured else 0.0
    begin = end - window.window_s
    known = shares(schedule, window.lag_s, begin - slack, end + slack)
    found: list[Level] = []
    missing: dict[str, str] = {}
    fitted: dict[str, Band] | None = None
    for at, label in enumerate(schedule.labels):
        if label == UNMARKED:
            continue
        own = [one for one in markers if label_of(one) == label]
        settled = known[:, at] >= SETTLED
        count = int(settled.sum())
        level = _settled(label, own, readings, settled)
        if level is not None:
            found.append(level)
            continue
        if not window.measured:
            longest = max(one.end_s - one.begin_s for one in own)
            missing[label] = (
                f"no reading holds it alone: its longest run is {longest:.3g} s, and the sensor may average over "
                f"{window.window_s:.3g} s (measure it with `clustersim exercise duty`)"
            )
            continue
        if fitted is None:
            fitted = _deconvolved(schedule, shares(schedule, window.lag_s, begin, end), readings.watts)
        if label in fitted:
            touched = int((known[:, at] > 1.0 - SETTLED).sum())
            found.append(Level(label, fitted[label], len(own), max(count, touched), "deconvolved"))
        else:
            missing[label] = "it was done in one stretch of the record only, too briefly for the sensor"
    return tuple(found), missing


def _settled(label: str, own: Sequence[Marker], readings: Published, settled: NDArray[np.bool_]) -> Level | None:
    runs = [
        readings.watts[settled & (readings.at_s >= one.begin_s) & (readings.at_s <= one.end_s)]
        for one in sorted(own, key=lambda one: one.begin_s)
    ]
    seen = [run for run in runs if run.size]
    count = sum(run.size for run in seen)
    if len(seen) >= LEAST_RUNS:
        means = np.array([run.mean() for run in seen])
        return Level(label, _interval(means, _even(seen)), len(own), count, "between runs")
    if count < 2 * BATCHES:
        return None
    together = np.concatenate(seen)
    means = np.array([part.mean() for part in np.array_split(together, BATCHES)])
    return Level(label, _interval(means, _even(seen)), len(own), count, "within runs")


def _even(runs: Sequence[Array]) -> float:
    """Return half of the smallest step between different readings: no mean is known better than its sensor's steps."""
    steps = np.diff(np.unique(np.concatenate(runs)))
    return 0.5 * float(steps.min()) if steps.size else 0.0


def _interval(means: Array, least: float) -> Band:
    value = float(means.mean())
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, means.size - 1) * means.std(ddof=1) / math.sqrt(means.size))
    half = max(half, least)
    return Band(value=value, low=value - half, high=value + half)


def _deconvolved(schedule: Schedule, known: Array, watts: Array) -> dict[str, Band]:
    """Return the levels that all readings together tell, those of labels that several stretches of the record hold."""
    groups = np.arange(watts.size) * GROUPS // watts.size
    value = np.linalg.lstsq(known, watts, rcond=None)[0]
    left_out = np.array(
        [np.linalg.lstsq(known[groups != at], watts[groups != at], rcond=None)[0] for at in range(GROUPS)]
    )
    spread = np.sqrt((GROUPS - 1) / GROUPS * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    half = stats.t.ppf(0.5 + CONFIDENCE / 2, GROUPS - 1) * spread
    held = np.array([[known[groups == at, column].sum() for column in range(known.shape[1])] for at in range(GROUPS)])
    told = (held > 1.0 - SETTLED).sum(axis=0) >= LEAST_RUNS
    return {
        label: Band(value=float(value[at]), low=float(value[at] - half[at]), high=float(value[at] + half[at]))
        for at, label in enumerate(schedule.labels)
        if told[at]
    }


def checked_readings(times_s: Array, watts: Array) -> Published:
    """Return what :func:`clustersim.instrument.sensor.published` finds, or all readings of a power that stands still.

    Raises
    ------
    InputError
        If there is no reading at all.
    """
    there = np.isfinite(watts)
    if not there.any():
        raise InputError("expected readings of power, found none")
    if np.count_nonzero(np.diff(watts[there])) >= 3:
        return published(times_s, watts)
    step = float(np.median(np.diff(times_s[there]))) if there.sum() > 1 else 0.0
    return Published(times_s[there], watts[there], 0.5 * step)
