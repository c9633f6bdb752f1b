"""The levers of a run, one at a time: figures that it reads over their bands, quantities of its file by a tenth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clustersim import units
from clustersim.errors import InputError
from clustersim.scenario import AnyScenario, resolved
from clustersim.study.explain import needed_keys
from clustersim.study.sensitivity.catalog_bands import Level, column_name
from clustersim.summary_keys import summary_key

SHARE = 0.1
"""By which a quantity of the scenario is lowered and raised. [-]"""
NO_LEVERS = ("provenance", "expect", "lat", "lon", "horizon", "location", "limits", "frequency")
"""Parts of a scenario that are no design: sources, published figures, where it lies and its grid, what is asked."""


def quantities(scenario: AnyScenario) -> dict[str, tuple[float, str]]:
    """Return number and unit of the quantities in a scenario's file, by key path, those above 0 alone."""
    return dict(_quantities(resolved(scenario), ""))


def _quantities(tree: Any, path: str) -> Iterator[tuple[str, tuple[float, str]]]:
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            if name not in NO_LEVERS:
                yield from _quantities(value, f"{path}.{name}" if path else str(name))
    elif isinstance(tree, list):
        for place, value in enumerate(tree):
            yield from _quantities(value, f"{path}.{place}")
    elif isinstance(tree, str):
        found = units.number_and_unit(tree)
        if found is not None and found[0] > 0.0:
            yield path, found


def reach(name: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the catalog kinds and the sections of the scenario that a summary key depends on, also through others."""
    kinds: set[str] = set()
    sections: dict[str, None] = {}
    waiting, seen = [name], {name}
    while waiting:
        key = summary_key(waiting.pop())
        kinds |= set(key.catalog)
        sections |= dict.fromkeys(key.inputs)
        new = [other for other in needed_keys(key) if other not in seen]
        seen |= set(new)
        waiting += new
    return frozenset(kinds), tuple(sorted(sections))


def within(path: str, sections: Sequence[str]) -> bool:
    """Return whether a key path lies in one of some sections, or is one."""
    return any(path == section or path.startswith(f"{section}.") for section in sections)


def lever_study(
    scenario: AnyScenario, figures: Sequence[str], level: Level, sections: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return the study file that moves each lever of a run to both ends of its range, the others as they are.

    Parameters
    ----------
    scenario : Scenario or LoadScenario
        Its files are `scenario.yaml` and `place.yaml` beside the study.
    figures : sequence of str
        Key paths of figures with a band (:func:`clustersim.study.sensitivity.catalog_bands.banded`).
    level : {"steady", "run"}
        What is evaluated.
    sections : sequence of str, optional
        Parts of the scenario whose quantities are moved; all when left out.

    Raises
    ------
    InputError
        If there is no lever.
    """
    axes: dict[str, Any] = {key: {"band": True, "name": column_name(key)} for key in figures}
    for path, (number, unit) in quantities(scenario).items():
        if sections is not None and not within(path, sections):
            continue
        ends = {"from": f"{number * (1.0 - SHARE)!r} {unit}", "to": f"{number * (1.0 + SHARE)!r} {unit}"}
        axes[path] = {"uniform": ends, "name": column_name(path)}
    if not axes:
        raise InputError(f"{scenario.name}: expected figures with a band or quantities to move, found none")
    return {
        "name": f"{scenario.name}_levers"[:60],
        "title": f"{scenario.title}: one lever at a time",
        "scenario": "scenario.yaml",
        "axes": axes,
        "combine": "one_at_a_time",
        "evaluate": level,
    }
