"""Errors that a user can cause.

``ClustersimError`` is the root. ``InputError`` means that a file, a key or a command-line value is wrong: the command
line prints its message and exits with code 2. Anything else that escapes is a fault of the program (exit code 1).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

MOST_LINES = 200
"""Problems of one message: a list of a thousand wrong entries is told by its first ones."""
MOST_LETTERS = 2_000
"""Of one line: what was found may be a whole file."""
MOST_IN_ALL = 20_000
"""Letters of one message."""


class ClustersimError(Exception):
    """Root of every error that this package raises on purpose."""

    def __str__(self) -> str:
        """Return the message, as much of it as somebody reads."""
        return shortened(super().__str__())


class InputError(ClustersimError):
    """What the user gave is wrong; the message says where, what was expected and what was found."""


class UnitError(InputError, ValueError):
    """A quantity is not a number with a unit of the expected dimension."""


class CatalogError(InputError, KeyError):
    """A name or a figure is not in the catalog."""

    def __str__(self) -> str:
        """Return the message itself (``KeyError`` would quote it)."""
        return shortened(str(self.args[0]))


class CapacityError(InputError):
    """The job asks for more than the place has: memory, accelerators, power."""


def shortened(message: str) -> str:
    """Return a message without what is too much of it; beginning and end of a line stay."""
    half = MOST_LETTERS // 2
    lines = message.split("\n")
    told: list[str] = []
    for line in lines:
        short = line if len(line) <= MOST_LETTERS else f"{line[:half]} ... {line[-half:]}"
        if len(told) == MOST_LINES or sum(map(len, told)) + len(short) > MOST_IN_ALL:
            return "\n".join([*told, f"... and {len(lines) - len(told):,} more"])
        told.append(short)
    return "\n".join(told)


def problem_text(problem: Mapping[str, Any]) -> str:
    """Return ``key.path: what was expected`` of a problem that pydantic found; no path where it is of the whole record.

    Parameters
    ----------
    problem : mapping
        One of ``ValidationError.errors()``.
    """
    where = ".".join(str(part) for part in problem["loc"])
    text = str(problem["msg"]).removeprefix("Value error, ")
    return f"{where}: {text}" if where else text


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest of `known`, or the empty string when none is near."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {found[0]!r}?" if found else ""
