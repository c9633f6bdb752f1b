"""The verb that tells where a run has its figures and models from; the command line registers it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clustersim.cli.options import JsonOption, SetOption
from clustersim.cli.report import RunArgument
from clustersim.cli.results import OutOption, named_result
from clustersim.console import show, show_json, told
from clustersim.errors import InputError


def cite(
    run: RunArgument,
    as_json: JsonOption = False,
    bibtex: Annotated[bool, typer.Option("--bibtex", help="Print BibTeX entries and nothing else.")] = False,
    out: OutOption = Path("results"),
    settings: SetOption = None,
) -> None:
    """List the references of every figure and model that a run used."""
    if as_json and bibtex:
        raise InputError("cite: expected one of --json and --bibtex, found both")
    from clustersim.report.cite import cite_bibtex, cite_data, cite_text
    from clustersim.study.references import sources_of

    with told() as tell:
        result, folder = named_result(run, out, tell, settings)
        figures = sources_of(folder, tell)
    if as_json:
        show_json(cite_data(result, figures))
    else:
        show(cite_bibtex(result, figures) if bibtex else cite_text(result, figures))
