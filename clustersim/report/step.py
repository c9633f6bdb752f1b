"""One training step as text, as data and as a trace that opens in Perfetto."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

import clustersim
from clustersim.report.text import plan_words
from clustersim.report.words import PLAN_KEYS, answer, columns, number, percent, wrapped
from clustersim.study.exchange_rates import exchange_rates
from clustersim.study.it_power import Pool
from clustersim.study.run_tables import operations_table, plan_candidates, plan_table
from clustersim.study.step import StepStudy
from clustersim.study.step_answers import mean_breakdown, step_answers
from clustersim.study.step_parts import stage_answers, unit_answers, unit_named, usable_memory_gb
from clustersim.study.summary import plan_keys
from clustersim.training.plan_space import memory_words
from clustersim.training.refused import refused_plans
from clustersim.workload import PlanSpec

MOST_UNITS = 4
"""Units of a trace where nobody says which: all of them would make a file of gigabytes."""


def step_data(study: StepStudy, pool: Pool) -> dict[str, Any]:
    """Return the step as plain data for JSON: means over the jittered steps of the pool; breakdown in seconds.

    Stages and units are those of the pool's first step, which is also the one of :func:`chrome_trace`.
    """
    return {
        "name": study.scenario.name,
        "model": study.model.name,
        **step_answers(study, pool),
        "breakdown": {f"{name}_s": value for name, value in mean_breakdown(pool).items()},
        "plan": study.plan.model_dump(mode="json"),
        "usable_memory_gb": usable_memory_gb(study),
        "stages": stage_answers(study, pool.traces[0]),
        "units": unit_answers(study, pool.traces[0]),
        "network_rates": [
            {
                "between": one.kind,
                "alone_gb_per_s": one.alone / 1e9,
                "together_gb_per_s": one.together / 1e9,
                "through_nic": one.through_nic,
            }
            for one in exchange_rates(study)
        ],
        "warnings": list(study.warnings),
    }


def step_text(study: StepStudy, pool: Pool) -> str:
    """Return the step in words."""
    data = step_data(study, pool)
    seconds = data["iteration_time_s"]
    keys = ("iteration_time_s", "mfu", "hfu", "tokens_per_s", "tokens_per_s_per_gpu", "memory_per_gpu_gb")
    lines = [f"{study.scenario.title}", f"{data['model']} on {number(data['accelerators'])} accelerators", ""]
    lines += [
        f"  {key.rsplit('_s', 1)[0] if key == 'iteration_time_s' else key:<24} {answer(key, data[key])}" for key in keys
    ]
    lines += [f"  {'tokens_per_step':<24} {number(data['tokens_per_step'])}", "", "  where the time of a step goes"]
    for name, value in data["breakdown"].items():
        share = value / seconds
        label = name.removesuffix("_s").replace("_", " ")
        lines.append(f"    {label:<16} {percent(share):>8}  {'#' * round(50 * share)}")
    if data["network_rates"]:
        rows = [
            (
                one["between"], number(one["alone_gb_per_s"]),
                number(one["together_gb_per_s"]), percent(one["through_nic"]),
            )
            for one in data["network_rates"]
        ]  # fmt: skip
        head = ("  exchange between", "alone [GB/s]", "all at once", "through the card")
        lines += ["", columns(head, [(f"  {row[0]}", *row[1:]) for row in rows])]
    lines += ["", wrapped(plan_words(data["plan"]), "  plan: ", "        ")]
    return "\n".join([*lines, *(wrapped(text, "  ! ", "    ") for text in study.warnings)])


def plans_data(study: StepStudy, top: int) -> dict[str, Any]:
    """Return the best plans of the search as plain data for JSON, fastest first, and what was refused.

    The key `plan` of each is what ``job.plan`` takes.
    """
    plans = plan_table(study, top).to_dict("records")
    full = (_settings(candidate.plan) for candidate in plan_candidates(study, top))
    return {
        "name": study.scenario.name,
        "model": study.model.name,
        "found": study.fitting,
        "plans": [row | {"plan": plan} for row, plan in zip(plans, full, strict=True)],
        **_refusals(study, top),
    }


def _settings(plan: PlanSpec) -> dict[str, Any]:
    """Return a plan as a scenario gives it: what differs from the defaults."""
    found: dict[str, Any] = plan.model_dump(mode="json", exclude_defaults=True)
    return found


def _refusals(study: StepStudy, top: int) -> dict[str, Any]:
    place = study.place
    found = refused_plans(study.model, study.scenario.job, place.kinds, place.hardware, place.network, top)
    usable = found.usable_bytes / 1e9
    return {
        "tried": found.tried,
        "too_large": found.too_large,
        "usable_memory_gb": usable,
        "refused": [
            {
                **plan_keys(one.plan),
                "accelerators": one.plan.accelerators,
                "memory_gb": one.memory_bytes / 1e9,
                "iteration_time_s": one.iteration_time_s,
                "reason": memory_words(one.memory_bytes, found.usable_bytes),
            }
            for one in found.fastest
        ],
    }


def plans_text(study: StepStudy, top: int) -> str:
    """Return the best plans of the search as a table."""
    plans = plan_table(study, top).to_dict("records")
    rows = [
        (
            *(str(p[k]) for k in PLAN_KEYS),
            number(p["accelerators"]),
            number(p["memory_gb"]),
            number(p["iteration_time_s"]),
            number(p["tokens_per_s"] / 1e6),
        )
        for p in plans
    ]
    head = (
        "tensor", "context", "pipe", "virt", "schedule", "expert", "data", "sharded", "micro", "recompute", "hidden",
        "used", "GB", "s/step", "Mtok/s",
    )  # fmt: skip
    found = f"{study.fitting:,} plans of {study.model.name} fit {study.place.topology.name}; the fastest {len(rows)}"
    note = "times of the first eight with jitter, of the others without; best means best of the cuts tried"
    bound = [wrapped(p["binding"], f"  {i:>3}  ", " " * 7) for i, p in enumerate(plans, 1)]
    table = f"{found}:\n{columns(head, rows, left=0)}\n  {note}"
    return "\n".join([table, "", "what takes most time from the products", *bound])


def chrome_trace(study: StepStudy, units: Sequence[str] = ()) -> dict[str, Any]:
    """Return one jittered step in the Chrome trace event format, which Perfetto opens.

    One process per lock-step unit, one thread per pipeline stage, one complete event per operation; times in
    microseconds from the start of the step.

    Parameters
    ----------
    study : StepStudy
        The step.
    units : sequence of str
        Which units: numbers, or ``fastest``, ``median``, ``slowest``; the first :data:`MOST_UNITS` when left out.

    Raises
    ------
    InputError
        If there is no such unit.
    """
    trace = study.trace(0)
    count = int(trace.start_s.shape[0])
    chosen = [unit_named(trace, name) for name in units] or range(min(MOST_UNITS, count))
    head = {"scenario": study.scenario.name, "seed": study.scenario.seed, "units": count}
    return trace_of(operations_table(study, trace, list(dict.fromkeys(chosen))), head)


def trace_of(operations: pd.DataFrame, head: Mapping[str, Any]) -> dict[str, Any]:
    """Return operations of some units (:func:`~clustersim.study.run_tables.operations_table`) as a Chrome trace.

    Parameters
    ----------
    operations : DataFrame
        What the units do.
    head : mapping
        What else the file tells: scenario, seed and the number of units of the step.
    """
    events: list[dict[str, Any]] = []
    for unit in dict.fromkeys(int(one) for one in operations["unit"]):
        rows = operations[operations["unit"] == unit]
        events.append(_named("process_name", unit, 0, f"unit {unit}"))
        for stage in range(int(rows["stage"].max()) + 1):
            events.append(_named("thread_name", unit, stage, f"stage {stage}"))
            events += [_complete(unit, stage, row) for row in rows[rows["stage"] == stage].to_dict("records")]
    return {
        "displayTimeUnit": "ms",
        "otherData": {
            "program": f"clustersim {clustersim.__version__}",
            **head,
            "units_shown": int(operations["unit"].nunique()),
            "note": "other units are left out; data_exchange is the part that compute does not hide",
        },
        "traceEvents": events,
    }


def _named(what: str, unit: int, stage: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": what, "pid": unit, "tid": stage, "args": {"name": name}}


def _complete(unit: int, stage: int, row: Mapping[Hashable, Any]) -> dict[str, Any]:
    begin, until = round(1e6 * float(row["start_s"]), 3), round(1e6 * float(row["end_s"]), 3)
    passes = {name: int(row[name]) for name in ("micro_batch", "virtual_stage") if row["micro_batch"] >= 0}
    return {
        "ph": "X", "name": row["kind"], "cat": row["kind"], "pid": unit, "tid": stage, "ts": begin,
        "dur": round(until - begin, 3), "args": passes,
    }  # fmt: skip
