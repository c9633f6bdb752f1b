"""``clustersim nodes``: power of every node of the electrical tree in a window of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clustersim.cli.options import JsonOption, SetOption
from clustersim.cli.report import RunArgument
from clustersim.cli.results import OutOption, named_result
from clustersim.console import show, show_json, told


def nodes(
    run: RunArgument,
    window: Annotated[str, typer.Option("--window", help="steady, crash, restart, job_start, checkpoint.")] = "steady",
    out: OutOption = Path("results"),
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Power of every node in a window of a run: mean, lowest and highest sample, swing."""
    from clustersim.report.power_nodes import nodes_data, nodes_text, window_nodes

    with told() as tell:
        result, _ = named_result(run, out, tell, settings)
    found = window_nodes(result, window)
    if as_json:
        show_json(nodes_data(window, result.waveforms[window].dt_s, found))
    else:
        show(nodes_text(window, found))
