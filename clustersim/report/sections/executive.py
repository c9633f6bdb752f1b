"""The first page of a report: the planner's questions in a sentence each, headline figures, what fails, what limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from clustersim.report.measured import cycle_s
from clustersim.report.sections.records import Section, Table, cards
from clustersim.report.text import cooling_words, damping_words, limiter
from clustersim.report.words import answer, counted, dollars, megawatts, number, percent
from clustersim.study.result import Result

HEADLINES = (
    ("tokens_per_s", "tokens per second"),
    ("mfu", "MFU"),
    ("goodput", "goodput"),
    ("days_to_budget", "time to the token budget"),
    ("it_mean_mw", "IT power, mean"),
    ("mean_mw", "at the meter, mean"),
    ("peak_mw", "at the meter, peak"),
    ("it_swing_mw", "swing at the supplies"),
    ("swing_mw", "swing at the meter"),
    ("cooling_capacity_mw", "cooling capacity"),
    ("capex_usd", "to build"),
    ("tco_usd_per_gpu_hour", "an accelerator hour, owned"),
    ("usd_per_million_tokens", "a million tokens"),
)
"""Summary keys of the headline figures and what they are called."""
UNITS = ("_mw", "_mwh", "_usd", "_years", "_percent", "_usd_per_gpu_h", "_s", "_days", "_hz", "_t")
"""Endings before which `_low` and `_high` stand in the keys of a band."""
BANDS = {"tco_usd_per_gpu_hour": ("tco_low_usd_per_gpu_hour", "tco_high_usd_per_gpu_hour")}
"""Keys of a band that are named otherwise."""
WORST = 8
"""Broken rules on the first page; the verdict has all."""
COST = (
    ("capex_usd", "to build"),
    ("tco_usd_per_h", "to own, per hour"),
    ("energy_usd", "energy over the horizon"),
    ("usd_per_million_tokens", "a million tokens"),
)


def executive_section(result: Result) -> Section:
    """Return the first page of a report, from the result alone."""
    found = [row for row in answers(result) if row[1]]
    headlines = [row for row in (_headline(result.summary, key, label) for key, label in HEADLINES) if row]
    tables = [
        Table("Questions and answers", ("question", "answer"), found),
        Table("Headline figures", ("figure", "value", "band", "key"), headlines, (1, 2)),
    ]
    broken = broken_rows(result.verdict)
    if broken:
        more = len(result.verdict[result.verdict["passed"].eq(False)]) - len(broken)
        title = "What fails, and by how much" + (f" (the worst; {more} more in the verdict)" if more else "")
        tables.append(
            Table(title, ("rule or rating", "where", "found", "limit", "found over limit"), broken, (2, 3, 4))
        )
    unjudged = result.verdict[[passed is None for passed in result.verdict["passed"]]]
    if len(unjudged):
        rows = [(str(row["rule"]), str(row["node"]), str(row["reason"])) for row in unjudged.to_dict("records")]
        tables.append(Table("Not judged: neither kept nor broken", ("rule", "where", "why"), rows))
    return Section(
        "executive",
        "In short",
        cards=cards(result.summary, COST),
        alerts=list(result.warnings[:3]),
        notes=[f"What limits: {text}." for text in _limits(result)],
        tables=tables,
    )


def answers(result: Result) -> list[tuple[str, str]]:
    """Return what a planner asks, and the answer in a sentence or two."""
    return [
        ("What is the load?" if result.measured else "How fast does it train, and what limits it?", _speed(result)),
        ("What does its power look like?", _power(result)),
        ("Does the plant survive it?", _plant(result)),
        ("What does damping do, and at what price?", _damping(result)),
        ("What does it cost?", _cost(result.summary, result.measured)),
        ("How sure is this?", _sure(result)),
    ]


def _speed(result: Result) -> str:
    s = result.summary
    if result.measured:
        return f"A measured load, drawn for {number(s['horizon_days'])} days without a stop; no job is simulated."
    return (
        f"{number(s['tokens_per_s'] / 1e6)} million tokens/s on {number(s['accelerators_used'])} accelerators, a step "
        f"in {number(s['iteration_time_s'])} s (MFU {percent(s['mfu'])}). Of {number(s['horizon_days'])} days "
        f"{percent(s['goodput'])} are useful, with {counted(s['interruptions'], 'interruption')}. "
        f"Largest loss: {limiter(s)}."
    )


def _power(result: Result) -> str:
    s = result.summary
    return (
        f"{megawatts(s['mean_mw'])} at the meter in the mean, {megawatts(s['peak_mw'])} at its peak; it swings "
        f"by {megawatts(s['swing_mw'])} every {number(cycle_s(result))} s and changes by up to "
        f"{number(max(s['max_ramp_up_mw_per_s'], s['max_ramp_down_mw_per_s']))} MW within a second."
    )


def _plant(result: Result) -> str:
    passed = list(result.verdict["passed"])
    failed, left = sum(one is False for one in passed), sum(one is None for one in passed)
    judged = len(passed) - left
    if not judged:
        text = "Not judged: no rule could be."
    elif failed:
        text = f"No, not as it stands: {failed} of {judged} rules and ratings that were judged are broken."
    else:
        text = f"Yes, as far as it was judged: all {judged} rules and ratings are kept."
    unjudged = f" {left} could not be judged." if left and judged else ""
    short = result.summary["cooling_shortfall_mw"]
    return text + unjudged + (f" Cooling: {cooling_words(result.summary)}." if short else "")


def _damping(result: Result) -> str:
    s = result.summary
    if not result.scenario["damping"]:
        return "There is none. `clustersim size` finds the least that keeps a pack of rules."
    share, loss = s["damping_energy_share"], s["throughput_loss"]
    price = "not told" if share is None else f"{percent(share)} more energy"
    tokens = "" if not loss else f", {percent(abs(loss))} {'more' if loss < 0.0 else 'fewer'} tokens"
    swung = s.get("undamped_swing_mw")
    before = "" if swung is None else f" The swing at the meter is {megawatts(s['swing_mw'])}, "
    before += "" if swung is None else f"{megawatts(swung)} without what damps outside the devices."
    return f"{damping_words(result.scenario).capitalize()}: {price}{tokens}.{before}"


def _cost(s: Mapping[str, Any], measured: bool) -> str:
    text = f"{dollars(s['capex_usd'])} to build, {dollars(s['tco_usd_per_h'])} an hour to own and run"
    tokens = s.get("usd_per_million_tokens")
    return f"{text}." if measured or tokens is None else f"{text}, {number(tokens)} USD a million tokens."


def _sure(result: Result) -> str:
    s = result.summary
    text = f"{counted(len(result.assumed), 'figure')} of this run nobody published; they are listed below."
    band = _band(s, "it_mean_mw")
    if band:
        text += f" By the bands of the catalog mean IT power lies between {band}."
    return text + " Figures without a band have none that is propagated, which does not mean that they are exact."


def _headline(summary: Mapping[str, Any], key: str, label: str) -> tuple[str, str, str, str] | None:
    value = summary.get(key)
    return None if value is None else (label, answer(key, value), _band(summary, key) or "none propagated", key)


def _band(summary: Mapping[str, Any], key: str) -> str:
    """Return low and high of a summary key where the summary has them, else nothing."""
    ending = next((unit for unit in sorted(UNITS, key=len, reverse=True) if key.endswith(unit)), "")
    stem = key.removesuffix(ending)
    names = BANDS.get(key, (f"{stem}_low{ending}", f"{stem}_high{ending}"))
    low, high = (summary.get(name) for name in names)
    return "" if low is None or high is None else f"{number(low)} to {answer(key, high)}"


def broken_rows(verdict: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return the worst broken rules: rule, where, found, limit, found over limit."""
    rows = verdict[[passed is False for passed in verdict["passed"]]].sort_values("margin", kind="stable")
    return [
        (
            str(row["rule"]),
            str(row["node"]),
            f"{number(row['measured'], 4)} {row['unit']}",
            f"{number(row['limit'], 4)} {row['unit']}",
            f"{number(row['measured'] / row['limit'])} x" if row["limit"] else "-",
        )
        for row in rows.head(WORST).to_dict("records")
    ]


def _limits(result: Result) -> list[str]:
    """Return what stands in the way, the job first."""
    s = result.summary
    found = [] if result.measured else [f"the job: {limiter(s)}"]
    sustainable = s.get("sustainable_it_mw")
    if s["cooling_shortfall_mw"] and sustainable is not None:
        found.append(f"cooling carries {megawatts(sustainable)} of IT power of {megawatts(s['it_mean_mw'])}")
    judged = result.verdict[[passed is True for passed in result.verdict["passed"]]]
    near = judged[judged["rule"] == "equipment-rating"].sort_values("margin", kind="stable").head(1)
    return found + [
        f"of the ratings that are kept the nearest is {row['node']}, {percent(row['margin'])} below its limit"
        for row in near.to_dict("records")
    ]
