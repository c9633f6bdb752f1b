"""Parts of a result that a run of a job and one of a measured load have in common."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from itertools import pairwise

import pandas as pd

from clustersim import catalog
from clustersim.catalog.store import catalog_files
from clustersim.economics import CostTable
from clustersim.economics.facts import Accelerators, Battery, CostFacts, Generators
from clustersim.plant import PlantResponse, battery_energy_j, dispatch_shares, generator_rating_w
from clustersim.scenario import SiteScenario, resolved
from clustersim.study.generation import generation
from clustersim.study.place import Place
from clustersim.study.site_findings import SiteFindings


class Clock:
    """Tells the parts of a run as they begin, and keeps how long each took."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        """Start with no part."""
        self._progress = progress
        self._begun: dict[str, float] = {}

    def __call__(self, name: str) -> None:
        """Begin the part called `name`; the one before has ended."""
        self._progress(name)
        self._begun[name] = time.perf_counter()

    @property
    def wall_s(self) -> dict[str, float]:
        """Time of each part but the last. [s]"""
        return {a: self._begun[b] - self._begun[a] for a, b in pairwise(self._begun)}


def priced(findings: SiteFindings, cost: CostTable) -> pd.DataFrame:
    """Return the rows of the cost; those of energy only where the supply can carry the load."""
    return cost.table if findings.uncarried is None else cost.table[cost.table["group"] != "energy"]


def cost_facts(findings: SiteFindings, tokens_per_s: float, goodput: float) -> CostFacts:
    """Return what the cost of a run depends on.

    Parameters
    ----------
    findings : SiteFindings
        Energies and the place.
    tokens_per_s : float
        While the job trains; 0 without a job. [1/s]
    goodput : float
        Share of the horizon in which work was done that counted. [-]
    """
    place = findings.study.place
    topology = place.topology
    horizon = findings.horizon_s
    burned = {(run.site, run.units): run.burned.fuel_j for run in generation(findings)}
    generated = findings.generator_energy_j
    generators: list[Generators] = []
    batteries: list[Battery] = []
    for site, plant in topology.electrical.items():
        shares = dispatch_shares(*plant.generators)
        for units, share in zip(plant.generators, shares, strict=True):
            energy, fuel = share * generated[site], burned.get((site, units), 0.0)
            generators.append(Generators(units.type, generator_rating_w(units), energy, fuel))
        if plant.battery is not None:
            batteries.append(Battery(plant.battery.type, battery_energy_j(plant.battery)))
    kinds: dict[str, list[float]] = {}
    for site_spec in topology.site.values():
        for item in site_spec.fleet:
            name = catalog.entry("accelerators", item.accelerator).name
            counts = kinds.setdefault(name, [0, 0])
            counts[0] += item.count
            counts[1] += item.count / site_spec.servers.accelerators_per_server
    return CostFacts(
        accelerators=tuple(Accelerators(name, int(c), round(s)) for name, (c, s) in kinds.items()),
        network_usd=place.network_usd,
        provisioned_it_w=sum(findings.provisioned.values()),
        mean_it_w=findings.it_energy_j / horizon,
        horizon_s=horizon,
        grid_energy_j=findings.grid_energy_j,
        tokens_per_s=tokens_per_s,
        goodput=goodput,
        generators=tuple(generators),
        batteries=tuple(batteries),
        fibre_m=sum(route.built_m for route in place.fabric.wan),
        damping_energy_j=max(0.0, findings.damping_energy_j),
    )


def bill_table(place: Place) -> pd.DataFrame:
    """Return the bill of materials of the network."""
    return pd.DataFrame(
        [
            {
                "place": item.place,
                "item": item.item,
                "part": item.part,
                "count": item.count,
                "watts_typical": item.watts_typical,
                "watts_maximum": item.watts_maximum,
                "usd": item.usd,
            }
            for item in place.bill
        ]
    ).astype({"watts_typical": "float64", "watts_maximum": "float64", "usd": "float64"})


def input_digests(scenario: SiteScenario) -> dict[str, str]:
    """Return the SHA-256 of the catalog's files and of the resolved scenario."""
    found = {f"catalog/{path.name}": path.read_bytes() for path in catalog_files()}
    found["scenario"] = json.dumps(resolved(scenario), sort_keys=True).encode()
    return {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}


def plant_warnings(responses: tuple[PlantResponse, ...]) -> list[str]:
    """Return the plant's warnings; one that comes in several windows of a site and mode only for the first of them."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for response in responses:
        for text in response.warnings:
            same = (response.site, response.mode, re.sub(r"[\d.,]+", "#", text))
            found.setdefault(same, []).append(f"{response.site}, {response.window}, {response.mode}: {text}")
    return [
        texts[0] if len(texts) == 1 else f"{texts[0]} (so or alike in {len(texts)} windows)" for texts in found.values()
    ]
