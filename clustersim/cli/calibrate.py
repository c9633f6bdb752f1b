"""``clustersim calibrate``: figures of an accelerator from what was recorded of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clustersim.cli.options import JsonOption
from clustersim.cli.traces import GapOption, PowerOption, SensorOption, TimeOption, UnitOption, trace_columns
from clustersim.console import show, show_json, told
from clustersim.errors import InputError
from clustersim.whole_file import write_text


def calibrate(
    traces: Annotated[
        list[Path],
        typer.Argument(metavar="TRACE...", help="Recordings of one device by `record` or `exercise`."),
    ],
    accelerator: Annotated[
        str | None,
        typer.Option("--accelerator", help="Its name in the catalog, where its driver's name does not tell."),
    ] = None,
    device: Annotated[
        int | None, typer.Option("--device", min=0, help="Place in the devices of the recording; the only marked one.")
    ] = None,
    markers: Annotated[
        Path | None,
        typer.Option("--markers", help="For a trace of others: CSV with begin_s, end_s and activity, on its clock."),
    ] = None,
    count: Annotated[
        int, typer.Option("--count", min=1, help="With --markers: accelerators that the trace adds up.")
    ] = 1,
    time: TimeOption = None,
    power: PowerOption = None,
    unit: UnitOption = None,
    gap: GapOption = None,
    sensor: SensorOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the figures as a catalog overlay.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure an accelerator's power levels, sensor and products from recordings; write a catalog overlay.

    A trace of others, with --markers and --accelerator, may be any file that `assess` takes.
    """
    from clustersim.report.calibrate import calibrated_data, calibrated_text
    from clustersim.study.devices.calibration import calibrate_files, calibrate_marked
    from clustersim.study.devices.overlay import overlay_text

    given = {
        "--time": time,
        "--power": power,
        "--unit": unit,
        "--sensor": sensor,
        "--gap": gap,
        "--count": count if count > 1 else None,
    }
    unused = [option for option, value in given.items() if value]
    if markers is None and unused:
        raise InputError(f"{unused[0]}: expected with --markers; a recording says it itself")
    with told() as tell:
        if markers is None:
            found = calibrate_files(traces, accelerator, device, tell)
        else:
            if len(traces) != 1 or accelerator is None:
                raise InputError("--markers: expected one trace, and --accelerator NAME")
            columns = trace_columns(time, power, None, unit, None, None, None, None, "line", gap, sensor)
            found = calibrate_marked(traces[0], markers, columns, count, accelerator, tell)
    if out is not None:
        write_text(out, overlay_text(found))
    if as_json:
        show_json(calibrated_data(found))
        return
    show(calibrated_text(found))
    if out is not None:
        show(f"\nwritten: {out}; clustersim --catalog {out} catalog --diff holds it against the shipped figures")
