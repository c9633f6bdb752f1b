"""A scenario whose load is measured, from its file to the result: no job, no step, no operation over days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd

from clustersim.economics import CostTable, estimate_cost
from clustersim.economics.facts import facts_tree
from clustersim.limits import judge, rules_of
from clustersim.operation.records import TIMELINE_COLUMNS
from clustersim.plant import PlantResponse
from clustersim.scenario import LoadScenario, resolved, run_id
from clustersim.study.assumed import assumed_at_site
from clustersim.study.course import course_table
from clustersim.study.energy_hours import run_hours
from clustersim.study.expected import expected_table
from clustersim.study.fleet_load import FLEET_KEYS
from clustersim.study.generation import generation, generation_keys, generation_warnings
from clustersim.study.grid.modes import mode_keys, site_modes, with_modes
from clustersim.study.grid.outcomes import KEYS as GRID_KEYS
from clustersim.study.judging import evidence, respond
from clustersim.study.measured.study import LoadFindings, LoadStudy, load_history, load_power, study_load
from clustersim.study.operation_keys import ACCOUNT_COLUMNS, CAUSE_COLUMNS, TIME_SHARES
from clustersim.study.part_names import LIMITS_AND_COST, PLANT, POWER
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
from clustersim.study.several_sites.alone import OF_SITES
from clustersim.study.site.cooling_course import cooling_course
from clustersim.study.site.power import provisioned_w
from clustersim.study.site.summary import (
    cooling_keys,
    energy_keys,
    finished,
    outcome_keys,
    plant_response_keys,
    power_keys,
    raised_by_damping,
    undamped_keys,
)
from clustersim.study.site.tree import SitePower
from clustersim.study.wear import damping_keys, damping_warnings
from clustersim.units import DAY_S

NO_JOB = "the load is measured: no job is simulated"
OF_STEP = (
    "accelerators_used", "tensor", "context", "pipeline", "virtual_stages", "schedule", "expert", "data", "sharding",
    "micro_batches", "recompute", "expert_overlap", "plans_compared", "tokens_per_step", "iteration_time_s",
    "iteration_time_cv", "iteration_frequency_hz", "mfu", "hfu", "tokens_per_s", "tokens_per_s_per_gpu",
    "memory_per_gpu_gb", "compute_fraction", "bubble_fraction", "exposed_comm_fraction", "wan_fraction",
    "steps_to_budget", "days_to_budget",
)  # fmt: skip
OF_OPERATION = ("goodput", "interruptions", "mttf_h", *TIME_SHARES, *FLEET_KEYS, *OF_SITES, *GRID_KEYS)
OF_DEVICES = (
    "it_computing_mw", "it_bubble_mw", "it_excess_peak_mw", "it_mean_low_mw", "it_mean_high_mw", "it_peak_low_mw",
    "it_peak_high_mw", "it_trough_low_mw", "it_trough_high_mw", "it_swing_low_mw", "it_swing_high_mw", "it_band_of",
)  # fmt: skip
OF_WORK = (
    "throughput_loss", "unserved_share", "start_lost_time_s", "second_job_compute_share", "second_job_tokens_per_s",
    "usd_per_million_tokens",
)  # fmt: skip
"""Keys of a job's summary without a value here, by what they tell of."""
EMPTY = {
    "step": ("unit", "stage", "kind", "virtual_stage", "micro_batch", "start_s", "end_s"),
    "timeline": TIMELINE_COLUMNS,
    "accounts": ACCOUNT_COLUMNS,
    "causes": CAUSE_COLUMNS,
    "close_up": ("time_s", "rack_w", "server_w", "accelerator_w"),
    "plans": ("tensor", "pipeline", "data", "iteration_time_s", "tokens_per_s"),
}
"""Columns of the tables of a result that have no rows here."""


