"""What the sizing does in processes of its own: each task takes plain records and returns plain records."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clustersim.catalog import derived_from_catalog, overlays, use_overlays
from clustersim.errors import InputError
from clustersim.limits import Verdict
from clustersim.scenario import AnyScenario, LoadScenario
from clustersim.study.places.place import build_place
from clustersim.study.run import run
from clustersim.study.sizing.evaluate import evaluate, rows_of
from clustersim.study.sizing.prepared import Key, Prepared, Prices, Row, prepare
from clustersim.study.sizing.search import Found, Search
from clustersim.study.sizing.space import Design, Space, space_of

NOTHING = Design()


@dataclass(frozen=True)
class Task:
    """A level of damping in the accelerators that is judged by itself, or searched."""

    scenario: AnyScenario
    using: tuple[str, ...]
    level: Design
    prices: Prices
    ignored: frozenset[Key] = frozenset()
    kind: str = "alone"
    """`alone`, `strongest`: what is possible behind it; `search`, or `design`: one design."""
    design: Design = NOTHING


@dataclass(frozen=True)
class Proof:
    """A scenario that is run whole."""

    name: str
    scenario: AnyScenario


@dataclass(frozen=True)
class Proven:
    """What a whole run says."""

    name: str
    rows: tuple[Row, ...]
    summary: dict[str, Any]


_kept: dict[tuple[str, Design, bool], Prepared] = {}
"""The windows made last in this process, and of which scenario."""
derived_from_catalog(_kept.clear)
KEPT = 3
"""How many of them are kept."""


def space_in(scenario: AnyScenario, using: Sequence[str] | None) -> Space:
    """Return what may be sized in a scenario (:func:`clustersim.study.sizing.space.space_of`)."""
    precision = "bf16" if isinstance(scenario, LoadScenario) else scenario.job.precision
    return space_of(scenario, build_place(scenario.topology, precision), using)


def prepared_in(scenario: AnyScenario, using: Sequence[str], level: Design, *, priced: bool = True) -> Prepared:
    """Return the windows of a level, those made before where they are the same."""
    key = (scenario.model_dump_json() + ",".join(using), level, priced)
    if key not in _kept:
        while len(_kept) >= KEPT:
            _kept.pop(next(iter(_kept)))
        _kept[key] = prepare(space_in(scenario, using), level, priced=priced)
    return _kept[key]


def judged_level(task: Task) -> Found | str:
    """Return what a task finds; or, as text, why the accelerators cannot have the level."""
    try:
        prepared = prepared_in(task.scenario, task.using, task.level, priced=task.kind != "design")
    except InputError as error:
        return str(error)
    search = Search(prepared, task.level, task.prices, task.ignored)
    if task.kind == "search":
        return search.run()
    if task.kind == "strongest":
        return search.possible()
    if task.kind == "design":
        one = evaluate(prepared, task.design, task.prices, whole=not prepared.steady_only)
    else:
        one = evaluate(prepared, task.level, task.prices)
    best = None if one.failed(task.ignored) else one
    return Found(task.level, one, best, one, () if best is None else (best,), (), 1)


def proven(proof: Proof) -> Proven:
    """Run a scenario whole, by the code of `clustersim run`."""
    result = run(proof.scenario)
    return Proven(proof.name, rows_of(Verdict(result.verdict)), result.summary)


class Workers:
    """Processes that work through tasks; with one worker this process does."""

    def __init__(self, count: int, pool: Any) -> None:
        """Keep the pool."""
        self.count, self._pool = count, pool

    def each(self, work: Any, tasks: Sequence[Any]) -> Iterator[Any]:
        """Yield what `work` finds for each task, in their order."""
        yield from map(work, tasks) if self._pool is None else self._pool.imap(work, tasks)


@contextmanager
def workers(count: int) -> Iterator[Workers]:
    """Give so many processes; they end with the block, however it ends."""
    if count <= 1:
        yield Workers(1, None)
        return
    # fresh interpreters: a copy of this one would inherit the threads of its progress line
    context = multiprocessing.get_context("spawn")
    with context.Pool(count, _begin, (overlays(),)) as pool:
        yield Workers(count, pool)


def _begin(paths: Sequence[Path]) -> None:
    """Leave Ctrl-C to the parent, and lay the same overlays over the catalog."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if paths:
        use_overlays(paths)
