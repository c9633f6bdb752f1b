"""One training step as text, as data and as a trace that opens in Perfetto."""

from __future__ import annotations

from typing import Any

import clustersim
from clustersim.report.text import plan_words
from clustersim.report.words import PLAN_KEYS, answer, columns, number, percent, wrapped
from clustersim.study.exchange_rates import exchange_rates
from clustersim.study.it_power import Pool
from clustersim.study.run_tables import plan_table
from clustersim.study.step import StepStudy
from clustersim.study.step_answers import mean_breakdown, step_answers
from clustersim.training.sequences import KINDS

MOST_UNITS = 4
"""Units of a trace: all of them would make a file of gigabytes."""


def step_data(study: StepStudy, pool: Pool) -> dict[str, Any]:
    """Return the step as plain data for JSON: means over the jittered steps of the pool; breakdown in seconds."""
    return {
        "name": study.scenario.name,
        "model": study.model.name,
        **step_answers(study, pool),
        "breakdown": {f"{name}_s": value for name, value in mean_breakdown(pool).items()},
        "plan": study.plan.model_dump(mode="json"),
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
    """Return the best plans of the search as plain data for JSON, fastest first."""
    plans = plan_table(study, top).to_dict("records")
    return {"name": study.scenario.name, "model": study.model.name, "found": study.fitting, "plans": plans}


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


def chrome_trace(study: StepStudy) -> dict[str, Any]:
    """Return one jittered step in the Chrome trace event format, which Perfetto opens.

    One process per lock-step unit (the first :data:`MOST_UNITS` of them), one thread per pipeline stage, one complete
    event per operation; times in microseconds from the start of the step.
    """
    trace = study.trace(0)
    schedule = study.timing.schedule
    units = min(MOST_UNITS, trace.start_s.shape[0])
    shape = (-1, schedule.stages, schedule.per_stage)
    start, end = trace.start_s.reshape(shape), trace.end_s.reshape(shape)
    kind, virtual = schedule.kind.reshape(shape[1:]), schedule.virtual_stage.reshape(shape[1:])
    batch = schedule.micro_batch.reshape(shape[1:])
    events: list[dict[str, Any]] = []
    for unit in range(units):
        events.append(_named("process_name", unit, 0, f"unit {unit}"))
        for stage in range(schedule.stages):
            events.append(_named("thread_name", unit, stage, f"stage {stage}"))
            for i in range(schedule.per_stage):
                name = KINDS[kind[stage, i]]
                details = {"micro_batch": int(batch[stage, i]), "virtual_stage": int(virtual[stage, i])}
                events.append(_complete(name, unit, stage, start[unit, stage, i], end[unit, stage, i], details))
            done = float(end[unit, stage, -1])
            updated = float(trace.optimizer_end_s[stage])
            for name, begin, until in (
                ("data_exchange", done, trace.optimizer_start_s),
                ("optimizer", trace.optimizer_start_s, updated),
                ("gather", updated, trace.iteration_time_s),
            ):
                events.append(_complete(name, unit, stage, begin, until, {}))
    return {
        "displayTimeUnit": "ms",
        "otherData": {
            "program": f"clustersim {clustersim.__version__}",
            "scenario": study.scenario.name,
            "seed": study.scenario.seed,
            "units_shown": units,
            "units": int(trace.start_s.shape[0]),
            "note": "units beyond the first few are left out; data_exchange is the part that compute does not hide",
        },
        "traceEvents": events,
    }


def _named(what: str, unit: int, stage: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": what, "pid": unit, "tid": stage, "args": {"name": name}}


def _complete(name: str, unit: int, stage: int, start_s: float, end_s: float, args: dict[str, int]) -> dict[str, Any]:
    begin, until = round(1e6 * float(start_s), 3), round(1e6 * float(end_s), 3)
    return {
        "ph": "X", "name": name, "cat": name, "pid": unit, "tid": stage, "ts": begin,
        "dur": round(until - begin, 3), "args": args,
    }  # fmt: skip
