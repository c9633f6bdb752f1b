"""Which figures of a run nobody published."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from clustersim import catalog
from clustersim.plant import SitePlantSpec
from clustersim.plant.modes import mode_entries
from clustersim.plant.network import read_network
from clustersim.plant.stages import stages_of
from clustersim.power.device import matrix_figure
from clustersim.power.spec import HybridStorage, PsuStorage, RackStorage
from clustersim.power.stores import CELLS
from clustersim.scenario import SiteScenario, resolved
from clustersim.study.step import StepStudy

COLUMNS = ("key", "value", "source", "confidence")
Row = tuple[str, str, str, str]


def assumed_figures(study: StepStudy) -> pd.DataFrame:
    """Return the assumed figures: those of the scenario and topology files, then those of the catalog entries used."""
    rows = _of_files(study.scenario)
    if study.plan.expert > 1:
        rows.append(
            (
                "job.plan.expert_overlap",
                study.plan.expert_overlap,
                "assumed: the software hides the expert exchange this way",
                "estimate",
            )
        )
        rows.append(
            (
                "job.plan.expert",
                str(study.plan.expert),
                "assumed: the router loads the experts evenly but for chance",
                "estimate",
            )
        )
    if study.plan.tensor_overlap:
        rows.append(
            (
                "job.plan.tensor_overlap",
                "true",
                "assumed: the software runs exchanges of tensor parallelism beside products",
                "estimate",
            )
        )
    rows += _of_catalog(_entries(study), lambda kind, key: kind == "device_power" and _unread(study, key))
    return _table(rows)


def assumed_at_site(scenario: SiteScenario) -> pd.DataFrame:
    """Return the assumed figures of a run whose load is measured: of its files, and of plant and cooling."""
    return _table(_of_files(scenario) + _of_catalog(_site_entries(scenario)))


def _table(rows: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(COLUMNS)).drop_duplicates("key").reset_index(drop=True)


def _of_files(scenario: SiteScenario) -> list[Row]:
    tree = resolved(scenario)
    return [
        (prefix + key, _value(tree, prefix + key), item.source, item.confidence)
        for prefix, provenance in (("", scenario.provenance), ("topology.", scenario.topology.provenance))
        for key, item in provenance.items()
        if item.confidence in {"estimate", "from_memory"}
    ]


def _of_catalog(entries: list[tuple[str, str]], unread: Callable[[str, str], bool] = lambda *_: False) -> list[Row]:
    rows: list[Row] = []
    for kind, name in entries:
        entry = catalog.entry(kind, name)
        for key, figure in entry.figures.items():
            if figure.assumed and not key.startswith("price") and not unread(kind, key):
                rows.append(
                    (f"catalog.{kind}.{entry.name}.{key}", figure.text, figure.note or figure.source, figure.confidence)
                )
    return rows


def _entries(study: StepStudy) -> list[tuple[str, str]]:
    """Return kind and name of the catalog entries that the physics of the run reads."""
    names: list[tuple[str, str]] = [("efficiency", "training"), ("device_power", "damping"), ("device_power", "jitter")]
    for name, variant in study.place.fleet_kinds:
        names += [("efficiency", name), ("device_power", variant or name)]
        names.append(("device_power", catalog.entry("device_power", variant or name).properties["supplies"]))
    plant = study.scenario.plant
    if plant.events:
        ridden = plant.ride_through
        names += [("ride_through", name) for name in (ridden.supplies, ridden.ups, ridden.motors, "protection")]
    if plant.protection.cooling_alarm != "ignore":
        names.append(("cooling", "alarm"))
    return list(dict.fromkeys(names + _site_entries(study.scenario)))


def _site_entries(scenario: SiteScenario) -> list[tuple[str, str]]:
    """Return the same of plant, cooling and storage."""
    names: list[tuple[str, str]] = []
    for plant in scenario.topology.electrical.values():
        if plant.grid is not None:
            names += [("modes", name) for name in mode_entries(plant.grid.system) if plant.grid.network is None]
            network = plant.grid.network
            network = read_network(network) if isinstance(network, str) else network
            names += [("battery_plants", battery.type) for battery in network.batteries.values()] if network else []
            names += [("grids", plant.grid.system)] + ([("grids", plant.grid.point)] if plant.grid.point else [])
        for units in plant.generators:
            names += [("generators", units.type)] + (
                [("governors", units.governor)] if units.governor != "none" else []
            )
        if any(units.sharing == "isochronous" or units.secondary_control for units in plant.generators):
            names.append(("governors", "load_sharing"))
        names += [("machines", found.type) for found in (plant.synchronous_condensers, plant.flywheels) if found]
        if plant.battery is not None:
            names.append(("batteries", plant.battery.type))
        names += _tree_entries(plant)
    for strategy in scenario.damping:
        if isinstance(strategy, PsuStorage):
            names.append(("batteries", "psu_capacitor"))
        elif isinstance(strategy, RackStorage):
            names.append(("batteries", strategy.type))
        elif isinstance(strategy, HybridStorage):
            names += [("batteries", "lithium_capacitor_shelf"), ("batteries", CELLS[strategy.at])]
    for cooling in scenario.topology.cooling.values():
        names += [("cooling", cooling.unit), ("facility", "cooling_auxiliaries")]
        names += [("cooling", part.unit) for part in (cooling.towers, cooling.cdu) if part is not None]
        if cooling.weather is not None:
            names += [("cooling", "chiller_model")] if cooling.kind in {"chillers", "water_chillers"} else []
            names += [("weather", cooling.weather)] if isinstance(cooling.weather, str) else []
    return list(dict.fromkeys(names))


def _tree_entries(plant: SitePlantSpec) -> list[tuple[str, str]]:
    """Return the same of the conversion stages: their losses, breakers and thermal classes."""
    stages = stages_of(plant)
    names = [("facility", stage.name) for stage in stages]
    breakers = [stage.spec.breaker for stage in stages if stage.spec.breaker is not None]
    names += [("switchgear", breaker.curve) for breaker in breakers]
    thermal = [stage.thermal_class for stage in stages if stage.thermal_class is not None]
    names += [("switchgear", name) for name in thermal]
    return names + ([("switchgear", "transformer_limits")] if thermal else [])


def _unread(study: StepStudy, key: str) -> bool:
    """Whether the power of a run does not depend on this figure of its accelerators."""
    if key.startswith("matrix"):
        return key != matrix_figure(study.scenario.job.precision)
    if key == "supplies.needed":
        return all(site.servers.supplies == "shared" for site in study.scenario.topology.site.values())
    return key in {"blocked", "stall", "excess.peak"}


def _value(tree: Any, key: str) -> str:
    """Return the value at a key path as short text; a dash where the scenario has put something else in its place."""
    for part in key.split("."):
        if isinstance(tree, list):
            tree = tree[int(part)] if part.isdigit() and int(part) < len(tree) else None
        else:
            tree = tree.get(part) if isinstance(tree, dict) else None
        if tree is None:
            return "-"
    text = str(tree)
    return text if len(text) <= 60 else f"{text[:57]}..."
