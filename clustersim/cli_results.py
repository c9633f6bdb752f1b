"""Runs that the command line looks up before it simulates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from clustersim.errors import InputError

if TYPE_CHECKING:
    from clustersim.scenario import AnyScenario
    from clustersim.study.result import Result


def result_of(scenario: AnyScenario, out: Path, force: bool, tell: Callable[[str], None]) -> tuple[Result, Path, bool]:
    """Return the result of a scenario, its folder, and whether it was there before."""
    from clustersim.scenario import run_id
    from clustersim.study.result import FILES, Result

    identity = run_id(scenario)
    folder = out / f"{scenario.name}-{identity}"
    if not force and all((folder / name).is_file() for name in (*FILES, "report.html")):
        tell(f"results of run {identity} are there and are used again")
        try:
            return Result.load(folder), folder, True
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{folder}: cannot be read as a result ({error}); --force runs it again") from None
    from clustersim.report.page import html
    from clustersim.study.run import run as run_scenario

    result = run_scenario(scenario, lambda part: tell(f"{scenario.name}: {part}"))
    tell(f"{scenario.name}: report")
    result.save(folder, {"report.html": html(result)})
    return result, folder, False
