"""Build-outs of the catalog: dated figures of real sites."""

from __future__ import annotations

import datetime
from typing import Any

from clustersim import catalog
from clustersim.catalog.records import Entry
from clustersim.economics.spec_parts.build_out import BuildOutSpec

KIND = "build_outs"
SERIES = {"grid": "power", "onsite": "power", "accelerators": "count", "halls": "count"}
"""Part of a build-out -> field of its steps."""


def known_build_outs() -> tuple[str, ...]:
    """Return the names in the catalog."""
    return tuple(catalog.entries(KIND))


def build_out_of(name: str) -> BuildOutSpec:
    """Return a build-out of the catalog; a figure ``grid.2025_05_01`` is what is there from that day on.

    Raises
    ------
    CatalogError
        If the name is unknown.
    """
    entry = catalog.entry(KIND, name)
    tree: dict[str, Any] = {"name": entry.name, **entry.properties}
    for part, field_name in SERIES.items():
        tree[part] = [_step(entry, key, field_name) for key in entry.figures if key.startswith(f"{part}.2")]
    if entry.has("onsite_use"):
        tree["onsite_use"] = entry.figure("onsite_use").text
    return BuildOutSpec.model_validate(tree)


def _step(entry: Entry, key: str, field_name: str) -> dict[str, Any]:
    figure = entry.figure(key)
    day = datetime.date(*(int(part) for part in key.split(".")[1].split("_")))
    value = figure.text if field_name == "power" else round(figure.value)
    step = {"date": day, field_name: value}
    ratio = f"power_ratio.{key.split('.')[1]}"
    return step | {"power": entry.figure(ratio).text} if field_name == "count" and entry.has(ratio) else step
