"""Rules held against evidence: the worst window of each site in one row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from clustersim import units
from clustersim.errors import InputError
from clustersim.limits.candidates import Found, candidates, missing
from clustersim.limits.errors import NotJudgedError
from clustersim.limits.evidence import VERDICT_COLUMNS, Evidence, Verdict
from clustersim.limits.spec import Rule


def _row(rule: Rule, node: str, found: Found, limit_si: float, unit: str, source: str) -> dict[str, object]:
    factor = units.TABLE[units.dimension_of(unit) or ""][unit]
    margin = (limit_si - found.value) / abs(limit_si) if limit_si else math.copysign(math.inf, -found.value)
    margin = margin if rule.comparison == "at_most" else -margin
    passed = found.value <= limit_si if rule.comparison == "at_most" else found.value >= limit_si
    return {
        "rule": rule.id,
        "node": node,
        "measured": found.value / factor,
        "limit": limit_si / factor,
        "unit": unit,
        "margin": margin,
        "passed": bool(passed),
        "window": found.window,
        "source": source,
        "reason": rule.note,
        "status": rule.status,
        "formula": rule.formula,
    }


def _no_row(rule: Rule, node: str, reason: str) -> dict[str, object]:
    number, unit = units.split(rule.limit)
    return {
        "rule": rule.id, "node": node, "measured": math.nan, "limit": number, "unit": unit, "margin": math.nan,
        "passed": None, "window": "", "source": rule.source, "reason": f"not judged: {reason}",
        "status": rule.status, "formula": rule.formula,
    }  # fmt: skip


def _judge_site(rule: Rule, site: str, evidence: Evidence) -> dict[str, object]:
    found: list[Found] = []
    reasons: dict[str, list[str]] = {}
    for window, measure in candidates(rule, site, evidence):
        try:
            found.append(Found(window, measure()))
        except (NotJudgedError, InputError) as error:
            reasons.setdefault(str(error), []).append(window)
    if not found:
        told = "; ".join(f"{', '.join(windows)}: {text}" for text, windows in reasons.items())
        return _no_row(rule, site, told or missing(rule, site, evidence))
    worst = (max if rule.comparison == "at_most" else min)(found, key=lambda item: item.value)
    return _row(rule, site, worst, rule.limit_si, units.split(rule.limit)[1], rule.source)


def _judge_ratings(rule: Rule, evidence: Evidence) -> Iterator[dict[str, object]]:
    looked_at = [rating for rating in evidence.ratings if not rule.ratings or rating.name in rule.ratings]
    for rating in looked_at:
        found = Found("all", rating.loading_w)
        source = rating.source or rule.source
        row = _row(rule, f"{rating.node}: {rating.name}", found, rule.limit_si * rating.rating_w, rating.unit, source)
        yield row
    if not looked_at:
        yield _no_row(rule, "all", "no ratings given")


def judge(rules: Sequence[Rule], evidence: Evidence) -> Verdict:
    """Hold every rule against the evidence.

    The worst window of a site counts. A rule whose evidence is absent, too short or too coarse gets ``passed = None``
    and a reason that starts with "not judged".

    Parameters
    ----------
    rules : sequence of Rule
        Such as :func:`clustersim.limits.pack` or :func:`clustersim.limits.rules_of` returns.
    evidence : Evidence
        Traces at the meter, plant responses, ratings; each may be empty. A measured trace alone is enough.

    Returns
    -------
    Verdict
        Rows in the order of the rules, then of the sites.
    """
    rows: list[dict[str, object]] = []
    for rule in rules:
        if rule.measure == "rating":
            rows.extend(_judge_ratings(rule, evidence))
        else:
            sites: Iterable[str] = evidence.sites or ("all",)
            rows.extend(_judge_site(rule, site, evidence) for site in sites)
    table = pd.DataFrame(rows, columns=list(VERDICT_COLUMNS))
    return Verdict(table.astype({"passed": object}))
