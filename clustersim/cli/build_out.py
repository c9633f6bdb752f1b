"""The verb that grows a site month by month; the command line registers it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clustersim.cli.named_files import scenario_of
from clustersim.cli.options import JsonOption, SetOption
from clustersim.console import show, show_json, told
from clustersim.errors import InputError
from clustersim.whole_file import write_all


def build_out(
    plan: Annotated[str, typer.Argument(metavar="FILE", help="Build-out file, or the name of one in the catalog.")],
    scenario: Annotated[
        str | None, typer.Option("--scenario", help="The job that runs there, in place of the file's.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for build_out.csv and build_out.html.")] = None,
    as_json: JsonOption = False,
    settings: SetOption = None,
) -> None:
    """Grow a site month by month: what runs, what waits for power, tokens and capex."""
    from clustersim.report.build_out import build_out_data, build_out_files, build_out_text
    from clustersim.study.build_out import read_build_out, study_build_out

    spec, folder = read_build_out(plan)
    name = scenario or spec.scenario
    if name is None:
        raise InputError(f"{plan}: scenario: expected the name of a scenario here or with --scenario, found none")
    beside = None if scenario or folder is None else folder / f"{name}.yaml"
    loaded = scenario_of(str(beside) if beside is not None and beside.is_file() else name, settings)
    with told() as tell:
        found = study_build_out(spec, loaded, tell)
        texts = {} if out is None else build_out_files(found, out)
    write_all(texts)
    if as_json:
        show_json(build_out_data(found))
        return
    show(build_out_text(found))
    if out is not None:
        show(f"\nbuild_out.csv and build_out.html in {out}")
