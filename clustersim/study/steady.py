"""The quick answer: a scenario without the windows around its events, in about a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from clustersim.economics import estimate_cost
from clustersim.limits import MEASURES, Rule, rules_of
from clustersim.scenario import AnyScenario, LoadScenario, Scenario
from clustersim.study.grid.outcomes import grid_keys
from clustersim.study.judging import respond
from clustersim.study.measured.run import answer_load, summarise_load
from clustersim.study.part_names import LIMITS_AND_COST, PLANT
from clustersim.study.run_parts import cost_facts
from clustersim.study.summary import summarise
from clustersim.study.trained_job import train_job

NEEDS_EVENTS = "needs the event windows: evaluate: run"
BROKEN = "broken in the steady window, by as much or more around events"
KEYS_OF_EVENTS = (
    "max_ramp_up_mw_per_s",
    "max_ramp_down_mw_per_s",
    "undamped_max_ramp_up_mw_per_s",
    "undamped_max_ramp_down_mw_per_s",
    "min_frequency_hz",
    "max_frequency_hz",
    "max_rocof_hz_per_s",
    "initial_rocof_hz_per_s",
    "max_voltage_dip_pu",
    "island_min_frequency_hz",
    "island_max_frequency_hz",
    "island_max_rocof_hz_per_s",
    "island_initial_rocof_hz_per_s",
    "rules_failed",
    "rules_not_judged",
)
"""Keys of the summary that are of all windows of a run."""
OF_RECORD = ("band_energy", "band_amplitude", "band_range")
"""Measures that only a steady record has."""
OF_FLICKER = ("flicker", "flicker_long")
"""Measures of a record longer than the windows around events."""
OF_STEADY_STATE = ("cooling", "island_generation", "ageing", "interrupting")
"""Ratings that are of the steady window or of no window."""
EVALUATION = ("evaluation",)


@dataclass(frozen=True)
class Steady:
    """What a scenario comes to without the windows around its events."""

    summary: dict[str, Any]
    """The keys of a run in their order; what a key says is what the run says, None where that takes events."""
    reasons: dict[str, str]
    """Why a key is None."""
    verdict: pd.DataFrame
    """Rules as :class:`~clustersim.limits.Verdict` has them; those that look at events are not judged, unless the
    steady window breaks them: then the run breaks them too, by as much or more."""


def steady_answer(scenario: AnyScenario, progress: Callable[[str], None] = lambda _: None) -> Steady:
    """Return what a run says of the step, the days and the steady window, without making the windows around events.

    The step with its plan, the days of operation, 600 s at 10 ms, the answer of plant and cooling to them, energy and
    cost are those of :func:`clustersim.study.run.run`, to the last digit. Events of the grid that the scenario asks for
    are answered as in a run, since the job's days follow from them.

    Parameters
    ----------
    scenario : Scenario or LoadScenario
        What to look at; a measured load has no other window, so all of its keys are there.
    progress : callable, optional
        Told the name of each part as it begins.

    Raises
    ------
    InputError
        If the scenario asks for something that is not there or does not fit.
    """
    if isinstance(scenario, LoadScenario):
        load, cost = answer_load(scenario, progress)
        return Steady(*summarise_load(load, cost), load.verdict.table)
    done = train_job(scenario, progress)
    progress(PLANT)
    responses = respond(done.study, (done.steady,))
    progress(LIMITS_AND_COST)
    # the energy of evaluations is that of their window
    asked = scenario.operation.evaluation is not None
    evaluation = (done.steady, *done.events(EVALUATION)) if asked else None
    found = done.findings((done.steady,), responses, evaluation)
    cost = estimate_cost(scenario.economics, cost_facts(found, found.tokens_per_s, done.timeline.goodput))
    summary, reasons = summarise(
        found, cost, partial(grid_keys, done.closed, done.surroundings), done.fleet, done.alone
    )
    for key in KEYS_OF_EVENTS:
        if summary.get(key) is not None:
            summary[key], reasons[key] = None, NEEDS_EVENTS
    return Steady(summary, reasons, _open(found.verdict.table, scenario))


def _open(verdict: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """Return the verdict of the steady window with what the windows around events may still break as not judged."""
    rules = {rule.id: rule for rule in rules_of(scenario.limits)}
    longer = scenario.operation.restart_spacing is not None or bool(scenario.plant.events)
    rows = verdict.to_dict("records")
    for row in rows:
        if row["passed"] is None or _complete(rules[row["rule"]], row["node"], longer):
            continue
        if row["passed"]:
            row |= {"measured": np.nan, "margin": np.nan, "passed": None, "window": ""}
            row["reason"] = f"not judged: {NEEDS_EVENTS}"
        else:
            row["reason"] = "; ".join(part for part in (row["reason"], BROKEN) if part)
    return pd.DataFrame(rows, columns=verdict.columns).astype(verdict.dtypes)


def _complete(rule: Rule, node: str, longer: bool) -> bool:
    """Whether the steady window tells all that a rule looks at; `longer`: other windows may be as long as it."""
    if rule.measure == "rating":
        return node.rpartition(": ")[2] in OF_STEADY_STATE
    if MEASURES[rule.measure].observed or rule.measure in OF_RECORD:
        return True
    if rule.measure in OF_FLICKER:
        return not longer
    return rule.allowed_per_hour is not None
