"""The engine of one machine: processes that each have a pipe to this one, so that it is known who had which point."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import wait
from types import TracebackType
from typing import Self

from clustersim.cores import usable_cores
from clustersim.errors import ClustersimError
from clustersim.study.sweep.local_worker import READY, Worker
from clustersim.study.sweep.records import Outcome, Task, Work
from clustersim.study.sweep.surroundings import KILLED, failure, surroundings

MOST_KILLS = 3
"""So often a point may kill its worker; then it has failed."""
MOST_STARTS = 3
"""So often processes may die one after the other before one of them is ready."""
CHEAP_S = 0.1
"""Points that take less than this are sent one ahead, so that the worker does not wait for the engine. [s]"""
TICK_S = 1.0
"""After this time without an outcome the engine says so. [s]"""


@dataclass
class _Run:
    """What is left of a sequence of tasks."""

    tasks: Iterator[Task]
    again: deque[Task] = field(default_factory=deque)
    """Tasks whose worker died; they go before new ones."""
    kills: dict[int, int] = field(default_factory=dict)
    """Index of a task -> workers that it has killed."""
    mean_s: float | None = None
    """Running mean of what a point takes. [s]"""

    def next(self) -> Task | None:
        """Return the next task, or None when none is left."""
        return self.again.popleft() if self.again else next(self.tasks, None)

    def ahead(self) -> int:
        """Return how many tasks a worker may have."""
        return 2 if self.mean_s is not None and self.mean_s < CHEAP_S else 1

    def took(self, seconds: float) -> None:
        """Note what a point took. [s]"""
        self.mean_s = seconds if self.mean_s is None else self.mean_s + 0.1 * (seconds - self.mean_s)


class LocalEngine:
    """Processes on this machine; started when there is work, kept warm, ended with the block.

    One worker is a process of its own too: a point that takes all memory must not take the sweep with it.
    """

    def __init__(self, workers: int | None = None) -> None:
        """Say how many processes work at the same time; left out: the cores that there are.

        Raises
        ------
        ValueError
            If it is less than one.
        """
        if workers is not None and workers < 1:
            raise ValueError(f"expected one worker at least, got {workers}")
        self.count = workers or usable_cores()
        self._workers: list[Worker] = []
        self._starts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        while self._workers:
            self._workers.pop().kill()

    def outcomes(self, tasks: Sequence[Task], work: Work) -> Generator[Outcome | None, None, None]:
        """Yield the outcome of every task as it comes; None where none came for a second.

        A task whose worker dies is tried again in another; after three such deaths it has failed.

        Raises
        ------
        ClustersimError
            If processes die before they are ready.
        """
        run = _Run(iter(tasks))
        wanted = surroundings()
        try:
            while True:
                while len(self._workers) < min(self.count, len(tasks)):
                    self._workers.append(Worker(wanted))
                self._hand_out(run, work)
                if not any(worker.given for worker in self._workers) and self._all_idle(run):
                    return
                yield from self._events(run)
        finally:
            # what is still under way nobody waits for; its worker would answer the next run with it
            for worker in [one for one in self._workers if one.given or not one.ready]:
                self._workers.remove(worker)
                worker.kill()

    def _all_idle(self, run: _Run) -> bool:
        """Return whether no task is left; one that is found goes back."""
        found = run.next()
        if found is not None:
            run.again.appendleft(found)
        return found is None

    def _hand_out(self, run: _Run, work: Work) -> None:
        """Give tasks to workers that are ready: one to each before any has a second."""
        for most in range(1, run.ahead() + 1):
            for worker in self._workers:
                if not worker.ready or len(worker.given) >= most:
                    continue
                task = run.next()
                if task is None:
                    return
                worker.give(work, task)

    def _events(self, run: _Run) -> Iterator[Outcome | None]:
        """Wait for workers, and yield what they found."""
        by_pipe = {worker.connection: worker for worker in self._workers}
        speaking = wait(list(by_pipe), TICK_S)
        if not speaking:
            yield None
        for pipe in speaking:
            worker = by_pipe[pipe]  # type: ignore[index]
            found = worker.received()
            if isinstance(found, Outcome):
                worker.given.popleft()
                run.took(found.wall_s)
                yield found
            elif found == READY:
                worker.ready, self._starts = True, 0
            elif found is not None:
                raise ClustersimError(f"a worker process differs from this one: {found}")
            else:
                yield from self._buried(worker, run)

    def _buried(self, worker: Worker, run: _Run) -> Iterator[Outcome]:
        """Take back the tasks of a worker that died; it had begun the first of them at most."""
        self._workers.remove(worker)
        worker.kill()
        if not worker.ready:
            self._starts += 1
            if self._starts >= MOST_STARTS:
                raise ClustersimError(
                    f"worker processes end before they are ready (exit code {worker.process.exitcode}): try fewer "
                    'workers; a program that asks for a sweep must keep its own work under `if __name__ == "__main__":`'
                )
            return
        run.again.extend(islice(worker.given, 1, None))
        for task in islice(worker.given, 1):
            run.kills[task.index] = run.kills.get(task.index, 0) + 1
            if run.kills[task.index] < MOST_KILLS:
                run.again.append(task)
            else:
                yield failure(task, KILLED)
