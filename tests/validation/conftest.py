"""Shared by the comparisons with published steps: one network and one set of constants for all of them."""

from typing import NamedTuple

import numpy as np
import pytest

from clustersim import catalog
from clustersim.training.network import Network
from clustersim.training.records import Fleet, JitterSpec
from clustersim.training.simulate import rank_slowness, simulate_step
from clustersim.training.timing import step_timing
from clustersim.workload import ModelSpec, PlanSpec, build_step_program, model_flops_per_token


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


RECOMPUTE = (("full", "full"), ("selec", "selective"))


def _model(row):
    heads, kv_heads = int(row.heads), int(row.heads if np.isnan(row.kv_heads) else row.kv_heads)
    return ModelSpec(
        name=row.model,
        kind="dense",
        layers=int(row.layers),
        hidden=int(row.hidden),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=int(row.hidden) // heads,
        vocab=int(row.vocab),
        gated_ffn="lama" in row.model.lower() or "istral" in row.model,
        tied_embeddings=False,
        ffn=int(row.ffn),
        attention="mha" if kv_heads == heads else "gqa",
    )


def _plan(row):
    replicas, micro_batch = int(row.dp), int(1 if np.isnan(row.micro_batch) else row.micro_batch)
    batches = int(row.global_batch_seqs) // (replicas * micro_batch)
    virtual = 1 if np.isnan(row.vpp) else int(row.vpp)
    recompute = next((mode for text, mode in RECOMPUTE if text in str(row.recompute).lower()), "none")
    return PlanSpec(
        tensor=int(row.tp),
        pipeline=int(row.pp),
        virtual_stages=virtual if row.pp > 1 and batches % row.pp == 0 else 1,
        data=replicas,
        micro_batch=micro_batch,
        micro_batches=batches,
        recompute=recompute,
        sequence_parallel=bool(row.seq_parallel),
        flash_attention=_is_fused(row),
    )


def _is_fused(row):
    """Whether attention is one kernel: since 2022, unless the row names another kernel."""
    if row.row_id.startswith("ALE"):
        return "flash" in row.notes
    return row.year >= 2022 and not row.row_id.startswith("BLM")


@pytest.fixture(scope="session")
def read_row():
    """Model and plan of a row of the published tables."""

    def read(row):
        return _model(row), _plan(row)

    return read
