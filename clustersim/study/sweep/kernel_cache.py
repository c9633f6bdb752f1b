"""Several processes on one cache of compiled kernels.

numba numbers the files of a function's signatures by what its index says, and writes index and code one after the
other. Two processes that compile different signatures of one function at once can take the same number; the index then
names the other's code (numba/numba#10128 reports a race of this kind). A lock on the folder closes that gap.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from clustersim.errors import InputError
from clustersim.study.sweep.durable import FileLock

LOCK = "clustersim.lock"
_guarded: list[bool] = []
_here = threading.RLock()
_held: set[Path] = set()
"""Locks that this process holds: reading one function's code may ask for another's."""


def guard_kernel_cache() -> None:
    """Let this process read and write the cache of compiled kernels only while no other guarded one does."""
    from numba.core.caching import IndexDataCacheFile

    if _guarded:
        return
    _guarded.append(True)
    for name in ("save", "load"):
        setattr(IndexDataCacheFile, name, _one_at_a_time(getattr(IndexDataCacheFile, name)))


def _one_at_a_time(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def guarded(self: Any, *arguments: Any) -> Any:
        path = Path(self._cache_path) / LOCK
        if not path.parent.is_dir():
            return method(self, *arguments)
        with _here:
            if path in _held:
                return method(self, *arguments)
            try:
                lock = FileLock(path)
            except InputError:  # nobody writes into a folder that cannot be written
                return method(self, *arguments)
            try:
                lock.take(wait=True)
                _held.add(path)
                return method(self, *arguments)
            finally:
                _held.discard(path)
                lock.close()

    return guarded
