"""The equipment of a run's plant as tables: generators, batteries, cooling, and how much of each was used."""

from __future__ import annotations

import pandas as pd

from clustersim import units as quantities
from clustersim.catalog import Entry, entry
from clustersim.plant import (
    battery_energy_j,
    battery_rating_w,
    dispatch_shares,
    fuel_class,
    generator_rating_w,
    units_online,
)
from clustersim.plant.spec import GeneratorSpec, SiteCoolingSpec, SitePlantSpec
from clustersim.report.words import number, percent
from clustersim.study.result import Result
from clustersim.units import MWH_J

PER_MW, PER_MWH = 1e-6, 1.0 / MWH_J
SHARING = {"droop": "droop", "isochronous": "isochronous"}


def plants_of(result: Result) -> dict[str, SitePlantSpec]:
    """Return the electrical plant of every site of a run."""
    found = result.scenario["topology"]["electrical"]
    return {site: SitePlantSpec.model_validate(plant) for site, plant in found.items()}


def generator_table(result: Result) -> pd.DataFrame:
    """Return the groups of generators of every site: what they are, how many run in the scenario's mode, their load.

    Beside the grid as many units run as the largest output of the windows needs; as an island all do. The output is the
    mean of the steady window.
    """
    mode = result.scenario["plant"]["mode"]
    rows = []
    for site, plant in plants_of(result).items():
        mine = [one for one in result.responses if one.site == site and one.mode == mode]
        if not plant.generators or not mine:
            continue
        steady = next(one for one in mine if one.window == "steady")
        most = max(float(one.generator_w.max()) for one in mine)
        for group, share in zip(plant.generators, dispatch_shares(*plant.generators), strict=True):
            running = group.count if mode == "island" else units_online(group, share * most)
            rows.append(_generator_row(site, group, running, share * float(steady.generator_w.mean())))
    return pd.DataFrame(rows)


def _generator_row(site: str, group: GeneratorSpec, running: int, output_w: float) -> dict[str, str]:
    kind = entry("generators", group.type)
    rated = running * generator_rating_w(group) / group.count
    return {
        "site": site,
        "units": f"{number(group.count)} x {group.type}",
        "running": number(running),
        "standby": number(group.count - running),
        "rating, each": _figure(kind, "rating", "MW"),
        "output, steady": f"{number(output_w * PER_MW)} MW",
        "loading": percent(output_w / rated) if rated else "-",
        "governor": group.governor,
        "sharing": SHARING[group.sharing],
        "inertia H": _figure(kind, "inertia", "s"),
        "ramp": quantities.shortest(group.ramp, "ramp") if group.ramp else _figure(kind, "ramp", "MW/s"),
        "load step": _figure(kind, "load_step", "%"),
        "fuel": fuel_class(group).name.replace("_", " "),
        "heat rate": _figure(kind, "heat_rate.lhv", "Btu/kWh"),
        "start": _figure(kind, "start_time", "min"),
    }


def _figure(kind: Entry, name: str, unit: str) -> str:
    if not kind.has(name):
        return "-"
    factor = quantities.TABLE[quantities.dimension_of(unit) or ""][unit]
    return f"{number(kind.si(name) / factor)} {unit}"


def battery_table(result: Result) -> pd.DataFrame:
    """Return the battery of every site, and between which charges it moves in the windows of each mode of supply."""
    rows = []
    for site, plant in plants_of(result).items():
        spec = plant.battery
        if spec is None:
            continue
        row = {
            "site": site,
            "units": f"{number(spec.count)} x {spec.type}",
            "power": f"{number(battery_rating_w(spec) * PER_MW)} MW",
            "energy": f"{number(battery_energy_j(spec) * PER_MWH)} MWh",
            "control": spec.control.replace("_", " "),
            "droop": percent(spec.droop),
        }
        for mode, words in (("grid_parallel", "beside the grid"), ("island", "as an island")):
            mine = [one for one in result.responses if one.site == site and one.mode == mode]
            low = min((float(one.state_of_charge.min()) for one in mine), default=None)
            high = max((float(one.state_of_charge.max()) for one in mine), default=None)
            row[f"charge, {words}"] = "-" if low is None else f"{percent(low)} to {percent(high)}"
        rows.append(row)
    return pd.DataFrame(rows)


def cooling_table(result: Result) -> pd.DataFrame:
    """Return the cooling of every site."""
    rows = []
    for site, tree in result.scenario["topology"]["cooling"].items():
        spec = SiteCoolingSpec.model_validate(tree)
        rows.append(
            {
                "site": site,
                "kind": spec.kind.replace("_", " "),
                "units": f"{number(spec.count)} x {spec.unit}",
                "standby": number(spec.standby),
                "out of service": number(spec.lost),
                "in liquid": percent(spec.liquid_share),
                "loop without load": f"{number(spec.supply_temperature)} degC",
                "at full capacity": f"{number(spec.supply_temperature + spec.design_rise)} degC",
                "alarm": f"{number(spec.alarm_temperature)} degC",
                "weather": _weather(spec),
            }
        )
    return pd.DataFrame(rows)


def _weather(spec: SiteCoolingSpec) -> str:
    if spec.weather is None:
        return "none given"
    return spec.weather if isinstance(spec.weather, str) else spec.weather.place


def labels_of_groups(result: Result, sites: list[str]) -> list[str]:
    """Return what the groups of generators of sites are called, in the order of a response's groups."""
    plants = plants_of(result)
    several = len(sites) > 1
    return [
        f"{f'{site}: ' if several else ''}{group.count} x {group.type}"
        for site in sites
        for group in plants[site].generators
    ]
