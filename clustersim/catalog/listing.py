"""The catalog as a table of text, one row per figure, for people to read."""

from __future__ import annotations

from collections.abc import Iterator

from clustersim import units
from clustersim.catalog.records import Entry, Figure
from clustersim.catalog.store import entries, entry, kinds
from clustersim.errors import CatalogError, nearest

REFERENCE_ONLY = "reference only"
"""Use of a figure that acts nowhere."""


def rows(kind: str | None = None, name: str | None = None) -> list[dict[str, str]]:
    """Return one row per figure of the catalog.

    Parameters
    ----------
    kind : str, optional
        Only this kind, such as ``"accelerators"``; all kinds when left out.
    name : str, optional
        Only the entry of this name or alias, in `kind` or in every kind that has it.

    Returns
    -------
    list of dict
        Keys ``kind, entry, figure, value, low, high, band, confidence, source, date, note, use``, all text. Values are
        in the unit of the source; ``band`` says whether the source gives the range or it is assumed from the
        confidence; ``use`` is :data:`REFERENCE_ONLY` where nothing reads the entry, else empty. In the order of the
        files; empty only if the catalog is.

    Raises
    ------
    CatalogError
        If the kind is unknown, or no entry has the name; the message gives the nearest known one.

    Examples
    --------
    >>> [row["value"] for row in rows("accelerators", "H100") if row["figure"] == "tdp"]
    ['700 W']
    """
    if kind is not None:
        found = list(entries(kind).values()) if name is None else [entry(kind, name)]
    elif name is None:
        found = list(_all_entries())
    else:
        found = _in_every_kind(name)
    return [_row(one, key, figure) for one in found for key, figure in one.figures.items()]


def _in_every_kind(name: str) -> list[Entry]:
    """Return the entries of any kind called `name`, or with that alias."""
    found = [one for one in _all_entries() if name == one.name or name in one.aliases]
    if not found:
        known = [word for one in _all_entries() for word in (one.name, *one.aliases)]
        raise CatalogError(f"unknown name {name!r} in the catalog{nearest(name, known)}")
    return found


def _all_entries() -> Iterator[Entry]:
    for kind in kinds():
        yield from entries(kind).values()


def _row(one: Entry, key: str, figure: Figure) -> dict[str, str]:
    return {
        "kind": one.kind,
        "entry": one.name,
        "figure": key,
        "value": figure_text(figure.value, figure.unit),
        "low": figure_text(figure.low, figure.unit),
        "high": figure_text(figure.high, figure.unit),
        "band": figure.band,
        "confidence": figure.confidence,
        "source": figure.source,
        "date": figure.date or "",
        "note": figure.note,
        "use": REFERENCE_ONLY if one.reference_only else "",
    }


def figure_text(value: float, unit: str) -> str:
    """Return an SI value in the unit of its source; a dimensionless one as a bare number."""
    return f"{value:.12g}" if unit == "1" else units.text(value, unit)
