"""Results that verbs of the command line work on: run now, run before, or in a folder that the user names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clustersim.errors import InputError
from clustersim.named_files import any_scenario_of

if TYPE_CHECKING:
    from clustersim.scenario import AnyScenario
    from clustersim.study.result import Result

OutOption = Annotated[Path, typer.Option("--out", help="Folder in which result folders are put.")]


def result_of(scenario: AnyScenario, out: Path, force: bool, tell: Callable[[str], None]) -> tuple[Result, Path, bool]:
    """Return the result of a scenario, its folder, and whether it was there before.

    Raises
    ------
    InputError
        If the scenario asks for what is not there, or the folder cannot be read or written.
    """
    from clustersim.scenario import run_id
    from clustersim.study.result import FILES

    identity = run_id(scenario)
    folder = out / f"{scenario.name}-{identity}"
    if not force and all((folder / name).is_file() for name in (*FILES, "report.html")):
        tell(f"results of run {identity} are there and are used again")
        return stored(folder, "; --force runs it again"), folder, True
    from clustersim.report.page import html
    from clustersim.study.run import run as run_scenario

    result = run_scenario(scenario, lambda part: tell(f"{scenario.name}: {part}"))
    tell(f"{scenario.name}: report")
    result.save(folder, {"report.html": html(result)})
    return result, folder, False


def stored(folder: Path, advice: str = "") -> Result:
    """Return the result in a folder.

    Raises
    ------
    InputError
        If it is no result folder or cannot be read; `advice` ends the message.
    """
    from clustersim.study.result import Result

    try:
        return Result.load(folder)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{folder}: cannot be read as a result ({error}){advice}") from None


def named_result(
    text: str, out: Path, tell: Callable[[str], None], settings: Sequence[str] | None = None
) -> tuple[Result, Path]:
    """Return the result that `text` means, and its folder: a result folder, or a scenario that is run unless it was.

    Raises
    ------
    InputError
        If it is neither, or `settings` come with a result folder, whose inputs are fixed.
    """
    folder = Path(text)
    if folder.is_dir():
        if settings:
            raise InputError(f"{folder}: --set: expected a scenario, found a result folder, whose inputs are fixed")
        return stored(folder), folder
    result, found, _ = result_of(any_scenario_of(text, settings), out, False, tell)
    return result, found
