"""SimPy processes that draw failures and strike the cluster."""

from __future__ import annotations

import heapq
import math
from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.operation.causes import Cause
from clustersim.operation.cluster import Cluster

MOST_FAILURES = 2_000_000
"""Failures over the horizon beyond which time and memory of a run get out of hand: half a minute, a gigabyte. [-]"""


def start_sources(
    env: simpy.Environment,
    cluster: Cluster,
    causes: Sequence[Cause],
    seeds: Sequence[np.random.SeedSequence],
    horizon_s: float,
) -> None:
    """Start one process per cause, each with a stream of its own.

    Parameters
    ----------
    env, cluster
        Clock, and the servers that are struck.
    causes, seeds
        Causes and their seeds, of the same length; which component fails is drawn from a child of the cause's seed, so
        that the times do not depend on it.
    horizon_s
        No failure is drawn beyond it. [s]

    Raises
    ------
    InputError
        If so many failures are expected that the run would not end in reasonable time; no job trains under them.
    """
    expected = math.fsum(cause.mean_rate_per_s(horizon_s) for cause in causes) * horizon_s
    if expected > MOST_FAILURES:
        raise InputError(
            f"operation.failure_scale: expected at most {MOST_FAILURES:,} failures over the horizon, found rates that "
            f"make {expected:,.0f}"
        )
    for cause, seed in zip(causes, seeds, strict=True):
        times, picks = np.random.default_rng(seed), np.random.default_rng(seed.spawn(1)[0])
        if cause.rate_per_s <= 0.0:
            continue
        if cause.life.memoryless:
            env.process(_poisson(env, cluster, cause, times, picks))
        else:
            env.process(_renewals(env, cluster, cause, times, horizon_s))


def _poisson(
    env: simpy.Environment, cluster: Cluster, cause: Cause, times: np.random.Generator, picks: np.random.Generator
) -> Generator[simpy.Event, Any, None]:
    """Strike at the events of all components together: a Poisson process, each time one of them."""
    mean = 1.0 / cause.rate_per_s
    while True:
        yield env.timeout(float(times.exponential(mean)))
        cluster.strike(cause, int(picks.integers(cause.count)) if cause.count > 1 else 0)


def _renewals(
    env: simpy.Environment, cluster: Cluster, cause: Cause, rng: np.random.Generator, horizon_s: float
) -> Generator[simpy.Event, Any, None]:
    """Strike at the end of each component's life; a new one with a life of its own takes its place at once.

    Only lives that end within the horizon are held, so that the work grows with the failures and not with the parts.
    """
    left: NDArray[np.float64] = cause.life.draw(rng, cause.count, cause.age_s)
    first = np.flatnonzero(left < horizon_s)
    ends = list(zip(left[first].tolist(), first.tolist(), strict=True))
    heapq.heapify(ends)
    while ends:
        end, index = ends[0]
        # the clock may stand a rounding beyond the end of a life that is as good as over
        yield env.timeout(max(0.0, end - env.now))
        cluster.strike(cause, index)
        after = end + float(cause.life.draw(rng, 1)[0])
        if after < horizon_s:
            heapq.heapreplace(ends, (after, index))
        else:
            heapq.heappop(ends)
