"""Rule packs: from the catalog, with the user's changes."""

from __future__ import annotations

from clustersim import catalog, units
from clustersim.catalog.store import sources
from clustersim.errors import InputError, nearest
from clustersim.limits.issuers import ISSUER
from clustersim.limits.spec import LimitsSpec, Rule

OWN = {"source": "user", "status": "user", "where": "", "confidence": None, "assumed": False}
"""What is said of a rule whose limit the user has changed."""


def pack_names() -> tuple[str, ...]:
    """Return the names of the shipped packs."""
    return tuple(name for name, entry in catalog.entries("rules").items() if "pack" in entry.properties)


def rule(name: str) -> Rule:
    """Return the shipped rule called `name`.

    Raises
    ------
    CatalogError
        If there is no such rule.
    """
    entry = catalog.entry("rules", name)
    limit = entry.figure("limit")
    return Rule.model_validate(
        {
            "id": entry.name,
            "limit": limit.text,
            "source": sources("rules")[limit.source].title,
            "confidence": limit.confidence,
            "assumed": limit.assumed,
            "note": limit.note,
            **{key: value for key, value in entry.properties.items() if key != ISSUER},
        }
    )


def pack(name: str) -> tuple[Rule, ...]:
    """Return the rules of the shipped pack called `name`.

    Raises
    ------
    InputError
        If there is no such pack.
    """
    known = {alias: key for key in pack_names() for alias in (key, *catalog.entry("rules", key).aliases)}
    if name not in known:
        raise InputError(f"unknown rule pack {name!r}{nearest(name, known)}; known: {', '.join(pack_names())}")
    return tuple(rule(member) for member in catalog.entry("rules", known[name]).properties["pack"])


def rules_of(spec: LimitsSpec) -> tuple[Rule, ...]:
    """Return the rules that a study asks for: its packs, other limits put in, some left out, its own added.

    A rule that is in several packs is taken once.

    Raises
    ------
    InputError
        If a pack is unknown, ``overrides`` or ``skip`` name a rule that there is not, a new limit has
        another dimension than the old one, or two rules have the same id.
    """
    found = {item.id: item for name in spec.packs for item in pack(name)}
    for item in spec.rules:
        if item.id in found:
            raise InputError(f"limits.rules: {item.id!r} is already in a pack; use overrides, or another id")
        found[item.id] = item
    for where, ids in (("overrides", list(spec.overrides)), ("skip", list(spec.skip))):
        for name in ids:
            if name not in found:
                raise InputError(
                    f"limits.{where}: no rule {name!r} in packs {', '.join(spec.packs)}{nearest(name, found)}"
                )
    for name, limit in spec.overrides.items():
        if units.dimension_of(units.split(limit)[1]) != found[name].dimension:
            raise InputError(f"limits.overrides.{name}: expected a {found[name].dimension}, got {limit!r}")
        found[name] = Rule.model_validate({**found[name].model_dump(mode="json"), "limit": limit, **OWN})
    return tuple(item for name, item in found.items() if name not in spec.skip)
