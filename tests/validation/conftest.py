"""Shared by the comparisons with published steps: one network and one set of constants for all of them."""

from typing import NamedTuple

import numpy as np
import pytest

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.study.tables.validation import case_hardware
from clustersim.training.network import Network
from clustersim.training.records import Fleet, JitterSpec
from clustersim.training.simulate import rank_slowness, simulate_step
from clustersim.training.timing import step_timing
from clustersim.workload import ModelSpec, PlanSpec, build_step_program, model_flops_per_token
from clustersim.workload.configuration import EXPERT_OVERLAPS, RECOMPUTES, SCHEDULES, SHARDINGS, configurations


class Predicted(NamedTuple):
    seconds: float
    model_tflops: float
    """Per second and accelerator, attention counted in full."""
    breakdown: dict[str, float]
    memory_gb: float


def _network(chip, accelerators, nic):
    """Servers of eight in a full fat tree; what a link reaches is the catalog's share of its rate."""
    entry, reached = catalog.entry("accelerators", chip), catalog.entry("efficiency", "training")
    rate = reached.si("scale_out.efficiency.ring") * (nic or entry.si("nic.bandwidth"))
    return Network(
        resources={
            "scale_up": entry.si("scale_up.bandwidth"),
            "nic": rate,
            "leaf": rate,
            "spine": rate,
        },
        accelerators=(accelerators,),
        scale_up_domain=8,
        leaf=64,
        pod=4096,
        wan_latency_s=0.0,
    )


@pytest.fixture(scope="session")
def predict():
    """One step of a model and plan on a chip; `nic` is the line rate of one accelerator where it is not the chip's."""

    def run(model, plan, chip, sequence, nic=None):
        spread = catalog.entry("device_power", "jitter")
        program = build_step_program(model, plan, sequence, (chip,))
        timing = step_timing(program, _network(chip, plan.accelerators, nic))
        members = np.array([[float(plan.block)]])
        fleet = Fleet(np.zeros(plan.units, np.int64), members, np.zeros(plan.units, np.int64))
        jitter = JitterSpec(spread.si("operation"), spread.si("rank"))
        slow = rank_slowness(fleet, plan.pipeline, jitter, np.random.SeedSequence(1))
        trace = simulate_step(timing, fleet, jitter, slow, key=1)
        seconds = trace.iteration_time_s
        flops = model_flops_per_token(model, sequence, causal=False) * plan.sequences * sequence
        return Predicted(
            seconds=seconds,
            model_tflops=flops / seconds / plan.accelerators / 1e12,
            breakdown={name: value / seconds for name, value in trace.breakdown.items()},
            memory_gb=float(program.memory_bytes.max()) / 1e9,
        )

    return run


def _spec(case):
    """Model of a row of the throughput table, as far as the step stage by stage needs a name for its parts."""
    r = case.record
    mixture = bool(r.get("experts"))
    return ModelSpec(
        name=case.model,
        kind="moe" if mixture else "dense",
        layers=int(r["layers"]),
        hidden=int(r["hidden"]),
        heads=int(r["heads"]),
        kv_heads=int(r["kv_heads"]),
        head_dim=int(r["head_dim"]),
        vocab=int(r["vocab"]),
        gated_ffn=r["ups"] == 2,
        tied_embeddings=False,
        ffn=max(int(r["ffn"]), 1),
        dense_layers=int(r.get("plain_layers", 0)) if mixture else 0,
        ffn_expert=int(r.get("ffn_expert", 0)),
        experts=int(r.get("experts", 0)),
        shared_experts=int(np.ceil(r.get("shared_experts", 0))),
        top_k=int(r.get("top_k", 0)),
        attention="mha",
    )


def _plan(case):
    """Plan of a row; layers as even as a framework cuts them. None where a number is not whole."""
    c = configurations([case.record])
    sizes = {name: float(getattr(c, name)[0]) for name in ("tensor", "context", "pipeline", "virtual", "expert",
             "micro_batch", "micro_batches", "data")}  # fmt: skip
    if any(abs(size - round(size)) > 1e-9 or size < 1 for size in sizes.values()):
        return None
    whole = {name: round(size) for name, size in sizes.items()}
    layers, stages = int(c.layers[0]), whole["pipeline"] * whole["virtual"]
    spare = np.linspace(0, stages - 1, layers % stages + 2).round()[1:-1].astype(int)
    cut = np.full(stages, layers // stages)
    np.add.at(cut, spare, 1)
    return PlanSpec(
        tensor=whole["tensor"],
        context=whole["context"],
        pipeline=whole["pipeline"],
        virtual_stages=whole["virtual"],
        stage_layers=tuple(int(n) for n in cut),
        schedule=SCHEDULES[int(c.schedule[0])],
        data=whole["data"],
        sharding=SHARDINGS[int(c.sharding[0])],
        expert=whole["expert"],
        expert_overlap=EXPERT_OVERLAPS[int(c.expert_overlap[0])],
        micro_batch=whole["micro_batch"],
        micro_batches=whole["micro_batches"],
        recompute=RECOMPUTES[int(c.recompute[0])],
    )


@pytest.fixture(scope="session")
def rank_by_rank():
    """Seconds of one jittered step of a case, every unit and stage simulated; None where no plan can say its layout."""
    spread = catalog.entry("device_power", "jitter")
    jitter = JitterSpec(spread.si("operation"), spread.si("rank"))

    def run(case):
        plan, c = _plan(case), configurations([case.record])
        if plan is None or c.expert_tensor[0] > 1:
            return None
        hardware = case_hardware([case])
        # any fabric that carries what the libraries reach
        wide = dict.fromkeys(("scale_up", "nic", "leaf", "spine"), 1e13)
        network = Network(wide, (plan.accelerators,), int(hardware.domain[0]), 64, 4096, 0.0)
        try:
            program = build_step_program(
                _spec(case), plan, int(c.sequence[0]), (case.accelerator,), reached=hardware, configuration=c
            )
        except InputError:
            return None
        timing = step_timing(program, network)
        fleet = Fleet(np.zeros(plan.units, np.int64), np.array([[float(plan.block)]]), np.zeros(plan.units, np.int64))
        slow = rank_slowness(fleet, plan.pipeline, jitter, np.random.SeedSequence(1))
        return simulate_step(timing, fleet, jitter, slow, key=1).iteration_time_s

    return run
