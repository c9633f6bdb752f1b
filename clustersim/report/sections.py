"""The sections of the report page: answers, figures and tables, in the order in which a planner asks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from clustersim.report import charts, figures
from clustersim.report.gantt import gantt_figures
from clustersim.report.goodput import goodput_bars, shares_of
from clustersim.report.measured import cycle_s, load_lines
from clustersim.report.one_line import one_line
from clustersim.report.pod_picture import fabric_pictures
from clustersim.report.svg import Picture
from clustersim.report.text import cooling_words, damping_words, limiter, plan_words
from clustersim.report.verdict import verdict_word
from clustersim.report.words import PLAN_KEYS, answer, dollars, number, percent
from clustersim.study.place_survey import result_place
from clustersim.study.result import Result
from clustersim.study.site_electrical import result_trees

CONFIG = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}

MODE_ROWS = 10
"""Rows of the table of grid modes."""
Card = tuple[str, str, bool]
"""Label, value, and whether it is bad news."""


@dataclass(frozen=True)
class Figure:
    """A figure with its title and the note below it."""

    title: str
    figure: go.Figure
    note: str = ""

    @property
    def html(self) -> str:
        """The figure as a piece of a page that holds plotly.js already; marks of HTML in texts are escaped."""
        # a name of its own in place of plotly's random one: the same run gives the same page
        name = re.sub(r"[^a-z0-9]+", "-", f"figure {self.title}".lower()).strip("-")
        return str(self.figure.to_html(full_html=False, include_plotlyjs=False, config=CONFIG, div_id=name))


@dataclass(frozen=True)
class Table:
    """A table of text."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numeric: tuple[int, ...] = ()
    """Columns that are aligned to the right."""


@dataclass(frozen=True)
class Section:
    """One question and its answers."""

    id: str
    title: str
    cards: list[Card] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    figures: list[Figure | Picture] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    """Blocks in letters of one width."""
    tables: list[Table] = field(default_factory=list)


def cards(summary: dict[str, Any], keys: Iterable[tuple[str, str]]) -> list[Card]:
    """Return a card for each key that the summary has."""
    return [(label, answer(key, summary[key]), False) for key, label in keys if summary.get(key) is not None]


def sections(result: Result) -> list[Section]:
    """Return the sections of a run's report."""
    return [
        _load(result) if result.measured else _speed(result),
        _network(result),
        _power(result),
        _plant(result),
        _damping(result),
        _money(result),
    ]


def _speed(result: Result) -> Section:
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


def _load(result: Result) -> Section:
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


def _network(result: Result) -> Section:
    place = result_place(result)
    watts, usd = sum(place.network_watts.values()), place.network_usd
    return Section(
        "network",
        "Its network",
        cards=[
            ("switches", number(sum(tree.switches for tree in place.fabric.sites)), False),
            ("links", number(sum(tree.switch_links + tree.host_links for tree in place.fabric.sites)), False),
            ("to build", dollars(usd), False),
            ("each accelerator", f"{number(usd / place.accelerators)} USD", False),
            ("typical power", f"{number(watts / 1e6)} MW", False),
            ("each accelerator", f"{number(watts / place.accelerators)} W", False),
        ],
        notes=[
            f"clustersim topology {place.topology.name} tells delays, cables, paths and what the loss of a part does."
        ],
        figures=list(fabric_pictures(place.fabric, place.topology.title)),
    )


def _power(result: Result) -> Section:
    s, steady = result.summary, result.waveforms["steady"]
    zoom_s = 3.0 * cycle_s(result)
    kind, cycles = ("as measured", "cycles") if result.measured else ("steady training", "steps")
    keys = (
        ("it_computing_mw", "drawn IT while computing"),
        ("it_mean_mw", "drawn IT, mean"),
        ("others_mean_mw", "of it, the rest of the fleet"),
        ("it_bubble_mw", "taken off by the bubble"),
        ("provisioned_mw", "provisioned IT"),
        ("it_excess_peak_mw", "IT if all peaks coincided"),
        ("mean_mw", "meter, mean"),
        ("peak_mw", "meter, peak"),
        ("swing_mw", f"swing within a {cycles[:-1]}"),
        ("max_ramp_up_mw_per_s", "largest rise in 1 s"),
        ("max_ramp_down_mw_per_s", "largest fall in 1 s"),
        ("iteration_frequency_hz", "step frequency"),
        ("energy_mwh", "energy over the horizon"),
        ("pue", "PUE"),
    )
    found: list[Figure | Picture] = [
        Figure(f"Power at the meter, {kind}", figures.waveform(steady), figures.waveform_note(steady)),
        Figure(f"Three {cycles}", figures.waveform(steady, 0.0, zoom_s), figures.waveform_note(steady, 0.0, zoom_s)),
        Figure(
            "Spectrum of the meter",
            figures.spectrum(steady),
            f"In 0.1-20 Hz: {percent(s['band_energy_share'])} of the swings' energy, "
            f"{percent(s['band_amplitude_share'])} of their amplitude.",
        ),
    ]
    if not result.measured:
        title = "One accelerator, its server and its rack"
        found.append(Figure(title, figures.close_up(result), "1 ms samples, three steps."))
    for name, wave in result.waveforms.items():
        if name != "steady":
            found.append(Figure(f"Event: {name}", figures.waveform(wave), figures.waveform_note(wave)))
    return Section("power", "Its power", cards=cards(s, keys), figures=found)


