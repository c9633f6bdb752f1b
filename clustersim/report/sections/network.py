"""The network of a place: counts, cost, power, pictures."""

from __future__ import annotations

from dataclasses import replace

from clustersim.report.plotted import Plotted
from clustersim.report.pod_picture import fabric_pictures
from clustersim.report.sections.records import Section
from clustersim.report.words import dollars, number
from clustersim.study.places.place import Place
from clustersim.study.places.survey import result_place
from clustersim.study.result import Result


def network_section(result: Result) -> Section:
    """Return what the network of a run is made of."""
    place = result_place(result)
    counts = _counts(place)
    watts, usd = sum(place.network_watts.values()), place.network_usd
    return Section(
        "network",
        "Its network",
        cards=[
            ("switches", number(sum(tree.switches for tree in place.fabric.sites)), False),
            ("links", number(sum(tree.switch_links + tree.host_links for tree in place.fabric.sites)), False),
            ("to build", dollars(usd), False),
            ("each accelerator", f"{number(usd / place.accelerators)} USD", False),
            ("typical power", f"{number(watts / 1e6)} MW", False),
            ("each accelerator", f"{number(watts / place.accelerators)} W", False),
        ],
        notes=[
            f"clustersim topology {place.topology.name} tells delays, cables, paths and what the loss of a part does."
        ],
        figures=[replace(one, plotted=counts) for one in fabric_pictures(place.fabric, place.topology.title)],
    )


def _counts(place: Place) -> Plotted:
    """Return the parts that the pictures draw, site by site."""
    rows = tuple(
        (str(item.place), str(item.item), str(item.part), number(int(item.count)), f"{number(item.watts_typical)} W")
        for item in place.bill
    )
    return Plotted(("place", "item", "part", "count", "each, typical"), rows, len(rows))
