"""The verb that serves the dashboard; the command line registers it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

import clustersim
from clustersim.cli.named_files import shipped
from clustersim.errors import InputError


def dashboard(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on this machine.")] = 8501,
    address: Annotated[
        str, typer.Option("--address", help="Address to listen on; anything else than this machine needs a proxy.")
    ] = "127.0.0.1",
    out: Annotated[Path, typer.Option("--out", help="Folder in which result folders are put.")] = Path("results"),
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="Runs at the same time.")] = 2,
    prepare: Annotated[
        bool, typer.Option("--prepare/--no-prepare", help="Run presets without a stored result while nobody asks.")
    ] = True,
) -> None:
    """Serve the dashboard on 127.0.0.1."""
    from clustersim.study.sweep.local_worker import THREADS

    if out.exists() and not out.is_dir():
        raise InputError(f"--out: expected a folder, found the file {out}")
    page = shipped("app") / "serve.py"
    typer.echo(f"dashboard at http://{address}:{port} (Ctrl-C ends it); results in {out}", err=True)
    options = ["--server.address", address, "--server.port", str(port)]
    paths = [str(Path(clustersim.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    # the page must find this very package, installed or not; the server takes our place, and with it every signal
    # threads of linear algebra: a page has little of it, and many threads only wait for each other
    inherited = (
        dict.fromkeys(THREADS, "1")
        | os.environ
        | {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "CLUSTERSIM_RESULTS": str(out.resolve()),
            "CLUSTERSIM_WORKERS": str(workers),
            "CLUSTERSIM_PREPARE": "yes" if prepare else "no",
        }
    )
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, str(page), *options], inherited)  # noqa: S606 (our own interpreter and page)
