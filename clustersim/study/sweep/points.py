"""The points of a study, in a fixed order: which values each has, and the tasks that workers answer."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

import clustersim
from clustersim import units
from clustersim.catalog import catalog_digest
from clustersim.errors import InputError
from clustersim.scenario import scenario_of_tree
from clustersim.study.sensitivity.sobol import design
from clustersim.study.sweep.axes import Axis, Setting
from clustersim.study.sweep.bases import Bases, scenario_tree
from clustersim.study.sweep.catalog_axes import is_figure, overlaid
from clustersim.study.sweep.drawn import one_at_a_time
from clustersim.study.sweep.expressions import FormulaError, Value
from clustersim.study.sweep.records import Scalar, Task
from clustersim.study.sweep.sampling import inside, shares
from clustersim.study.sweep.study import Study

MOST_POINTS = 1_000_000
TRIED = 50
"""Points that are looked at for one that validates, before a study is refused."""


@dataclass(frozen=True)
class Point:
    """One point of a study."""

    index: int
    """Place in the order of the study before constraints, from 0."""
    settings: dict[str, Any]
    """Key path -> value: the study's `set`, the axes, derived inputs and the seed, in this order."""
    names: dict[str, Value]
    """What formulas know before the run; SI."""
    columns: dict[str, Scalar | None]
    """What the row says before the run."""


class Points:
    """All points of a study; values are made when they are asked for."""

    def __init__(self, study: Study) -> None:
        """Lay out the order: the first axis of the file turns slowest, then samples, then seeds fastest.

        Raises
        ------
        InputError
            If zipped axes differ in length, or there are too many points.
        """
        self.study = study
        self.bases = Bases(study)
        self._groups = _groups(study)
        self._drawn = tuple(axis for axis in study.axes if axis.spec.sampled)
        self._shares = self._sample()
        self._seeds = self._seed_values()
        lengths = [len(group[0].settings) for group in self._groups]
        self._lengths = (*lengths, len(self._shares), len(self._seeds))
        self.total = math.prod(self._lengths)
        """Points before constraints."""
        if self.total > MOST_POINTS:
            raise InputError(f"{study.path}: axes: expected at most {MOST_POINTS:,} points, found {self.total:,}")

    def _sample(self) -> NDArray[np.float64] | NDArray[np.int8]:
        """Return shares of the distributions, or places in the ranges; shape (samples, drawn axes)."""
        spec = self.study.spec
        if spec.combine == "one_at_a_time":
            return one_at_a_time(len(self._drawn))
        if not self._drawn or spec.samples is None:
            return np.zeros((1, 0))
        if spec.combine == "saltelli":
            return inside(design(len(self._drawn), spec.samples, spec.scramble_seed).unit)
        return shares(spec.combine, spec.samples, len(self._drawn), spec.scramble_seed)

    def _seed_values(self) -> tuple[int | None, ...]:
        """Return the replicates' seeds; one without value where the scenario's own counts."""
        asked = self.study.spec.seeds
        if asked is None:
            return (None,)
        if isinstance(asked, tuple):
            return asked
        base, plain = self.bases.of(self.study.spec.set)
        first = plain.get("seed", base.tree.get("seed", 1))
        if isinstance(first, bool) or not isinstance(first, int):
            raise InputError(f"{base.path}: seed: expected a whole number, found {first!r}")
        return tuple(range(first, first + asked))

    def at(self, index: int) -> Point:
        """Return the point at a place in the order.

        Raises
        ------
        FormulaError
            If a derived value has no value for this point.
        """
        chosen = self._settings(index)
        spec = self.study.spec
        settings = dict(spec.set)
        names: dict[str, Value] = {}
        columns: dict[str, Scalar | None] = {}
        for axis, one in chosen:
            _last(settings, axis.key, one.value)
            names[axis.name] = one.si
            names[axis.column] = one.shown if axis.unit is not None else one.si
            columns[axis.column] = one.shown
        seed = self._seeds[index % self._lengths[-1]]
        if seed is not None:
            _last(settings, "seed", seed)
        columns["seed"] = names["seed"] = settings.get("seed", self._own_seed(settings))
        for derived in self.study.before:
            value = derived.formula.value(names)
            names[derived.name] = columns[derived.name] = value
            if derived.spec.set is not None:
                _last(settings, derived.spec.set, _as_set(value, derived.spec.unit, derived.formula.where))
        return Point(index, settings, names, columns)

    def _own_seed(self, settings: dict[str, Any]) -> int:
        found = self.bases.of(settings)[0].tree.get("seed", 1)
        return found if isinstance(found, int) else 1

    def _settings(self, index: int) -> list[tuple[Axis, Setting]]:
        *places, sample, _ = (int(place) for place in np.unravel_index(index, self._lengths))
        chosen = {
            axis.key: axis.settings[place] for group, place in zip(self._groups, places, strict=True) for axis in group
        }
        placed = self.study.spec.combine == "one_at_a_time"
        for axis, share in zip(self._drawn, self._shares[sample], strict=True):
            chosen[axis.key] = axis.placed(int(share)) if placed else axis.at(float(share))
        return [(axis, chosen[axis.key]) for axis in self.study.axes]

    @cached_property
    def kept(self) -> NDArray[np.int64]:
        """Places of the points that meet all constraints.

        Raises
        ------
        InputError
            If none is left; it tells how many points each constraint removed by itself.
        """
        constraints = self.study.constraints
        if not constraints:
            return np.arange(self.total)
        broken = np.zeros(len(constraints), dtype=np.int64)
        kept = []
        for index in range(self.total):
            try:
                names = self.at(index).names
            except FormulaError:
                # a point without values fails by itself, with its own message
                kept.append(index)
                continue
            met = [one.value(names) for one in constraints]
            broken += [not one for one in met]
            if all(met):
                kept.append(index)
        if not kept:
            lines = [f"  {one.text}: breaks at {count:,}" for one, count in zip(constraints, broken, strict=True)]
            raise InputError(
                f"{self.study.path}: constraints: expected at least one point that meets all, found none of "
                f"{self.total:,}\n" + "\n".join(lines)
            )
        return np.array(kept, dtype=np.int64)

    @cached_property
    def common(self) -> str:
        """Hash of what all points share: how they are answered, the catalog, the version."""
        return digest([self.study.spec.evaluate, catalog_digest(), clustersim.__version__])

    def point_id(self, point: Point) -> str:
        """Return the identity of a point: what its answer depends on, whatever its place in the order."""
        base, plain = self.bases.of(point.settings)
        plain = {**plain, "seed": plain.get("seed", base.tree.get("seed", 1))}
        return digest([self.common, base.digest, sorted(plain.items())])[:16]

    def identity(self, index: int) -> str:
        """Return the identity of the point at a place; of one that cannot be made, it is that of its place."""
        try:
            return self.point_id(self.at(index))
        except InputError:
            return digest([self.common, str(self.study.path.name), index])[:16]

    def task_at(self, index: int, point_id: str) -> Task:
        """Return the task of the point at a place; of one that cannot be made, it is one that says why."""
        try:
            return self.task(self.at(index), point_id)
        except InputError as error:
            return Task(point_id, index, {"error": "; ".join(str(error).splitlines())})

    def task(self, point: Point, point_id: str | None = None) -> Task:
        """Return the task of a point: its whole scenario as a tree, and the figures that lie over the catalog.

        Raises
        ------
        InputError
            If a key path cannot be followed.
        """
        base, plain = self.bases.of(point.settings)
        figures = {key: value for key, value in plain.items() if is_figure(key)}
        rest = {key: value for key, value in plain.items() if key not in figures}
        payload = {
            "evaluate": self.study.spec.evaluate,
            "name": base.path.name,
            "tree": scenario_tree(base, rest),
            "figures": figures,
        }
        return Task(point_id or self.point_id(point), point.index, payload)

    def check(self) -> None:
        """Look at points until one validates; nothing is run.

        Raises
        ------
        InputError
            If the first point has a key that the scenario does not know, or none of the first 50 validates.
        """
        first: InputError | None = None
        for index in self.kept[:TRIED]:
            try:
                task = self.task(self.at(int(index)))
                with overlaid(task.payload["figures"]):
                    scenario_of_tree(task.payload["tree"], task.payload["name"])
                return
            except InputError as error:
                if "unknown key" in str(error) or ": set: " in str(error):
                    raise InputError(f"{self.study.path}: axes: {error}") from None
                first = first or error
        raise InputError(f"{self.study.path}: none of the first {min(TRIED, len(self.kept))} points is valid: {first}")


