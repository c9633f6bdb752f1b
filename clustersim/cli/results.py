"""Results that verbs of the command line work on: run now, run before, or in a folder that the user names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clustersim.cli.named_files import any_scenario_of
from clustersim.errors import InputError

if TYPE_CHECKING:
    from clustersim.study.result import Result

OutOption = Annotated[Path, typer.Option("--out", help="Folder in which result folders are put.")]


def named_result(
    text: str, out: Path, tell: Callable[[str], None], settings: Sequence[str] | None = None
) -> tuple[Result, Path]:
    """Return the result that `text` means, and its folder: a result folder, or a scenario that is run unless it was.

    Raises
    ------
    InputError
        If it is neither, or `settings` come with a result folder, whose inputs are fixed.
    """
    from clustersim.report.stored import result_of, stored

    folder = Path(text)
    if folder.is_dir():
        if settings:
            raise InputError(f"{folder}: --set: expected a scenario, found a result folder, whose inputs are fixed")
        return stored(folder), folder
    result, found, _ = result_of(any_scenario_of(text, settings), out, False, tell)
    return result, found
