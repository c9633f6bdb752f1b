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
TOO_LONG = {
    -signal.SIGPROF: "took more than 10 s of processor time",
    -signal.SIGALRM: "took more than 120 s by the clock",
}
"""How a process ends that an input holds up, and what is said of it."""
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
        if code in TOO_LONG:
            one_process(folder / f"{len(found)}-compiling", alone, {"ROBUSTNESS_MOST_S": "150"})
            again, now, code = one_process(folder / f"{len(found)}-again", alone)
            found += again
        if now is not None:
            ended = TOO_LONG.get(code, f"ended the process {code}")
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


@pytest.mark.soak
@pytest.mark.parametrize(
    ("limit", "ended"), [("ROBUSTNESS_MOST_S", -signal.SIGPROF), ("ROBUSTNESS_MOST_WALL_S", -signal.SIGALRM)]
)
def test_an_input_that_takes_too_long_is_named(tmp_path, limit, ended):
    """By processor time and by the clock, here a hundredth of a second."""
    found, now, code = one_process(tmp_path / "one", [("scenarios", 0, 2)], {limit: "0.01"})
    assert (found, now, code) == ([], "scenarios 0", ended)


HEARD = """
import sys
from pathlib import Path
import numpy as np
from tests.robustness import batch
from clustersim.power.trace import PowerTrace
from clustersim.power.trace_export import write_trace
from clustersim.study.waveforms.file import write_pieces
sys.addaudithook(batch._hear)
folder = Path(sys.argv[1])
trace = PowerTrace("meter", 0.0, 0.1, np.ones(8))
for name in ("a.csv", "b.parquet", "c.cfg"):
    write_trace(folder / name, trace)
write_pieces(folder / "d.parquet", [], ["meter"], 0.1, {})
print(*batch.written, sep=chr(10))
"""


@pytest.mark.soak
def test_files_that_arrow_writes_are_heard(tmp_path):
    """It opens them itself, where a working file that Python made lies: that, and the move, are heard."""
    words = [sys.executable, "-c", HEARD, str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    heard = done.stdout.splitlines()
    for path in tmp_path.iterdir():
        assert str(path) in heard
        assert [one for one in heard if one.startswith(str(tmp_path / f".{path.name}-"))]
    assert len(list(tmp_path.iterdir())) == 5


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
