"""``clustersim exercise``: load the accelerator at hand by a script while its power is recorded."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from clustersim.cli.options import JsonOption
from clustersim.console import INTERRUPTED, show, show_json, told
from clustersim.ending import ENDING
from clustersim.errors import InputError


@contextmanager
def _stop_asked() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether Ctrl-C was pressed; pressed again, or at SIGTERM and SIGHUP, it ends at once.

    It ends once only: what comes after is not heard, for settings that were changed are being set back. Signals that
    are ignored, as ``nohup`` has it, stay so.
    """
    asked = ended = False

    def ask(number: int, _frame: FrameType | None) -> None:
        nonlocal asked, ended
        if ended:
            return
        if asked or number != signal.SIGINT:
            ended = True
            raise KeyboardInterrupt
        asked = True
        with suppress(OSError):  # nobody may be left to read it
            typer.echo("stopping after the running part; Ctrl-C again stops at once and writes nothing", err=True)

    heard = [one for one in ENDING if signal.getsignal(one) not in (signal.SIG_IGN, None)]
    before = {one: signal.signal(one, ask) for one in heard}
    try:
        yield lambda: asked
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _values(option: str, text: str | None, unit: str) -> tuple[float, ...]:
    """Return the values in ``450 W, 550 W``; the unit may be left out."""
    values = []
    for part in (text or "").split(",") if text is not None else ():
        number = part.strip().removesuffix(unit).strip()
        try:
            values.append(float(number))
        except ValueError:
            raise InputError(f"{option}: expected numbers of {unit} between commas, found {part.strip()!r}") from None
    return tuple(values)


def exercise(
    patterns: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATTERN]...", help="levels, products, duty, step, dummy, limits, clocks; one after another."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Recording to write, .parquet.")] = None,
    device: Annotated[str, typer.Option("--device", help="As PyTorch calls it.")] = "cuda:0",
    scale: Annotated[float, typer.Option("--scale", help="On all lengths: 0.1 takes about a tenth.")] = 1.0,
    seed: Annotated[int, typer.Option("--seed", help="Of orders and operands.")] = 0,
    permit_limits: Annotated[
        str | None,
        typer.Option(
            "--permit-limits", metavar="'450 W, 550 W'", help="Power limits to set for `limits`, and back; as root."
        ),
    ] = None,
    permit_clocks: Annotated[
        str | None,
        typer.Option(
            "--permit-clocks", metavar="'1000, 1400'", help="Clocks [MHz] to lock for `clocks`, and unlock; as root."
        ),
    ] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Print the patterns with their lengths and stop.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done and stop.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Load the GPU at hand by a script while its power is recorded.

    Settings of the GPU stay as they are, but for those permitted by an option; these are set back.
    """
    from clustersim.report import exercise as report
    from clustersim.study.devices.exercise import Permitted, check_permitted, scripts
    from clustersim.study.devices.exercise import exercise as run

    permitted = Permitted(
        _values("--permit-limits", permit_limits, "W"), _values("--permit-clocks", permit_clocks, "MHz")
    )

    if list_only or dry_run:
        if dry_run and not patterns:
            raise InputError("exercise --dry-run: expected a pattern; --list names them")
        if dry_run:
            check_permitted(patterns or (), permitted)
        made = scripts(patterns or (), scale, seed, permitted=permitted)
        if as_json:
            show_json(report.list_data(made) if list_only else report.scripts_data(made))
        else:
            show(report.list_text(made) if list_only else report.scripts_text(made))
        return
    if not patterns:
        raise InputError("exercise: expected a pattern; --list names them")
    if out is None:
        raise InputError("exercise: expected --out FILE.parquet, found none")
    with told() as tell, _stop_asked() as stop:
        found = run(patterns, out, device, scale, seed, tell, stop, permitted=permitted)
    if as_json:
        show_json(report.exercised_data(found, out))
    else:
        show(report.exercised_text(found, out))
    if found.stopped:
        typer.echo(f"stopped by Ctrl-C; what was recorded until then is in {out}", err=True)
        raise typer.Exit(INTERRUPTED)
