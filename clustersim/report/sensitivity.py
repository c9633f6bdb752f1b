"""What a sweep says about its axes, as text, data and page: tornado, Sobol's indices, correlations, bands, fronts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from clustersim.report.page import rendered
from clustersim.report.sections import Figure, Section, Table
from clustersim.report.style import BLUE, GREY, RED, styled
from clustersim.report.words import columns, number
from clustersim.study.sensitivity.analysis import Swept, bands, rank_correlations, sobol, tornado
from clustersim.study.sensitivity.pareto import Aim
from clustersim.study.sweep.spec import SAMPLES_OF

MOST_BARS = 20
"""Inputs that are drawn, and shown on the terminal."""
CHANCE = 0.1
"""Share of inputs that do nothing among those that are shown as correlated, at most."""
BAR_PX = 22
"""Height of a bar."""
HEADS = {
    "one_at_a_time": ("input", "low", "high", "answer at low", "answer at high", "span", "elasticity"),
    "saltelli": ("input", "first order", "total", "total, 95 % interval"),
    "drawn": ("input", "rank correlation", "q"),
}


@dataclass(frozen=True)
class KeyAnalysis:
    """What a sweep says about one answer."""

    key: str
    kind: str
    """Of the table: one_at_a_time, saltelli, or drawn."""
    table: pd.DataFrame


@dataclass(frozen=True)
class Analysis:
    """What a sweep says about its axes."""

    swept: Swept
    bands: pd.DataFrame
    of_keys: tuple[KeyAnalysis, ...]


def analyse(swept: Swept, keys: Sequence[str]) -> Analysis:
    """Return the analysis that a sweep's kind of points allows.

    Raises
    ------
    InputError
        If an answer is not there, or has too few rows.
    """
    kind = swept.spec.combine if swept.spec.combine in HEADS else "drawn"
    make = {"one_at_a_time": tornado, "saltelli": sobol, "drawn": rank_correlations}[kind]
    return Analysis(swept, bands(swept, keys), tuple(KeyAnalysis(key, kind, make(swept, key)) for key in keys))


def analysis_data(found: Analysis) -> dict[str, Any]:
    """Return an analysis as plain values."""
    return {
        "name": found.swept.spec.name,
        "rows": len(found.swept.table),
        "failed": found.swept.failed,
        "combine": found.swept.spec.combine,
        "bands": _records(found.bands),
        "keys": {one.key: {**one.table.attrs, "inputs": _records(one.table)} for one in found.of_keys},
    }


def analysis_text(found: Analysis) -> str:
    """Return an analysis as text."""
    swept = found.swept
    parts = [f"{swept.spec.title}\n{len(swept.table):,} rows, {swept.failed:,} failed; {how(swept.spec.combine)}"]
    rows = [[one[0], *(number(value, 4) for value in one[2:])] for one in found.bands.itertuples(index=False)]
    head = ("answer", "5 %", "median", "95 %", "mean", "deviation")
    sampled = swept.spec.combine in SAMPLES_OF
    title = "BANDS" if sampled else "SPREAD OF THE ROWS (chosen points, no sample: shares are not probabilities)"
    parts.append(f"{title}\n" + columns(head, rows))
    for one in found.of_keys:
        found_rows = cells(one)[:MOST_BARS]
        if found_rows:
            parts.append(f"{one.key}\n" + columns(HEADS[one.kind], found_rows, widest=60))
        parts += notes(one)
    return "\n\n".join(parts)


def how(combine: str) -> str:
    """Return how a sweep's points tell what moves an answer."""
    said = {
        "one_at_a_time": "each input at either end of its range, the others in the middle",
        "saltelli": "shares of the variance (Saltelli 2010)",
    }
    return said.get(combine, "rank correlation (Spearman) with each input")


def notes(one: KeyAnalysis) -> list[str]:
    """Return what is to be said of an answer's table."""
    if one.kind == "drawn":
        left = len(one.table) - len(_standing_out(one.table))
        return [f"  {left:,} other inputs of {one.key} do not stand out from chance in these rows"] if left else []
    if one.kind == "one_at_a_time":
        return []
    told = one.table.attrs
    return [f"  {told['samples']} base samples used, {told['broken']} left out for a point without an answer"]


def cells(one: KeyAnalysis) -> list[tuple[str, ...]]:
    """Return the rows of an answer's table, under :data:`HEADS`; of correlations those that stand out."""
    rows: list[tuple[str, ...]] = []
    shown = _standing_out(one.table) if one.kind == "drawn" else one.table
    for row in shown.to_dict("records"):
        name = str(row["input"])
        if one.kind == "one_at_a_time":
            middle = [_plain(row["low"]), _plain(row["high"])]
            rest = [number(row[key], 5) for key in ("answer_low", "answer_high", "span")]
            rows.append((name, *middle, *rest, number(row["elasticity"])))
        elif one.kind == "saltelli":
            interval = f"{number(row['total_low'])} to {number(row['total_high'])}"
            rows.append((name, number(row["first_order"]), number(row["total"]), interval))
        else:
            rows.append((name, number(row["rank_correlation"], 2), f"{row['q_value']:.1e}"))
    return rows


