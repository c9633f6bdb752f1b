"""The verb that answers every point of a study; the command line registers it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from clustersim.cli.options import JsonOption, SetOption
from clustersim.console import INTERRUPTED, show, show_json, told
from clustersim.errors import InputError
from clustersim.whole_file import write_text

if TYPE_CHECKING:
    from clustersim.study.sweep.collect import Engine
    from clustersim.study.sweep.records import Outcome
    from clustersim.study.sweep.store import Store
    from clustersim.study.sweep.study import Study
    from clustersim.study.sweep.sweep import Sweep

EVERY_S = 10.0
"""How often a line of progress is written where stderr is no terminal. [s]"""
SHOWN = 10
"""Points that a dry run shows."""


def sweep(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Study file, or the name of a shipped one.")],
    engine: Annotated[Literal["local", "dask"], typer.Option("--engine", help="Where points are answered.")] = "local",
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, max=1024, help="Processes at the same time; left out: by cores.")
    ] = None,
    address: Annotated[
        str | None, typer.Option("--address", help="With --engine dask: a scheduler that runs, tcp://host:8786.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder in which the store's folder is put.")] = Path("results"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a store: only what is missing.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Go on, and answer points again that failed.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Begin anew; what the store holds is gone.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Lay out and check the points, and run none.")] = False,
    as_json: JsonOption = False,
    settings: SetOption = None,
) -> None:
    """Answer every point of a study, here or on a cluster; what is done stays done."""
    from clustersim.study.sweep.sweep import lay_out

    if address is not None and engine != "dask":
        raise InputError("--address: expected with --engine dask")
    if force and (resume or retry_failed):
        raise InputError("--force: begins anew; expected without --resume and --retry-failed")
    loaded = _study(study, settings)
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}", err=True)
    folder = out / f"sweep-{loaded.spec.name}"
    with told() as tell:
        found = lay_out(loaded, tell)
        if dry_run:
            _dry(found, as_json)
            return
        ready(folder, resume or retry_failed, force)
        how = engine_of(engine, workers, address, tell)
        again = _again(study, engine, address, out, settings)
        answer_points(found, folder, how, tell, again, retry_failed=retry_failed)
        tell(f"{loaded.spec.name}: page")
    _finish(folder, as_json)


def _study(text: str, settings: Sequence[str] | None) -> Study:
    """Return the study that `text` means: a file, or a shipped one by name."""
    from clustersim.scenario import located, parse_override
    from clustersim.study.sweep.study import load_study

    path = Path(text)
    found = located(text, "studies") if path.suffix not in (".yaml", ".yml") else path
    return load_study(found, dict(parse_override(item) for item in settings or []))


def ready(folder: Path, resume: bool, force: bool) -> None:
    """Refuse a store with rows unless it is to go on; one without rows, or with `force`, is begun anew."""
    from clustersim.study.sweep.discard import discard
    from clustersim.study.sweep.reading import is_store, read_points

    if not is_store(folder):
        return

    rows = 0 if force else read_points(folder).num_rows
    if rows and not resume:
        raise InputError(f"{folder}: there are {rows:,} rows already: --resume goes on with them, --force begins anew")
    if not rows:
        discard(folder)


def engine_of(
    engine: str, workers: int | None, address: str | None, tell: Callable[[str], None]
) -> AbstractContextManager[Engine]:
    """Return where points are answered: processes here, or the workers of a dask scheduler."""
    if engine == "dask":
        from clustersim.study.sweep.dask_engine import DaskEngine

        return DaskEngine(address, workers, tell)
    from clustersim.study.sweep.local_engine import LocalEngine

    return LocalEngine(workers)


def answer_points(
    found: Sweep,
    folder: Path,
    engine: AbstractContextManager[Engine],
    tell: Callable[[str], None],
    again: str,
    *,
    retry_failed: bool = False,
) -> None:
    """Answer what is missing; on Ctrl-C say how to go on (`again`), and leave with 130.

    Raises
    ------
    InputError
        If the store is of another study or cannot be written; what was answered stays.
    """
    from clustersim.study.sweep.store import Store
    from clustersim.study.sweep.sweep import run_sweep, todo

    with Store.open(folder, found.header, found.columns, found.about) as store:
        try:
            left = len(todo(found, store, retry_failed=retry_failed))
            if left:
                with engine as started:
                    run_sweep(
                        found, started, store, _progress(left, len(found.places), tell), retry_failed=retry_failed
                    )
            store.finish()
        except KeyboardInterrupt:
            _stopped(store, found, folder, again)
            raise typer.Exit(INTERRUPTED) from None


def _stopped(store: Store, found: Sweep, folder: Path, again: str) -> None:
    typer.echo(f"interrupted; {len(store):,} of {found.rows:,} rows are in {folder}", err=True)
    typer.echo(f"go on with: {again}", err=True)


def _again(study: str, engine: str, address: str | None, out: Path, settings: Sequence[str] | None) -> str:
    """Return the command that goes on with a sweep."""
    import shlex

    parts = ["clustersim", "sweep", study, "--resume"]
    parts += ["--engine", engine] if engine != "local" else []
    parts += ["--address", address] if address else []
    parts += ["--out", str(out)] if out != Path("results") else []
    for item in settings or []:
        parts += ["--set", item]
    return shlex.join(parts)


def _progress(left: int, points: int, tell: Callable[[str], None]) -> Callable[[Outcome], None]:
    """Return what is told each point: it says how many are done, the rate, and the time left."""
    from clustersim.study.sweep.pace import Pace

    pace, said = Pace(left, points), time.monotonic()
    terminal = sys.stderr.isatty()

    def one(outcome: Outcome) -> None:
        nonlocal said
        pace.count(outcome)
        now = time.monotonic()
        if not terminal and pace.done < left and now - said < EVERY_S:
            return
        said = now
        tell(pace.text)

    return one


def _dry(found: Sweep, as_json: bool) -> None:
    """Show the points of a study."""
    from clustersim.report.words import columns

    spec = found.study.spec
    first = [index for places in list(found.places.values())[:SHOWN] for index in places[:1]]
    rows = [found.points.at(index).columns for index in first]
    if as_json:
        counts = {"points": found.points.total, "kept": found.rows, "different": len(found.places)}
        show_json({"name": spec.name, **counts, "columns": found.columns, "first": rows})
        return
    head = list(rows[0])
    show(
        f"{spec.title}\n{spec.name}: {found.points.total:,} points, {found.rows:,} meet the constraints, "
        f"{len(found.places):,} of them different; evaluate: {spec.evaluate}\n"
    )
    show(columns(head, [[_cell(row[name]) for name in head] for row in rows], left=len(head)))
    if found.rows > len(first):
        show(f"  ... {found.rows - len(first):,} more")


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _finish(folder: Path, as_json: bool) -> None:
    """Write the page, and say what the rows come to."""
    from clustersim.report.sweep import sweep_data, sweep_html, sweep_text
    from clustersim.study.sweep.discard import PAGE
    from clustersim.study.sweep.overview import overview

    seen = overview(folder)
    page = folder / PAGE
    write_text(page, sweep_html(seen))
    if as_json:
        show_json(sweep_data(seen))
        return
    show(sweep_text(seen))
    show(f"\nrows  {folder / 'points.parquet'}\npage  {page}")
