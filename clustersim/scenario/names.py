"""Names in a scenario that must be in the catalog."""

from __future__ import annotations

from collections.abc import Iterator

from clustersim import catalog
from clustersim.errors import CatalogError
from clustersim.fabric.spec import TorusSpec
from clustersim.scenario.operation_names import unknown_operation_names
from clustersim.scenario.pack_files import unknown_pack
from clustersim.scenario.spec import LoadScenario, Scenario, SiteScenario
from clustersim.scenario.topology import TopologySpec

Reference = tuple[str, str, str]
"""Key path, catalog kind and name."""


def _of_topology(topology: TopologySpec) -> Iterator[Reference]:
    for site, record in topology.site.items():
        for index, item in enumerate(record.fleet):
            yield f"site.{site}.fleet.{index}.accelerator", "accelerators", item.accelerator
            if item.power is not None:
                yield f"site.{site}.fleet.{index}.power", "device_power", item.power
    yield "fabric.switch", "switches", topology.fabric.switch
    for tier in ("leaf", "spine", "core"):
        name = getattr(getattr(topology.fabric, tier, None), "switch", None)
        if name is not None:
            yield f"fabric.{tier}.switch", "switches", name
    for key in ("host", "leaf", "leaf_spine", "spine_core", "group"):
        name = getattr(topology.fabric.optics, key)
        if name is not None:
            yield f"fabric.optics.{key}", "optics", name
    if isinstance(topology.fabric.scale_up, TorusSpec):
        yield "fabric.scale_up.optical_switch", "switches", topology.fabric.scale_up.optical_switch
        yield "fabric.scale_up.optics", "optics", topology.fabric.scale_up.optics
    if topology.fabric.wan is not None:
        yield "fabric.wan.transceiver", "optics", topology.fabric.wan.transceiver
    for site, plant in topology.electrical.items():
        where = f"electrical.{site}"
        if plant.grid is not None:
            yield f"{where}.grid.system", "grids", plant.grid.system
            if plant.grid.point is not None:
                yield f"{where}.grid.point", "grids", plant.grid.point
            if plant.grid.network is not None and not isinstance(plant.grid.network, str):
                for name, battery in plant.grid.network.batteries.items():
                    yield f"{where}.grid.network.batteries.{name}.type", "battery_plants", battery.type
        for number, units in enumerate(plant.generators):
            group = f"{where}.generators" if len(plant.generators) == 1 else f"{where}.generators.{number}"
            yield f"{group}.type", "generators", units.type
            if units.governor != "none":
                yield f"{group}.governor", "governors", units.governor
        for key in ("synchronous_condensers", "flywheels"):
            if getattr(plant, key) is not None:
                yield f"{where}.{key}.type", "machines", getattr(plant, key).type
        if plant.battery is not None:
            yield f"{where}.battery.type", "batteries", plant.battery.type
        for index, stage in enumerate(plant.conversion):
            yield f"{where}.conversion.{index}.stage", "facility", stage.stage
            if stage.breaker is not None:
                yield f"{where}.conversion.{index}.breaker.curve", "switchgear", stage.breaker.curve
            if stage.thermal_class is not None:
                yield f"{where}.conversion.{index}.thermal_class", "switchgear", stage.thermal_class
        if plant.grid is not None and plant.grid.feeds is not None and plant.grid.feeds.breaker is not None:
            yield f"{where}.grid.feeds.breaker.curve", "switchgear", plant.grid.feeds.breaker.curve
    for site, cooling in topology.cooling.items():
        yield f"cooling.{site}.unit", "cooling", cooling.unit
        for key in ("towers", "cdu"):
            part = getattr(cooling, key)
            if part is not None:
                yield f"cooling.{site}.{key}.unit", "cooling", part.unit
        if isinstance(cooling.weather, str):
            yield f"cooling.{site}.weather", "weather", cooling.weather


