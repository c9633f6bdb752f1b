"""What a site costs to build and to run, and what a token costs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from clustersim import catalog
from clustersim.economics.facts import CostFacts
from clustersim.economics.prices import Price, energy_price, figure, given_or, server_price
from clustersim.economics.spec import YEAR_S, EconomicsSpec
from clustersim.errors import InputError

COST_COLUMNS = ("group", "item", "quantity", "unit", "unit_usd", "usd", "source", "assumed")
KWH_J, KW_W, MW_W = 3.6e6, 1e3, 1e6
FUEL_WORDS = {"natural_gas": "gas", "diesel": "diesel"}
"""Fuels with a price, and what they are called in the table."""


@dataclass(frozen=True)
class CostTable:
    """Cost by item, and the sums."""

    table: pd.DataFrame
    """Columns :data:`COST_COLUMNS`; group ``capex`` is spent once, ``depreciation``, ``energy`` and ``operations`` are
    of the horizon."""
    capex_usd: float
    depreciation_usd: float
    """Of the horizon. [USD]"""
    energy_usd: float
    """Of the horizon. [USD]"""
    operations_usd: float
    """Of the horizon. [USD]"""
    tco_usd_per_h: float
    """Depreciation, energy and operations per hour. [USD/h]"""
    usd_per_million_tokens: float | None
    """None when no token was trained."""
    usd_per_accelerator_hour: float
    stranded_w: float
    """IT power that is provisioned and, on average, not drawn. [W]"""
    stranded_usd: float
    """Building cost of that power. [USD]"""
    damping_usd: float
    """Energy that damping took over the horizon, at the mean price of energy; part of `energy_usd`. [USD]"""


@dataclass(frozen=True)
class _Line:
    group: str
    item: str
    quantity: float
    unit: str
    price: Price
    """Price of one `unit`."""

    @property
    def usd(self) -> float:
        return self.quantity * self.price.value

    def row(self) -> tuple[object, ...]:
        return (
            self.group, self.item, self.quantity, self.unit, self.price.value, self.usd, self.price.source,
            self.price.assumed,
        )  # fmt: skip


def _per(price: Price, factor: float) -> Price:
    """Return a price per SI unit as the price of `factor` units."""
    return Price(price.value * factor, price.source, price.assumed)


def _equipment(spec: EconomicsSpec, facts: CostFacts) -> Iterator[_Line]:
    """Yield what loses its value with the accelerators."""
    for kind in facts.accelerators:
        yield _Line("capex", f"servers: {kind.name}", kind.servers, "server", server_price(spec, kind))
    bill = Price(facts.network_usd, "bill of materials of the fabric", False)
    yield _Line("capex", "network", 1.0, "network", bill)


def _building(spec: EconomicsSpec, facts: CostFacts) -> Iterator[_Line]:
    """Yield what outlives the accelerators."""
    shell = _per(given_or(spec.building_price, "datacenter", "price"), MW_W)
    yield _Line("capex", "building and MEP", facts.provisioned_it_w / MW_W, "MW", shell)
    for generators in facts.generators:
        price = _per(figure("generators", generators.name, "capex"), KW_W)
        yield _Line("capex", f"generators: {generators.name}", generators.rated_w / KW_W, "kW", price)
    for battery in facts.batteries:
        price = _per(figure("batteries", battery.name, "price"), KWH_J)
        yield _Line("capex", f"battery: {battery.name}", battery.energy_j / KWH_J, "kWh", price)
    if facts.fibre_m > 0.0:
        yield _Line("capex", "fibre", facts.fibre_m, "m", figure("prices", "fibre", "price"))


def _energy(spec: EconomicsSpec, facts: CostFacts) -> Iterator[_Line]:
    """Yield energy over the horizon by source; fuel is priced by its higher heating value."""
    price = _per(energy_price(spec.electricity_price, "electricity_default"), KWH_J)
    if facts.grid_energy_j > 0.0:
        yield _Line("energy", "grid", facts.grid_energy_j / KWH_J, "kWh", price)
    for generators in facts.generators:
        if generators.energy_j == 0.0:
            continue
        fuel = fuel_of(generators.name)
        bought = energy_price(spec.diesel_price if fuel == "diesel" else spec.gas_price, fuel)
        ratio = _higher_over_lower(generators.name, fuel)
        burned = Price(
            bought.value * ratio.value * generators.fuel_j / generators.energy_j * KWH_J,
            f"{bought.source}; {ratio.source}; fuel as burned by {generators.name}",
            bought.assumed or ratio.assumed or figure("generators", generators.name, "heat_rate.lhv").assumed,
        )
        item = f"{FUEL_WORDS[fuel]}: {generators.name}"
        yield _Line("energy", item, generators.energy_j / KWH_J, "kWh", burned)


def fuel_of(generator: str) -> str:
    """Return what a generator of the catalog burns: `natural_gas` or `diesel`, both catalog prices.

    Raises
    ------
    InputError
        If its class burns something that has no price.
    """
    kind = catalog.entry("generators", generator).properties.get("class")
    found = catalog.entries("fuel").get(str(kind))
    fuel = "natural_gas" if found is None else str(found.properties.get("fuel", "natural_gas"))
    if fuel not in FUEL_WORDS:
        raise InputError(f"catalog fuel {kind}: fuel: expected {' or '.join(FUEL_WORDS)}, found {fuel!r}")
    return fuel


def _higher_over_lower(generator: str, fuel: str) -> Price:
    """Return the higher over the lower heating value of a fuel: that of the generator's class, else natural gas. [-]"""
    if fuel == "natural_gas":
        return figure("prices", fuel, "hhv_over_lhv")
    return figure("fuel", str(catalog.entry("generators", generator).properties["class"]), "hhv_over_lhv")


