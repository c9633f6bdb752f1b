"""Fields of a configuration from one row of a throughput table: the model's dimensions and how the job is cut."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from clustersim import catalog
from clustersim.catalog import Entry

DIMENSIONS = ("layers", "hidden", "heads", "ffn", "vocab")

SHARD_GROUP = re.compile(r"\((\d+)-GPU group\)|shard group (\d+)")

SHAPE = 128.0
"""Ratio of width to depth of a GPT of which only the parameter count is known, and the dimension of its heads."""

Row = dict[str, str]


class UnreadableError(Exception):
    """A row that cannot be modelled; `wrong` when the row contradicts itself, else something is not given."""

    def __init__(self, reason: str, *, wrong: bool = False) -> None:
        super().__init__(reason)
        self.wrong = wrong


def number_of(row: Mapping[str, str], column: str) -> float | None:
    """Return a positive number, or None where the cell is blank."""
    text = row[column]
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value > 0.0 and math.isfinite(value)):
        raise UnreadableError(f"{column}: expected a positive number, found {text!r}", wrong=True)
    return value


def family_of(model: str) -> Entry:
    """Return the entry of the catalog kind `families` whose pattern the name of a model matches."""
    return next(
        entry for entry in catalog.entries("families").values() if re.search(entry.properties["pattern"], model)
    )


def dense_shape(parameters: float) -> dict[str, float]:
    """Return a GPT's dimensions from its parameter count alone: ``12 L h^2``, h in steps of 128, h = 128 L.

    The ratio of width to depth is that of GPT-3 (96 layers of 12,288); speed depends little on it (arXiv 2001.08361,
    section 3.1).
    """
    hidden = max(1.0, round((parameters * SHAPE / 12.0) ** (1.0 / 3.0) / SHAPE)) * SHAPE
    layers = max(1.0, round(parameters / (12.0 * hidden**2)))
    return {"layers": layers, "hidden": hidden, "heads": hidden / SHAPE, "ffn": 4.0 * hidden, "vocab": 32000.0}


def dimensions(row: Mapping[str, str], family: Entry, settings: Mapping[str, Any], assumed: list[str]) -> Row:
    """Return the row with the blank dimensions of its model filled in."""
    filled = dict(row)
    known = {"vocab": settings["vocab"]} if "vocab" in settings else {}
    known |= family.properties.get("dimensions", {})
    blank = [name for name in DIMENSIONS if not row[name] and name not in known]
    parameters = number_of(row, "params_total")
    if blank and parameters is not None and "mixture" not in row["arch"] and "moe" not in row["arch"]:
        known = dense_shape(parameters) | known
        assumed.append("shape from the parameter count")
    elif any(not row[name] for name in DIMENSIONS if name != "vocab") and not blank:
        assumed.append("shape from the model's name")
    for name, value in known.items():
        if not filled[name]:
            filled[name] = str(value)
    missing = [name for name in DIMENSIONS if not filled[name]]
    if missing:
        raise UnreadableError(f"{', '.join(missing)}: not given, and {row['model']!r} is not in the catalog")
    return filled


def model_fields(row: Mapping[str, str], family: Entry) -> dict[str, Any]:
    """Return the fields that describe the model: the row's dimensions, and what its name says."""
    size = {name: number_of(row, name) for name in DIMENSIONS}
    experts = number_of(row, "n_experts") or 0.0
    heads = float(size["heads"] or 1.0)
    fields: dict[str, Any] = {
        "layers": size["layers"],
        "hidden": size["hidden"],
        "heads": heads,
        "kv_heads": number_of(row, "kv_heads") or heads,
        "head_dim": float(size["hidden"] or 0.0) / heads,
        "ffn": size["ffn"],
        "vocab": size["vocab"],
        "experts": experts,
        "top_k": number_of(row, "topk") or 0.0,
        "ffn_expert": size["ffn"] if experts else 0.0,
        "plain_layers": 0.0 if experts else size["layers"],
    }
    fields |= family.properties["fields"]
    first = float(family.properties.get("plain_layers", 0))
    # a proxy of a few layers has only the layers that repeat
    if experts and first and fields["layers"] > 4 * first:
        fields["plain_layers"] = first
    return fields


def sharding(row: Mapping[str, str], default: str) -> tuple[str, float | None]:
    """Return what data parallelism shards, and over how many ranks if not over all."""
    text = row["zero_fsdp_stage"]
    found = SHARD_GROUP.search(text)
    group = float(next(part for part in found.groups() if part)) if found else None
    for pattern, name in (
        (r"FSDP-2|ZeRO-2|ZeRO-1/2", "gradients"), (r"FSDP|ZeRO-3", "parameters"), (r"HSDP", "parameters"),
        (r"ZeRO-1", "optimizer"), (r"none", "none"),
    ):  # fmt: skip
        if re.search(pattern, text):
            return name, (8.0 if text == "HSDP" else group)
    return default, group


def layout(
    row: Mapping[str, str],
    settings: Mapping[str, Any],
    accelerators: float,
    given: Any,
    assumed: list[str],
) -> dict[str, Any]:
    """Return how a row's job is cut, with blank fields filled in."""
    sequence = given("seq_len", settings.get("sequence", 4096.0), "sequence")
    batch = number_of(row, "global_batch_seqs")
    speed, time = number_of(row, "tokens_per_s_per_gpu"), number_of(row, "iteration_time_s")
    if batch is None and speed is not None and time is not None:
        batch = speed * time * accelerators / sequence
    if batch is None:
        if "sequences_per_accelerator" not in settings:
            raise UnreadableError("global_batch_seqs: not given, and the framework has no default")
        batch = settings["sequences_per_accelerator"] * accelerators
        assumed.append(f"batch {batch:g}")
    tensor, context = number_of(row, "tp"), number_of(row, "cp")
    pipeline = given("pp", 1.0, "pipeline")
    spare = max(1.0, 2.0 ** math.ceil(math.log2(accelerators / batch))) if not (tensor or context) else 1.0
    if tensor is None:
        # fewer sequences than ranks: something else must cut them
        tensor = spare if settings.get("spare") == "tensor" else 1.0
        assumed.append(f"tensor {tensor:g}")
    if context is None:
        context = spare if settings.get("spare") != "tensor" else 1.0
        if context > 1:
            assumed.append(f"context {context:g}")
    cut = tensor * pipeline * context
    replicas = accelerators / cut
    if replicas != int(replicas):
        raise UnreadableError(
            f"n_gpus: expected a multiple of tp x pp x cp = {cut:g}, found {accelerators:g}", wrong=True
        )
    own = batch / replicas
    micro_batch = number_of(row, "micro_batch")
    if micro_batch is None:
        micro_batch = min(own, settings.get("micro_batch", 1.0)) if pipeline == 1 else 1.0
        assumed.append(f"micro-batch {micro_batch:g}")
    micro_batches = own / micro_batch
    if micro_batches < 1:
        raise UnreadableError(
            f"global_batch_seqs: expected at least {replicas:g} replicas x {micro_batch:g} sequences, found {batch:g}",
            wrong=True,
        )
    layers, virtual = number_of(row, "layers") or 1.0, given("vpp", 1.0, "virtual stages") if pipeline > 1 else 1.0
    if pipeline > layers:
        raise UnreadableError(f"pp: {pipeline:g} stages for {layers:g} layers", wrong=True)
    return {
        "sequence": sequence,
        "tensor": tensor,
        "pipeline": pipeline,
        "virtual": virtual,
        "context": context,
        "expert": number_of(row, "ep") or 1.0,
        "micro_batch": micro_batch,
        "micro_batches": micro_batches,
    }
