"""The queue's view of the process that serves requests one after the other."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import clustersim
from clustersim.catalog import overlays
from clustersim.study.sweep.local_worker import THREADS

END_S = 5.0
"""How long a process may take to end after it was killed. [s]"""
BACKGROUND_NICE = 15
"""Priority of processes that prepare what nobody waits for."""

Message = tuple[Literal["ready", "part", "leaves", "done", "wrong", "failed"], Any]


class Worker:
    """A process that serves one request at a time.

    It is an interpreter of its own and not a copy or a spawned child of this one: the server of a dashboard puts its
    pages where ``multiprocessing`` looks for the main module, and would run them again in every child.
    """

    def __init__(self, nice: int = 0) -> None:
        """Start it; it has said ``ready`` when it can be given a request."""
        ours, theirs = socket.socketpair()
        told = json.dumps({"handle": theirs.fileno(), "nice": nice, "overlays": [str(path) for path in overlays()]})
        root = str(Path(clustersim.__file__).parents[1])
        paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
        # a thread each, so that as many processes use as many cores
        surroundings = dict.fromkeys(THREADS, "1") | os.environ | {"PYTHONPATH": paths}
        self.process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            [sys.executable, "-m", "clustersim.background.serve", told],
            pass_fds=[theirs.fileno()],
            start_new_session=True,
            env=surroundings,
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self.connection = Connection(ours.detach())
        self.nice = nice
        self.ready = False
        self.leaves = False
        """Whether it ends with the answer to what it serves, and can be given nothing more."""
        self.serving: str | None = None

    def give(self, ticket: str, verb: str, arguments: Mapping[str, Any]) -> bool:
        """Send a request; return whether the process took it."""
        try:
            self.connection.send((verb, dict(arguments)))
        except OSError:
            return False
        self.serving = ticket
        return True

    def received(self) -> Message | None:
        """Return what it sent; None where it is dead."""
        try:
            found: Message = self.connection.recv()
        except (EOFError, OSError):
            return None
        return found

    def kill(self) -> None:
        """End it at once, with the processes that it has started: results take their names only when they are whole."""
        if self.process.poll() is None:
            kill_session(self.process.pid)
        self.process.wait(END_S)
        self.connection.close()


def kill_session(leader: int) -> None:
    """Kill the leader of a group of processes and all that it has started."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return  # it has just ended by itself
