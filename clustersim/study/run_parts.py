"""Parts of a result that a run of a job and one of a measured load have in common."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from itertools import pairwise

import pandas as pd

from clustersim.catalog.store import catalog_files
from clustersim.economics import CostTable
from clustersim.plant import PlantResponse
from clustersim.scenario import SiteScenario, resolved
from clustersim.study.cost_facts import cost_facts
from clustersim.study.places.place import Place
from clustersim.study.site.findings import SiteFindings

__all__ = ["Clock", "bill_table", "cash_flow_table", "cost_facts", "cost_table", "input_digests", "plant_warnings"]


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


def cost_table(findings: SiteFindings, cost: CostTable) -> pd.DataFrame:
    """Return the rows of the cost; those of energy only where the supply can carry the load."""
    return cost.table if findings.uncarried is None else cost.table[cost.table["group"] != "energy"]


def cash_flow_table(findings: SiteFindings, cost: CostTable) -> pd.DataFrame:
    """Return the payments by year; without those of energy where the supply cannot carry the load."""
    return cost.cash_flow if findings.uncarried is None else cost.cash_flow[cost.cash_flow["group"] != "energy"]


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
