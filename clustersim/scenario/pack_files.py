"""Packs of rules that a scenario names by file: put into the scenario, so that it can be run again without them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clustersim import catalog
from clustersim.errors import InputError, nearest
from clustersim.limits.spec import pack_rules
from clustersim.scenario.files import file_inside, read_yaml


def embedded(path: Path, tree: dict[str, Any]) -> dict[str, Any]:
    """Return the tree of a scenario with the rules of its pack files among `limits.rules`.

    Parameters
    ----------
    path : Path
        The scenario's file; a pack file lies in its folder or below it.
    tree : dict
        The scenario.

    Raises
    ------
    InputError
        With everything that is wrong in the pack files.
    """
    limits = tree.get("limits")
    if not isinstance(limits, dict):
        return tree
    return {**tree, "limits": embedded_limits(path, limits, "limits.packs")}


def embedded_limits(path: Path, limits: dict[str, Any], key: str) -> dict[str, Any]:
    """Return a section `limits` with the rules of its pack files among its `rules`; `key` names its packs."""
    packs = limits.get("packs")
    if not isinstance(packs, list) or not any(_is_file(name) for name in packs):
        return limits
    found: dict[str, str] = {}
    rules: list[Any] = []
    lines: list[str] = []
    for index, name in enumerate(packs):
        if not _is_file(name):
            # told here, where the files before it still count
            problem = unknown_pack(name) if isinstance(name, str) else None
            if problem is not None:
                lines.append(f"{path}: {key}.{index}: {problem}")
            continue
        try:
            file = file_inside(path, name, f"{key}.{index}")
            for rule in pack_rules(read_yaml(file), str(file)):
                if rule["id"] in found:
                    lines.append(f"{file}: rules.{rule['id']}: is in {found[rule['id']]} already")
                found[rule["id"]] = name
                rules.append(rule)
        except InputError as error:
            lines.append(str(error))
    if lines:
        raise InputError("\n".join(lines))
    own = limits.get("rules") or []
    names = [name for name in packs if not _is_file(name)]
    return {**limits, "packs": names, "rules": [*rules, *own] if isinstance(own, list) else own}


def unknown_pack(name: str) -> str | None:
    """Return what is wrong with the name of a shipped pack of rules, None when there is one of that name."""
    entries = catalog.entries("rules")
    packs = {name: entry for name, entry in entries.items() if "pack" in entry.properties}
    known = {alias for key, entry in packs.items() for alias in (key, *entry.aliases)}
    if name in known:
        return None
    if name in entries:
        within = ", ".join(key for key, entry in packs.items() if name in entry.properties["pack"])
        return f"expected a pack of rules, found the rule {name!r}, which is in {within}"
    return f"unknown rule pack {name!r}{nearest(name, known)}"


def _is_file(name: object) -> bool:
    return isinstance(name, str) and name.endswith((".yaml", ".yml"))
