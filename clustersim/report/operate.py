"""The operation of a scenario on many seeds: as text, as data and as files."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from clustersim.operation.accounts import CATEGORIES
from clustersim.operation.bands import Band
from clustersim.operation.site_prices import Saving
from clustersim.report.gantt import gantt_figures
from clustersim.report.goodput import TITLES, goodput_bars
from clustersim.report.page import rendered
from clustersim.report.sections import Figure, Section, Table
from clustersim.report.words import columns, counted, dollars, number, percent, wrapped
from clustersim.study.operate import OperateResult
from clustersim.units import DAY_S, HOUR_S, MWH_J

LEAST_SEEDS = 20
"""With fewer seeds the 5 and 95 % quantiles lie between the two outermost of them."""
LEAST_SHARE = 5e-5
"""Causes that took less of the time are added up in the text. [-]"""
MOST_COLUMNS = 5
"""Categories in the table of jobs and sites; the rest is added up."""
BAND_HEAD = ("mean", "median", "5 %", "95 %", "s.e.")


def operate_text(found: OperateResult) -> str:
    """Return where the time went, what interrupted the job, and what it means."""
    several = found.ensemble.seeds > 1
    parts = [_head(found), _answers(found), _where(found, several), _why(found, several)]
    if found.parts:
        parts.append(_by_part(found))
    if found.saving is not None:
        parts.append(_saving(found.saving))
    said = findings(found)
    if said:
        of = found.ensemble.seeds
        lines = [f"{text} ({count} of {of} seeds)" if several else text for text, count in said.items()]
        parts.append("FINDINGS\n" + "\n".join(wrapped(line, "  ! ", "    ") for line in lines))
    notes = [*found.notes, *_band_notes(found)]
    if notes:
        parts.append("NOTES\n" + "\n".join(wrapped(note, "  - ", "    ") for note in notes))
    return "\n\n".join(parts)


def findings(found: OperateResult) -> dict[str, int]:
    """Return what was found in any job or site, and in how many seeds."""
    said: dict[str, int] = {}
    for part in found.ensemble.parts:
        for text, count in found.ensemble.findings(part).items():
            said[text] = max(count, said.get(text, 0))
    return said


def _head(found: OperateResult) -> str:
    scenario, job = found.scenario, found.job
    seeds = counted(found.ensemble.seeds, "seed")
    return (
        f"{scenario.title}\n{scenario.name}: {number(found.horizon_s / DAY_S)} days of {number(job.gpus)} accelerators "
        f"on {counted(job.servers, 'server')}, step {number(job.step_time_s)} s; {seeds} from {scenario.seed}"
    )


def _answers(found: OperateResult) -> str:
    bands = found.ensemble.figure_bands()
    lines = [("goodput", _ranged(bands["goodput"], percent))]
    if "effective_time" in bands:
        lines.append(
            ("effective time", _ranged(bands["effective_time"], percent) + ", training that counted at any speed")
        )
    lines.append(("interruptions", _ranged(bands["interruptions"], _count)))
    lines.append(("mean time to failure", _times(bands["interruption_rate"])))
    if "tokens" in bands:
        tokens = bands["tokens"]
        steps = tokens.scaled(1.0 / found.tokens_per_step)
        lines.append(("tokens", f"{_ranged(tokens.scaled(1e-12), number)} trillion: {_ranged(steps, _count)} steps"))
        budget = found.scenario.job.token_budget
        if budget is not None and tokens.low > 0.0:
            lines.append(("to the token budget", _days(found.horizon_s * budget / DAY_S, tokens)))
    body = "\n".join(wrapped(text, f"  {label:<22} ", " " * 25) for label, text in lines)
    part = f" ({found.ensemble.head})" if found.parts else ""
    return f"HOW MUCH USEFUL TRAINING{part}\n{body}"


def _days(token_days: float, tokens: Band) -> str:
    """Return how long the budget takes at the pace of the horizon: `token_days` over its tokens."""
    days, shortest, longest = (number(token_days / value) for value in (tokens.mean, tokens.high, tokens.low))
    return f"{days} days" if tokens.draws == 1 else f"{days} ({shortest} to {longest}) days"


def _where(found: OperateResult, several: bool) -> str:
    rows: list[tuple[str, ...]] = []
    by_cause = found.ensemble.cause_bands()
    for category, share in found.ensemble.share_bands().items():
        if not share.high and not share.mean:
            continue
        rows.append((TITLES[category], *_cells(share.scaled(100.0), several)))
        causes = {cause: one for (name, cause), one in by_cause.items() if name == category}
        if category == "useful" or (len(causes) == 1 and next(iter(causes)) in ("none", "schedule")):
            continue
        small = [one for one in causes.values() if one.mean < LEAST_SHARE]
        rows += [
            (f"  {cause}", *_cells(one.scaled(100.0), several))
            for cause, one in causes.items()
            if one.mean >= LEAST_SHARE
        ]
        if small:
            least = (f"  {len(small)} more", number(100.0 * math.fsum(one.mean for one in small)))
            rows.append((*least, *("",) * (len(BAND_HEAD) - 1 if several else 0)))
    return "WHERE THE TIME WENT (% of the horizon)\n" + columns(_band_head(several), rows, widest=48)


def _why(found: OperateResult, several: bool) -> str:
    bands = found.ensemble.interruption_bands()
    if not bands:
        return "WHAT INTERRUPTED IT\n  nothing"
    rows = [(cause, *_cells(one, several, _count)) for cause, one in bands.items()]
    total = ("all", *_cells(found.ensemble.figure_bands()["interruptions"], several, _count))
    return "WHAT INTERRUPTED IT (times in the horizon)\n" + columns(_band_head(several), [*rows, total], widest=48)


def _by_part(found: OperateResult) -> str:
    """Return a line per job or site: goodput, the categories that took most of any one's time, what interrupted it."""
    means = {name: found.ensemble.mean_accounts(name).shares for name in found.parts}
    most = {category: max(one[category] for one in means.values()) for category in CATEGORIES if category != "useful"}
    used = [category for category in most if most[category] > 0.0]
    shown = set(sorted(used, key=lambda category: -most[category])[:MOST_COLUMNS])
    others = [category for category in used if category not in shown]
    told = [category for category in used if category in shown]
    head = ("", "goodput", "5 %", "95 %", *(TITLES[name] for name in told), *(["others"] if others else []), "struck")
    rows = []
    for name, shares in means.items():
        bands = found.ensemble.figure_bands(name)
        goodput = bands["goodput"]
        figures = [goodput.mean, goodput.low, goodput.high, *(shares[category] for category in told)]
        figures += [math.fsum(shares[category] for category in others)] if others else []
        rows.append((name, *(number(100.0 * value) for value in figures), _count(bands["interruptions"].mean)))
    return "BY JOB OR SITE (% of its time; times that it was struck)\n" + columns(head, rows, widest=26)


