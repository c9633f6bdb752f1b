"""A study file that was read: its spec, its formulas, its axes and where its scenarios lie."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from clustersim.errors import InputError, nearest
from clustersim.scenario.files import file_inside, read_yaml, shipped
from clustersim.study.sweep.axes import RESERVED, Axis, axes_of
from clustersim.study.sweep.catalog_axes import figure_of, is_figure
from clustersim.study.sweep.expressions import Expression, read
from clustersim.study.sweep.sampling import sampling_warnings
from clustersim.study.sweep.spec import DeriveSpec, StudySpec


@dataclass(frozen=True)
class Derived:
    """A derived value."""

    name: str
    formula: Expression
    spec: DeriveSpec


@dataclass(frozen=True)
class Study:
    """A study, checked as far as it can be without its scenario."""

    path: Path
    spec: StudySpec
    axes: tuple[Axis, ...]
    before: tuple[Derived, ...]
    """Derived of axes alone, in order: known before a point runs."""
    after: tuple[Derived, ...]
    """Derived of answers, in order."""
    constraints: tuple[Expression, ...]
    require: tuple[Expression, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know."""
        return sampling_warnings(self.spec.combine, self.spec.samples)

    def scenario_file(self, name: object) -> Path:
        """Return the file of a scenario: shipped, or inside the study's folder.

        Raises
        ------
        InputError
            If there is none, or it is outside the study's folder.
        """
        if isinstance(name, str) and name.endswith((".yaml", ".yml")):
            return file_inside(self.path, name, "scenario")
        if not isinstance(name, str) or not _NAMED.match(name):
            raise InputError(
                f"{self.path}: scenario: expected the name of a shipped scenario or a .yaml file, found {name!r}"
            )
        for folder in (self.path.parent, shipped("scenarios")):
            found = folder / f"{name}.yaml"
            if found.is_file() and found.resolve() != self.path.resolve():
                return found
        known = sorted(file.stem for file in shipped("scenarios").glob("*.yaml"))
        raise InputError(
            f"{self.path}: scenario: expected a shipped scenario ({', '.join(known)}) or a .yaml file in the study's "
            f"folder, found {name!r}{nearest(name, known)}"
        )


_NAMED = re.compile(r"^[a-z0-9_]+(/[a-z0-9_]+)*$")


def load_study(path: Path, settings: Mapping[str, Any] | None = None) -> Study:
    """Return the study in a file.

    Parameters
    ----------
    path : Path
        Study file.
    settings : mapping, optional
        Key path -> value, for every point, on top of the file's `set`.

    Raises
    ------
    InputError
        Listing what is wrong, each with its key path.
    """
    return study_of_tree(read_yaml(path), path, settings)


def study_of_tree(tree: Mapping[str, Any], path: Path, settings: Mapping[str, Any] | None = None) -> Study:
    """Return the study that a tree states.

    Parameters
    ----------
    tree : mapping
        What a study file holds.
    path : Path
        Where it was written, or would be: messages name it, and files of scenarios are looked for beside it.
    settings : mapping, optional
        Key path -> value, for every point, on top of the tree's `set`.

    Raises
    ------
    InputError
        Listing what is wrong, each with its key path.
    """
    try:
        spec = StudySpec.model_validate(tree)
    except ValidationError as error:
        raise InputError("\n".join(dict.fromkeys(f"{path}: {_told(one)}" for one in error.errors()))) from None
    spec = spec.model_copy(update={"set": {**spec.set, **(settings or {})}})
    axes = axes_of(spec, str(path))
    _check_keys(path, spec)
    before, after = _derived(path, spec, axes)
    known = {name for axis in axes for name in (axis.name, axis.column)} | {one.name for one in before}
    constraints = tuple(read(text, f"{path}: constraints.{k}") for k, text in enumerate(spec.constraints))
    for one in constraints:
        one.require_names(sorted(known | {"seed"}))
    require = tuple(read(text, f"{path}: require.{k}") for k, text in enumerate(spec.require))
    return Study(path, spec, axes, before, after, constraints, require)


def _check_keys(path: Path, spec: StudySpec) -> None:
    for key in spec.set:
        if key in spec.axes:
            raise InputError(f"{path}: set: {key} is an axis; expected one of the two")
    for key in (*spec.set, *spec.axes):
        if is_figure(key):
            try:
                figure_of(key)
            except InputError as error:
                raise InputError(f"{path}: {error}") from None
    if "seed" in spec.axes and spec.seeds is not None:
        raise InputError(f"{path}: seeds: expected seeds or an axis over seed, found both")
    grouped = [key for group in spec.zip for key in group]
    for key in grouped:
        if key not in spec.axes:
            raise InputError(f"{path}: zip: {key} is no axis{nearest(key, spec.axes)}")
        if grouped.count(key) > 1:
            raise InputError(f"{path}: zip: {key} is given twice")
        if spec.axes[key].sampled:
            raise InputError(f"{path}: zip: {key} is drawn; expected axes with values or a range")


def _derived(path: Path, spec: StudySpec, axes: tuple[Axis, ...]) -> tuple[tuple[Derived, ...], tuple[Derived, ...]]:
    """Return the derived values that axes alone tell, and the others."""
    taken = {name for axis in axes for name in (axis.name, axis.column)} | set(RESERVED)
    known = {name for axis in axes for name in (axis.name, axis.column)} | {"seed"}
    before: list[Derived] = []
    after: list[Derived] = []
    for name, one in spec.derive.items():
        where = f"{path}: derive.{name}"
        if name in taken:
            raise InputError(f"{where}: the name is that of an axis or of another column")
        taken.add(name)
        formula = read(one.value, where)
        if one.set is not None and one.set in spec.axes:
            raise InputError(f"{where}.set: {one.set} is an axis")
        if formula.names <= known:
            before.append(Derived(name, formula, one))
            known.add(name)
            continue
        if one.set is not None:
            formula.require_names(sorted(known))
        after.append(Derived(name, formula, one))
    return tuple(before), tuple(after)


def _told(problem: Any) -> str:
    """Return ``key.path: what was expected``, with the nearest key for an unknown one."""
    where = _where(problem["loc"])
    text = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        known = StudySpec.model_fields if len(problem["loc"]) == 1 else _INNER
        return f"{where}: unknown key{nearest(str(problem['loc'][-1]), known)}"
    if problem["type"] == "missing":
        return f"{where}: expected a value, found none"
    return f"{where}: {text}" if problem["type"] == "value_error" else f"{where}: {text}, got {problem['input']!r}"


_INNER = (
    "values", "range", "log_range", "uniform", "log_uniform", "normal", "name", "labels", "whole", "from", "to",
    "steps", "step", "value", "set", "unit",
)  # fmt: skip


def _where(location: tuple[Any, ...]) -> str:
    # names of union members are no keys of the file
    return ".".join(str(part) for part in location if part not in ("int", "float", "str", "tuple[int, ...]")) or "study"
