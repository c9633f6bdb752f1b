"""Values that are drawn from a range: where a share of its distribution lies, its middle and its ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from numpy.typing import NDArray

Kind = Literal["uniform", "log_uniform", "normal", "band"]
P95 = float(scipy.special.ndtri(0.95))
"""Standard deviations from the mean to the 95 % quantile of a normal distribution. [-]"""


@dataclass(frozen=True)
class Drawn:
    """A range with a distribution; all values in the axis's unit."""

    kind: Kind
    low: float
    middle: float
    """Mean of the ends (their geometric mean for `log_uniform`); a figure's own value for `band`."""
    high: float

    def at(self, share: float) -> float:
        """Return the value below which a share of the distribution lies, strictly between 0 and 1.

        `band` is a triangular distribution: it ends where the source's range ends, and what the source states as the
        value is likeliest. The ends of `normal` are its 5 % and 95 % quantiles.
        """
        if self.kind == "uniform":
            return self.low + share * (self.high - self.low)
        if self.kind == "log_uniform":
            return float(self.low * (self.high / self.low) ** share)
        if self.kind == "normal":
            return self.middle + (self.high - self.low) / (2.0 * P95) * float(scipy.special.ndtri(share))
        width, below = self.high - self.low, self.middle - self.low
        if share * width < below:
            return self.low + math.sqrt(share * width * below)
        return self.high - math.sqrt((1.0 - share) * width * (self.high - self.middle))

    def placed(self, place: int) -> float:
        """Return the low end at place -1, the middle at 0, the high end at 1."""
        return (self.middle, self.high, self.low)[place]


def middle_of(kind: Kind, low: float, high: float) -> float:
    """Return the middle of a range between two ends."""
    return math.sqrt(low * high) if kind == "log_uniform" else 0.5 * (low + high)


def one_at_a_time(axes: int) -> NDArray[np.int8]:
    """Return the places of a one-at-a-time design, shape (2 axes + 1, axes): all middle, then each low and high."""
    places = np.zeros((2 * axes + 1, axes), dtype=np.int8)
    for axis in range(axes):
        places[2 * axis + 1, axis], places[2 * axis + 2, axis] = -1, 1
    return places
