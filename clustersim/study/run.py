"""One scenario from its file to the result: all rooms in order, and the loops between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from clustersim.economics import estimate_cost
from clustersim.limits import judge, rules_of
from clustersim.operation import Timeline
from clustersim.plant import PlantResponse
from clustersim.scenario import AnyScenario, LoadScenario, require_plant, resolved, run_id
from clustersim.study.assumed import assumed_figures
from clustersim.study.baseline import undamped
from clustersim.study.closed_loop import answered
from clustersim.study.event_windows import evaluation_it_w, event_windows
from clustersim.study.expected import expected_table
from clustersim.study.findings import Findings
from clustersim.study.fleet_load import fleet_warnings
from clustersim.study.generation import generation, generation_warnings
from clustersim.study.grid_findings import (
    curve_observations,
    event_rows,
    grid_keys,
    grid_observations,
    grid_responses,
)
from clustersim.study.grid_modes import site_modes, with_modes
from clustersim.study.grid_windows import grid_windows, with_grid_node
from clustersim.study.horizon import histories
from clustersim.study.it_power import Pool, close_up, steady_window, step_pool
from clustersim.study.job_operation import Begun, begun, ended, operate
from clustersim.study.judging import evidence, respond
from clustersim.study.operation_keys import accounts_table, causes_table
from clustersim.study.result import Result
from clustersim.study.run_measured import run_measured
from clustersim.study.run_parts import Clock, bill_table, cost_facts, input_digests, plant_warnings, priced
from clustersim.study.site_lockstep import check_sites, trains_alone
from clustersim.study.site_power import SitePower, provisioned_w, site_power, training_it_w
from clustersim.study.site_summary import raised_by_damping
from clustersim.study.sites_alone import alone_warnings, histories_alone, steady_alone, study_alone, windows_alone
from clustersim.study.slowed_power import SlowedPower
from clustersim.study.step import StepStudy, study_step
from clustersim.study.summary import plan_keys, summarise
from clustersim.study.wear import damping_warnings, refused_warnings
from clustersim.training.search import Candidate, binding
from clustersim.training.sequences import KINDS
from clustersim.workload.footprint import usable_bytes

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
    require_plant(scenario.topology)
    check_sites(scenario)
    timed = Clock(progress)
    timed("training step and plan")
    study = study_step(scenario)
    alone = study_alone(study) if trains_alone(scenario) else None
    pool = step_pool(study) if alone is None else alone.pool
    timed("operation")
    start = begun(study, pool) if alone is None else Begun(alone.study, alone.timeline)
    study, first = start.study, start.first
    timed("power")
    steady = steady_of(study, pool, first) if alone is None else steady_alone(alone)
    around, closed = answered(study, pool, steady, first, partial(operate, study, pool))
    end = ended(start, pool, steady, closed.externals)
    if end is not start:
        study, steady = end.study, site_power(end.study, steady.hall, period_s=pool.iteration_time_s)
    timeline, steady = closed.timeline, moved(steady, closed.timeline)
    events = event_windows(study, pool, timeline, steady) if alone is None else windows_alone(alone, steady)
    windows = (steady, *events)
    of_grid = grid_windows(around, closed)
    if of_grid:
        windows = tuple(with_grid_node(power) for power in windows)
    base = undamped(study, pool)
    timed("plant")
    responses = (*respond(study, windows), *grid_responses(around, closed, of_grid))
    windows += of_grid
    timed("limits and cost")
    slowed, training = SlowedPower(study, pool, steady), training_it_w(steady)
    if alone is None:
        history = histories(study, timeline, training, evaluation_it_w(study, windows), slowed.it_w)
    else:
        history = histories_alone(alone, training, windows, slowed.it_w)
    rules = rules_of(scenario.limits)
    modes = site_modes(study, steady, pool.iteration_time_s)
    seen = with_modes(evidence(study, windows, responses, history), modes)
    found = (*grid_observations(around, closed), *curve_observations(around, rules))
    verdict = judge(rules, replace(seen, observations=(*seen.observations, *found)))
    findings = Findings(
        study=study,
        pool=pool,
        timeline=timeline,
        steady=steady,
        events=windows[1:],
        responses=responses,
        base=base,
        verdict=verdict,
        provisioned=provisioned_w(study),
        history=history,
        modes=modes,
        jobs=1 if alone is None else len(alone.timelines),
    )
    cost = estimate_cost(scenario.economics, cost_facts(findings, findings.tokens_per_s, timeline.goodput))
    summary, reasons = summarise(findings, cost, partial(grid_keys, closed, around), end.fleet, alone)
    of_others = () if end.fleet is None else fleet_warnings(end.fleet)
    of_others += () if alone is None else alone_warnings(alone)
    timed("done")
    return Result(
        run_id=run_id(scenario),
        name=scenario.name,
        scenario=resolved(scenario),
        summary=summary,
        reasons=reasons,
        step=_step_table(study, pool),
        timeline=timeline.table,
        events=_events(timeline, event_rows(closed)),
        waveforms={power.window: power.waveform for power in windows},
        close_up=_close_up(study, pool),
        responses=responses,
        verdict=verdict.table,
        cost=priced(findings, cost),
        bill=bill_table(study.place),
        plans=plan_table(study),
        assumed=assumed_figures(study),
        modes=modes.table,
        accounts=accounts_table(timeline),
        causes=causes_table(timeline),
        fleet=pd.DataFrame() if end.fleet is None else end.fleet.table,
        expected=expected_table(scenario.expect, summary, reasons, findings.horizon_s),
        warnings=tuple(dict.fromkeys((*_warnings(study, findings, responses, summary), *closed.warnings, *of_others))),
        inputs=input_digests(scenario),
        wall_s=timed.wall_s,
    )


def steady_of(study: StepStudy, pool: Pool, timeline: Timeline) -> SitePower:
    """Return the power of the steady window."""
    return site_power(study, steady_window(study, pool, _begin(timeline)), period_s=pool.iteration_time_s)


def _begin(timeline: Timeline) -> float:
    return next((window.t0_s for window in timeline.windows if window.name == "steady"), 0.0)


def moved(steady: SitePower, timeline: Timeline) -> SitePower:
    """Return the steady window at where the timeline has it: its power does not depend on when it is."""
    begin = _begin(timeline)
    if begin == steady.waveform.t0_s:
        return steady
    return replace(steady, hall=replace(steady.hall, t0_s=begin), waveform=replace(steady.waveform, t0_s=begin))


def _step_table(study: StepStudy, pool: Pool) -> pd.DataFrame:
    """Return the operations of the first step for a first and a last unit."""
    trace = pool.traces[0]
    schedule = study.timing.schedule
    units = sorted({0, study.fleet.unit_class.size - 1})
    stages = np.repeat(np.arange(schedule.stages), schedule.per_stage)
    parts = [
        pd.DataFrame(
            {
                "unit": unit,
                "stage": stages,
                "kind": np.array(KINDS)[schedule.kind.ravel()],
                "virtual_stage": schedule.virtual_stage.ravel(),
                "micro_batch": schedule.micro_batch.ravel(),
                "start_s": trace.start_s[unit],
                "end_s": trace.end_s[unit],
            }
        )
        for unit in units
    ]
    for unit in units:
        for stage in range(schedule.stages):
            tail = [
                ("data_exchange", trace.end_s[unit].reshape(schedule.stages, -1)[stage, -1], trace.optimizer_start_s),
                ("optimizer", trace.optimizer_start_s, trace.optimizer_end_s[stage]),
                ("gather", trace.optimizer_end_s[stage], trace.iteration_time_s),
            ]
            parts.append(
                pd.DataFrame(
                    {
                        "unit": unit,
                        "stage": stage,
                        "kind": [t[0] for t in tail],
                        "virtual_stage": -1,
                        "micro_batch": -1,
                        "start_s": [t[1] for t in tail],
                        "end_s": [t[2] for t in tail],
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def _close_up(study: StepStudy, pool: Pool) -> pd.DataFrame:
    found = close_up(study, pool)
    times = np.arange(found["rack"].size) * 1e-3
    return pd.DataFrame({"time_s": times} | {f"{name}_w": found[name] for name in ("rack", "server", "accelerator")})


def _events(timeline: Timeline, of_grid: list[tuple[float, str, str]]) -> pd.DataFrame:
    rows = [(window.event_s, window.name, window.cause) for window in timeline.windows] + of_grid
    table = timeline.table
    failed = table[table["state"] == "detect"]
    rows += [(float(t), "interruption", str(c)) for t, c in zip(failed["t_start_s"], failed["cause"], strict=True)]
    return pd.DataFrame(sorted(rows), columns=["t_s", "kind", "cause"])


def plan_table(study: StepStudy, top: int = 10) -> pd.DataFrame:
    """Return the best plans of the search, or the given one: cut, memory, iteration time, tokens per second."""
    rows = []
    for candidate in study.candidates[:top] or (_given(study),):
        plan = candidate.plan
        rows.append(
            {
                **plan_keys(plan),
                "accelerators": plan.accelerators,
                "tokens_per_step": plan.sequences * study.scenario.job.sequence_length,
                "memory_gb": candidate.memory_bytes / 1e9,
                "iteration_time_s": candidate.iteration_time_s,
                "tokens_per_s": candidate.tokens_per_s,
                "binding": candidate.binding,
            }
        )
    return pd.DataFrame(rows)


def _given(study: StepStudy) -> Candidate:
    """Return the plan that the scenario gives as if a search had found it."""
    trace = study.quiet()
    seconds, memory = trace.iteration_time_s, float(study.program.memory_bytes.max())
    said = binding(trace.breakdown, seconds, memory / float(usable_bytes(study.place.kinds).min()))
    return Candidate(study.plan, study.program, seconds, study.tokens_per_step / seconds, memory, said)


def _warnings(
    study: StepStudy, findings: Findings, responses: tuple[PlantResponse, ...], summary: dict[str, Any]
) -> tuple[str, ...]:
    said = list(study.warnings) + list(findings.warnings) + list(findings.timeline.findings)
    said += generation_warnings(findings, generation(findings))
    said += damping_warnings(findings) + refused_warnings(findings)
    worse = raised_by_damping(summary, [strategy.kind for strategy in study.scenario.damping])
    if worse is not None:
        said.append(worse)
    said += plant_warnings(responses)
    return tuple(dict.fromkeys(said))
