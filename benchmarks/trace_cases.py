"""Benchmarks of measured traces."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.records import Benchmark, Found
from benchmarks.timing import best
from clustersim.power.trace import PowerTrace
from clustersim.power.trace_export import write_trace
from clustersim.power.trace_files import Columns
from clustersim.study.measured.assess import Question, assess_file

SAMPLES = 10_000_000


def _trace() -> PowerTrace:
    rng = np.random.default_rng(1)
    times = 1e-3 * np.arange(SAMPLES)
    return PowerTrace("t", 0.0, 1e-3, np.where(times % 20.93 < 3.0, 20e6, 85e6) + 1e5 * rng.random(SAMPLES))


def assess_10m() -> Found:
    """Ten million samples from Parquet, statistics and rules of `standard`, best of two; no peer."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.parquet"
        write_trace(path, _trace())
        return Found(best(lambda: assess_file(path, Columns(), Question()), 2))


TRACE_BENCHMARKS = (Benchmark("assess_10m", "s", 5.0, "lower", assess_10m),)
