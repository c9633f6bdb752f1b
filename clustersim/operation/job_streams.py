"""Research jobs at random: the law that has a published trace's moments, and draws from it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog

_NORMAL = NormalDist()
_HALVINGS = 200
"""Steps of a bisection: the bracket is then as narrow as the floats are."""


@dataclass(frozen=True)
class StreamLaw:
    """Sizes and durations of jobs: 2^k accelerators with a probability that falls by a constant factor from k to k + 1.

    The duration of a job of g accelerators is lognormal with the median ``median_s * g**growth`` and the spread
    `sigma` of its logarithm, all four constants such that the law has the published means of size, duration and
    accelerator-time and the published median of the duration.
    """

    weights: tuple[float, ...]
    """Probability of 2^k accelerators, k = 0, 1, ... [-]"""
    median_s: float
    growth: float
    sigma: float

    @property
    def sizes(self) -> tuple[int, ...]:
        """Accelerators of each class."""
        return tuple(2**k for k in range(len(self.weights)))

    def mean_s(self, accelerators: float) -> float:
        """Return the mean duration [s] of a job of so many accelerators."""
        return self.median_s * math.pow(accelerators, self.growth) * math.exp(self.sigma**2 / 2.0)


@dataclass(frozen=True)
class Gangs:
    """The classes of jobs as a cluster of whole servers sees them."""

    weights: NDArray[np.float64]
    """Probability of each class. float[k]"""
    servers: NDArray[np.int64]
    """Servers of a gang of each class. int[k]"""
    median_s: NDArray[np.float64]
    """Median duration of each class. [s], float[k]"""
    sigma: float

    @property
    def server_s(self) -> float:
        """Mean work of one gang: servers x duration. [s]"""
        return float(np.sum(self.weights * self.servers * self.median_s) * math.exp(self.sigma**2 / 2.0))


@catalog.catalog_cache
def stream_law(name: str) -> StreamLaw:
    """Return the law of a published trace (catalog kind ``job_streams``).

    Each constant is found by bisection: the ratio of the sizes' probabilities from the mean size; the growth of the
    duration with size from accelerator-time per job over mean duration; the spread from the median of the mixture.

    Raises
    ------
    CatalogError
        If the name is unknown, or its entry is not a trace.
    """
    entry = catalog.entry("job_streams", name)
    classes = int(math.log2(entry.si("gpus.most"))) + 1
    size = 2.0 ** np.arange(classes)

    def shares(ratio: float) -> NDArray[np.float64]:
        weights = np.power(ratio, np.arange(classes, dtype=np.float64))
        return np.asarray(weights / weights.sum(), dtype=np.float64)

    ratio = _root(lambda q: float(shares(q) @ size) - entry.si("gpus.mean"), 0.0, 4.0)
    weights = shares(ratio)
    mean = entry.si("run_time.mean")
    per_job = entry.si("gpu_time.mean") / mean
    growth = _root(lambda b: float(weights @ size ** (1.0 + b) / (weights @ size**b)) - per_job, -4.0, 4.0)
    unit_s = mean / float(weights @ size**growth)
    median = entry.si("run_time.median")

    def below(sigma: float) -> float:
        centre = math.log(unit_s) - sigma**2 / 2.0 + growth * np.log(size)
        return math.fsum(w * _NORMAL.cdf((math.log(median) - c) / sigma) for w, c in zip(weights, centre, strict=True))

    # the longer the tail at the same mean, the smaller the median
    sigma = _root(lambda s: below(s) - 0.5, 0.05, math.sqrt(2.0 * math.log(mean / median)) + 1.0)
    return StreamLaw(tuple(float(w) for w in weights), unit_s * math.exp(-(sigma**2) / 2.0), growth, sigma)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where an increasing function crosses zero between `low` and `high`."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if function(middle) > 0.0 else (middle, high)
    return (low + high) / 2.0


def gangs_of(law: StreamLaw, per_server: int, least: int, largest: int) -> Gangs:
    """Return the jobs of `law` as gangs of whole servers of `per_server` accelerators.

    Jobs below `least` accelerators, or one server, are bundled side by side in gangs of that size, so that there are
    fewer of them at equal work; those above `largest` do not arrive.

    Raises
    ------
    ValueError
        If no class is left.
    """
    unit = max(1, math.ceil(least / per_server)) * per_server
    kept = [(w, g) for w, g in zip(law.weights, law.sizes, strict=True) if max(g, unit) <= largest]
    if not kept:
        raise ValueError(f"no job of at least {unit} and at most {largest} accelerators")
    weights = np.array([w * min(1.0, g / unit) for w, g in kept])
    servers = np.array([math.ceil(max(g, unit) / per_server) for _, g in kept], dtype=np.int64)
    medians = np.array([law.median_s * g**law.growth for _, g in kept])
    return Gangs(weights / weights.sum(), servers, medians, law.sigma)


def draw_arrivals(
    gangs: Gangs, every_s: float, horizon_s: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return times [s], servers and durations [s] of the jobs that arrive before the horizon, a Poisson process."""
    count = int(rng.poisson(horizon_s / every_s))
    times = np.sort(rng.uniform(0.0, horizon_s, count))
    kinds = rng.choice(gangs.weights.size, count, p=gangs.weights)
    durations = gangs.median_s[kinds] * np.exp(gangs.sigma * rng.standard_normal(count))
    return times, gangs.servers[kinds], durations
