"""Events of the grid that a scenario asks for and its place cannot have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from clustersim.errors import nearest
from clustersim.plant.spec import GeneratorTrip, GridEvent, IslandFormation, PlantModeSpec, SitePlantSpec

NEED_A_GRID = ("voltage_dip", "curtailment", "island_formation", "frequency_excursion")


def impossible_events(plant: PlantModeSpec, plants: Mapping[str, SitePlantSpec], horizon_s: float | None) -> list[str]:
    """Return one line ``plant.events.N: expected ..., found ...`` for every event that cannot happen.

    Parameters
    ----------
    plant : PlantModeSpec
        Section `plant` of the scenario.
    plants : mapping of str to SitePlantSpec
        By site.
    horizon_s : float or None
        Time that is simulated; None where no job runs. [s]
    """
    if plant.events and horizon_s is None:
        return ["plant.events: expected none with a measured load, as there is no job that they could stop"]
    found = []
    for index, event in enumerate(plant.events):
        found += [f"plant.events.{index}: {text}" for text in _wrong(event, plant, plants, horizon_s or 0.0)]
    for (a, first), (b, second) in combinations(enumerate(plant.events), 2):
        if _overlap(first, second):
            found.append(
                f"plant.events.{b}: expected a {second.kind} that begins after events.{a} of the same kind is over, "
                f"found {second.at:g} s"
            )
    return found


def _wrong(
    event: GridEvent, plant: PlantModeSpec, plants: Mapping[str, SitePlantSpec], horizon_s: float
) -> Iterator[str]:
    if event.site is not None and event.site not in plants:
        yield f"site: expected one of {', '.join(plants)}, found {event.site!r}{nearest(event.site, list(plants))}"
        return
    if event.at is not None and event.at >= horizon_s:
        yield f"at: expected a time within the horizon of {horizon_s:g} s, found {event.at:g} s"
    if plant.mode == "island" and event.kind in NEED_A_GRID:
        yield f"kind: expected generator_trip or load_loss in an island, found {event.kind}"
    sites = plants if event.site is None else {event.site: plants[event.site]}
    for name, site in sites.items():
        if isinstance(event, GeneratorTrip):
            yield from _no_unit(event, name, site)
        if isinstance(event, IslandFormation) and site.grid is None:
            yield f"kind: expected a site with a grid, electrical.{name} has none"


def _no_unit(event: GeneratorTrip, name: str, site: SitePlantSpec) -> Iterator[str]:
    groups = len(site.generators)
    if event.generator >= groups:
        yield f"generator: expected one of the {groups} of electrical.{name}.generators, found {event.generator}"
    elif event.units > site.generators[event.generator].count:
        yield (
            f"units: expected at most the {site.generators[event.generator].count} of electrical.{name}.generators, "
            f"found {event.units}"
        )


def _overlap(first: GridEvent, second: GridEvent) -> bool:
    if first.kind != second.kind or first.at is None or second.at is None:
        return False
    if first.site is not None and second.site is not None and first.site != second.site:
        return False
    return first.at < second.at + max(second.lasts_s, 1e-9) and second.at < first.at + max(first.lasts_s, 1e-9)
