"""From an engine into a store: outcomes are recorded in batches, and told when they are on the disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from typing import Protocol

from clustersim.errors import InputError
from clustersim.study.sweep.records import Outcome, Task, Work
from clustersim.study.sweep.store import Store

EVERY_S = 1.0
"""How long outcomes may wait to be recorded. [s]"""
MOST = 1000
"""How many may."""


class Engine(Protocol):
    """What answers tasks in processes of its own."""

    def outcomes(self, tasks: Sequence[Task], work: Work) -> Generator[Outcome | None, None, None]:
        """Yield the outcome of every task as it comes, in any order; None where none came for about a second.

        Tasks are taken one by one as there is room for them. Closing the generator stops what is under way.
        """
        ...


def _itself(outcome: Outcome) -> Sequence[Outcome]:
    return (outcome,)


def collect(
    store: Store,
    engine: Engine,
    tasks: Sequence[Task],
    work: Work,
    rows_of: Callable[[Outcome], Sequence[Outcome]] = _itself,
    tell: Callable[[Outcome], None] = lambda _: None,
) -> None:
    """Answer tasks and record the rows.

    Ctrl-C, or an engine that fails, records what has come before the exception goes on.

    Parameters
    ----------
    store, engine, tasks, work
        What records, what answers, what is asked, and how a task is answered.
    rows_of : callable, optional
        Gives the rows of an outcome, which are recorded together; itself when left out.
    tell : callable, optional
        Told every outcome after its rows are on the disk.

    Raises
    ------
    InputError
        If rows cannot be written; those said before are kept.
    """
    waiting: list[Outcome] = []
    saved, writable = 0.0, True

    def save() -> None:
        nonlocal saved, writable
        if not waiting:
            return
        try:
            store.append([row for outcome in waiting for row in rows_of(outcome)])
        except InputError:
            writable = False
            raise
        recorded, waiting[:] = list(waiting), []
        saved = time.monotonic()
        for outcome in recorded:
            tell(outcome)

    coming = engine.outcomes(tasks, work)
    try:
        for outcome in coming:
            if outcome is not None:
                waiting.append(outcome)
            if len(waiting) >= MOST or time.monotonic() - saved >= EVERY_S:
                save()
    finally:
        coming.close()
        if writable:
            save()