def _telling(result: Result, mode: str) -> set[str]:
    """Return the steady window and those with the lowest and the highest frequency of a mode of supply."""
    own = [response for response in result.responses if response.mode == mode]
    lowest = min(own, key=lambda response: float(response.frequency_hz.min()))
    highest = max(own, key=lambda response: float(response.frequency_hz.max()))
    return {"steady", lowest.window, highest.window}


def _plant(result: Result) -> Section:
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
    found.append(("cooling missing", answer("_mw", s["cooling_shortfall_mw"]), bool(s["cooling_shortfall_mw"])))
    found.append(("rules broken", number(s["rules_failed"]), bool(s["rules_failed"])))
    found.append(("rules not judged", number(s["rules_not_judged"]), False))
    alerts = [f"Cooling: {cooling_words(s)}."] if s["cooling_shortfall_mw"] else []
    pictures: list[Figure | Picture] = [Figure("Rules and ratings", figures.margins(result.verdict))]
    trees = result_trees(result)
    if trees:
        said = "At the largest one-second mean of the steady window."
        drawn = one_line(trees, result.scenario["topology"]["title"])
        pictures.append(Picture("One-line diagram", drawn, said, folded=True))
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
        tables=[verdict_table(result.verdict), *mode_tables(result.modes)],
    )


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
        "at worst [mHz]", "whole waveform [mHz]", "at worst [mHz]",
    )  # fmt: skip
    return [Table("Harmonics against the modes of the grid", head, rows, (1, 2, 3, 5, 6, 7, 8, 9, 10))]


def verdict_table(verdict: pd.DataFrame) -> Table:
    """Return the verdict as text, the worst first."""
    order = {"FAIL": 0, "not judged": 1, "PASS": 2}
    rows = [
        (
            verdict_word(row["passed"]),
            str(row["rule"]),
            str(row["node"]),
            "-" if pd.isna(row["measured"]) else f"{number(row['measured'], 4)} {row['unit']}",
            f"{number(row['limit'], 4)} {row['unit']}",
            "-" if pd.isna(row["margin"]) else f"{100.0 * row['margin']:+.0f} %",
            str(row["window"]),
            f"{row['source']}. {row['reason']}" if row["reason"] else str(row["source"]),
        )
        for row in verdict.to_dict("records")
    ]
    head = ("verdict", "rule", "where", "measured", "limit", "margin", "window", "source and reading")
    return Table("Verdict", head, sorted(rows, key=lambda row: order[row[0]]), (3, 4, 5))


def _damping(result: Result) -> Section:
    keys = (
        ("damping_energy_share", "more energy" if result.measured else "more energy at equal tokens"),
        ("damping_energy_mwh", "energy of damping"),
        ("throughput_loss", "fewer tokens"),
        ("battery_cycles_per_year", "battery cycles"),
        ("rack_storage_cycles_per_year", "rack storage cycles"),
        ("psu_storage_cycles_per_year", "PSU storage cycles"),
        ("hybrid_capacitor_cycles_per_year", "supercapacitor cycles"),
        ("hybrid_battery_cycles_per_year", "cycles of the battery behind it"),
        ("load_bank_energy_mwh", "burned in load banks"),
        ("start_lost_time_s", "training time lost per start"),
    )
    notes = [f"Damping: {damping_words(result.scenario)}. Against the same scenario and seed without damping."]
    return Section("damping", "What damping costs", cards=cards(result.summary, keys), notes=notes)


def _money(result: Result) -> Section:
    s = result.summary
    keys = (
        ("capex_usd", "to build"),
        ("energy_usd", "energy over the horizon"),
        ("usd_per_million_tokens", "a million tokens"),
    )
    items = [
        (
            str(c["group"]), str(c["item"]), number(c["quantity"]), str(c["unit"]), number(c["unit_usd"]),
            dollars(c["usd"]), "yes" if c["assumed"] else "", str(c["source"]),
        )
        for c in result.cost.to_dict("records")
    ]  # fmt: skip
    bill = [
        (
            str(b["place"]),
            str(b["item"]),
            str(b["part"]),
            number(b["count"]),
            number(b["watts_typical"]),
            number(b["usd"]),
        )
        for b in result.bill.to_dict("records")
    ]
    return Section(
        "money",
        "What it costs",
        cards=[*cards(s, keys), ("to own, per hour", dollars(s["tco_usd_per_h"]), False)],
        figures=[Figure("To build", charts.costs(result.cost))],
        tables=[
            Table(
                "Cost", ("group", "item", "quantity", "unit", "USD each", "sum", "assumed", "source"), items, (2, 4, 5)
            ),
            Table(
                "Bill of materials of the network",
                ("place", "item", "part", "count", "W each", "USD each"),
                bill,
                (3, 4, 5),
            ),
        ],
    )


def plain_table(title: str, table: pd.DataFrame) -> Table:
    """Return a table as it is."""
    rows = [tuple(str(cell) for cell in row) for row in table.itertuples(index=False)]
    return Table(title, tuple(str(name) for name in table.columns), rows)
