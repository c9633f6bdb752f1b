"""Pictures of some shipped topologies for the documentation: ``python -m clustersim.report.gallery [FOLDER]``.

Writes ``FOLDER/images/fabric-NAME.svg`` for each, ``fabric-NAME-pod.svg`` for its first pod, and ``FOLDER/fabrics.md``,
which shows them; FOLDER is ``docs`` when left out.
"""

from __future__ import annotations

import sys
from pathlib import Path

from clustersim.report.fabric_picture import place_picture, rate_text
from clustersim.report.pod_picture import pod_picture
from clustersim.report.words import number
from clustersim.scenario import load_topology, shipped
from clustersim.study.places.place import Place, build_place

SHOWN = ("colossus_memphis", "google_iowa_nebraska", "meta_24k", "deepseek_v3", "fairwater_pair")
"""Topologies of the page: one tree, three sites, a tapered tree, planes of rails, planes of ports."""

HEAD = """# Fabrics of shipped topologies

Drawn by `make pictures` from the files in `topologies/`; not edited by hand. A box is a tier of switches, the strands
between two boxes are all links between them; the ratio is the capacity below over the capacity above. The second
picture of each is the first pod of its first site, switch by switch. `clustersim topology NAME` prints the counts, the
bill of materials, delays, cable lengths, and what the loss of a part does; `--html FILE` writes the same with these
pictures as one page.
"""


def place_section(place: Place) -> str:
    """Return what the page says about a place: its title, its size and its two pictures."""
    name, fabric = place.topology.name, place.fabric
    cut = " and ".join(dict.fromkeys(rate_text(tree.bisection) for tree in fabric.sites))
    return (
        f"\n## {place.topology.title}\n\n"
        f"`{name}`, as of {place.topology.as_of}: {number(place.accelerators)} accelerators, "
        f"{number(sum(tree.switches for tree in fabric.sites))} switches, bisection {cut} per site, "
        f"{number(place.network_usd / place.accelerators)} USD and "
        f"{number(sum(place.network_watts.values()) / place.accelerators)} W of network for each accelerator.\n\n"
        f"![{name} by tiers](images/fabric-{name}.svg)\n\n![{name}, the first pod](images/fabric-{name}-pod.svg)\n"
    )


def draw(folder: Path) -> list[Path]:
    """Draw the topologies of the page into `folder` and return the files that were written."""
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    texts: dict[Path, str] = {}
    page = HEAD
    for name in SHOWN:
        place = build_place(load_topology(shipped("topologies") / f"{name}.yaml"), "bf16")
        first = place.fabric.sites[0].site.name
        texts[images / f"fabric-{place.topology.name}.svg"] = place_picture(place.fabric, place.topology.title)
        texts[images / f"fabric-{place.topology.name}-pod.svg"] = pod_picture(place.fabric, first)
        page += place_section(place)
    texts[folder / "fabrics.md"] = page
    for file, text in texts.items():
        file.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
    return list(texts)


if __name__ == "__main__":
    for written in draw(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")):
        sys.stdout.write(f"{written}\n")
