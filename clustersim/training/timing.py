"""From the step program and the fabric's rates to the duration of every operation of a step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.fabric.collectives import point_to_point, ring_all_gather, ring_all_reduce, ring_reduce_scatter
from clustersim.training.network import Network, plan_rates, units_per_site
from clustersim.training.records import StepTiming
from clustersim.workload import StepProgram

WEIGHT_BYTES = 2
OPTIMIZER_TRAFFIC = 2 * 12 + 4 + 2
"""Adam reads and writes master weight and two moments, reads the gradient, writes the weight. [B per parameter]"""


def step_timing(program: StepProgram, network: Network) -> StepTiming:
    """Return the jitter-free durations of `program` on `network`.

    Forward of virtual stage k: ``compute + tensor + expert exchange``; with expert overlap the exchange runs beside the
    compute, which loses the share of SMs that the exchange takes: ``max(compute / (1 - sm), exchange) + tensor``. The
    backward repeats the forward's exchanges under full recomputation. Reduce-scatter of gradients and all-gather of
    weights follow ZeRO-1 over the replicas of one site; several sites then all-reduce their shards.
    """
    plan, model = program.plan, program.model
    rates = plan_rates(model, plan, network)
    together = {"expert", "pipeline"}
    tensor_rate = rates.rate("tensor", {"tensor"})
    expert_rate = rates.rate("expert", {"expert"})
    in_domain = plan.expert <= network.scale_up_domain
    alpha_expert = network.scale_up_latency_s if in_domain else network.scale_out_latency_s

    tensor_s = program.tensor_operations * network.scale_up_latency_s + program.tensor_bytes / tensor_rate
    one_layer = (program.expert_dispatch_bytes + program.expert_combine_bytes) / expert_rate + 2 * alpha_expert
    expert_s = program.expert_layers * (one_layer if plan.expert > 1 else 0.0)

    repeat = 1.0 + program.recompute_share
    operation, shares = _operations(program, tensor_s, expert_s, repeat)
    boundary = (
        point_to_point(program.boundary_bytes, rates.rate("pipeline", together), network.scale_out_latency_s)
        if plan.pipeline > 1
        else 0.0
    )

    sites = units_per_site(plan, network)
    reduce_s, wan_s, wan_bytes = _reduction(
        program, network, sites, rates.rate("data", {"data"}), rates.rate("wan", {"wan"}) if len(sites) > 1 else np.inf
    )
    return StepTiming(
        program=program,
        operation_s=operation,
        shares=shares,
        message_s=boundary,
        reduce_s=reduce_s,
        gather_s=_gather(program, network, sites, rates.rate("data", {"data"})),
        optimizer_s=_optimizer(program, sites),
        wan_bytes=wan_bytes,
        wan_s=wan_s,
    )


def slowed(timing: StepTiming, factor: float) -> StepTiming:
    """Return `timing` with every operation `factor` times as long, as when another kernel shares the device."""
    return timing if factor == 1.0 else replace(timing, operation_s=timing.operation_s * factor)


def _operations(
    program: StepProgram, tensor_s: NDArray[np.float64], expert_s: NDArray[np.float64], repeat: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    devices, stages = program.matrix_forward_s.shape
    operation = np.zeros((devices, 2, stages))
    shares = np.zeros((devices, 2, stages, 3))
    taken = catalog.entry("efficiency", "training").si("exchange.sm_share") if program.plan.expert_overlap else 0.0
    parts = (
        (program.matrix_forward_s, program.memory_forward_s, 1.0),
        (program.matrix_backward_s, program.memory_backward_s, repeat),
    )
    for kind, (matrix, memory, times) in enumerate(parts):
        if program.plan.expert_overlap and program.plan.expert > 1:
            matrix, memory = matrix / (1.0 - taken), memory / (1.0 - taken)
            exposed = np.maximum(times * expert_s - matrix - memory, 0.0)
        else:
            exposed = np.broadcast_to(times * expert_s, matrix.shape)
        exchange = exposed + times * tensor_s
        total = matrix + memory + exchange
        operation[:, kind] = total
        shares[:, kind] = np.stack([matrix, memory, exchange], axis=-1) / total[..., None]
    return operation, shares


def _reduction(
    program: StepProgram, network: Network, sites: tuple[int, ...], rate: float, wan_rate: float
) -> tuple[NDArray[np.float64], float, float]:
    """Return reduce-scatter seconds per virtual stage, WAN seconds and WAN bytes per accelerator."""
    plan = program.plan
    units = max(sites)
    replicas = units * plan.replicas_per_unit
    alpha = network.scale_out_latency_s
    count = len(sites)
    seconds = np.zeros(program.layers.size)
    between = np.zeros(program.layers.size)
    sent = np.zeros(program.layers.size)
    for k in range(seconds.size):
        dense = float(program.dense_parameters[k]) * plan.gradient_bytes
        expert = float(program.expert_parameters[k]) * plan.gradient_bytes
        seconds[k] = ring_reduce_scatter(dense, replicas, rate, alpha) if replicas > 1 else 0.0
        seconds[k] += ring_reduce_scatter(expert, units, rate, alpha) if units > 1 and expert else 0.0
        if count > 1:
            shard = dense / replicas + expert / units
            between[k] = ring_all_reduce(shard, count, wan_rate, network.wan_latency_s)
            sent[k] = 2.0 * (count - 1) / count * shard
    stages = plan.pipeline
    per_stage = between.reshape(-1, stages).sum(axis=0)
    return seconds + between, float(per_stage.max()), float(sent.reshape(-1, stages).sum(axis=0).max())


def _gather(program: StepProgram, network: Network, sites: tuple[int, ...], rate: float) -> NDArray[np.float64]:
    """Return the exposed all-gather per stage: the first chunk's weights; later chunks' hide behind its forward."""
    plan = program.plan
    units = max(sites)
    replicas = units * plan.replicas_per_unit
    seconds = np.zeros(plan.pipeline)
    for stage in range(plan.pipeline):
        dense = float(program.dense_parameters[stage]) * WEIGHT_BYTES
        expert = float(program.expert_parameters[stage]) * WEIGHT_BYTES
        if replicas > 1:
            seconds[stage] += ring_all_gather(dense, replicas, rate, network.scale_out_latency_s)
        if units > 1 and expert:
            seconds[stage] += ring_all_gather(expert, units, rate, network.scale_out_latency_s)
    return seconds


def _optimizer(program: StepProgram, sites: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the optimizer's time per stage on the slowest memory of the fleet [s]."""
    plan = program.plan
    units = max(sites)
    shard = program.dense_parameters / (units * plan.replicas_per_unit) + program.expert_parameters / units
    bandwidth = min(device.bandwidth for device in program.devices)
    return np.asarray(shard.reshape(-1, plan.pipeline).sum(axis=0) * OPTIMIZER_TRAFFIC / bandwidth)
