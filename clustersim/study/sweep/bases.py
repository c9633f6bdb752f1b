"""The trees of scenarios on which the points of a study put their values: each file is read once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clustersim.errors import InputError
from clustersim.scenario import any_tree, with_settings
from clustersim.study.sweep.study import Study

KEPT = 64
"""Trees that are kept: of scenarios, places and whole sections that are axes."""


@dataclass(frozen=True)
class Base:
    """A scenario's tree before the point's plain values are put in."""

    path: Path
    tree: dict[str, Any]
    digest: str
    """Hash of the tree; no place of a file."""


class Bases:
    """Reads scenarios of a study, and keeps what it read."""

    def __init__(self, study: Study) -> None:
        """Begin with nothing read."""
        self._study = study
        self._kept: dict[str, Base] = {}

    def of(self, settings: Mapping[str, Any]) -> tuple[Base, dict[str, Any]]:
        """Return the tree below a point's settings, and the settings that are still to be put into it.

        What decides which files are read, and whole sections, are in the tree already.

        Raises
        ------
        InputError
            If a file cannot be read, or a key path is wrong.
        """
        name = settings.get("scenario", self._study.spec.scenario)
        whole = {key: value for key, value in settings.items() if _is_whole(key, value) and key != "scenario"}
        plain = {key: value for key, value in settings.items() if key not in whole and key != "scenario"}
        # a whole section that comes after a value inside it replaces that value; a place is put in before all values
        order = {key: place for place, key in enumerate(settings)}
        sections = [key for key in whole if key != "topology"]
        for key in list(plain):
            if any(key.startswith(f"{section}.") and order[section] > order[key] for section in sections):
                del plain[key]
        known = json.dumps([name, whole], sort_keys=True, default=str)
        if known not in self._kept:
            while len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[known] = self._read(name, whole)
        return self._kept[known], plain

    def _read(self, name: object, whole: Mapping[str, Any]) -> Base:
        path = self._study.scenario_file(name)
        tree = any_tree(path, whole)
        # published figures are those of the scenario as it stands, not of the points
        tree.pop("expect", None)
        try:
            digest = hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{path}: expected texts, numbers, lists and sections, found another value ({error})"
            ) from None
        return Base(path, tree, digest)


def _is_whole(key: str, value: Any) -> bool:
    """Return whether a setting decides which files are read, or is a section or list."""
    return (
        key == "topology"
        or key == "load.file"
        or key.startswith("limits.")
        or key.endswith(".weather")
        or isinstance(value, dict | list)
    )


def scenario_tree(base: Base, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tree of a point; branches that no setting is in are those of the base."""
    return with_settings(base.tree, settings, str(base.path))
