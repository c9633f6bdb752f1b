"""The flat summary of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from clustersim.economics import CostTable
from clustersim.operation.fleet_records import FleetRecord
from clustersim.power.smoothing import damps_devices
from clustersim.study.findings import Findings
from clustersim.study.fleet_load import fleet_keys
from clustersim.study.generation import generation, generation_keys
from clustersim.study.grid.modes import mode_keys
from clustersim.study.operation_keys import operation_keys
from clustersim.study.power_bands import band_keys
from clustersim.study.several_sites.alone import Alone, sites_keys
from clustersim.study.site.power import excess_peak_w
from clustersim.study.site.summary import (
    MW,
    cooling_keys,
    energy_keys,
    finished,
    outcome_keys,
    plant_response_keys,
    power_keys,
    undamped_keys,
)
from clustersim.study.wear import damping_keys, refused_keys, second_job_keys
from clustersim.units import DAY_S
from clustersim.workload import PlanSpec


def plan_keys(plan: PlanSpec) -> dict[str, Any]:
    """Return the cut of a plan as the summary and the table of plans name it."""
    return {
        "tensor": plan.tensor,
        "context": plan.context,
        "pipeline": plan.pipeline,
        "virtual_stages": plan.virtual_stages,
        "schedule": plan.schedule,
        "expert": plan.expert,
        "data": plan.data,
        "sharding": plan.sharding,
        "micro_batches": plan.micro_batches,
        "recompute": plan.recompute,
        "expert_overlap": plan.expert_overlap,
    }


def summarise(
    found: Findings,
    cost: CostTable,
    of_grid: Callable[[dict[str, str]], dict[str, Any]],
    fleet: FleetRecord | None = None,
    alone: Alone | None = None,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the summary and, for every key without a value, the reason.

    Power keys are at the meters of all sites together, 100 ms means, in the steady window; ``it_`` keys at the input of
    the power supplies. Ramps are the largest ``|P(t + 1 s) - P(t)|`` over all windows. ``undamped_`` keys are of the
    load without what damps outside the devices and the step. `of_grid` gives the keys about events of the grid and
    adds reasons; `fleet` is what shares the cluster, `alone` sites that train alone between outer steps.
    """
    reasons: dict[str, str] = {}
    keys: dict[str, Any] = {}
    keys |= _training(found)
    keys |= {"horizon_days": found.timeline.horizon_s / DAY_S}
    keys |= operation_keys(found.timeline, reasons) | of_grid(reasons)
    keys |= fleet_keys(fleet, reasons) | sites_keys(alone, reasons)
    keys |= power_keys(found, reasons)
    keys |= _computing(found)
    keys |= band_keys(found.study, found.pool.traces[0], keys, reasons)
    keys |= undamped_keys(found, _inside(found), reasons)
    keys |= energy_keys(found)
    keys |= generation_keys(found, generation(found), reasons)
    keys |= {"throughput_loss": found.throughput_loss}
    keys |= damping_keys(found, reasons) | refused_keys(found, reasons) | second_job_keys(found, reasons)
    keys |= plant_response_keys(found, reasons)
    keys |= mode_keys(found.modes, reasons)
    keys |= cooling_keys(found, reasons)
    keys |= outcome_keys(found, cost, reasons)
    return finished(found, keys, reasons)


def _training(found: Findings) -> dict[str, Any]:
    study, pool = found.study, found.pool
    seconds = found.iteration_time_s
    parts = {
        name: float(np.mean([t.breakdown[name] / t.iteration_time_s for t in pool.traces]))
        for name in pool.traces[0].breakdown
    }
    plan = study.plan
    tokens = study.tokens_per_step
    budget = study.scenario.job.token_budget
    return {
        "accelerators": study.accelerators,
        "accelerators_used": plan.accelerators,
        **plan_keys(plan),
        "plans_compared": study.fitting,
        "tokens_per_step": tokens,
        "iteration_time_s": seconds,
        "iteration_time_cv": pool.cv,
        "iteration_frequency_hz": 1.0 / seconds,
        "mfu": study.mfu(seconds),
        "hfu": study.hfu(seconds),
        "tokens_per_s": tokens / seconds,
        "tokens_per_s_per_gpu": tokens / seconds / plan.accelerators,
        "memory_per_gpu_gb": float(study.program.memory_bytes.max()) / 1e9,
        "compute_fraction": parts["matrix"] + parts["memory"] + parts["host"],
        "bubble_fraction": parts["bubble"],
        "exposed_comm_fraction": parts["exchange"] + parts["data_exchange"],
        "wan_fraction": study.timing.wan_s / seconds,
        "steps_to_budget": budget / tokens,
        "days_to_budget": budget / (tokens / seconds * max(found.timeline.goodput, 1e-12)) / DAY_S,
    }


def _computing(found: Findings) -> dict[str, Any]:
    full, bubble = found.computing_it_w
    return {
        "it_computing_mw": full / MW,
        "it_bubble_mw": bubble / MW,
        "it_excess_peak_mw": excess_peak_w(found.study) / MW,
    }


def _inside(found: Findings) -> str | None:
    """Name damping that the undamped load contains, or return None without any."""
    strategies = found.study.scenario.damping
    if damps_devices(strategies, found.study.place.power):
        return "the devices' damping"
    others = [s.kind for s in strategies if not s.outside]
    return ", ".join(others) or None
