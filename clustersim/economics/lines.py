"""One line of the cost table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from clustersim.economics.prices import Price

COST_COLUMNS = ("group", "item", "quantity", "unit", "unit_usd", "usd", "source", "assumed")
KW_W, MW_W = 1e3, 1e6
OF_GRID = "grid"
"""Item of what is bought of the grid at one price, and beginning of the items of a tariff's bill."""


@dataclass(frozen=True)
class Line:
    """A quantity of something at a price; group ``capex`` is spent once, the others are of the horizon."""

    group: str
    item: str
    quantity: float
    unit: str
    price: Price
    """Price of one `unit`."""
    life_s: float | None = None
    """Of what wears out by itself; that of its class of assets where absent. [s]"""
    damps: bool = False
    """Whether it is there for damping."""

    @property
    def usd(self) -> float:
        """Cost. [USD]"""
        return self.quantity * self.price.value

    @property
    def spread_usd(self) -> tuple[float, float]:
        """How far the price's band lets the cost fall and rise. [USD]"""
        price = self.price
        return self.quantity * (price.value - price.lowest), self.quantity * (price.highest - price.value)

    def row(self) -> tuple[object, ...]:
        """Return the values of :data:`COST_COLUMNS`."""
        return (
            self.group, self.item, self.quantity, self.unit, self.price.value, self.usd, self.price.source,
            self.price.assumed,
        )  # fmt: skip


def item_of_bill(name: str) -> str:
    """Return the item under which a part of the grid's bill stands in the cost table."""
    return f"{OF_GRID}: {name}"


def bought_of_grid(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a cost table that are paid for the grid: energy, and demand and fixed charges of a bill."""
    return table[(table["item"] == OF_GRID) | table["item"].str.startswith(item_of_bill(""))]


def total(lines: Iterable[Line], *groups: str) -> float:
    """Return the sum of the lines of some groups, of all without any. [USD]"""
    return math.fsum(line.usd for line in lines if not groups or line.group in groups)


def spread(lines: Iterable[Line]) -> tuple[float, float]:
    """Return how far the bands of prices that do not depend on each other let a sum fall and rise. [USD]

    Root of the sum of squares, below and above.
    """
    found = [line.spread_usd for line in lines]
    return math.hypot(*(low for low, _ in found)), math.hypot(*(high for _, high in found))