def _saving(saving: Saving) -> str:
    """Return what giving up dear hours saves, and at what cost in tokens."""
    lost = saving.tokens_lost
    costs = (
        f"{number(lost / 1e9)} billion tokens fewer" if lost >= 0.0 else f"{number(-lost / 1e9)} billion tokens more"
    )
    lines = [
        ("saved", f"{dollars(saving.saved_usd)} of energy, {number(saving.saved_j / MWH_J)} MWh at the meter"),
        ("for", f"{costs} than at full load all the time"),
    ]
    if math.isfinite(saving.usd_per_million_tokens):
        worth = f"{number(saving.usd_per_million_tokens)} USD for each million tokens not trained"
        lines.append(("that is", f"{worth}: a gain only where these are worth less to you"))
    body = "\n".join(wrapped(text, f"  {label:<22} ", " " * 25) for label, text in lines)
    return f"WHAT CURTAILMENT SAVES (the scenario's own seed, with and without)\n{body}"


def _saving_data(saving: Saving | None) -> dict[str, float | None] | None:
    if saving is None:
        return None
    return {name: value if math.isfinite(value) else None for name, value in vars(saving).items()}


def _band_notes(found: OperateResult) -> list[str]:
    seeds = found.ensemble.seeds
    if seeds == 1:
        return ["one seed shows no spread: --seeds 200 gives bands"]
    few = f"; {seeds} seeds are few: these lie between the two outermost ones" if seeds < LEAST_SEEDS else ""
    return [f"5 % and 95 %: nine of ten seeds lie between them{few}; s.e.: Monte Carlo standard error of the mean"]


def _band_head(several: bool) -> tuple[str, ...]:
    return ("", *BAND_HEAD) if several else ("", "seed 1")


def _cells(one: Band, several: bool, shown: Any = number) -> tuple[str, ...]:
    if not several:
        return (shown(one.mean),)
    return (*(shown(v) for v in (one.mean, one.median, one.low, one.high)), number(one.mean_error, 2))


def _count(value: float) -> str:
    """Return a number of events: without decimals from a hundred on."""
    return f"{value:,.0f}" if value >= 100.0 or value == round(value) else number(value)


def _ranged(one: Band, shown: Any) -> str:
    if one.draws == 1:
        return str(shown(one.mean))
    low, high, unit = str(shown(one.low)), str(shown(one.high)), " %"
    return f"{shown(one.mean)} ({low.removesuffix(unit) if high.endswith(unit) else low} to {high})"


