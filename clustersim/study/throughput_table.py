"""Measured training steps from a CSV: each row becomes a configuration, its hardware, and the measured seconds."""

from __future__ import annotations

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
from clustersim.study.row_fields import (
    DIMENSIONS,
    UnreadableError,
    dimensions,
    family_of,
    layout,
    model_fields,
    number_of,
    sharding,
)
from clustersim.workload.configuration import PRECISIONS, RECOMPUTES, SHARDINGS, configurations
from clustersim.workload.footprint import footprint, usable_bytes
from clustersim.workload.weights import weights

REQUIRED = ("row_id", "model", "accelerator", "n_gpus", "precision")
"""Columns without which no row can be read."""

COLUMNS = (
    *REQUIRED, *DIMENSIONS, "arch", "params_total", "source", "year", "kv_heads", "seq_len", "n_experts", "topk",
    "tp", "pp", "vpp", "cp", "ep",
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
    assumed: list[str] = []
    family = family_of(row["model"])
    row = dimensions(row, family, settings, assumed)
    fields = model_fields(row, family)

    def given(column: str, default: float, name: str) -> float:
        value = number_of(row, column)
        if value is None:
            assumed.append(f"{name} {default:g}")
            return default
        return value

    accelerators = number_of(row, "n_gpus")
    if accelerators is None:
        raise UnreadableError("n_gpus: not given")
    plan = layout(row, settings, accelerators, given, assumed)
    recompute = next((mode for mode in ("full", "selective", "none") if mode in row["recompute"].lower()), None)
    recompute = rules.get("recompute", recompute)
    chosen = recompute or settings["recompute"]
    sharded, group = sharding(row, settings["sharding"])
    if not row["zero_fsdp_stage"]:
        assumed.append(f"sharding {sharded}")
    sequence_parallel = {"true": True, "false": False}.get(row["seq_parallel"].lower())
    record = fields | plan
    record |= {
        "accelerators": accelerators,
        "precision": PRECISIONS[precision],
        "recompute": 0 if chosen == "fits" else RECOMPUTES.index(chosen),
        "sharding": SHARDINGS.index(sharded),
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
    if chosen == "fits" and not _fits(record, chip.name):
        record["recompute"] = RECOMPUTES.index("full")
    if recompute is None:
        assumed.append(f"recompute {RECOMPUTES[int(record['recompute'])]}")
    seconds, metric = measured_seconds(row, record, lambda column: number_of(row, column))
    if seconds is None:
        raise UnreadableError("no iteration time, tokens/s, TFLOP/s or MFU from which a step time follows")
    nic = settings.get("nic")
    return Case(
        row_id=row["row_id"],
        source=row["source"] or row["row_id"].split("-")[0],
        model=row["model"],
        accelerator=chip.name,
        precision=precision,
        stack=settings.get("stack", said["stack"]),
        nic=None if nic is None else units.parse(nic, "data rate"),
        use=row["use"] or "test",
        record=record,
        measured_s=seconds,
        metric=metric,
        assumed=tuple(assumed),
    )


def _fits(record: Mapping[str, float | bool], accelerator: str) -> bool:
    """Return whether a configuration fits into an accelerator's memory."""
    c = configurations([record])
    return bool(footprint(c, weights(c)).total[0] <= usable_bytes([accelerator])[0])
