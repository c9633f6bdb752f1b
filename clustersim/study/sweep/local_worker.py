"""What runs in a process of the local engine, and the engine's view of it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import queue
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from clustersim.catalog import overlays, use_overlays
from clustersim.study.sweep.records import Outcome, Task, Work
from clustersim.study.sweep.surroundings import Surroundings, answered, take_over

THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
READY = "ready"
END_S = 5.0
"""How long a process may take to end after it was killed. [s]"""


class Worker:
    """A process with the tasks that it was given and has not answered."""

    def __init__(self, wanted: Surroundings) -> None:
        """Start it; it is ready when it has said so."""
        # a fresh interpreter: a copy of this one would have its threads, its lock on the store and no clean numba
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=work_through, args=(other, wanted, overlays()), daemon=True)
        with one_thread_each():
            self.process.start()
        other.close()
        self.ready = False
        self.given: deque[Task] = deque()

    def give(self, work: Work, task: Task) -> None:
        """Send a task; where the process has just died it stays among those given."""
        message = pickle.dumps((work, task))
        self.given.append(task)
        try:
            self.connection.send_bytes(message)
        except OSError:
            return  # its end of the pipe is closed, which the engine sees next

    def received(self) -> Outcome | str | None:
        """Return what it sent: an outcome, or text: :data:`READY` or why it cannot start. None: it is dead."""
        try:
            found: Outcome | str = self.connection.recv()
        except (EOFError, OSError):
            return None
        return found

    def kill(self) -> None:
        """End it at once: it holds nothing that anybody needs."""
        self.process.kill()
        self.process.join(END_S)
        self.connection.close()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let processes that start in the block use one thread each.

    So as many workers use as many cores, and sums do not depend on how many cores a machine has. What the user has set
    stays.
    """
    added = [name for name in THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(added, "1"))
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def work_through(connection: Connection, wanted: Surroundings, overlay_paths: Sequence[Path]) -> None:
    """Answer tasks until the other end of the pipe is closed, by the engine or by its death."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    use_overlays(overlay_paths)
    differs = take_over(wanted)
    connection.send(READY if differs is None else differs)
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    # a thread of its own reads, so that the engine never waits for a point to end, and so that the process ends with
    # the engine even in the middle of a point
    threading.Thread(target=_receive, args=(connection, inbox), daemon=True).start()
    while True:
        work, task = pickle.loads(inbox.get())  # noqa: S301 (from the parent process)
        outcome = answered(work, task)
        try:
            connection.send(outcome)
        except OSError:
            return  # the engine has died with its end of the pipe: nobody asks any more


def _receive(connection: Connection, inbox: queue.SimpleQueue[bytes]) -> None:
    while True:
        try:
            inbox.put(connection.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)