def _times(rate: Band) -> str:
    """Return the mean time to failure, the horizon over the interruptions."""
    if rate.mean == 0.0:
        return "-: nothing interrupted it"
    if rate.draws == 1:
        return duration(1.0 / rate.mean)
    longest = "no end" if rate.low == 0.0 else duration(1.0 / rate.low)
    return f"{duration(1.0 / rate.mean)} ({duration(1.0 / rate.high)} to {longest})"


def duration(seconds: float) -> str:
    """Return a time in the unit that people would use.

    Examples
    --------
    >>> duration(1590.0), duration(0.5), duration(2.6e5)
    ('26.5 min', '0.500 s', '3.01 days')
    """
    for size, unit in ((DAY_S, "days"), (HOUR_S, "h"), (60.0, "min")):
        if seconds >= 2.0 * size:
            return f"{number(seconds / size)} {unit}"
    return f"{number(seconds)} s"


def operate_data(found: OperateResult) -> dict[str, Any]:
    """Return everything as plain data for JSON; `mean_shares` add up to one."""
    ensemble = found.ensemble
    return {
        "name": found.scenario.name,
        "seed": found.scenario.seed,
        "seeds": ensemble.seeds,
        "horizon_s": found.horizon_s,
        "accelerators_used": found.job.gpus,
        "servers": found.job.servers,
        "iteration_time_s": found.job.step_time_s,
        "tokens_per_step": found.tokens_per_step,
        "drawn_rates": found.drawn_rates,
        "curtailment": _saving_data(found.saving),
        **_part_data(found, ensemble.head),
        "parts": {name: _part_data(found, name) for name in found.parts},
        "findings": [{"text": text, "seeds": count} for text, count in findings(found).items()],
        "notes": list(found.notes),
    }


def _part_data(found: OperateResult, part: str) -> dict[str, Any]:
    ensemble = found.ensemble
    bands = ensemble.figure_bands(part)
    rate = bands.pop("interruption_rate")
    mean_time = {"mean": rate.mean, "low": rate.high, "median": rate.median, "high": rate.low}
    return {
        **{name: vars(one) for name, one in bands.items()},
        "mean_time_to_failure_s": {name: 1.0 / value if value else None for name, value in mean_time.items()},
        "mean_shares": dict(ensemble.mean_accounts(part).shares),
        "shares": {name: vars(one) for name, one in ensemble.share_bands(part).items()},
        "shares_by_cause": [
            {"category": category, "cause": cause} | vars(one)
            for (category, cause), one in ensemble.cause_bands(part).items()
        ],
        "interruptions_by_cause": {cause: vars(one) for cause, one in ensemble.interruption_bands(part).items()},
    }


def accounts_csv(found: OperateResult) -> str:
    """Return the time of every part by seed, category and cause as CSV. [s]"""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("part", "seed", "category", "cause", "seconds"))
    for part, kept in found.ensemble.parts.items():
        for index, one in enumerate(kept):
            table.writerows((part, index, *key, repr(seconds)) for key, seconds in one.accounts.seconds.items())
    return text.getvalue()


def gantt_html(found: OperateResult) -> str:
    """Return a page with what the first seed did, lane by lane, and where the time of all seeds went."""
    lanes = Section(
        "lanes", "What happened", figures=[Figure(*one) for one in gantt_figures(found.table, found.horizon_s)]
    )
    shown: Iterable[str] = found.parts or (found.ensemble.head,)
    ensemble = found.ensemble
    shares: Mapping[str, Any] = {name: ensemble.mean_accounts(name).shares for name in shown}
    bands = {name: ensemble.share_bands(name) for name in shown} if ensemble.seeds > 1 else {}
    note = "Whisker: from the 5 % to the 95 % quantile of what was useful." if bands else ""
    causes = [
        (TITLES[category], cause, number(100.0 * one.mean), number(100.0 * one.low), number(100.0 * one.high))
        for (category, cause), one in ensemble.cause_bands().items()
    ]
    where = Section(
        "where",
        "Where the time went",
        alerts=list(findings(found)),
        figures=[Figure("Share of the horizon", goodput_bars(shares, bands), note)],
        tables=[Table("By cause, % of the horizon", ("", "cause", "mean", "5 %", "95 %"), causes, (2, 3, 4))],
    )
    return rendered(
        "operate.html.j2",
        title=found.scenario.title,
        subtitle=f"{found.scenario.name}, {counted(ensemble.seeds, 'seed')} from {found.scenario.seed}",
        sections=[where, lanes],
    )


def operate_files(found: OperateResult, folder: Path) -> dict[Path, str | bytes]:
    """Return what `--out` writes: the first seed's timeline, the accounts of all seeds, the page."""
    binary = io.BytesIO()
    found.table.to_parquet(binary, index=False, compression="zstd")
    return {
        folder / "timeline.parquet": binary.getvalue(),
        folder / "accounts.csv": accounts_csv(found),
        folder / "gantt.html": gantt_html(found),
    }
