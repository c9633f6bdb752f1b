"""Plans that would be fast and do not fit: what a search refuses, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim.training.network import Network, within
from clustersim.training.plan_space import iteration_times, memory_needed
from clustersim.training.search import DISTINCT, plan_at, search_space_of
from clustersim.workload import JobSpec, ModelSpec, PlanSpec
from clustersim.workload.footprint import usable_bytes
from clustersim.workload.hardware import Hardware


@dataclass(frozen=True)
class RefusedPlan:
    """A plan that needs more memory than there is."""

    plan: PlanSpec
    iteration_time_s: float
    """What it would take, in closed form. [s]"""
    memory_bytes: float
    """Needed by the fullest rank. [B]"""


@dataclass(frozen=True)
class Refusals:
    """What a search tried, and what it could not take."""

    tried: int
    too_large: int
    """Plans that do not fit in memory."""
    usable_bytes: float
    """Memory that a job can use on one accelerator. [B]"""
    fastest: tuple[RefusedPlan, ...]
    """Of the plans that do not fit, the fastest, of each cut one."""


def refused_plans(
    model: ModelSpec, job: JobSpec, accelerators: tuple[str, ...], reached: Hardware, network: Network, top: int
) -> Refusals:
    """Return the plans that :func:`~clustersim.training.search.search_plans` leaves out for their memory.

    Parameters
    ----------
    model, job, accelerators, reached, network
        As of the search.
    top : int
        How many are listed.
    """
    plans = search_space_of(model, job, network)
    usable = float(usable_bytes(accelerators).min())
    if plans is None:
        return Refusals(0, 0, usable, ())
    memory = memory_needed(plans)
    large = memory > usable
    left, need = plans.take(large), memory[large]
    found: list[RefusedPlan] = []
    if need.size:
        seconds = iteration_times(left, within(reached.slowest(), network))
        seen: set[tuple[float, ...]] = set()
        for index in np.argsort(seconds / (left.sequences * left.sequence), kind="stable"):
            cut = tuple(float(getattr(left, name)[index]) for name in DISTINCT)
            if cut in seen:
                continue
            seen.add(cut)
            plan = plan_at(left, int(index), job, len(network.accelerators))
            found.append(RefusedPlan(plan, float(seconds[index]), float(need[index])))
            if len(found) == top:
                break
    return Refusals(plans.size, int(large.sum()), usable, tuple(found))
