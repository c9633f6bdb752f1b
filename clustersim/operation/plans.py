"""What a job has planned for the end of its step."""

from __future__ import annotations

from dataclasses import dataclass

from clustersim.operation.accounts import Category
from clustersim.operation.slowness import Absence, Straggler


@dataclass(frozen=True, eq=False)
class Drain:
    """The job is to save, stand still until a time, and start again on its servers."""

    cause: str
    until_s: float
    category: Category


@dataclass(frozen=True, eq=False)
class Rejoin:
    """Replicas are there again, with the weights."""

    absence: Absence


@dataclass(frozen=True, eq=False)
class Swap:
    """A straggler is known and its spare at hand."""

    straggler: Straggler


Planned = Drain | Rejoin | Swap
