"""Fields of a configuration from one row of a throughput table: the model's dimensions and how the job is cut."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from clustersim import catalog
from clustersim.catalog import Entry

DIMENSIONS = ("layers", "hidden", "heads", "ffn", "vocab")

SHARD_GROUP = re.compile(r"\b(\d+)-GPU groups?\b|shard group (\d+)", re.IGNORECASE)

BLANK = frozenset({"", "-", "?", "na", "n/a", "nan", "none", "null", "unknown", "not stated"})
"""What a blank cell may say."""

LARGEST = 1e15
"""No number of a row is larger."""

STAGES = (
    (r"^(none|no|ddp|dp|0)$", "none"),
    (r"ZeRO-1/2", "optimizer"),
    (r"^FSDP-2|^FSDP ZeRO-2|^ZeRO[-_ ]?2|^2$|SHARD_GRAD_OP", "gradients"),
    (r"FSDP|HSDP|FULL_SHARD|HYBRID_SHARD|ZeRO[-_ ]?3|^3$", "parameters"),
    (r"^ZeRO[-_ ]?1|dist(ributed)?[-_ ]opt|^1$", "optimizer"),
)
"""What data parallelism shards by what the cell says, first match first; a distributed optimizer is stage 1."""

SHAPE = 128.0
"""Ratio of width to depth of a GPT of which only the parameter count is known, and the dimension of its heads."""

Row = dict[str, str]
_Meaning = TypeVar("_Meaning")


class UnreadableError(Exception):
    """A row that cannot be modelled; `wrong` when the row contradicts itself, else something is not given."""

    def __init__(self, reason: str, *, wrong: bool = False) -> None:
        super().__init__(reason)
        self.wrong = wrong


def number_of(row: Mapping[str, str], column: str, *, most: float = LARGEST) -> float | None:
    """Return a positive number up to `most`, or None where the cell is blank."""
    text = row[column]
    if text.lower() in BLANK:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 1.0 / LARGEST <= value <= most:
        expected = "a positive number" if most == LARGEST else f"a number above 0 and up to {most:g}"
        raise UnreadableError(f"{column}: expected {expected}, found {text!r}", wrong=True)
    return value


def count_of(row: Mapping[str, str], column: str) -> float | None:
    """Return a whole number, or None where the cell is blank or 0."""
    value = None if row[column] in ("0", "0.0") else number_of(row, column)
    if value is not None and value != int(value):
        raise UnreadableError(f"{column}: expected a whole number, found {row[column]!r}", wrong=True)
    return value


def family_of(model: str) -> Entry:
    """Return the entry of the catalog kind `families` whose pattern the name of a model matches.

    Raises
    ------
    UnreadableError
        If there is no name.
    """
    if not model:
        raise UnreadableError("model: expected a name, found none", wrong=True)
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
    for name in ("layers", "heads"):
        count_of(row, name)
    experts, top_k = count_of(row, "n_experts") or 0.0, count_of(row, "topk") or 0.0
    if experts and not top_k:
        raise UnreadableError(f"topk: not given, and there are {experts:g} experts")
    if top_k > experts:
        raise UnreadableError(f"topk: {top_k:g} of {experts:g} experts", wrong=True)
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
        "top_k": top_k,
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
    """Return what data parallelism shards, and over how many ranks if not over all (0: those of a domain)."""
    text = row["zero_fsdp_stage"]
    found = SHARD_GROUP.search(text)
    group = float(next(part for part in found.groups() if part)) if found else None
    for pattern, name in STAGES:
        if re.search(pattern, text, re.IGNORECASE):
            return name, (0.0 if "HSDP" in text.upper() and group is None else group)
    if text.lower() in BLANK:
        return default, group
    raise UnreadableError(
        f"zero_fsdp_stage: expected none, ZeRO-1, ZeRO-2, ZeRO-3, FSDP or HSDP in some form, found {text!r}", wrong=True
    )


RECOMPUTE_WORDS = {"uniform": "full", "block": "full", "true": "full", "yes": "full", "false": "none", "no": "none"}
TRUTH_WORDS = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)


def recompute(text: str) -> str | None:
    """Return what a cell says of recomputation: full, selective or none; None where it is blank."""
    for mode in ("selective", "full", "none"):
        if text.lower().startswith(mode):
            return mode
    return _said("recompute", text, RECOMPUTE_WORDS, "none, selective or full")


def sequence_parallel(text: str) -> bool | None:
    """Return what a cell says of sequence parallelism; None where it is blank."""
    return _said("seq_parallel", text, TRUTH_WORDS, "true or false")


def _said(column: str, text: str, known: Mapping[str, _Meaning], expected: str) -> _Meaning | None:
    """Return what a cell's word means, or None where it is blank."""
    words = text.lower()
    if words in BLANK:
        return None
    if words not in known:
        raise UnreadableError(f"{column}: expected {expected}, found {text!r}", wrong=True)
    return known[words]


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
    tensor, context = count_of(row, "tp"), count_of(row, "cp")
    pipeline = given("pp", 1.0, "pipeline")
    each = accelerators / (batch * pipeline)
    spare = max(1.0, 2.0 ** math.ceil(math.log2(each))) if not (tensor or context) else 1.0
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
    layers, virtual = (
        count_of(row, "layers") or 1.0,
        given("vpp", settings.get("virtual", 1.0), "virtual stages") if pipeline > 1 else 1.0,
    )
    if pipeline > layers:
        raise UnreadableError(f"pp: {pipeline:g} stages for {layers:g} layers", wrong=True)
    if pipeline * virtual >= layers + pipeline:
        raise UnreadableError(f"vpp: {pipeline:g} x {virtual:g} virtual stages for {layers:g} layers", wrong=True)
    expert, experts = count_of(row, "ep") or 1.0, count_of(row, "n_experts") or 1.0
    if experts % expert:
        raise UnreadableError(f"ep: expected a divisor of {experts:g} experts, found {expert:g}", wrong=True)
    return {
        "sequence": sequence,
        "tensor": tensor,
        "pipeline": pipeline,
        "virtual": virtual,
        "context": context,
        "expert": expert,
        "micro_batch": micro_batch,
        "micro_batches": micro_batches,
    }
