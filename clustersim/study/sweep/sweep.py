"""A sweep: every point of a study answered once, its rows in a store, whatever is there already left as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import clustersim
from clustersim.catalog import catalog_digest
from clustersim.errors import InputError
from clustersim.study.sweep.collect import Engine, collect
from clustersim.study.sweep.points import Points, Tasks, digest
from clustersim.study.sweep.records import Outcome
from clustersim.study.sweep.rows import FEASIBLE, Rows, check_before
from clustersim.study.sweep.store import Store
from clustersim.study.sweep.study import Study
from clustersim.study.sweep.work import evaluate_task


@dataclass(frozen=True)
class Sweep:
    """A study laid out: its points, which of them are alike, and the store's header."""

    study: Study
    points: Points
    places: dict[str, list[int]]
    """Identity of each different point, in order -> its places in the order of the study."""

    @property
    def rows(self) -> int:
        """Rows of the whole study."""
        return sum(len(places) for places in self.places.values())

    @property
    def header(self) -> dict[str, str]:
        """What must be equal for a store to go on: the points, how they are answered, catalog and version."""
        spec = self.study.spec
        rest = spec.model_dump(mode="json", include={"name", "derive", "require", "keys"})
        columns = [[axis.key, axis.column] for axis in self.study.axes]
        return {
            "study": digest([list(self.places.items()), columns, rest]),
            "evaluate": spec.evaluate,
            "catalog": catalog_digest(),
            "clustersim": clustersim.__version__,
        }

    @property
    def columns(self) -> list[str]:
        """Columns in their order, as far as they are known before the first row."""
        study = self.study
        before = [axis.column for axis in study.axes] + ["seed"] + [one.name for one in study.before]
        after = [one.name for one in study.after] + ([FEASIBLE] if study.require else [])
        # an axis over the seed is the column seed
        return list(dict.fromkeys([*before, *after, *(study.spec.keys or ())]))

    @property
    def about(self) -> dict[str, Any]:
        """What the store tells of the study; not compared."""
        spec = self.study.spec
        return {
            "name": spec.name,
            "title": spec.title,
            "points": self.rows,
            "axes": [axis.column for axis in self.study.axes],
            "study": json.loads(spec.model_dump_json(by_alias=True, exclude_none=True)),
        }


def lay_out(study: Study, progress: Callable[[str], None] = lambda _: None) -> Sweep:
    """Return the points of a study, checked against its scenario; nothing is run.

    Raises
    ------
    InputError
        If an axis has an unknown key, constraints leave no point, a name is no answer's, or the scenario is not valid.
    """
    check_before(study)
    points = Points(study)
    progress(f"{study.spec.name}: {points.total:,} points")
    kept = points.kept
    points.check()
    places: dict[str, list[int]] = {}
    for index in kept.tolist():
        places.setdefault(points.identity(index), []).append(index)
    return Sweep(study, points, places)


def run_sweep(
    sweep: Sweep,
    engine: Engine,
    store: Store,
    tell: Callable[[Outcome], None] = lambda _: None,
    *,
    retry_failed: bool = False,
) -> None:
    """Answer the points that the store does not have.

    Parameters
    ----------
    sweep : Sweep
        What to answer.
    engine : Engine
        Where.
    store : Store
        Opened with the sweep's header.
    tell : callable, optional
        Told every row once it is safe.
    retry_failed : bool
        Whether points that failed before are answered again.

    Raises
    ------
    InputError
        If a formula names an answer that no point has, or the store cannot be written; what was answered stays.
    KeyboardInterrupt
        On Ctrl-C; what was answered stays.
    """
    missing = todo(sweep, store, retry_failed=retry_failed)
    tasks = Tasks(sweep.points, [sweep.places[one][0] for one in missing], missing)
    rows = Rows(sweep.points, sweep.places)
    collect(store, engine, tasks, evaluate_task, rows_of=rows.of, tell=tell)


def todo(sweep: Sweep, store: Store, *, retry_failed: bool = False) -> list[str]:
    """Return the identities of the points that are still to be answered, those with the same step side by side."""
    done, failed = store.done(), store.failed() if retry_failed else {}
    missing = [one for one in sweep.places if one not in done or one in failed]
    groups: dict[str, int] = {}
    rank = {one: groups.setdefault(_shared(sweep, one), len(groups)) for one in missing}
    return sorted(missing, key=rank.__getitem__)


SHARED = ("catalog.", "scenario", "topology", "job.", "seed")
"""Beginnings of key paths that decide over the training step, which a process keeps for points that share it."""


APART = ("topology.electrical", "topology.cooling")
"""Of these, parts of the place that do not."""


def _shared(sweep: Sweep, point_id: str) -> str:
    """Return what a point shares with others: its values of the fields behind the step."""
    try:
        settings = sweep.points.at(sweep.places[point_id][0]).settings
    except InputError:
        return ""
    behind = {key: value for key, value in settings.items() if key.startswith(SHARED) and not key.startswith(APART)}
    return json.dumps(behind, sort_keys=True, default=str)
