"""Running a whole Python process and timing it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_SAY_PEAK = """
import resource, sys
from pathlib import Path
# on Linux the resource usage of a process begins with that of the one that started it
status = Path("/proc/self/status")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024 if status.exists() else peak)
"""


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


def peak_bytes(program: str) -> float:
    """Return the largest resident memory of a process that runs the text `program`. [B]"""
    return float(output(["-c", program + _SAY_PEAK]))


def wall_s(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """Return how long Python with `arguments` takes from start to end. [s]"""
    begin = time.perf_counter()
    output(arguments, environment)
    return time.perf_counter() - begin
