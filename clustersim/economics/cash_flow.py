"""What is paid when: capital cost, replacements, energy and operations by year, and what is left at the end."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from clustersim.economics.capital import annuity_factor, discount, no_interest
from clustersim.economics.lines import Line
from clustersim.units import HOUR_S, YEAR_S

CASH_COLUMNS = ("year", "group", "item", "usd", "present_usd")
HOURS = YEAR_S / HOUR_S


@dataclass(frozen=True)
class Asset:
    """Something bought at the start and again whenever its life is over."""

    item: str
    usd: float
    life_s: float
    rate: float
    """Yearly cost of capital. [-]"""
    residual: float = 0.0
    """Share of the price left at the end of the life. [-]"""


def cash_flow(
    assets: Sequence[Asset], running: Sequence[Line], horizon_s: float, years: float, rate: float
) -> pd.DataFrame:
    """Return the payments of some years by item.

    Capital cost falls due at the start of a life, running cost at the end of each year; at the end what the assets are
    still worth comes back as a negative payment, group ``residual``.

    Parameters
    ----------
    assets : sequence of Asset
        What is bought.
    running : sequence of Line
        Cost over `horizon_s`, the same in every year.
    horizon_s : float
        Time that `running` is of. [s]
    years : float
        Time that is looked at. [yr]
    rate : float
        Yearly cost of capital by which payments are discounted. [-]

    Returns
    -------
    pandas.DataFrame
        Columns :data:`CASH_COLUMNS`: year of the payment, group (``capex``, ``replacement``, ``energy``,
        ``operations``, ``residual``), item, payment and what it is worth at the start. [USD]
    """
    rows = [row for asset in assets for row in _bought(asset, years)]
    ends = [float(year) for year in range(1, math.ceil(years))] + [years]
    for line in running:
        yearly = line.usd * YEAR_S / horizon_s
        before = 0.0
        for end in ends:
            rows.append((end, line.group, line.item, yearly * (end - before)))
            before = end
    order = ("capex", "replacement", "energy", "operations", "residual")
    rows.sort(key=lambda row: (row[0], order.index(row[1])))
    table = [(*row, row[3] * discount(row[0], rate)) for row in rows]
    return pd.DataFrame(table, columns=list(CASH_COLUMNS)).astype({"year": "float64"})


def _bought(asset: Asset, years: float) -> Iterator[tuple[float, str, str, float]]:
    """Yield the purchases of an asset before the end, and what the last one is worth there."""
    life = asset.life_s / YEAR_S
    count = max(1, math.ceil(years / life - 1e-9))
    for number in range(count):
        yield number * life, "replacement" if number else "capex", asset.item, asset.usd
    left = worth(life, years - (count - 1) * life, asset.rate, asset.residual)
    if left > 0.0:
        yield years, "residual", asset.item, -asset.usd * left


def worth(life: float, age: float, rate: float, residual: float = 0.0) -> float:
    """Return what an asset is worth at an age, over its price: the yearly costs and the residual still to come. [-]

    ``a (1 - (1 + r)^-(L - n)) / r + s (1 + r)^-(L - n)`` with the annuity a; a straight line at ``r = 0``. With it the
    levelised cost of a few years equals the annuity of the whole life.
    """
    left = life - age
    yearly = annuity_factor(life * YEAR_S, rate, residual)
    if left <= 1e-12:
        return residual
    if no_interest(life, rate):
        return yearly * left + residual
    return -math.expm1(-left * math.log1p(rate)) / rate * yearly + residual * discount(left, rate)


def levelised_usd_per_h(flow: pd.DataFrame, years: float, rate: float) -> float:
    """Return the constant price of an hour, paid at the end of each year, whose present value is that of all payments.

    The net present value of all cost over that of the hours.
    """
    ends = [float(year) for year in range(1, math.ceil(years))] + [years]
    starts = [0.0, *ends[:-1]]
    hours = math.fsum((b - a) * HOURS * discount(b, rate) for a, b in zip(starts, ends, strict=True))
    return math.fsum(flow["present_usd"]) / hours
