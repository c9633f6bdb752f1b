"""A study that is asked for as plain data: its tree, and the files that would lie beside it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from clustersim.errors import InputError
from clustersim.scenario import Draft
from clustersim.study.sweep.points import Points
from clustersim.study.sweep.study import Study, study_of_tree
from clustersim.study.sweep.sweep import Sweep, lay_out

KEPT = "study"
"""Folder in a store in which study and files are kept, so that its points can be made again."""


@dataclass(frozen=True)
class Asked:
    """A study and what it names by file."""

    tree: Mapping[str, Any]
    """As a study file says it."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Path from the study's folder -> text."""

    @property
    def file_name(self) -> str:
        """Name of the study's own file; messages begin with it."""
        name = str(self.tree.get("name", ""))
        return f"{name}.yaml" if re.fullmatch(r"[a-z0-9_]{1,80}", name) else "study.yaml"

    @property
    def text(self) -> str:
        """The study file."""
        return yaml_of(self.tree)

    def study(self, folder: Path) -> Study:
        """Return the study as if its file lay in a folder, where its files lie.

        Raises
        ------
        InputError
            Listing what is wrong, each with its key path.
        """
        return study_of_tree(self.tree, folder / self.file_name)

    def write(self, folder: Path) -> None:
        """Write the study and its files into a folder.

        Raises
        ------
        InputError
            If a path leads out of the folder.
        """
        for name, text in {**self.files, self.file_name: self.text}.items():
            parts = PurePosixPath(name).parts
            if not parts or ".." in parts or name.startswith("/") or "\\" in name:
                raise InputError(f"{name!r}: expected the path of a file inside the study's folder")
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def yaml_of(tree: Mapping[str, Any]) -> str:
    """Return a tree as the text of a file."""
    return yaml.safe_dump(dict(tree), sort_keys=False, allow_unicode=True, width=120)


@contextmanager
def _beside(asked: Asked) -> Iterator[Path]:
    """Have the files of a study in a folder of their own for the block; messages do not name it."""
    with tempfile.TemporaryDirectory(prefix="clustersim-study-") as text:
        try:
            asked.write(Path(text))
            yield Path(text)
        except InputError as error:
            raise InputError(str(error).replace(f"{text}/", "")) from None


def laid_out(asked: Asked, tell: Callable[[str], None] = lambda _: None) -> Sweep:
    """Return the points of a study, checked against its scenario; nothing is run.

    Raises
    ------
    InputError
        As :func:`~clustersim.study.sweep.sweep.lay_out`.
    """
    with _beside(asked) as folder:
        return lay_out(asked.study(folder), tell)


def kept_in(asked: Asked, store: Path, found: Sweep) -> Sweep:
    """Keep a study and its files in its store; return the sweep with its files read from there."""
    folder = store / KEPT
    asked.write(folder)
    study = asked.study(folder)
    return Sweep(study, Points(study), found.places)


@dataclass(frozen=True)
class Look:
    """What a study comes to before anything is run."""

    points: int
    kept: int | None
    """Points that meet the constraints; None where there are too many points to look at all."""
    different: int | None
    first: tuple[Mapping[str, Any], ...]
    """Columns of the first points."""
    warnings: tuple[str, ...]


def looked_at(asked: Asked, most: int, first: int) -> Look:
    """Return how many points a study has and the first ones, as a dry run tells them.

    Parameters
    ----------
    asked : Asked
        The study.
    most : int
        Points up to which all of them are looked at; of more, only some are checked.
    first : int
        Points whose columns are returned.

    Raises
    ------
    InputError
        As :func:`~clustersim.study.sweep.sweep.lay_out`.
    """
    with _beside(asked) as folder:
        study = asked.study(folder)
        points = Points(study)
        if points.total <= most:
            found = lay_out(study)
            places = [at for some in list(found.places.values())[:first] for at in some[:1]]
            counts: tuple[int | None, int | None] = (found.rows, len(found.places))
        else:
            points.check()
            places, counts = points.kept[:first].tolist(), (None, None)
        rows = tuple(points.at(int(at)).columns for at in places)
    return Look(points.total, *counts, rows, study.warnings)


def scenario_files(draft: Draft) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Return what a study says of a draft: `scenario`, `set`, and the files that it then needs beside it."""
    if draft.tree is None:
        return draft.name, dict(draft.settings), {}
    name = re.sub(r"[^a-z0-9_]+", "_", draft.name.lower())[:40].strip("_") or "scenario"
    tree = dict(draft.tree)
    files = {f"{name}_place.yaml": yaml_of(tree["topology"])}
    if "load" in tree:
        load = dict(tree["load"])
        files[str(load["file"])] = yaml_of(load.pop("record"))
        tree["load"] = load
    files[f"{name}_scenario.yaml"] = yaml_of(tree | {"topology": f"{name}_place"})
    return f"{name}_scenario.yaml", dict(draft.settings), files
