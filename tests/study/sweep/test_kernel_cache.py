"""Processes that are started together on an empty cache compile each kernel once, and all get its code."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
KERNELS = """\
import sys
import time
from pathlib import Path

from clustersim.study.sweep.kernel_cache import guard_kernel_cache

guard_kernel_cache()
from numba import njit


@njit(cache=True)
def inner(value):
    return value * value


@njit(cache=True)
def outer(value):
    return inner(value) + inner(2.0 * value)


if __name__ == "__main__":
    Path(f"ready-{sys.argv[1]}").touch()
    while len(list(Path().glob("ready-*"))) < 2:
        time.sleep(0.01)
    total = outer(2.0)
    made = sum(sum(one.stats.cache_misses.values()) for one in (inner, outer))
    print(total, made)
"""


def test_one_process_compiles_what_several_need(tmp_path):
    (tmp_path / "kernels_here.py").write_text(KERNELS)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    started = [
        subprocess.Popen(
            [sys.executable, "kernels_here.py", name], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
        )
        for name in ("a", "b")
    ]
    told = [process.communicate(timeout=120)[0].split() for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert [float(total) for total, _ in told] == [20.0, 20.0]
    assert sum(int(made) for _, made in told) == 2
