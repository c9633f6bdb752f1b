"""Tables of a run that follow from its step and its timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from clustersim.operation import Timeline
from clustersim.study.it_power import Pool, close_up
from clustersim.study.places.place import build_fleet
from clustersim.study.step import StepStudy
from clustersim.study.summary import plan_keys
from clustersim.training.records import StepTrace
from clustersim.training.search import Candidate, binding
from clustersim.training.sequences import KINDS
from clustersim.workload.footprint import usable_bytes


def step_table(study: StepStudy, pool: Pool) -> pd.DataFrame:
    """Return the operations of the first step for a first and a last unit."""
    return operations_table(study, pool.traces[0], sorted({0, study.fleet.unit_class.size - 1}))


def operations_table(study: StepStudy, trace: StepTrace, units: Sequence[int]) -> pd.DataFrame:
    """Return what some units of a step do, one row per operation: the passes, then the exchange and the update."""
    schedule = study.timing.schedule
    stages = np.repeat(np.arange(schedule.stages), schedule.per_stage)
    passes = [
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
    updates = [_update(study, trace, unit, stage) for unit in units for stage in range(schedule.stages)]
    return pd.concat([*passes, *updates], ignore_index=True)


def _update(study: StepStudy, trace: StepTrace, unit: int, stage: int) -> pd.DataFrame:
    """Return what a stage does after its last pass."""
    done = trace.end_s[unit].reshape(study.timing.schedule.stages, -1)[stage, -1]
    rows = [
        ("data_exchange", done, trace.optimizer_start_s),
        ("optimizer", trace.optimizer_start_s, trace.optimizer_end_s[stage]),
        ("gather", trace.optimizer_end_s[stage], trace.iteration_time_s),
    ]
    return pd.DataFrame(
        {
            "unit": unit,
            "stage": stage,
            "kind": [row[0] for row in rows],
            "virtual_stage": -1,
            "micro_batch": -1,
            "start_s": [row[1] for row in rows],
            "end_s": [row[2] for row in rows],
        }
    )


def close_up_table(study: StepStudy, pool: Pool) -> pd.DataFrame:
    """Return the power of one rack, server and accelerator: columns time_s, rack_w, server_w, accelerator_w."""
    found = close_up(study, pool)
    times = np.arange(found["rack"].size) * 1e-3
    return pd.DataFrame({"time_s": times} | {f"{name}_w": found[name] for name in ("rack", "server", "accelerator")})


def event_table(timeline: Timeline, of_grid: list[tuple[float, str, str]]) -> pd.DataFrame:
    """Return windows and interruptions of the timeline and events of the grid: columns t_s, kind, cause."""
    rows = [(window.event_s, window.name, window.cause) for window in timeline.windows] + of_grid
    table = timeline.table
    failed = table[table["state"] == "detect"]
    rows += [(float(t), "interruption", str(c)) for t, c in zip(failed["t_start_s"], failed["cause"], strict=True)]
    return pd.DataFrame(sorted(rows), columns=["t_s", "kind", "cause"])


def plan_table(study: StepStudy, top: int = 10) -> pd.DataFrame:
    """Return the best plans of the search, or the given one: cut, memory, time, tokens per second, MFU."""
    rows = []
    for candidate in plan_candidates(study, top):
        plan = candidate.plan
        rows.append(
            {
                **plan_keys(plan),
                "accelerators": plan.accelerators,
                "tokens_per_step": plan.sequences * study.scenario.job.sequence_length,
                "memory_gb": candidate.memory_bytes / 1e9,
                "iteration_time_s": candidate.iteration_time_s,
                "tokens_per_s": candidate.tokens_per_s,
                "mfu": _mfu(study, candidate),
                "binding": candidate.binding,
            }
        )
    return pd.DataFrame(rows)


def _mfu(study: StepStudy, candidate: Candidate) -> float:
    """Return the MFU of a plan of the search [-]."""
    on_it = replace(study, plan=candidate.plan, fleet=build_fleet(study.place, candidate.plan))
    return on_it.mfu(candidate.iteration_time_s)


def plan_candidates(study: StepStudy, top: int) -> tuple[Candidate, ...]:
    """Return the best plans of the search, or the given one."""
    return study.candidates[:top] or (_given(study),)


def _given(study: StepStudy) -> Candidate:
    """Return the plan that the scenario gives as if a search had found it."""
    trace = study.quiet()
    seconds, memory = trace.iteration_time_s, float(study.program.memory_bytes.max())
    said = binding(trace.breakdown, seconds, memory / float(usable_bytes(study.place.kinds).min()))
    return Candidate(study.plan, study.program, seconds, study.tokens_per_step / seconds, memory, said)
