"""What a site costs to run: energy by source, rent, staff, upkeep, licences, what wears out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from clustersim import catalog
from clustersim.catalog.fuels import fuel_burned, heating_values
from clustersim.economics.carbon import carbon, grid_intensity
from clustersim.economics.facts import CostFacts, MeterCourse
from clustersim.economics.lines import MW_W, OF_GRID, Line, item_of_bill, total
from clustersim.economics.meter import MeterRecord
from clustersim.economics.prices import (
    USER,
    Price,
    chosen,
    energy_price,
    figure,
    grid_price,
    part_price,
    price_of,
    rent,
)
from clustersim.economics.spec import EconomicsSpec
from clustersim.economics.tariff import BillLine, bill
from clustersim.economics.tariffs import tariff_of
from clustersim.economics.water_price import water_price
from clustersim.errors import InputError
from clustersim.units import KWH_J, YEAR_S

TONNE_KG = 1e3
FUEL_WORDS = {"natural_gas": "gas", "diesel": "diesel"}
"""Fuels with a price, and what they are called in the table."""
FTE_MW = 100e6
"""Power that the catalog's number of staff is for. [W]"""


def energy(spec: EconomicsSpec, facts: CostFacts) -> Iterator[Line]:
    """Yield energy over the horizon by source; fuel is priced by its higher heating value.

    Raises
    ------
    InputError
        If a fuel has no price, or no higher over lower heating value.
    """
    yield from grid(spec, facts)
    for generators in facts.generators:
        if generators.energy_j == 0.0:
            continue
        fuel = fuel_of(generators.name)
        bought = energy_price(spec.diesel_price if fuel == "diesel" else spec.gas_price, fuel)
        burns = heating_values(_class_of(generators.name))
        ratio = figure(burns.kind, burns.name, "hhv_over_lhv")
        scaled = bought.times(ratio.value * generators.fuel_j / generators.energy_j * KWH_J)
        burned = Price(
            scaled.value,
            f"{bought.source}; {ratio.source}; fuel as burned by {generators.name}",
            bought.assumed or ratio.assumed or figure("generators", generators.name, "heat_rate.lhv").assumed,
            scaled.low,
            scaled.high,
        )
        item = f"{FUEL_WORDS[fuel]}: {generators.name}"
        yield Line("energy", item, generators.energy_j / KWH_J, "kWh", burned)
    yield from carbon_paid(spec, facts)


def grid(spec: EconomicsSpec, facts: CostFacts) -> Iterator[Line]:
    """Yield energy bought: at one price, or the items of the tariff's bill with the months and sites added up.

    Raises
    ------
    InputError
        If there is a tariff and no course of the power at the meters.
    """
    if facts.grid_energy_j <= 0.0:
        return
    if spec.tariff is None:
        yield Line("energy", OF_GRID, facts.grid_energy_j / KWH_J, "kWh", grid_price(spec).times(KWH_J))
        return
    if not facts.meters:
        raise InputError("economics.tariff: expected the course of the power at the meters, found none")
    tariff = tariff_of(spec.tariff)
    found: dict[tuple[str, str], list[BillLine]] = {}
    for meter in facts.meters:
        for item in bill(tariff, meter_record(spec, meter)).items():
            found.setdefault((item.item, item.unit), []).append(item)
    for (name, unit), same in found.items():
        quantity, usd = math.fsum(one.quantity for one in same), math.fsum(one.usd for one in same)
        if quantity > 0.0:
            cited = same[0].cited
            yield Line("energy", item_of_bill(name), quantity, unit, Price(usd / quantity, cited.source, cited.assumed))


def meter_record(spec: EconomicsSpec, meter: MeterCourse) -> MeterRecord:
    """Return the record of a meter that a bill is written for."""
    return MeterRecord(spec.billing_start, np.array(meter.edges_s), np.array(meter.watts), meter.power_factor)


