"""What the plant is made of and how much of it is used: generators, battery, modes of the grid, cooling."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from clustersim.report.cooling_course import loop_figure, loop_words
from clustersim.report.plant_figures import heat_bars, smoothing_note
from clustersim.report.plant_tables import battery_table, cooling_table, generator_table
from clustersim.report.sections.plant import mode_tables
from clustersim.report.text import cooling_words, reserve_words, year_words
from clustersim.report.text_plant import battery_words, event_words, generation_words
from clustersim.study.result import Result
from dashboard import show

GENERATION = (
    ("generator_mean_mw", "Mean output"),
    ("generator_unit_hours", "Unit-hours"),
    ("spinning_reserve_mw", "Reserve"),
    ("largest_unit_mw", "Largest unit"),
)
WEAR = (
    ("battery_cycles_per_year", "Full cycles"),
    ("battery_cycle_depth_share", "Depth of a cycle"),
    ("battery_life_years", "Life"),
)
GRID_MODES = (
    ("modal_deviation_mhz", "Modes move by"),
    ("modal_deviation_worst_mhz", "At the worst"),
    ("resonance_margin", "Resonance margin"),
    ("torsional_pu", "Torsional"),
)
HEAT = (
    ("cooling_heat_mw", "Heat to cool"),
    ("cooling_capacity_mw", "Capacity"),
    ("cooling_shortfall_mw", "Missing"),
    ("cooling_minutes_to_alarm", "Alarm after"),
    ("cooling_units_spare", "Units that may fail"),
    ("cooling_minutes_to_alarm_n1", "Alarm, one lost"),
    ("cooling_minutes_to_alarm_dip", "Alarm after a dip"),
    ("pue_annual", "PUE of a year"),
    ("wue_l_per_kwh", "Water"),
)


def machines(result: Result) -> None:
    """Show generators, batteries and the modes of the grid."""
    _kind(
        result, "Generators", generator_table(result), generation_words(result.summary), GENERATION,
        "There are no generators on site.",
    )  # fmt: skip
    batteries = battery_table(result)
    _kind(result, "Battery", batteries, battery_words(result.summary), WEAR, "There is no battery on site.")
    note = smoothing_note(result)
    if note and not batteries.empty:
        st.caption(show.plain(note))
    st.header("Modes of the grid", anchor=False)
    show.metrics(result.summary, GRID_MODES, result.reasons)
    for number, modes in enumerate(mode_tables(result.modes)):
        st.caption("Harmonics of the power that move the modes of the interconnection most.")
        show.table(pd.DataFrame(modes.rows, columns=list(modes.head)), f"plant-modes-{number}")


def _kind(
    result: Result, heading: str, table: pd.DataFrame, said: str | None, cards: Sequence[tuple[str, str]], none: str
) -> None:
    """Show one kind of machines: in words, in numbers, and fact by fact; or that there is none."""
    st.header(heading, anchor=False)
    if table.empty:
        show.empty(none, "Design, section electrical, adds it.")
        return
    _words(said)
    show.metrics(result.summary, cards, result.reasons)
    _facts(table, f"plant-{heading.lower()}")


def cooling(result: Result) -> None:
    """Show heat against capacity, what may fail, and a year of weather."""
    s = result.summary
    words = cooling_words(s)
    (st.error if s["cooling_shortfall_mw"] else st.success)(
        f"Cooling: {show.plain(words)}.",
        icon=":material/mode_heat:" if s["cooling_shortfall_mw"] else ":material/ac_unit:",
    )
    show.metrics(s, [one for one in HEAT if one[0] in s], result.reasons)
    show.figure(
        heat_bars(s), "plant-heat", "Heat against capacity",
        "Mean heat while the job trains, and what the cooling can reject; the bar on the capacity is the band of the "
        "figures that it rests on.",
    )  # fmt: skip
    if result.cooling_course.empty:
        st.caption("An earlier version stored this result without the temperature of the loop; Run again has it.")
    else:
        show.figure(
            loop_figure(result), "plant-loop", "Temperature of the cooling loop",
            f"Over the horizon, hour by hour: {show.plain(loop_words(result) or '')}. The loop is left alone, whatever "
            "it reaches: work, energy and cost are those of a run that goes on.",
            file="cooling-loop",
        )  # fmt: skip
    said = []
    if "cooling_units_spare" in s:
        said.append(("Loss of units", reserve_words(s)))
    if s.get("hours_above_cooling_capacity") is not None:
        said.append(("A year of weather", year_words(s)))
    for title, text in said:
        st.markdown(f"**{title}:** {show.plain(text)}.")
    _facts(cooling_table(result), "plant-cooling")


def event_answer(result: Result) -> None:
    """Show what the events of the grid did in a run, in words."""
    _words(event_words(result.summary))


def _words(text: str | None) -> None:
    if text is not None:
        st.markdown(f"{show.plain(text[0].upper() + text[1:])}.")


def _facts(table: pd.DataFrame, key: str) -> None:
    """Show records side by side, a line for each fact: what a person reads and a phone has room for."""
    turned = table.T.reset_index()
    turned.columns = ["", *(str(number + 1) for number in range(len(table)))]
    turned.iloc[:, 0] = [name[0].upper() + name[1:] for name in turned.iloc[:, 0]]
    if "site" in table.columns and not table["site"].duplicated().any():
        turned.columns = ["", *table["site"]]
        turned = turned.iloc[1:]
    show.table(turned, key, height="content")
