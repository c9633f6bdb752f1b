"""Predicted beside measured for a table of training steps, with error statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from clustersim import catalog
from clustersim.study.tables.throughput_table import Case, Refusal, ThroughputTable
from clustersim.training.closed_form import PARTS, StepEstimate, estimate_steps
from clustersim.workload.configuration import Numbers, configurations
from clustersim.workload.footprint import footprint, usable_bytes
from clustersim.workload.hardware import COMMON, CONSTANTS, Hardware, generation_of, hardware_of
from clustersim.workload.weights import model_flops, weights

LARGE = 256
"""From so many accelerators a run counts as large."""


@dataclass(frozen=True)
class Statistics:
    """Errors of the iteration time over a group of rows; percent."""

    rows: int
    """Rows of the group that can be scored."""
    modelled: int
    mape_percent: float | None
    median_percent: float | None
    p90_percent: float | None
    bias_percent: float | None
    rank_correlation: float | None
    """Spearman's, of predicted and measured tokens/s per accelerator. [-]"""


@dataclass(frozen=True)
class Constants:
    """How many fitted constants act on the rows of a table."""

    constants: int
    generation: int
    """Of accelerator generations."""
    generations: int
    stack: int
    """Of software stacks."""
    stacks: int
    common: int
    """The same for every generation and stack."""
    fit_rows: int
    """Rows of the table that are marked `fit`."""


@dataclass(frozen=True)
class Validation:
    """A table predicted row by row."""

    rows: pd.DataFrame
    """One line per modelled row: row_id, use, source, family, accelerator, accelerators, predicted, measured [s],
    error_percent, metric, assumed, memory_gb of the fullest rank, whether it fits, and the parts of the predicted
    time [s]."""
    refused: tuple[Refusal, ...]
    overall: Statistics
    groups: dict[str, dict[str, Statistics]]
    """By use, size, accelerator, family and source."""
    baseline: dict[str, float]
    """Mean error of the naive baseline by use; percent."""
    with_baseline: dict[str, float]
    """Mean error of the model by use, each row that is not modelled at the baseline's error; percent."""
    constants: Constants
    ablation: dict[str, Statistics]
    """Errors without each mechanism, on the `test` rows where there are any."""


def case_hardware(cases: Sequence[Case]) -> Hardware:
    """Return the hardware of the cases from the catalog."""
    return hardware_of(
        [case.accelerator for case in cases],
        [case.precision for case in cases],
        [case.stack for case in cases],
        [case.nic for case in cases],
    )


def predict(cases: Sequence[Case]) -> StepEstimate:
    """Return the predicted iteration times of the cases."""
    return estimate_steps(configurations([case.record for case in cases]), case_hardware(cases))


def statistics(
    predicted: Numbers, measured: Numbers, rows: int | None = None, speed: tuple[Numbers, Numbers] | None = None
) -> Statistics:
    """Return the error statistics of predicted beside measured times."""
    total = predicted.size if rows is None else rows
    if not predicted.size:
        return Statistics(total, 0, None, None, None, None, None)
    error = 100.0 * (predicted / measured - 1.0)
    size = np.abs(error)
    order = None
    if speed is not None and predicted.size > 2 and np.ptp(speed[0]) > 0 and np.ptp(speed[1]) > 0:
        # Spearman's: ranks by pandas, as scipy.stats takes a third of this verb's time to import
        first, second = (pd.Series(one).rank() for one in speed)
        order = float(first.corr(second))
    return Statistics(
        rows=total,
        modelled=int(predicted.size),
        mape_percent=float(size.mean()),
        median_percent=float(np.median(size)),
        p90_percent=float(np.percentile(size, 90)),
        bias_percent=float(error.mean()),
        rank_correlation=order,
    )


def statistics_by(
    frame: pd.DataFrame, rows: Mapping[str, Mapping[str, int]], of: Callable[[pd.DataFrame, int], Statistics]
) -> dict[str, dict[str, Statistics]]:
    """Return the errors of the groups that each of several columns makes.

    Parameters
    ----------
    frame : pandas.DataFrame
        Modelled rows of a table, one per line.
    rows : mapping of str to mapping of str to int
        By column and name of the group: rows of the table, modelled or not.
    of : callable
        Errors of some lines of `frame`, and of so many rows.
    """
    return {
        by: {name: of(frame[frame[by] == name], count) for name, count in sorted(counts.items())}
        for by, counts in rows.items()
    }


def family(case: Case) -> str:
    """Return the kind of model a case trains."""
    if not case.record.get("experts"):
        return "dense"
    return "mixture, latent attention" if case.record.get("latent") else "mixture"


def naive_errors(cases: Sequence[Case]) -> Numbers:
    """Return the relative errors of the naive baseline: one speed per accelerator and precision, and the bubble.

    The speed is the median of the rows that may be fitted on (of all rows, where none is marked `fit`).
    """
    c = configurations([case.record for case in cases])
    tokens = c.sequences * c.sequence
    bubble = 1.0 + (c.pipeline - 1.0) / (c.micro_batches * c.virtual)
    ideal = model_flops(c, weights(c)) * tokens / c.accelerators * bubble
    measured = np.array([case.measured_s for case in cases])
    rate = pd.Series(np.log(measured / ideal))
    key = pd.Series([f"{case.accelerator} {case.precision[:3]}" for case in cases])
    fit = np.array([case.use == "fit" for case in cases])
    base = fit if fit.any() else np.ones_like(fit)
    typical = rate[base].groupby(key[base]).median()
    seconds = ideal * np.exp(key.map(typical).fillna(rate[base].median()).to_numpy())
    return np.asarray(seconds / measured - 1.0)