def run_measured(scenario: LoadScenario, progress: Callable[[str], None] = lambda _: None) -> Result:
    """Run a scenario whose load is measured: IT power of one site, its tree, plant, rules, energy and cost.

    Parameters
    ----------
    scenario : LoadScenario
        What to run.
    progress : callable, optional
        Told the name of each part as it begins.

    Raises
    ------
    InputError
        If the place has no plant, or the scenario asks for something that is not there.
    """
    timed = Clock(progress)
    findings, cost = answer_load(scenario, timed)
    study, steady = findings.study, findings.steady
    summary, reasons = summarise_load(findings, cost)
    timed("done")
    empty = {name: pd.DataFrame(columns=list(columns)) for name, columns in EMPTY.items()}
    return Result(
        run_id=run_id(scenario),
        name=scenario.name,
        scenario=resolved(scenario),
        summary=summary,
        reasons=reasons,
        step=empty["step"],
        timeline=empty["timeline"],
        events=pd.DataFrame([(0.0, steady.window, steady.hall.cause)], columns=["t_s", "kind", "cause"]),
        waveforms={steady.window: steady.waveform},
        close_up=empty["close_up"],
        responses=findings.responses,
        verdict=findings.verdict.table,
        cost=cost_table(findings, cost),
        cost_facts=facts_tree(cost_facts(findings, 0.0, 0.0)),
        bill=bill_table(study.place),
        plans=empty["plans"],
        assumed=assumed_at_site(scenario),
        modes=findings.modes.table,
        accounts=empty["accounts"],
        causes=empty["causes"],
        cash_flow=cash_flow_table(findings, cost),
        energy_hours=run_hours(findings, cost.table),
        course=course_table(findings),
        cooling_course=cooling_course(findings),
        expected=expected_table(scenario.expect, summary, reasons, findings.horizon_s),
        warnings=_warnings(findings, summary),
        inputs=input_digests(scenario),
        wall_s=timed.wall_s,
    )


def answer_load(scenario: LoadScenario, timed: Callable[[str], None]) -> tuple[LoadFindings, CostTable]:
    """Return what the rooms find in a measured load, and what it costs; `timed` is told each part as it begins."""
    timed(POWER)
    study = study_load(scenario)
    steady = load_power(study)
    timed(PLANT)
    responses = respond(study, (steady,))
    timed(LIMITS_AND_COST)
    findings = load_findings(study, steady, responses)
    return findings, estimate_cost(scenario.economics, cost_facts(findings, 0.0, 0.0))


def load_findings(study: LoadStudy, steady: SitePower, responses: tuple[PlantResponse, ...]) -> LoadFindings:
    """Return the records of a measured load, judged by the scenario's rules."""
    history = load_history(study, float(steady.waveform.power(f"{study.site}/it").mean()))
    modes = site_modes(study, steady, study.scenario.load.record.period)
    seen = with_modes(evidence(study, (steady,), responses, history), modes)
    # what the sensor averaged away is not in the record: rules that look at shorter times are not judged
    sensor_s = study.scenario.load.record.sensor
    seen = replace(seen, traces=tuple(replace(trace, sensor_s=sensor_s) for trace in seen.traces))
    return LoadFindings(
        study=study,
        steady=steady,
        events=(),
        responses=responses,
        verdict=judge(rules_of(study.scenario.limits), seen),
        provisioned=provisioned_w(study),
        history=history,
        modes=modes,
    )


def summarise_load(found: LoadFindings, cost: CostTable) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the summary of a measured load: the keys of a job's, None with the reason where they need a job.

    Ramps are of the steady window alone; swings are within the mean period of the record. Energies, wear and cost
    are of the load going on over the horizon without a stop.
    """
    reasons = dict.fromkeys((*OF_STEP, *OF_OPERATION, *OF_DEVICES, *OF_WORK), NO_JOB)
    keys: dict[str, Any] = {"accelerators": found.study.place.accelerators}
    keys |= dict.fromkeys(OF_STEP)
    keys |= {"horizon_days": found.horizon_s / DAY_S} | dict.fromkeys(OF_OPERATION)
    keys |= power_keys(found, reasons)
    keys |= dict.fromkeys(OF_DEVICES)
    keys |= undamped_keys(found, None, reasons)
    keys |= energy_keys(found) | dict.fromkeys(OF_WORK)
    keys |= generation_keys(found, generation(found), reasons)
    keys |= damping_keys(found, reasons)
    keys |= plant_response_keys(found, reasons)
    keys |= mode_keys(found.modes, reasons)
    keys |= cooling_keys(found, reasons)
    keys |= outcome_keys(found, cost, reasons)
    return finished(found, keys, reasons | {"usd_per_million_tokens": NO_JOB})


def _warnings(found: LoadFindings, summary: dict[str, Any]) -> tuple[str, ...]:
    scenario = found.study.scenario
    said = ["the load is measured: rules are judged on its steady window alone, not on starts, stops and crashes"]
    others = [site for site in scenario.topology.site if site != found.study.site]
    if others:
        said.append(f"the other sites of {scenario.topology.name} are left out: {', '.join(others)}")
    if scenario.load.record.sensor > 0.0:
        said.append(
            f"the load was measured with a sensor that averages over {scenario.load.record.sensor:g} s: peaks, swings "
            "and ramps are lower bounds"
        )
    said += found.site_warnings("load", "energy and cost") + generation_warnings(found, generation(found))
    said += damping_warnings(found)
    worse = raised_by_damping(summary, scenario.damping)
    if worse is not None:
        said.append(worse)
    return tuple(dict.fromkeys(said + plant_warnings(found.responses)))
