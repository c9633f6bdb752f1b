"""Outlines of countries and of the states of the United States, public domain, for maps without a network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "outlines.json"
"""Its head tells the sources, and how far the outlines are simplified. No run reads it: it enters no identity."""
Ring = tuple[tuple[float, float], ...]
"""Longitude and latitude of the corners of a closed line. [degree]"""
APART = ("Alaska", "Hawaii", "Puerto Rico")
"""Not among the conterminous states."""


@dataclass(frozen=True)
class Outlines:
    """Names and what bounds them."""

    states: Mapping[str, tuple[Ring, ...]]
    countries: Mapping[str, tuple[Ring, ...]]
    """Without the United States, which are the states."""
    credit: str
    """Whose outlines they are."""


@cache
def outlines() -> Outlines:
    """Return the outlines; they are read once."""
    tree = json.loads(FILE.read_text(encoding="utf-8"))
    found = {
        kind: {name: tuple(map(_ring, rings)) for name, rings in tree[kind].items()} for kind in ("states", "countries")
    }
    whose = " and ".join(source["title"].split(",")[0] for source in tree["sources"])
    return Outlines(found["states"], found["countries"], f"{whose}, {tree['licence']}")


def conterminous() -> tuple[float, float, float, float]:
    """Return the least and the largest longitude, then latitude, of the conterminous states [degree]."""
    corners = [at for name, rings in outlines().states.items() if name not in APART for ring in rings for at in ring]
    lons, lats = zip(*corners, strict=True)
    return min(lons), max(lons), min(lats), max(lats)


def _ring(flat: list[float]) -> Ring:
    return tuple(zip(flat[::2], flat[1::2], strict=True))
