"""Long records in few points: the least and the most of every bucket are kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_POINTS = 2000
"""Points of a drawn trace; more only slow the browser."""


@dataclass(frozen=True)
class Envelope:
    """Points of a record that are drawn."""

    x: NDArray[np.floating]
    y: NDArray[np.floating]
    samples: int
    """Length of the record."""

    @property
    def note(self) -> str:
        """How many points of how many are shown."""
        if self.samples == self.x.size:
            return f"all {self.samples:,} points"
        return f"{self.x.size:,} of {self.samples:,} points; minimum and maximum of every bucket are kept"


def samples_between(
    samples: int, dt_s: float, t0_s: float | None, t1_s: float | None, *, of_points: bool = False
) -> tuple[int, int]:
    """Return the first sample of a record that is shown and the one after the last, two at least.

    Parameters
    ----------
    samples : int
        Length of the record.
    dt_s : float
        Its clock. [s]
    t0_s, t1_s : float, optional
        From the beginning of the record; left out: all of it. [s]
    of_points : bool
        Whether samples are states at points of time, of which the one at `t1_s` is shown too; else means over bins,
        of which none begins there that belongs.
    """
    first = 0 if t0_s is None else max(0, min(samples - 2, int(t0_s / dt_s)))
    last = samples if t1_s is None else max(first + 2, min(samples, round(t1_s / dt_s) + of_points))
    return first, last


def envelope(t0_s: float, dt_s: float, values: NDArray[np.floating], most: int = MOST_POINTS) -> Envelope:
    """Return at most `most` points of a record, in order of time.

    The record is cut into ``most / 2`` buckets; of each the least and the greatest sample stay, so that a spike of one
    sample is seen.

    Parameters
    ----------
    t0_s, dt_s : float
        Start and clock of the record. [s]
    values : ndarray, shape (samples,)
        The record.
    most : int
        Even number of points.

    Returns
    -------
    Envelope
        Times [s] and values.
    """
    size = values.size
    if size <= most:
        return Envelope(t0_s + dt_s * np.arange(size), np.asarray(values), size)
    # buckets of one width are rows of one array; the last one has what does not divide evenly
    width = -(-size // (most // 2))
    whole = (size - 1) // width * width
    rows = values[:whole].reshape(-1, width)
    starts = width * np.arange(rows.shape[0])
    last = values[whole:]
    ends = [whole + int(last.argmin()), whole + int(last.argmax())]
    found = np.concatenate([starts + rows.argmin(axis=1), starts + rows.argmax(axis=1), ends])
    found = np.unique(found)
    return Envelope(t0_s + dt_s * found, values[found], size)