def carbon_paid(spec: EconomicsSpec, facts: CostFacts) -> Iterator[Line]:
    """Yield the price of the carbon dioxide of fuel and, where its intensity is given, of the grid's energy."""
    if spec.carbon_price == 0.0:
        return
    of_grid = 0.0 if spec.grid_carbon is None else grid_intensity(spec.grid_carbon).value
    emitted = carbon(facts.grid_energy_j, facts.grid_energy_j, facts.fuel_co2_kg, 0.0, of_grid)
    if emitted.total_kg > 0.0:
        price = Price(spec.carbon_price * TONNE_KG, USER, False)
        yield Line("energy", "carbon dioxide", emitted.total_kg / TONNE_KG, "t", price)


def fuel_of(generator: str) -> str:
    """Return what a generator of the catalog burns: `natural_gas` or `diesel`, both catalog prices.

    Raises
    ------
    InputError
        If its class burns something that has no price.
    """
    kind = _class_of(generator)
    fuel = fuel_burned(kind)
    if fuel not in FUEL_WORDS:
        raise InputError(f"catalog fuel {kind}: fuel: expected {' or '.join(FUEL_WORDS)}, found {fuel!r}")
    return fuel


def _class_of(generator: str) -> str:
    return str(catalog.entry("generators", generator).properties.get("class"))


def operations(spec: EconomicsSpec, facts: CostFacts, capex: Sequence[Line]) -> Iterator[Line]:
    """Yield what running costs over the horizon besides energy; `capex` holds the lines of capital cost."""
    years = facts.horizon_s / YEAR_S
    upkeep = chosen(spec, "operations_price", "datacenter", "operations").times(MW_W * YEAR_S)
    megawatt_years = facts.provisioned_it_w / MW_W * years
    yield Line("operations", "staff and upkeep", megawatt_years, "MW-yr", upkeep)
    if facts.water_m3 > 0.0:
        yield Line("operations", "water", facts.water_m3, "m3", water_price(spec.water_price))
    paid = rent(spec)
    if paid is not None:
        yield Line("operations", "rent of the building", megawatt_years, "MW-yr", paid.times(MW_W * YEAR_S))
    if facts.fibre_m > 0.0 and spec.fibre == "lease":
        yield Line("operations", "lease of fibre", facts.fibre_m * years, "m-yr", fibre_lease())
    if spec.software is not None:
        licences = sum(kind.count for kind in facts.accelerators) * years
        each = price_of(spec.software, "software", "price of time").times(YEAR_S)
        yield Line("operations", "software licences", licences, "accelerator-yr", each)
    if spec.network_upkeep > 0.0:
        network = total(line for line in capex if line.item == "network")
        yield Line(
            "operations", "support of the network", years, "yr", Price(network * spec.network_upkeep, USER, False)
        )
    if spec.taxes_and_insurance > 0.0:
        share = Price(total(capex) * spec.taxes_and_insurance, USER, False)
        yield Line("operations", "taxes and insurance", years, "yr", share)
    if spec.failed_parts == "bought":
        yield from failed_parts(spec, facts)


def fibre_lease() -> Price:
    """Return the yearly price of a metre of leased dark fibre: payment over term and length. [USD/m]"""
    paid = figure("prices", "fibre", "dark_fibre.lease")
    term, length = (figure("prices", "fibre", f"dark_fibre.lease_{key}").value for key in ("term", "length"))
    return paid.times(YEAR_S / (term * length))


def failed_parts(spec: EconomicsSpec, facts: CostFacts) -> Iterator[Line]:
    """Yield the accelerators that fail for good: failures times the share that is exchanged, at the price of one."""
    exchanged = figure("prices", "failed_parts", "exchanged")
    kinds = {kind.name: kind for kind in facts.accelerators}
    for name, failures in facts.failures:
        each = part_price(spec, kinds[name])
        price = Price(each.value, f"{each.source}; {exchanged.source}", True, each.low, each.high)
        yield Line("operations", f"failed parts: {name}", failures * exchanged.value, "accelerator", price)


def staff(facts: CostFacts) -> float:
    """Return the full-time staff on site that the catalog gives for the provisioned power. [-]"""
    return figure("prices", "tco", "staff_per_100_mw").value * facts.provisioned_it_w / FTE_MW
