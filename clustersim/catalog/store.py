"""Look-up of catalog entries by kind and name or alias."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from clustersim.catalog.reads import Read, listening
from clustersim.catalog.records import Entry, Source
from clustersim.catalog.rule_files import KIND, limit_files, read_limit_files
from clustersim.errors import CatalogError, InputError, nearest
from clustersim.strict_yaml import told_yaml

DATA = Path(__file__).parent / "data"
MOST_BYTES = 10_000_000
"""Largest overlay that is read. [B]"""
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _File(BaseModel):
    """One catalog file, or one kind of an overlay: the sources it cites and the entries."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    sources: dict[str, Source]
    entries: dict[str, dict[str, Any]]


PARTS = {"like": str, "aliases": list, "properties": dict, "figures": dict}
"""Of an entry in an overlay."""
_overlays: list[Path] = []
"""Files whose figures replace and add to the shipped ones, in the order in which they are laid on."""
_derived: list[Callable[[], None]] = []
"""Called when other files lie over the shipped ones."""
Given = ParamSpec("Given")
Made = TypeVar("Made")


def derived_from_catalog(forget: Callable[[], None]) -> None:
    """Have `forget` called whenever overlays are laid on or taken away: what it forgets was derived from entries."""
    _derived.append(forget)


def catalog_cache(function: Callable[Given, Made]) -> Callable[Given, Made]:
    """Keep the results of a function of its arguments and the catalog, until other overlays are used."""
    kept = lru_cache(maxsize=1024)(function)
    derived_from_catalog(kept.cache_clear)
    # a function that is cached takes what the function takes
    return cast("Callable[Given, Made]", kept)


def _forget() -> None:
    """Empty every cache that the overlays have a part in; kinds as shipped stay read."""
    _read_overlay.cache_clear()
    _load.cache_clear()
    for forget in _derived:
        forget()


@contextmanager
def recorded() -> Iterator[set[Read]]:
    """Collect which figures are read inside the block.

    What was derived from the catalog before is forgotten first, so that a warm process reads what a fresh one does.
    What looks through all figures of an entry at once (``Entry.figures``) is not seen.

    Examples
    --------
    >>> with recorded() as reads:
    ...     watts = entry("accelerators", "H100").si("tdp")
    >>> reads
    {Read(kind='accelerators', entry='H100-SXM', figure='tdp')}
    """
    for forget in _derived:
        forget()
    with listening() as reads:
        yield reads


def kinds() -> tuple[str, ...]:
    """Return the kinds of the catalog: accelerators, models, switches and so on."""
    return tuple(sorted([*(path.stem for path in DATA.glob("*.yaml")), KIND]))


def catalog_files() -> tuple[Path, ...]:
    """Return the paths of the catalog's files and overlays in a fixed order (they enter the identity of a run)."""
    return (*sorted(DATA.glob("*.yaml")), *limit_files(), *_overlays)


def catalog_digest() -> str:
    """Return a digest of the names and contents of the catalog's files and overlays: 12 hexadecimal digits."""
    return _digest_of((file.name, hashlib.sha256(file.read_bytes()).digest()) for file in catalog_files())


def recorded_digest(inputs: Mapping[str, str]) -> str:
    """Return :func:`catalog_digest` from the inputs that a result lists: ``catalog/FILE`` -> SHA-256 of the file."""
    return _digest_of(
        (name.removeprefix("catalog/"), bytes.fromhex(content))
        for name, content in inputs.items()
        if name.startswith("catalog/")
    )


