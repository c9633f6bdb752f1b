"""The answers of a training step alone, the same for the verb `step` and for the points of a sweep."""

from __future__ import annotations

from typing import Any

import numpy as np

from clustersim.study.it_power import Pool
from clustersim.study.step import StepStudy


def mean_breakdown(pool: Pool) -> dict[str, float]:
    """Return what each part of a step takes, mean over the jittered steps of a pool. [s]"""
    return {name: float(np.mean([one.breakdown[name] for one in pool.traces])) for name in pool.traces[0].breakdown}


def step_answers(study: StepStudy, pool: Pool) -> dict[str, Any]:
    """Return the answers by key of the summary: counts, time, throughput, memory and shares of a step."""
    seconds, parts = pool.iteration_time_s, mean_breakdown(pool)
    return {
        "accelerators": study.accelerators,
        "accelerators_used": study.plan.accelerators,
        "tokens_per_step": study.tokens_per_step,
        "iteration_time_s": seconds,
        "iteration_time_cv": pool.cv,
        "mfu": study.mfu(seconds),
        "hfu": study.hfu(seconds),
        "tokens_per_s": study.tokens_per_step / seconds,
        "tokens_per_s_per_gpu": study.tokens_per_step / seconds / study.plan.accelerators,
        "memory_per_gpu_gb": float(study.program.memory_bytes.max()) / 1e9,
        "bubble_fraction": parts["bubble"] / seconds,
        "exposed_comm_fraction": (parts["exchange"] + parts["data_exchange"]) / seconds,
    }
