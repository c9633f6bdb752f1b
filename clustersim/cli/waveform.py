"""``clustersim waveform``: power of training at any node of the electrical tree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clustersim.cli.named_files import scenario_of
from clustersim.cli.options import JsonOption, ScenarioArgument, SetOption
from clustersim.console import show, show_json, told
from clustersim.whole_file import write_text


def waveform(
    scenario: ScenarioArgument,
    node: Annotated[
        list[str] | None,
        typer.Option("--node", metavar="NODE", help="SITE/it, SITE/hall_1, .../rack_1/server_1/accelerator_1."),
    ] = None,
    step: Annotated[str, typer.Option("--step", help="Width of a sample, 100 us to hours.")] = "10 ms",
    length: Annotated[str, typer.Option("--length", help="Length of the record.")] = "60 s",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write samples to a .parquet.")] = None,
    coherent: Annotated[bool, typer.Option("--coherence", help="Say how far ranks move together.")] = False,
    band: Annotated[
        Path | None, typer.Option("--band", metavar="FILE", help="Write one step's IT power with its band to a .csv.")
    ] = None,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Power of training at nodes of the electrical tree, as long and as fine as asked; streams to a file."""
    from clustersim.report.waveform import band_csv, waveform_data, waveform_text
    from clustersim.study.part_names import STEP_AND_PLAN
    from clustersim.study.power_bands import power_bands
    from clustersim.study.step import study_step
    from clustersim.study.waveforms.coherence import coherence
    from clustersim.study.waveforms.file import write_pieces
    from clustersim.study.waveforms.stream import stream
    from clustersim.study.waveforms.tree_nodes import find_node
    from clustersim.units import parse_named

    dt_s, duration_s = parse_named("--step", step, "time"), parse_named("--length", length, "time")
    with told() as tell:
        tell(STEP_AND_PLAN)
        study = study_step(scenario_of(scenario, settings))
        names = node or [f"{site}/it" for site in study.place.topology.site]
        nodes = [find_node(study, name) for name in dict.fromkeys(names)]
        total = max(1.0, duration_s / max(dt_s, 1e-12))
        account = write_pieces(
            out,
            stream(study, nodes, dt_s, duration_s),
            [item.name for item in nodes],
            dt_s,
            {"unit": "W", "step_s": repr(dt_s), "scenario": study.scenario.name, "seed": str(study.scenario.seed)},
            lambda done: tell(f"power: {done / total:.0%}"),
        )
        if coherent:
            tell("correlation of ranks")
        found = coherence(study) if coherent else ()
        if band is not None:
            tell("band of the levels")
            write_text(band, band_csv(power_bands(study, study.trace(0))))
    listed = [item.name for item in nodes]
    if as_json:
        show_json(waveform_data(listed, account, dt_s, found))
    else:
        show(waveform_text(listed, account, dt_s, found) + (f"\n\nsamples in {out}" if out else ""))
