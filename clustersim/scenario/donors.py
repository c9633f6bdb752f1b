"""Records of shipped places and scenarios that a draft may take over."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any

from clustersim.scenario.files import located, read_yaml, shipped_names, value_at
from clustersim.scenario.load import any_tree

_BY_SITE = ("site", "electrical", "cooling")


@lru_cache(maxsize=1)
def _places() -> dict[str, dict[str, Any]]:
    return {name: read_yaml(located(name, "topologies")) for name in shipped_names("topologies")}


@lru_cache(maxsize=1)
def _scenarios() -> dict[str, dict[str, Any]]:
    return {name: any_tree(located(name, "scenarios")) for name in shipped_names("scenarios")}


def donors(path: str) -> dict[str, Any]:
    """Return what shipped places, or scenarios, have at a key path; by name, and by site where they have several.

    Examples
    --------
    >>> donors("topology.cooling.anywhere.kind")["colossus_memphis"]
    'chillers'
    """
    parts = path.split(".")
    if parts[0] != "topology":
        found = {name: value_at(tree, path) for name, tree in _scenarios().items()}
        return {name: copy.deepcopy(value) for name, value in found.items() if value}
    found = {}
    for name, place in _places().items():
        for site in place["site"] if len(parts) > 2 and parts[1] in _BY_SITE else (None,):
            way = parts[1:] if site is None else [parts[1], site, *parts[3:]]
            value = value_at(place, ".".join(way))
            if value:
                known = name if site is None or len(place["site"]) == 1 else f"{name}: {site}"
                found[known] = copy.deepcopy(value)
    return found


def example(path: str, kind: str = "") -> Any:
    """Return a record for a new entry of the list at a key path: the first of its kind that is shipped.

    Where no shipped file has one, the record says its kind alone; what else it needs, validation tells.
    """
    lists = donors(path).values()
    entries = [entry for one in lists for entry in (one if isinstance(one, list) else [one])]
    fit = [entry for entry in entries if not kind or entry.get("kind") == kind]
    if fit:
        return fit[0]
    return {"kind": kind} if kind else {}
