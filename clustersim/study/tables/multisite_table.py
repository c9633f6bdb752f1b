"""Published figures of training across sites, each predicted from what its row says; errors by group.

What a row does not say is never guessed: it is refused with what is missing. Figures that are an input of other rows
(a run without exchange, the time of an outer all-reduce) are inputs, not predictions.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from clustersim import catalog
from clustersim.study.tables.csv_tables import has_columns, read_rows
from clustersim.study.tables.row_fields import UnreadableError
from clustersim.study.tables.throughput_table import Refusal
from clustersim.study.tables.validation import Statistics, statistics, statistics_by
from clustersim.training.cross_site import (
    CrossSiteJob,
    PipelineCut,
    Sync,
    bandwidth_for,
    diloco,
    one_batch_job,
    overlapped_outer,
    pipeline_exposed_s,
    streaming_diloco,
    sync_bytes,
    synchronous,
    utilisation,
)

RECOGNISED = ("experiment", "method", "metric", "value", "inner_steps")
"""Columns by which the table is told from others."""

COLUMNS = ("row_id", "source", *RECOGNISED, "params", "step_time_s", "unit", "notes", "use", "model", "sites", "rtt_ms")
"""Columns that are read."""

GROUPS = ("use", "method", "source", "metric")
WITHIN_POINTS = 5.0
"""Points of utilisation within which a row counts as met."""
SCORED_FROM_GBIT_PER_S = 0.5
"""Published bandwidth from which a row is scored by the utilisation at it. [Gbit/s]"""

Row = Mapping[str, str]


@dataclass(frozen=True)
class MultisiteValidation:
    """A table of training across sites, predicted row by row."""

    rows: pd.DataFrame
    """One line per modelled row: row_id, use, source, model, method, metric, unit, predicted, measured (in the unit of
    the row), error_percent, assumed; of rows that are, or stand for, an efficiency: `utilisation` as predicted (at the
    published bandwidth where the row is one), `utilisation_points` off the published one, `grid_points` off what the
    bandwidths from the published one to the next of its grid reach, and `scored_points`, whether that counts. Rows
    below 0.5 Gbit/s do not: they are printed to one or two digits of a coarse grid."""
    refused: tuple[Refusal, ...]
    overall: Statistics
    groups: dict[str, dict[str, Statistics]]
    """By use, method, source and metric."""


def is_multisite(path: Path) -> bool:
    """Return whether a CSV has the columns of a table of training across sites."""
    return has_columns(path, RECOGNISED)


def _figure(name: str) -> float:
    return catalog.entry("networks", "cross_site_training").si(name)


def _needed(row: Row, column: str) -> float:
    """Return a number of the row.

    Raises
    ------
    UnreadableError
        If the cell is blank, or holds no number above 0.
    """
    text = row[column].strip()
    if not text:
        raise UnreadableError(f"{column}: not given")
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise UnreadableError(f"{column}: expected a number above 0, found {text!r}", wrong=True)
    return value


def _simulated(row: Row) -> tuple[CrossSiteJob, Sync, list[str]]:
    """Return job and exchange of a row of the simulated tables, and what it was taken to be."""
    layers = re.match(r"(\d+) layers", row["notes"])
    if layers is None:
        raise UnreadableError("notes: no number of layers")
    count, replicas = int(layers[1]), _figure("replicas")
    job = one_batch_job(_needed(row, "params"), int(replicas), _needed(row, "step_time_s"), count)
    fragments = max(1, round(count / _figure("fragment.layers")))
    period, method = _needed(row, "inner_steps"), row["method"].lower()
    assumed = [f"{replicas:g} replicas"]
    if "data-parallel" in method:
        bits = _figure("gradient.bits")
        return job, synchronous(bits), [*assumed, f"{bits:g}-bit gradients"]
    if "outer-comm" in method:
        bits = _figure("outer.bits.fp4")
        return job, overlapped_outer(period, bits, fragments), [*assumed, f"{bits:g}-bit outer gradients"]
    if "streaming" not in method:
        bits = _figure("outer.bits")
        return job, diloco(period, bits), [*assumed, f"{bits:g}-bit outer gradients"]
    if "overlap" not in method:
        bits = _figure("outer.bits")
        return job, streaming_diloco(period, bits, fragments), [*assumed, f"{bits:g}-bit outer gradients"]
    bits = _figure("outer.bits.fp4" if "fp4" in method else "outer.bits")
    steps = _figure("overlap.steps")
    return job, streaming_diloco(period, bits, fragments, steps), [*assumed, f"{steps:g} step of overlap"]


def _bandwidth(row: Row, _: Sequence[Row]) -> tuple[float, list[str]]:
    """Return the bandwidth at which a simulated job reaches a utilisation [Gbit/s]."""
    job, sync, assumed = _simulated(row)
    return bandwidth_for(job, sync, float(row["metric"].rsplit("_", 1)[1]) / 100.0) * 8e-9, assumed


def _points(row: Row, predicted: float, measured: float) -> dict[str, float | bool]:
    """Return the utilisation that a row stands for as predicted, how many points that is off, and whether it counts."""
    if row["metric"].startswith("bandwidth_for_CU"):
        job, sync, _ = _simulated(row)
        bandwidth = measured * 0.125e9
        share, next_share = (float(utilisation(job, sync, bandwidth * up)) for up in (1.0, _figure("grid.step")))
        level = float(row["metric"].rsplit("_", 1)[1]) / 100.0
        return _scored(share, next_share, level, counts=measured >= SCORED_FROM_GBIT_PER_S)
    if row["unit"].startswith("fraction"):
        return _scored(predicted, predicted, measured, counts=True)
    return _scored(math.nan, math.nan, math.nan, counts=False)


def _scored(share: float, next_share: float, published: float, *, counts: bool) -> dict[str, float | bool]:
    """Return how far `published` is from a share, and from all up to the next."""
    nearest = share if published <= share else next_share if published >= next_share else published
    return {
        "utilisation": share,
        "utilisation_points": 100.0 * (share - published),
        "grid_points": 100.0 * (nearest - published),
        "scored_points": counts,
    }


def _others(row: Row, table: Sequence[Row], metric: str, experiment: str | None = None) -> float:
    """Return the value of `metric` in another row of the same source, and of the same experiment unless given."""
    wanted = row["experiment"] if experiment is None else experiment
    for other in table:
        if (other["source"], other["metric"]) == (row["source"], metric) and other["experiment"].startswith(wanted):
            return _needed(other, "value")
    raise UnreadableError(f"no {metric} of {wanted!r} in the table")


def _outer(row: Row, table: Sequence[Row]) -> tuple[float, list[str]]:
    """Return MFU or utilisation of a run from the time of its outer all-reduce, which stands for the bandwidth."""
    base = row["experiment"].startswith("baseline")
    if row["metric"].startswith("outer_allreduce") or (base and row["metric"] == "mfu"):
        raise UnreadableError("an input of the other rows of this run")
    bits = _figure("outer.bits.int8")
    # two sites or fourteen: the bandwidth is what moves the bytes in the time measured, so that their count cancels
    job = CrossSiteJob(_needed(row, "params"), 2, _needed(row, "step_time_s"), 1, 0.0, 0.0)
    sync = diloco(_needed(row, "inner_steps"), bits, layerwise=False)
    share = 1.0
    if not base:
        seconds = _others(row, table, "outer_allreduce_time_median")
        share = float(utilisation(job, sync, sync_bytes(job, sync) / seconds))
    if row["metric"] == "mfu":
        share *= _others(row, table, "mfu", "baseline")
    return share, ["bandwidth from the outer all-reduce"]


def _slices(row: Row, table: Sequence[Row]) -> tuple[float, list[str]]:
    """Return the MFU on several slices from that on one: ``mfu_1 / (1 + k 2 (M - 1) / M)``, k of the catalog."""
    number = re.match(r"(\d+) slices", row["sites"])
    if number is None:
        raise UnreadableError("sites: no number of slices")
    slices = int(number[1])
    if slices == 1:
        raise UnreadableError("an input: the MFU on one slice of the model's other rows")
    alone = next(
        (
            _needed(other, "value")
            for other in table
            if other["model"] == row["model"] and other["sites"].startswith("1 slice") and other["metric"] == "mfu"
        ),
        None,
    )
    if alone is None:
        raise UnreadableError("no MFU of this model on one slice in the table")
    return alone / (1.0 + _figure("multislice.exposed") * 2.0 * (slices - 1) / slices), ["MFU on one slice"]


def _pipeline(row: Row, _: Sequence[Row]) -> tuple[float, list[str]]:
    """Return the efficiency of a pipeline cut between two sites: ``step / (step + what the crossing adds)``.

    All pipelines share the link; the plan is not published (catalog ``cross_site_pipeline``).
    """
    known = catalog.entry("networks", "cross_site_pipeline")
    pipelines = known.si("gpus") / known.si("replica.gpus")
    cut = PipelineCut(known.si("activation") * pipelines, round(known.si("replica.micro_batches")))
    one_way_s, step_s = _needed(row, "rtt_ms") / 2e3, known.si("step")
    added_s = float(pipeline_exposed_s(cut, step_s, known.si("link"), one_way_s))
    return step_s / (step_s + added_s), ["plan, step and one wavelength"]


def _reduction(*_: object) -> tuple[float, list[str]]:
    """Return how many times less Streaming DiLoCo sends than data parallelism, as its paper sets it up."""
    job = one_batch_job(1e9, int(_figure("replicas")), 1.0, 1)
    period, bits = _figure("period"), _figure("outer.bits.fp4")
    less = sync_bytes(job, streaming_diloco(period, bits, 1)) / period
    return sync_bytes(job, synchronous(_figure("gradient.bits"))) / less, [f"H = {period:g}, {bits:g} bits"]


Model = Callable[[Row, Sequence[Row]], tuple[float, list[str]]]
MODELS: tuple[tuple[str, str, Model], ...] = (
    ("metric", r"bandwidth_for_CU_\d+$", _bandwidth),
    ("source", "INTELLECT-1", _outer),
    ("source", "MaxText multislice", _slices),
    ("metric", "bandwidth_reduction_vs_DP", _reduction),
    ("method", "PP across DCs", _pipeline),
)
"""Column, pattern and model of the rows that can be predicted; the first that matches."""

MISSING: tuple[tuple[str, str], ...] = (
    ("aggregate_int8_exaops", "a count of operations of a whole system, not a figure of traffic between sites"),
    ("wan_bandwidth_used", "no step time, period or number format, from which a rate would follow"),
    ("scaling_efficiency", "no pipeline between sites, and no step time, from which the cost of crossing would follow"),
    ("goodput|throughput_during", "failures and elasticity, which no row describes, set it rather than bandwidth"),
    ("mfu", "no MFU on one pod, batch or bandwidth between pods"),
    ("compute_utilisation", "no step time and no bandwidth"),
)
"""Metrics of rows that no model takes, and what is missing; the first that matches."""


def _predicted(row: Row, table: Sequence[Row]) -> tuple[float, list[str]]:
    for column, pattern, model in MODELS:
        if re.match(pattern, row[column]):
            return model(row, table)
    reason = next((text for pattern, text in MISSING if re.match(pattern, row["metric"])), None)
    raise UnreadableError(reason or f"metric: {row['metric']!r} is not modelled")


def validate_multisite(path: Path) -> MultisiteValidation:
    """Return the table at `path` predicted row by row; rows marked `context` are left out.

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column.
    """
    table = _read(path)
    found, refused = [], []
    for row in table:
        try:
            predicted, assumed = _predicted(row, table)
            measured = _needed(row, "value")
        except UnreadableError as error:
            refused.append(Refusal(row["row_id"], str(error), error.wrong, row["use"]))
            continue
        same = {name: row[name] for name in ("row_id", *GROUPS, "model", "unit")}
        error_percent = 100.0 * (predicted / measured - 1.0)
        said = {"predicted": predicted, "measured": measured, "error_percent": error_percent}
        found.append({**same, **said, **_points(row, predicted, measured), "assumed": "; ".join(assumed)})
    frame = pd.DataFrame(found, columns=["row_id", *GROUPS, "model", "unit", "predicted", "measured", "error_percent",
                                         "utilisation", "utilisation_points", "grid_points", "scored_points",
                                         "assumed"])  # fmt: skip
    left = {by: Counter(row[by] for row in table) for by in GROUPS}
    return MultisiteValidation(
        rows=frame,
        refused=tuple(refused),
        overall=_statistics(frame, len(table)),
        groups=statistics_by(frame, left, _statistics),
    )


def _read(path: Path) -> list[dict[str, str]]:
    rows = read_rows(path, COLUMNS)
    read = [{name: row[name] for name in COLUMNS} for row in rows if row["use"] != "context"]
    # "Source (see another row)" is the source
    return [
        {**row, "source": row["source"].split(" (see ")[0], "method": row["method"] or "not stated"} for row in read
    ]


def points_by(found: MultisiteValidation, by: str) -> list[tuple[str, int, int, int, float]]:
    """Return by a column: rows scored in points, rows within the aim, within it over the grid step, and the worst."""
    scored = found.rows[found.rows["scored_points"].astype(bool)]
    lines = []
    for name, rows in scored.groupby(by, sort=True):
        plain, grid = rows["utilisation_points"].abs(), rows["grid_points"].abs()
        met = [int((points <= WITHIN_POINTS + 1e-9).sum()) for points in (plain, grid)]
        lines.append((str(name), len(rows), met[0], met[1], float(plain.max())))
    return lines


def _statistics(frame: pd.DataFrame, rows: int) -> Statistics:
    predicted, measured = (frame[name].to_numpy(np.float64) for name in ("predicted", "measured"))
    return statistics(predicted, measured, rows, (predicted, measured))
