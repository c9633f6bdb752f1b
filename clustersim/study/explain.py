"""Why a summary key of a run has its value: meaning, arithmetic with this run's numbers, inputs and their sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from clustersim.errors import InputError, nearest
from clustersim.study.result import Result
from clustersim.study.sweep.expressions import read
from clustersim.summary_keys import SummaryKey, summary_key, summary_keys

INPUT_COLUMNS = ("path", "value", "source", "confidence")
MOST_INPUTS = 40
"""Inputs that are listed of one section; of longer ones the number of the others is told."""
TOLERANCE = 1e-6
"""Within which an identity must give the value: summary numbers have nine digits. [-]"""


@dataclass(frozen=True)
class Operand:
    """A key of the same summary that another one follows from."""

    key: str
    value: Any
    meaning: str


@dataclass(frozen=True)
class Explained:
    """What is known of one key of a run."""

    key: SummaryKey
    value: Any
    reason: str | None
    """Why there is no value; None where there is one."""
    operands: tuple[Operand, ...]
    """Keys of the identity, then others that the key follows from."""
    worked_out: float | None
    """What the identity gives with the operands of this run; None without an identity or an operand."""
    inputs: pd.DataFrame
    """What the scenario says in the sections that enter: columns :data:`INPUT_COLUMNS`."""
    left_out: Mapping[str, int]
    """Section -> inputs beyond :data:`MOST_INPUTS` that are not listed."""
    figures: pd.DataFrame
    """Figures of the catalog that enter and that nobody published: columns :data:`INPUT_COLUMNS`."""
    followers: tuple[str, ...]
    """Keys that follow from this one by an identity or directly."""


def explain(result: Result, name: str) -> Explained:
    """Return why a key of a run has its value.

    Parameters
    ----------
    result : Result
        A run.
    name : str
        Key of its summary.

    Raises
    ------
    InputError
        If the run has no such key; the message gives the nearest.
    """
    if name not in result.summary:
        raise InputError(f"explain: {name}: expected a key of the summary{nearest(name, result.summary)}")
    key = summary_key(name)
    needed = needed_keys(key)
    operands = tuple(Operand(other, result.summary.get(other), summary_key(other).meaning) for other in needed)
    rows, left_out = _inputs(result, key.inputs)
    return Explained(
        key=key,
        value=result.summary[name],
        reason=result.reasons.get(name),
        operands=operands,
        worked_out=_worked_out(key, result.summary),
        inputs=rows,
        left_out=left_out,
        figures=_figures(result, key),
        followers=tuple(other.name for other in summary_keys().values() if name in needed_keys(other)),
    )


def needed_keys(key: SummaryKey) -> tuple[str, ...]:
    """Return the keys that a key follows from, those of its identity in the order in which it names them."""
    named: tuple[str, ...] = ()
    if key.identity is not None:
        names = read(key.identity, key.name).names
        named = tuple(sorted(names, key=key.identity.index))
    return tuple(dict.fromkeys((*named, *key.of)))


def _worked_out(key: SummaryKey, summary: Mapping[str, Any]) -> float | None:
    if key.identity is None:
        return None
    formula = read(key.identity, key.name)
    if any(summary.get(name) is None for name in formula.names):
        return None
    if any(summary[name] == 0 for name in formula.names) and summary.get(key.name) is None:
        return None
    found = formula.value(summary)
    return float(found) if isinstance(found, int | float) else None


def _inputs(result: Result, sections: tuple[str, ...]) -> tuple[pd.DataFrame, dict[str, int]]:
    rows: list[tuple[str, Any, str, str]] = []
    left_out: dict[str, int] = {}
    provenance = _provenance(result.scenario)
    for section in sections:
        found = [(path, value) for path, value in _leaves(_at(result.scenario, section), section) if value is not None]
        if len(found) > MOST_INPUTS:
            left_out[section] = len(found) - MOST_INPUTS
        for path, value in found[:MOST_INPUTS]:
            told = _nearest_above(provenance, path)
            rows.append((path, value, *told))
    table = pd.DataFrame(rows, columns=list(INPUT_COLUMNS)).drop_duplicates("path").reset_index(drop=True)
    return table, left_out


def _provenance(scenario: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return source and confidence by key path, of the scenario's file and its topology's."""
    topology = scenario.get("topology") or {}
    told = dict(scenario.get("provenance") or {})
    told |= {f"topology.{path}": item for path, item in (topology.get("provenance") or {}).items()}
    return {path: (item.get("source") or "", item.get("confidence") or "") for path, item in told.items()}


def _nearest_above(provenance: Mapping[str, tuple[str, str]], path: str) -> tuple[str, str]:
    """Return what is told of a path, or of the section nearest above it."""
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        told = provenance.get(".".join(parts[:length]))
        if told is not None:
            return told
    return "", ""


def _at(tree: Any, path: str) -> Any:
    for part in path.split("."):
        tree = tree.get(part) if isinstance(tree, Mapping) else None
    return tree


def _leaves(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield key path and value of everything below a section; sources are no inputs."""
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            if name != "provenance":
                yield from _leaves(value, f"{path}.{name}")
    elif isinstance(tree, list) and any(isinstance(item, Mapping | list) for item in tree):
        for place, value in enumerate(tree):
            yield from _leaves(value, f"{path}.{place}")
    else:
        yield path, tree


def _figures(result: Result, key: SummaryKey) -> pd.DataFrame:
    """Return the assumed figures of the run that are of the catalog kinds of a key."""
    starts = tuple(f"catalog.{kind}." for kind in key.catalog)
    found = result.assumed[result.assumed["key"].str.startswith(starts)] if starts else result.assumed.iloc[:0]
    return found.rename(columns={"key": "path"})[list(INPUT_COLUMNS)].reset_index(drop=True)
