"""How long a component lives: Weibull wear beside early mortality, and exact draws of what is left at any age."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_EXPONENT_OF_ZERO = 745.0
"""exp(-745) is the smallest positive float: beyond this cumulative hazard nothing survives."""

_NOTHING_USED = 1e-200
"""Cumulative hazard so small that what was used of the life is nothing beside any variate. [-]"""
_OF_NO_ACCOUNT = 500.0
"""Logarithm of the life left over the age from which the age is nothing beside it. [-]"""


@dataclass(frozen=True)
class Life:
    r"""Life with two competing Weibull risks, one of them for early mortality.

    .. math:: H(t) = (t / \lambda)^k + (t / \lambda_e)^{k_e}, \quad S(t) = e^{-H(t)}, \quad h(t) = H'(t)

    An exponential life has shape 1, wear a shape above 1, early mortality one below 1. The life is the lesser of
    two independent Weibull lives, so that what is left at age `a` can be drawn from each of them and the lesser taken:
    exact, without inverting the sum (additive Weibull model: M. Xie and C. D. Lai, Reliability Engineering and System
    Safety 52, 1996).
    """

    scale_s: float
    """Scale of the first risk; its mean where the shape is 1; infinite: no such risk. [s]"""
    shape: float = 1.0
    """Shape of the first risk. [-]"""
    early_scale_s: float = math.inf
    """Scale of the second risk; infinite: no such risk. [s]"""
    early_shape: float = 1.0
    """Shape of the second risk. [-]"""

    def __post_init__(self) -> None:
        """Check the ranges."""
        values = (self.scale_s, self.shape, self.early_scale_s, self.early_shape)
        if any(math.isnan(value) or value <= 0.0 for value in values):
            raise ValueError(f"expected positive scales and shapes of a life, got {values}")
        if math.isinf(self.shape) or math.isinf(self.early_shape):
            raise ValueError("expected finite shapes of a life")

    @property
    def risks(self) -> tuple[tuple[float, float], ...]:
        """Scale [s] and shape of each risk that is there."""
        both = ((self.scale_s, self.shape), (self.early_scale_s, self.early_shape))
        return tuple((scale, shape) for scale, shape in both if math.isfinite(scale))

    @property
    def memoryless(self) -> bool:
        """Whether the hazard is constant, so that age does not matter."""
        return all(shape == 1.0 for _, shape in self.risks)

    @property
    def mean_s(self) -> float:
        """Mean life from new, infinite where nothing ends it. [s]"""
        risks = self.risks
        if not risks:
            return math.inf
        if self.memoryless:
            # not through 1 / x where there is one risk only: the scale must come back as it is
            return risks[0][0] if len(risks) == 1 else 1.0 / math.fsum(1.0 / scale for scale, _ in risks)
        if len(risks) == 1:
            scale, shape = risks[0]
            return scale * math.gamma(1.0 + 1.0 / shape)
        return _mean_of_sum(risks)

    def cumulative_hazard(self, age_s: ArrayLike) -> NDArray[np.float64]:
        """Return H(t) [-] at each age [s], any shape."""
        age = np.asarray(age_s, dtype=float)
        total = np.zeros(age.shape)
        for scale, shape in self.risks:
            total = total + (age / scale) ** shape
        return total

    def survival(self, age_s: ArrayLike) -> NDArray[np.float64]:
        """Return the probability [-] to live beyond each age [s], any shape."""
        return np.exp(-self.cumulative_hazard(age_s))

    def hazard(self, age_s: ArrayLike) -> NDArray[np.float64]:
        """Return the failure rate [1/s] at each age [s], any shape; infinite at age 0 where a shape is below 1."""
        age = np.asarray(age_s, dtype=float)
        total = np.zeros(age.shape)
        with np.errstate(divide="ignore"):
            for scale, shape in self.risks:
                total = total + shape / scale * (age / scale) ** (shape - 1.0)
        return total

    def draw(self, rng: np.random.Generator, size: int, age_s: ArrayLike = 0.0) -> NDArray[np.float64]:
        """Return the time [s] that is left to `size` components of the given age.

        Parameters
        ----------
        rng : numpy.random.Generator
            One exponential variate is taken per risk and component, whatever the ages.
        size : int
            Number of components.
        age_s : array_like, shape (size,) or ()
            Age of each component. [s]

        Returns
        -------
        ndarray, shape (size,)
            Time to failure from that age on, infinite without any risk. [s]

        Notes
        -----
        With ``E`` exponential of mean 1 the total life is ``scale ((a / scale)^k + E)^(1/k)``. What is left of it is
        written so that nothing is cancelled at a large age: ``a ((1 + E / (a / scale)^k)^(1/k) - 1)``.
        """
        age = np.broadcast_to(np.asarray(age_s, dtype=float), (size,))
        if np.any(age < 0.0) or not np.all(np.isfinite(age)):
            raise ValueError("expected finite ages of 0 s or more")
        left = np.full(size, np.inf)
        for scale, shape in self.risks:
            left = np.minimum(left, _left(scale, shape, age, rng.standard_exponential(size)))
        return left


def life_of_mean(mean_s: float, shape: float = 1.0) -> Life:
    """Return the Weibull life of the given mean [s] and shape, without early mortality.

    Examples
    --------
    >>> life_of_mean(100.0).scale_s
    100.0
    >>> round(life_of_mean(100.0, 0.7).mean_s, 9)
    100.0
    """
    return Life(mean_s if shape == 1.0 else mean_s / math.gamma(1.0 + 1.0 / shape), shape)


def life_of_observed_rate(rate_per_s: float, shape: float, from_s: float, to_s: float) -> Life:
    """Return the Weibull life whose hazard has the mean `rate_per_s` over the ages between two bounds.

    ``H(to) - H(from) = rate (to - from)``, solved for the scale: a published rate is a mean over the ages of the fleet
    that it was counted on.

    Examples
    --------
    >>> life_of_observed_rate(0.25, 1.0, 0.0, 10.0).scale_s
    4.0
    """
    if not 0.0 <= from_s < to_s or rate_per_s <= 0.0:
        raise ValueError("expected a positive rate and ages 0 <= from < to")
    return Life(((to_s**shape - from_s**shape) / (rate_per_s * (to_s - from_s))) ** (1.0 / shape), shape)


def _left(
    scale: float, shape: float, age: NDArray[np.float64], exponential: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what is left of Weibull lives at the given ages, each with its variate."""
    if shape == 1.0:
        return scale * exponential
    used = (age / scale) ** shape
    fresh = used < _NOTHING_USED
    ratio = np.divide(exponential, used, out=np.zeros(age.shape), where=~fresh)
    power = np.log1p(ratio) / shape
    # an age of no account beside what is left is better subtracted than multiplied with a number beyond all floats
    fresh |= power > _OF_NO_ACCOUNT
    whole = np.maximum(scale * exponential ** (1.0 / shape) - age, 0.0)
    left: NDArray[np.float64] = np.where(fresh, whole, age * np.expm1(np.minimum(power, _OF_NO_ACCOUNT)))
    return left


def _mean_of_sum(risks: tuple[tuple[float, float], ...]) -> float:
    """Return the integral of the survival over all ages.

    With ``t = e^y`` the integrand is analytic and falls to zero on both sides, so that the trapezoidal rule converges
    exponentially; the step follows the steepest shape.
    """
    steepest = max(shape for _, shape in risks)
    high = min(math.log(scale) + math.log(_EXPONENT_OF_ZERO) / shape for scale, shape in risks)
    low = min(math.log(scale) for scale, _ in risks) - 40.0  # e^-40 of a scale adds nothing
    points = math.ceil((high - low) * steepest / 0.2)
    y, step = np.linspace(low, high, points + 1, retstep=True)
    hazard = sum((np.exp(shape * (y - math.log(scale))) for scale, shape in risks), np.zeros(y.shape))
    return float(math.fsum(np.exp(y - hazard)) * step)
