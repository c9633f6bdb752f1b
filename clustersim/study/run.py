"""One scenario from its file to the result: all rooms in order, and the loops between them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd

from clustersim.economics import estimate_cost
from clustersim.economics.facts import facts_tree
from clustersim.plant import PlantResponse
from clustersim.scenario import AnyScenario, LoadScenario, resolved, run_id
from clustersim.study.assumed import assumed_figures
from clustersim.study.course import course_table
from clustersim.study.energy_hours import run_hours
from clustersim.study.expected import expected_table
from clustersim.study.findings import Findings
from clustersim.study.fleet_load import fleet_warnings
from clustersim.study.generation import generation, generation_warnings
from clustersim.study.grid.outcomes import event_rows, grid_keys, grid_responses
from clustersim.study.grid.windows import grid_windows, with_grid_node
from clustersim.study.judging import respond
from clustersim.study.measured.run import run_measured
from clustersim.study.operation_keys import accounts_table, causes_table
from clustersim.study.part_names import LIMITS_AND_COST, PLANT
from clustersim.study.result import Result
from clustersim.study.run_parts import (
    Clock,
    bill_table,
    cash_flow_table,
    cost_facts,
    cost_table,
    input_digests,
    plant_warnings,
)
from clustersim.study.run_tables import close_up_table, event_table, plan_table, step_table
from clustersim.study.several_sites.alone import alone_warnings
from clustersim.study.site.cooling_course import cooling_course
from clustersim.study.site.summary import raised_by_damping
from clustersim.study.step import StepStudy
from clustersim.study.summary import summarise
from clustersim.study.trained_job import train_job
from clustersim.study.wear import damping_warnings, refused_warnings

Progress = Callable[[str], None]


def run(scenario: AnyScenario, progress: Progress = lambda _: None) -> Result:
    """Run a scenario through every room.

    Parameters
    ----------
    scenario : Scenario or LoadScenario
        What to run; one with a measured load goes through the rooms from the supplies to the meter.
    progress : callable, optional
        Told the name of each part as it begins.

    Raises
    ------
    InputError
        If the scenario asks for something that is not there or does not fit.
    """
    if isinstance(scenario, LoadScenario):
        return run_measured(scenario, progress)
    timed = Clock(progress)
    done = train_job(scenario, timed)
    study, pool, timeline = done.study, done.pool, done.timeline
    surroundings, closed = done.surroundings, done.closed
    windows = (done.steady, *done.events())
    of_grid = grid_windows(surroundings, closed)
    if of_grid:
        windows = tuple(with_grid_node(power) for power in windows)
    timed(PLANT)
    responses = (*respond(study, windows), *grid_responses(surroundings, closed, of_grid))
    windows += of_grid
    timed(LIMITS_AND_COST)
    findings = done.findings(windows, responses)
    facts = cost_facts(findings, findings.tokens_per_s, timeline.goodput)
    cost = estimate_cost(scenario.economics, facts)
    summary, reasons = summarise(findings, cost, partial(grid_keys, closed, surroundings), done.fleet, done.alone)
    of_others = () if done.fleet is None else fleet_warnings(done.fleet)
    of_others += () if done.alone is None else alone_warnings(done.alone)
    timed("done")
    return Result(
        run_id=run_id(scenario),
        name=scenario.name,
        scenario=resolved(scenario),
        summary=summary,
        reasons=reasons,
        step=step_table(study, pool),
        timeline=timeline.table,
        events=event_table(timeline, event_rows(closed)),
        waveforms={power.window: power.waveform for power in windows},
        close_up=close_up_table(study, pool),
        responses=responses,
        verdict=findings.verdict.table,
        cost=cost_table(findings, cost),
        cost_facts=facts_tree(facts),
        bill=bill_table(study.place),
        plans=plan_table(study),
        assumed=assumed_figures(study),
        modes=findings.modes.table,
        accounts=accounts_table(timeline),
        causes=causes_table(timeline),
        fleet=pd.DataFrame() if done.fleet is None else done.fleet.table,
        cash_flow=cash_flow_table(findings, cost),
        energy_hours=run_hours(findings, cost.table),
        course=course_table(findings),
        cooling_course=cooling_course(findings),
        expected=expected_table(scenario.expect, summary, reasons, findings.horizon_s),
        warnings=tuple(dict.fromkeys((*_warnings(study, findings, responses, summary), *closed.warnings, *of_others))),
        inputs=input_digests(scenario),
        wall_s=timed.wall_s,
    )


def _warnings(
    study: StepStudy, findings: Findings, responses: tuple[PlantResponse, ...], summary: dict[str, Any]
) -> tuple[str, ...]:
    said = list(study.warnings) + list(findings.warnings) + list(findings.timeline.findings)
    said += generation_warnings(findings, generation(findings))
    said += damping_warnings(findings) + refused_warnings(findings)
    worse = raised_by_damping(summary, study.scenario.damping)
    if worse is not None:
        said.append(worse)
    said += plant_warnings(responses)
    return tuple(dict.fromkeys(said))
