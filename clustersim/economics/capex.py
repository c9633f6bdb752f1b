"""What a site costs to build, item by item."""

from __future__ import annotations

from collections.abc import Iterator

from clustersim.economics.facts import CostFacts, DampingEquipment
from clustersim.economics.lines import KW_W, MW_W, Line
from clustersim.economics.prices import USER, Price, all_in, chosen, figure, rent, server_price
from clustersim.economics.spec import EconomicsSpec
from clustersim.units import KWH_J


def equipment(spec: EconomicsSpec, facts: CostFacts) -> Iterator[Line]:
    """Yield what loses its value with the accelerators."""
    for kind in facts.accelerators:
        yield Line("capex", f"servers: {kind.name}", kind.servers, "server", server_price(spec, kind))
    if facts.spare_servers > 0.0:
        kind = facts.accelerators[0]
        yield Line("capex", f"spare servers: {kind.name}", facts.spare_servers, "server", server_price(spec, kind))
    if not all_in(spec):
        bill = Price(facts.network_usd, "bill of materials of the fabric", False)
        yield Line("capex", "network", 1.0, "network", bill)
    if spec.other_equipment > 0.0:
        yield Line("capex", "storage and host nodes", 1.0, "lot", Price(spec.other_equipment, USER, False))
    for item in facts.damping_equipment:
        if item.in_rack:
            yield from damping(item)


def building(spec: EconomicsSpec, facts: CostFacts) -> Iterator[Line]:
    """Yield what outlives the accelerators; of a rented building only what the tenant brings."""
    if rent(spec) is None:
        shell = chosen(spec, "building_price", "datacenter", "price").times(MW_W)
        yield Line("capex", "building and MEP", facts.provisioned_it_w / MW_W, "MW", shell)
        for generators in facts.generators:
            price = figure("generators", generators.name, "capex").times(KW_W)
            yield Line("capex", f"generators: {generators.name}", generators.rated_w / KW_W, "kW", price)
    for battery in facts.batteries:
        price = figure("batteries", battery.name, "price").times(KWH_J)
        kwh = battery.energy_j / KWH_J
        yield Line("capex", f"battery: {battery.name}", kwh, "kWh", price, battery.life_s, battery.smooths)
    for item in facts.damping_equipment:
        if not item.in_rack:
            yield from damping(item)
    if facts.fibre_m > 0.0 and spec.fibre == "build":
        yield Line("capex", "fibre", facts.fibre_m, "m", figure("prices", "fibre", "price"))


def damping(item: DampingEquipment) -> Iterator[Line]:
    """Yield energy and power of equipment that damps; a load bank has power alone."""
    if item.energy_j > 0.0:
        price = figure("prices", item.price, "price.energy").times(KWH_J)
        yield Line("capex", f"{item.name}: energy", item.energy_j / KWH_J, "kWh", price, damps=True)
        if item.power_w > 0.0:
            price = figure("prices", item.price, "price.power").times(KW_W)
            yield Line("capex", f"{item.name}: power", item.power_w / KW_W, "kW", price, damps=True)
    elif item.power_w > 0.0:
        price = figure("prices", item.price, "price").times(KW_W)
        yield Line("capex", item.name, item.power_w / KW_W, "kW", price, damps=True)
