"""Look-up of catalog entries by kind and name or alias."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from clustersim.catalog.records import Entry, Source
from clustersim.errors import CatalogError, nearest

DATA = Path(__file__).parent / "data"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _File(BaseModel):
    """One catalog file: the sources it cites and the entries."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    sources: dict[str, Source]
    entries: dict[str, Any]


def kinds() -> tuple[str, ...]:
    """Return the kinds of the catalog: accelerators, models, switches and so on."""
    return tuple(sorted(path.stem for path in DATA.glob("*.yaml")))


def catalog_files() -> tuple[Path, ...]:
    """Return the paths of the catalog's files in a fixed order (they enter the identity of a run)."""
    return tuple(sorted(DATA.glob("*.yaml")))


@cache
def _load(kind: str) -> tuple[Mapping[str, Entry], Mapping[str, Source]]:
    path = DATA / f"{kind}.yaml"
    if not path.is_file():
        raise CatalogError(f"catalog: unknown kind {kind!r}{nearest(kind, kinds())}")
    raw = _File.model_validate(yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader))  # noqa: S506 (safe loader)
    found: dict[str, Entry] = {}
    for name, body in raw.entries.items():
        try:
            found[name] = Entry(name=name, kind=kind, **body)
        except ValidationError as error:
            raise CatalogError(f"catalog/data/{kind}.yaml: entries.{name}: {error}") from None
        for key, figure in found[name].figures.items():
            for source in figure.source.split(", "):
                if source not in raw.sources:
                    raise CatalogError(f"catalog/data/{kind}.yaml: entries.{name}.{key}: unknown source {source!r}")
    return found, raw.sources


def entries(kind: str) -> Mapping[str, Entry]:
    """Return all entries of `kind` by name.

    Raises
    ------
    CatalogError
        If there is no such kind, or its file is not valid.
    """
    return _load(kind)[0]


def sources(kind: str) -> Mapping[str, Source]:
    """Return the sources that the entries of `kind` cite, by identifier."""
    return _load(kind)[1]


def entry(kind: str, name: str) -> Entry:
    """Return the entry of `kind` called `name`, or with that alias.

    Raises
    ------
    CatalogError
        If the name is unknown; the message gives the nearest known name.
    """
    found = entries(kind)
    if name in found:
        return found[name]
    for candidate in found.values():
        if name in candidate.aliases:
            return candidate
    known = [*found, *(alias for candidate in found.values() for alias in candidate.aliases)]
    raise CatalogError(f"unknown name {name!r} in catalog kind {kind!r}{nearest(name, known)}")
