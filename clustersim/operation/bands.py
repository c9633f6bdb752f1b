"""Bands over repeated draws: mean, median and quantiles, each with its Monte Carlo standard error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LOW, HIGH = 0.05, 0.95
"""Quantiles between which nine of ten draws lie. [-]"""


@dataclass(frozen=True)
class Band:
    """What repeated draws of one quantity say; every figure has the unit of the quantity."""

    mean: float
    mean_error: float
    """Monte Carlo standard error of the mean: standard deviation over the root of the draws; 0 with one draw."""
    low: float
    """Quantile :data:`LOW`."""
    low_error: float
    median: float
    median_error: float
    high: float
    """Quantile :data:`HIGH`."""
    high_error: float
    draws: int

    def scaled(self, factor: float) -> Band:
        """Return the band in another unit, `factor` not negative."""
        figures = {name: value * factor for name, value in vars(self).items() if name != "draws"}
        return Band(draws=self.draws, **figures)


def band(values: Sequence[float] | NDArray[np.float64]) -> Band:
    """Return the band of independent draws.

    Quantiles are interpolated between the sorted draws. Their standard error is that of P. Maritz and R. G. Jarrett
    (J. Am. Stat. Assoc. 73, 1978): the spread of the draws under the weights that the order statistic of the quantile
    gives them. Draws that are stratified, such as rates by their quantiles, are spread more evenly than independent
    ones, so that the errors are then upper estimates.

    Parameters
    ----------
    values : array, shape (draws,)
        One finite value of each draw, in any unit.

    Raises
    ------
    ValueError
        If there is no draw, or one is not finite.
    """
    drawn = np.sort(np.asarray(values, dtype=np.float64))
    if drawn.size == 0 or not np.isfinite(drawn).all():
        raise ValueError("a band needs at least one draw, all of them finite")
    mean = math.fsum(drawn) / drawn.size
    low, middle, high = np.quantile(drawn, (LOW, 0.5, HIGH))
    spread = float(drawn.std(ddof=1)) if drawn.size > 1 else 0.0
    return Band(
        mean=mean,
        mean_error=spread / math.sqrt(drawn.size),
        low=float(low),
        low_error=_quantile_error(drawn, LOW),
        median=float(middle),
        median_error=_quantile_error(drawn, 0.5),
        high=float(high),
        high_error=_quantile_error(drawn, HIGH),
        draws=int(drawn.size),
    )


def _quantile_error(ordered: NDArray[np.float64], level: float) -> float:
    """Return the Maritz-Jarrett standard error of a quantile of sorted draws."""
    if ordered[0] == ordered[-1]:
        return 0.0
    from scipy.special import betainc

    size = ordered.size
    edges = np.arange(size + 1) / size
    weight = np.diff(betainc(level * (size + 1), (1.0 - level) * (size + 1), edges))
    about = ordered - float(weight @ ordered)
    return math.sqrt(float(weight @ about**2))
