"""Energy prices by the hour, the load that sites give up because of them, and what that saves and costs.

A day of 24 prices repeats at each site, in its own standard time; days have 24 hours (no daylight saving).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError, nearest
from clustersim.operation.daily_load import hour_of_day
from clustersim.operation.facts import ExternalEvent
from clustersim.operation.spec_parts.sites import HOURS_OF_DAY, CurtailmentSpec, SitePricesSpec, SitesSpec
from clustersim.units import HOUR_S

CAUSE = "energy price"
Array = NDArray[np.float64]


def _edges(prices: Iterable[SitePricesSpec], start_s: float, horizon_s: float) -> Array:
    """Return the times at which any site's price may change, from 0 to the horizon [s]; shape (edges,)."""
    found = {0.0, horizon_s}
    for price in prices:
        first = (-(start_s + price.utc_offset)) % HOUR_S
        found.update(float(time) for time in np.arange(first, horizon_s, HOUR_S))
    return np.array(sorted(found))


def local_hour(price: SitePricesSpec, start_s: float, time_s: float) -> int:
    """Return the hour of the local day, 0 to 23, at `time_s` of a record that begins at `start_s` of the day in UTC.

    Examples
    --------
    >>> local_hour(SitePricesSpec(hourly=("30 USD/MWh",) * 24, utc_offset="-6 h"), 0.0, 3600.0)
    19
    """
    return hour_of_day(start_s + price.utc_offset + time_s)


def _dear_hours(price: SitePricesSpec, count: int) -> frozenset[int]:
    """Return the most expensive hours of a site's day; of equal ones the earlier."""
    order = sorted(range(HOURS_OF_DAY), key=lambda hour: (-price.hourly[hour], hour))
    return frozenset(order[:count])


def _given_up(rule: CurtailmentSpec, prices: Mapping[str, SitePricesSpec], hours: Mapping[str, int]) -> frozenset[str]:
    """Return the sites that give up load while it is the local hour `hours` at each of them."""
    now = {name: price.hourly[hours[name]] for name, price in prices.items()}
    if rule.above is not None:
        return frozenset(name for name, price in now.items() if price > rule.above)
    if rule.hours is not None:
        return frozenset(name for name, price in prices.items() if hours[name] in _dear_hours(price, rule.hours))
    cheapest = sorted(now, key=lambda name: (now[name], list(now).index(name)))
    return frozenset(cheapest[rule.run_cheapest or 0 :])


def price_events(spec: SitesSpec, sites: Sequence[str], horizon_s: float) -> dict[str, tuple[ExternalEvent, ...]]:
    """Return per site the stops or caps that its curtailment asks for; hours in a row are one event.

    Parameters
    ----------
    spec : SitesSpec
        Prices, rule and the time of day at which the record begins.
    sites : sequence of str
        Names of the sites; one without prices never gives up load.
    horizon_s : float
        Time that is looked at. [s]

    Raises
    ------
    InputError
        If prices are given for a site that is not there.
    """
    for name in spec.prices:
        if name not in sites:
            raise InputError(
                f"sites.prices.{name}: expected a site of the place ({', '.join(sites)}){nearest(name, sites)}"
            )
    rule = spec.curtailment
    if rule is None:
        return dict.fromkeys(sites, ())
    edges = _edges(spec.prices.values(), spec.start, horizon_s)
    stretches: dict[str, list[tuple[float, float]]] = {name: [] for name in sites}
    for begin, end in pairwise(edges):
        hours = {name: local_hour(price, spec.start, float(begin)) for name, price in spec.prices.items()}
        for name in sites:
            if name in spec.prices and name in _given_up(rule, spec.prices, hours):
                before = stretches[name]
                if before and before[-1][1] == begin:
                    before[-1] = (before[-1][0], float(end))
                else:
                    before.append((float(begin), float(end)))
    fraction = 1.0 if rule.cap is None else rule.cap
    effect: Literal["drain", "cap_fraction"] = "drain" if rule.response == "pause" else "cap_fraction"
    return {
        name: tuple(ExternalEvent(begin, end, CAUSE, effect, fraction) for begin, end in stretches[name])
        for name in sites
    }


@dataclass(frozen=True)
class Load:
    """What a site draws."""

    training_w: float
    """At full speed. [W]"""
    idle_w: float
    """While it does not train. [W]"""

    def at(self, speed: float) -> float:
        """Return the power at a speed between 0 (not training) and 1 [W]; linear between them."""
        return self.idle_w + (self.training_w - self.idle_w) * speed


def energy_cost(
    price: SitePricesSpec, start_s: float, load: Load, rows: Iterable[tuple[float, float, float]]
) -> tuple[float, float]:
    """Return energy [J] and its cost [USD] of a site that goes through `rows` of (begin [s], end [s], speed [-])."""
    energy, cost = [], []
    for begin, end, speed in rows:
        shift = (-(start_s + price.utc_offset)) % HOUR_S
        inside = np.arange(math.ceil((begin - shift) / HOUR_S) * HOUR_S + shift, end, HOUR_S)
        marks = [begin, *(float(mark) for mark in inside if begin < mark < end), end]
        for first, last in pairwise(marks):
            joules = load.at(speed) * (last - first)
            energy.append(joules)
            cost.append(joules * price.hourly[local_hour(price, start_s, first)])
    return math.fsum(energy), math.fsum(cost)


@dataclass(frozen=True)
class Saving:
    """What giving up load because of the price brings, against the same job and seed without."""

    saved_usd: float
    saved_j: float
    tokens_lost: float
    usd_per_million_tokens: float
    """Saved for each million of tokens not trained: below the value of the tokens it is a loss; infinite if none."""


def saving(
    cost: tuple[float, float], cost_without: tuple[float, float], tokens: float, tokens_without: float
) -> Saving:
    """Return the saving of a run whose energy [J] and cost [USD] are `cost`, against those of a run without it.

    Parameters
    ----------
    cost, cost_without : tuple of float
        Energy [J] and cost [USD], with and without giving up load.
    tokens, tokens_without : float
        Useful tokens.
    """
    saved, lost = cost_without[1] - cost[1], tokens_without - tokens
    return Saving(saved, cost_without[0] - cost[0], lost, saved / lost * 1e6 if lost > 0.0 else math.inf)
