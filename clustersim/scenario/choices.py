"""Which names of the catalog may stand at a key path of a scenario."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from clustersim import catalog
from clustersim.catalog import Entry
from clustersim.plant.spec import shipped_networks
from clustersim.scenario.names import UNITS


@dataclass(frozen=True)
class Names:
    """Names that may be written."""

    names: tuple[str, ...] = ()
    free: bool = False
    """Whether something else may be written too: a price, a weather file."""


@dataclass(frozen=True)
class _Rule:
    """Key paths and the entries of the catalog that they may name."""

    paths: str
    kind: str
    fits: Callable[[Entry], bool] = lambda _: True
    free: bool = False
    also: tuple[str, ...] = ()


def _has(*figures: str) -> Callable[[Entry], bool]:
    return lambda entry: all(figure in entry.figures for figure in figures)


def _part(name: str) -> Callable[[Entry], bool]:
    return lambda entry: entry.properties.get("part") == name


def _named(beginning: str) -> Callable[[Entry], bool]:
    return lambda entry: entry.name.startswith(beginning)


_SITE = r"topology\.(?:electrical|cooling|site)\.[^.]+"
_RULES = (
    _Rule(r"job\.model", "models"),
    _Rule(r"job\.stack", "stacks"),
    _Rule(r"job\.exchange_path", "exchange_paths"),
    _Rule(rf"{_SITE}\.fleet\.\d+\.accelerator", "accelerators"),
    _Rule(rf"{_SITE}\.fleet\.\d+\.power", "device_power"),
    _Rule(r"topology\.fabric(?:\.(?:leaf|spine|core|scale_up))?\.(?:optical_)?switch", "switches"),
    _Rule(r"topology\.fabric\.optics\.\w+|topology\.fabric\.(?:scale_up\.optics|wan\.transceiver)", "optics"),
    _Rule(rf"{_SITE}\.grid\.system", "grids", _has("inertia")),
    _Rule(rf"{_SITE}\.grid\.point", "grids", _has("short_circuit", "x_over_r")),
    _Rule(rf"{_SITE}\.generators(?:\.\d+)?\.type", "generators"),
    _Rule(rf"{_SITE}\.generators(?:\.\d+)?\.governor", "governors", also=("none",)),
    _Rule(rf"{_SITE}\.synchronous_condensers\.type", "machines", _has("reactance.subtransient")),
    _Rule(rf"{_SITE}\.flywheels\.type", "machines", _has("round_trip_efficiency")),
    _Rule(rf"{_SITE}\.battery\.type", "batteries"),
    _Rule(rf"{_SITE}\.conversion\.\d+\.stage", "facility", lambda entry: "kind" in entry.properties),
    _Rule(rf"{_SITE}.*\.breaker\.curve", "switchgear", _part("breaker")),
    _Rule(rf"{_SITE}\.conversion\.\d+\.thermal_class", "switchgear", _part("transformer")),
    _Rule(rf"{_SITE}\.towers\.unit", "cooling", _part("tower")),
    _Rule(rf"{_SITE}\.cdu\.unit", "cooling", _part("cdu")),
    _Rule(rf"{_SITE}\.weather", "weather", free=True),
    _Rule(r"economics\.(?:electricity_price|gas_price|diesel_price|rent|software)", "prices", free=True),
    _Rule(r"economics\.case", "cost_cases"),
    _Rule(r"operation\.failure_rates", "reliability", lambda entry: "causes" in entry.properties, also=("none",)),
    _Rule(r"operation\.restart_law", "reliability", _named("restart-")),
)  # fmt: skip


@lru_cache(maxsize=1)
def _compiled() -> tuple[tuple[re.Pattern[str], _Rule], ...]:
    return tuple((re.compile(rule.paths), rule) for rule in _RULES)


def names_at(path: str, tree: Mapping[str, Any]) -> Names:
    """Return the names that may stand at a key path; none where it holds no name.

    Parameters
    ----------
    path : str
        Key path, such as ``job.model``.
    tree : mapping
        The scenario: what a cooling unit may be depends on the kind of cooling.
    """
    if re.fullmatch(rf"{_SITE}\.grid\.network", path):
        return Names(tuple(shipped_networks()))
    if re.fullmatch(r"topology\.cooling\.[^.]+\.unit", path):
        return _cooling_units(path, tree)
    rule = next((rule for pattern, rule in _compiled() if pattern.fullmatch(path)), None)
    if rule is None:
        return Names()
    found = tuple(entry.name for entry in catalog.entries(rule.kind).values() if rule.fits(entry))
    return Names((*rule.also, *found), rule.free)


def _cooling_units(path: str, tree: Mapping[str, Any]) -> Names:
    site = path.split(".")[2]
    try:
        kind = tree["topology"]["cooling"][site]["kind"]
    except (KeyError, TypeError):
        kind = None  # it is missing or wrong, which validation tells
    part = UNITS.get(kind) if isinstance(kind, str) else None
    found = catalog.entries("cooling").values()
    return Names(tuple(entry.name for entry in found if part is None or entry.properties.get("part") == part))
