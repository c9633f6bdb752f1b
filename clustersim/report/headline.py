"""Whether a design works, in a sentence; and the figures with which a planner's questions begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from clustersim.report.issuers import standings
from clustersim.report.words import counted, megawatts, number
from clustersim.study.result import Result

Kind = Literal["kept", "broken", "unjudged"]
MOST_NAMED = 3
"""Broken rules that the sentence names."""
NOT_IN_FORCE = ("illustrative", "proposal")
"""Status of rules that hold nowhere yet."""


@dataclass(frozen=True)
class Verdict:
    """What the rules say of a design."""

    kind: Kind
    words: str
    """One sentence, or two where the cooling falls short."""
    in_force: bool = True
    """Whether something is broken that is more than a proposal or an illustration."""


@dataclass(frozen=True)
class Question:
    """A question that a planner asks, and the summary keys that answer it first."""

    asked: str
    answers: tuple[tuple[str, str], ...]
    """Summary key and what it is called in short."""


QUESTIONS = (
    Question("How fast does it train?", (("tokens_per_s", "Tokens a second"), ("mfu", "MFU"), ("goodput", "Goodput"))),
    Question(
        "What does its power look like?",
        (("mean_mw", "Meter, mean"), ("peak_mw", "Meter, peak"), ("swing_mw", "Meter, swing")),
    ),
    Question(
        "Does the plant survive it?",
        (("rules_failed", "Rules broken"), ("min_frequency_hz", "Frequency"), ("max_voltage_dip_pu", "Largest dip")),
    ),
    Question(
        "What must be added?",
        (
            ("cooling_shortfall_mw", "Cooling short"),
            ("damping_energy_share", "Damping energy"),
            ("throughput_loss", "Damping, tokens"),
        ),
    ),
    Question(
        "What does it cost?",
        (("capex_usd", "To build"), ("tco_usd_per_h", "To own"), ("usd_per_million_tokens", "Million tokens")),
    ),
)
LOAD = Question(
    "What is the load?",
    (("it_mean_mw", "IT, mean"), ("provisioned_mw", "IT, nameplates"), ("accelerators", "Accelerators")),
)
"""The first question of a measured load, which has no job."""


def questions(measured: bool) -> tuple[Question, ...]:
    """Return the questions of a run, in their order; `measured`: its load is measured, without a job."""
    return (LOAD, *QUESTIONS[1:]) if measured else QUESTIONS


def verdict_of(result: Result) -> Verdict:
    """Return what the table of rules says, in a sentence, and the cooling where it falls short.

    A rule is held against every site, rating and window, each of which is a check of it.
    """
    rows = result.verdict.to_dict("records")
    broken = sorted((row for row in rows if row["passed"] is False), key=lambda row: float(row["margin"]))
    left = sum(row["passed"] is None for row in rows)
    checks = counted(len(rows) - left, "check")
    cooling = cooling_sentence(result.summary)
    in_force = True
    kind: Kind = "broken" if broken or cooling else "kept" if left < len(rows) else "unjudged"
    if broken:
        rules = list(dict.fromkeys(str(row["rule"]) for row in broken))
        more = f" and {len(rules) - MOST_NAMED} more" if len(rules) > MOST_NAMED else ""
        verb = "is" if len(rules) == 1 else "are"
        names = ", ".join(rules[:MOST_NAMED])
        words = f"{counted(len(rules), 'rule')} {verb} broken in {len(broken)} of {checks}: {names}{more}."
        loose = {str(row["rule"]) for row in broken if row["status"] in NOT_IN_FORCE}
        asked = standings(result)
        others = [rule for rule in rules if asked[rule] == "elsewhere"]
        open_ones = [rule for rule in rules if asked[rule] == "unknown"]
        in_force = bool(cooling) or len(loose) < len(rules)
        if loose:
            words += f" {_of_them(len(loose), len(rules))} illustrative or proposed, not in force."
        if others:
            words += f" {_of_them(len(others), len(rules))} not the site's own operator's, for comparison."
        if open_ones:
            words += (
                f" Whether {', '.join(open_ones)} {'applies' if len(open_ones) == 1 else 'apply'} here is not known."
            )
    elif left == len(rows):
        words = "No rule could be judged."
    else:
        words = f"No rule is broken in {checks}{f'; {left} could not be judged' if left else ''}."
    return Verdict(kind, " ".join(filter(None, (words, cooling))), in_force)


def _of_them(some: int, all_of_them: int) -> str:
    if all_of_them == 1:
        return "It is"
    if some == all_of_them:
        return "All of them are"
    return f"{some} of them {'is' if some == 1 else 'are'}"


def cooling_sentence(summary: Mapping[str, Any]) -> str:
    """Return by how much the cooling falls short; nothing where it is enough, or nobody knows."""
    if not summary.get("cooling_shortfall_mw"):
        return ""
    minutes = summary.get("cooling_minutes_to_alarm")
    alarm = "" if minutes is None else f", with an alarm after {number(minutes)} min"
    heat, low, high = (
        summary[key] for key in ("cooling_heat_mw", "cooling_capacity_low_mw", "cooling_capacity_high_mw")
    )
    return (
        f"Cooling is {megawatts(summary['cooling_shortfall_mw'])} short: heat {megawatts(heat)}, capacity "
        f"{number(low)} to {megawatts(high)}{alarm}."
    )


def short_verdict(summary: Mapping[str, Any]) -> Verdict:
    """Return what the summary alone tells of the rules, in a few words."""
    failed, left = summary["rules_failed"], summary["rules_not_judged"]
    short = summary.get("cooling_shortfall_mw")
    parts = [f"{counted(failed, 'rule')} broken" if failed else "no rule broken"]
    if left:
        parts.append(f"{left} not judged")
    if short:
        parts.append(f"cooling {megawatts(short)} short")
    return Verdict("broken" if failed or short else "kept", ", ".join(parts))
