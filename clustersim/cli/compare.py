"""The verb that puts designs side by side; the command line registers it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clustersim.cli.named_files import any_scenario_of
from clustersim.cli.options import JsonOption, SetOption
from clustersim.cli.results import OutOption
from clustersim.console import show, show_json, told
from clustersim.errors import InputError
from clustersim.whole_file import write_all

if TYPE_CHECKING:
    from clustersim.study.compare import Design

LONGEST_FOLDER = 100
"""Characters of the names in a folder's name."""


def compare(
    designs: Annotated[
        list[str],
        typer.Argument(metavar="A B [C ...]", help="Scenarios and result folders, mixed; the first is the base."),
    ],
    out: OutOption = Path("results"),
    as_json: JsonOption = False,
    settings: SetOption = None,
    base: Annotated[
        str | None, typer.Option("--base", metavar="NAME", help="The design that the others are held against.")
    ] = None,
) -> None:
    """Put designs side by side: inputs that differ, answers, limits, waterfalls, break-even."""
    if len(designs) < 2:
        raise InputError(f"compare: expected at least two designs, found {len(designs)}")
    if settings and all(is_folder(text) for text in designs):
        raise InputError("compare: --set changes scenarios, and all designs are stored results")
    from clustersim.report.compare_files import compare_data, compare_files
    from clustersim.report.compare_text import compare_text
    from clustersim.study.compare import compare as compared

    with told() as tell:
        found = compared([design_of(text, out, settings, tell) for text in designs], base)
        tell("page")
        folder = out / f"compare-{'-'.join(found.names)}"[:LONGEST_FOLDER]
        texts = compare_files(found, folder)
    write_all(texts)
    if as_json:
        show_json(compare_data(found) | {"folder": str(folder)})
        return
    show(compare_text(found))
    show(f"\ncompare.html and tables in {folder}")


def is_folder(text: str) -> bool:
    """Return whether a design is a stored one: a folder."""
    return Path(text).is_dir()


def design_of(text: str, out: Path, settings: list[str] | None, tell: Callable[[str], None]) -> Design:
    """Return the design that `text` means: a result folder, or a scenario, which is run if its result is not there.

    Raises
    ------
    InputError
        If it is neither, or cannot be read.
    """
    from clustersim.study.compare import of_folder, of_result

    if is_folder(text):
        tell(f"stored result {text}")
        return of_folder(Path(text))
    from clustersim.report.stored import result_of

    return of_result(result_of(any_scenario_of(text, settings), out, False, tell)[0])
