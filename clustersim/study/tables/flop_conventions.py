"""From a published TFLOP/s or MFU back to seconds, with the FLOPs that its source counted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from clustersim.workload.configuration import configurations
from clustersim.workload.weights import model_flops, weights

HARDWARE = re.compile(
    r"incl\.? (recompute|activation)|includes full recompute|(?<!not )HFU|SC21|hardware", re.IGNORECASE
)
"""Conventions that count what recomputation repeats."""
CAUSAL = re.compile(r"(?<!non-)(?<!non )(?<!not )\bcausal", re.IGNORECASE)


def megatron_hardware_flops(record: Mapping[str, Any]) -> float:
    """Return the FLOPs of one token with full recomputation as Megatron counts them for a GPT.

    ``96 L h^2 (1 + s / 6h + V / 16 L h)`` (arXiv 2104.04473, section 5.1).
    """
    layers, hidden = float(record["layers"]), float(record["hidden"])
    return (
        96.0
        * layers
        * hidden**2
        * (1.0 + float(record["sequence"]) / (6.0 * hidden) + float(record["vocab"]) / (16.0 * layers * hidden))
    )


def measured_seconds(
    row: Mapping[str, str], record: Mapping[str, Any], number: Callable[..., float | None]
) -> tuple[float | None, str]:
    """Return the measured iteration time of a row [s] and the column that it comes from.

    Iteration time and tokens/s are taken as they are; MFU, TFLOP/s and HFU are divided into the FLOPs of the row's
    convention: model FLOPs with attention in full unless the convention says causal, or Megatron's count with
    recomputation. Returns None if the row has none of them.
    """
    time = number("iteration_time_s")
    if time is not None:
        return time, "iteration_time_s"
    accelerators = float(record["accelerators"])
    replicas = accelerators / (record["tensor"] * record["pipeline"] * record["context"])
    tokens = replicas * record["micro_batch"] * record["micro_batches"] * record["sequence"]
    rate = number("tokens_per_s_per_gpu")
    if rate is not None:
        return tokens / rate / accelerators, "tokens_per_s_per_gpu"
    convention = row["flops_convention"]
    c = configurations([record])
    model = float(model_flops(c, weights(c))[0])
    if CAUSAL.search(convention):
        halved = configurations([{**record, "sequence": float(record["sequence"]) / 2.0}])
        model = float(model_flops(halved, weights(halved))[0])
    hardware = megatron_hardware_flops(record)
    peak = number("peak_tflops_ref")
    mfu, hfu, reached = number("mfu", most=1.0), number("hfu", most=1.0), number("tflops_per_gpu")
    if mfu is not None and peak is not None:
        return model * tokens / accelerators / (mfu * peak * 1e12), "mfu"
    if reached is not None:
        counted = hardware if HARDWARE.search(convention) else model
        return counted * tokens / accelerators / (reached * 1e12), "tflops_per_gpu"
    if hfu is not None and peak is not None:
        return hardware * tokens / accelerators / (hfu * peak * 1e12), "hfu"
    return None, ""