class Tasks(Sequence[Task]):
    """The tasks of some points; each is made when it is asked for."""

    def __init__(self, points: Points, places: Sequence[int], ids: Sequence[str]) -> None:
        """Keep places and identities; nothing else."""
        self._points, self._places, self._ids = points, places, ids

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, at: int) -> Task: ...
    @overload
    def __getitem__(self, at: slice) -> Tasks: ...
    def __getitem__(self, at: int | slice) -> Task | Tasks:
        if isinstance(at, slice):
            return Tasks(self._points, self._places[at], self._ids[at])
        return self._points.task_at(self._places[at], self._ids[at])

    def __iter__(self) -> Iterator[Task]:
        return (self[at] for at in range(len(self)))


def _groups(study: Study) -> tuple[tuple[Axis, ...], ...]:
    """Return the axes that move together, in the order of the file; drawn axes are in none."""
    by_key = {axis.key: axis for axis in study.axes if not axis.spec.sampled}
    zipped = (tuple(by_key),) if study.spec.combine == "zip" else study.spec.zip
    groups: dict[str, tuple[Axis, ...]] = {}
    for key in by_key:
        together = next((group for group in zipped if key in group), (key,))
        groups.setdefault(together[0], tuple(by_key[one] for one in together))
        lengths = {one: len(by_key[one].settings) for one in together}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{one} has {length}" for one, length in lengths.items())
            raise InputError(f"{study.path}: zip: expected as many values of each, but {told}")
    return tuple(groups.values())


def _last(settings: dict[str, Any], key: str, value: Any) -> None:
    """Set a value behind all others: what is set later counts."""
    settings.pop(key, None)
    settings[key] = value


def _as_set(value: Value, unit: str | None, where: str) -> Any:
    if unit is None:
        return value
    if isinstance(value, bool | str) or value is None:
        raise FormulaError(f"{where}: expected a number of {unit}, found {value!r}")
    if units.dimension_of(unit) is None:
        raise FormulaError(f"{where}.unit: unknown unit {unit!r}")
    return f"{value!r} {unit}"


def digest(value: Any) -> str:
    """Return the hash of a plain value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
