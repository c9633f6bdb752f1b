"""Results in folders: run now unless they are there, and read again.

It stands here and not in `study`, because a folder is whole only with the report in it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from clustersim.errors import InputError
from clustersim.scenario import AnyScenario, run_id
from clustersim.study.part_names import REPORT_WRITTEN
from clustersim.study.references import FILE, run_recorded
from clustersim.study.result import FILES, Result
from clustersim.study.whole_folder import put_back

REPORT = "report.html"
"""Name of the report in a result folder."""


def result_folder(out: Path, name: str, identity: str) -> Path:
    """Return the folder that the result of a run has in `out`."""
    return out / f"{name}-{identity}"


def is_stored(folder: Path) -> bool:
    """Whether a folder holds a whole result and its report."""
    return all((folder / name).is_file() for name in (*FILES, REPORT))


def result_of(scenario: AnyScenario, out: Path, force: bool, tell: Callable[[str], None]) -> tuple[Result, Path, bool]:
    """Return the result of a scenario, its folder, and whether it was there before.

    Parameters
    ----------
    scenario : Scenario or LoadScenario
        What to run.
    out : Path
        Folder of result folders.
    force : bool
        Whether to run it even if its result is there.
    tell : callable
        Told the name of each part as it begins.

    Raises
    ------
    InputError
        If the scenario asks for what is not there, or the folder cannot be read or written.
    """
    identity = run_id(scenario)
    folder = result_folder(out, scenario.name, identity)
    with suppress(OSError):  # saving it will say why
        put_back(folder)
    if not force and is_stored(folder):
        tell(f"results of run {identity} are there and are used again")
        return stored(folder, "; --force runs it again"), folder, True
    from clustersim.report.page import html

    result, sources = run_recorded(scenario, lambda part: tell(f"{scenario.name}: {part}"))
    tell(f"{scenario.name}: {REPORT_WRITTEN}")
    result.save(folder, {REPORT: html(result), FILE: sources.to_csv(index=False)})
    return result, folder, False


def stored(folder: Path, advice: str = "") -> Result:
    """Return the result in a folder.

    Raises
    ------
    InputError
        If it is no result folder or cannot be read; `advice` ends the message.
    """
    try:
        return Result.load(folder)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{folder}: cannot be read as a result ({error}){advice}") from None
