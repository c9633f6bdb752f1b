"""The engine of a Dask cluster: the same rows as the local one; workers come and go."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clustersim.errors import InputError
from clustersim.study.sweep import dask_engine
from clustersim.study.sweep.dask_engine import DaskEngine, _Run
from clustersim.study.sweep.surroundings import KILLED, Surroundings

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE))

import works  # noqa: E402

distributed = pytest.importorskip("distributed")


def by_index(outcomes):
    found = sorted((one for one in outcomes if one is not None), key=lambda one: one.index)
    return [(one.index, one.point_id, one.row, one.error) for one in found]


@pytest.fixture(scope="module")
def address():
    """A scheduler with one worker, in threads of this process."""
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, protocol="tcp"
    ) as cluster:
        yield cluster.scheduler_address


def test_the_same_rows_as_without_a_cluster(address):
    told = []
    with DaskEngine(address, tell=told.append) as engine:
        found = by_index(engine.outcomes(works.tasks(150), works.square))
    assert found == by_index(map(works.square, works.tasks(150)))
    assert told == ["workers with several threads answer one point at a time: start them with --nthreads 1"]


def test_a_stopped_run_leaves_the_cluster_to_others(address):
    with DaskEngine(address) as engine:
        stopped = engine.outcomes(works.tasks(9, sleep_s=0.01), works.nap)
        next(stopped)
        stopped.close()
        assert len(by_index(engine.outcomes(works.tasks(20), works.square))) == 20


def test_workers_of_another_version_are_refused(address, monkeypatch):
    monkeypatch.setattr(dask_engine, "surroundings", lambda: Surroundings("0.0.1", "c"))
    with pytest.raises(InputError, match=r"worker .* has clustersim .*, expected 0\.0\.1: install"):
        DaskEngine(address)


def test_no_scheduler_is_said(monkeypatch):
    monkeypatch.setattr(dask_engine, "ANSWER_S", 0.3)
    with pytest.raises(InputError, match=r"tcp://127\.0\.0\.1:9: no Dask scheduler answers there"):
        DaskEngine("tcp://127.0.0.1:9")
    with pytest.raises(InputError, match="no Dask scheduler answers"):
        DaskEngine("gopher://here")
    with pytest.raises(InputError, match="found both"):
        DaskEngine("tcp://127.0.0.1:9", workers=2)


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'clustersim\[cluster\]'"):
        DaskEngine()


class Lost:
    """A client whose workers die of point 5, and of nothing else."""

    def __init__(self):
        self.sent = []

    def submit(self, work, wanted, given, batch, key, pure):
        self.sent.append([task.index for task in batch])
        return key


class Killed:
    """What Dask says of it."""

    allowed_failures = 0


def test_points_beside_the_one_at_fault_are_not_blamed():
    client = Lost()
    run = _Run(iter(works.tasks(12)), 12, client, works.square, None)
    run.coming = type("Coming", (), {"add": lambda self, future: None})()
    run._mean_s = 0.0
    found = []
    while run.submit(3):
        future, batch = next(iter(run.under_way.items()))
        if any(task.index == 5 for task in batch):
            found += run.taken(future, (type("KilledWorker", (), {}), Killed(), None))
        else:
            found += run.taken(future, [works.square(task) for task in batch])
    assert by_index(found)[5] == (5, "p5", None, KILLED)
    assert [row for row in by_index(found) if row[0] != 5] == [
        row for row in by_index(map(works.square, works.tasks(12))) if row[0] != 5
    ]
    assert sum(5 in batch for batch in client.sent) == 3


def started(*words):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(HERE)))}
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]], env=environment, stderr=subprocess.DEVNULL
    )


@pytest.mark.soak
def test_a_worker_killed_midway_and_another_that_joins(tmp_path):
    """A scheduler and workers with processes of their own: one killed -9 midway, one that comes midway."""
    file = tmp_path / "scheduler.json"
    common = ("--scheduler-file", str(file))
    workers = ("dask_worker", *common, "--nthreads", "1", "--no-dashboard", "--no-nanny")
    processes = [
        started("dask_scheduler", *common, "--port", "0", "--no-dashboard"),
        started(*workers),
        started(*workers),
    ]
    try:
        while not file.exists():
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        with DaskEngine(address) as engine:
            engine.wait_for(2)
            seen, pids = [], set()
            for one in engine.outcomes(works.tasks(400, sleep_s=0.03), works.nap):
                seen.append(one)
                if len(seen) == 80:
                    os.kill(processes[1].pid, signal.SIGKILL)
                    processes.append(started(*workers))
            assert by_index(seen) == by_index(map(works.square, works.tasks(400)))
            engine.wait_for(2)
            pids = {row[2]["pid"] for row in by_index(engine.outcomes(works.tasks(200), works.pid))}
            assert {processes[2].pid, processes[3].pid} == pids
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.soak
def test_a_cluster_of_its_own_and_a_point_that_kills(tmp_path):
    mark = tmp_path / "mark"
    with DaskEngine(None, 2) as engine:
        found = by_index(engine.outcomes(works.tasks(20, mark=str(mark)), works.dies))
    assert mark.read_text() == "xxx"
    assert found[5] == (5, "p5", None, KILLED)
    assert [row for row in found if row[0] != 5] == [
        row for row in by_index(map(works.square, works.tasks(20))) if row[0] != 5
    ]
