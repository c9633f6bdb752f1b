"""Prices: the user's where given, the catalog's elsewhere, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clustersim import catalog, units
from clustersim.catalog.store import sources
from clustersim.economics.facts import Accelerators
from clustersim.economics.spec import EconomicsSpec
from clustersim.errors import InputError

USER = "user"
EXAMPLES = {
    "price of energy": "USD/MWh",
    "price of power per time": "USD/kW/month",
    "price of time": "USD/yr",
    "price of volume": "USD/m3",
}
"""Dimensions of prices that a field may name, with a unit of each."""


@dataclass(frozen=True)
class Price:
    """A price or a life in SI, and where it comes from."""

    value: float
    source: str
    assumed: bool
    low: float | None = None
    """Lower end of the catalog's band; the value itself when absent."""
    high: float | None = None

    @property
    def lowest(self) -> float:
        """Lower end of the band."""
        return self.value if self.low is None else self.low

    @property
    def highest(self) -> float:
        """Upper end of the band."""
        return self.value if self.high is None else self.high

    def times(self, factor: float) -> Price:
        """Return the price of `factor` units; `factor` is not negative."""
        return Price(
            self.value * factor, self.source, self.assumed, self.lowest * factor, self.highest * factor
        )  # fmt: skip


def figure(kind: str, name: str, key: str) -> Price:
    """Return a figure of the catalog with its band and the titles of its sources."""
    found = catalog.entry(kind, name).figure(key)
    known = sources(kind)
    titles = "; ".join(known[source].title for source in found.source.split(", "))
    return Price(found.value, titles, found.assumed, found.low, found.high)


def given_or(value: float | None, name: str, key: str) -> Price:
    """Return the user's value, or the figure `key` of the catalog price `name`."""
    return Price(value, USER, False) if value is not None else figure("prices", name, key)


def chosen(spec: EconomicsSpec, field: str, name: str, key: str) -> Price:
    """Return the user's value of a field, 0 too, else the cost case's figure, else the catalog's default."""
    value = getattr(spec, field)
    if value is None and spec.case is not None and catalog.entry("cost_cases", spec.case).has(field):
        return figure("cost_cases", spec.case, field)
    return given_or(value, name, key)


def capital_rate(spec: EconomicsSpec) -> Price:
    """Return the yearly cost of capital: the user's, 0 too, else the cost case's with its band, else 0. [-]"""
    if spec.capital_rate is None and spec.case is not None:
        return figure("cost_cases", spec.case, "capital_rate")
    return Price(spec.capital_rate or 0.0, USER, False)


def rate(spec: EconomicsSpec, field: str = "capital_rate") -> float:
    """Return the yearly cost of capital of servers, or of what outlives them (`building_rate`). [-]"""
    if field == "building_rate" and spec.building_rate is not None:
        return spec.building_rate
    return capital_rate(spec).value


def rent(spec: EconomicsSpec) -> Price | None:
    """Return the rent of the building per provisioned power and time [USD/W/s], or None where it is bought."""
    if spec.rent is None and spec.case is not None and catalog.entry("cost_cases", spec.case).has("rent"):
        return figure("cost_cases", spec.case, "rent")
    return None if spec.rent is None else price_of(spec.rent, "colocation", "price of power per time")


def grid_price(spec: EconomicsSpec) -> Price:
    """Return the price of energy from the grid: the user's, else the cost case's, else the catalog's. [USD/J]"""
    if spec.electricity_price is None and spec.case is not None:
        return figure("cost_cases", spec.case, "electricity_price")
    return energy_price(spec.electricity_price, "electricity_default")


def all_in(spec: EconomicsSpec) -> bool:
    """Whether the price of an accelerator holds network, storage and host nodes; so in every cost case."""
    return spec.all_in or spec.case is not None


def energy_price(text: str | None, default: str) -> Price:
    """Return the price of energy [USD/J] that `text` states or names; `default` is a catalog name.

    Raises
    ------
    InputError
        If the name is unknown, or its figure is not a price of energy.
    """
    return price_of(text, default, "price of energy")


def price_of(text: str | None, default: str, dimension: str, kind: str = "prices") -> Price:
    """Return the price that `text` states or names, in SI; `default` is a name of the catalog kind.

    Raises
    ------
    InputError
        If the name is unknown, or its figure is a price of something else.
    """
    if text is not None and text[:1].isdigit():
        return Price(units.parse(text, dimension), USER, False)
    name = text or default
    found = catalog.entry(kind, name).figure("price")
    if found.unit not in units.TABLE[dimension]:
        raise InputError(
            f"catalog price {name!r} is in {found.unit}, expected a {dimension} such as {EXAMPLES[dimension]}"
        )
    return figure(kind, name, "price")


def server_price(spec: EconomicsSpec, accelerators: Accelerators) -> Price:
    """Return the price [USD] of one server: the user's, or that of its accelerators with their share of the server.

    Raises
    ------
    InputError
        If prices are to be all-in and there is none for this accelerator.
    """
    name, each = accelerators.name, accelerators.count / accelerators.servers
    of_server, of_one = (_by_name(prices).get(name) for prices in (spec.server_prices, spec.accelerator_prices))
    if of_server is not None:
        return Price(of_server, USER, False)
    if of_one is not None:
        return Price(of_one, USER, False).times(each)
    if spec.case is not None:
        case = catalog.entry("cost_cases", spec.case)
        if case.properties["accelerator"] == name:
            return figure("cost_cases", spec.case, "accelerator_price").times(each)
    if all_in(spec):
        raise InputError(
            f"economics: expected an all-in price of {name}, found none; give economics.accelerator_prices.{name} or "
            "economics.server_prices, or leave out economics.case and economics.all_in"
        )
    return figure("accelerators", name, "price.accelerator").times(each)


def part_price(spec: EconomicsSpec, accelerators: Accelerators) -> Price:
    """Return the price [USD] of one accelerator as a spare part: the user's, the catalog's, else its share of a server.

    Raises
    ------
    InputError
        As of :func:`server_price`.
    """
    name = accelerators.name
    given = _by_name(spec.accelerator_prices).get(name)
    if given is not None:
        return Price(given, USER, False)
    if catalog.entry("accelerators", name).has("price.accelerator"):
        return figure("accelerators", name, "price.accelerator")
    return server_price(spec, accelerators).times(accelerators.servers / accelerators.count)


def _by_name(prices: Mapping[str, float]) -> dict[str, float]:
    """Return prices by the catalog's name of the accelerator, of which the user may give an alias."""
    return {catalog.entry("accelerators", name).name: usd for name, usd in prices.items()}
