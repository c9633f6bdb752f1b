"""Power of a device by what it does, from readings and markers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.instrument.intervals import GROUPS, groups_of, jackknife_half, mean_half
from clustersim.instrument.recording import Array, Band, Marker
from clustersim.instrument.schedule import UNMARKED, Schedule, schedule_of, shares
from clustersim.instrument.sensor import Published, published

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
    how: Literal["measured", "stated", "assumed"]
    """Found on this sensor, said by the user or the recording, or the longest that is documented."""

    @property
    def known(self) -> bool:
        """Whether window and delay were found on this sensor, so that its averaging can be undone.

        A stated window comes without a delay: of short runs that makes levels that are wrong with a narrow interval.
        """
        return self.how == "measured"


@dataclass(frozen=True)
class Readings:
    """What was read of a device, as often as it was asked; a reading stands until the sensor publishes another."""

    times_s: Array
    """[s], shape (samples,)"""
    watts: Array
    published: Published | None
    """Readings that differ from the one before; None where there are too few."""
    refresh_s: float
    """Longest usual time for which a reading has stood. [s]"""


@dataclass(frozen=True)
class Level:
    """Mean power of an activity with its interval at 95 % confidence."""

    label: str
    watts: Band
    runs: int
    """How many runs of the activity the level stands on."""
    readings: int
    how: Literal["between runs", "within runs", "deconvolved"]
    """Where the interval comes from: the spread between runs, between stretches of them, or the fit of all readings."""


def unmeasured_window() -> Window:
    """Return the window to be assumed of a sensor that was not measured: the longest that is documented."""
    figures = catalog.entry("instrument", "sensor")
    return Window(figures.si("window.longest"), 0.0, figures.si("lag"), "assumed")


def levels(
    markers: Sequence[Marker],
    readings: Readings,
    window: Window,
    label_of: Callable[[Marker], str],
    whole: Callable[[str], bool] = lambda _: False,
) -> tuple[tuple[Level, ...], dict[str, str]]:
    """Return the level of each label, and of which there is none and why.

    Samples that hold one label alone, however old the reading is, are averaged run by run: the interval is that of the
    mean of the runs (Student's t), or with fewer than :data:`LEAST_RUNS` of their stretches. Where a run is too short
    for such samples, and the sensor's window is known, the levels follow from all readings at once: ``v = X L`` with
    the shares X of :func:`clustersim.instrument.schedule.shares`, so that the averaging is undone by what is known of
    when what was done; the interval is that of a jackknife over :data:`GROUPS` stretches.

    Samples that hold one label alone are never of its first moments. Where a label does not keep its power, and the
    mean from begin to end is wanted, `whole` says so: such a label is told by all readings at once, or not at all.

    Raises
    ------
    InputError
        If there are no markers, or they overlap.
    """
    labelled: dict[str, list[Marker]] = {}
    for one in markers:
        labelled.setdefault(label_of(one), []).append(one)
    schedule = schedule_of(markers, label_of)
    end = readings.times_s - window.delay_s
    known = shares(schedule, window.lag_s, end - readings.refresh_s - window.window_s, end)
    found: list[Level] = []
    missing: dict[str, str] = {}
    fitted: dict[str, Band] | None = None
    for at, label in enumerate(schedule.labels):
        if label == UNMARKED:
            continue
        own = labelled[label]
        level = None if whole(label) else _settled(label, own, readings, known[:, at] >= SETTLED, window)
        if level is not None:
            found.append(level)
            continue
        if not window.known:
            longest = max(one.end_s - one.begin_s for one in own)
            missing[label] = (
                f"no reading holds it alone: its longest run is {longest:.3g} s, and the sensor may average over "
                f"{window.window_s:.3g} s (measure it with `clustersim exercise duty`)"
            )
            continue
        if fitted is None:
            fitted = _deconvolved(schedule, readings.published, window)
        if label in fitted:
            touched = int((known[:, at] > 1.0 - SETTLED).sum())
            found.append(Level(label, fitted[label], len(own), touched, "deconvolved"))
        else:
            missing[label] = (
                f"too brief for the sensor, and in fewer than {LEAST_RUNS} of {GROUPS} stretches of the record"
            )
    return tuple(found), missing


def _settled(
    label: str, own: Sequence[Marker], readings: Readings, settled: NDArray[np.bool_], window: Window
) -> Level | None:
    runs = [
        readings.watts[settled & (readings.times_s >= one.begin_s) & (readings.times_s <= one.end_s + window.delay_s)]
        for one in sorted(own, key=lambda one: one.begin_s)
    ]
    seen = [run for run in runs if run.size]
    count = sum(run.size for run in seen)
    if len(seen) >= LEAST_RUNS:
        means = np.array([run.mean() for run in seen])
        return Level(label, _interval(means, _even(seen)), len(seen), count, "between runs")
    # stretches shorter than what a reading stands for would be alike, whatever the power does
    held_s = count * float(np.median(np.diff(readings.times_s))) if readings.times_s.size > 1 else 0.0
    if count < BATCHES or held_s < BATCHES * (readings.refresh_s + window.window_s):
        return None
    means = np.array([part.mean() for part in np.array_split(np.concatenate(seen), BATCHES)])
    return Level(label, _interval(means, _even(seen)), len(seen), count, "within runs")


def _even(runs: Sequence[Array]) -> float:
    """Return half of the smallest step between different readings: no mean is known better than its sensor's steps."""
    steps = np.diff(np.unique(np.concatenate(runs)))
    return 0.5 * float(steps.min()) if steps.size else 0.0


def _interval(means: Array, least: float) -> Band:
    value = float(means.mean())
    half = max(mean_half(means), least)
    return Band(value=value, low=value - half, high=value + half)


def _deconvolved(schedule: Schedule, readings: Published | None, window: Window) -> dict[str, Band]:
    """Return the levels that all readings together tell, those of labels that several stretches of the record hold."""
    if readings is None:
        return {}
    end, watts = readings.at_s - window.delay_s, readings.watts
    known = shares(schedule, window.lag_s, end - window.window_s, end)
    groups = groups_of(watts.size)
    value = np.linalg.lstsq(known, watts, rcond=None)[0]
    left_out = np.array(
        [np.linalg.lstsq(known[groups != at], watts[groups != at], rcond=None)[0] for at in range(GROUPS)]
    )
    half = jackknife_half(left_out)
    held = np.array([[known[groups == at, column].sum() for column in range(known.shape[1])] for at in range(GROUPS)])
    told = (held > 1.0 - SETTLED).sum(axis=0) >= LEAST_RUNS
    return {
        label: Band(value=float(value[at]), low=float(value[at] - half[at]), high=float(value[at] + half[at]))
        for at, label in enumerate(schedule.labels)
        if told[at]
    }


def readings_of(times_s: Array, watts: Array) -> Readings:
    """Return readings as they were asked, with those that the sensor published.

    Raises
    ------
    InputError
        If there are fewer than two.
    """
    there = np.isfinite(watts)
    if np.count_nonzero(there) < 2:
        raise InputError(f"expected readings of power, found {np.count_nonzero(there)}")
    times, values = times_s[there], watts[there]
    step = float(np.median(np.diff(times)))
    if np.count_nonzero(np.diff(values)) < 3:
        return Readings(times, values, None, step)
    found = published(times, values)
    return Readings(times, values, found, max(step, float(np.median(np.diff(found.at_s)))))