def annuity_factor(life_s: float, rate: float) -> float:
    """Return the yearly cost [1/yr] of one dollar spent once and paid back over its life.

    ``r / (1 - (1 + r)^-n)`` with n the life in years; ``1 / n``, straight-line depreciation, at ``r = 0``.

    Examples
    --------
    >>> annuity_factor(5 * 31557600.0, 0.0)
    0.2
    """
    years = life_s / YEAR_S
    if rate == 0.0:
        return 1.0 / years
    return rate / (1.0 - math.pow(1.0 + rate, -years))


def _depreciation(spec: EconomicsSpec, facts: CostFacts, item: str, capex: float, life: Price) -> _Line:
    yearly = Price(capex * annuity_factor(life.value, spec.capital_rate), life.source, life.assumed)
    return _Line("depreciation", item, facts.horizon_s / YEAR_S, "yr", yearly)


def estimate_cost(spec: EconomicsSpec, facts: CostFacts) -> CostTable:
    """Estimate capex, running cost and the cost of a token.

    Capex is servers, network, building and MEP, generators, batteries and fibre. The total cost of ownership per hour
    is depreciation of all of them plus energy and operations over the horizon, divided by the horizon. A token's cost
    is the same sum over the tokens that counted, ``tokens_per_s * goodput * horizon_s``.

    Parameters
    ----------
    spec : EconomicsSpec
        Prices and lives; what is left out comes from the catalog.
    facts : CostFacts
        Counts, powers, energies, throughput.

    Returns
    -------
    CostTable

    Raises
    ------
    InputError
        If a name or a price is not in the catalog.
    """
    equipment, building = list(_equipment(spec, facts)), list(_building(spec, facts))
    energy = list(_energy(spec, facts))
    short, long = (math.fsum(line.usd for line in lines) for lines in (equipment, building))
    depreciation = [
        _depreciation(
            spec, facts, "servers and network", short, given_or(spec.accelerator_life, "life", "accelerator")
        ),
        _depreciation(spec, facts, "building and plant", long, given_or(spec.building_life, "life", "building")),
    ]
    upkeep = _per(given_or(spec.operations_price, "datacenter", "operations"), MW_W * YEAR_S)
    megawatt_years = facts.provisioned_it_w / MW_W * facts.horizon_s / YEAR_S
    operations = [_Line("operations", "staff and upkeep", megawatt_years, "MW-yr", upkeep)]
    lines = [*equipment, *building, *depreciation, *energy, *operations]
    return _summary(spec, facts, lines)


def _summary(spec: EconomicsSpec, facts: CostFacts, lines: list[_Line]) -> CostTable:
    total = {
        group: math.fsum(line.usd for line in lines if line.group == group)
        for group in ("capex", "depreciation", "energy", "operations")
    }
    running = total["depreciation"] + total["energy"] + total["operations"]
    hours = facts.horizon_s / 3600.0
    tokens = facts.tokens_per_s * facts.goodput * facts.horizon_s
    accelerators = sum(kind.count for kind in facts.accelerators)
    supplied_j = facts.grid_energy_j + math.fsum(g.energy_j for g in facts.generators)
    stranded_w = facts.provisioned_it_w - facts.mean_it_w
    return CostTable(
        table=pd.DataFrame([line.row() for line in lines], columns=list(COST_COLUMNS)),
        capex_usd=total["capex"],
        depreciation_usd=total["depreciation"],
        energy_usd=total["energy"],
        operations_usd=total["operations"],
        tco_usd_per_h=running / hours,
        usd_per_million_tokens=running / tokens * 1e6 if tokens > 0.0 else None,
        usd_per_accelerator_hour=running / hours / accelerators if accelerators else math.nan,
        stranded_w=stranded_w,
        stranded_usd=stranded_w * given_or(spec.building_price, "datacenter", "price").value,
        damping_usd=facts.damping_energy_j * total["energy"] / supplied_j if supplied_j > 0.0 else 0.0,
    )
