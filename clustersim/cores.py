"""The cores that this process may use."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Return the cores that this process may use, at least one."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)
