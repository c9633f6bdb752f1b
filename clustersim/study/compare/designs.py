"""What is compared: designs, each a summary with its inputs, and as much else as its source holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

import clustersim
from clustersim.economics import CostFacts, EconomicsSpec
from clustersim.economics.facts import facts_of
from clustersim.errors import InputError, nearest
from clustersim.study.result import Result

VERDICT = ("rule", "node", "measured", "limit", "unit", "margin", "passed", "window", "source", "reason")
"""Columns of a verdict that a comparison reads."""


@dataclass(frozen=True)
class Design:
    """One design. Only `run_id`, `name`, `scenario` and `summary` are always there."""

    run_id: str
    name: str
    """Unique among the designs of a comparison (:func:`named`)."""
    scenario: Mapping[str, Any]
    """The resolved scenario as a plain tree."""
    summary: Mapping[str, Any]
    verdict: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(VERDICT)))
    """Rows of rules; empty where only a summary was stored."""
    cost: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Rows of the cost table; empty where only a summary was stored."""
    facts: CostFacts | None = None
    """What the cost depends on besides prices; None where it was not stored."""
    result: Result | None = None
    """The whole result, where there is one: waveforms for figures."""
    warnings: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Title of the scenario."""
        return str(self.scenario.get("title", self.name))

    @property
    def measured(self) -> bool:
        """Whether the load is measured, without a job."""
        return "load" in self.scenario

    def economics(self) -> EconomicsSpec:
        """Return the prices and lives of the scenario."""
        return EconomicsSpec.model_validate(dict(self.scenario.get("economics") or {}))


def of_result(result: Result, warnings: tuple[str, ...] = ()) -> Design:
    """Return the design of a run."""
    return Design(
        run_id=result.run_id,
        name=result.name,
        scenario=result.scenario,
        summary=result.summary,
        verdict=result.verdict,
        cost=result.cost,
        facts=facts_of(result.cost_facts) if result.cost_facts else None,
        result=result,
        warnings=warnings,
    )


def of_summary(run_id: str, name: str, scenario: Mapping[str, Any], summary: Mapping[str, Any]) -> Design:
    """Return a design of which only inputs and summary are known, such as a row of a stored sweep."""
    return Design(run_id=run_id, name=name, scenario=scenario, summary=summary)


def of_folder(folder: Path) -> Design:
    """Return the design in a result folder; one of another version of the package comes with a warning.

    Raises
    ------
    InputError
        If the folder is not a result folder, or cannot be read as one.
    """
    try:
        result = Result.load(folder)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{folder}: cannot be read as a result ({error})") from None
    version = str(manifest.get("clustersim", "unknown"))
    if version == clustersim.__version__:
        return of_result(result)
    said = f"{result.name} ({folder.name}) is of clustersim {version}, this is {clustersim.__version__}: models differ"
    return of_result(result, (said,))


def named(designs: Sequence[Design]) -> tuple[Design, ...]:
    """Return the designs with unique names: the run's identity is added where two have the same name.

    Raises
    ------
    InputError
        If there are fewer than two designs, or two are the same run.
    """
    if len(designs) < 2:
        raise InputError(f"compare: expected at least two designs, found {len(designs)}")
    seen: dict[str, str] = {}
    for design in designs:
        if design.run_id in seen:
            raise InputError(
                f"compare: two of the designs are the same run {design.run_id} ({seen[design.run_id]} and "
                f"{design.name}): expected designs that differ"
            )
        seen[design.run_id] = design.name
    names = [design.name for design in designs]
    return tuple(
        design if names.count(design.name) == 1 else replace(design, name=f"{design.name}-{design.run_id}")
        for design in designs
    )


def base_first(designs: Sequence[Design], base: str | None) -> tuple[Design, ...]:
    """Return the designs with the one called `base` in front; None leaves the order.

    Raises
    ------
    InputError
        If none is called so.
    """
    if base is None:
        return tuple(designs)
    found = [design for design in designs if base in {design.name, design.run_id}]
    if not found:
        names = [design.name for design in designs]
        raise InputError(
            f"--base: expected one of the designs {', '.join(names)}, found {base!r}{nearest(base, names)}"
        )
    return (found[0], *(design for design in designs if design is not found[0]))


def catalog_warnings(designs: Sequence[Design]) -> tuple[str, ...]:
    """Return a warning for each result whose catalog is not that of the first result: figures may differ."""
    stored = [design for design in designs if design.result is not None and design.result.inputs]
    said = []
    for design in stored[1:]:
        first, other = (_catalog(one) for one in (stored[0], design))
        changed = sorted(name for name in {*first, *other} if first.get(name) != other.get(name))
        if changed:
            files = ", ".join(name.removeprefix("catalog/") for name in changed[:4])
            more = f" and {len(changed) - 4} more" if len(changed) > 4 else ""
            said.append(f"{design.name} was run with another catalog than {stored[0].name}: {files}{more}")
    return tuple(said)


def _catalog(design: Design) -> dict[str, str]:
    inputs = {} if design.result is None else design.result.inputs
    return {name: digest for name, digest in inputs.items() if name.startswith("catalog/")}
