"""What a gallery tells of the shipped scenarios without running them: their size, and all places on one map."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import clustersim
from clustersim.catalog import catalog_cache, catalog_digest
from clustersim.errors import InputError
from clustersim.report.map_places import MappedFibre, MappedPlace, MappedSite, mapped_place
from clustersim.scenario import load_any, load_topology, located, shipped, shipped_names
from clustersim.study.places.place import build_place
from clustersim.study.places.survey import quiet
from clustersim.study.site.power import provisioned_of
from clustersim.whole_file import write_text

FOLDER = "gallery"
"""Folder of the file, in that of the results."""


@dataclass(frozen=True)
class PresetSize:
    """How large the place of a shipped scenario is."""

    accelerators: int
    it_mw: float
    """IT power by nameplates. [MW]"""
    sites: int


@dataclass(frozen=True)
class PresetGallery:
    """Sizes of all shipped scenarios, and where all shipped places stand."""

    sizes: Mapping[str, PresetSize]
    """By name of the scenario."""
    places: tuple[MappedPlace, ...]


def preset_gallery(tell: Callable[[str], None] = quiet) -> PresetGallery:
    """Return what a gallery shows; it builds every shipped place, which takes some seconds."""
    sizes = {}
    for name in shipped_names("scenarios"):
        tell(f"size of {name}")
        place = build_place(load_any(located(name, "scenarios")).topology, "bf16")
        watts = sum(provisioned_of(place).values())
        sizes[name] = PresetSize(place.accelerators, watts / 1e6, len(place.topology.site))
    places = []
    for path in sorted(shipped("topologies").glob("*.yaml")):
        tell(f"position of {path.stem}")
        places.append(mapped_place(build_place(load_topology(path), "bf16")))
    return PresetGallery(sizes, tuple(places))


@catalog_cache
def _digest() -> str:
    """Return what a gallery follows from, as one number: the catalog, the shipped files, the version."""
    digest = hashlib.sha256(f"{clustersim.__version__} {catalog_digest()}".encode())
    for folder in ("scenarios", "topologies"):
        for path in sorted(shipped(folder).rglob("*.yaml")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def gallery_file(results: Path) -> Path:
    """Return the file that keeps the gallery of this version beside results, be it there or not."""
    return results / FOLDER / f"{_digest()}.json"


def save_gallery(found: PresetGallery, file: Path) -> None:
    """Write a gallery; the file appears whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    write_text(file, json.dumps(asdict(found)))


def load_gallery(file: Path) -> PresetGallery:
    """Return the gallery in a file that :func:`save_gallery` wrote.

    Raises
    ------
    InputError
        If it is not such a file.
    """
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
        places = (
            MappedPlace(
                one["name"],
                one["title"],
                tuple(MappedSite(**site) for site in one["sites"]),
                tuple(MappedFibre(**route) for route in one["fibre"]),
            )
            for one in tree["places"]
        )
        return PresetGallery({name: PresetSize(**size) for name, size in tree["sizes"].items()}, tuple(places))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: cannot be read as a gallery ({error}); remove it and it is made again") from None
