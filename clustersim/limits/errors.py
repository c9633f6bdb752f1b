"""Why something could not be judged."""

from __future__ import annotations


class NotJudgedError(Exception):
    """The evidence does not suffice for this window; the text says why."""
