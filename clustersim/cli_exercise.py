"""``clustersim exercise``: load the accelerator at hand by a script while its power is recorded."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from clustersim.cli_options import JsonOption
from clustersim.console import INTERRUPTED, show, show_json, told
from clustersim.errors import InputError


@contextmanager
def _stop_asked() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether Ctrl-C was pressed; pressed again it interrupts at once."""
    asked = False

    def ask(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        typer.echo("stopping after the running part; Ctrl-C again stops at once and writes nothing", err=True)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


def exercise(
    patterns: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATTERN]...", help="levels, products, duty, step, dummy; one after another."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Recording to write, .parquet.")] = None,
    device: Annotated[str, typer.Option("--device", help="As PyTorch calls it.")] = "cuda:0",
    scale: Annotated[float, typer.Option("--scale", help="On all lengths: 0.1 takes about a tenth.")] = 1.0,
    seed: Annotated[int, typer.Option("--seed", help="Of orders and operands.")] = 0,
    list_only: Annotated[bool, typer.Option("--list", help="Print the patterns with their lengths and stop.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done and stop.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Load the GPU at hand by a script while its power is recorded; settings of the GPU stay as they are."""
    from clustersim.report import exercise as report
    from clustersim.study.exercise import exercise as run
    from clustersim.study.exercise import scripts

    if list_only or dry_run:
        if dry_run and not patterns:
            raise InputError("exercise --dry-run: expected a pattern; --list names them")
        made = scripts(patterns or (), scale, seed)
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
        found = run(patterns, out, device, scale, seed, tell, stop)
    if as_json:
        show_json(report.exercised_data(found, out))
    else:
        show(report.exercised_text(found, out))
    if found.stopped:
        typer.echo(f"stopped by Ctrl-C; what was recorded until then is in {out}", err=True)
        raise typer.Exit(INTERRUPTED)
