"""The rows of a study: axes, answers, derived columns, and whether a point meets what is required."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from clustersim.errors import InputError, nearest
from clustersim.study.sweep.expressions import FormulaError, Value
from clustersim.study.sweep.points import Points
from clustersim.study.sweep.records import Outcome, Scalar
from clustersim.study.sweep.study import Study
from clustersim.summary_keys import summary_keys

FEASIBLE = "feasible"
ANSWERS = tuple(summary_keys())
"""Answers that some run has; one that a point does not have is missing there, not wrong."""


class Rows:
    """Makes the rows of outcomes; a point that stands several times in a study has several rows."""

    def __init__(self, points: Points, places: Mapping[str, Sequence[int]]) -> None:
        """Keep where each point stands: identity -> places in the order of the study."""
        self._points, self._places = points, places
        self._seen = False

    def of(self, outcome: Outcome) -> tuple[Outcome, ...]:
        """Return the rows of an outcome, one for each place of its point.

        Raises
        ------
        InputError
            If a formula or `keys` names what no point has, found with the first row.
        """
        return tuple(self._row(outcome, index) for index in self._places[outcome.point_id])

    def _row(self, outcome: Outcome, index: int) -> Outcome:
        study = self._points.study
        try:
            point = self._points.at(index)
        except FormulaError:
            return replace(outcome, index=index)
        if outcome.row is None:
            return replace(outcome, index=index, row=dict(point.columns))
        if not self._seen:
            self._check(outcome.row, point.names)
            self._seen = True
        # answers that this point does not have are missing, not wrong: names were checked
        values: dict[str, Value] = {**dict.fromkeys(ANSWERS), **outcome.row, **point.names}
        derived, errors = self._derived(values)
        keys = study.spec.keys
        kept = outcome.row if keys is None else {key: outcome.row.get(key) for key in keys}
        row: dict[str, Scalar | None] = {**point.columns, **kept, **derived}
        if study.require:
            row[FEASIBLE] = self._feasible(values, errors)
        return replace(outcome, index=index, row=row, error="; ".join(errors) or None)

    def _derived(self, values: dict[str, Value]) -> tuple[dict[str, Scalar | None], list[str]]:
        """Return the derived columns, which are put among `values` too, and what is wrong with them."""
        found: dict[str, Scalar | None] = {}
        errors: list[str] = []
        for one in self._points.study.after:
            try:
                found[one.name] = one.formula.value(values)
            except FormulaError as error:
                found[one.name] = None
                errors.append(str(error))
            values[one.name] = found[one.name]
        return found, errors

    def _feasible(self, values: Mapping[str, Value], errors: list[str]) -> bool | None:
        """Return whether all requirements are met; None where one cannot be told and none is broken."""
        met: list[Any] = []
        for one in self._points.study.require:
            try:
                met.append(one.value(values))
            except FormulaError as error:
                met.append(None)
                errors.append(str(error))
        if any(value is not None and not value for value in met):
            return False
        return None if None in met else True

    def _check(self, answers: Mapping[str, Any], names: Mapping[str, Value]) -> None:
        _check_names(self._points.study, answers, names)


def check_before(study: Study) -> None:
    """Refuse names that no answer has, or that an answer has already, before a point runs.

    For levels whose answers are the keys of a run's summary; those of the others are known with the first row.

    Raises
    ------
    InputError
        With the nearest name.
    """
    if study.spec.evaluate in ("steady", "run"):
        axes = [name for axis in study.axes for name in (axis.name, axis.column)]
        _check_names(study, summary_keys(), [*axes, "seed", *(one.name for one in study.before)])


def _check_names(study: Study, answers: Collection[str], names: Iterable[str]) -> None:
    both = sorted(set(answers) & {axis.column for axis in study.axes})
    if both:
        raise InputError(f"{study.path}: axes: the name {both[0]!r} is that of an answer; give the axis a name")
    known = [*names, *answers, *ANSWERS]
    for one in study.after:
        one.formula.require_names(known)
        if one.name in answers:
            raise InputError(f"{one.formula.where}: the name is that of an answer")
        known.append(one.name)
    for formula in study.require:
        formula.require_names(known)
    for key in study.spec.keys or ():
        if key not in answers and key not in ANSWERS:
            raise InputError(f"{study.path}: keys: unknown answer {key!r}{nearest(key, answers)}")
