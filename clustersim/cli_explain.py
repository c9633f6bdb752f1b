"""The verb that tells why a summary key has its value; the command line registers it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clustersim.cli_options import JsonOption, SetOption
from clustersim.cli_results import OutOption, named_result
from clustersim.console import show, show_json, told


def explain(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Result folder, or a scenario, which is run.")],
    key: Annotated[str, typer.Argument(metavar="KEY", help="Key of the summary, such as usd_per_million_tokens.")],
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
    if as_json:
        show_json(explain_data(found))
    else:
        show(explain_text(found))
