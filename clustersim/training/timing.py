"""From the step program and the fabric's rates to the duration of every operation of a step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clustersim.fabric.collectives import ring_all_reduce
from clustersim.training.exchange import (
    DataExchange,
    data_exchange,
    stage_exchange,
    stage_message,
)
from clustersim.training.network import Network, on_network, plan_rates, units_per_site
from clustersim.training.overlap import Contention, beside, contention, with_experts
from clustersim.training.records import StepTiming
from clustersim.training.sequences import BACKWARD, FORWARD
from clustersim.workload import StepProgram
from clustersim.workload.configuration import Configuration
from clustersim.workload.costs import BlockTime
from clustersim.workload.hardware import Hardware
from clustersim.workload.weights import RankWeights

Array = NDArray[np.float64]

MOVED_WEIGHTS = ("zero_bubble", "dualpipe")
"""Schedules in which gradients of weights are operations of their own."""


def step_timing(program: StepProgram, network: Network) -> StepTiming:
    """Return the jitter-free durations of `program` on `network`.

    The blocks of :mod:`clustersim.workload.costs` with the exchanges of :mod:`clustersim.training.exchange`, the same
    that the step in closed form puts together, stage by stage: a pass of virtual stage k takes its compute and its
    exchanges of tensor, context and expert parallelism (:func:`clustersim.training.overlap.with_experts`), and, where
    parameters are sharded, what gathering and scattering add to it. Bytes travel at the less of what collectives reach
    on the accelerator and the max-min rate of the fabric. Several sites all-reduce their shards.
    """
    plan = program.plan
    rates = plan_rates(program.model, plan, network)
    units = units_per_site(plan, network)
    active = sum(count > 0 for count in units)
    alone, together = (on_network(program, network, rates, beside_experts=flag) for flag in (False, True))
    site = _site(program, max(units))
    first, later = (_data(program, site, hardware.slowest()) for hardware in (alone, together))
    data = _first_chunk(first, later, plan.pipeline)

    # a framework that overlaps no data parallelism hides nothing of it
    alone, together = (
        replace(hardware, overlap=np.where(program.configuration.gradient_overlap, hardware.overlap, 0.0))
        for hardware in (alone, together)
    )
    passes = [_passes(program, alone.take(np.array([d])), d) for d in range(len(program.accelerators))]
    operation = np.stack([one.operation for one in passes])
    hardware = alone.slowest()
    wan_rate = rates.rate("wan", {"wan"}) if active > 1 else np.inf
    wan_s, wan_bytes = _between_sites(program, network, site, active, wan_rate)
    sharded = plan.sharding == "parameters"
    slowest = operation.max(axis=0)
    backward = slowest[BACKWARD:].sum(axis=0)
    last = 1.0 / np.maximum(program.layers, 1.0)
    work = program.work
    lost = contention(
        hardware,
        (work.memory_forward + work.memory_backward).max(axis=0),
        (work.forward + work.backward).max(axis=0),
    )
    reduce_s = _unhidden(data.reduce, backward, last, hardware, lost) if not sharded else np.zeros_like(data.reduce)
    gather_s = (
        _unhidden(data.gather, slowest[FORWARD], last, hardware, lost) if not sharded else np.zeros_like(data.gather)
    )
    extra = _per_pass(program, data, slowest[FORWARD], backward, hardware, lost)
    operation, shares = _longer(operation, np.stack([one.shares for one in passes]), extra)
    rate = replace(hardware, nic=np.minimum(hardware.nic, rates.rate("pipeline", {"expert", "pipeline"})))
    return StepTiming(
        program=program,
        operation_s=operation,
        shares=shares,
        hidden_s=np.stack([one.late for one in passes]),
        message_s=float(stage_message(program.configuration, rate, np.array([float(plan.block)]))[0]),
        reduce_s=reduce_s + wan_s,
        gather_s=_gather(program, gather_s, operation),
        optimizer_s=data.optimizer.reshape(-1, plan.pipeline).sum(axis=0),
        stall_s=float(hardware.step_fixed[0]),
        wan_bytes=float(wan_bytes.reshape(-1, plan.pipeline).sum(axis=0).max()),
        wan_s=float(wan_s.reshape(-1, plan.pipeline).sum(axis=0).max()),
        gradient_overlap=bool(program.configuration.gradient_overlap[0]),
    )


def slowed(
    timing: StepTiming,
    compute: float = 0.0,
    exchange: float = 0.0,
    gap_exchange: float = 0.0,
    release_s: float = 0.0,
    noticed_s: float = 0.0,
) -> StepTiming:
    """Return `timing` on a device that other kernels share.

    Parameters
    ----------
    timing : StepTiming
        On a device of its own.
    compute, exchange : float
        By which share compute (and the host's part) and exchange inside operations take longer; an operation takes
        ``1 + sum of activity shares x these`` times as long. [-]
    gap_exchange : float
        By which share hand-overs, reductions and gathers between operations take longer. [-]
    release_s : float
        By which work starts late after a gap longer than `noticed_s`: what waits for a hand-over, the optimizer after
        the reductions, the first forward after the gathers. [s]
    noticed_s : float
        Gaps of this length or less stay empty. [s]
    """
    if compute == exchange == gap_exchange == release_s == 0.0:
        return timing
    longer = 1.0 + compute + (exchange - compute) * timing.shares[..., 2]
    weight = 1.0 + np.array([compute, compute, exchange, compute])
    reduce_s, gather_s = timing.reduce_s * (1.0 + gap_exchange), timing.gather_s * (1.0 + gap_exchange)
    opening = timing.stall_s + float(gather_s.max())
    return replace(
        timing,
        operation_s=timing.operation_s * longer,
        shares=timing.shares * weight / longer[..., None],
        hidden_s=timing.hidden_s * (1.0 + exchange),
        message_s=timing.message_s * (1.0 + gap_exchange),
        reduce_s=reduce_s,
        gather_s=gather_s,
        optimizer_s=timing.optimizer_s + (release_s if float(reduce_s.max()) > noticed_s else 0.0),
        stall_s=timing.stall_s + (release_s if opening > noticed_s else 0.0),
        wan_s=timing.wan_s * (1.0 + gap_exchange),
        late_s=release_s,
        noticed_s=noticed_s,
    )


@dataclass(frozen=True)
class _Passes:
    """Operations of one kind of accelerator; shape (kinds, virtual stages), shares with one more axis of four."""

    operation: Array
    shares: Array
    late: Array


def _passes(program: StepProgram, hardware: Hardware, device: int) -> _Passes:
    """Return the passes of every virtual stage on one kind of accelerator."""
    c, layers, mixtures = program.configuration, program.layers.astype(np.float64), program.expert_layers
    body, attention, work = (_row(block, device) for block in (program.body, program.attention, program.work))
    tensor, context, expert = stage_exchange(c, hardware, body, attention, layers, mixtures)
    parts = (
        (work.matrix_forward + work.attention_forward, work.memory_forward, work.host_forward),
        (work.matrix_backward + work.attention_backward, work.memory_backward, work.host_backward),
    )
    compute = (
        sum(parts[FORWARD]) + tensor[FORWARD] + context[FORWARD],
        sum(parts[BACKWARD]) + tensor[BACKWARD] + context[BACKWARD],
    )
    lost = contention(hardware, work.memory_forward + work.memory_backward, compute[0] + compute[1])
    found = with_experts(c, compute, expert, mixtures, lost)
    busy, late = [found.forward, found.backward], [found.forward_late, found.backward_late]
    shares = [_shares(parts[kind], busy[kind]) for kind in (FORWARD, BACKWARD)]
    if program.plan.schedule in MOVED_WEIGHTS:
        # gradients of weights are as many products as a forward has
        weight = np.where(c.frozen, 0.0, np.minimum(work.matrix_forward, busy[BACKWARD]))
        matrix, memory, host = parts[BACKWARD]
        busy[BACKWARD] = busy[BACKWARD] - weight
        shares[BACKWARD] = _shares((np.maximum(matrix - weight, 0.0), memory, host), busy[BACKWARD])
        busy.append(weight)
        late.append(np.maximum(late[BACKWARD] - weight, 0.0))
        shares.append(_shares((weight, np.zeros_like(weight), np.zeros_like(weight)), weight))
    return _Passes(np.stack(busy), np.stack(shares), np.stack(late))


def _row(block: BlockTime, device: int) -> BlockTime:
    return BlockTime(**{name: value[device] for name, value in vars(block).items()})


def _shares(parts: tuple[Array, Array, Array], busy: Array) -> Array:
    """Return the shares of matrix, memory, exchange and wait in a pass; what is no compute is exposed exchange.

    What compute takes longer because it shares its units with an exchange counts as exchange too.
    """
    total = np.where(busy > 0.0, busy, 1.0)
    matrix, memory, host = (part / total for part in parts)
    over = np.maximum(matrix + memory + host, 1.0)
    matrix, memory, host = matrix / over, memory / over, host / over
    return np.stack([matrix, memory, np.maximum(1.0 - matrix - memory - host, 0.0), host], axis=-1)


def _longer(operation: Array, shares: Array, extra: Array) -> tuple[Array, Array]:
    """Return operations with `extra` seconds of exchange, shape (kinds, virtual stages), on every accelerator."""
    longer = operation + extra
    scaled = shares * (operation / np.where(longer > 0.0, longer, 1.0))[..., None]
    scaled[..., 2] += extra / np.where(longer > 0.0, longer, 1.0)
    return longer, scaled


def _site(program: StepProgram, units: int) -> Configuration:
    """Return the configuration of the busiest site: its ranks are those that share what is sharded."""
    c, plan = program.configuration, program.plan
    ranks = float(units * plan.span)
    group = np.minimum(c.shard_group, ranks / (plan.tensor * plan.pipeline))
    return replace(c, accelerators=np.array([ranks]), shard_group=group)


def _data(program: StepProgram, site: Configuration, hardware: Hardware) -> DataExchange:
    held = RankWeights(program.dense_parameters, program.expert_parameters, np.zeros_like(program.dense_parameters))
    return data_exchange(site, hardware, held, program.layers.astype(np.float64))


def _first_chunk(first: DataExchange, later: DataExchange, pipeline: int) -> DataExchange:
    """Return the first chunk's exchanges from `first` and the others' from `later`.

    The first chunk's has the network to itself (the last to be reduced, the first to be gathered); that of the others
    runs while forward or backward passes exchange expert rows.
    """
    chosen = np.arange(first.reduce.size) < pipeline
    return DataExchange(
        np.where(chosen, first.gather, later.gather),
        np.where(chosen, first.reduce, later.reduce),
        first.optimizer * np.ones_like(first.reduce),
    )


def _unhidden(exchange: Array, compute: Array, last: Array, hardware: Hardware, lost: Contention) -> Array:
    """Return what is left of a chunk's exchange after its own last (or before its first) pass [s].

    Bucket by bucket it runs beside the pass; the share `last`, one layer's, has nothing to run beside.
    """
    hidden = beside((1.0 - last) * compute, exchange, hardware.overlap, lost)
    return np.asarray(np.maximum(hidden, last * exchange))


def _per_pass(
    program: StepProgram, data: DataExchange, forward: Array, backward: Array, hardware: Hardware, lost: Contention
) -> Array:
    """Return what sharded parameters and gradients add to every pass; shape (kinds, virtual stages). [s]

    Sharded parameters are gathered in every forward and backward, and their gradients scattered in every backward.
    Sharded gradients are scattered after every backward (or run of them, interleaved); the last one is the reduction.
    """
    plan = program.plan
    kinds = 3 if plan.schedule in MOVED_WEIGHTS else 2
    extra = np.zeros((kinds, forward.size))
    if plan.sharding == "parameters":
        extra[FORWARD] = beside(forward, data.gather, hardware.overlap, lost)
        extra[BACKWARD] = beside(backward, data.gather + data.reduce, hardware.overlap, lost)
    elif plan.sharding == "gradients":
        m = plan.micro_batches
        times = -(-m // plan.pipeline) if plan.virtual_stages > 1 else m
        if plan.schedule == "breadth_first":
            times = 1  # all backwards of a chunk are in a row
        each = beside(backward * m / times, data.reduce, hardware.overlap, lost)
        extra[BACKWARD] = (times - 1) / m * each
    return extra


def _between_sites(
    program: StepProgram, network: Network, site: Configuration, sites: int, rate: float
) -> tuple[Array, Array]:
    """Return seconds and bytes per accelerator of the all-reduce of shards between sites, per virtual stage."""
    plan = program.plan
    if sites < 2:
        return np.zeros(program.layers.size), np.zeros(program.layers.size)
    ranks = float(site.accelerators[0]) / (plan.tensor * plan.pipeline)
    shard = program.dense_parameters / ranks + program.expert_parameters * plan.expert / (ranks * plan.tensor)
    shard = shard * plan.gradient_bytes * float(program.hardware.reduce_share.max())
    seconds = np.array([ring_all_reduce(float(size), sites, rate, network.wan_latency_s) for size in shard])
    return seconds, np.asarray(2.0 * (sites - 1) / sites * shard)


def _gather(program: StepProgram, gather_s: Array, operation_s: Array) -> Array:
    """Return what the next step waits for the all-gather of weights, per stage [s].

    Chunk c is needed when the micro-batches before it are through: after c groups of forwards of the stage. What is not
    there by then is waited for: ``max_c (sum of gathers up to c - start of chunk c)``; of all, without overlap.
    """
    plan = program.plan
    done = gather_s.reshape(-1, plan.pipeline).cumsum(axis=0)
    if not program.configuration.gradient_overlap[0]:
        return np.asarray(done[-1])
    forward = min(plan.pipeline, plan.micro_batches) * operation_s[:, FORWARD].max(axis=0).reshape(-1, plan.pipeline)
    start = np.vstack([np.zeros(plan.pipeline), forward.cumsum(axis=0)[:-1]])
    return np.asarray((done - start).max(axis=0))
