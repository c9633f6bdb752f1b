"""Work shared out to processes that end with this one, however it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from clustersim import catalog
from clustersim.errors import ClustersimError

Found = TypeVar("Found")
AHEAD = 2
"""Items that wait for each process: enough to keep it busy, few enough that nothing piles up."""

_work: Callable[[int], Any] | None = None
"""What this process was started to do; only in a process that :func:`in_processes` started."""


def in_processes(work: Callable[[int], Found], items: Sequence[int], workers: int) -> Iterator[tuple[int, Found]]:
    """Yield every item with what `work` makes of it, as each is done.

    Fresh interpreters do the work; `work` is sent to each of them once. They hold one end of a pipe and end when the
    other one, here, is closed: after the last item, after an exception such as Ctrl-C, or when this process is killed.

    Parameters
    ----------
    work : callable
        Of one item; it and what it returns must pickle.
    items : sequence of int
        What to work through.
    workers : int
        Processes that work at the same time.

    Raises
    ------
    ClustersimError
        If a process is killed from outside. What `work` raises comes through as it is.
    """
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, context, _begin, (reader, catalog.overlays(), work))
    try:
        yield from _shared_out(pool, items, workers)
        pool.shutdown()
    except BrokenProcessPool:
        raise ClustersimError(
            "a worker process was killed, or could not start: try fewer workers; a program that asks for workers must "
            'keep its own work under `if __name__ == "__main__":`'
        ) from None
    finally:
        writer.close()
        pool.shutdown(wait=True, cancel_futures=True)
        reader.close()


def _shared_out(pool: ProcessPoolExecutor, items: Sequence[int], workers: int) -> Iterator[tuple[int, Any]]:
    """Keep a few items for every process under way until all are done."""
    coming = iter(items)
    running: dict[Future[Any], int] = {}
    while True:
        for item in coming:
            running[pool.submit(_one, item)] = item
            if len(running) >= AHEAD * workers:
                break
        if not running:
            return
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in sorted(done, key=running.__getitem__):
            yield running.pop(future), future.result()


def _begin(alive: Connection, overlays: Sequence[Path], work: Callable[[int], Any]) -> None:
    """Prepare a process: Ctrl-C is the parent's matter, the catalog is the parent's."""
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()
    if overlays:
        catalog.use_overlays(overlays)
    _work = work


def _end_with(alive: Connection) -> None:
    """End this process as soon as the other end of the pipe is closed."""
    alive.poll(None)
    os._exit(0)


def _one(item: int) -> Any:
    if _work is None:
        raise RuntimeError("this process was not prepared for any work")
    return _work(item)
