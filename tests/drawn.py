"""How many inputs a test draws: as many as it says in `make test`, two and a half times as many in `make soak`."""

from __future__ import annotations

from hypothesis import settings

USUAL = 40
"""Examples of the profile of `make test`, in the root's `conftest.py`."""


def examples(few: int) -> int:
    """Return the examples of a test that draws `few` in `make test`, in the profile that is loaded."""
    return few * settings.default.max_examples // USUAL
