"""Benchmarks of looking closer at long records of power: what the Power page of the dashboard does at every drag."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks.records import Benchmark, Found
from benchmarks.timing import best
from clustersim.report.envelope import envelope
from clustersim.report.extremes import Extremes
from clustersim.report.power_figures import scale_of, zoomed
from clustersim.report.power_file import file_record
from clustersim.report.spans import Span

SAMPLES = 10_000_000
DT_S = 1e-3
NODES = ("meter", "site/it", "site/hall_1", "site/hall_2")


def _watts(node: int, first: int, count: int) -> np.ndarray:
    """Return a square wave of steps with noise, as a record of training looks."""
    times = DT_S * np.arange(first, first + count)
    return np.where(times % 20.93 < 3.0, 20e6, 85e6) / (node + 1) + 1e5 * np.random.default_rng(first).random(count)


def written(path: Path, piece: int = 200_000) -> Path:
    """Write ten million samples of four nodes as ``clustersim waveform`` does, piece by piece."""
    schema = pa.schema([("time_s", pa.float64()), *((name, pa.float64()) for name in NODES)])
    with parquet.ParquetWriter(path, schema) as writer:
        for first in range(0, SAMPLES, piece):
            columns = [DT_S * np.arange(first, first + piece), *(_watts(k, first, piece) for k in range(len(NODES)))]
            writer.write_table(pa.table(columns, schema=schema))
    return path


@cache
def _record() -> Extremes:
    return Extremes(_watts(0, 0, SAMPLES).astype(np.float32))


def envelope_10m() -> Found:
    """Ten million samples as 2,000 points; peer: against looking at every sample."""
    record = _record()
    value = best(lambda: record.envelope(0.0, DT_S), 20)
    return Found(1e3 * value, value / best(lambda: envelope(0.0, DT_S, record.values), 5))


def zoom_10m() -> Found:
    """A span of four records of ten million samples as a figure and its JSON; peer: against 10,000 samples."""
    short = Extremes(_record().values[:10_000])

    def figure(record: Extremes) -> float:
        traces, whole = dict.fromkeys(NODES, record), Span(0.0, record.samples * DT_S)
        span = whole.scaled(0.5, whole, DT_S)
        scale = scale_of(traces)
        return best(lambda: zoomed(traces, whole, DT_S, span, scale).to_json(), 10)

    value = figure(_record())
    return Found(1e3 * value, value / figure(short))


def open_10m() -> Found:
    """One of four columns of ten million samples from Parquet, ready to be drawn; peer: against reading all of them."""
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder) / "record.parquet")
        value = best(lambda: file_record(path).samples(NODES[0]), 3)
        return Found(value, value / best(lambda: parquet.read_table(path), 2))


def memory_10m() -> Found:
    """Memory of four columns of ten million samples, ready to be drawn; peer: against the samples alone."""
    with tempfile.TemporaryDirectory() as folder:
        record = file_record(written(Path(folder) / "record.parquet"))
        kept = [record.samples(node) for node in NODES]
    size = sum(one.values.nbytes + one.lowest.nbytes + one.highest.nbytes for one in kept)
    return Found(size / 1e9, size / (4.0 * SAMPLES * len(NODES)))


RECORD_BENCHMARKS = (
    Benchmark("envelope_10m", "ms", 15.0, "lower", envelope_10m),
    Benchmark("zoom_10m", "ms", 100.0, "lower", zoom_10m),
    Benchmark("open_10m", "s", 1.0, "lower", open_10m),
    Benchmark("memory_10m", "GB", 0.4, "lower", memory_10m),
)
