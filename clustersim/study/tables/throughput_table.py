"""Measured training steps from a CSV: each row becomes a configuration, its hardware, and the measured seconds."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clustersim import catalog, units
from clustersim.catalog import Entry
from clustersim.errors import CatalogError, InputError, nearest
from clustersim.study.tables.flop_conventions import measured_seconds
from clustersim.study.tables.row_fields import (
    DIMENSIONS,
    UnreadableError,
    count_of,
    dimensions,
    family_of,
    layout,
    model_fields,
    number_of,
    recompute,
    sequence_parallel,
    sharding,
)
from clustersim.workload.configuration import PRECISIONS, RECOMPUTES, SHARDINGS, configurations
from clustersim.workload.footprint import footprint, usable_bytes
from clustersim.workload.hardware import bare_hardware, generation_of
from clustersim.workload.weights import model_weights, weights

REQUIRED = ("row_id", "model", "accelerator", "n_gpus", "precision")
"""Columns without which no row can be read."""

COLUMNS = (
    *REQUIRED, *DIMENSIONS, "arch", "params_total", "source", "year", "kv_heads", "seq_len", "n_experts", "topk",
    "tp", "pp", "vpp", "cp", "ep",
    "zero_fsdp_stage", "micro_batch", "global_batch_seqs", "recompute", "seq_parallel", "iteration_time_s",
    "tokens_per_s_per_gpu", "tflops_per_gpu", "mfu", "hfu", "peak_tflops_ref", "flops_convention", "fabric", "notes",
    "use", "framework",
)  # fmt: skip
"""Columns that are read; others are left alone."""

PRECISION_WORDS = (
    ("fp4", "fp4"),
    ("mx|subchannel|block|rowwise", "fp8_block"),
    ("fp8|int8", "fp8"),
    ("bf16|fp16|bfloat16|float16|half", "bf16"),
)
"""Precision by what its text contains, first match first."""

PASSED = (
    "tensor_overlap", "gradient_products", "gradient_overlap", "flash_attention", "second_flash", "score_passes",
    "fused_norm", "graphs", "once_per_node", "fetches", "frozen", "balanced", "expert_tensor", "gradient_bytes",
    "reduce_bytes", "logit_bytes", "split_logits", "schedule", "expert_overlap",
)  # fmt: skip
"""Settings of a framework that are fields of a configuration."""

MATCHES, DIFFERS = 0.05, 0.12
"""Relative differences of a model's weights from its parameter count: within the first it is that model, beyond the
second another. Embeddings, once or twice, lie between."""


@dataclass(frozen=True)
class Case:
    """One measured step, ready to be predicted."""

    row_id: str
    source: str
    model: str
    accelerator: str
    """Name in the catalog."""
    precision: str
    framework: str
    """Entry of the catalog kind `frameworks`."""
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
    names, lines = _lines(path)
    for name in REQUIRED:
        if name not in names:
            raise InputError(f"{path}: expected a column {name!r}, found {', '.join(names[:8])}{nearest(name, names)}")
    cases: list[Case] = []
    refused: list[Refusal] = []
    seen: set[str] = set()
    served: set[tuple[str, str]] = set()
    for number, cells in lines:
        given = dict(zip(names, (cell.strip() for cell in cells), strict=False))
        row = {name: given.get(name, "") for name in COLUMNS}
        row["row_id"] = row["row_id"] or f"line {number}"
        row["use"] = row["use"].lower()
        if row["use"] == "context" or (only is not None and row["use"] not in only):
            continue
        try:
            if row["row_id"] in seen:
                raise UnreadableError("row_id: expected each once, found it again", wrong=True)
            seen.add(row["row_id"])
            if len(cells) < len(names) or any(cells[len(names) :]):
                raise UnreadableError(f"expected {len(names)} cells, found {len(cells)}", wrong=True)
            case = _case(row)
            chip = (case.accelerator, case.precision)
            if chip not in served:
                # a chip that nobody measured is this row's trouble, not the table's
                generation_of(case.accelerator)
                bare_hardware([case.accelerator], [case.precision], [None])
                served.add(chip)
            cases.append(case)
        except (UnreadableError, CatalogError) as error:
            refused.append(Refusal(row["row_id"], str(error), getattr(error, "wrong", True), row["use"]))
    return ThroughputTable(tuple(cases), tuple(refused))


def _lines(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the names of the columns in lower case, and every row that is not blank with the number of its line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            names = [name.strip().lower() for name in next(reader, [])]
            return names, [(reader.line_num, cells) for cells in reader if any(cells)]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV: {error}") from None


def framework_of(row: Mapping[str, str]) -> Entry:
    """Return the entry of the catalog kind `frameworks` that a row names, or else to which it belongs."""
    entries = catalog.entries("frameworks")
    if row["framework"]:
        if row["framework"] not in entries:
            raise UnreadableError(
                f"framework: expected one of {', '.join(entries)}, found {row['framework']!r}"
                f"{nearest(row['framework'], entries)}",
                wrong=True,
            )
        return entries[row["framework"]]
    for entry in entries.values():
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
    settings = _settings(row, framework)
    chip = catalog.entry("accelerators", row["accelerator"])
    precision = _precision(row["precision"])
    assumed: list[str] = []
    family = family_of(row["model"])
    row = dimensions(row, family, settings, assumed)
    fields = model_fields(row, family)
    record = fields | _plan(row, framework, settings, chip, assumed) | {"precision": PRECISIONS[precision]}
    _settle_recompute(record, row, settings, chip.name, assumed)
    if family.name == "plain" and _gated(record, number_of(row, "params_total")):
        record["ups"] = 2
        assumed.append("gated feed-forward from the parameter count")
    seconds, metric = measured_seconds(row, record, lambda column, **limit: number_of(row, column, **limit))
    if seconds is None:
        raise UnreadableError("no iteration time, tokens/s, TFLOP/s or MFU from which a step time follows")
    if depth := settings.get("mtp_depth"):
        # published FLOP counts leave modules for further tokens out, so that they come after the measured time
        record |= {"mtp_depth": depth, "layers": record["layers"] + depth}
    nic = settings.get("nic")
    return Case(
        row_id=row["row_id"],
        source=row["source"] or row["row_id"].split("-")[0],
        model=row["model"],
        accelerator=chip.name,
        precision=precision,
        framework=framework.name,
        stack=settings.get("stack", framework.properties["stack"]),
        nic=None if nic is None else units.parse(nic, "data rate"),
        use=row["use"] or "test",
        record=record,
        measured_s=seconds,
        metric=metric,
        assumed=tuple(assumed),
    )


def _settings(row: Mapping[str, str], framework: Entry) -> dict[str, Any]:
    """Return what a framework is taken to do where a row says nothing: its defaults, and the rules that match."""
    settings: dict[str, Any] = dict(framework.properties["defaults"])
    for rule in framework.properties.get("rules", ()):
        if _matches(row, rule["when"]):
            settings |= rule["set"]
    return settings


def _plan(
    row: Mapping[str, str], framework: Entry, settings: Mapping[str, Any], chip: Entry, assumed: list[str]
) -> dict[str, Any]:
    """Return the fields of the parallel plan and of the framework's ways; what was filled in goes to `assumed`."""

    def given(column: str, default: float, name: str) -> float:
        value = number_of(row, column)
        if value is None:
            assumed.append(f"{name} {default:g}")
            return default
        return value

    accelerators = count_of(row, "n_gpus")
    if accelerators is None:
        raise UnreadableError("n_gpus: not given")
    plan = layout(row, settings, accelerators, given, assumed)
    sharded, group = sharding(row, settings["sharding"])
    sharded = framework.properties.get("shards", {}).get(sharded, sharded)
    if not row["zero_fsdp_stage"]:
        assumed.append(f"sharding {sharded}")
    in_parts = sequence_parallel(row["seq_parallel"])
    if in_parts is None and plan["tensor"] > 1:
        in_parts = True
        assumed.append("sequence parallel")
    record: dict[str, Any] = plan | {
        "accelerators": accelerators,
        "sharding": SHARDINGS.index(sharded),
        "sequence_parallel": bool(in_parts),
    }
    if group is not None:
        record["shard_group"] = group or chip.si("scale_up.domain")
    record |= {name: settings[name] for name in PASSED if name in settings}
    if settings.get("expert_tensor") == "tensor":
        record["expert_tensor"] = plan["tensor"]
    return record


