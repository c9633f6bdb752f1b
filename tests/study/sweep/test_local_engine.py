"""The engine of one machine: every point answered once, killed workers or not; no process outlives it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clustersim.errors import ClustersimError
from clustersim.study.sweep import local_engine
from clustersim.study.sweep.durable import FileLock
from clustersim.study.sweep.kernel_cache import LOCK, _one_at_a_time
from clustersim.study.sweep.local_engine import LocalEngine
from clustersim.study.sweep.local_worker import THREADS, one_thread_each
from clustersim.study.sweep.surroundings import KILLED, Surroundings, answered, take_over

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # workers get the path, and import what works on a point from there

import works  # noqa: E402

if not hasattr(os, "fork"):
    pytest.skip("signals of POSIX", allow_module_level=True)


def by_index(outcomes):
    found = sorted((one for one in outcomes if one is not None), key=lambda one: one.index)
    return [(one.index, one.point_id, one.row, one.error) for one in found]


class Lazy(list):
    """Tasks that know how many of them were taken."""

    taken = 0

    def __iter__(self):
        for task in super().__iter__():
            self.taken += 1
            yield task


def test_all_points_are_answered_once_though_a_worker_dies(tmp_path):
    tasks = Lazy(works.tasks(60, mark=str(tmp_path / "mark")))
    expected = by_index(map(works.square, works.tasks(60)))
    with LocalEngine(2) as engine:
        seen, ahead = [], []
        for one in engine.outcomes(tasks, works.dies_once):
            if one is not None:
                seen.append(one)
                ahead.append(tasks.taken - len(seen))
        assert by_index(seen) == expected
        assert (tmp_path / "mark").exists()
        assert max(ahead) <= 6
        # the same processes go on, with other work; a stopped run leaves nothing to the next one
        stopped = engine.outcomes(works.tasks(9, sleep_s=0.0), works.nap)
        next(stopped)
        processes = [worker.process for worker in engine._workers]
    assert not any(process.is_alive() for process in processes)
    stopped.close()


@pytest.mark.soak
def test_a_point_that_kills_every_worker_fails_and_no_other(tmp_path):
    mark = tmp_path / "mark"
    with LocalEngine(2) as engine:
        found = by_index(engine.outcomes(works.tasks(20, mark=str(mark)), works.dies))
        assert mark.read_text() == "xxx"
        assert found[5] == (5, "p5", None, KILLED)
        assert found[:5] + found[6:] == [row for row in by_index(map(works.square, works.tasks(20))) if row[0] != 5]
        pids = {row[2]["pid"] for row in by_index(engine.outcomes(works.tasks(40), works.pid))}
        os.kill(pids.pop(), signal.SIGKILL)
        assert by_index(engine.outcomes(works.tasks(20), works.square)) == by_index(map(works.square, works.tasks(20)))


@pytest.mark.soak
def test_processes_that_never_start_end_the_sweep(monkeypatch):
    monkeypatch.setattr(local_engine, "surroundings", lambda: Surroundings("0.0.1", "other"))
    with (
        LocalEngine(1) as engine,
        pytest.raises(ClustersimError, match=r"differs from this one: clustersim .* 0\.0\.1"),
    ):
        list(engine.outcomes(works.tasks(1), works.square))


SWEEP = """
import sys
sys.path.insert(0, sys.argv[1])
import works
from clustersim.study.sweep.local_engine import LocalEngine
if __name__ == "__main__":
    with LocalEngine(2) as engine:
        pids = {one.row["pid"] for one in engine.outcomes(works.tasks(60), works.pid) if one}
        print(*pids, flush=True)
        list(engine.outcomes(works.tasks(4, sleep_s=600.0), works.nap))
"""


def alive(pid):
    """Whether a process runs: one that has ended and waits for its parent does not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] not in "ZX"


@pytest.mark.soak
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_the_sweep(tmp_path, how):
    script = tmp_path / "sweep.py"
    script.write_text(SWEEP)
    root = Path(__file__).resolve().parents[3]
    environment = os.environ | {"PYTHONPATH": str(root)}
    sweep = subprocess.Popen(
        [sys.executable, script, HERE], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    pids = [int(word) for word in sweep.stdout.readline().split()]
    time.sleep(0.5)
    assert all(map(alive, pids))
    begin = time.monotonic()
    sweep.send_signal(how)
    sweep.wait(30)
    while any(map(alive, pids)) and time.monotonic() - begin < 30.0:
        time.sleep(0.02)
    assert not any(map(alive, pids))
    assert time.monotonic() - begin < 10.0
    sweep.stdout.close()


def test_a_worker_count_below_one_is_refused():
    with pytest.raises(ValueError, match="one worker"):
        LocalEngine(0)


def test_a_fault_of_the_work_is_the_error_of_its_point():
    found = answered(works.raises, works.tasks(1)[0])
    assert (found.row, found.error) == (None, "RuntimeError: a fault of the work")


def test_each_worker_has_one_thread_unless_the_user_says_otherwise(monkeypatch):
    monkeypatch.setenv(THREADS[1], "7")
    monkeypatch.delenv(THREADS[0], raising=False)
    with one_thread_each():
        assert os.environ[THREADS[0]] == "1"
        assert os.environ[THREADS[1]] == "7"
    assert THREADS[0] not in os.environ


def test_another_version_or_catalog_is_said():
    import clustersim

    assert take_over(Surroundings("0.0.1", "c")) == f"clustersim {clustersim.__version__}, expected 0.0.1"
    assert "expected c" in take_over(Surroundings(clustersim.__version__, "c"))


def test_the_cache_of_kernels_is_used_by_one_process_at_a_time(tmp_path):
    class File:
        _cache_path = str(tmp_path)

        def save(self, key):
            return key, FileLock(tmp_path / LOCK).take()

    assert _one_at_a_time(File.save)(File(), "k") == ("k", False)
    inner = _one_at_a_time(File.save)
    assert _one_at_a_time(lambda one: inner(one, "inner"))(File()) == ("inner", False)
    assert FileLock(tmp_path / LOCK).take()
    File._cache_path = str(tmp_path / "none")
    assert _one_at_a_time(lambda _: 3)(File()) == 3
