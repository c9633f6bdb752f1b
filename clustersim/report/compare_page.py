"""Designs side by side, as one HTML page: every figure has its table behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from clustersim.report import charts, compare_figures
from clustersim.report.compare_rows import crossing, told, waterfall_rows
from clustersim.report.page import rendered
from clustersim.report.sections import Figure, Table
from clustersim.report.words import answer, number
from clustersim.study.compare import DEFINITION, BreakEven, Comparison, Waterfall, limits_matrix
from clustersim.study.questions import MONEY, POWER, SPEED


@dataclass(frozen=True)
class Block:
    """A figure with the table behind it, or a table alone."""

    table: Table
    figure: Figure | None = None


@dataclass(frozen=True)
class Part:
    """A part of the page."""

    id: str
    title: str
    blocks: list[Block]
    notes: tuple[str, ...] = ()


def compare_html(found: Comparison) -> str:
    """Return designs side by side as one HTML page that opens offline and fetches nothing."""
    return rendered(
        "compare.html.j2",
        title=" and ".join(design.title for design in found.designs),
        subtitle=", ".join(f"{design.name} (run {design.run_id})" for design in found.designs)
        + f"; the base is {found.names[0]}",
        warnings=found.warnings,
        parts=[_inputs(found), *_questions(found), _limits(found), _radar(found), _waterfalls(found), _lines(found)],
    )


def _inputs(found: Comparison) -> Part:
    names = found.names
    groups = found.differences.groupby("group", sort=False)
    blocks = [
        Block(Table(str(group), ("input", *names), [tuple(map(str, row)) for row in part[["key", *names]].to_numpy()]))
        for group, part in groups
    ]
    notes = ("As the files write them. Provenance and names are left out; a part that a design has not is -.",)
    return Part("inputs", "Inputs that differ", blocks, notes)


def _questions(found: Comparison) -> Iterator[Part]:
    jobs = [design for design in found.designs if not design.measured and design.summary.get("tokens_per_s")]
    meters = compare_figures.meters(found)
    figures = {}
    if jobs:
        figures[SPEED] = Figure("Where the time of a step goes", charts.breakdown(jobs))
        figures[MONEY] = Figure("A million tokens", charts.answers_bar(jobs, "usd_per_million_tokens", "[USD]"))
    if meters is not None:
        note = "0 is the mean of the steady window."
        figures[POWER] = Figure("Three steps at the meters, about their means", meters, note)
    for index, (question, part) in enumerate(found.table.groupby("question", sort=False)):
        table = _answers(part, found.names)
        blocks = [Block(table, figures.get(str(question)))]
        yield Part(f"question{index}", str(question).capitalize(), blocks)


def _answers(part: pd.DataFrame, names: list[str]) -> Table:
    rest = names[1:]
    rows = []
    for row in part.astype(object).where(part.notna(), None).to_dict("records"):
        key = str(row["key"])
        cells = [key, *(answer(key, row[name]) for name in names)]
        for name in rest:
            difference = row[f"difference {name}"]
            cells += [number(row[f"ratio {name}"]), "-" if difference is None else f"{difference:+.4g}"]
            cells.append(str(row[f"change {name}"]))
        rows.append(tuple(cells))
    heads = [text for name in rest for text in (f"{name} / {names[0]}", "difference", "")]
    return Table("", ("", *names, *heads), rows, tuple(range(1, len(names) + 3 * len(rest) + 1)))


def _limits(found: Comparison) -> Part:
    matrix = limits_matrix(found.limits, found.names)
    rows = [tuple(map(str, row)) for row in matrix.to_numpy()]
    table = Table("All rules: margin at the worst place, window", ("rule", *found.names), rows)
    picture = compare_figures.limits(found)
    figure = None if picture is None else Figure("Rules that a design fails", picture)
    return Part("limits", "Which limits each design fails", [Block(table, figure)])


def _radar(found: Comparison) -> Part:
    left_out = tuple(f"{key} is left out: {why}." for key, why in found.radar_left_out.items())
    if found.radar.empty:
        return Part("radar", "On all axes at once", [], left_out)
    rows = [
        (
            str(row["key"]),
            f"{row['better']} is better",
            *(f"{row[name]:.3f} ({answer(str(row['key']), row[f'value {name}'])})" for name in found.names),
        )
        for row in found.radar.to_dict("records")
    ]
    table = Table("", ("axis", "", *found.names), rows, tuple(range(2, len(found.names) + 2)))
    figure = Figure("Share of the best design", compare_figures.radar(found))
    return Part("radar", "On all axes at once", [Block(table, figure)], (DEFINITION, *left_out))


def _waterfalls(found: Comparison) -> Part:
    blocks = [
        Block(_waterfall(one), Figure(f"{one.title}: {one.base} to {one.design}", compare_figures.waterfall(one),
                                      f"How it adds up: {one.method}."))
        for one in found.waterfalls
        if one.differs
    ]  # fmt: skip
    return Part("waterfalls", "Where the difference comes from", blocks)


def _waterfall(one: Waterfall) -> Table:
    table = waterfall_rows(one)
    return Table("", tuple(table.columns), [tuple(row) for row in table.to_numpy()], (1, 2, 3, 4))


def _lines(found: Comparison) -> Part:
    blocks = [
        Block(_curve(one), Figure(crossing(one), compare_figures.break_even(one), told(one)))
        for one in found.break_evens
    ]
    notes = ("The cost model alone is evaluated again; what the runs found (energy, speed, counts) stays.",)
    return Part("break-even", "Where two designs cost the same per token", blocks, (*notes, *found.no_break_even))


def _curve(one: BreakEven) -> Table:
    rows = [tuple(f"{value:.5g}" for value in row) for row in one.curve.to_numpy()]
    head = (f"{one.input.name} [{one.input.unit}]", f"{one.base} [USD]", f"{one.design} [USD]")
    return Table("", head, rows, (0, 1, 2))
