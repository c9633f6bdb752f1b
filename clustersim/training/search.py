"""Search for the fastest parallel plan of a job on a place: all plans in closed form, the best stage by stage."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from clustersim.errors import CapacityError
from clustersim.training.estimate import estimate_step
from clustersim.training.network import Network, fewest_replicas, site_room, units_per_site, within
from clustersim.training.plan_space import (
    SHORTEST_PART,
    cuts_evenly,
    iteration_times,
    largest_loss,
    memory_needed,
    memory_words,
)
from clustersim.training.timing import step_timing
from clustersim.workload import JobSpec, ModelSpec, PlanSpec, StepProgram, build_step_program
from clustersim.workload.configuration import (
    EXPERT_OVERLAPS,
    PRECISIONS,
    RECOMPUTES,
    SCHEDULES,
    SHARDINGS,
    Configuration,
    Numbers,
    configurations,
    model_record,
)
from clustersim.workload.footprint import usable_bytes
from clustersim.workload.hardware import Hardware

TENSOR = (1, 2, 4, 8, 16)
CONTEXT = (1, 2, 4, 8, 16)
PIPELINE = (1, 2, 4, 6, 8, 12, 16, 24, 32)
MOST_CHUNKS = 12

LEAST_BUSY = 0.6
"""Cuts that keep fewer accelerators busy than this share of the best are not looked at."""

DISTINCT = ("tensor", "context", "pipeline", "virtual", "expert", "micro_batches", "schedule", "expert_overlap")
"""What tells apart the plans that are run stage by stage."""

MOST_IN_ONE_RING = 256
"""Replicas from which sharing out over groups of them is tried too."""

EXACT = 32
"""Plans that are run stage by stage after the search in closed form."""


@dataclass(frozen=True)
class Candidate:
    """A plan that fits, with what it is estimated to reach."""

    plan: PlanSpec
    program: StepProgram
    iteration_time_s: float
    tokens_per_s: float
    memory_bytes: float
    """Needed by the fullest rank. [B]"""
    binding: str
    """What takes most of its time from the products, in words."""


LOSSES = {
    "bubble": "the pipeline's bubble",
    "exchange": "exchanges between ranks of a replica",
    "data_exchange": "the reduction of gradients",
    "memory": "memory-bound kernels",
    "host": "launching kernels",
}
"""What can take time from the products, by part of the breakdown."""


def binding(breakdown: Mapping[str, float], seconds: float, used: float) -> str:
    """Return in words what binds a plan: its largest loss, and its memory where less than a tenth is left."""
    return largest_loss(LOSSES, breakdown, seconds, used)


@dataclass(frozen=True)
class Search:
    """What a search found."""

    candidates: tuple[Candidate, ...]
    """The best plans in closed form, run stage by stage, the fastest first."""
    fitting: int
    """Plans that fit in memory."""
    tried: int


@dataclass(frozen=True)
class _Cut:
    """Sizes of the groups and the batch of one replica."""

    tensor: int
    context: int
    pipeline: int
    virtual: int
    expert: int
    data: int
    micro_batches: int

    @property
    def busy(self) -> float:
        """Accelerators kept busy at best: those used, less the share in the pipeline's bubble."""
        used = self.tensor * self.context * self.pipeline * self.data
        passes = self.micro_batches * self.virtual
        return used * passes / (passes + self.pipeline - 1)


