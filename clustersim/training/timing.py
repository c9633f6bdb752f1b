"""From the step program and the fabric's rates to the duration of every operation of a step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from clustersim.fabric.collectives import point_to_point, ring_all_reduce
from clustersim.fabric.rates import RateTable
from clustersim.training.network import Network, plan_rates, units_per_domain, units_per_site
from clustersim.training.records import StepTiming
from clustersim.workload import PlanSpec, StepProgram

WEIGHT_BYTES = 2
OPTIMIZER_TRAFFIC = 2 * 12 + 4 + 2
"""Adam reads and writes master weight and two moments, reads the gradient, writes the weight. [B per parameter]"""


def step_timing(program: StepProgram, network: Network) -> StepTiming:
    """Return the jitter-free durations of `program` on `network`.

    Forward of virtual stage k: ``compute + tensor + expert exchange``. Overlap takes a share of the compute units.

    - `pairs`: the exchange of one micro-batch runs beside the compute of another; the stage is busy for
      ``max(compute / (1 - sm), exchange) + tensor``, the output is there only after
      ``compute / (1 - sm) + exchange + tensor``.
    - `halves`: the two halves of a micro-batch take turns; of the smaller of compute and exchange ``1 - 1/(2 layers)``
      is hidden, and the output is there at once.

    The backward repeats the forward's exchanges under full recomputation. Reduce-scatter of gradients and all-gather of
    weights follow ZeRO-1 over the replicas of one site, level by level; several sites then all-reduce their shards.
    """
    plan, model = program.plan, program.model
    rates = plan_rates(model, plan, network)
    expert_rate = rates.rate("expert", {"expert"})
    in_domain = plan.expert <= network.scale_up_domain
    alpha_expert = network.scale_up_latency_s if in_domain else network.scale_out_latency_s
    tensor_s = program.tensor_operations * network.scale_up_latency_s
    tensor_s = tensor_s + program.tensor_bytes / rates.rate("tensor", {"tensor"})
    one_layer = (program.expert_dispatch_bytes + program.expert_combine_bytes) / expert_rate + 2 * alpha_expert
    expert_s = program.expert_layers * (one_layer if plan.expert > 1 else 0.0)

    operation, shares, hidden = _operations(program, tensor_s, expert_s, 1.0 + program.recompute_share)
    boundary = 0.0
    if plan.pipeline > 1:
        rate = rates.rate("pipeline", {"expert", "pipeline"})
        boundary = point_to_point(program.boundary_bytes, rate, network.scale_out_latency_s)

    units = units_per_site(plan, network)
    active = sum(count > 0 for count in units)
    wan_rate = rates.rate("wan", {"wan"}) if active > 1 else np.inf
    wan_s, wan_bytes = _between_sites(program, network, max(units), active, wan_rate)
    stages = plan.pipeline
    return StepTiming(
        program=program,
        operation_s=operation,
        shares=shares,
        hidden_s=hidden,
        message_s=boundary,
        reduce_s=_exchange_s(program, network, max(units), plan.gradient_bytes, rates) + wan_s,
        gather_s=_gather(program, _exchange_s(program, network, max(units), WEIGHT_BYTES, rates), operation),
        optimizer_s=_optimizer(program, max(units)),
        wan_bytes=float(wan_bytes.reshape(-1, stages).sum(axis=0).max()),
        wan_s=float(wan_s.reshape(-1, stages).sum(axis=0).max()),
    )


def slowed(timing: StepTiming, factor: float) -> StepTiming:
    """Return `timing` with every operation `factor` times as long, as when another kernel shares the device."""
    if factor == 1.0:
        return timing
    return replace(timing, operation_s=timing.operation_s * factor, hidden_s=timing.hidden_s * factor)


def _operations(
    program: StepProgram, tensor_s: NDArray[np.float64], expert_s: NDArray[np.float64], repeat: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return stage time, shares of matrix, memory and exchange in it, and hidden time of every operation."""
    devices, stages = program.matrix_forward_s.shape
    operation, hidden = np.zeros((devices, 2, stages)), np.zeros((devices, 2, stages))
    shares = np.zeros((devices, 2, stages, 3))
    overlap = program.plan.expert_overlap if program.plan.expert > 1 else "none"
    # cut in two, the first half's first exchange (or the last half's last compute) of an operation has no partner
    paired = 1.0 - 0.5 / np.maximum(program.expert_layers, 1.0)
    left = 1.0 - np.array([[device.exchange_share if overlap != "none" else 0.0] for device in program.devices])
    parts = (
        (program.matrix_forward_s / left, program.memory_forward_s / left, 1.0),
        (program.matrix_backward_s / left, program.memory_backward_s / left, repeat),
    )
    for kind, (matrix, memory, times) in enumerate(parts):
        compute, exchange = matrix + memory, times * expert_s
        beside = np.minimum(compute, exchange)
        exposed = np.broadcast_to(exchange + times * tensor_s, compute.shape)
        if overlap == "pairs":
            hidden[:, kind] = beside
            exposed = exposed - beside
        elif overlap == "halves":
            exposed = exposed - beside * paired
        total = compute + exposed
        operation[:, kind] = total
        shares[:, kind] = np.stack([matrix, memory, exposed], axis=-1) / total[..., None]
    return operation, shares, hidden


