"""What goes to a worker and what comes back: plain values only, so that any process on any machine can take them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Scalar = bool | int | float | str


@dataclass(frozen=True)
class Task:
    """One point of a study, resolved enough that a worker needs no file of the user."""

    point_id: str
    """Hash of what the answer depends on: the scenario, the settings, the level, the catalog, the version."""
    index: int
    """Place in the order of the study, from 0; not part of the answer."""
    payload: dict[str, Any]
    """Plain JSON."""


@dataclass(frozen=True)
class Outcome:
    """What a worker says of a point: a flat row, or why there is none."""

    point_id: str
    index: int
    row: dict[str, Scalar | None] | None
    """Column -> value; None where the point failed."""
    error: str | None
    """One line; None where the point has a row."""
    wall_s: float
    """Time that it took; not part of the answer. [s]"""


Work = Callable[[Task], Outcome]
"""A function of a module, importable in any worker; it never raises for what a point causes."""
