"""Whose the rules are that judged a run, and which of them are another operator's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clustersim.errors import CatalogError
from clustersim.limits.issuers import Standing, grid_of, issuer_of
from clustersim.study.result import Result

USER = "the user"
"""Issuer of a rule that the user wrote, or whose limit the user changed."""
WORDS: Mapping[Standing, str] = {
    "here": "",
    "elsewhere": "of another operator, for comparison",
    "unknown": "whether it applies here is not known",
}


def issuer_name(row: Mapping[Any, Any]) -> str:
    """Return whose the rule of a row of a verdict is; nobody's where it is not said."""
    if row["status"] == "user":
        return USER
    found = issuer_of(str(row["rule"]))
    return "-" if found is None else found.name


def standing(result: Result, row: Mapping[Any, Any]) -> Standing:
    """Return whether the rule of a row of a verdict is asked at the row's site; without a grid no operator asks.

    Of a row about all sites it is asked where it is at one of them.
    """
    found = None if row["status"] == "user" else issuer_of(str(row["rule"]))
    if found is None:
        return "here"
    plants = result.scenario["topology"]["electrical"]
    site = str(row["node"]).split(": ", 1)[0].split("/", 1)[0]
    seen = {found.standing(*_grid(plants[name])) for name in ([site] if site in plants else plants)}
    answers: tuple[Standing, ...] = ("here", "unknown", "elsewhere")
    return next(one for one in answers if one in seen)


def _grid(plant: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    grid = plant.get("grid")
    if grid is None:
        return None, ()
    try:
        return grid_of(grid["system"], grid.get("point"))
    except CatalogError:
        # of a result that was made with an overlay of the catalog which is not laid now
        return str(grid["system"]), ()


def foreign_rules(result: Result) -> dict[str, str]:
    """Return the rules of a verdict that no site is known to be bound by, each with its issuer and what that means.

    Such as ``{"ercot-5s-range": "ERCOT, of another operator, for comparison"}``, in the order of the verdict.
    """
    seen: dict[str, list[Mapping[Any, Any]]] = {}
    for row in result.verdict.to_dict("records"):
        seen.setdefault(str(row["rule"]), []).append(row)
    found = {}
    for rule, rows in seen.items():
        standings = {standing(result, row) for row in rows}
        if "here" in standings:
            continue
        worst: Standing = "unknown" if "unknown" in standings else "elsewhere"
        found[rule] = f"{issuer_name(rows[0])}, {WORDS[worst]}"
    return found
