"""A long record of which any part is drawn at once: where the least and the greatest sample of every block are."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from clustersim.report.envelope import MOST_POINTS, Envelope, envelope

BLOCK = 512
"""Samples of a block."""
Values = NDArray[np.floating]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Extremes:
    """A record, and the places of its extremes block by block; made in one pass, then any span costs a millisecond."""

    values: Values
    """Shape (samples,); single precision is enough to draw."""
    lowest: Places = field(init=False)
    """Place of the least sample of every whole block."""
    highest: Places = field(init=False)

    def __post_init__(self) -> None:
        """Look for the extremes."""
        whole = self.values.size // BLOCK * BLOCK
        rows = self.values[:whole].reshape(-1, BLOCK)
        starts = BLOCK * np.arange(rows.shape[0])
        object.__setattr__(self, "lowest", starts + rows.argmin(axis=1))
        object.__setattr__(self, "highest", starts + rows.argmax(axis=1))

    @property
    def samples(self) -> int:
        """Length of the record."""
        return int(self.values.size)

    def envelope(
        self, t0_s: float, dt_s: float, first: int = 0, last: int | None = None, most: int = MOST_POINTS
    ) -> Envelope:
        """Return at most `most` points of the samples ``[first, last)``, in order of time.

        As :func:`~clustersim.report.envelope.envelope`: the least and the greatest sample of every bucket stay, so that
        a spike of one sample is seen. Buckets of a long span begin and end with a block.

        Parameters
        ----------
        t0_s, dt_s : float
            Time of sample 0, and the clock. [s]
        first, last : int
            The span; `last` left out: to the end.
        most : int
            Even number of points, 8 at least.

        Returns
        -------
        Envelope
            Times [s] and values.
        """
        last = self.samples if last is None else last
        begin, end = -(-first // BLOCK), last // BLOCK
        if end - begin < most:
            return envelope(t0_s + dt_s * first, dt_s, self.values[first:last], most)
        # the samples before the first whole block and after the last one are a bucket each
        per_bucket = -(-(end - begin) // (most // 2 - 3))
        places = [
            _buckets(self.values, self.lowest[begin:end], per_bucket, least=True),
            _buckets(self.values, self.highest[begin:end], per_bucket, least=False),
        ]
        for low, high in ((first, begin * BLOCK), (end * BLOCK, last)):
            if low < high:
                part = self.values[low:high]
                places.append(np.array([low + int(part.argmin()), low + int(part.argmax())]))
        found = np.unique(np.concatenate(places))
        return Envelope(t0_s + dt_s * found, self.values[found], last - first)


def _buckets(values: Values, places: Places, per_bucket: int, *, least: bool) -> Places:
    """Return the place of the extreme of every so many blocks; the last bucket has what does not divide evenly."""
    whole = (places.size - 1) // per_bucket * per_bucket
    seen = values[places]
    rows, rest = seen[:whole].reshape(-1, per_bucket), seen[whole:]
    inside = rows.argmin(axis=1) if least else rows.argmax(axis=1)
    found = places[per_bucket * np.arange(rows.shape[0]) + inside]
    end = places[whole + int(rest.argmin() if least else rest.argmax())]
    return np.append(found, end)