def _constants_of(cases: Sequence[Case]) -> Constants:
    """Return how many fitted constants act on the cases."""
    low = {generation_of(case.accelerator).name for case in cases if case.record["precision"]}
    generations = {generation_of(case.accelerator).name for case in cases}
    stacks = {case.stack for case in cases} - {None}
    own = len(generations) * (len(CONSTANTS) - 1) + len(low)
    changed = sum(len(catalog.entry("stacks", str(name)).figures) for name in stacks)
    fit_rows = sum(case.use == "fit" for case in cases)
    return Constants(own + changed + len(COMMON), own, len(generations), changed, len(stacks), len(COMMON), fit_rows)


def validate(table: ThroughputTable) -> Validation:
    """Return the table predicted row by row, with statistics overall and by group."""
    from clustersim.study.tables.ablation import ablation

    cases = table.cases
    estimate = predict(cases) if cases else None
    frame = _frame(cases, estimate)
    naive = np.abs(naive_errors(cases)) if cases else np.zeros(0)
    uses = frame["use"].to_numpy() if cases else np.zeros(0, dtype=object)
    left = Counter(refusal.use for refusal in table.refused)
    groups = {
        "use": _grouped(frame, "use", left),
        "size": _grouped(frame, "size", {}),
        "accelerator": _grouped(frame, "accelerator", {}),
        "family": _grouped(frame, "family", {}),
        "source": _grouped(frame, "source", {}),
    }
    baseline = {str(use): float(100.0 * naive[uses == use].mean()) for use in sorted(set(uses))}
    with_baseline = {}
    for use, error in baseline.items():
        group, missing = groups["use"][use], left.get(use, 0)
        modelled = group.mape_percent or 0.0
        with_baseline[use] = (modelled * group.modelled + error * missing) / (group.modelled + missing)
    scored = [case for case in cases if case.use == "test"] or list(cases)
    return Validation(
        rows=frame,
        refused=table.refused,
        overall=_statistics_of(frame, len(cases) + len(table.refused)),
        groups=groups,
        baseline=baseline,
        with_baseline=with_baseline,
        constants=_constants_of(cases),
        ablation=ablation(scored) if scored else {},
    )


def _frame(cases: Sequence[Case], estimate: StepEstimate | None) -> pd.DataFrame:
    if estimate is None:
        return pd.DataFrame(
            columns=["row_id", "use", "source", "family", "accelerator", "size", "predicted", "measured"]
        )
    measured = np.array([case.measured_s for case in cases])
    predicted = estimate.iteration_time_s
    c = configurations([case.record for case in cases])
    per_second = c.sequences * c.sequence / c.accelerators
    frame = pd.DataFrame(
        {
            "row_id": [case.row_id for case in cases],
            "use": [case.use for case in cases],
            "source": [case.source for case in cases],
            "model": [case.model for case in cases],
            "framework": [case.framework for case in cases],
            "family": [family(case) for case in cases],
            "accelerator": [case.accelerator for case in cases],
            "accelerators": c.accelerators.astype(np.int64),
            "size": [_size(case) for case in cases],
            "predicted": predicted,
            "measured": measured,
            "error_percent": 100.0 * (predicted / measured - 1.0),
            "metric": [case.metric for case in cases],
            "assumed": ["; ".join(case.assumed) for case in cases],
            "predicted_tokens_per_s": per_second / predicted,
            "measured_tokens_per_s": per_second / measured,
        }
    )
    held = footprint(c, weights(c)).total
    usable = usable_bytes([case.accelerator for case in cases])
    frame = frame.assign(memory_gb=held / 1e9, fits=held <= usable)
    return frame.assign(**{f"{name}_s": estimate.parts[name] for name in PARTS})


def _size(case: Case) -> str:
    large = float(case.record["accelerators"]) >= LARGE
    use = f"{case.use}, " if case.use else ""
    return f"{use}{LARGE} accelerators and more" if large else f"{use}fewer than {LARGE} accelerators"


def _statistics_of(frame: pd.DataFrame, rows: int) -> Statistics:
    speed = (
        (frame["predicted_tokens_per_s"].to_numpy(), frame["measured_tokens_per_s"].to_numpy()) if len(frame) else None
    )
    return statistics(frame["predicted"].to_numpy(float), frame["measured"].to_numpy(float), rows, speed)


def _grouped(frame: pd.DataFrame, column: str, refused: Mapping[str, int]) -> dict[str, Statistics]:
    names: Iterable[str] = sorted({*frame[column], *refused})
    return {
        name: _statistics_of(part := frame[frame[column] == name], len(part) + refused.get(name, 0)) for name in names
    }
