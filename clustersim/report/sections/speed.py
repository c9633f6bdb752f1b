"""How fast a job trains, and what takes its time."""

from __future__ import annotations

import pandas as pd

from clustersim.report import charts
from clustersim.report.gantt import gantt_figures
from clustersim.report.goodput import goodput_bars, shares_of
from clustersim.report.measured import load_lines
from clustersim.report.sections.records import Figure, Section, Table, cards
from clustersim.report.text import limiter, plan_words
from clustersim.report.words import PLAN_KEYS, number, percent
from clustersim.study.result import Result


def speed_section(result: Result) -> Section:
    """Return what a job reaches, what limits it and where its days went."""
    s = result.summary
    keys = (
        ("iteration_time_s", "iteration time"),
        ("mfu", "MFU"),
        ("tokens_per_s_per_gpu", "tokens/s per accelerator"),
        ("memory_per_gpu_gb", "memory per accelerator"),
        ("goodput", "goodput"),
        ("interruptions", "interruptions"),
        ("mttf_h", "mean time between them"),
        ("token_efficiency", "a token's worth in synchronous training"),
        ("days_to_budget", "to the token budget"),
    )
    return Section(
        "speed",
        "How fast",
        cards=[("tokens/s", f"{number(s['tokens_per_s'] / 1e6)} million", False), *cards(s, keys)],
        notes=[f"Largest loss: {limiter(s)}.", f"Plan: {plan_words(s)}."],
        figures=[
            Figure("Where the time of a step goes", charts.breakdown([result])),
            Figure(
                "One step of the first unit, stage by stage",
                charts.gantt(result.step),
                "Lighter bars are later model chunks of a stage; the exchange is the part that compute does not hide.",
            ),
            Figure("How the job spent its days", charts.states_by_day(result.timeline)),
            *_time(result),
        ],
        tables=[*_interruptions(result.causes), *([_plans(result.plans)] if len(result.plans) else [])],
    )


def _interruptions(causes: pd.DataFrame) -> list[Table]:
    """Return what interrupted the job or took its time, the largest loss first; none of runs that did not keep it."""
    if causes.empty:
        return []
    rows = [
        (str(row["cause"]), number(int(row["interruptions"])), number(row["mttf_h"]), number(row["lost_s"] / 3600.0))
        for row in causes.sort_values("lost_s", ascending=False, kind="stable").to_dict("records")
    ]
    return [Table("What took the job's time", ("cause", "interruptions", "one in [h]", "lost [h]"), rows, (1, 2, 3))]


def _time(result: Result) -> list[Figure]:
    """Return where the time of the job went; runs written before it was accounted for have the states alone."""
    found = []
    if len(result.accounts):
        bars = goodput_bars({"job": shares_of(result.accounts)}, {})
        found.append(Figure("Where the time went", bars, _causes(result.accounts)))
    horizon_s = float(result.timeline["t_end_s"].iloc[-1])
    part = result.timeline.get("site", "job")
    return found + [Figure(*one) for one in gantt_figures(result.timeline.assign(part=part), horizon_s)]


def _causes(accounts: pd.DataFrame) -> str:
    """Return what took most of the time that was not useful."""
    lost = accounts[accounts["category"] != "useful"].groupby("cause")["seconds"].sum()
    if lost.empty:
        return ""
    total = float(accounts["seconds"].sum())
    largest = sorted(lost.items(), key=lambda item: (-item[1], str(item[0])))[:5]
    told = ", ".join(f"{str(cause).replace('_', ' ')} {percent(seconds / total)}" for cause, seconds in largest)
    return f"Of the horizon, lost work and recovery together, the largest causes: {told}."


def load_section(result: Result) -> Section:
    """Return what is known of a measured load."""
    return Section("load", "The load", tables=[Table("As measured", ("", ""), load_lines(result))])


def _plans(plans: pd.DataFrame) -> Table:
    rows = [
        (
            *(str(p[k]) for k in PLAN_KEYS),
            number(p["accelerators"]),
            number(p["memory_gb"]),
            number(p["iteration_time_s"]),
            number(p["tokens_per_s"] / 1e6),
        )
        for p in plans.to_dict("records")
    ]
    head = (
        "tensor", "context", "pipeline", "virtual", "schedule", "expert", "data", "sharded", "micro-batches",
        "recompute", "exchange hidden", "accelerators", "memory [GB]", "step [s]", "million tokens/s",
    )  # fmt: skip
    return Table("Best plans of the cuts tried (the first eight with jitter)", head, rows, tuple(range(15)))
