"""What each mechanism of the step model contributes to its accuracy: the error without it, nothing fitted again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from clustersim.study.tables.throughput_table import Case
from clustersim.study.tables.validation import Statistics, case_hardware, statistics
from clustersim.training.closed_form import estimate_steps
from clustersim.workload.configuration import Configuration, configurations
from clustersim.workload.hardware import Hardware

Change = Callable[[Configuration, Hardware], tuple[Configuration, Hardware]]


def _shapes(c: Configuration, hardware: Hardware) -> tuple[Configuration, Hardware]:
    zero = np.zeros(c.size)
    plain = replace(
        hardware, half_depth=zero, fixed=zero, plain_half_depth=zero, plain_fixed=zero, unaligned=zero + 1.0
    )
    return c, plain


def _memory(c: Configuration, hardware: Hardware) -> tuple[Configuration, Hardware]:
    return c, replace(hardware, bandwidth=np.full(c.size, np.inf))


CHANGES: dict[str, Change] = {
    "shape efficiency of products": _shapes,
    "memory-bound kernels": _memory,
    "host launching kernels": lambda c, hardware: (c, replace(hardware, launch=np.zeros(c.size))),
    "overlap of exchanges": lambda c, hardware: (
        replace(c, tensor_overlap=np.zeros(c.size, bool)),
        replace(hardware, overlap=np.zeros(c.size)),
    ),
    "slow rise of collective rates": lambda c, hardware: (c, replace(hardware, ramp=np.zeros(c.size))),
    "latency of rings": lambda c, hardware: (c, replace(hardware, hop=np.zeros(c.size), step=np.zeros(c.size))),
    "spread of ranks (jitter)": lambda c, hardware: (c, replace(hardware, rank_spread=np.zeros(c.size))),
    "imbalance of experts": lambda c, hardware: (replace(c, balanced=np.ones(c.size, bool)), hardware),
    "unfused kernels": lambda c, hardware: (
        replace(
            c,
            fused_norm=np.ones(c.size, bool),
            fused_activation=np.ones(c.size, bool),
            flash_attention=np.ones(c.size, bool),
        ),
        hardware,
    ),
}
"""Mechanisms, each as what takes it out."""


def ablation(cases: Sequence[Case]) -> dict[str, Statistics]:
    """Return the error statistics of the cases with all mechanisms, and without each of them."""
    c, hardware = configurations([case.record for case in cases]), case_hardware(cases)
    measured = np.array([case.measured_s for case in cases])
    found = {"all mechanisms": statistics(estimate_steps(c, hardware).iteration_time_s, measured)}
    for name, change in CHANGES.items():
        found[f"without {name}"] = statistics(estimate_steps(*change(c, hardware)).iteration_time_s, measured)
    return found
