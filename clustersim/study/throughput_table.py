"""Measured training steps from a CSV: each row becomes a configuration, its hardware, and the measured seconds."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from clustersim import catalog, units
from clustersim.catalog import Entry
from clustersim.errors import CatalogError, InputError, nearest
from clustersim.study.flop_conventions import measured_seconds
from clustersim.workload.configuration import PRECISIONS, RECOMPUTES, SHARDINGS

REQUIRED = ("row_id", "model", "accelerator", "n_gpus", "precision")
"""Columns without which no row can be read."""

DIMENSIONS = ("layers", "hidden", "heads", "ffn", "vocab")

COLUMNS = (
    *REQUIRED, *DIMENSIONS, "source", "year", "kv_heads", "seq_len", "n_experts", "topk", "tp", "pp", "vpp", "cp", "ep",
    "zero_fsdp_stage", "micro_batch", "global_batch_seqs", "recompute", "seq_parallel", "iteration_time_s",
    "tokens_per_s_per_gpu", "tflops_per_gpu", "mfu", "hfu", "peak_tflops_ref", "flops_convention", "fabric", "notes",
    "use",
)  # fmt: skip
"""Columns that are read; others are left alone."""

PRECISION_WORDS = (
    ("fp4", "fp4"),
    ("mx|subchannel|block|rowwise", "fp8_block"),
    ("fp8|int8", "fp8"),
    ("bf16|fp16", "bf16"),
)
"""Precision by what its text contains, first match first."""

SHARD_GROUP = re.compile(r"\((\d+)-GPU group\)|shard group (\d+)")
ACTIVATIONS = 34.0
"""Bytes of activations per token, layer and hidden unit without recomputation (arXiv 2205.05198, equation 2)."""


@dataclass(frozen=True)
class Case:
    """One measured step, ready to be predicted."""

    row_id: str
    source: str
    model: str
    accelerator: str
    """Name in the catalog."""
    precision: str
    stack: str | None
    nic: float | None
    """Line rate of one accelerator where the row's fabric is not the chip's usual one. [B/s]"""
    use: str
    record: Mapping[str, float | bool]
    """Fields of a :class:`~clustersim.workload.configuration.Configuration`."""
    measured_s: float
    metric: str
    """Column that `measured_s` comes from."""
    assumed: tuple[str, ...]
    """Blank fields and what they are taken to be."""


class UnreadableError(Exception):
    """A row that cannot be modelled; `wrong` when the row contradicts itself, else something is not given."""

    def __init__(self, reason: str, *, wrong: bool = False) -> None:
        super().__init__(reason)
        self.wrong = wrong


@dataclass(frozen=True)
class Refusal:
    """A row that is not modelled, and why."""

    row_id: str
    reason: str
    wrong: bool
    """Whether the row is wrong rather than incomplete."""
    use: str


@dataclass(frozen=True)
class ThroughputTable:
    """What a CSV of measured steps holds."""

    cases: tuple[Case, ...]
    refused: tuple[Refusal, ...]


def read_table(path: Path, *, only: frozenset[str] | None = None) -> ThroughputTable:
    """Return the rows of a CSV; those marked `context` are left out.

    Parameters
    ----------
    path : Path
        CSV with the columns :data:`COLUMNS`, of which :data:`REQUIRED` must be there.
    only : frozenset of str, optional
        Values of `use` to read; all but `context` by default.

    Raises
    ------
    InputError
        If the file cannot be read as CSV or lacks a column.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as CSV: {error}") from None
    for name in REQUIRED:
        if name not in table.columns:
            raise InputError(
                f"{path}: expected a column {name!r}, found {', '.join(table.columns[:8])}"
                f"{nearest(name, table.columns)}"
            )
    cases, refused, seen = [], [], set()
    for number, raw in enumerate(table.to_dict("records"), start=2):
        row = {name: str(raw.get(name, "")).strip() for name in COLUMNS}
        row["row_id"] = row["row_id"] or f"line {number}"
        if row["use"] == "context" or (only is not None and row["use"] not in only):
            continue
        try:
            if row["row_id"] in seen:
                raise UnreadableError("row_id: expected each once, found it again", wrong=True)
            seen.add(row["row_id"])
            cases.append(_case(row))
        except (UnreadableError, CatalogError) as error:
            refused.append(Refusal(row["row_id"], str(error), getattr(error, "wrong", True), row["use"]))
    return ThroughputTable(tuple(cases), tuple(refused))


