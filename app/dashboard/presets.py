"""The shipped scenarios as presets: a name, what it is, where it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from clustersim.scenario import load_any, located, run_id, shipped_names


@dataclass(frozen=True)
class Preset:
    """A shipped scenario."""

    name: str
    title: str
    run_id: str
    scenario_name: str
    """Name that the scenario gives itself; its result folder is called after it."""


@cache
def presets() -> tuple[Preset, ...]:
    """Return every shipped scenario, the largest places first as the command line lists them."""
    found = []
    for name in shipped_names("scenarios"):
        scenario = load_any(located(name, "scenarios"))
        found.append(Preset(name, scenario.title, run_id(scenario), scenario.name))
    return tuple(found)
