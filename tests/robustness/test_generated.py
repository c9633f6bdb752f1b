"""Generated inputs: no traceback, no hang, no half result, nothing written elsewhere, memory bounded.

What is made of a number is in inputs.py; ``python -m tests.robustness.batch FOLDER scenarios:820:821`` gives one again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.robustness.inputs import KINDS

ROOT = Path(__file__).resolve().parents[2]
FULL = 2000
"""Inputs of each kind in `make soak`; `make test` has a hundredth."""
SHARE = 500
"""Inputs of one process."""
MOST_GROWTH_KB = 400_000
"""Memory that a process may hold after its last input beside what it held after the first fifth. [kB]"""


def answered(folder, *asked):
    """Give inputs to processes; return what came of each, with the input that ended a process as such.

    One that takes too long is given again after its kernels are compiled, which a fresh clone does once.
    """
    found = []
    left = [(kind, first, last) for kind, first, last in asked]
    while left:
        told, now, code = one_process(folder / str(len(found)), left)
        found += told
        if now is None:
            return found
        kind, number = now.split()
        alone = [(kind, int(number), int(number) + 1)]
        if code == -signal.SIGPROF:
            one_process(folder / f"{len(found)}-compiling", alone, {"ROBUSTNESS_MOST_S": "150"})
            again, now, code = one_process(folder / f"{len(found)}-again", alone)
            found += again
        if now is not None:
            ended = "took more than 10 s" if code == -signal.SIGPROF else f"ended the process {code}"
            found.append({"input": now, "wrong": [ended], "exit": None, "rss_kb": 0, "cpu_s": 0.0})
        at = next(k for k, (name, first, last) in enumerate(left) if name == kind and first <= int(number) < last)
        left = [(kind, int(number) + 1, left[at][2]), *left[at + 1 :]]
    return found


def one_process(root, asked, more=None):
    """Give inputs to one process; return what came of them, the input that ended it or nothing, and its exit code."""
    for name in ("tmp", "home"):
        (root / name).mkdir(parents=True)
    surroundings = os.environ | {
        "TMPDIR": str(root / "tmp"), "HOME": str(root / "home"), "PYTHONPATH": str(ROOT),
        "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR", str(ROOT / ".numba_cache")), **(more or {}),
    }  # fmt: skip
    words = [f"{kind}:{first}:{last}" for kind, first, last in asked]
    done = subprocess.run(
        [sys.executable, "-m", "tests.robustness.batch", str(root), *words],
        cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found, now = [], None
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            found.append({"input": now} | json.loads(line))
            now = None
        else:
            now = line
    assert now is not None or done.returncode == 0, done.stderr[-3000:]
    return found, now, done.returncode


def judge(found):
    wrong = [f"{one['input']} {one.get('words')}: {told}" for one in found for told in one["wrong"]]
    assert not wrong, f"{len(wrong)} of {len(found)} inputs:\n" + "\n".join(wrong[:20])
    held = [one["rss_kb"] for one in found]
    assert max(held[-20:]) - max(held[: max(1, len(held) // 5)]) < MOST_GROWTH_KB


@pytest.mark.timeout(300)
def test_a_hundredth_of_them(tmp_path):
    found = answered(tmp_path, *((kind, 0, FULL // 100) for kind in KINDS))
    judge(found)
    assert len(found) == len(KINDS) * FULL // 100
    assert {one["exit"] for one in found} == {0, 2}


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("first", range(0, FULL, SHARE))
@pytest.mark.parametrize("kind", KINDS)
def test_all_of_them(tmp_path, kind, first):
    found = answered(tmp_path, (kind, first, first + SHARE))
    judge(found)
    assert len(found) == SHARE
