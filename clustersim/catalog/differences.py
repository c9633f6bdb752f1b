"""What overlays change of the shipped figures."""

from __future__ import annotations

from dataclasses import dataclass

from clustersim.catalog.records import Figure
from clustersim.catalog.store import entries, entry, kinds, overlays, shipped_entries
from clustersim.errors import InputError


@dataclass(frozen=True)
class Difference:
    """A figure as it ships and as an overlay says; `shipped` is absent where the overlay adds it."""

    kind: str
    entry: str
    figure: str
    shipped: Figure | None
    laid: Figure

    @property
    def change(self) -> float | None:
        """How much larger the new value is, as a share of the shipped one; None where there is no ratio. [-]"""
        if self.shipped is None or self.shipped.value == 0.0:
            return None
        return self.laid.value / self.shipped.value - 1.0

    @property
    def expected(self) -> bool | None:
        """Whether the new value lies in the shipped band; None where none ships."""
        return None if self.shipped is None else self.shipped.low <= self.laid.value <= self.shipped.high


def differences(kind: str | None = None, name: str | None = None) -> tuple[Difference, ...]:
    """Return the figures that the overlays in use change or add, in the order of the catalog.

    Parameters
    ----------
    kind, name : str, optional
        Only of this kind, and of the entry with this name or alias.

    Raises
    ------
    InputError
        If no overlay is in use.
    CatalogError
        If the kind or the name is unknown.
    """
    if not overlays():
        raise InputError("--diff: expected an overlay over the figures (clustersim --catalog FILE catalog --diff)")
    found = []
    for one in kinds() if kind is None else (kind,):
        before, now = shipped_entries(one), entries(one)
        chosen = now.values() if kind is None or name is None else [entry(one, name)]
        for laid in chosen:
            old = before[laid.name].figures if laid.name in before else {}
            for key, figure in laid.figures.items():
                if old.get(key) != figure:
                    found.append(Difference(one, laid.name, key, old.get(key), figure))
    return tuple(found)
