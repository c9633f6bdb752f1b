"""Rates of failure of a published job, and their predictive spread: what fleets differ by, what chance adds."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.operation.causes import Cause, rates_entry
from clustersim.operation.facts import JobFacts
from clustersim.operation.rate_uncertainty import GPUS_OF_A_SERVER, concentration_of_shares, spread_of_fleets
from clustersim.study.tables.reliability_causes import Fleet, causes_of
from clustersim.study.tables.reliability_rows import KIND

Array = NDArray[np.float64]

DRAWS = 4000
"""Draws of a band: its ends are known to about 3 % of its width."""
SEED = 20260101
"""Of the draws, so that a table has the same bands whenever it is predicted."""
COVERED = 0.9
"""Share of the predictive distribution inside a band."""
NORMAL_90 = 1.6448536269514722
"""Standard deviations on either side of the mean of a normal distribution that hold that share of it."""


@dataclass(frozen=True)
class Rates:
    """Rates of the causes of failure of a job."""

    causes: tuple[Cause, ...]
    values: Array
    """Median rate of each cause. [1/s]"""
    draws: Array
    """Draws of them, shape (:data:`DRAWS`, causes). [1/s]"""
    entry: str
    """What of the catalog they follow from."""

    def total(self, numbers: Sequence[int] | None = None) -> float:
        """Return the rate of some causes, of all where none are given [1/s]."""
        return math.fsum(self.values if numbers is None else self.values[list(numbers)])

    def drawn(self, numbers: Sequence[int] | None = None) -> Array:
        """Return draws of the rate of some causes, of all where none are given [1/s]."""
        return np.asarray(self.draws.sum(axis=1) if numbers is None else self.draws[:, list(numbers)].sum(axis=1))


def job_rates(fleet: Fleet, facts: JobFacts, accelerator: str) -> Rates:
    """Return the rates of a job.

    A fleet with rates of its own: those, with the band of the published figure. Any other: the level of a fleet drawn
    from the published ones, its shares about those of the default rates
    (:func:`clustersim.operation.rate_uncertainty.draw_factors`); TPUs, of which one fleet is published, its own rates.
    """
    causes = causes_of(fleet, facts)
    base = np.array([cause.rate_per_s for cause in causes])
    rng = np.random.default_rng(SEED)
    if not fleet.own and facts.family == "gpu":
        sets = catalog.entry(KIND, "fleets").properties["sets"]
        name = next(item["set"] for item in sets if re.search(item["pattern"], accelerator))
        spread, servers, shares = spread_of_fleets(name), facts.gpus / GPUS_OF_A_SERVER, base / base.sum()
        levels = spread.median_per_s * servers * np.exp(spread.sd * rng.standard_normal(DRAWS))
        drawn = rng.dirichlet(concentration_of_shares() * shares, DRAWS)
        said = f"reliability_fleets/{name}"
        return Rates(causes, spread.median_per_s * servers * shares, levels[:, None] * drawn, said)
    entry = rates_entry(fleet.variant, facts.family)
    figure = entry.figure("rate.server")
    width = math.log(figure.high / figure.low) / (2.0 * NORMAL_90)
    level = np.exp(width * rng.standard_normal(DRAWS))
    return Rates(causes, base, level[:, None] * base, f"{entry.kind}/{entry.name}")


def count_draws(expected: Array) -> Array:
    """Return Poisson counts of the expected numbers."""
    rng = np.random.default_rng(SEED + 1)
    return rng.poisson(expected).astype(np.float64)


def interval(draws: Array) -> tuple[float, float]:
    """Return the ends of the band that holds :data:`COVERED` of the draws, as much left out above as below."""
    low, high = np.quantile(draws, [(1.0 - COVERED) / 2.0, (1.0 + COVERED) / 2.0])
    return float(low), float(high)
