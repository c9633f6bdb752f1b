"""Errors that a user can cause.

``ClustersimError`` is the root. ``InputError`` means that a file, a key or a command-line value is wrong: the command
line prints its message and exits with code 2. Anything else that escapes is a fault of the program (exit code 1).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ClustersimError(Exception):
    """Root of every error that this package raises on purpose."""


class InputError(ClustersimError):
    """What the user gave is wrong; the message says where, what was expected and what was found."""


class UnitError(InputError, ValueError):
    """A quantity is not a number with a unit of the expected dimension."""


class CatalogError(InputError, KeyError):
    """A name or a figure is not in the catalog."""

    def __str__(self) -> str:
        """Return the message itself (``KeyError`` would quote it)."""
        return str(self.args[0])


class CapacityError(InputError):
    """The job asks for more than the place has: memory, accelerators, power."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest of `known`, or the empty string when none is near."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {found[0]!r}?" if found else ""
