"""Rates of traffic classes that run at the same time on a fabric."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import nearest
from clustersim.fabric.maxmin import fill
from clustersim.fabric.traffic import TrafficClass

MOST_CLASSES = 6
"""Most classes of one table: it has a row for every set of them."""


@dataclass(frozen=True)
class RateTable:
    """Rate of each class for every set of classes that are active together; a read-only look-up, without a clock."""

    classes: tuple[str, ...]
    """Names, in the order of the bits of a set."""
    rates: NDArray[np.float64]
    """Rate at which one accelerator sends. [B/s], shape (2 ** classes, classes).

    Row ``sum(2**i for active class i)``; 0 for a class that is not in the set, infinite for one that uses nothing.
    """

    def __post_init__(self) -> None:
        """Make the array read-only."""
        self.rates.setflags(write=False)

    def mask(self, active: Collection[str]) -> int:
        """Return the row of the set `active`.

        Raises
        ------
        KeyError
            If a name is not a class of the table.
        """
        return sum(1 << self._index(name) for name in set(active))

    def rate(self, name: str, active: Collection[str]) -> float:
        """Return the rate of `name` while the classes of `active`, itself among them, are active [B/s].

        Raises
        ------
        KeyError
            If a name is not a class of the table.
        ValueError
            If `name` is not in `active`.
        """
        if name not in active:
            raise ValueError(f"class {name!r} has no rate while only {sorted(active)} are active")
        return float(self.rates[self.mask(active), self._index(name)])

    def _index(self, name: str) -> int:
        if name not in self.classes:
            raise KeyError(f"no traffic class {name!r}{nearest(name, self.classes)}")
        return self.classes.index(name)


def rate_table(classes: Sequence[TrafficClass], resources: Mapping[str, float]) -> RateTable:
    """Return the max-min rate of each class for every set of classes.

    All accelerators of a class are alike, so each resource is the share of one accelerator, and a class is one flow
    that loads resource r with ``usage[r]`` bytes per byte: rates x rise together, in proportion to weight, until
    ``sum_c usage[c, r] x_c = resources[r]``. A class moves at the pace of its slowest part, as a collective does.

    Parameters
    ----------
    classes : sequence of TrafficClass
        At most six, of different names.
    resources : mapping of str to float
        What one accelerator can send through each resource. [B/s]

    Raises
    ------
    ValueError
        If there are more than six classes, or two of one name, or a class uses a resource that is not given.
    """
    names = tuple(item.name for item in classes)
    if len(names) > MOST_CLASSES or len(set(names)) != len(names):
        raise ValueError(f"expected at most {MOST_CLASSES} classes of different names, got {names}")
    order = {resource: index for index, resource in enumerate(resources)}
    for item in classes:
        if missing := set(item.usage) - set(order):
            raise ValueError(f"traffic class {item.name!r} uses {sorted(missing)}, which the place does not have")
    capacity = np.array(list(resources.values()), dtype=np.float64)
    rates = np.zeros((1 << len(names), len(names)))
    for row in range(1, len(rates)):
        active = [index for index in range(len(names)) if row >> index & 1]
        rates[row, active] = _rates_of([classes[index] for index in active], order, capacity)
    return RateTable(names, rates)


def _rates_of(
    active: Sequence[TrafficClass], order: Mapping[str, int], capacity: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the rates of classes that run together."""
    entries = [
        (flow, order[name], use) for flow, item in enumerate(active) for name, use in item.usage.items() if use > 0.0
    ]
    flow = np.array([entry[0] for entry in entries], dtype=np.int64)
    link = np.array([entry[1] for entry in entries], dtype=np.int64)
    load = np.array([entry[2] for entry in entries], dtype=np.float64)
    return fill(capacity, flow, link, load, np.array([item.weight for item in active]))