def _settle_recompute(
    record: dict[str, Any], row: Mapping[str, str], settings: Mapping[str, Any], accelerator: str, assumed: list[str]
) -> None:
    """Enter what is recomputed: as the row says, or as the framework does, which may be whatever fits."""
    stated = recompute(row["recompute"])
    chosen = stated or settings["recompute"]
    record["recompute"] = 0 if chosen == "fits" else RECOMPUTES.index(chosen)
    if chosen == "fits" and not _fits(record, accelerator):
        record["recompute"] = RECOMPUTES.index("full")
    if stated is None:
        assumed.append(f"recompute {RECOMPUTES[int(record['recompute'])]}")


def _gated(record: Mapping[str, float | bool], parameters: float | None) -> bool:
    """Return whether the parameter count says that an unknown model's feed-forward has a third matrix."""
    if parameters is None:
        return False
    c = configurations([{**record, "ups": 1}, {**record, "ups": 2}])
    two, three = np.abs(model_weights(c, weights(c)) / parameters - 1.0)
    return bool(three < MATCHES and two > DIFFERS)


def _fits(record: Mapping[str, float | bool], accelerator: str) -> bool:
    """Return whether a configuration fits into an accelerator's memory."""
    c = configurations([record])
    return bool(footprint(c, weights(c)).total[0] <= usable_bytes([accelerator])[0])
