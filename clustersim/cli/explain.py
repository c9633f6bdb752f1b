"""The verb that tells why a summary key has its value; the command line registers it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clustersim.cli.options import JsonOption, SetOption
from clustersim.cli.results import OutOption, named_result
from clustersim.cli.sensitivity import own_sweep
from clustersim.console import show, show_json, told

if TYPE_CHECKING:
    import pandas as pd

    from clustersim.study.result import Result


def explain(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Result folder, or a scenario, which is run.")],
    key: Annotated[str, typer.Argument(metavar="KEY", help="Key of the summary, such as usd_per_million_tokens.")],
    quick: Annotated[
        bool, typer.Option("--quick", help="Without the levers, which take two short runs each, once.")
    ] = False,
    workers: Annotated[int | None, typer.Option("--workers", min=1, max=1024, help="Processes.")] = None,
    out: OutOption = Path("results"),
    as_json: JsonOption = False,
    settings: SetOption = None,
) -> None:
    """Explain a summary key: formula, inputs with their sources, and what moves it most."""
    from clustersim.report.explain import explain_data, explain_text
    from clustersim.study.explain import explain as explained

    with told() as tell:
        result, _ = named_result(run, out, tell, settings)
        found = explained(result, key)
        number = isinstance(found.value, int | float) and not isinstance(found.value, bool)
        levers = None if quick or not number else _levers(result, key, out, workers, tell, f"explain {run} {key}")
    if as_json:
        show_json(explain_data(found, levers))
    else:
        show(explain_text(found, levers))


def _levers(
    result: Result, key: str, out: Path, workers: int | None, tell: Callable[[str], None], again: str
) -> pd.DataFrame:
    """Return what each lever of a key does to it; rows that an earlier call answered are used again."""
    from clustersim.scenario import load_resolved
    from clustersim.study.sensitivity.analysis import read_swept, tornado
    from clustersim.study.sensitivity.catalog_bands import Level, banded, figures_read
    from clustersim.study.sensitivity.levers import lever_study, reach
    from clustersim.study.sweep.points import digest

    scenario = load_resolved(result.scenario, f"{result.name}-{result.run_id}")
    tell(f"{result.name}: figures that {key} reads")
    kinds, sections = reach(key)
    level: Level = "steady"
    reads, summary = figures_read(scenario, level)
    if summary.get(key) is None:
        level = "run"
        reads, _ = figures_read(scenario, level)
    tree = lever_study(scenario, banded(read for read in reads if read.kind in kinds), level, sections)
    folder = out / f"levers-{result.name}-{result.run_id}" / digest(tree)[:12]
    own_sweep(scenario, tree, folder, workers, tell, f"clustersim {again}")
    return tornado(read_swept(folder / "store"), key)