def _groups(model: ModelSpec, job: JobSpec, domain: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield tensor, context, pipeline and expert parallelism worth a look."""
    experts = [e for e in range(1, model.experts + 1) if model.experts % e == 0] or [1]
    for tensor, context in itertools.product(TENSOR, CONTEXT):
        length = job.sequence_length
        short = context > 1 and length // context < SHORTEST_PART
        if model.heads % tensor or tensor > domain or length % context or short:
            continue
        replica = tensor * context
        allowed = [e for e in experts if e % replica == 0 or replica % e == 0]
        yield from itertools.product((tensor,), (context,), (p for p in PIPELINE if p <= model.layers), allowed)


def _chunks(model: ModelSpec, pipeline: int) -> list[int]:
    """Return the numbers of virtual stages of equal size, fewest first."""
    more = range(2, MOST_CHUNKS + 1) if pipeline > 1 else ()
    return [1, *(v for v in more if v * pipeline <= model.depth + 2 and cuts_evenly(model.depth, pipeline * v))]


def _cuts(model: ModelSpec, job: JobSpec, network: Network) -> Iterator[_Cut]:
    """Yield the cuts that fill the accelerators without passing the limit of tokens per step."""
    sequences = job.tokens_per_step_max // job.sequence_length
    for tensor, context, pipeline, expert in _groups(model, job, network.scale_up_domain):
        together = max(1, expert // (tensor * context))
        span = tensor * context * together * pipeline
        room = together * sum(site_room(count, span, network.scale_up_domain) for count in network.accelerators)
        for virtual in _chunks(model, pipeline):
            step = pipeline if virtual > 1 else 1
            first = max(step, sequences // max(room, 1) // step * step)
            for count in (first, first + step):
                data = min(room, sequences // count) // together * together
                if data:
                    yield _Cut(tensor, context, pipeline, virtual, expert, data, count)


def _options(cut: _Cut) -> Numbers:
    """Return the :data:`_CHOICES` that a cut may have, one row each."""
    plain = cut.pipeline > 1 and cut.virtual == 1
    both_ways = cut.pipeline % 2 == 0 and cut.micro_batches % 2 == 0 and cut.micro_batches >= 2 * cut.pipeline
    # gradients of a plain pipeline would be reduced after every micro-batch, parameters gathered for every one
    more = "gradients" if cut.virtual > 1 else "parameters" if cut.pipeline == 1 else None
    schedules = ("1f1b", *(("zero_bubble",) if plain else ()), *(("dualpipe",) if plain and both_ways else ()))
    return _option_rows(more, schedules, cut.expert > 1, _instances(cut.data))


@lru_cache(maxsize=4096)
def _option_rows(more: str | None, schedules: tuple[str, ...], experts: bool, instances: tuple[int, ...]) -> Numbers:
    """Return codes of recomputation, sharding, schedule and overlap of experts, and shards, in all combinations."""
    bubble, pairs = SCHEDULES.index("zero_bubble"), EXPERT_OVERLAPS.index("pairs")
    rows = itertools.product(
        range(len(RECOMPUTES)),
        (SHARDINGS.index(name) for name in ("optimizer", more) if name),
        (SCHEDULES.index(name) for name in schedules),
        range(len(EXPERT_OVERLAPS)) if experts else (0,),
        instances,
    )
    # zero bubble keeps too few micro-batches for one to hide the exchange of another
    return np.array([row for row in rows if not (row[2] == bubble and row[3] == pairs)], dtype=np.float64)


@lru_cache(maxsize=4096)
def _instances(data: int) -> tuple[int, ...]:
    """Return the replicas over which optimizer states may be shared out: all, or groups whose rings turn fastest.

    A ring over g of n replicas and twice one over the n / g groups take ``g + 2 n / g`` hops, least at sqrt(2 n).
    """
    small = [g for g in range(1, math.isqrt(data) + 1) if data % g == 0]
    divisors = small + [data // g for g in small]
    best = min(divisors, key=lambda g: abs(math.log(g * g / (2.0 * data))))
    return (data,) if data <= MOST_IN_ONE_RING else (data, best)


_SIZES = ("tensor", "context", "pipeline", "virtual", "expert", "data", "micro_batches")
_CHOICES = ("recompute", "sharding", "schedule", "expert_overlap", "shard_group")


def search_space_of(model: ModelSpec, job: JobSpec, network: Network) -> Configuration | None:
    """Return all plans worth a look as one record; None if there is none."""
    cuts = list(_cuts(model, job, network))
    enough = LEAST_BUSY * max((cut.busy for cut in cuts), default=0.0)
    kept = [cut for cut in cuts if cut.busy >= enough]
    if not kept:
        return None
    choices = [_options(cut) for cut in kept]
    sizes = np.array([[getattr(cut, name) for name in _SIZES] for cut in kept], dtype=np.float64)
    rows = np.hstack([np.repeat(sizes, [len(each) for each in choices], axis=0), np.concatenate(choices)])
    columns = dict(zip((*_SIZES, *_CHOICES), np.ascontiguousarray(rows.T), strict=True))
    data, group = columns.pop("data"), columns.pop("shard_group")
    record = {"sequence": job.sequence_length, "accelerators": 1, "micro_batch": 1, "micro_batches": 1}
    one = configurations([model_record(model) | record | {"precision": PRECISIONS[job.precision]}])
    split, sites = columns["tensor"] > 1, len(network.accelerators)
    return replace(
        one.take(np.zeros(len(rows), dtype=np.int64)),
        **columns,
        accelerators=columns["tensor"] * columns["context"] * columns["pipeline"] * data,
        shard_group=columns["context"] * np.where(group < data, group, np.maximum(data // sites, 1.0)),
        sequence_parallel=split,
        gradient_products=split,
        tensor_overlap=split,
    )


def plan_at(plans: Configuration, index: int, job: JobSpec, sites: int) -> PlanSpec:
    """Return one plan of the record, made for a place of so many sites."""

    def size(name: str) -> int:
        return int(getattr(plans, name)[index])

    data, group = round(float(plans.data[index])), size("shard_group") // size("context")
    return PlanSpec.model_validate(
        {
            "tensor": size("tensor"),
            "context": size("context"),
            "pipeline": size("pipeline"),
            "virtual_stages": size("virtual"),
            "data": data,
            "shard_group": group if group < data // sites else None,
            "expert": size("expert"),
            "micro_batches": size("micro_batches"),
            "precision": job.precision,
            "recompute": RECOMPUTES[size("recompute")],
            "sharding": SHARDINGS[size("sharding")],
            "schedule": SCHEDULES[size("schedule")],
            "expert_overlap": EXPERT_OVERLAPS[size("expert_overlap")],
            "tensor_overlap": size("tensor") > 1,
        }
    )


def search_plans(
    model: ModelSpec, job: JobSpec, accelerators: tuple[str, ...], reached: Hardware, network: Network
) -> Search:
    """Return the plans that fit, the fastest first.

    Every cut of the lists of this module, with one sequence per micro-batch and as many replicas as the accelerators
    and the limit of tokens per step allow, and every way of recomputing, sharding, scheduling and hiding the exchange
    of experts, is estimated in closed form on the slowest kind of accelerator. The :data:`EXACT` best of those that
    fit are run stage by stage on the fabric. The times are without jitter.

    Raises
    ------
    CapacityError
        If no plan fits in memory or within the tokens per step.
    """
    plans = search_space_of(model, job, network)
    usable = float(usable_bytes(accelerators).min())
    where = f"{sum(network.accelerators):,} accelerators"
    if plans is None:
        raise CapacityError(
            f"job.model: no plan of {model.name} cuts a step of at most {job.tokens_per_step_max:,} tokens over {where}"
        )
    memory = memory_needed(plans)
    fits = memory <= usable
    if not fits.any():
        raise CapacityError(
            f"job.model: no plan of {model.name} fits {where} with {job.tokens_per_step_max:,} tokens a step at most: "
            f"the leanest {memory_words(memory.min(), usable)}"
        )
    fitting = plans.take(fits)
    seconds = iteration_times(fitting, within(reached.slowest(), network))
    speed: Numbers = fitting.sequences * fitting.sequence / seconds
    found: list[Candidate] = []
    seen: set[tuple[float, ...]] = set()
    for index in np.argsort(-speed, kind="stable"):
        if len(found) == EXACT:
            break
        # of each cut the fastest way of sharding and recomputing, so that the cuts are many
        cut = tuple(float(getattr(fitting, name)[index]) for name in DISTINCT)
        if cut in seen:
            continue
        seen.add(cut)
        plan = plan_at(fitting, int(index), job, len(network.accelerators))
        candidate = _exact(model, job, accelerators, reached, network, plan, usable)
        if candidate is not None:
            found.append(candidate)
    if not found:
        raise CapacityError(f"job.model: no plan of {model.name} fits the sites of {where} in whole lock-step units")
    found.sort(key=lambda c: (-c.tokens_per_s, c.plan.accelerators, repr(c.plan)))
    return Search(tuple(found), int(fits.sum()), plans.size)


def _exact(
    model: ModelSpec,
    job: JobSpec,
    accelerators: tuple[str, ...],
    reached: Hardware,
    network: Network,
    plan: PlanSpec,
    usable: float,
) -> Candidate | None:
    """Return the plan run stage by stage, or None if it does not fit whole into the sites or in a stage's memory."""
    units = units_per_site(plan, network)
    if sum(units) != plan.units:
        return None
    program = build_step_program(
        model, plan, job.sequence_length, accelerators, reached=reached, replicas=fewest_replicas(plan, network)
    )
    need = float(program.memory_bytes.max())
    if need > usable:
        return None
    trace = estimate_step(step_timing(program, network))
    seconds = trace.iteration_time_s
    said = binding(trace.breakdown, seconds, need / usable)
    return Candidate(plan, program, seconds, plan.sequences * program.sequence_length / seconds, need, said)
