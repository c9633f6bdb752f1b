"""One building against several sites at equal accelerators, equal megawatts and equal dollars: writes the scenarios.

``python -m clustersim.study.places.one_or_many [FOLDER]`` writes the small files of ``scenarios/one_or_many`` anew
from the four places of ``topologies/one_or_many``. Nothing is simulated: accelerators, power by nameplates and capital
follow from the place alone. Every site of a place gets the same number of whole racks, the one that comes nearest.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from clustersim.economics import Accelerators, CostFacts, estimate_cost
from clustersim.scenario import Scenario, load_scenario, shipped
from clustersim.study.places.place import build_place
from clustersim.study.site.power import provisioned_of

BASE = "one_building"
PLACES: Mapping[str, str] = MappingProxyType(
    {"two_sites": "two_campuses", "three_sites": "three_campuses", "five_sites": "five_campuses"}
)
"""Start of a scenario's name -> its place in ``topologies/one_or_many``."""
EQUALITIES: Mapping[str, str] = MappingProxyType(
    {"gpus": "equal GPUs", "megawatts": "equal megawatts", "dollars": "equal dollars"}
)
TOLERANCE = 0.005
"""Within which megawatts and dollars are equal; GPUs are equal exactly. [-]"""
_UNIT_S = 1.0
"""Horizon of a cost of which only the capital is read. [s]"""


@dataclass(frozen=True)
class Size:
    """How large a place is."""

    racks: int
    accelerators: int
    provisioned_w: float
    """IT power by nameplates, network at its maximum. [W]"""
    capex_usd: float


def size_of(scenario: Scenario) -> Size:
    """Return accelerators, nameplates and capital of a scenario's place; without generators and batteries.

    Raises
    ------
    ValueError
        If the place has generators or a battery, which the capital here leaves out.
    """
    place = build_place(scenario.topology, scenario.job.precision)
    for site, plant in scenario.topology.electrical.items():
        if plant.generators or plant.battery is not None:
            raise ValueError(f"expected a site without generators and battery, {site} has some")
    provisioned = sum(provisioned_of(place).values())
    sites = scenario.topology.site.values()
    counts: dict[str, int] = {}
    servers: dict[str, int] = {}
    racks = 0
    for site_spec in sites:
        per_rack = site_spec.servers.accelerators_per_server * site_spec.servers.servers_per_rack
        for item in site_spec.fleet:
            counts[item.accelerator] = counts.get(item.accelerator, 0) + item.count
            per_server = site_spec.servers.accelerators_per_server
            servers[item.accelerator] = servers.get(item.accelerator, 0) + item.count // per_server
            racks += item.count // per_rack
    facts = CostFacts(
        accelerators=tuple(Accelerators(name, counts[name], servers[name]) for name in counts),
        network_usd=place.network_usd,
        provisioned_it_w=provisioned,
        mean_it_w=provisioned,
        horizon_s=_UNIT_S,
        grid_energy_j=0.0,
        tokens_per_s=0.0,
        goodput=0.0,
        fibre_m=sum(route.built_m for route in place.fabric.wan),
    )
    capex = estimate_cost(scenario.economics, facts).capex_usd
    return Size(racks, sum(counts.values()), provisioned, capex)


def nearest_count(wanted: float, measure: Callable[[int], float], start: int) -> int:
    """Return the count whose measure is nearest to `wanted`, of a measure that grows with the count.

    Parameters
    ----------
    wanted : float
        In the unit of the measure.
    measure : callable
        Count to measure.
    start : int
        A count near the answer, above 1.
    """
    count, value = start, measure(start)
    while True:
        step = 1 if value < wanted else -1
        following = measure(count + step)
        if abs(following - wanted) >= abs(value - wanted):
            return count
        count, value = count + step, following


def racks_per_site(base: Size, place: str, folder: Path) -> dict[str, int]:
    """Return the racks of each site by equality for one place."""
    path = folder / f"{BASE}.yaml"
    sites = list(load_scenario(path, {"topology": f"one_or_many/{place}"}).topology.site)

    def sized(racks: int) -> Size:
        return size_of(load_scenario(path, {"topology": f"one_or_many/{place}", **_counts(sites, racks, base)}))

    start = base.racks // len(sites)
    if start * len(sites) != base.racks:
        raise ValueError(f"expected racks that divide by {len(sites)} sites, got {base.racks}")
    return {
        "gpus": start,
        "megawatts": nearest_count(base.provisioned_w, lambda racks: sized(racks).provisioned_w, start),
        "dollars": nearest_count(base.capex_usd, lambda racks: sized(racks).capex_usd, start),
    }


def _counts(sites: list[str], racks: int, base: Size) -> dict[str, int]:
    each = base.accelerators // base.racks
    return {f"topology.site.{site}.fleet.0.count": racks * each for site in sites}


def scenario_files(folder: Path) -> dict[str, str]:
    """Return the scenarios of a folder that follow from its base and the places: name of the file -> text."""
    base_scenario = load_scenario(folder / f"{BASE}.yaml")
    base = size_of(base_scenario)
    texts = {}
    for name, place in PLACES.items():
        sites = list(load_scenario(folder / f"{BASE}.yaml", {"topology": f"one_or_many/{place}"}).topology.site)
        for equality, racks in racks_per_site(base, place, folder).items():
            texts[f"{name}_equal_{equality}.yaml"] = _text(name, place, equality, sites, racks, base)
    return texts


def _text(name: str, place: str, equality: str, sites: list[str], racks: int, base: Size) -> str:
    words = name.replace("_", " ")
    total = racks * len(sites)
    gpus = total * base.accelerators // base.racks
    same = total == base.racks
    lines = [
        f"# {words.capitalize()} with as many {_noun(equality)} as one building of {base.racks:,} racks.",
        "# Written by python -m clustersim.study.places.one_or_many; do not edit.",
        f"extends: {BASE}",
        f"name: {name}_equal_{equality}",
        f"title: 2T mixture of experts on {gpus:,} GB200 at {words}, {EQUALITIES[equality]}",
        f"topology: one_or_many/{place}",
    ]
    if not same:
        lines += ["set:", *(f"  {key}: {count}" for key, count in _counts(sites, racks, base).items()), "provenance:"]
        source = f"{racks} racks per site: nearest to the {_noun(equality)} of one building"
        lines += [f'  topology.site.{site}.fleet: {{source: "{source}", confidence: estimate}}' for site in sites]
    return "\n".join(lines) + "\n"


def _noun(equality: str) -> str:
    return {"gpus": "GPUs", "megawatts": "megawatts (nameplates)", "dollars": "dollars of capital"}[equality]


def main(arguments: list[str]) -> None:
    """Write the files into the folder that is given, else into the shipped one."""
    folder = Path(arguments[0]) if arguments else shipped("scenarios") / "one_or_many"
    for name, text in scenario_files(folder).items():
        (folder / name).write_text(text, encoding="utf-8")
        sys.stderr.write(f".. {folder / name}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
