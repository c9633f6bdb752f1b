"""Every shipped place in one table: ``python -m clustersim.report.places > docs/places.md``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from clustersim.fabric import SiteFabric
from clustersim.report.words import number
from clustersim.scenario import TopologySpec, load_topology, shipped
from clustersim.study.places.place import Place, build_place

COLUMNS = (
    "place",
    "as of",
    "accelerators",
    "sites",
    "fabric",
    "switches",
    "bisection [Pbit/s]",
    "of NICs",
    "out of a site [Tbit/s]",
    "assumed",
    "plant",
)
HEADER = """# Places

Every file of `topologies/`, as `clustersim topology NAME` counts it. This page is written by
`python -m clustersim.report.places`; a test compares it with the files. Where each value comes from is in the
files, under `provenance`.

- *switches*: of all sites.
- *bisection*: of the largest site, line rate in one direction; *of NICs*: over half of its network cards.
- *out of a site*: fibre of the site that has the least, line rate in one direction.
- *assumed*: entries of `provenance` that are estimates or recalled, of all; the rest is measured, stated or reported.
- *plant*: whether the file has the sections `electrical` and `cooling`. Without them `run` and `compare` refuse the
  place; `topology`, `step`, `plan` and `check` take it.

"""


def fleet_text(topology: TopologySpec) -> str:
    """Return the accelerators of a place by kind, the largest number first."""
    counts: dict[str, int] = {}
    for site in topology.site.values():
        for item in site.fleet:
            counts[item.accelerator] = counts.get(item.accelerator, 0) + item.count
    return " + ".join(f"{count:,} {kind}" for kind, count in sorted(counts.items(), key=lambda pair: -pair[1]))


def fabric_text(place: Place) -> str:
    """Return the kind of fabric in a few words."""
    spec = place.topology.fabric
    words = [spec.kind.replace("_", "-")]
    for key in ("tiers", "planes", "rails"):
        many = getattr(spec, key, None)
        if many is not None and many > 1:
            words.append(f"{many} {key}")
    if spec.scale_up is not None:
        words.append(f"{spec.scale_up.kind} scale-up")
    return ", ".join(words)


def nic_share(tree: SiteFabric) -> float:
    """Bisection of a site over half of its network cards. [-]"""
    return tree.bisection / (tree.site.endpoints * tree.site.nic_bandwidth / 2.0)


def out_of_a_site(place: Place) -> float | None:
    """Capacity of the fibre of the site that has the least [B/s]; None for a single site."""
    if not place.fabric.wan:
        return None
    names = [tree.site.name for tree in place.fabric.sites]
    return min(sum(route.capacity for route in place.fabric.wan if name in (route.a, route.b)) for name in names)


def _row(place: Place) -> str:
    topology = place.topology
    largest = max(place.fabric.sites, key=lambda tree: tree.site.endpoints)
    out = out_of_a_site(place)
    entries = topology.provenance.values()
    assumed = sum(entry.confidence in {"estimate", "from_memory"} for entry in entries)
    cells = (
        f"`{topology.name}`: {topology.title}",
        topology.as_of,
        fleet_text(topology),
        str(len(topology.site)),
        fabric_text(place),
        f"{sum(tree.switches for tree in place.fabric.sites):,}",
        number(largest.bisection * 8e-15),
        f"{100.0 * nic_share(largest):.0f} %",
        "" if out is None else number(out * 8e-12),
        f"{assumed} of {len(entries)}",
        "yes" if topology.electrical and topology.cooling else "no",
    )
    return f"| {' | '.join(cells)} |"


def places_markdown(places: Sequence[Place]) -> str:
    """Return the table of `places` as Markdown."""
    head = (f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|")
    return HEADER + "\n".join((*head, *map(_row, places))) + "\n"


def shipped_places() -> list[Place]:
    """Return every place of the folder `topologies`, by name."""
    return [build_place(load_topology(path), "bf16") for path in sorted(shipped("topologies").glob("*.yaml"))]


if __name__ == "__main__":
    sys.stdout.write(places_markdown(shipped_places()))
