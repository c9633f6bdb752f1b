"""Cables within sites: length, and what reaches that far."""

from __future__ import annotations

from dataclasses import dataclass

from clustersim import catalog
from clustersim.fabric.bill import link_modules
from clustersim.fabric.layout import CableRun, cable_runs, hall_layout
from clustersim.fabric.multi_site import Fabric


@dataclass(frozen=True)
class SiteCables:
    """The cables of one kind of links of a site, and the modules at their ends."""

    site: str
    run: CableRun
    modules: tuple[str, str]
    """Catalog names of the modules at the lower and the upper end."""
    reach: float | None
    """Of the module that reaches less far; None where nobody published one. [m]"""

    @property
    def beyond(self) -> float:
        """Share of the cables that are longer than the modules reach; 0 where the reach is not known."""
        return 0.0 if self.reach is None else self.run.beyond(self.reach)


def site_cables(fabric: Fabric) -> tuple[SiteCables, ...]:
    """Return the cables of every site by kind of links, from the hall layout of the topology or the catalog.

    Raises
    ------
    CatalogError
        If the catalog lacks a module or a figure of the layout.
    """
    layout = hall_layout(fabric.spec.layout)
    found = []
    for tree in fabric.sites:
        for run in cable_runs(tree, layout):
            ends = link_modules(fabric.spec, run.tier)
            parts = [catalog.entry("optics", name) for name in ends]
            reaches = [part.si("reach") for part in parts if part.has("reach")]
            found.append(SiteCables(tree.site.name, run, ends, min(reaches, default=None)))
    return tuple(found)


def reach_warnings(cables: tuple[SiteCables, ...]) -> tuple[str, ...]:
    """Return a sentence for each kind of links some of whose cables are longer than their modules reach."""
    return tuple(
        f"{found.site}: {100.0 * found.beyond:.3g} % of the {found.run.tier.name} cables are longer than the "
        f"{found.reach:g} m that {' and '.join(dict.fromkeys(found.modules))} reach; the longest has "
        f"{found.run.quantile(1.0):.0f} m"
        for found in cables
        if found.beyond > 0.0
    )
