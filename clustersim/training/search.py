"""Search for the fastest parallel plan that fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from clustersim import catalog
from clustersim.errors import CapacityError
from clustersim.training.estimate import estimate_iteration_s
from clustersim.training.network import Network, site_room, units_per_site
from clustersim.training.timing import step_timing
from clustersim.workload import (
    Device,
    JobSpec,
    ModelSpec,
    PlanSpec,
    StepProgram,
    build_step_program,
    count_parameters,
)
from clustersim.workload.spec import ExpertOverlap, Recompute

TENSOR = (1, 2, 4, 8)
PIPELINE = (1, 2, 4, 6, 8, 12, 16, 24, 32)
EXPERT = (1, 8, 16, 32, 48, 64, 72, 96, 128, 144, 256, 288)

MOST_CHUNKS = 12

LEAST_RESIDENT_BYTES = 6
"""bf16 weight and fp32 gradient. [B per parameter]"""

LEAST_BUSY = 0.6
"""Cuts that keep fewer accelerators busy than this share of the best are not looked at further."""

SHORTLIST = 6
"""Cuts of the first pass of which every number of virtual stages and way of exchange is tried."""
OVERLAPS: tuple[ExpertOverlap, ...] = ("halves", "none", "pairs")
NO_OVERLAP: tuple[ExpertOverlap, ...] = ("none",)
RECOMPUTE: tuple[Recompute, ...] = ("none", "selective", "full")


@dataclass(frozen=True)
class Candidate:
    """A plan that fits, with what it is estimated to reach."""

    plan: PlanSpec
    program: StepProgram
    iteration_time_s: float
    tokens_per_s: float
    memory_bytes: float
    """Needed by the fullest rank. [B]"""


def program_of(
    model: ModelSpec, plan: PlanSpec, job: JobSpec, devices: tuple[Device, ...], sites: int = 1
) -> StepProgram:
    """Return the step program of `plan` over `sites` sites with the catalog's memory constants."""
    constants = catalog.entry("efficiency", "training")
    return build_step_program(
        model,
        plan,
        job.sequence_length,
        devices,
        reserved_bytes=constants.si("memory.reserved"),
        fragmentation=constants.si("memory.fragmentation"),
        sites=sites,
    )


def _cuts(model: ModelSpec, domain: int) -> Iterator[tuple[int, int, int]]:
    """Yield tensor, pipeline and expert parallelism worth a look."""
    experts = [e for e in EXPERT if model.kind == "moe" and model.experts % e == 0] or [1]
    for tensor in TENSOR:
        if model.heads % tensor or tensor > domain:
            continue
        for pipeline in PIPELINE:
            if pipeline > model.layers:
                continue
            yield from ((tensor, pipeline, expert) for expert in experts if expert == 1 or expert % tensor == 0)


def _chunks(model: ModelSpec, pipeline: int) -> list[int]:
    """Return the numbers of virtual stages that cut the layers of a stage evenly, fewest first."""
    each = model.layers // pipeline
    return [v for v in range(1, min(each, MOST_CHUNKS) + 1) if each % v == 0] if pipeline > 1 else [1]


def _resident_bytes(model: ModelSpec, tensor: int, pipeline: int, expert: int) -> float:
    """Weights and gradients of an average stage: less than any plan of the cut needs [B]."""
    count = count_parameters(model)
    layers = sum(model.is_moe_layer(layer) for layer in range(model.layers))
    routed = layers * count.moe_experts_per_layer
    return ((count.total - routed) / tensor + routed / expert) / pipeline * LEAST_RESIDENT_BYTES


