"""The verb that simulates the operation of a job by itself; the command line registers it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clustersim.cli.named_files import scenario_of
from clustersim.cli.options import JsonOption, ScenarioArgument, SetOption
from clustersim.console import show, show_json, told
from clustersim.whole_file import write_all


def operate(
    scenario: ScenarioArgument,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Horizons to simulate; bands from 20 on.")] = 1,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=1024, help="Processes that work at the same time; left out: by cores."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for timeline.parquet, accounts.csv and gantt.html.")
    ] = None,
    as_json: JsonOption = False,
    settings: SetOption = None,
) -> None:
    """Tell how much useful training a job gets: goodput by cause, with bands over seeds."""
    from clustersim.report.operate import operate_data, operate_files, operate_text
    from clustersim.study.operate import operate as operated

    loaded = scenario_of(scenario, settings)
    with told() as tell:
        found = operated(loaded, seeds, workers, tell)
        texts = {} if out is None else operate_files(found, out)
    write_all(texts)
    if as_json:
        show_json(operate_data(found))
        return
    show(operate_text(found))
    if out is not None:
        show(f"\ntimeline.parquet, accounts.csv and gantt.html in {out}")
