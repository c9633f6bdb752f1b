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
