"""The fastest parallel plans of a job on one building of equal accelerators, by the step in closed form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from clustersim import catalog
from clustersim.errors import InputError, nearest
from clustersim.training.plan_space import PlanSearch, binding, plan_space, search_space
from clustersim.workload import ModelSpec, load_model, model_flops_per_token
from clustersim.workload.configuration import PRECISIONS, RECOMPUTES, SCHEDULES, SHARDINGS, model_record
from clustersim.workload.footprint import usable_bytes
from clustersim.workload.hardware import Hardware, hardware_of


@dataclass(frozen=True)
class PlanJob:
    """A model, a batch and the accelerators to train it on."""

    model: str
    accelerator: str
    accelerators: int
    sequences: int
    """Of one step."""
    sequence_length: int
    precision: str = "bf16"
    stack: str | None = None
    """Software stack of the catalog; None is Megatron-Core, on which the generations are calibrated."""


@dataclass(frozen=True)
class FoundPlans:
    """Plans that fit, the fastest first, and what they were judged with."""

    job: PlanJob
    spec: ModelSpec
    search: PlanSearch
    usable: float
    """Memory that a job can use on one accelerator. [B]"""
    hardware: Hardware = field(repr=False)

    @property
    def flops(self) -> float:
        """FLOPs of one step, attention over the whole square (as PaLM counts MFU)."""
        per_token = model_flops_per_token(self.spec, self.job.sequence_length, causal=False)
        return per_token * self.job.sequences * self.job.sequence_length

    def rows(self, top: int) -> list[dict[str, Any]]:
        """Return the `top` fastest plans as plain data, each with what binds it."""
        plans, times = self.search.plans, self.search.estimate.iteration_time_s
        ideal = self.flops / (float(self.hardware.peak[0]) * self.job.accelerators)
        sizes = ("tensor", "pipeline", "virtual", "context", "expert", "data", "micro_batch", "micro_batches")
        values = {name: getattr(plans, name) for name in sizes}
        found = []
        for index in range(min(top, plans.size)):
            time = float(times[index])
            found.append(
                {name: int(value[index]) for name, value in values.items()}
                | {
                    "recompute": RECOMPUTES[int(plans.recompute[index])],
                    "sharding": SHARDINGS[int(plans.sharding[index])],
                    "schedule": SCHEDULES[int(plans.schedule[index])],
                    "iteration_time_s": time,
                    "slower_than_best": time / float(times[0]) - 1.0,
                    "mfu": ideal / time,
                    "tokens_per_s": self.job.sequences * self.job.sequence_length / time,
                    "memory_gb": float(self.search.memory_bytes[index]) / 1e9,
                    "binding": binding(self.search, index, self.usable),
                    "parts_s": {name: float(part[index]) for name, part in self.search.estimate.parts.items()},
                }
            )
        return found


def find_plans(job: PlanJob) -> FoundPlans:
    """Return the plans of `job` that fit, the fastest first.

    Raises
    ------
    InputError
        If the job is not one that can be searched: a number below 1, an unknown name or precision.
    CapacityError
        If no plan cuts the job or none fits.
    CatalogError
        If the accelerator or the stack is unknown, or the accelerator was never calibrated.
    """
    for name in ("accelerators", "sequences", "sequence_length"):
        if getattr(job, name) < 1:
            raise InputError(f"{name.replace('_', '-')}: expected 1 or more, found {getattr(job, name)}")
    if job.precision not in PRECISIONS:
        known = ", ".join(PRECISIONS)
        raise InputError(f"precision: expected {known}, found {job.precision!r}{nearest(job.precision, PRECISIONS)}")
    spec = load_model(job.model)
    chip = catalog.entry("accelerators", job.accelerator).name
    hardware = hardware_of([chip], [job.precision], [job.stack], [None])
    plans = plan_space(
        model_record(spec),
        accelerators=job.accelerators,
        sequences=job.sequences,
        sequence_length=job.sequence_length,
        domain=int(hardware.domain[0]),
        precision=PRECISIONS[job.precision],
    )
    usable = float(usable_bytes([chip])[0])
    return FoundPlans(job, spec, search_space(plans, hardware, usable), usable, hardware)
