"""The catalog's own bands as a study: every figure that an answer reads, drawn within what its source allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.scenario import AnyScenario, resolved
from clustersim.study.run import run
from clustersim.study.steady import steady_answer

CONVENTIONS = ("flicker", "rules", "limits", "traces")
"""Kinds whose figures are agreed and not uncertain: constants of a standard, of rules, of how traces are read."""
Level = Literal["steady", "run"]


def figures_read(scenario: AnyScenario, level: Level) -> tuple[tuple[catalog.Read, ...], Mapping[str, Any]]:
    """Return the figures of the catalog that an answer reads, sorted, and its summary.

    Raises
    ------
    InputError
        If the scenario asks for what is not there.
    """
    with catalog.recorded() as reads:
        summary = steady_answer(scenario).summary if level == "steady" else run(scenario).summary
    return tuple(sorted(reads)), summary


def banded(reads: Iterable[catalog.Read]) -> tuple[str, ...]:
    """Return the key paths of the figures that have a band and are no convention, in the order of `reads`."""
    found = []
    for kind, entry, name in reads:
        if kind in CONVENTIONS:
            continue
        figure = catalog.entry(kind, entry).figure(name)
        if figure.low < figure.high:
            found.append(f"catalog.{kind}.{entry}.{name}")
    return tuple(found)


def band_study(
    scenario: AnyScenario, figures: Sequence[str], samples: int, level: Level, keys: Sequence[str] | None, seed: int = 1
) -> dict[str, Any]:
    """Return the study file that draws figures within their bands, all at once and independently.

    Parameters
    ----------
    scenario : Scenario or LoadScenario
        Whose answers are asked for; its file is `scenario.yaml` beside the study.
    figures : sequence of str
        Key paths, from :func:`banded`.
    samples : int
        Points of the Latin hypercube.
    level : {"steady", "run"}
        What is evaluated.
    keys : sequence of str or None
        Answers to keep; all of them when None.
    seed : int
        Of the hypercube.

    Raises
    ------
    InputError
        If there is no figure with a band.
    """
    if not figures:
        raise InputError(f"{scenario.name}: expected figures of the catalog with a band, found none that the run reads")
    return {
        "name": f"{scenario.name}_bands"[:60],
        "title": f"{scenario.title}: figures of the catalog within their bands",
        "scenario": "scenario.yaml",
        "axes": {key: {"band": True, "name": column_name(key)} for key in figures},
        "combine": "latin_hypercube",
        "samples": samples,
        "scramble_seed": seed,
        "evaluate": level,
        **({"keys": list(keys)} if keys else {}),
    }


def column_name(key: str) -> str:
    """Return the whole key as a name of a column."""
    return "".join(letter if letter.isalnum() else "_" for letter in key.lower())


def scenario_files(scenario: AnyScenario) -> dict[str, dict[str, Any]]:
    """Return the files `scenario.yaml` and `place.yaml` from which a resolved scenario can be read again.

    Published figures that the scenario expects are left out: they are of the catalog as it stands.
    """
    tree = dict(resolved(scenario))
    tree.pop("expect", None)
    return {"scenario.yaml": {**tree, "topology": "place"}, "place.yaml": tree["topology"]}