def _standing_out(table: pd.DataFrame) -> pd.DataFrame:
    """Return the inputs whose correlation is hardly chance."""
    return table[table["q_value"] <= CHANCE]


def _plain(value: Any) -> str:
    return number(float(value), 4) if isinstance(value, int | float) else str(value)


def analysis_html(found: Analysis) -> str:
    """Return an analysis as a self-contained page."""
    swept = found.swept
    rows = [(str(one[0]), *(number(value, 5) for value in one[1:])) for one in found.bands.itertuples(index=False)]
    head = ("answer", "rows", "5 %", "median", "95 %", "mean", "deviation")
    sections = [Section("bands", "Bands", tables=[Table(how(swept.spec.combine), head, rows, tuple(range(1, 7)))])]
    for one in found.of_keys:
        table = Table(one.key, HEADS[one.kind], cells(one), tuple(range(1, len(HEADS[one.kind]))))
        picture = Figure(f"What moves {one.key}", bars(one), how(swept.spec.combine))
        sections.append(Section(one.key, one.key, figures=[picture], tables=[table]))
    subtitle = f"{len(swept.table):,} rows, {swept.failed:,} failed"
    return rendered("operate.html.j2", title=swept.spec.title, subtitle=subtitle, sections=sections)


def bars(one: KeyAnalysis) -> go.Figure:
    """Return what moves an answer, as bars: a tornado, indices of Sobol or rank correlations."""
    table = _standing_out(one.table) if one.kind == "drawn" else one.table
    shown = table.iloc[:MOST_BARS].iloc[::-1]
    names = shown["input"].astype(str)
    picture = go.Figure()
    if one.kind == "one_at_a_time":
        base = shown["answer_base"]
        for end, colour in (("low", BLUE), ("high", RED)):
            picture.add_bar(
                y=names, x=shown[f"answer_{end}"] - base, base=base, orientation="h", name=f"input {end}",
                marker_color=colour,
            )  # fmt: skip
        picture.update_layout(barmode="overlay")
    elif one.kind == "saltelli":
        for column, colour in (("total", GREY), ("first_order", BLUE)):
            errors = {
                "array": shown[f"{column}_high"] - shown[column],
                "arrayminus": shown[column] - shown[f"{column}_low"],
            }
            picture.add_bar(
                y=names, x=shown[column], error_x=errors, orientation="h", name=column.replace("_", " "),
                marker_color=colour,
            )  # fmt: skip
        picture.update_layout(barmode="group")
    else:
        picture.add_bar(y=names, x=shown["rank_correlation"], orientation="h", marker_color=BLUE, name="correlation")
    height = 90 + BAR_PX * len(shown) * (2 if one.kind == "saltelli" else 1)
    named = {"one_at_a_time": one.key, "saltelli": "share of the variance", "drawn": "rank correlation"}[one.kind]
    return styled(picture, named, "", height, names)


def front_data(swept: Swept, aims: Sequence[Aim], front: pd.DataFrame) -> dict[str, Any]:
    """Return a Pareto front as plain values."""
    return {
        "name": swept.spec.name,
        "aims": [{"key": aim.key, "direction": aim.direction} for aim in aims],
        "rows": len(swept.table),
        "front": _records(front),
    }


def front_text(swept: Swept, aims: Sequence[Aim], front: pd.DataFrame) -> str:
    """Return a Pareto front as text: the axes and the keys of its rows."""
    shown = [axis.column for axis in swept.axes if axis.column in front] + [aim.key for aim in aims]
    rows = [[_plain(value) for value in row] for row in front[shown].itertuples(index=False)]
    said = ", ".join(f"{'least' if aim.direction == 'min' else 'most'} {aim.key}" for aim in aims)
    return f"{swept.spec.title}\n{len(front):,} of {len(swept.table):,} rows are on the front of {said}\n\n" + columns(
        shown, rows, left=0
    )


def front_html(swept: Swept, aims: Sequence[Aim], front: pd.DataFrame) -> str:
    """Return a Pareto front as a self-contained page: all rows, those of the front marked, and their table."""
    first, second = aims[0].key, aims[1].key
    others = swept.table[~swept.table["index"].isin(front["index"])]
    picture = go.Figure()
    picture.add_scatter(x=others[first], y=others[second], mode="markers", name="beaten", marker_color=GREY)
    picture.add_scatter(x=front[first], y=front[second], mode="markers", name="front", marker_color=RED)
    shown = [axis.column for axis in swept.axes if axis.column in front] + [aim.key for aim in aims]
    rows = [tuple(_plain(value) for value in row) for row in front[shown].itertuples(index=False)]
    section = Section(
        "front",
        "Front",
        figures=[
            Figure(
                f"{second} over {first}",
                styled(picture, first, second, 420),
                "No other row is better on every key of the front.",
            )
        ],
        tables=[Table("Rows of the front", tuple(shown), rows, tuple(range(len(shown))))],
    )
    return rendered(
        "operate.html.j2", title=swept.spec.title, subtitle=f"{len(front):,} rows on the front", sections=[section]
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return list(json.loads(table.to_json(orient="records")))
