"""What a sensor shows of a known sequence of activities: shares of each in every reading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.instrument.recording import Array, Marker

UNMARKED = "unmarked"
"""Label of the time between markers."""


@dataclass(frozen=True)
class Schedule:
    """Activities that follow each other; the last goes on for ever, and the first since ever."""

    edges_s: Array
    """Begin of each activity. [s], shape (parts,)"""
    label: NDArray[np.int64]
    """Place in `labels`; shape (parts,)."""
    labels: tuple[str, ...]

    @property
    def edges(self) -> int:
        """Number of changes from one label to another."""
        return int(np.count_nonzero(np.diff(self.label)))


def schedule_of(markers: Sequence[Marker], label_of: Callable[[Marker], str]) -> Schedule:
    """Return the schedule that markers of one device tell; between them lies :data:`UNMARKED`.

    Raises
    ------
    InputError
        If there is no marker, or one begins before the one before it has ended.
    """
    ordered = sorted(markers, key=lambda one: one.begin_s)
    if not ordered:
        raise InputError("expected markers of what the device did, found none")
    edges, names = [ordered[0].begin_s - 1.0], [UNMARKED]
    for at, one in enumerate(ordered):
        if at and one.begin_s < ordered[at - 1].end_s:
            before = ordered[at - 1]
            raise InputError(
                f"markers: expected one activity at a time, found {one.activity} from {one.begin_s:g} s within "
                f"{before.activity} to {before.end_s:g} s"
            )
        if at and one.begin_s == ordered[at - 1].end_s:
            edges.pop()
            names.pop()
        edges += [one.begin_s, one.end_s]
        names += [label_of(one), UNMARKED]
    labels = tuple(sorted(set(names)))
    return Schedule(np.array(edges), np.array([labels.index(name) for name in names]), labels)


def shares(schedule: Schedule, lag_s: float, begin_s: Array, end_s: Array) -> Array:
    """Return the mean share of each label in windows of time, seen through a first-order lag.

    The indicator ``s`` of a label acts through ``lag y' = s - y``, as electrical power follows activity. From an edge
    ``t_e`` on ``y = s + (y_e - s) exp(-(t - t_e) / lag)`` and its integral is
    ``Y = Y_e + s (t - t_e) + (y_e - s) lag (1 - exp(-(t - t_e) / lag))``: exact. A power that is the sum of levels
    times indicators has the mean ``shares @ levels`` over each window.

    Parameters
    ----------
    schedule : Schedule
    lag_s : float
        Above zero. [s]
    begin_s, end_s : array, shape (windows,)
        Of the windows. [s]

    Returns
    -------
    array, shape (windows, labels)
        Each row adds up to 1.
    """
    parts, labels = schedule.label.size, len(schedule.labels)
    state = np.zeros((parts, labels))
    area = np.zeros((parts, labels))
    target = np.zeros((parts, labels))
    target[np.arange(parts), schedule.label] = 1.0
    # before the first edge the first label has been on for ever
    state[0] = target[0]
    gone = np.diff(schedule.edges_s)
    kept = np.exp(-gone / lag_s)
    for at in range(parts - 1):
        off = state[at] - target[at]
        state[at + 1] = target[at] + off * kept[at]
        area[at + 1] = area[at] + target[at] * gone[at] + off * lag_s * (1.0 - kept[at])

    def integral(at_s: Array) -> Array:
        part = np.clip(np.searchsorted(schedule.edges_s, at_s, side="right") - 1, 0, parts - 1)
        since = (at_s - schedule.edges_s[part])[:, None]
        off = state[part] - target[part]
        return np.asarray(area[part] + target[part] * since - off * lag_s * np.expm1(-np.maximum(since, 0.0) / lag_s))

    found: Array = (integral(end_s) - integral(begin_s)) / (end_s - begin_s)[:, None]
    return found
