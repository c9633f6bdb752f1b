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
    "unknown": "whether it applies here is not known",
    "elsewhere": "of another operator, for comparison",
}
"""What a standing is called, the one that binds most first."""


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
    return next(one for one in WORDS if one in seen)


def _grid(plant: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    grid = plant.get("grid")
    if grid is None:
        return None, ()
    try:
        return grid_of(grid["system"], grid.get("point"))
    except CatalogError:
        # of a result that was made with an overlay of the catalog which is not laid now
        return str(grid["system"]), ()


def standings(result: Result) -> dict[str, Standing]:
    """Return of each rule of a verdict, in its order, whether it is asked at one of the places where it was judged."""
    seen: dict[str, set[Standing]] = {}
    for row in result.verdict.to_dict("records"):
        seen.setdefault(str(row["rule"]), set()).add(standing(result, row))
    return {rule: next(one for one in WORDS if one in found) for rule, found in seen.items()}


def foreign_rules(result: Result) -> dict[str, str]:
    """Return the rules of a verdict that no site is known to be bound by, each with its issuer and what that means.

    Such as ``{"ercot-5s-range": "ERCOT, of another operator, for comparison"}``, in the order of the verdict.
    """
    rows = {str(row["rule"]): row for row in result.verdict.to_dict("records")}
    return {
        rule: f"{issuer_name(rows[rule])}, {WORDS[found]}"
        for rule, found in standings(result).items()
        if found != "here"
    }
