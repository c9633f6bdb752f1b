"""What the command line puts on the terminal: progress, text, JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
