"""How far failure rates differ from fleet to fleet: spread of the total, spread of the shares, draws of both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

import numpy as np

from clustersim import catalog
from clustersim.errors import CatalogError, InputError, nearest
from clustersim.operation.causes import rates_entry, rates_per_component
from clustersim.operation.facts import JobFacts

KIND = "reliability_fleets"
GPUS_OF_A_SERVER = 8
"""The published rates are those of servers with so many accelerators."""
_KINDS = ("gpu", "host", "network")
_SMALLEST = 1e-12
"""Probability beyond which the tails of the spread are cut. [-]"""


@dataclass(frozen=True)
class Spread:
    """Lognormal spread of the failures per 8-GPU server and time between fleets."""

    fleets: int
    """Number of published fleets behind it."""
    median_per_s: float
    """Geometric mean of their rates. [1/s]"""
    sd: float
    """Standard deviation of the logarithm of their rates (divisor: fleets less one). [-]"""

    def quantile_per_s(self, probability: float) -> float:
        """Return the rate [1/s] per server that a fleet stays below with the given probability."""
        return self.median_per_s * math.exp(self.sd * NormalDist().inv_cdf(probability))

    def band_ratio(self, level: float = 0.9) -> float:
        """Return upper over lower bound of the central band that holds a fleet with probability `level`. [-]"""
        return self.quantile_per_s(0.5 + level / 2.0) / self.quantile_per_s(0.5 - level / 2.0)


def spread_of_fleets(name: str = "hopper") -> Spread:
    """Return the spread of the published fleets of a catalog entry (kind ``reliability_fleets``).

    Median and standard deviation are those of the logarithms of the rates, taken as they are: the error of a single
    published rate (a few percent for hundreds of events) is small beside the spread and stays in it.

    Raises
    ------
    CatalogError
        If the catalog has no such fleets.
    """
    sets = {
        key: value for key, value in catalog.entries(KIND).items() if any(f.startswith("rate.") for f in value.figures)
    }
    if name not in sets:
        raise CatalogError(
            f"failures.fleets: unknown fleets {name!r}{nearest(name, sets)}; use one of {', '.join(sets)}"
        )
    logs = [math.log(sets[name].si(key)) for key in sets[name].figures if key.startswith("rate.")]
    return Spread(len(logs), math.exp(fmean(logs)), stdev(logs))


def concentration_of_shares() -> float:
    r"""Return the concentration of the Dirichlet law of the shares of causes between fleets. [-]

    By moments over the published shares of accelerator, host and network failures: a Dirichlet law of concentration
    `a` and mean shares `m` has :math:`\sum_k \mathrm{var}_k = \sum_k m_k (1 - m_k) / (a + 1)`. Sums of shares follow a
    Dirichlet law of the same concentration, so that it also holds for the finer causes of a variant.
    """
    entry = catalog.entry(KIND, "kinds")
    fleets = []
    for fleet in entry.properties["fleets"]:
        weights = [entry.si(f"{fleet}.{kind}") for kind in _KINDS]
        fleets.append([weight / math.fsum(weights) for weight in weights])
    by_kind = list(zip(*fleets, strict=True))
    means = [fmean(shares) for shares in by_kind]
    variance = math.fsum(stdev(shares) ** 2 for shares in by_kind)
    return math.fsum(mean * (1.0 - mean) for mean in means) / variance - 1.0


def draw_factors(
    variant: str | None,
    facts: JobFacts,
    rng: np.random.Generator,
    *,
    fleets: str = "hopper",
    stratum: tuple[int, int] = (0, 1),
) -> dict[str, float]:
    """Return a factor on the rate of each cause, for a fleet drawn from the published ones.

    The variant gives the mean shares of the causes, the drawn fleet the level: all causes that fleets count as
    failures together have its rate per 8-GPU server, whatever the rate of the variant. Causes beside them (slow
    servers, feeds, cooling) keep their rates.

    Parameters
    ----------
    variant : str or None
        Catalog name of the failure rates; None for the family's default.
    facts : JobFacts
        Counts of components and family of the job.
    rng : numpy.random.Generator
        One uniform variate and one gamma variate per cause are taken.
    fleets : str
        Catalog name (kind ``reliability_fleets``) of the fleets.
    stratum : tuple of int
        ``(i, n)``: the level is drawn from the i-th of n equally likely classes, so that an ensemble of n seeds covers
        the spread evenly; ``(0, 1)`` is a plain draw.

    Returns
    -------
    dict of str to float
        Factor by cause. [-]

    Raises
    ------
    InputError
        If the family has no published fleets: the rates of TPUs come from one.
    """
    if facts.family != "gpu":
        raise InputError("failures.uncertainty: expected none for TPUs, whose rates come from a single fleet")
    index, classes = stratum
    if not 0 <= index < classes:
        raise ValueError(f"expected a stratum (i, n) with 0 <= i < n, got {stratum}")
    level = spread_of_fleets(fleets).quantile_per_s((index + _inside(rng)) / classes)
    rates = _counted_rates(variant, facts)
    total = math.fsum(rates.values())
    servers = facts.gpus / GPUS_OF_A_SERVER
    concentration = concentration_of_shares()
    weights = {name: float(rng.gamma(concentration * rate / total)) for name, rate in rates.items()}
    drawn = math.fsum(weights.values())
    return {name: level * servers * (weights[name] / drawn) / rate for name, rate in rates.items()}


def _inside(rng: np.random.Generator) -> float:
    """Return a uniform variate above 0 and below 1, whose quantile is finite."""
    return float(min(max(rng.random(), _SMALLEST), 1.0 - _SMALLEST))


def _counted_rates(variant: str | None, facts: JobFacts) -> dict[str, float]:
    """Return the rate [1/s] of each cause that fleets count as a failure, where the job has such components."""
    entry = rates_entry(variant, facts.family)
    per_component = rates_per_component(entry)
    rates = {
        name: per_component[name] * float(getattr(facts, record.get("counted", "servers")))
        for name, record in entry.properties["causes"].items()
        if not record.get("beside_fleets", False)
    }
    return {name: rate for name, rate in rates.items() if rate > 0.0}