def _digest_of(files: Iterable[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for name, content in files:
        digest.update(name.encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def overlays() -> tuple[Path, ...]:
    """Return the files that lie over the shipped catalog, in the order in which they were laid on."""
    return tuple(_overlays)


def use_overlays(paths: Sequence[Path]) -> None:
    """Lay files over the shipped catalog, in place of those that lie there now; none restores the shipped one.

    A file holds kinds of the catalog at its top level, each with `sources` and `entries`; figures and properties of an
    entry replace those of the same name, and a new entry is added.

    Raises
    ------
    CatalogError
        If a file cannot be read, or does not hold kinds of the catalog.
    """
    for path in paths:
        for kind in _read_overlay(path):
            if kind not in kinds():
                raise CatalogError(f"{path}: {kind}: expected a kind of the catalog{nearest(kind, kinds())}")
    before = list(_overlays)
    _overlays[:] = paths
    _forget()
    try:
        for path in paths:
            for kind in _read_overlay(path):
                _load(kind)
    except CatalogError:
        _overlays[:] = before
        _forget()
        raise


@cache
def _read_overlay(path: Path) -> dict[str, _File]:
    try:
        if not path.is_file():
            raise CatalogError(f"{path}: expected a file with a catalog overlay, found none")
        if path.stat().st_size > MOST_BYTES:
            raise CatalogError(f"{path}: expected at most {MOST_BYTES / 1e6:g} MB")
        data = told_yaml(path.read_text(encoding="utf-8"), str(path))
        if not isinstance(data, dict):
            raise CatalogError(f"{path}: expected kinds of the catalog with sources and entries")
        found = {kind: _File.model_validate(body) for kind, body in data.items()}
    except InputError as error:
        raise CatalogError(str(error)) from None
    except (OSError, ValueError) as error:
        raise CatalogError(f"{path}: cannot be read as a catalog overlay: {error}") from None
    for kind, file in found.items():
        for name, body in file.entries.items():
            _refuse_odd_parts(f"{path}: {kind}.entries.{name}", body)
    return found


def _refuse_odd_parts(where: str, body: Mapping[str, Any]) -> None:
    """Refuse an entry whose parts cannot be laid over those of a shipped one."""
    for part, value in body.items():
        if part not in PARTS:
            raise CatalogError(f"{where}.{part}: unknown key{nearest(part, PARTS)}")
        if not isinstance(value, PARTS[part]):
            wanted = {str: "the name of an entry", list: "a list", dict: "a mapping"}[PARTS[part]]
            raise CatalogError(f"{where}.{part}: expected {wanted}, found {value!r}")


def _laid_over(below: _File, above: _File) -> _File:
    """Return `below` with the entries of `above` on it; one that says `like` begins as that entry, without its aliases.

    Raises
    ------
    CatalogError
        If there is no such entry.
    """
    merged = dict(below.entries)
    for name, given in above.entries.items():
        body, like = {key: value for key, value in given.items() if key != "like"}, given.get("like")
        if like is None:
            old = merged.get(name, {})
        else:
            found = [key for key, other in merged.items() if like in (key, *other.get("aliases", ()))]
            if not found:
                raise CatalogError(f"catalog overlay: {name}: no entry {like!r} to be like{nearest(like, merged)}")
            old = {key: value for key, value in merged[found[0]].items() if key != "aliases"}
        merged[name] = {**old, **body}
        for part in ("properties", "figures"):
            if part in old or part in body:
                merged[name][part] = {**old.get(part, {}), **body.get(part, {})}
    return _File(sources={**below.sources, **above.sources}, entries=merged)


@cache
def _shipped(kind: str) -> tuple[_File, str]:
    """Return what ships of a kind, and where it lies."""
    if kind == KIND:
        return _File.model_validate(read_limit_files(limit_files())), "catalog/limits"
    path = DATA / f"{kind}.yaml"
    if not path.is_file():
        raise CatalogError(f"catalog: unknown kind {kind!r}{nearest(kind, kinds())}")
    data = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (safe loader)
    return _File.model_validate(data), f"catalog/data/{kind}.yaml"


@cache
def _load(kind: str) -> tuple[Mapping[str, Entry], Mapping[str, Source]]:
    over = [(overlay, _read_overlay(overlay).get(kind)) for overlay in _overlays]
    if not any(above for _, above in over):
        return _as_shipped(kind)
    raw, where = _shipped(kind)
    for overlay, above in over:
        if above is not None:
            raw, where = _laid_over(raw, above), f"{where} with {overlay}"
    return _entries(raw, where, kind)


@cache
def _as_shipped(kind: str) -> tuple[Mapping[str, Entry], Mapping[str, Source]]:
    return _entries(*_shipped(kind), kind)


def _entries(raw: _File, where: str, kind: str) -> tuple[Mapping[str, Entry], Mapping[str, Source]]:
    found: dict[str, Entry] = {}
    for name, body in raw.entries.items():
        try:
            found[name] = Entry(name=name, kind=kind, **body)
        except ValidationError as error:
            raise CatalogError(f"{where}: entries.{name}: {error}") from None
        for key, figure in found[name].figures.items():
            for source in figure.source.split(", "):
                if source not in raw.sources:
                    raise CatalogError(f"{where}: entries.{name}.{key}: unknown source {source!r}")
    return found, raw.sources


def entries(kind: str) -> Mapping[str, Entry]:
    """Return all entries of `kind` by name.

    Raises
    ------
    CatalogError
        If there is no such kind, or its file is not valid.
    """
    return _load(kind)[0]


def shipped_entries(kind: str) -> Mapping[str, Entry]:
    """Return all entries of `kind` as they ship, whatever lies over them.

    Raises
    ------
    CatalogError
        If there is no such kind.
    """
    return _as_shipped(kind)[0]


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
