"""Arguments and options that several verbs of the command line share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clustersim.errors import InputError

ScenarioArgument = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="Scenario file, or the name of a shipped one.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override a field of the scenario; may be repeated."),
]


def different_files(**files: Path | None) -> None:
    """Refuse one file for two outputs, which are given by their options.

    Raises
    ------
    InputError
        Naming the two options.
    """
    told: dict[Path, str] = {}
    for key, file in files.items():
        if file is not None:
            option = f"--{key.replace('_', '-')}"
            other = told.setdefault(file.resolve(), option)
            if other != option:
                raise InputError(f"{other} and {option}: expected two files, found {file} twice")
