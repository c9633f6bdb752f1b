"""The command line, from the program itself: every verb with its arguments and options."""

from __future__ import annotations

from typing import Any

import typer.main
from typer.core import TyperGroup, TyperOption

from clustersim.cli import app
from site_pages.markdown import code, table


def commands() -> str:
    """Return every verb of the command line, and first the options of the program.

    Raises
    ------
    TypeError
        If the program has no verbs.
    """
    program = typer.main.get_command(app)
    if not isinstance(program, TyperGroup):
        raise TypeError(f"expected a program with verbs, found {type(program)}")
    verbs = [_verb(name, verb) for name, verb in sorted(program.commands.items())]
    return "\n\n".join([f"## {code('clustersim')}\n\n{_parameters(program)}", *verbs])


def _verb(name: str, verb: Any) -> str:
    told = " ".join((verb.help or "").split())
    words = [one.metavar for one in verb.params if not isinstance(one, TyperOption)]
    usage = " ".join(["clustersim", name, *words, "[OPTIONS]"])
    return f"## {code(name)}\n\n{told}\n\n```text\n{usage}\n```\n\n{_parameters(verb)}"


def _parameters(verb: Any) -> str:
    rows = [_row(one) for one in verb.params]
    return table(("argument or option", "what it is", "left out"), rows) if rows else ""


def _row(one: Any) -> tuple[str, str, str]:
    if not isinstance(one, TyperOption):
        return code(one.metavar), one.help or "", _default(one)
    value = "" if one.is_flag else f" {one.metavar or one.opts[-1].lstrip('-').replace('-', '_').upper()}"
    return code(f"{', '.join(one.opts)}{value}"), one.help or "", _default(one)


def _default(one: Any) -> str:
    if one.required:
        return "**required**"
    return "" if one.default in (None, False, ()) else code(str(one.default))
