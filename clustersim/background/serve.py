"""The process that serves requests: ``python -m clustersim.background.serve``, started by the queue alone."""

from __future__ import annotations

import ctypes
import json
import os
import queue
import resource
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from clustersim.background.worker import kill_session
from clustersim.catalog import use_overlays
from clustersim.errors import InputError
from clustersim.study.sweep.kernel_cache import guard_kernel_cache

MOST_SERVED = 40
"""Requests after which a process is replaced, so that what it keeps cannot grow without end."""
MOST_KEPT = 3_000_000_000
"""Largest memory that a process may have had and still be kept. [B]"""
MOST_SHARE = 0.6
"""Share of the machine's memory that one request may take; beyond it the request fails and not the machine."""


def serve(connection: Connection) -> None:
    """Serve requests until the other end of the pipe is closed, or this process should be replaced."""
    from clustersim.background.verbs import VERBS

    connection.send(("ready", None))
    inbox: queue.SimpleQueue[tuple[str, dict[str, Any]]] = queue.SimpleQueue()
    # a thread of its own reads, so that the process ends with who asked even in the middle of a run
    threading.Thread(target=_receive, args=(connection, inbox), daemon=True).start()
    for left in reversed(range(MOST_SERVED)):
        kind, content, trusted = _answer(VERBS, inbox.get(), connection)
        leaves = not trusted or left == 0 or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > MOST_KEPT
        if leaves:
            # before the answer: with that it would be given the next request
            connection.send(("leaves", None))
        connection.send((kind, content))
        if leaves:
            return
        _give_back_memory()


def _give_back_memory() -> None:
    """Give what the last request has freed back to the system, where the C library is one that can.

    glibc keeps freed memory that lies between what is still in use: 130 to 160 MB after each run of 2,048 accelerators,
    and more with time, for the pieces that the next run needs do not fit.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _answer(
    verbs: Mapping[str, Callable[..., Any]], asked: tuple[str, dict[str, Any]], connection: Connection
) -> tuple[str, Any, bool]:
    """Return kind and content of the answer to a request, and whether the process can be trusted with another."""
    verb, arguments = asked
    try:
        return "done", verbs[verb](tell=lambda told: connection.send(("part", told)), **arguments), True
    except InputError as error:
        return "wrong", str(error), True
    except MemoryError:
        return "wrong", f"it needs more than {_most_memory() / 1e9:.0f} GB of memory", False
    except Exception as error:
        # a fault of the program is told to who asked
        return "failed", f"{type(error).__name__}: {' '.join(str(error).split())}", False


def _receive(connection: Connection, inbox: queue.SimpleQueue[tuple[str, dict[str, Any]]]) -> None:
    while True:
        try:
            inbox.put(connection.recv())
        except (EOFError, OSError):
            kill_session(os.getpid())


def _most_memory() -> int:
    """Return the memory that one request may take. [B]"""
    return int(MOST_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def main() -> None:
    """Take over what the queue has told, and serve."""
    told = json.loads(sys.argv[1])
    os.nice(told["nice"])
    resource.setrlimit(resource.RLIMIT_DATA, (_most_memory(), _most_memory()))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    use_overlays([Path(path) for path in told["overlays"]])
    guard_kernel_cache()
    serve(Connection(told["handle"]))


if __name__ == "__main__":
    main()
