"""The files under ``catalog/limits`` as entries of the catalog's kind `rules`: one entry per rule and per pack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from clustersim.errors import CatalogError

LIMITS = Path(__file__).parent / "limits"
KIND = "rules"
FIGURE_KEYS = ("source", "confidence", "date", "note")
"""What a rule says of its limit; the rest of it are properties."""
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def limit_files() -> tuple[Path, ...]:
    """Return the shipped files of rules in a fixed order."""
    return tuple(sorted(LIMITS.glob("*.yaml")))


def read_limit_files(paths: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Return `sources` and `entries` of files of rules, merged.

    The limit of a rule becomes a figure with source and confidence, everything else a property. A pack becomes an entry
    with the property ``pack``, the ids of its rules. The `issuer` of a file is that of its rules that name no other.

    Raises
    ------
    CatalogError
        If a rule, pack or source is in two files with different content.
    """
    sources: dict[str, Any] = {}
    entries: dict[str, Any] = {}
    for path in paths:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (safe loader)
        _add(sources, data["sources"], path, same=True)
        _add(entries, {name: _rule(body, data.get("issuer")) for name, body in data["rules"].items()}, path)
        _add(entries, {name: _pack(body) for name, body in data["packs"].items()}, path)
    return {"sources": sources, "entries": entries}


def _add(found: dict[str, Any], more: Mapping[str, Any], path: Path, same: bool = False) -> None:
    for name, body in more.items():
        if name in found and not (same and found[name] == body):
            raise CatalogError(f"catalog/limits/{path.name}: {name!r} is in another file already")
        found[name] = body


def _rule(body: Mapping[str, Any], issuer: Mapping[str, Any] | None) -> dict[str, Any]:
    body = {"issuer": issuer, **body} if issuer is not None else body
    figure = {"value": body["limit"], **{key: body[key] for key in FIGURE_KEYS if key in body}}
    properties = {key: value for key, value in body.items() if key != "limit" and key not in FIGURE_KEYS}
    return {"properties": properties, "figures": {"limit": figure}}


def _pack(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "aliases": tuple(body.get("aliases", ())),
        "properties": {"title": body["title"], "pack": list(body["rules"])},
    }
