"""The page of the package: what a utility's study asks for, with figures, tables and what is not in them."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

import clustersim
from clustersim.report import figures
from clustersim.report.interconnection.tables import Tables
from clustersim.report.issuers import foreign_rules
from clustersim.report.page import rendered
from clustersim.report.sections import Figure, Section, Table, verdict_table
from clustersim.report.style import BLUE, styled
from clustersim.report.words import number, percent
from clustersim.study.interconnection.load import LAGS_S
from clustersim.study.result import Result

SHARES = ("energy_share", "amplitude_share", "share_of_mean")
LEFT_OUT = (
    "Samples are means over the clock of their window; nothing above 20 Hz is modelled, no harmonics, no unbalance.",
    "Voltage and frequency are what the load itself causes; a fault of the grid is not in the waveforms.",
    "The energisation table is the load in steady training hall by hall; dates of a build-out are not in a run.",
)


def interconnection_html(result: Result, found: Tables) -> str:
    """Return the page; it fetches nothing."""
    return rendered(
        "interconnection.html.j2",
        title=f"{result.scenario['title']}: for the study of its connection",
        subtitle=f"{result.name}, run {result.run_id}, seed {result.scenario['seed']}, "
        f"clustersim {clustersim.__version__}",
        sections=_sections(result, found),
    )


def _sections(result: Result, found: Tables) -> list[Section]:
    return [
        _load(result, found),
        Section(
            "ramps",
            "Ramps and steps",
            notes=["Of 100 ms means. A change in a window shorter than the time it is told for is a lower bound."],
            tables=[_table("Largest changes", found.ramps), _table("Largest steps between 100 ms means", found.steps)],
        ),
        Section("snapshots", "Active and reactive power", tables=[_table("States of a power flow", found.snapshots)]),
        Section(
            "spectrum",
            "Spectrum",
            notes=["Steady window, mean removed, Hann window; amplitudes are those of a sine."],
            figures=[Figure("Spectrum of the meter", figures.spectrum(result.waveforms["steady"]))],
            tables=[_table("Lines", found.spectrum_lines), _table("Bands", found.spectrum_bands)],
        ),
        _ride_through(found),
        Section(
            "energisation",
            "Energisation",
            tables=[
                _table("Hall by hall in a start: IT power", found.halls),
                _table("As halls are energised one after the other", found.energisation),
            ],
        ),
        Section(
            "load_model",
            "Load model",
            notes=["Thresholds of LDELEC have no time: they are told for dips of several lengths, without the motors."],
            tables=[_table("Parameters", found.load_model)],
        ),
        Section("rules", "Rules", tables=[verdict_table(result.verdict, foreign_rules(result))]),
        Section("left_out", "What is not in this package", notes=list(LEFT_OUT)),
    ]


def _load(result: Result, found: Tables) -> Section:
    shown = [
        Figure(f"Power at the meter: {name}", figures.waveform(wave), figures.waveform_note(wave))
        for name, wave in result.waveforms.items()
    ]
    drawn = [Figure("Days", _days(found.days))] if len(found.days) else []
    return Section(
        "load",
        "Load",
        notes=[f"The largest changes below are within {', '.join(f'{lag:g} s' for lag in LAGS_S)}."],
        figures=[*shown, *drawn],
        tables=[_table("Envelope by minute", found.load_envelope, folded=True)],
    )


def _days(days: pd.DataFrame) -> go.Figure:
    figure = go.Figure(go.Bar(x=days["day"], y=days["stops"], marker={"color": BLUE}, name="stops"))
    return styled(figure, "day", "falls of the whole load and returns")


def _ride_through(found: Tables) -> Section:
    tables = []
    for site, part in found.ride_through.groupby("site", sort=False):
        words = {str(duration): rows["off_mw"].map(number) for duration, rows in part.groupby("duration_s", sort=True)}
        levels = part["residual_pu"].drop_duplicates()
        head = ("residual [pu]", *(f"{float(name) * 1e3:g} ms" for name in words))
        rows = [(f"{level:g}", *(values.to_list()[at] for values in words.values())) for at, level in enumerate(levels)]
        title = f"{site}: off the grid once the voltage is back [MW]"
        tables.append(Table(title, head, rows, tuple(range(len(head)))))
    return Section(
        "ride_through",
        "Voltage dips",
        notes=[
            "ride_through.csv tells for every dip which part stays, transfers or trips, and what is back when.",
            "What is back has power and is told at its load before the dip; servers that lost power boot first, and "
            "the job starts again after that.",
        ],
        tables=tables,
    )


def _table(title: str, table: pd.DataFrame, *, folded: bool = False) -> Table:
    head = tuple(str(name).replace("_", " ") for name in table.columns)
    rows = [tuple(_cell(name, value) for name, value in row.items()) for row in table.to_dict("records")]
    right = tuple(at for at, kind in enumerate(table.dtypes) if kind.kind in "fi")
    return Table(title, head, rows, right, folded=folded)


def _cell(name: object, value: object) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in SHARES:
        return percent(float(str(value)))
    return number(value) if isinstance(value, (int, float)) else str(value)
