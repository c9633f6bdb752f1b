"""Benchmarks of months of operation on many seeds (docs/models/operation.md)."""

from __future__ import annotations

from functools import cache

import numpy as np

from benchmarks.processes import peak_bytes
from benchmarks.records import Benchmark, Found
from benchmarks.timing import best
from clustersim.operation import JobFacts, OperationSpec, simulate_operation
from clustersim.operation.causes import failure_causes
from clustersim.operation.ensemble import simulate_seeds
from clustersim.operation.tasks import JobTask

CAUSES, SEEDS, WORKERS = 30, 100, 2
DOMAINS = ("rack", "rack", "leaf", "feed", "building", "route")
FACTS = {
    "gpus": 200_000, "servers": 25_000, "step_time_s": 1.0, "step_time_cv": 1e-3, "checkpoint_bytes": 28e12,
    "links": 200_000, "racks": 3_125, "leaves": 3_125, "feeds": 34, "cooling_units": 8, "routes": 4,
    "servers_per_rack": 8, "servers_per_leaf": 8, "servers_per_feed": 750,
}  # fmt: skip

_PEAK = """
import numpy as np
from benchmarks.operation_cases import job, months
from clustersim.operation import simulate_operation
simulate_operation(months(), job({step_s}), np.random.SeedSequence(1))
"""


def months(horizon: str = "90 d") -> OperationSpec:
    """Return months with thirty causes of failure: 24 of components, six of domains that fall whole."""
    outages = [{"domain": domain, "every": "200 yr", "outage": "6 h"} for domain in DOMAINS]
    return OperationSpec.model_validate(
        {
            "horizon": horizon,
            "restart_time": "300 s",
            "failure_rates": "components-h100",
            "failures": {"domains": outages},
        }
    )


def job(step_s: float = 1.0) -> JobFacts:
    """Return a job on 200,000 GPUs with steps of `step_s`."""
    return JobFacts(**(FACTS | {"step_time_s": step_s}))  # type: ignore[arg-type]


@cache
def _task() -> JobTask:
    spec = months()
    causes = failure_causes(spec.failure_rates, job(), spec=spec.failures)
    if len(causes) != CAUSES:
        raise RuntimeError(f"expected {CAUSES} causes, found {len(causes)}")
    return JobTask(spec, job(), np.random.SeedSequence(1))


def operation_90d() -> Found:
    """90 days of 200,000 GPUs with thirty causes of failure, one seed, best of three; no peer."""
    task = _task()
    return Found(best(lambda: simulate_operation(task.spec, task.job, task.seed), 3))


def operation_seeds() -> Found:
    """Share of two cores that 100 seeds of 90 days use with two workers, start included; peer: the speed-up."""
    alone = best(lambda: simulate_seeds(_task(), SEEDS, 1), 1)
    together = best(lambda: simulate_seeds(_task(), SEEDS, WORKERS), 1)
    return Found(alone / together / WORKERS, alone / together)


def operation_memory() -> Found:
    """Memory of a process that simulates 90 days of 200,000 GPUs; peer: against steps of a hundredfold length."""
    short, long = (peak_bytes(_PEAK.format(step_s=step)) for step in (0.1, 10.0))
    return Found(short / 1e6, short / long)


OPERATION_BENCHMARKS = (
    Benchmark("operation_90d", "s", 3.0, "lower", operation_90d),
    Benchmark("operation_seeds", "-", 0.85, "higher", operation_seeds),
    Benchmark("operation_memory", "MB", 200.0, "lower", operation_memory),
)
