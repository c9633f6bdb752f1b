"""``clustersim calibrate``: figures of an accelerator from what was recorded of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clustersim.cli_options import JsonOption
from clustersim.console import show, show_json, told, write


def calibrate(
    traces: Annotated[
        list[Path],
        typer.Argument(metavar="TRACE...", help="Recordings of one device by `record` or `exercise`."),
    ],
    accelerator: Annotated[
        str | None,
        typer.Option("--accelerator", help="Its name in the catalog, where its driver's name does not tell."),
    ] = None,
    device: Annotated[int, typer.Option("--device", min=0, help="Place in the devices of the recording.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Write the figures as a catalog overlay.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure an accelerator's power levels, sensor and products from recordings; write a catalog overlay."""
    from clustersim.report.calibrate import calibrated_data, calibrated_text
    from clustersim.study.device_calibration import calibrate_files
    from clustersim.study.device_overlay import overlay_text

    with told() as tell:
        found = calibrate_files(traces, accelerator, device, tell)
    if out is not None:
        write(out, overlay_text(found))
    if as_json:
        show_json(calibrated_data(found))
        return
    show(calibrated_text(found))
    if out is not None:
        show(f"\nwritten: {out}; clustersim --catalog {out} catalog --diff holds it against the shipped figures")
