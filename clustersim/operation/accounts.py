"""Where the time of a job went: seconds by category and cause, and shares that add up to one exactly."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Category = Literal["useful", "lost_work", "restart", "checkpoint", "evaluation", "straggler", "idle", "curtailed"]
CATEGORIES: tuple[Category, ...] = get_args(Category)
WORK = "none"
"""Cause of useful work."""
Slowed = tuple[Category, str, float]
"""What slows the training: the category of the time that it takes, its cause, the speed that it leaves. [-]"""


@dataclass(frozen=True)
class Accounts:
    """Time by category and cause; the shares of the categories add up to one exactly."""

    seconds: Mapping[tuple[Category, str], float]
    """Time by category and cause; categories in the order of :data:`CATEGORIES`, causes in that of the first. [s]"""
    shares: Mapping[Category, float]
    """Share of the time of every category; ``math.fsum`` of them is 1.0, or 0.0 where there is no time. [-]"""
    total_s: float
    """Time that is accounted for. [s]"""

    @property
    def goodput(self) -> float:
        """Share of the time in which work was done that counted in the end. [-]"""
        return self.shares["useful"]

    def by_cause(self, category: Category) -> dict[str, float]:
        """Return the seconds of one category by cause."""
        return {cause: seconds for (name, cause), seconds in self.seconds.items() if name == category}


def accounts_of(entries: Iterable[tuple[Category, str, float]], total_s: float) -> Accounts:
    """Return the accounts of entries (category, cause, seconds) that tile `total_s`.

    The share of useful work is what the others leave, so that the shares close exactly: with the sum ``x`` of the
    others rounded once, ``1 - x`` is off by at most 2^-54, which a sum rounded once takes to 1. Where no work was
    useful, the largest of the others is the one that is left.

    Examples
    --------
    >>> found = accounts_of([("useful", "none", 2.0), ("restart", "gpu", 1.0)], 3.0)
    >>> math.fsum(found.shares.values()), round(found.goodput, 9)
    (1.0, 0.666666667)
    """
    parts: dict[tuple[Category, str], list[float]] = {}
    for category, cause, seconds in entries:
        if seconds > 0.0:
            parts.setdefault((category, cause), []).append(seconds)
    order = {category: index for index, category in enumerate(CATEGORIES)}
    keys = sorted(parts, key=lambda key: order[key[0]])
    seconds_by = {key: math.fsum(parts[key]) for key in keys}
    if not keys:
        return Accounts({}, dict.fromkeys(CATEGORIES, 0.0), total_s)
    shares = {
        category: math.fsum(s for (name, _), s in seconds_by.items() if name == category) / total_s
        for category in CATEGORIES
    }
    rest = "useful" if shares["useful"] > 0.0 else max(CATEGORIES, key=lambda category: shares[category])
    shares[rest] = math.fsum((1.0, *(-share for category, share in shares.items() if category != rest)))
    return Accounts(seconds_by, shares, total_s)


def nothing() -> Accounts:
    """Return the accounts of no time at all."""
    return accounts_of((), 0.0)


def split(seconds: float, slowed: Iterable[Slowed]) -> list[tuple[Category, str, float]]:
    """Return `seconds` of training, divided in order into what each thing that slows it takes and what is useful.

    A speed that is the product of factors ``f1 f2 ...`` loses ``1 - f1`` to the first, ``f1 (1 - f2)`` to the second.
    """
    found: list[tuple[Category, str, float]] = []
    left = 1.0
    for category, cause, factor in slowed:
        found.append((category, cause, seconds * left * (1.0 - factor)))
        left *= factor
    found.append(("useful", WORK, seconds * left))
    return found
