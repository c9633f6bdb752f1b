"""Capital: what a dollar spent once costs by the year, and what later dollars are worth today."""

from __future__ import annotations

import math
from collections.abc import Sequence

from clustersim.units import YEAR_S


def annuity_factor(life_s: float, rate: float, residual: float = 0.0) -> float:
    """Return the yearly cost [1/yr] of one dollar spent once and paid back over its life.

    ``(1 - s) r / (1 - (1 + r)^-n) + s r`` with n the life in years and s the share of the price that the thing is still
    sold for at its end; ``(1 - s) / n``, straight-line depreciation, at ``r = 0``. The capital recovery factor of
    the textbooks (NREL, Manual for the Economic Evaluation of Energy Efficiency and Renewable Energy Technologies, eq.
    2-4, recalled).

    Parameters
    ----------
    life_s : float
        Above 0. [s]
    rate : float
        Yearly cost of capital, not below 0. [-]
    residual : float, optional
        Share of the price left at the end. [-]

    Examples
    --------
    >>> annuity_factor(5 * YEAR_S, 0.0)
    0.2
    >>> annuity_factor(5 * YEAR_S, 0.0, 0.5)
    0.1
    """
    years = life_s / YEAR_S
    if no_interest(years, rate):
        return (1.0 - residual) / years + residual * rate
    # expm1 and log1p keep all digits of a small rate
    paid = -math.expm1(-years * math.log1p(rate))
    return (1.0 - residual) * (rate / paid) + residual * rate


def no_interest(years: float, rate: float) -> bool:
    """Whether the interest of some years is lost in the last digit of a dollar: a straight line is then exact.

    Examples
    --------
    >>> no_interest(5.0, 0.0), no_interest(5.0, 1e-300), no_interest(5.0, 1e-9)
    (True, True, False)
    """
    return rate * (years + 1.0) < 1e-16


def discount(years: float, rate: float) -> float:
    """Return what a dollar paid after some years is worth today. [-]

    Examples
    --------
    >>> discount(0.0, 0.1)
    1.0
    """
    return math.exp(-years * math.log1p(rate))


def present_value(payments: Sequence[tuple[float, float]], rate: float) -> float:
    """Return what payments (after years, dollars) are worth today at a yearly cost of capital. [USD]

    Examples
    --------
    >>> present_value([(0.0, 100.0), (1.0, 110.0)], 0.1)
    200.0
    """
    return math.fsum(usd * discount(years, rate) for years, usd in payments)
