"""The engine without processes: every point is answered where it is asked for."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from clustersim.study.sweep.records import Outcome, Task, Work


class InProcess:
    """Points one after the other in this process: for a notebook, a test, or a study of a few points.

    A point that takes all memory takes the caller with it; :class:`~clustersim.study.sweep.local_engine.LocalEngine`
    keeps the two apart.
    """

    def outcomes(self, tasks: Sequence[Task], work: Work) -> Generator[Outcome | None, None, None]:
        """Yield the outcome of every task, in order."""
        for task in tasks:
            yield work(task)
