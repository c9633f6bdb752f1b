"""Who issued a rule, and whether that binds a site on its grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from clustersim import catalog
from clustersim.errors import CatalogError

ISSUER = "issuer"
"""Property of a rule in the catalog."""
Standing = Literal["here", "elsewhere", "unknown"]
"""Whether a rule is asked at a site: it is one of its grid or of none in particular, it is another operator's, or the
operator of the site is not known."""


@dataclass(frozen=True)
class Issuer:
    """Who asks a rule, and of whom."""

    name: str
    systems: tuple[str, ...] = ()
    """Interconnections (catalog kind `grids`) in which it has a say; empty: it is not bound to a grid."""
    operators: tuple[str, ...] = ()
    """Operators whose customers it asks; empty: all in those interconnections."""

    def standing(self, system: str | None, operators: Sequence[str]) -> Standing:
        """Return whether the issuer's rules are asked at a site.

        Parameters
        ----------
        system : str or None
            Name of the site's interconnection; None without a grid.
        operators : sequence of str
            Who runs the grid there; empty where nobody is named.
        """
        if not self.systems:
            return "here"
        if system not in self.systems:
            return "elsewhere"
        if not self.operators or set(self.operators) & set(operators):
            return "here"
        return "elsewhere" if operators else "unknown"


def issuer_of(rule: str) -> Issuer | None:
    """Return who issued a shipped rule; None of a rule that is not shipped or names nobody."""
    try:
        stated: dict[str, Any] | None = catalog.entry("rules", rule).properties.get(ISSUER)
    except CatalogError:
        return None
    if stated is None:
        return None
    return Issuer(stated["name"], tuple(stated.get("systems", ())), tuple(stated.get("operators", ())))


def grid_of(system: str, point: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the interconnection behind a connection by its name in the catalog, and who runs the grid there.

    Raises
    ------
    CatalogError
        If the catalog has no such interconnection or point.
    """
    operators = () if point is None else catalog.entry("grids", point).properties.get("operators", ())
    return catalog.entry("grids", system).name, tuple(operators)
