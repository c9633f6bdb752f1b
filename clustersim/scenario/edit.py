"""Edits of a draft, each as small as it can be said: a value, another place, a whole text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clustersim.errors import InputError, nearest
from clustersim.scenario.draft import Draft, within
from clustersim.scenario.files import read_yaml, shipped, shipped_names, value_at
from clustersim.scenario.load import load_resolved, resolved

MOST_DIFFERENCES = 40
"""Settings as which an edited text is kept; more of them are a scenario of its own."""
_KEY = re.compile(r"^[A-Za-z0-9_-]+$")


def put(draft: Draft, path: str, value: Any) -> Draft:
    """Return a draft with a value at a key path; without a setting where it has that value without one.

    Raises
    ------
    InputError
        If the key path leads nowhere.
    """
    below = [key for key in draft.settings if within(key, (path,))]
    plain = draft.without(*below) if below else draft
    return plain if value_at(plain.written(), path) == value else draft.changed({path: value})


def cleared(draft: Draft, path: str, otherwise: Any) -> Draft:
    """Return a draft with nothing written at a key path; with `otherwise` where something is without a setting.

    Raises
    ------
    InputError
        If the key path leads nowhere.
    """
    below = [key for key in draft.settings if within(key, (path,))]
    plain = draft.without(*below) if below else draft
    return plain if value_at(plain.written(), path) is None else put(draft, path, otherwise)


def placed(draft: Draft, topology: str) -> Draft:
    """Return a draft at another shipped place; what was changed of the place before is gone.

    Raises
    ------
    InputError
        If there is no such place.
    """
    names = shipped_names("topologies")
    if topology not in names:
        raise InputError(f"topology: expected a shipped one, found {topology[:60]!r}{nearest(topology, names)}")
    below = [key for key in draft.settings if within(key, ("topology",))]
    home = draft.without(*below) if below else draft
    if home.tree is None:
        moved = Draft(home.name, None, {"topology": topology, **home.settings})
        return home if home.written() == moved.written() else moved
    place = read_yaml(shipped("topologies") / f"{topology}.yaml")
    try:
        base = resolved(load_resolved({**home.tree, "topology": place}, home.name))
    except InputError:
        # a base is always right; what is wrong stays a setting, which validation tells and the user can mend
        return Draft(home.name, home.tree, {"topology": place, **home.settings})
    return Draft(home.name, base, home.settings)


def rewritten(draft: Draft, tree: Mapping[str, Any]) -> Draft:
    """Return a draft that says what a whole tree says: as settings where they can, else as a tree of its own.

    Raises
    ------
    InputError
        If only a tree of its own can say it, and it is wrong.
    """
    settings = _differences(draft.without().written(), tree)
    if settings is not None and len(settings) <= MOST_DIFFERENCES:
        return Draft(draft.name, draft.tree, settings)
    name = str(tree.get("name", draft.name))[:60]
    return Draft(name, resolved(load_resolved(tree, name)))


def _differences(old: Any, new: Any, path: str = "") -> dict[str, Any] | None:
    """Return key path -> value of what is other in `new`; None where settings cannot say it."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        if set(old) - set(new) or not all(_KEY.match(key) for key in new if old.get(key) != new[key]):
            return None
        pairs = [(key, old.get(key), value) for key, value in new.items() if key not in old or old[key] != value]
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = [(str(at), *both) for at, both in enumerate(zip(old, new, strict=True)) if both[0] != both[1]]
    else:
        return {path: new}
    found: dict[str, Any] = {}
    for key, before, after in pairs:
        inner = _differences(before, after, f"{path}.{key}" if path else key)
        if inner is None:
            return {path: new} if path else None
        found |= inner
    return found
