"""Prices: the user's where given, the catalog's elsewhere, each with its source."""

from __future__ import annotations

from dataclasses import dataclass

from clustersim import catalog, units
from clustersim.catalog.store import sources
from clustersim.economics.facts import Accelerators
from clustersim.economics.spec import EconomicsSpec
from clustersim.errors import InputError

USER = "user"


@dataclass(frozen=True)
class Price:
    """A price or a life in SI, and where it comes from."""

    value: float
    source: str
    assumed: bool


def figure(kind: str, name: str, key: str) -> Price:
    """Return a figure of the catalog with the titles of its sources."""
    found = catalog.entry(kind, name).figure(key)
    known = sources(kind)
    titles = "; ".join(known[source].title for source in found.source.split(", "))
    return Price(found.value, titles, found.assumed)


def given_or(value: float | None, name: str, key: str) -> Price:
    """Return the user's value, or the figure `key` of the catalog price `name`."""
    return Price(value, USER, False) if value is not None else figure("prices", name, key)


def energy_price(text: str | None, default: str) -> Price:
    """Return the price of energy [USD/J] that `text` states or names; `default` is a catalog name.

    Raises
    ------
    InputError
        If the name is unknown, or its figure is not a price of energy.
    """
    if text is not None and text[:1].isdigit():
        return Price(units.parse(text, "price of energy"), USER, False)
    name = text or default
    found = catalog.entry("prices", name).figure("price")
    if found.unit not in units.TABLE["price of energy"]:
        raise InputError(f"catalog price {name!r} is in {found.unit}, expected a price of energy such as USD/MWh")
    return figure("prices", name, "price")


def server_price(spec: EconomicsSpec, accelerators: Accelerators) -> Price:
    """Return the price [USD] of one server: the user's, or that of its accelerators with their share of the server."""
    if accelerators.name in spec.server_prices:
        return Price(spec.server_prices[accelerators.name], USER, False)
    each = figure("accelerators", accelerators.name, "price.accelerator")
    return Price(each.value * accelerators.count / accelerators.servers, each.source, each.assumed)
