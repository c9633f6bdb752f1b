"""Mean time between failures of a job against its size, from the catalog's rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clustersim.study.tables.reliability_bands import interval, job_rates
from clustersim.study.tables.reliability_causes import Fleet
from clustersim.study.tables.reliability_rows import ReliabilityRow

SIZES = (8, 64, 512, 1024, 4096, 16384, 32768, 65536, 98304, 131072)


@dataclass(frozen=True)
class Between:
    """Mean times between failures of a job of so many GPUs; hours."""

    accelerators: int
    hours: float
    """Of the median fleet with Hopper GPUs."""
    low: float
    high: float
    """The 90 % predictive band of another fleet."""
    nodes: float
    """By the node failures of RSC-1."""
    jobs: float
    """By the failures of jobs that were measured there."""


def between_failures(sizes: Sequence[int]) -> tuple[Between, ...]:
    """Return the mean times between failures of jobs of 8-GPU servers, by size."""
    return tuple(_between(size) for size in sizes)


def _between(size: int) -> Between:
    blank = ReliabilityRow(**dict.fromkeys(ReliabilityRow.__dataclass_fields__, ""))
    facts = replace(blank, accelerator="H100").facts(size)
    default = job_rates(Fleet(None, own=False), facts, "H100")
    nodes, jobs = (job_rates(Fleet(name, own=True), facts, "A100").total() for name in ("rsc-1", "rsc-jobs"))
    low, high = interval(1.0 / default.drawn() / 3600.0)
    return Between(size, 1.0 / default.total() / 3600.0, low, high, 1.0 / nodes / 3600.0, 1.0 / jobs / 3600.0)
