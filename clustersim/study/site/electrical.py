"""The electrical trees of a place or of a run, under the load for which they are looked at."""

from __future__ import annotations

import numpy as np

from clustersim.plant import equipment_reactive, settled_heat, steady_cooling
from clustersim.plant.electrical_tree import ElectricalTree, electrical_tree
from clustersim.plant.spec import SiteCoolingSpec, SitePlantSpec
from clustersim.power.records import Waveform, coarsen
from clustersim.scenario.topology import TopologySpec
from clustersim.study.places.place import Place
from clustersim.study.result import Result
from clustersim.study.site.power import provisioned_of


def nameplate_trees(place: Place) -> dict[str, ElectricalTree]:
    """Return the tree of every site that has an electrical section, with all computers at their nameplates.

    Cooling is that which rejects as much heat, as far as it can.
    """
    found = {}
    provided = provisioned_of(place)
    for site, plant in place.topology.electrical.items():
        found[site] = _at(plant, place.topology.cooling.get(site), provided[site])
    return found


def _at(plant: SitePlantSpec, cooling: SiteCoolingSpec | None, it_w: float) -> ElectricalTree:
    cooled = 0.0 if cooling is None else steady_cooling(cooling, settled_heat(plant, cooling, it_w)).power_w
    weather = None if cooling is None else cooling.weather
    return electrical_tree(plant, it_w + cooled, float(equipment_reactive(it_w, cooled)), weather)


def result_trees(result: Result) -> dict[str, ElectricalTree]:
    """Return the tree of every site of a run at the largest one-second mean of its steady window."""
    wave = result.waveforms["steady"]
    topology = TopologySpec.model_validate(result.scenario["topology"])
    return {
        site: _peak(plant, topology.cooling.get(site), wave, site)
        for site, plant in topology.electrical.items()
        if _knows(wave, site)
    }


def _knows(wave: Waveform, site: str) -> bool:
    return {f"{site}/it", f"{site}/cooling"} <= set(wave.nodes)


def _peak(plant: SitePlantSpec, cooling: SiteCoolingSpec | None, wave: Waveform, site: str) -> ElectricalTree:
    seconds = min(wave.power(site).size, max(1, round(1.0 / wave.dt_s)))
    nodes = (f"{site}/it", f"{site}/cooling")
    active = coarsen(np.asarray(sum(wave.power(node) for node in nodes)), seconds)
    reactive = coarsen(np.asarray(sum(wave.reactive(node) for node in nodes)), seconds)
    at = int(active.argmax())
    weather = None if cooling is None else cooling.weather
    return electrical_tree(plant, float(active[at]), float(reactive[at]), weather)
