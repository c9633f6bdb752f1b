"""What the command line puts on the terminal and into files: progress, text, JSON, files whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from clustersim.errors import InputError, shortened

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells use it."""


class Group(TyperGroup):
    """Turns wrong input and Ctrl-C into their exit codes, with one message and no traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a verb; exit code 2 for wrong input, 130 for Ctrl-C."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(2) from None
        except OSError as error:
            # a file that the user named and the system refuses: no permission, too long a name, a folder in its place
            if error.filename is None:
                raise
            typer.echo(f"error: {shortened(str(error.filename))}: {error.strerror}", err=True)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            typer.echo("interrupted; nothing was left half-written", err=True)
            raise typer.Exit(INTERRUPTED) from None


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
    """Write a file whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    write_all({path: text})


def write_all(texts: Mapping[Path, str | bytes]) -> None:
    """Write several files, all of them whole or none at all.

    Every text is first written beside its target; only when all are there do they take their names.

    Raises
    ------
    InputError
        If one cannot be written; folders that were made for them are gone again.
    """
    made: list[Path] = []
    working: dict[Path, Path] = {}
    done = False
    try:
        for path, text in texts.items():
            try:
                if path.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                for folder in reversed([one for one in path.parents if not one.exists()]):
                    folder.mkdir()
                    made.append(folder)
                handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
                working[path] = Path(name)
                with os.fdopen(handle, "wb") as file:
                    file.write(text.encode() if isinstance(text, str) else text)
                working[path].chmod(0o644)
            except OSError as error:
                raise InputError(f"{path}: cannot be written: {error.strerror}") from None
        for path in list(working):
            try:
                working[path].replace(path)
            except OSError as error:
                raise InputError(f"{path}: cannot be written: {error.strerror}") from None
            del working[path]
        done = True
    finally:
        for left in working.values():
            left.unlink(missing_ok=True)
        for folder in reversed(() if done else made):
            with suppress(OSError):
                folder.rmdir()
