"""The work of one point: from its tree to a flat row of scalars, in whatever process it happens to be."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from clustersim.errors import InputError
from clustersim.scenario import AnyScenario, LoadScenario, Scenario, scenario_of_tree
from clustersim.study.sweep.catalog_axes import overlaid
from clustersim.study.sweep.records import Outcome, Scalar, Task


def evaluate_task(task: Task) -> Outcome:
    """Return the row of a point, or why there is none; nothing that a point causes is raised.

    Running out of memory and Ctrl-C are raised: they are not the point's doing, and the next point would meet them too.
    """
    began = time.perf_counter()
    row: dict[str, Scalar | None] | None = None
    error = task.payload.get("error")
    if error is None:
        try:
            row = evaluated(task.payload)
        except MemoryError:
            raise
        except InputError as wrong:
            error = _line(str(wrong))
        except Exception as fault:
            error = _line(f"{type(fault).__name__}: {fault}")
    return Outcome(task.point_id, task.index, row, error, time.perf_counter() - began)


def evaluated(payload: Mapping[str, Any]) -> dict[str, Scalar | None]:
    """Return the row of a payload: the answers of its level.

    Raises
    ------
    InputError
        If the point's values do not go together.
    """
    with overlaid(payload["figures"]):
        scenario = scenario_of_tree(payload["tree"], payload["name"])
        answers = LEVELS[payload["evaluate"]](scenario)
    return {key: scalar(value, key) for key, value in answers.items()}


def _steady(scenario: AnyScenario) -> Mapping[str, Any]:
    from clustersim.study.steady import steady_answer

    return steady_answer(scenario).summary


def _run(scenario: AnyScenario) -> Mapping[str, Any]:
    from clustersim.study.run import run

    return run(scenario).summary


def _operate(scenario: AnyScenario) -> Mapping[str, Any]:
    """Return what the job got done over the horizon: goodput and its shares, of one horizon."""
    from clustersim.study.operate import operate

    found = operate(_of_a_job(scenario, "operate"), workers=1)
    figures = {name: band.mean for name, band in found.ensemble.figure_bands().items()}
    rate = figures.pop("interruption_rate", None)
    shares = {f"time_share_{name}": band.mean for name, band in found.ensemble.share_bands().items()}
    mttf_h = None if not rate else 1.0 / rate / 3600.0
    return {"iteration_time_s": found.job.step_time_s, **figures, "mttf_h": mttf_h, **shares}


def _step(scenario: AnyScenario) -> Mapping[str, Any]:
    """Return the training step alone, as `clustersim step` tells it."""
    from clustersim.study.it_power import step_pool
    from clustersim.study.step import study_step
    from clustersim.study.step_answers import step_answers

    study = study_step(_of_a_job(scenario, "step"))
    pool = step_pool(study)
    return {**step_answers(study, pool), "iteration_frequency_hz": 1.0 / pool.iteration_time_s}


def _of_a_job(scenario: AnyScenario, level: str) -> Scenario:
    if isinstance(scenario, LoadScenario):
        raise InputError(f"evaluate: {level}: the load of this scenario is measured, so that there is no job")
    return scenario


LEVELS: Mapping[str, Callable[[AnyScenario], Mapping[str, Any]]] = {
    "step": _step,
    "steady": _steady,
    "run": _run,
    "operate": _operate,
}
"""Level -> answers by key: the training step; with the steady window, limits and cost; all of a run; the operation."""


def scalar(value: Any, key: str) -> Scalar | None:
    """Return a value as a plain scalar; a number that is not finite is None.

    Raises
    ------
    TypeError
        If it is no scalar: a row is flat.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    raise TypeError(f"{key}: expected a scalar, found {type(value).__name__}")


def _line(text: str) -> str:
    """Return a message in one line."""
    return "; ".join(line.strip() for line in text.splitlines() if line.strip()) or "no message"
