"""What a step is made of: what each stage does and holds, and how the lock-step units differ from one another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError, nearest
from clustersim.study.step import StepStudy
from clustersim.training.records import StepTrace
from clustersim.workload.footprint import usable_bytes

HELD = ("weights", "gradients", "optimizer", "activations", "working")
"""Parts of the memory of a rank."""
CLASSES = 24
"""Classes of the histogram of the units' ends."""
SLOWEST = 10
"""Units that are listed as the slowest."""
PLACES = ("fastest", "median", "slowest")
"""Units that have a name: by when they are through with the passes of the step."""


def stage_answers(study: StepStudy, trace: StepTrace) -> list[dict[str, Any]]:
    """Return what each pipeline stage does and holds: layers, time at work in `trace`, memory of a rank by part."""
    program, pipeline = study.program, study.plan.pipeline
    busy_s = (trace.end_s - trace.start_s).reshape(-1, pipeline, study.timing.schedule.per_stage).sum(axis=2)
    # DualPipe's second chunk is the first in reverse: a device holds both
    layers = program.layers.reshape(-1, pipeline).sum(axis=0)
    return [
        {
            "stage": stage,
            "layers": int(layers[stage]),
            "busy_s": float(busy_s[:, stage].mean()),
            **{f"{name}_gb": float(getattr(program.memory, name)[stage]) / 1e9 for name in HELD},
            "memory_gb": float(program.memory_bytes[stage]) / 1e9,
        }
        for stage in range(pipeline)
    ]


def usable_memory_gb(study: StepStudy) -> float:
    """Return the memory that a job can use on the smallest accelerator of the place. [GB]"""
    return float(usable_bytes(study.place.kinds).min()) / 1e9


def unit_ends_s(trace: StepTrace) -> NDArray[np.float64]:
    """Return when each unit is through with its passes. [s]"""
    return np.asarray(trace.end_s.max(axis=1))


def unit_named(trace: StepTrace, name: str) -> int:
    """Return the number of the unit called `name`: ``fastest``, ``median``, ``slowest``, or a number.

    Raises
    ------
    InputError
        If there is no such unit.
    """
    order = np.argsort(unit_ends_s(trace), kind="stable")
    if name in PLACES:
        return int(order[{"fastest": 0, "median": order.size // 2, "slowest": -1}[name]])
    if name.isdecimal() and int(name) < order.size:
        return int(name)
    raise InputError(
        f"unit: expected {', '.join(PLACES)} or a number from 0 to {order.size - 1}, found {name!r}"
        f"{nearest(name, PLACES)}"
    )


def unit_answers(study: StepStudy, trace: StepTrace) -> dict[str, Any]:
    """Return how the units of one step differ: how many, when they are through, and the slowest of them."""
    ends = unit_ends_s(trace)
    middle = float(np.median(ends))
    counts, edges = np.histogram(ends, bins=min(CLASSES, max(1, ends.size)))
    behind = np.argsort(-ends, kind="stable")[:SLOWEST]
    return {
        "count": int(ends.size),
        "accelerators_each": study.plan.span,
        "replicas_each": study.plan.replicas_per_unit,
        **{name: {"unit": unit, "end_s": float(ends[unit])} for name in PLACES for unit in [unit_named(trace, name)]},
        "median_end_s": middle,
        "histogram": {"edges_s": edges.tolist(), "units": counts.tolist()},
        "slowest_units": [_unit(study, int(unit), float(ends[unit]), middle) for unit in behind],
    }


def _unit(study: StepStudy, unit: int, end_s: float, middle_s: float) -> dict[str, Any]:
    site, hall = study.place.nodes[int(study.fleet.unit_node[unit])]
    return {
        "unit": unit,
        "site": site,
        "hall": hall,
        "end_s": end_s,
        "behind_median_s": end_s - middle_s,
        "slowness": float(study.slow[unit].max()),
    }
