"""Running a whole Python process and timing it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def output(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Run Python with `arguments` in the repository and return its stdout.

    Raises
    ------
    RuntimeError
        If the process fails; the message holds what it said.
    """
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"python {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr.strip()}")
    return done.stdout


def wall_s(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """Return how long Python with `arguments` takes from start to end. [s]"""
    begin = time.perf_counter()
    output(arguments, environment)
    return time.perf_counter() - begin