Level = tuple[int, float, float]
"""Members, rate of one of them [B/s] and latency of a message [s]."""


def _levels(plan: PlanSpec, network: Network, units: int, rate: float, *, dense: bool) -> list[Level]:
    """Return the levels over which a rank's weights are reduced at one site, innermost first.

    Ranks with the same dense weights: the replicas of a lock-step unit, the units in a scale-up domain, the domains.
    Ranks with the same experts: the units in a scale-up domain, the domains.
    """
    near = units_per_domain(plan, network.scale_up_domain, units)
    inside = (network.resources["scale_up"], network.scale_up_latency_s)
    # within one unit no reduction between units gives a rate: the NIC does
    outside = (min(rate, network.resources["nic"]), network.scale_out_latency_s)
    block = plan.tensor * plan.replicas_per_unit
    levels: list[Level] = []
    if dense:
        levels.append((plan.replicas_per_unit, *(inside if block <= network.scale_up_domain else outside)))
    levels += [(near, *inside), (-(-units // near), *outside)]
    return [level for level in levels if level[0] > 1]


def _scatter_s(size_bytes: NDArray[np.float64], levels: list[Level]) -> NDArray[np.float64]:
    """Time of ring reduce-scatters or all-gathers level by level: each level works on what the inner ones leave [s].

    ``sum_i (n_i - 1) (alpha_i + b_i / (n_i rate_i))`` with ``b_{i+1} = b_i / n_i``; nothing for no bytes.
    """
    seconds, part = np.zeros_like(size_bytes), size_bytes
    for members, rate, latency in levels:
        seconds = seconds + (members - 1) * (latency + part / (members * rate))
        part = part / members
    return np.where(size_bytes > 0.0, seconds, 0.0)


def _exchange_s(
    program: StepProgram, network: Network, units: int, width: float, rates: RateTable
) -> NDArray[np.float64]:
    """Time to scatter or gather the `width`-byte elements of every virtual stage over one site [s].

    The first chunk's has the network to itself (the last to be reduced, the first to be gathered); that of the others
    runs while forward or backward passes exchange expert rows.
    """
    plan = program.plan
    alone = rates.rate("data", {"data"})
    beside = rates.rate("data", {"data", "expert"}) if plan.expert > 1 else alone
    dense, expert = program.dense_parameters * width, program.expert_parameters * width
    first, later = (
        _scatter_s(dense, _levels(plan, network, units, rate, dense=True))
        + _scatter_s(expert, _levels(plan, network, units, rate, dense=False))
        for rate in (alone, beside)
    )
    return np.where(np.arange(first.size) < plan.pipeline, first, later)


def _between_sites(
    program: StepProgram, network: Network, units: int, sites: int, rate: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return seconds and bytes per accelerator of the all-reduce of shards between sites, per virtual stage."""
    plan = program.plan
    if sites < 2:
        return np.zeros(program.layers.size), np.zeros(program.layers.size)
    shard = program.dense_parameters / (units * plan.replicas_per_unit) + program.expert_parameters / units
    shard = shard * plan.gradient_bytes
    seconds = np.array([ring_all_reduce(float(size), sites, rate, network.wan_latency_s) for size in shard])
    return seconds, np.asarray(2.0 * (sites - 1) / sites * shard)


def _gather(
    program: StepProgram, gather_s: NDArray[np.float64], operation_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what the next step waits for the all-gather of weights, per stage [s].

    Chunk c is needed when the micro-batches before it are through: after c groups of forwards of the stage. What is not
    there by then is waited for: ``max_c (sum of gathers up to c - start of chunk c)``.
    """
    plan = program.plan
    done = gather_s.reshape(-1, plan.pipeline).cumsum(axis=0)
    forward = min(plan.pipeline, plan.micro_batches) * operation_s[:, 0].max(axis=0).reshape(-1, plan.pipeline)
    start = np.vstack([np.zeros(plan.pipeline), forward.cumsum(axis=0)[:-1]])
    return np.asarray((done - start).max(axis=0))


def _optimizer(program: StepProgram, units: int) -> NDArray[np.float64]:
    """Return the optimizer's time per stage on the slowest memory of the fleet [s]."""
    plan = program.plan
    shard = program.dense_parameters / (units * plan.replicas_per_unit) + program.expert_parameters / units
    bandwidth = min(device.bandwidth for device in program.devices)
    return np.asarray(shard.reshape(-1, plan.pipeline).sum(axis=0) * OPTIMIZER_TRAFFIC / bandwidth)
