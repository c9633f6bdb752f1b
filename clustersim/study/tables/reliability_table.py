"""Published figures of reliability, each predicted from what its row says and the catalog; errors by group.

Rows that the catalog was taken from are inputs, not predictions. What a row does not say is not guessed: it is refused
with what is missing, unless it hardly matters, which is then told as assumed. Constants come from `fit` rows alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from clustersim.study.tables import reliability_counts as counts
from clustersim.study.tables import reliability_times as times
from clustersim.study.tables.reliability_counts import Prediction
from clustersim.study.tables.reliability_effective import effective_time
from clustersim.study.tables.reliability_rows import ReliabilityRow, input_of, read_reliability
from clustersim.study.tables.row_fields import UnreadableError
from clustersim.study.tables.throughput_table import Refusal
from clustersim.study.tables.validation import Statistics, statistics, statistics_by

GROUPS = ("use", "kind", "metric", "source")

COLUMNS = (
    "row_id", "use", "kind", "metric", "source", "component", "accelerators", "unit", "predicted", "measured",
    "error_percent", "published", "low", "high", "inside_band", "kept", "entry", "assumed",
)  # fmt: skip

Model = Callable[[ReliabilityRow, Sequence[ReliabilityRow]], Prediction]

MODELS: tuple[tuple[str, str, Model], ...] = (
    (
        "count",
        r"(interruptions|failures|restarts|incidents)_(total|unexpected)$|(hardware|gpu|node)_failures$",
        counts.counted,
    ),
    ("count", r"(hosts?|nodes?)_(cycled|replaced)$|(automatic|total)_restarts$", counts.counted),
    ("count by cause", counts.COUNTS_BY_CAUSE, counts.counted_by_cause),
    ("share", counts.SHARES_BY_CAUSE, counts.share_of_cause),
    ("share", r"(hardware|gpu)_share", counts.share_of_kind),
    ("time between failures", r"(\w+_)?(MTTF|MTBF|MTBI|MTTI)$", counts.time_between),
    ("rate", r"(\w+_)?failure_rate$", counts.rate),
    ("effective time", r"effective_training_time$|ETTR$|goodput$|uptime$", effective_time),
    ("start-up", r"startup_init_time$|restart_time$|recovery_time(_\w+)?$", times.start_up),
    ("start-up", r"nccl_init_time$", times.collectives),
    ("detection", r"detection_(time|and_diagnosis)$", times.detection),
    ("lost work", r"lost_work_per_failure$", times.lost_work),
    ("lost work", r"catch_up_after_recovery$", times.catch_up),
    ("checkpoint", r"checkpoint_size$", times.size),
    ("checkpoint", r"checkpoint_blocking$", times.blocking),
    ("checkpoint", r"checkpoint_(save|load|time|duration)$", times.transfer),
)
"""Kind, pattern of the metric and model; the first that matches."""

MISSING: tuple[tuple[str, str], ...] = (
    (r"interruptions_planned|manual_", "stops that people plan or make, for which no row gives a rate"),
    (r"throughput_variation", "temperature and clocks over a day, not a failure"),
    (
        r"incidents_|share_|failure_share_of_jobs|abnormal_termination|jobs_|runtime_hit|large_job",
        "over all jobs of a fleet, whose sizes and times no row gives",
    ),
    (r"storage_|checkpoint_bw", "what a storage system carries: an input of a scenario"),
    (r"straggler|lemon", "what nodes are like, not how often they fail"),
    (r"downtime|uptime", "single incidents, or a share of time without the size of the job"),
    (r"step_commit_rate", "failures injected for a stress test, at a rate of its own"),
    (r"link_|tor_|daily_failure", "of single links, switches or machines, not of a job"),
    (r"repairs_and|auto_handled|node_failure|sdc_events", "no period over which was counted, or no count"),
    (r"ETTR_formula", "a formula, not a figure"),
    (r"checkpoint_|async_checkpoint", "no model, software or storage from which it would follow"),
)
"""Metrics of rows that no model takes, and what is missing; the first that matches."""


@dataclass(frozen=True)
class Kept:
    """How many rows of a group lie where they should."""

    bands: int
    """Rows that have a band."""
    inside: int
    """Of them, rows whose published value lies in it."""
    bounds: int
    """Rows that publish a bound or range."""
    kept: int
    """Of them, rows whose prediction keeps it."""


@dataclass(frozen=True)
class ReliabilityValidation:
    """A table of reliability, predicted row by row."""

    rows: pd.DataFrame
    """One line per modelled row, :data:`COLUMNS`; predicted, measured and band in the unit of the row. A bound or
    range has no error: it is kept or not."""
    refused: tuple[Refusal, ...]
    overall: Statistics
    groups: dict[str, dict[str, Statistics]]
    """By use, kind, metric and source; errors of rows that publish one number."""
    kept: dict[str, Kept]
    """Bands and bounds, over all rows and by use."""


def validate_reliability(path: Path) -> ReliabilityValidation:
    """Return the table at `path` predicted row by row; rows marked `context` are left out.

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column.
    """
    table = read_reliability(path)
    found: list[dict[str, object]] = []
    refused: list[Refusal] = []
    kinds: dict[str, str] = {}
    for row in table:
        kinds[row.row_id] = next((kind for kind, pattern, _ in MODELS if re.match(pattern, row.metric)), "not modelled")
        try:
            found.append(_line(row, table, kinds[row.row_id]))
        except UnreadableError as error:
            refused.append(Refusal(row.row_id, str(error), error.wrong, row.use))
    frame = pd.DataFrame(found, columns=list(COLUMNS))
    left = {by: Counter(kinds[row.row_id] if by == "kind" else getattr(row, by) for row in table) for by in GROUPS}
    return ReliabilityValidation(
        rows=frame,
        refused=tuple(refused),
        overall=_statistics(frame, len(table)),
        groups=statistics_by(frame, left, _statistics),
        kept={"all": _kept(frame), **{use: _kept(frame[frame["use"] == use]) for use in sorted(left["use"])}},
    )


def _predicted(row: ReliabilityRow, table: Sequence[ReliabilityRow]) -> Prediction:
    known = input_of(row)
    if known is not None:
        raise UnreadableError(f"an input of {known}")
    for kind, pattern, model in MODELS:
        if re.match(pattern, row.metric):
            found = model(row, table)
            in_percent = kind in ("share", "effective time") and re.match("%|percent", row.unit)
            return found.scaled(100.0) if in_percent else found
    reason = next((text for pattern, text in MISSING if re.match(pattern, row.metric)), None)
    raise UnreadableError(reason or f"metric: {row.metric!r} is not modelled")


def _line(row: ReliabilityRow, table: Sequence[ReliabilityRow], kind: str) -> dict[str, object]:
    predicted, published = _predicted(row, table), row.published
    measured = published.middle
    said = ("planned stops are not in it",) if row.metric.endswith("_total") else ()
    if counts.by_cause(row.metric) and published.is_point:
        together = counts.same_group(row, table)
        measured = sum(other.published.middle for other in together)
        also = ", ".join(other.row_id for other in together if other.row_id != row.row_id)
        said = (*said, f"measured with {also}") if also else said
    low, high = predicted.low, predicted.high
    return {
        "row_id": row.row_id, "use": row.use, "kind": kind, "metric": row.metric, "source": row.source,
        "component": row.component, "accelerators": row.n_gpus, "unit": row.unit, "predicted": predicted.value,
        "measured": measured,
        "error_percent": 100.0 * (predicted.value / measured - 1.0) if published.is_point and measured > 0.0 else None,
        "published": row.value, "low": low, "high": high,
        "inside_band": None if low is None or high is None or not published.is_point else low <= measured <= high,
        "kept": None if published.is_point else published.keeps(predicted.value),
        "entry": predicted.entry, "assumed": "; ".join((*predicted.assumed, *said)),
    }  # fmt: skip


def _statistics(frame: pd.DataFrame, rows: int) -> Statistics:
    scored = frame[frame["error_percent"].notna()]
    predicted, measured = (scored[name].to_numpy(np.float64) for name in ("predicted", "measured"))
    return replace(statistics(predicted, measured, rows, (predicted, measured)), modelled=len(frame))


def _kept(frame: pd.DataFrame) -> Kept:
    bands, bounds = frame["inside_band"].dropna(), frame["kept"].dropna()
    return Kept(len(bands), int(bands.sum()), len(bounds), int(bounds.sum()))
