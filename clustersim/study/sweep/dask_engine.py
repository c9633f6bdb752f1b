"""The engine of a Dask cluster: a scheduler that runs already, or one of this machine for the time of the sweep.

Each worker process answers one point at a time, as the local engine's do; more threads in one make no more points.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack
from itertools import islice
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from clustersim.cores import usable_cores
from clustersim.errors import ClustersimError, InputError
from clustersim.study.sweep.local_engine import MOST_KILLS, TICK_S
from clustersim.study.sweep.local_worker import one_thread_each
from clustersim.study.sweep.records import Outcome, Task, Work
from clustersim.study.sweep.surroundings import (
    KILLED,
    Surroundings,
    answered_all,
    failure,
    surroundings,
    take_over,
)

ANSWER_S = 10.0
"""How long a scheduler may take to answer. [s]"""
WORKERS_S = 60.0
"""How long its first worker may take to come. [s]"""
POLL_S = 0.004
BATCH_S = 0.2
"""Cheap points travel together until they are worth this. [s]"""
MOST_TOGETHER = 64
BATCHES = 3
"""Batches under way for each worker: enough to keep it busy, few enough that nothing piles up."""

_one_point = threading.Lock()


class DaskEngine:
    """Workers of a Dask scheduler; a worker that comes later gets work, what a lost one had is done again."""

    def __init__(
        self, address: str | None = None, workers: int | None = None, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        """Connect.

        Parameters
        ----------
        address : str, optional
            Of the scheduler, ``tcp://host:8786``; left out: a cluster on this machine, which ends with the engine.
        workers : int, optional
            Processes of that cluster; left out: the cores that there are.
        tell : callable, optional
            Told what the user should know about the cluster.

        Raises
        ------
        InputError
            If the extra is not installed, the scheduler does not answer or has no workers, or these have another
            version or catalog.
        """
        try:
            import distributed
        except ImportError as error:
            raise InputError(
                f"the engine dask: {error.name} is not installed; pip install 'clustersim[cluster]'"
            ) from None
        if address is not None and workers is not None:
            raise InputError(
                "the engine dask: expected the number of workers or a scheduler, which has its own; found both"
            )
        self._tell = tell
        self._distributed: Any = distributed
        self._wanted = surroundings()
        self._where = address or "the cluster on this machine"
        self._told: set[str] = set()
        self._close = ExitStack()
        try:
            self._client = self._connected(address, workers)
            self._check_workers()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Leave the scheduler; end the cluster if it is the engine's own."""
        self._close.close()

    def wait_for(self, workers: int) -> None:
        """Wait until so many workers are there.

        Raises
        ------
        InputError
            If they are not within a minute.
        """
        try:
            self._client.wait_for_workers(workers, timeout=WORKERS_S)
        except TimeoutError:
            raise InputError(
                f"{self._where}: expected {workers} workers within {WORKERS_S:g} s, found fewer; "
                "start one with: dask worker ADDRESS --nthreads 1"
            ) from None

    def _connected(self, address: str | None, workers: int | None) -> Any:
        place: Any = address
        if address is None:
            import dask

            # the first death comes back here, where it is known who was alone with the worker
            kept = {"distributed.scheduler.allowed-failures": 0}
            with one_thread_each(), dask.config.set(kept):
                place = self._distributed.LocalCluster(
                    n_workers=workers or usable_cores(),
                    threads_per_worker=1,
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                )
            self._close.callback(place.close)
        try:
            client = self._distributed.Client(place, timeout=ANSWER_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            cause = " ".join(str(error).split()) or type(error).__name__
            raise InputError(f"{address}: no Dask scheduler answers there: {cause}") from None
        self._close.callback(client.close)
        return client

    def _check_workers(self) -> None:
        """Refuse workers that would answer otherwise; those that come later are asked before their first point."""
        self.wait_for(1)
        try:
            found = self._client.run(take_over, self._wanted)
        except ImportError as error:
            raise InputError(f"{self._where}: a worker has no clustersim of this version: {error}") from None
        for worker, differs in found.items():
            if differs is not None:
                raise InputError(f"{self._where}: worker {worker} has {differs}: install the same clustersim there")

    def outcomes(self, tasks: Sequence[Task], work: Work) -> Generator[Outcome | None, None, None]:
        """Yield the outcome of every task as it comes; None where none came for a second.

        Dask does again what a lost worker had, as often as its setting `allowed-failures` says. What then comes back
        is tried alone, at the end, so that a point that shared a worker with the one at fault is not blamed; after
        three deaths, the last of them alone, it has failed.

        Raises
        ------
        InputError
            If the scheduler goes away, or a worker with another version or catalog comes.
        """
        run = _Run(iter(tasks), len(tasks), self._client, work, self._wanted)
        run.coming = self._distributed.as_completed(loop=self._client.loop, with_results=True, raise_errors=False)
        spoke = looked = time.monotonic()
        room = self._room()
        try:
            while run.submit(room):
                ready = run.coming.next_batch(block=False)
                for future, result in ready:
                    yield from run.taken(future, result)
                now = time.monotonic()
                if ready:
                    spoke = now
                else:
                    time.sleep(POLL_S)
                if now - looked > TICK_S:
                    room, looked = self._room(), now
                if now - spoke > TICK_S:
                    spoke = now
                    yield None
        finally:
            if run.under_way:
                self._client.cancel(list(run.under_way), force=True)

    def _room(self) -> int:
        """Return how many batches may be under way with the workers that there are now."""
        threads = self._client.nthreads()
        if not threads:
            self._tell_once("no worker is left: waiting for one")
        if any(count > 1 for count in threads.values()):
            self._tell_once("workers with several threads answer one point at a time: start them with --nthreads 1")
        return BATCHES * max(1, len(threads))

    def _tell_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._tell(text)


class _Run:
    """What is left of a sequence of tasks, and what is under way."""

    def __init__(self, tasks: Iterator[Task], count: int, client: Any, work: Work, wanted: Surroundings) -> None:
        self._tasks, self._left, self._client, self._work, self._wanted = tasks, count, client, work, wanted
        self.coming: Any = None
        self.under_way: dict[Any, tuple[Task, ...]] = {}
        self._suspects: list[Task] = []
        self._deaths: dict[int, int] = {}
        self._alone = False
        self._mean_s: float | None = None
        self._name = f"clustersim-{uuid4().hex[:8]}"
        self._sent = 0

    def submit(self, room: int) -> bool:
        """Send batches while there is room; return whether anything is under way."""
        while len(self.under_way) < room and (batch := tuple(islice(self._tasks, self._together(room)))):
            self._left -= len(batch)
            self._send(batch)
        if not self.under_way and self._suspects:
            self._alone = True
            self._send((self._suspects.pop(0),))
        return bool(self.under_way)

    def _together(self, room: int) -> int:
        """Return how many points travel together: fewer towards the end, so that all workers end together."""
        if self._mean_s is None:
            return 1
        worth = int(BATCH_S / max(self._mean_s, BATCH_S / MOST_TOGETHER))
        return max(1, min(worth, math.ceil(self._left / room)))

    def _send(self, batch: tuple[Task, ...]) -> None:
        self._sent += 1
        future = self._client.submit(
            answered_here, self._wanted, self._work, batch, key=f"{self._name}-{self._sent}", pure=False
        )
        self.under_way[future] = batch
        self.coming.add(future)

    def taken(self, future: Any, result: Any) -> Iterator[Outcome]:
        """Yield the outcomes of a batch that came back; keep those of lost workers for later."""
        batch = self.under_way.pop(future)
        if isinstance(result, list):
            for outcome in result:
                seconds = outcome.wall_s
                self._mean_s = seconds if self._mean_s is None else self._mean_s + 0.1 * (seconds - self._mean_s)
            yield from result
            return
        if isinstance(result, str):
            raise InputError(f"a worker of the Dask cluster has {result}: install the same clustersim there")
        if isinstance(result, (CancelledError, asyncio.CancelledError)):
            raise InputError("the Dask scheduler is gone; what was answered is kept, resume when it is back")
        kind, error, _ = result
        if kind.__name__ != "KilledWorker":
            raise ClustersimError(f"a worker of the Dask cluster cannot take a task: {kind.__name__}: {error}")
        for task in batch:
            self._deaths[task.index] = self._deaths.get(task.index, 0) + error.allowed_failures + 1
            if self._alone and self._deaths[task.index] >= MOST_KILLS:
                yield failure(task, KILLED)
            else:
                self._suspects.append(task)


def answered_here(wanted: Surroundings, work: Work, tasks: Sequence[Task]) -> list[Outcome] | str:
    """Return the outcomes of tasks in a Dask worker, or what its version or catalog is instead."""
    with _one_point:
        return take_over(wanted) or answered_all(work, tasks)
