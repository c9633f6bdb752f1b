"""A scenario as somebody edits it: where it began and what was changed, in the address of a page."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from clustersim.catalog import catalog_digest
from clustersim.errors import InputError, nearest
from clustersim.scenario.files import parse_override, resolved_tree, shipped, shipped_names
from clustersim.scenario.link import link_text, read_link
from clustersim.scenario.load import any_tree, load_any, load_resolved, resolved, run_id
from clustersim.scenario.spec import AnyScenario

LINE_BREAKS = "\x85\u2028\u2029"
"""What YAML takes for the end of a line, and text does not."""
MOST_SETTINGS = 200
"""Settings that an address may hold."""


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
            return load_any(_shipped_file(self.name), self.settings)
        return load_resolved(resolved_tree(self.tree, self.name, self.settings), self.name)

    def changed(self, settings: Mapping[str, Any]) -> Draft:
        """Return the draft with more settings; a later one replaces the earlier of its key path and of those below."""
        kept = {key: value for key, value in self.settings.items() if not within(key, settings)}
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
            return any_tree(_shipped_file(self.name), self.settings)
        return resolved_tree(self.tree, self.name, self.settings)

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


def within(key: str, paths: Iterable[str]) -> bool:
    """Whether a key path is one of others or lies below one."""
    return any(key == path or key.startswith(f"{path}.") for path in paths)


def _shipped_file(name: str) -> Path:
    """Return the file of a shipped scenario; a name may come from an address, so that no other file is read."""
    names = shipped_names("scenarios")
    if name not in names:
        raise InputError(f"scenario: expected a shipped one, found {name[:60]!r}{nearest(name, names)}")
    return shipped("scenarios") / f"{name}.yaml"


def _in_one_line(value: Any, *, readable: bool) -> str:
    """Return a value as YAML; `readable` leaves letters beyond ASCII as they are."""
    return str(
        yaml.safe_dump(value, default_flow_style=True, width=float("inf"), sort_keys=False, allow_unicode=readable)
    )


def setting_text(path: str, value: Any) -> str:
    """Return a setting as ``--set`` takes it: ``path=value``, the value as one line of YAML."""
    plain = isinstance(value, str) and _reads_back(path, value)
    if plain:
        return f"{path}={value}"
    text = _in_one_line(value, readable=True)
    if any(mark in text for mark in LINE_BREAKS):
        text = _in_one_line(value, readable=False)
    text = text.removesuffix("\n").removesuffix("\n...")
    return f"{path}={text}"


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
