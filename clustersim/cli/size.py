"""The verb that sizes damping and storage; the command line registers it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clustersim.cli.named_files import any_scenario_of
from clustersim.cli.options import JsonOption, ScenarioArgument, SetOption
from clustersim.console import show, show_json, told
from clustersim.cores import usable_cores
from clustersim.whole_file import write_all

MOST_PROCESSES = 2
"""Unless the user asks for more."""


def size(
    scenario: ScenarioArgument,
    meet: Annotated[
        list[str] | None,
        typer.Option("--meet", metavar="PACK", help="Rule pack to keep, or 'own': the scenario's; may be repeated."),
    ] = None,
    using: Annotated[
        list[str] | None,
        typer.Option(
            "--using",
            metavar="ELEMENT",
            help="Size this alone: rack_storage, site_battery, load_bank, gpu_smoothing, power_cap, "
            "synchronous_condenser; may be repeated.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for sizing.json, front.csv and winner.yaml, which runs.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option("--processes", min=1, max=64, help="Processes that work at the same time.")
    ] = None,
    as_json: JsonOption = False,
    settings: SetOption = None,
) -> None:
    """Find the least-cost damping and storage that keep the rules, and prove it."""
    from clustersim.report.size import size_data, size_files, size_text
    from clustersim.study.sizing.sizing import size as sized

    loaded = any_scenario_of(scenario, settings)
    count = processes or min(MOST_PROCESSES, usable_cores())
    with told() as tell:
        found = sized(loaded, meet or (), using or None, count, tell)
    if out is not None:
        write_all(size_files(found, out))
    if as_json:
        show_json(size_data(found))
        return
    show(size_text(found))
    if out is not None and found.winner is not None:
        show(f"\nwinner in {out / 'winner.yaml'}: clustersim run {out / 'winner.yaml'}")
