"""Several processes on one cache of compiled kernels.

numba numbers the files of a function's signatures by what its index says, and writes index and code one after the
other. Two processes that compile different signatures of one function at once can take the same number; the index then
names the other's code (numba/numba#10128 reports a race of this kind). A lock on the folder closes that gap.

A lock on each function lets one process compile it while others wait and read what it wrote: started together on an
empty cache, they would all compile the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from clustersim.errors import InputError
from clustersim.study.sweep.durable import FileLock

LOCK = "clustersim.lock"
_guarded: list[bool] = []
_here = threading.RLock()
_held: set[Path] = set()
"""Locks that this process holds: compiling or reading one function may ask for another."""


def guard_kernel_cache() -> None:
    """Let this process use the cache of compiled kernels so that others may at the same time.

    It reads and writes it only while no other guarded one does, and compiles only what no other one compiles now.
    """
    from numba.core.caching import IndexDataCacheFile
    from numba.core.dispatcher import Dispatcher

    if _guarded:
        return
    _guarded.append(True)
    guards = (
        (IndexDataCacheFile, "save", _one_at_a_time),
        (IndexDataCacheFile, "load", _one_at_a_time),
        (Dispatcher, "compile", _by_one_alone),
    )
    for owner, name, guard in guards:
        setattr(owner, name, guard(getattr(owner, name)))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock for the block unless this process holds it already, or nobody can write there."""
    with _here:
        if path in _held or not path.parent.is_dir():
            yield
            return
        try:
            lock = FileLock(path)
        except InputError:  # nobody writes into a folder that cannot be written
            yield
            return
        try:
            lock.take(wait=True)
            _held.add(path)
            yield
        finally:
            _held.discard(path)
            lock.close()


def _one_at_a_time(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def guarded(self: Any, *arguments: Any) -> Any:
        with _alone(Path(self._cache_path) / LOCK):
            return method(self, *arguments)

    return guarded


def _by_one_alone(method: Callable[..., Any]) -> Callable[..., Any]:
    from numba.core.compiler_lock import global_compiler_lock

    @wraps(method)
    def guarded(self: Any, signature: Any) -> Any:
        folder = self._cache.cache_path
        # numba's own lock first: a thread that holds it may ask for any function. Who holds a folder waits for nobody
        with global_compiler_lock:
            if folder is None or any(path.name == LOCK for path in _held):
                return method(self, signature)
            with _alone(Path(folder) / f"{self.py_func.__module__}.{self.py_func.__qualname__}.lock"):
                return method(self, signature)

    return guarded
