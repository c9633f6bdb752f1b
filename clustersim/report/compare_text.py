"""Designs side by side, as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from clustersim.report.words import WIDTH, answer, columns, number, percent, wrapped
from clustersim.study.compare import Comparison, Waterfall, limits_matrix
from clustersim.study.compare.failed_limits import ABSENT, FAIL, OPEN

MOST_INPUTS = 40
"""Rows of inputs that a terminal shows."""
KEY, IN_A_BLOCK = 34, 3
"""Columns of a key; designs beside the base in one block of a table."""
SMALL_SHARE = 0.005
"""Parts of a waterfall below this share of its largest part are added up in one line."""


def compare_text(found: Comparison) -> str:
    """Return inputs that differ, answers, limits, waterfalls and break-evens, at most as wide as a terminal."""
    parts = [_inputs(found), *_answers(found), _limits(found), *_waterfalls(found), _break_evens(found)]
    parts += [wrapped(text, "  ! ", "    ") for text in found.warnings]
    return "\n\n".join(part for part in parts if part)


def _inputs(found: Comparison) -> str:
    table, names = found.differences, found.names
    if table.empty:
        return "INPUTS THAT DIFFER\n  none: only the runs differ"
    shown = table.head(MOST_INPUTS).to_dict("records")
    parts = []
    for some in _blocks(names):
        widest = max(14, (WIDTH - KEY) // len(some) - 2)
        rows = [(_tail(row["key"]), *(_cut(row[name], widest) for name in some)) for row in shown]
        parts.append(columns(("", *some), rows, left=len(some) + 1, widest=KEY))
    more = len(table) - MOST_INPUTS
    if more > 0:
        parts.append(f"  and {more} more: differences.csv and compare.html have all")
    return "\n".join(["INPUTS THAT DIFFER", *parts])


def _blocks(names: Sequence[str]) -> list[list[str]]:
    """Return the designs in blocks that a terminal holds, each with the base in front."""
    base, rest = names[0], names[1:]
    return [[base, *rest[i : i + IN_A_BLOCK]] for i in range(0, len(rest), IN_A_BLOCK)]


def _tail(key: str) -> str:
    """Return a key path that is cut in front: its end tells more."""
    return key if len(key) <= KEY else f"…{key[1 - KEY :]}"


def _cut(text: str, widest: int) -> str:
    return text if len(text) <= widest else f"{text[: widest - 1]}…"


def _answers(found: Comparison) -> list[str]:
    names, ratios = found.names, len(found.names) == 2
    parts = []
    for question, part in found.table.groupby("question", sort=False):
        blocks = []
        for some in _blocks(names):
            rows = []
            for row in _none(part).to_dict("records"):
                cells = [answer(row["key"], row[name]) for name in some]
                cells[1:] = [f"{c}{_mark(row[f'change {n}'])}" for c, n in zip(cells[1:], some[1:], strict=True)]
                rows.append((row["key"], *cells, *([number(row[f"ratio {names[1]}"])] if ratios else [])))
            blocks.append(columns(("", *some, *(["ratio"] if ratios else [])), rows))
        parts.append("\n".join([str(question).upper(), *blocks]))
    note = f"against {names[0]}: + is better, - is worse, nothing where neither is clear"
    return [*parts, wrapped(f"{note}; ratio: over {names[0]}" if ratios else note)]


def _mark(change: str) -> str:
    return {"better": " +", "worse": " -"}.get(change, "  ")


def _none(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype(object).where(table.notna(), None)


def _limits(found: Comparison) -> str:
    if found.limits.empty:
        return "WHICH LIMITS EACH FAILS\n  no verdict is stored"
    failed = found.limits[found.limits["verdict"].isin([FAIL])]["rule"].unique()
    differing = [
        rule
        for rule, part in found.limits.groupby("rule", sort=False)
        if rule in failed or part["verdict"].nunique() > 1
    ]
    kept = found.limits["rule"].nunique() - len(differing)
    matrix = limits_matrix(found.limits[found.limits["rule"].isin(differing)], found.names)
    rest = [f"  {kept} more rules end alike in all designs, none broken"] if kept else []
    if matrix.empty:
        return "\n".join(["WHICH LIMITS EACH FAILS", "  none", *rest])
    texts = [
        columns(("rule", *some), list(matrix[["rule", *some]].itertuples(index=False, name=None)), left=9, widest=30)
        for some in _blocks(found.names)
    ]
    note = f"  {OPEN}: what it needs was not there; {ABSENT}: the design has no such rule or equipment"
    return "\n".join(["WHICH LIMITS EACH FAILS (margin at the worst place, window)", *texts, *rest, note])


def _waterfalls(found: Comparison) -> list[str]:
    return [waterfall_text(one) for one in found.waterfalls if one.start != one.end]


def waterfall_text(one: Waterfall) -> str:
    """Return a waterfall as lines that add up; parts that hardly count are one line."""
    largest = max(abs(part.change) for part in one.parts)
    large = [part for part in one.parts if abs(part.change) > SMALL_SHARE * largest]
    small = [part.change for part in one.parts if abs(part.change) <= SMALL_SHARE * largest]
    whole = one.end - one.start
    rows = [(one.base, number(one.start, 4), "")]
    rows += [(f"  {part.name}", _signed(part.change), percent(part.change / whole)) for part in large]
    if sum(small) != 0.0:
        rows.append((f"  {len(small)} more parts", _signed(sum(small)), percent(sum(small) / whole)))
    rows.append((one.design, number(one.end, 4), ""))
    unit = "" if one.unit == "-" else f" [{one.unit}]"
    table = columns(("", "", "of the difference"), rows, widest=60)
    return f"{one.title.upper()}{unit}: {one.base} -> {one.design}\n{table}"


def _signed(value: float) -> str:
    return f"{'+' if value >= 0.0 else '-'}{number(abs(value), 3)}"


def _break_evens(found: Comparison) -> str:
    if not found.break_evens:
        return "\n".join(["BREAK-EVEN", *(wrapped(why) for why in found.no_break_even)])
    rows = []
    for one in found.break_evens:
        now = " / ".join(number(value) for value in dict.fromkeys(one.now))
        value = number(one.value, 4) if one.value is not None else "-"
        told = f"{one.below} below, {one.above} above" if one.value is not None else f"{one.above}: {one.reason}"
        rows.append((f"{one.input.name} [{one.input.unit}]", one.varied, now, value, told))
    head = ("input", "varied in", "now", "equal at", "cheaper per token")
    text = columns(head, rows, left=2, widest=48)
    return "\n".join([f"BREAK-EVEN with {found.names[0]}, cost per token", text, *map(wrapped, found.no_break_even)])
