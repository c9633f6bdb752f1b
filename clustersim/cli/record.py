"""The verb that records accelerators; the command line registers it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from clustersim.cli.options import JsonOption
from clustersim.cli.traces import quantity
from clustersim.console import show, show_json, told
from clustersim.errors import InputError, nearest


def record(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.parquet", help="Write the recording, whole or not at all.")
    ] = None,
    lasting: Annotated[str | None, typer.Option("--for", help="How long, '60 s'; else until Ctrl-C.")] = None,
    interval: Annotated[
        str | None,
        typer.Option("--interval", help="Between samples, '5 ms'; else a fifth of the refresh. With --from: of it."),
    ] = None,
    field: Annotated[
        str, typer.Option("--field", help="Power of the moment where the device tells it, or averaged: average.")
    ] = "instant",
    sweep: Annotated[
        bool,
        typer.Option("--sweep", help="First load --device with a duty-cycle sweep, which tells what its sensor shows."),
    ] = False,
    device: Annotated[str, typer.Option("--device", help="With --sweep: as PyTorch calls it.")] = "cuda:0",
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="An export of another tool in place of this machine.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="With --from: dcgm, ipmi or redfish; else by its content.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Record power, energy, clocks and temperature of this machine's GPUs; say what their sensors show."""
    from clustersim.report.record import record_data, record_text
    from clustersim.study.devices.record import check_file, read_from, write
    from clustersim.study.devices.record import record as record_meter

    if kind is not None and source is None:
        raise InputError("--kind: expected with --from")
    if source is not None and (lasting is not None or field != "instant" or sweep):
        raise InputError("--for, --field and --sweep: expected without --from")
    if field not in ("instant", "average"):
        raise InputError(f"--field: expected instant or average, got {field!r}{nearest(field, ('instant', 'average'))}")
    if out is not None:
        check_file(out)
    interval_s, for_s = quantity("interval", interval, "time"), quantity("for", lasting, "time")
    with told() as tell:
        if source is not None:
            tell("export")
            found = read_from(source, kind, interval_s)
        else:
            with _ended_by_termination():
                chosen: Literal["instant", "average"] = "average" if field == "average" else "instant"
                found = record_meter(for_s, interval_s, chosen, tell, sweep=device if sweep else None)
    if out is not None:
        write(out, found)
    if as_json:
        show_json(record_data(found) | {"file": None if out is None else str(out)})
        return
    show(record_text(found))
    if out is not None:
        show(f"\nwritten: {out}")


@contextmanager
def _ended_by_termination() -> Iterator[None]:
    """Let SIGTERM and SIGINT end a recording as Ctrl-C does, also where a shell started it in the background."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, signal.default_int_handler) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
