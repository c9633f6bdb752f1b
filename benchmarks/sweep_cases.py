"""Benchmarks of what a sweep costs beside its points (docs/scaling.md)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT
from benchmarks.records import Benchmark, Found
from clustersim.study.sweep.collect import Engine, collect
from clustersim.study.sweep.dask_engine import DaskEngine
from clustersim.study.sweep.local_engine import LocalEngine
from clustersim.study.sweep.records import Outcome, Task, Work
from clustersim.study.sweep.store import Store

WORKERS = 2
CHEAP, COLUMNS = 2000, 120
POINTS, POINT_S = 120, 0.1
PAYLOAD_KEYS = 400
"""Keys of a payload: with them it is as large as a resolved scenario of 14 kB."""


def nothing(task: Task) -> Outcome:
    """Return a row as wide as a summary, without any work."""
    return Outcome(task.point_id, task.index, {f"key{at}_mw": at / 7.0 for at in range(COLUMNS)}, None, 0.0)


def busy(task: Task) -> Outcome:
    """Use a core for a while, as a point does."""
    begin = time.perf_counter()
    end = time.process_time() + POINT_S
    while time.process_time() < end:
        sum(range(1000))
    return Outcome(task.point_id, task.index, {"x": task.index}, None, time.perf_counter() - begin)


def _tasks(count: int) -> list[Task]:
    payload: dict[str, Any] = {f"topology.site.memphis.key{at}": f"{at} MW" for at in range(PAYLOAD_KEYS)}
    return [Task(f"p{index}", index, payload) for index in range(count)]


def _rate(engine: Engine, work: Work, count: int) -> float:
    """Return points per second into a store, workers warm. [1/s]"""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "store", {"study": "benchmark"}) as store:
        for _ in engine.outcomes(_tasks(2 * WORKERS), work):
            pass
        begin = time.perf_counter()
        collect(store, engine, _tasks(count), work)
        store.finish()
        return count / (time.perf_counter() - begin)


def sweep_overhead() -> Found:
    """Time per point of a point that does nothing, two workers, store included; peer: points per second and worker."""
    with LocalEngine(WORKERS) as engine:
        rate = _rate(engine, nothing, CHEAP)
    return Found(1e3 / rate, rate / WORKERS)


@contextmanager
def _scheduler() -> Iterator[str]:
    """Start a Dask scheduler and two workers, each a process of its own; give its address."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scheduler.json"
        common = ["--scheduler-file", str(file), "--no-dashboard"]
        commands = [
            ["scheduler", *common, "--port", "0"],
            *[["worker", *common, "--nthreads", "1", "--no-nanny"]] * WORKERS,
        ]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{words[0]}", *words[1:]],
                cwd=folder,
                env=environment,
                stderr=subprocess.DEVNULL,
            )
            for words in commands
        ]
        try:
            end = time.monotonic() + 60.0
            while not file.exists():
                if time.monotonic() > end:
                    raise RuntimeError("the Dask scheduler did not start within a minute")
                time.sleep(0.05)
            yield str(json.loads(file.read_text())["address"])
        finally:
            for process in processes:
                process.kill()
                process.wait()


def sweep_dask() -> Found:
    """Rate with a Dask scheduler and two workers against the local engine, points of 0.1 s; peer: points per second."""
    with LocalEngine(WORKERS) as engine:
        local = _rate(engine, busy, POINTS)
    with _scheduler() as address, DaskEngine(address) as cluster:
        cluster.wait_for(WORKERS)
        dask = _rate(cluster, busy, POINTS)
    return Found(dask / local, dask)


SWEEP_BENCHMARKS = (
    Benchmark("sweep_overhead", "ms", 5.0, "lower", sweep_overhead),
    Benchmark("sweep_dask", "-", 0.80, "higher", sweep_dask),
)
