"""How the benchmarks take time."""

from __future__ import annotations

import time
from collections.abc import Callable


def best(action: Callable[[], object], rounds: int) -> float:
    """Return the least of `rounds` times. [s]"""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return min(times)
