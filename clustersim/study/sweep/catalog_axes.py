"""Figures of the catalog as axes: laid over the catalog for a point, and taken off again.

The catalog is one for the whole process. A point's figures are therefore an overlay file of its own, laid over those
that lie there, only while the point is answered; whatever was made of figures is forgotten with each change
(:func:`clustersim.catalog.catalog_cache`). The file is named by its content, so that the identity of a run holds what
was set and not where.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from clustersim import catalog, units
from clustersim.errors import InputError, nearest

PREFIX = "catalog."


def is_figure(key: str) -> bool:
    """Return whether a key path means a figure of the catalog: ``catalog.KIND.ENTRY.FIGURE``."""
    return key.startswith(PREFIX)


def figure_of(key: str) -> tuple[str, str, str]:
    """Return kind, entry and figure of a key path; names of entries and figures may have dots of their own.

    Raises
    ------
    InputError
        If there is no such figure; the message gives the nearest.
    """
    _, _, rest = key.partition(".")
    kind, _, rest = rest.partition(".")
    if kind not in catalog.kinds():
        raise InputError(
            f"{key}: expected catalog.KIND.ENTRY.FIGURE, found the kind {kind!r}{nearest(kind, catalog.kinds())}"
        )
    found = catalog.entries(kind)
    names = {alias: name for name, entry in found.items() for alias in (name, *entry.aliases)}
    parts = rest.split(".")
    splits = [(".".join(parts[:cut]), ".".join(parts[cut:])) for cut in range(1, len(parts))]
    known = [(names[entry], figure) for entry, figure in splits if entry in names]
    for entry, figure in known:
        if figure in found[entry].figures:
            return kind, entry, figure
    if known:
        entry, figure = known[-1]
        raise InputError(f"{key}: {entry} has no figure {figure!r}{nearest(figure, found[entry].figures)}")
    raise InputError(f"{key}: catalog kind {kind} has no entry {parts[0]!r}{nearest(parts[0], names)}")


def figure_texts() -> dict[str, str]:
    """Return every figure of the catalog as an axis names it, with its value and unit."""
    return {
        f"{PREFIX}{kind}.{name}.{figure}": entry.figures[figure].text
        for kind in catalog.kinds()
        for name, entry in catalog.entries(kind).items()
        for figure in entry.figures
    }


def overlay_text(changes: Mapping[str, Any]) -> str:
    """Return the overlay with which the figures of `changes` have the values given; source and confidence stay.

    Parameters
    ----------
    changes : mapping
        Key path (``catalog.accelerators.H100-SXM.tdp``) -> value as text with a unit of the figure's dimension, or a
        bare number where the figure has no unit.

    Raises
    ------
    InputError
        If there is no such figure, or the value is not of its dimension.
    """
    kinds: dict[str, Any] = {}
    for key, value in changes.items():
        kind, entry, name = figure_of(key)
        body = kinds.setdefault(kind, {"sources": {}, "entries": {}})
        figures = body["entries"].setdefault(entry, {"figures": {}})["figures"]
        figures[name] = _changed(catalog.entry(kind, entry).figure(name), value, key)
        for source in figures[name]["source"].split(", "):
            body["sources"][source] = catalog_source(kind, source)
    return yaml.safe_dump(kinds, sort_keys=True)


def catalog_source(kind: str, source: str) -> dict[str, Any]:
    """Return a source of a kind as it stands in its file."""
    return catalog.sources(kind)[source].model_dump(mode="json", exclude_none=True)


def _changed(figure: catalog.Figure, value: Any, key: str) -> dict[str, Any]:
    """Return a figure with another value, in its file's form; the band is stretched to hold it."""
    ends: tuple[float | str, ...]
    if figure.unit == "1":
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{key}: expected a bare number, as the figure has no unit, found {value!r}")
        ends = (min(figure.low, value), value, max(figure.high, value))
    else:
        dimension = next(name for name, table in units.TABLE.items() if figure.unit in table)
        try:
            si = units.parse(value, dimension)
        except InputError as error:
            raise InputError(f"{key}: {error}") from None
        factor = units.TABLE[dimension][figure.unit]
        numbers = sorted((min(figure.low, si) / factor, si / factor, max(figure.high, si) / factor))
        ends = tuple(f"{number!r} {figure.unit}" for number in numbers)
    rest = {"source": figure.source, "confidence": figure.confidence, "note": "set by a study"}
    return {"value": ends[1], "low": ends[0], "high": ends[2], **rest}


@contextmanager
def overlaid(changes: Mapping[str, Any]) -> Iterator[None]:
    """Lay figures over the catalog for the block; afterwards it is as it was, however the block ends.

    Parameters
    ----------
    changes : mapping
        As of :func:`overlay_text`; nothing is laid where it is empty.

    Raises
    ------
    InputError
        If a figure is not in the catalog, or a value is not of its dimension.
    """
    if not changes:
        yield
        return
    before = catalog.overlays()
    text = overlay_text(changes)
    with tempfile.TemporaryDirectory(prefix="clustersim-catalog-") as folder:
        path = Path(folder) / f"study-{hashlib.sha256(text.encode()).hexdigest()[:16]}.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            catalog.use_overlays([*before, path])
            yield
        finally:
            catalog.use_overlays(before)
