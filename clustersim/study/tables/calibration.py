"""The fitted constants of generations and stacks from a table of measured steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
import yaml

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.study.tables.throughput_table import Case
from clustersim.training.closed_form import estimate_steps
from clustersim.workload.configuration import Numbers, configurations
from clustersim.workload.hardware import CONSTANTS, bare_hardware, calibrated, generation_of

LEAST_ROWS = 8
"""A stack with fewer rows keeps the constants that it has."""

PRIOR = 0.1
"""Weight of the shipped value: one range away costs as much as one row off by this share."""

CROWD = 20
"""From so many rows on, the rows of one source on one generation count less each: ``(n / 20)^-0.35``, so that one
sweep of hundreds of layouts does not decide alone."""

GUESSED = 0.3
"""Weight of a row whose shape or batch is assumed."""

SCALE = 0.1
"""Error beyond which a row counts as an outlier (soft L1)."""


@dataclass(frozen=True)
class Constant:
    """One constant that is fitted."""

    kind: str
    """Of the catalog."""
    entry: str
    name: str
    value: float
    low: float
    high: float
    rows: int
    """Rows that it was fitted on."""


@dataclass(frozen=True)
class Calibration:
    """Fitted constants."""

    constants: tuple[Constant, ...]
    rows: int
    """Rows that they were fitted on."""


def fit(cases: Sequence[Case], tell: Callable[[str], None] = lambda _: None) -> Calibration:
    """Return the constants that fit the cases marked `fit` (all, if none is marked) best.

    Least squares of the logarithm of predicted over measured time, soft beyond 10 %, inside the plausible range that
    the catalog gives each constant, with a weak pull to the shipped value.

    Raises
    ------
    InputError
        If there is no case to fit on.
    """
    chosen = [case for case in cases if case.use == "fit"] or list(cases)
    if not chosen:
        raise InputError("--fit: expected at least one row that can be modelled, found none")
    c = configurations([case.record for case in chosen])
    bare = bare_hardware(
        [case.accelerator for case in chosen], [case.precision for case in chosen], [case.nic for case in chosen]
    )
    measured = np.array([case.measured_s for case in chosen])
    generation = np.array([generation_of(case.accelerator).name for case in chosen], dtype=object)
    stack = np.array([case.stack or "" for case in chosen], dtype=object)
    free = _free(chosen, generation, stack)
    start, low, high = (np.array([getattr(item, name) for item in free]) for name in ("value", "low", "high"))
    masks = [(generation if item.kind == "calibration" else stack) == item.entry for item in free]
    held = _held(chosen, generation, stack, free)
    weight = _crowd([f"{case.row_id.split('-')[0]} {g}" for case, g in zip(chosen, generation, strict=True)])
    weight = weight * np.array([GUESSED if _guessed(case) else 1.0 for case in chosen])

    def residuals(x: Numbers) -> Numbers:
        constants = {name: held[name].copy() for name in CONSTANTS}
        for item, mask, value in zip(free, masks, x, strict=True):
            constants[item.name][mask] *= value
        seconds = estimate_steps(c, calibrated(bare, constants)).iteration_time_s
        return np.concatenate([np.log(seconds / measured) * weight, PRIOR * (x - start) / (high - low)])

    tell(f"fit of {len(free)} constants on {len(chosen)} rows")
    found = scipy.optimize.least_squares(
        residuals, np.clip(start, low, high), bounds=(low, high), loss="soft_l1", f_scale=SCALE
    )
    fitted = tuple(
        Constant(item.kind, item.entry, item.name, float(value), item.low, item.high, int(mask.sum()))
        for item, mask, value in zip(free, masks, found.x, strict=True)
    )
    return Calibration(fitted, len(chosen))


def _free(chosen: Sequence[Case], generation: Any, stack: Any) -> list[Constant]:
    """Return the constants that the cases can tell something about."""
    found = []
    low = np.array([case.record["precision"] > 0 for case in chosen])
    for name in sorted(set(generation)):
        entry = catalog.entry("calibration", name)
        for key in CONSTANTS:
            rows = int(((generation == name) & (low if key == "matrix.low_precision" else True)).sum())
            if rows:
                figure = entry.figure(key)
                found.append(Constant("calibration", name, key, figure.value, figure.low, figure.high, rows))
    for name in sorted(set(stack) - {""}):
        rows = int((stack == name).sum())
        if rows >= LEAST_ROWS:
            for key, figure in catalog.entry("stacks", name).figures.items():
                found.append(Constant("stacks", name, key, figure.value, figure.low, figure.high, rows))
    return found


def _held(chosen: Sequence[Case], generation: Any, stack: Any, free: Sequence[Constant]) -> dict[str, Numbers]:
    """Return what the constants are without the free ones: those of generations and stacks that are not fitted."""
    fitted = {(item.kind, item.entry, item.name) for item in free}
    held = {}
    for key in CONSTANTS:
        values = np.ones(len(chosen))
        for kind, names in (("calibration", generation), ("stacks", stack)):
            for name in set(names) - {""}:
                entry = catalog.entry(kind, name)
                if entry.has(key) and (kind, name, key) not in fitted:
                    values[names == name] *= entry.si(key)
        held[key] = values
    return held


def _guessed(case: Case) -> bool:
    return any(text.startswith(("shape", "batch", "sequence")) for text in case.assumed)


def _crowd(keys: Sequence[str]) -> Numbers:
    _, which, count = np.unique(np.array(keys), return_inverse=True, return_counts=True)
    return np.asarray((np.maximum(count, CROWD) / CROWD)[which] ** -0.35)


def overlay(calibration: Calibration, title: str) -> dict[str, Any]:
    """Return the constants as a catalog overlay: kind, then sources and entries as in the catalog's files."""
    data: dict[str, Any] = {}
    for item in calibration.constants:
        kind = data.setdefault(item.kind, {"sources": {"FIT": {"title": title}}, "entries": {}})
        figures = kind["entries"].setdefault(item.entry, {"figures": {}})["figures"]
        figures[item.name] = _figure(item)
    return data


def overlay_text(calibration: Calibration, title: str) -> str:
    """Return the constants as the text of a catalog overlay file."""
    head = f"# {len(calibration.constants)} constants fitted on {calibration.rows} rows by clustersim validate --fit.\n"
    return head + yaml.safe_dump(overlay(calibration, title), sort_keys=False, width=120)


def _figure(item: Constant) -> Mapping[str, Any]:
    micro = item.name == "launch" and item.kind == "calibration"

    def text(value: float) -> Any:
        return f"{value * 1e6:.4g} us" if micro else float(f"{value:.4g}")

    low, high = min(item.low, item.value), max(item.high, item.value)
    return {
        "value": text(item.value),
        "low": text(low),
        "high": text(high),
        "source": "FIT",
        "confidence": "measured",
        "note": f"fitted on {item.rows} rows",
    }
