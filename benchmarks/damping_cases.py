"""Benchmarks of damping on a waveform (docs/models/damping.md)."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.records import Benchmark, Found
from benchmarks.timing import best
from clustersim.power.chain import DampingChain
from clustersim.power.smoothing import SmoothingProfile
from clustersim.power.storage import site_storage
from clustersim.power.stores import SiteBatteryElement, StoreElement

SAMPLES, DT_S = 1_000_000, 1e-3


@cache
def _site() -> NDArray[np.float64]:
    """Return 150 MW of 100,000 accelerators with an iteration of 20.93 s and noise, 1,000 s at 1 ms. [W]"""
    time = DT_S * np.arange(SAMPLES)
    noise = np.random.default_rng(1).normal(0.0, 3e6, SAMPLES)
    return np.maximum(np.where(time % 20.93 < 17.9, 150e6, 60e6) + noise, 0.0)


@cache
def _chain() -> DampingChain:
    return DampingChain(
        (
            SmoothingProfile(75e6, 165e6, 10.5e6, 10.5e6, 2.0, 50e6),
            StoreElement("psu_storage", "node", np.inf, 6.5e6, 0.1, 0.98, recharge_s=1.0),
            StoreElement("rack_storage", "rack", 50e6, 5e8, 20.0, 0.95, recharge_s=3600.0),
            SiteBatteryElement(site_storage("megapack_2xl", 100e6, 3.6e11, 0.5, 30.0)),
        )
    )


def damping_chain() -> Found:
    """Profile, supplies, racks and site battery on a million samples of a site, best of three; no peer."""
    _chain().apply(_site(), DT_S)
    return Found(best(lambda: _chain().apply(_site(), DT_S), 3))


DAMPING_BENCHMARKS = (Benchmark("damping_chain", "s", 0.2, "lower", damping_chain),)
