"""Benchmarks of the island bus (docs/models/plant.md)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.records import Benchmark, Found
from benchmarks.timing import best
from clustersim.plant.bus import Battery, Bus, Group, run_bus
from clustersim.plant.governors import Gast

MW = 1e6
ANDES_S = 10.0
"""The quickest run of ANDES 2.0.0 on 40 s of the same island at 1/240 s, measured on another machine. [s]"""
GAST = Gast(droop=0.05, t1_s=0.4, t2_s=0.1, t3_s=3.0, ambient=1.0, kt=2.0, vmax=1.0, vmin=0.0)
BATTERY = Battery(30 * MW, 3600 * 30 * MW, 0.01, 0.0006, 0.195, 0.05, 0.95, 0.5)
BUS = Bus(60.0, (Group("15 turbines", 200 * MW, 800 * MW, 100 * MW, GAST),), (BATTERY,))


def _load(seconds: float) -> NDArray[np.float64]:
    """Return a load that alternates between 120 and 80 MW at 0.5 Hz, at 1 ms. [W]"""
    return np.where(np.arange(round(seconds * 1000)) % 2000 < 1000, 120 * MW, 80 * MW)


def island_600s() -> Found:
    """Ten minutes of an island of 15 turbines and a battery at 1 ms, best of five; no peer."""
    load = _load(600.0)
    run_bus(BUS, load[:10], 1e-3)
    return Found(best(lambda: run_bus(BUS, load, 1e-3), 5))


def island_40s() -> Found:
    """40 s of 15 turbines and a battery at 1 ms, best of twenty; peer: times longer ANDES takes at 1/240 s."""
    load = _load(40.0)
    run_bus(BUS, load[:10], 1e-3)
    value = best(lambda: run_bus(BUS, load, 1e-3), 20)
    return Found(value, ANDES_S / value)


PLANT_BENCHMARKS = (
    Benchmark("island_600s", "s", 0.3, "lower", island_600s),
    Benchmark("island_40s", "s", 0.02, "lower", island_40s),
)