def _batches(
    job: JobSpec, network: Network, tensor: int, pipeline: int, virtual: int, expert: int
) -> Iterator[tuple[int, int]]:
    """Yield replicas and micro-batches per replica that fill the accelerators without passing the token limit."""
    sequences = job.tokens_per_step_max // job.sequence_length
    probe = PlanSpec(tensor=tensor, pipeline=pipeline, data=max(1, expert // tensor), expert=expert, micro_batches=1)
    together = probe.replicas_per_unit
    span = tensor * together * pipeline
    room = sum(site_room(count, span, network.scale_up_domain) for count in network.accelerators) * together
    step = pipeline if virtual > 1 else 1
    first = max(step, sequences // max(room, 1) // step * step)
    for count in (first, first + step):
        data = min(room, sequences // count) // together * together
        if data:
            yield data, count


def search_plans(model: ModelSpec, job: JobSpec, devices: tuple[Device, ...], network: Network) -> list[Candidate]:
    """Return the plans that fit, fastest first.

    Two passes over the cuts of the lists of this module, each cut with the recomputation that it needs to fit (the
    least first), one sequence per micro-batch, and as many replicas as the accelerators and the limit of tokens per
    step allow. The first takes each cut with its fewest and most chunks and one way of expert exchange; cuts below
    `LEAST_BUSY` only when no other fits. The second takes every number of chunks and way of exchange on the best
    `SHORTLIST` cuts. The times are without jitter.

    Raises
    ------
    CapacityError
        If no plan fits in memory or within the tokens per step.
    """
    capacity = min(device.capacity for device in devices)
    cuts = [cut for cut in _cuts(model, network.scale_up_domain) if _resident_bytes(model, *cut) < capacity]
    first: list[Candidate] = []
    leanest: list[float] = [_resident_bytes(model, *cut) for cut in _cuts(model, network.scale_up_domain)]
    busy = {
        (cut, virtual): _busy(job, network, cut, virtual)
        for cut in cuts
        for virtual in (_chunks(model, cut[1])[0], _chunks(model, cut[1])[-1])
    }
    enough = LEAST_BUSY * max(busy.values(), default=0.0)
    # the busiest cuts; all others only when none of those fits
    for kept in ([key for key in busy if busy[key] >= enough], [key for key in busy if busy[key] < enough]):
        for cut, virtual in kept if not first else []:
            first.extend(_try(model, job, devices, network, cut, virtual, capacity, OVERLAPS[:1]))
    found = {candidate.plan: candidate for candidate in first}
    shortlist = dict.fromkeys((c.plan.tensor, c.plan.pipeline, c.plan.expert) for c in _ranked(first))
    for cut in list(shortlist)[:SHORTLIST]:
        for virtual in _chunks(model, cut[1]):
            found |= {c.plan: c for c in _try(model, job, devices, network, cut, virtual, capacity, OVERLAPS)}
    if not found:
        raise CapacityError(
            f"job.model: no plan of {model.name} fits {sum(network.accelerators)} accelerators of "
            f"{capacity / 1e9:.0f} GB with at most {job.tokens_per_step_max} tokens per step; weights and gradients "
            f"alone need at least {min(leanest) / 1e9:.1f} GB per accelerator"
        )
    return _ranked(list(found.values()))


def _busy(job: JobSpec, network: Network, cut: tuple[int, int, int], virtual: int) -> float:
    """Return the accelerators that a cut keeps busy at best: those it uses, less the share in the pipeline's bubble."""
    tensor, pipeline, expert = cut
    return max(
        (
            tensor * pipeline * data * count * virtual / (count * virtual + pipeline - 1)
            for data, count in _batches(job, network, tensor, pipeline, virtual, expert)
        ),
        default=0.0,
    )


def _ranked(candidates: list[Candidate]) -> list[Candidate]:
    """Return the candidates, fastest first; ties by fewer accelerators, then by the plan's own order."""
    return sorted(candidates, key=lambda c: (-c.tokens_per_s, c.plan.accelerators, repr(c.plan)))


def _try(
    model: ModelSpec,
    job: JobSpec,
    devices: tuple[Device, ...],
    network: Network,
    cut: tuple[int, int, int],
    virtual: int,
    capacity: float,
    overlaps: tuple[ExpertOverlap, ...],
) -> list[Candidate]:
    """Return the candidates of one cut: for each batch and way of exchange the least recomputation that fits."""
    tensor, pipeline, expert = cut
    found: list[Candidate] = []
    for data, count in _batches(job, network, tensor, pipeline, virtual, expert):
        for overlap in overlaps if expert > 1 else NO_OVERLAP:
            plan = PlanSpec(
                tensor=tensor,
                pipeline=pipeline,
                virtual_stages=virtual,
                data=data,
                expert=expert,
                micro_batches=count,
                precision=job.precision,
                expert_overlap=overlap,
            )
            units = units_per_site(plan, network)
            if sum(units) == plan.units:
                found.extend(_leanest(model, job, devices, network, plan, sum(n > 0 for n in units), capacity))
    return found


def _leanest(
    model: ModelSpec,
    job: JobSpec,
    devices: tuple[Device, ...],
    network: Network,
    plan: PlanSpec,
    sites: int,
    capacity: float,
) -> Iterator[Candidate]:
    """Yield the candidate of `plan` with the least recomputation that fits, if any fits."""
    for recompute in RECOMPUTE:
        program = program_of(model, plan.model_copy(update={"recompute": recompute}), job, devices, sites)
        need = float(program.memory_bytes.max())
        if need <= capacity:
            seconds = estimate_iteration_s(step_timing(program, network))
            tokens = program.plan.sequences * program.sequence_length
            yield Candidate(program.plan, program, seconds, tokens / seconds, need)
            return
