"""What the command line puts on the terminal and into files: progress, text, JSON, files whole or not at all."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from clustersim.errors import InputError


@contextmanager
def told() -> Iterator[Callable[[str], None]]:
    """Give a function that shows progress on stderr: a spinner on a terminal, else a line per part."""
    if not sys.stderr.isatty():
        yield lambda text: typer.echo(f".. {text}", err=True)
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        yield status.update


def show(text: str) -> None:
    """Print text; on a terminal verdicts are coloured."""
    if sys.stdout.isatty():
        text = re.sub(r"\bPASS\b", "\x1b[32mPASS\x1b[0m", re.sub(r"\bFAIL\b", "\x1b[31;1mFAIL\x1b[0m", text))
    typer.echo(text)


def show_json(data: dict[str, Any]) -> None:
    """Print one JSON object on stdout."""
    typer.echo(json.dumps(data, indent=1, allow_nan=False))


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, working = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(working).chmod(0o644)
        Path(working).replace(path)
    except OSError as error:
        Path(working).unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    except BaseException:
        Path(working).unlink(missing_ok=True)
        raise
