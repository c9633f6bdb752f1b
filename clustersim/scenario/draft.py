"""A scenario as somebody edits it: where it began and what was changed, in the address of a page."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from clustersim.catalog import catalog_digest
from clustersim.errors import InputError
from clustersim.scenario.files import located, parse_override, read_yaml, resolved_tree, value_at
from clustersim.scenario.link import link_text, read_link
from clustersim.scenario.load import any_tree, load_any, load_resolved, resolved, run_id
from clustersim.scenario.spec import AnyScenario

_KEY = re.compile(r"^[A-Za-z0-9_-]+$")
MOST_SETTINGS = 200
"""Settings that an address may hold."""
MOST_DIFFERENCES = 40
"""Settings as which an edited text is kept; more of them are a scenario of its own."""


@dataclass(frozen=True)
class Draft:
    """A base and settings on top of it."""

    name: str
    """Of a shipped scenario; of a scenario that was uploaded, what messages call it."""
    tree: Mapping[str, Any] | None = None
    """The resolved tree of a scenario that was uploaded or came in a link; None: a shipped one."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Key path -> value, as on the command line with ``--set``."""

    @property
    def is_shipped(self) -> bool:
        """Whether its base is a shipped scenario."""
        return self.tree is None

    @property
    def key(self) -> str:
        """Text that is the same for drafts that say the same."""
        return json.dumps([self.name, self.tree, list(self.settings.items())], sort_keys=False, default=str)

    def scenario(self) -> AnyScenario:
        """Return the validated scenario.

        Raises
        ------
        InputError
            Listing everything that is wrong, each with its key path, as the command line does.
        """
        if self.tree is None:
            return load_any(located(self.name, "scenarios"), self.settings)
        return load_resolved(resolved_tree(self.tree, self.name, self.settings), self.name)

    def changed(self, settings: Mapping[str, Any]) -> Draft:
        """Return the draft with more settings; a later one replaces the earlier of its key path and of those below."""
        kept = {key: value for key, value in self.settings.items() if not _within(key, settings)}
        return Draft(self.name, self.tree, MappingProxyType(kept | dict(settings)))

    def without(self, *paths: str) -> Draft:
        """Return the draft without the settings of some key paths; without all of them where none is named."""
        kept = {key: value for key, value in self.settings.items() if paths and key not in paths}
        return Draft(self.name, self.tree, MappingProxyType(kept))

    def written(self) -> dict[str, Any]:
        """Return the scenario as it is written, its place in it and the settings in place; right or wrong.

        Raises
        ------
        InputError
            If a file or a key path is wrong, so that there is nothing to show.
        """
        if self.tree is None:
            return any_tree(located(self.name, "scenarios"), self.settings)
        return resolved_tree(self.tree, self.name, self.settings)

    def put(self, path: str, value: Any) -> Draft:
        """Return the draft with a value at a key path; without any setting where it has that value without one.

        Raises
        ------
        InputError
            If the key path leads nowhere.
        """
        plain = self.without(*[key for key in self.settings if _within(key, (path,))] or [path])
        return plain if value_at(plain.written(), path) == value else self.changed({path: value})

    def placed(self, topology: str) -> Draft:
        """Return the draft at another shipped place; what was changed of the place before is gone.

        Raises
        ------
        InputError
            If there is no such place.
        """
        kept = {key: value for key, value in self.settings.items() if not _within(key, ("topology",))}
        if self.tree is None:
            moved = Draft(self.name, None, MappingProxyType({"topology": topology, **kept}))
            home = Draft(self.name, None, MappingProxyType(kept))
            return home if home.written() == moved.written() else moved
        place = read_yaml(located(topology, "topologies"))
        return Draft(self.name, {**self.tree, "topology": place}, MappingProxyType(kept))

    def rewritten(self, tree: Mapping[str, Any]) -> Draft:
        """Return the draft that says what a whole tree says: as settings where they can, else as a tree of its own.

        Raises
        ------
        InputError
            If only a tree of its own can say it, and it is wrong.
        """
        plain = self.without()
        settings = _differences(plain.written(), tree)
        if settings is not None and len(settings) <= MOST_DIFFERENCES:
            return Draft(self.name, self.tree, MappingProxyType(settings))
        name = str(tree.get("name", self.name))[:60]
        return Draft(name, resolved(load_resolved(tree, name)))

    def query(self) -> dict[str, str | list[str]]:
        """Return what an address must hold to bring the draft back."""
        found: dict[str, str | list[str]]
        if self.tree is None:
            found = {"scenario": self.name}
        else:
            base = load_resolved(self.tree, self.name)
            found = {"link": link_text(run_id(base), resolved(base), catalog_digest())}
        if self.settings:
            found["set"] = [setting_text(key, value) for key, value in self.settings.items()]
        return found

    def command(self, verb: str = "run") -> str:
        """Return the line that asks the same on the command line."""
        settings = [f"--set {shlex.quote(setting_text(key, value))}" for key, value in self.settings.items()]
        name = self.name if self.tree is None else f"{self.name}.yaml"
        return " ".join(["clustersim", verb, shlex.quote(name), *settings])


def _within(key: str, paths: Iterable[str]) -> bool:
    """Whether a key path is one of others or lies below one."""
    return any(key == path or key.startswith(f"{path}.") for path in paths)


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


def setting_text(path: str, value: Any) -> str:
    """Return a setting as ``--set`` takes it: ``path=value``, the value as one line of YAML."""
    plain = isinstance(value, str) and _reads_back(path, value)
    return f"{path}={value if plain else json.dumps(value, ensure_ascii=False)}"


def _reads_back(path: str, value: str) -> bool:
    """Whether a text stands for itself, so that it needs no quotes."""
    try:
        return bool(parse_override(f"{path}={value}")[1] == value)
    except InputError:
        return False


def draft_of_query(query: Mapping[str, list[str]]) -> Draft | None:
    """Return the draft in an address; None where it holds none.

    Raises
    ------
    InputError
        If the address is damaged, or holds more than a draft can.
    """
    settings = query.get("set", [])
    if len(settings) > MOST_SETTINGS:
        raise InputError(f"address: set: expected at most {MOST_SETTINGS} settings, found {len(settings)}")
    changes = dict(parse_override(text) for text in settings)
    if query.get("link"):
        tree = read_link(query["link"][0], "address").tree
        return Draft(str(tree.get("name", "linked"))[:60], tree, changes)
    if query.get("scenario"):
        return Draft(query["scenario"][0], None, changes)
    return None
