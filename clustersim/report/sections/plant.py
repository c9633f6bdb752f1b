"""Whether the plant survives the power, and the rules."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from clustersim.plant.electrical_tree import ElectricalTree
from clustersim.report import figures
from clustersim.report.cooling_course import loop_figure
from clustersim.report.electrical_text import POWER_HEAD, power_rows
from clustersim.report.issuers import foreign_rules
from clustersim.report.one_line import one_line
from clustersim.report.plotted import Plotted
from clustersim.report.sections.records import Figure, Section, Table, cards
from clustersim.report.svg import Picture
from clustersim.report.text import cooling_words
from clustersim.report.verdict import ORDER, verdict_word
from clustersim.report.words import megawatts, number, percent
from clustersim.study.result import Result
from clustersim.study.site.electrical import result_trees

MODE_ROWS = 10
"""Rows of the table of grid modes."""


def plant_section(result: Result) -> Section:
    """Return how the plant answers, and the verdict of the rules."""
    s = result.summary
    keys = (
        ("min_frequency_hz", "lowest frequency"),
        ("max_frequency_hz", "highest frequency"),
        ("max_rocof_hz_per_s", "RoCoF over 500 ms"),
        ("island_min_frequency_hz", "lowest, as an island"),
        ("island_max_frequency_hz", "highest, as an island"),
        ("pst", "flicker Pst"),
        ("modal_deviation_mhz", "grid modes move by"),
        ("resonance_margin", "resonance margin"),
        ("torsional_pu", "torsional, of the generator"),
        ("cooling_heat_mw", "heat to cool"),
        ("cooling_capacity_mw", "cooling capacity"),
        ("cooling_capacity_worst_hour_mw", "in the worst hour"),
        ("cooling_units_spare", "cooling units that may fail"),
        ("cooling_minutes_to_alarm_dip", "alarm after a dip [min]"),
        ("pue_annual", "PUE of a year"),
        ("wue_l_per_kwh", "water [L/kWh]"),
        ("co2_t", "CO2 of the generators [t]"),
        ("goodput_lost_grid", "time lost to the grid"),
    )
    found = cards(s, keys)
    found.append(("cooling missing", megawatts(s["cooling_shortfall_mw"]), bool(s["cooling_shortfall_mw"])))
    found.append(("rules broken", number(s["rules_failed"]), bool(s["rules_failed"])))
    found.append(("rules not judged", number(s["rules_not_judged"]), False))
    alerts = [f"Cooling: {cooling_words(s)}."] if s["cooling_shortfall_mw"] else []
    pictures: list[Figure | Picture] = [Figure("Rules and ratings", figures.margins(result.verdict))]
    if not result.cooling_course.empty:
        pictures.append(Figure("Temperature of the cooling loop", loop_figure(result), "Hour by hour, left alone."))
    trees = result_trees(result)
    if trees:
        said = "At the largest one-second mean of the steady window."
        drawn = one_line(trees, result.scenario["topology"]["title"])
        pictures.append(Picture("One-line diagram", drawn, said, folded=True, plotted=_stages(trees)))
    modes = list(dict.fromkeys(r.mode for r in result.responses))
    for window in result.waveforms:
        for mode in modes:
            beside = window == "steady" and mode == "island" and len(modes) > 1 and not result.measured
            if beside or window not in _telling(result, mode):
                continue
            title = f"Plant: {window}, {mode.replace('_', ' ')}"
            pictures.append(Figure(title, figures.plant_response(result.responses, window, mode)))
    return Section(
        "plant",
        "Does the plant survive it",
        cards=found,
        alerts=alerts + [text for text in result.warnings if "cooling" not in text],
        figures=pictures,
        tables=[verdict_table(result.verdict, foreign_rules(result)), *mode_tables(result.modes)],
    )


def whose(foreign: Mapping[str, str], rule: str) -> str:
    """Return what is said of a rule that no site is known to be bound by; nothing of any other."""
    return f"Rule of {foreign[rule]}" if rule in foreign else ""


def _stages(trees: Mapping[str, ElectricalTree]) -> Plotted:
    """Return the stages of all sites, from the supply down."""
    rows = tuple((site, *row) for site, tree in trees.items() for row in power_rows(tree))
    return Plotted(("site", *POWER_HEAD), rows, len(rows))


def _telling(result: Result, mode: str) -> set[str]:
    """Return the steady window and those with the lowest and the highest frequency of a mode of supply."""
    own = [response for response in result.responses if response.mode == mode]
    lowest = min(own, key=lambda response: float(response.frequency_hz.min()))
    highest = max(own, key=lambda response: float(response.frequency_hz.max()))
    return {"steady", lowest.window, highest.window}


def mode_tables(modes: pd.DataFrame) -> list[Table]:
    """Return the harmonics that move the grid's modes most, one table; none without modes."""
    if modes.empty:
        return []
    rows = [
        (
            str(row["site"]),
            str(row["order"]),
            number(row["frequency_hz"]),
            number(row["amplitude_mw"]),
            str(row["mode"]).replace("_", " "),
            number(row["mode_hz"]),
            percent(row["margin"]),
            number(row["deviation_mhz"]),
            number(row["worst_mhz"]),
            number(row["waveform_mhz"]),
            number(row["waveform_worst_mhz"]),
        )
        for row in modes.head(MODE_ROWS).to_dict("records")
    ]
    head = (
        "site", "harmonic", "at [Hz]", "amplitude [MW]", "mode", "of [Hz]", "margin", "moves it by [mHz]",
        "at worst [mHz]", "whole waveform [mHz]", "whole, at worst [mHz]",
    )  # fmt: skip
    return [Table("Harmonics against the modes of the grid", head, rows, (1, 2, 3, 5, 6, 7, 8, 9, 10))]


def verdict_table(verdict: pd.DataFrame, foreign: Mapping[str, str] | None = None) -> Table:
    """Return the verdict as text, the worst first.

    `foreign` names rules that no site is known to be bound by, with whose they are
    (:func:`~clustersim.report.issuers.foreign_rules`).
    """
    rows = [
        (
            verdict_word(row["passed"]),
            str(row["rule"]),
            str(row["node"]),
            "-" if pd.isna(row["measured"]) else f"{number(row['measured'], 4)} {row['unit']}",
            f"{number(row['limit'], 4)} {row['unit']}",
            "-" if pd.isna(row["margin"]) else f"{100.0 * row['margin']:+.0f} %",
            str(row["window"]),
            ". ".join(
                filter(None, (str(row["source"]), whose(foreign or {}, str(row["rule"])), str(row["reason"] or "")))
            ),
        )
        for row in verdict.to_dict("records")
    ]
    head = ("verdict", "rule", "where", "measured", "limit", "margin", "window", "source and reading")
    return Table("Verdict", head, sorted(rows, key=lambda row: ORDER.index(row[0])), (3, 4, 5))