def _of_scenario(scenario: SiteScenario) -> Iterator[Reference]:
    if isinstance(scenario, Scenario):
        yield from _of_job(scenario)
    for key in ("supplies", "ups", "motors"):
        yield f"plant.ride_through.{key}", "ride_through", getattr(scenario.plant.ride_through, key)
    for key in ("electricity_price", "gas_price", "diesel_price"):
        price = getattr(scenario.economics, key)
        if price is not None and not price[:1].isdigit():
            yield f"economics.{key}", "prices", price
    for key in ("rent", "software"):
        price = getattr(scenario.economics, key)
        if price is not None and not price[:1].isdigit():
            yield f"economics.{key}", "prices", price
    for key in ("server_prices", "accelerator_prices"):
        for name in getattr(scenario.economics, key):
            yield f"economics.{key}.{name}", "accelerators", name
    if scenario.economics.case is not None:
        yield "economics.case", "cost_cases", scenario.economics.case
    if scenario.economics.tariff is not None and scenario.economics.tariff.name is not None:
        yield "economics.tariff", "tariffs", scenario.economics.tariff.name
    for path, kind, name in _of_topology(scenario.topology):
        yield f"topology.{path}", kind, name


def _of_job(scenario: Scenario) -> Iterator[Reference]:
    yield "job.model", "models", scenario.job.model


def _cannot_reduce(topology: TopologySpec) -> list[str]:
    """Return the key of each switch that would have to add up an all-reduce and is not an InfiniBand switch."""
    if not topology.fabric.in_network_reduction:
        return []
    found = []
    for key, kind, name in _of_topology(topology):
        if not key.startswith("fabric.") or not key.endswith(".switch") or kind != "switches":
            continue
        try:
            family = catalog.entry(kind, name).properties.get("family")
        except CatalogError:
            continue  # told as an unknown name
        if family != "InfiniBand":
            found.append(
                "fabric.in_network_reduction: expected switches of the family InfiniBand, "
                f"found {name} ({family}) at {key}"
            )
    return found


UNITS = {
    "chillers": "air_cooled_chiller",
    "water_chillers": "water_cooled_chiller",
    "evaporative": "tower",
    "dry": "dry_cooler",
}
"""Property `part` of the units of each kind of cooling."""


def _part_of(topology: TopologySpec, key: str, kind: str) -> str | None:
    """Return the property `part` that the entry named at a key must have; None where any entry does."""
    if kind == "switchgear":
        return {"curve": "breaker", "thermal_class": "transformer"}[key.rsplit(".", 1)[1]]
    if kind != "cooling":
        return None
    where = key.removesuffix(".unit")
    if where.endswith((".towers", ".cdu")):
        return {"towers": "tower", "cdu": "cdu"}[where.rsplit(".", 1)[1]]
    return UNITS[topology.cooling[where.removeprefix("cooling.")].kind]


def _wrong_parts(topology: TopologySpec) -> list[str]:
    """Return the key of each relay curve, transformer cooling and cooling unit that is something else."""
    found = []
    for key, kind, name in _of_topology(topology):
        part = _part_of(topology, key, kind)
        if part is None:
            continue
        try:
            other = catalog.entry(kind, name).properties.get("part")
        except CatalogError:
            continue  # told as an unknown name
        if other is not None and other != part:
            known = ", ".join(one.name for one in catalog.entries(kind).values() if one.properties.get("part") == part)
            found.append(f"{key}: expected one of {known}, found {name!r} ({other})")
    return found


def unknown_names(record: Scenario | LoadScenario | TopologySpec) -> list[str]:
    """Return one line ``key.path: unknown name ...`` for every name that the catalog does not have.

    And one for every switch that cannot do what the file asks of it.
    """
    found = []
    for path, kind, name in _of_topology(record) if isinstance(record, TopologySpec) else _of_scenario(record):
        try:
            catalog.entry(kind, name)
        except CatalogError as error:
            found.append(f"{path}: {error}")
    if not isinstance(record, TopologySpec):
        packs = [(index, unknown_pack(name)) for index, name in enumerate(record.limits.packs)]
        found += [f"limits.packs.{index}: {problem}" for index, problem in packs if problem is not None]
    if isinstance(record, Scenario):
        found += unknown_operation_names(record.operation)
    within, place = ("", record) if isinstance(record, TopologySpec) else ("topology.", record.topology)
    return found + [f"{within}{line}" for line in (*_cannot_reduce(place), *_wrong_parts(place))]