def _number(row: Mapping[str, str], column: str) -> float | None:
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


def framework_of(row: Mapping[str, str]) -> Entry:
    """Return the entry of the catalog kind `frameworks` to which a row belongs."""
    for entry in catalog.entries("frameworks").values():
        for alternative in entry.properties["select"]:
            if _matches(row, alternative):
                return entry
    raise InputError(f"{row['row_id']}: no entry of the catalog kind 'frameworks' matches it")


def _matches(row: Mapping[str, str], patterns: Mapping[str, str]) -> bool:
    return all(re.search(pattern, row[column]) for column, pattern in patterns.items())


def _precision(text: str) -> str:
    for pattern, name in PRECISION_WORDS:
        if re.search(pattern, text.lower()):
            return name
    raise UnreadableError(f"precision: expected bf16, fp16, fp8, int8 or fp4 in some form, found {text!r}", wrong=True)


def _model(row: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that describe the model: the row's dimensions, and what its name says."""
    if not row["vocab"] and "vocab" in settings:
        row = {**row, "vocab": str(settings["vocab"])}
    missing = [name for name in DIMENSIONS if not row[name]]
    if missing:
        raise UnreadableError(f"{', '.join(missing)}: not given, and {row['model']!r} is not in the catalog")
    size = {name: _number(row, name) for name in DIMENSIONS}
    experts = _number(row, "n_experts") or 0.0
    heads = float(size["heads"] or 1.0)
    fields: dict[str, Any] = {
        "layers": size["layers"],
        "hidden": size["hidden"],
        "heads": heads,
        "kv_heads": _number(row, "kv_heads") or heads,
        "head_dim": float(size["hidden"] or 0.0) / heads,
        "ffn": size["ffn"],
        "vocab": size["vocab"],
        "experts": experts,
        "top_k": _number(row, "topk") or 0.0,
        "ffn_expert": size["ffn"] if experts else 0.0,
        "plain_layers": 0.0 if experts else size["layers"],
    }
    for entry in catalog.entries("families").values():
        if re.search(entry.properties["pattern"], row["model"]):
            fields |= entry.properties["fields"]
            first = float(entry.properties.get("plain_layers", 0))
            # a proxy of a few layers has only the layers that repeat
            if experts and fields["layers"] > 4 * first:
                fields["plain_layers"] = first
            break
    return fields


def _sharding(row: Mapping[str, str], default: str) -> tuple[str, float | None]:
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


def _case(row: Mapping[str, str]) -> Case:
    framework = framework_of(row)
    said = framework.properties
    settings: dict[str, Any] = dict(said["defaults"])
    rules: dict[str, Any] = {}
    for rule in said.get("rules", ()):
        if _matches(row, rule["when"]):
            rules |= rule["set"]
    settings |= rules
    chip = catalog.entry("accelerators", row["accelerator"])
    precision = _precision(row["precision"])
    fields = _model(row, settings)
    assumed: list[str] = []

    def given(column: str, default: float, name: str) -> float:
        value = _number(row, column)
        if value is None:
            assumed.append(f"{name} {default:g}")
            return default
        return value

    accelerators = _number(row, "n_gpus")
    if accelerators is None:
        raise UnreadableError("n_gpus: not given")
    plan = _layout(row, settings, accelerators, given, assumed)
    recompute = next((mode for mode in ("full", "selective", "none") if mode in row["recompute"].lower()), None)
    recompute = rules.get("recompute", recompute)
    if recompute is None:
        recompute = settings["recompute"]
        if recompute == "fits":
            held = ACTIVATIONS * fields["hidden"] * fields["layers"] * plan["micro_batch"] * plan["sequence"]
            held /= plan["tensor"] * plan["context"]
            recompute = "none" if held < 0.5 * chip.si("memory.capacity") else "full"
        assumed.append(f"recompute {recompute}")
    sharding, group = _sharding(row, settings["sharding"])
    if not row["zero_fsdp_stage"]:
        assumed.append(f"sharding {sharding}")
    sequence_parallel = {"true": True, "false": False}.get(row["seq_parallel"].lower())
    record = fields | plan
    record |= {
        "accelerators": accelerators,
        "precision": PRECISIONS[precision],
        "recompute": RECOMPUTES.index(recompute),
        "sharding": SHARDINGS.index(sharding),
        "sequence_parallel": plan["tensor"] > 1 if sequence_parallel is None else sequence_parallel,
    }
    if group is not None:
        record["shard_group"] = group
    if settings.get("expert_tensor") == "tensor":
        settings["expert_tensor"] = plan["tensor"]
    passed = (
        "tensor_overlap", "gradient_overlap", "flash_attention", "second_flash", "score_passes", "fused_norm",
        "once_per_node", "fetches", "frozen", "balanced", "expert_tensor", "gradient_bytes", "reduce_bytes",
        "logit_bytes", "split_logits", "schedule", "expert_overlap",
    )  # fmt: skip
    record |= {name: settings[name] for name in passed if name in settings}
    seconds, metric = measured_seconds(row, record, lambda column: _number(row, column))
    if seconds is None:
        raise UnreadableError("no iteration time, tokens/s, TFLOP/s or MFU from which a step time follows")
    nic = settings.get("nic")
    return Case(
        row_id=row["row_id"],
        source=row["source"] or row["row_id"].split("-")[0],
        model=row["model"],
        accelerator=chip.name,
        precision=precision,
        stack=said["stack"],
        nic=None if nic is None else units.parse(nic, "data rate"),
        use=row["use"] or "test",
        record=record,
        measured_s=seconds,
        metric=metric,
        assumed=tuple(assumed),
    )


def _layout(
    row: Mapping[str, str],
    settings: Mapping[str, Any],
    accelerators: float,
    given: Any,
    assumed: list[str],
) -> dict[str, Any]:
    """Return how a row's job is cut, with blank fields filled in."""
    sequence = given("seq_len", settings.get("sequence", 4096.0), "sequence")
    batch = _number(row, "global_batch_seqs")
    if batch is None:
        if "sequences_per_accelerator" not in settings:
            raise UnreadableError("global_batch_seqs: not given, and the framework has no default")
        batch = settings["sequences_per_accelerator"] * accelerators
        assumed.append(f"batch {batch:g}")
    tensor, context = _number(row, "tp"), _number(row, "cp")
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
    micro_batch = _number(row, "micro_batch")
    if micro_batch is None:
        micro_batch = min(own, settings.get("micro_batch", 1.0)) if pipeline == 1 else 1.0
        assumed.append(f"micro-batch {micro_batch:g}")
    micro_batches = own / micro_batch
    if micro_batches < 1:
        raise UnreadableError(
            f"global_batch_seqs: expected at least {replicas:g} replicas x {micro_batch:g} sequences, found {batch:g}",
            wrong=True,
        )
    layers, virtual = _number(row, "layers") or 1.0, given("vpp", 1.0, "virtual stages") if pipeline > 1 else 1.0
    if pipeline > layers:
        raise UnreadableError(f"pp: {pipeline:g} stages for {layers:g} layers", wrong=True)
    return {
        "sequence": sequence,
        "tensor": tensor,
        "pipeline": pipeline,
        "virtual": virtual,
        "context": context,
        "expert": _number(row, "ep") or 1.0,
        "micro_batch": micro_batch,
        "micro_batches": micro_batches,
    }
