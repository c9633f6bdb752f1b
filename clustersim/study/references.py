"""Where a run has its figures and models from: sources of what it read, of its files and of its models' pages."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from clustersim.catalog import Read, entries, entry, recorded
from clustersim.catalog.store import sources
from clustersim.errors import InputError
from clustersim.scenario import AnyScenario, load_resolved
from clustersim.study.result import Result, scenario_in
from clustersim.study.run import run

FILE = "sources.csv"
"""Name of the table of figures in a result folder."""
FIGURE_COLUMNS = ("kind", "entry", "figure", "value", "confidence", "id", "title", "url", "date")
METHOD_COLUMNS = ("page", "id", "title", "url", "date")
STATED_COLUMNS = ("key", "source", "confidence")
Progress = Callable[[str], None]


def run_recorded(scenario: AnyScenario, tell: Progress = lambda _: None) -> tuple[Result, pd.DataFrame]:
    """Return the result of a scenario, and the sources of the figures that its run read.

    What was made of figures before is forgotten first, so that nothing kept in the process hides a figure.
    """
    with recorded() as reads:
        result = run(scenario, tell)
    return result, figure_sources(reads)


def figure_sources(reads: Iterable[Read]) -> pd.DataFrame:
    """Return a row per figure and source of it: columns :data:`FIGURE_COLUMNS`, in alphabetical order."""
    rows = []
    for read in sorted(reads):
        figure = entry(read.kind, read.entry).figures[read.figure]
        for name in figure.source.split(", "):
            found = sources(read.kind)[name]
            said = (figure.text, figure.confidence, name, found.title, found.url or "", figure.date or found.date or "")
            rows.append((*read, *said))
    return pd.DataFrame(rows, columns=list(FIGURE_COLUMNS))


def method_sources(scenario: Mapping[str, Any]) -> pd.DataFrame:
    """Return the pages of the models that a resolved scenario uses, and what they cite: :data:`METHOD_COLUMNS`.

    A page without references has one row with empty cells: its sources are those of the figures.
    """
    known, used = sources("methods"), _used(scenario)
    rows: list[tuple[str, ...]] = []
    for one in entries("methods").values():
        if not used[one.properties["when"]]:
            continue
        page = str(one.properties["page"])
        cited = [(name, known[name]) for name in one.properties["references"]]
        rows += [(page, name, found.title, found.url or "", found.date or "") for name, found in cited]
        rows += [] if cited else [(page, "", "", "", "")]
    return pd.DataFrame(rows, columns=list(METHOD_COLUMNS))


def _used(scenario: Mapping[str, Any]) -> dict[str, bool]:
    plants = scenario["topology"]["electrical"].values()
    return {
        "always": True,
        "job": "job" in scenario,
        "load": "load" in scenario,
        "generators": any(plant.get("generators") for plant in plants),
        "battery": any(plant.get("battery") for plant in plants),
        "grid": any(plant.get("grid") for plant in plants),
        "events": bool(scenario["plant"].get("events")),
        "fleet": bool((scenario.get("operation") or {}).get("fleet")),
        "sites": len(scenario["topology"]["site"]) > 1,
        "smoothing": bool(scenario["damping"]),
    }


def stated_sources(scenario: Mapping[str, Any]) -> pd.DataFrame:
    """Return what a resolved scenario and its topology say of their own values: columns :data:`STATED_COLUMNS`."""
    rows = [
        (prefix + key, str(item["source"]), str(item["confidence"]))
        for prefix, tree in (("", scenario), ("topology.", scenario["topology"]))
        for key, item in tree.get("provenance", {}).items()
    ]
    return pd.DataFrame(rows, columns=list(STATED_COLUMNS))


def sources_of(folder: Path, tell: Progress = lambda _: None) -> pd.DataFrame:
    """Return the sources of the figures of a result folder.

    Where the folder does not hold them (written by another program than the command line) its scenario is run again.

    Raises
    ------
    InputError
        If they cannot be read, or the scenario is not valid.
    """
    path = folder / FILE
    if path.is_file():
        return read_sources(path)
    tell("no sources are kept with this result: its scenario is run again")
    where = str(folder / "scenario.yaml")
    return run_recorded(load_resolved(scenario_in(folder), where), tell)[1]


def read_sources(path: Path) -> pd.DataFrame:
    """Return the table in a file.

    Raises
    ------
    InputError
        If it is not one.
    """
    try:
        table = pd.read_csv(io.StringIO(path.read_text(encoding="utf-8")), keep_default_na=False, dtype=str)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    if tuple(table.columns) != FIGURE_COLUMNS:
        raise InputError(f"{path}: expected the columns {', '.join(FIGURE_COLUMNS)}, found {', '.join(table.columns)}")
    return table
