"""kill -9 of run, sweep and report at random moments: nothing said is lost, and going on ends in the same bytes.

`ROBUSTNESS_SEED` gives other moments. Writers of a store alone, killed more often: tests/study/sweep/test_store.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clustersim.report.stored import is_stored
from clustersim.study.sweep.reading import is_store, read_points
from tests.robustness.commands import TINY, files, left_over, study_beside

ROOT = Path(__file__).resolve().parents[2]
SEED = int(os.environ.get("ROBUSTNESS_SEED", "1"))
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


class Victims:
    """Commands that are killed."""

    def __init__(self, folder: Path, *warm: object) -> None:
        self.said = folder / "said.txt"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.robustness.victims", *map(str, warm)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.killed = 0

    def start(self, *words: object) -> int:
        """Start a command and return its pid."""
        self.said.write_text("")
        self.process.stdin.write(json.dumps([[str(word) for word in words], str(self.said)]) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self, *words: object) -> tuple[str, float]:
        """Let a command end, and return what it said and how long it took. [s]"""
        begin = time.monotonic()
        self.start(*words)
        code = int(self.process.stdout.readline())
        assert code == 0, self.said.read_text()[-3000:]
        return self.said.read_text(), time.monotonic() - begin

    def kill(self, after_s: float, *words: object) -> str:
        """Kill a command after some time, and return what it had said."""
        pid = self.start(*words)
        time.sleep(after_s)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        code = int(self.process.stdout.readline())
        assert code in (0, -signal.SIGKILL), self.said.read_text()[-3000:]
        self.killed += code != 0
        return self.said.read_text()

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def victims(tmp_path_factory):
    folder = tmp_path_factory.mktemp("victims")
    (folder / "warm.yaml").write_text(TINY)
    found = Victims(folder, "run", folder / "warm.yaml", "--out", folder / "warm")
    yield found
    found.close()


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(TINY)
    return path


def kill_runs(victims, scenario, folder, times, moments):
    """Kill runs: first none is there, then one is there that each tries to replace."""
    said, took = victims.end("run", scenario, "--out", folder / "whole")
    _, took = victims.end("run", scenario, "--out", folder / "whole", "--force")
    whole = files(folder / "whole")
    results = folder / "results"
    there, before = False, victims.killed
    while victims.killed < before + times:
        again = ["--force"] if there else []
        said = victims.kill(moments.uniform(0.0, 1.1 * took), "run", scenario, "--out", results, *again)
        there = there or "report  " in said
        found = list(results.glob("[!.]*")) if results.exists() else []
        assert all(is_stored(one) for one in found), found
        if there:
            victims.end("run", scenario, "--out", results)  # used again, or what was moved aside is put back
            assert "of an earlier run" in victims.said.read_text()
            assert files(results) == whole
    victims.end("run", scenario, "--out", results, "--force")
    assert files(results) == whole
    assert not left_over(results)


def kill_reports(victims, scenario, folder, times, moments):
    victims.end("run", scenario, "--out", folder / "results")
    run = next((folder / "results").iterdir())
    before = files(run)
    for audience in ([], ["--for", "interconnection"]):
        words = ["report", run, *audience, "--to"]
        at_once = folder / f"whole_{len(audience)}"
        victims.end(*words, at_once)
        _, took = victims.end(*words, at_once)
        whole = files(at_once)
        before_these, number = victims.killed, 0
        while victims.killed < before_these + times // 2:
            number += 1
            to = folder / f"to_{len(audience)}_{number}"
            victims.kill(moments.uniform(0.0, 1.1 * took), *words, to)
            assert files(to).items() <= whole.items()
            assert files(run) == before
            if left_over(to):
                victims.end(*words, to)
                assert not left_over(to)
        victims.end(*words, to)
        assert files(to) == whole


def kill_sweeps(victims, scenario, folder, times, moments):
    study = study_beside(scenario.parent)
    points = "sweep-trial/points.parquet"
    victims.end("sweep", study, "--out", folder / "whole")
    _, took = victims.end("sweep", study, "--out", folder / "whole", "--force")
    whole = (folder / "whole" / points).read_bytes()
    enough, number = victims.killed + times, 0
    while victims.killed < enough:
        number += 1
        out = folder / f"sweep_{number}"
        store, recorded = out / "sweep-trial", 0
        while recorded < 12 and victims.killed < enough:
            said = victims.kill(moments.uniform(0.0, 0.9 * took), "sweep", study, "--out", out, "--resume")
            told = [int(line.split(" of ")[0].split()[-1]) for line in said.splitlines() if " of 12 points" in line]
            if is_store(store):
                now = read_points(store).num_rows
                assert now >= max([recorded, *told])
                recorded = now
            else:
                assert not told
        victims.end("sweep", study, "--out", out, "--resume")
        assert (out / points).read_bytes() == whole
        assert not list(store.rglob("*.tmp"))
        assert sorted(path.name for path in out.iterdir()) == ["sweep-trial"]


@pytest.mark.timeout(300)
def test_two_that_are_killed(scenario, tmp_path):
    victims = Victims(tmp_path, "step", scenario)
    try:
        kill_sweeps(victims, scenario, tmp_path / "place", 2, random.Random(SEED))
    finally:
        victims.close()


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.parametrize(("kill", "times"), [(kill_runs, 60), (kill_reports, 40), (kill_sweeps, 100)])
def test_two_hundred_that_are_killed(victims, scenario, tmp_path, kill, times):
    kill(victims, scenario, tmp_path / "place", times, random.Random(f"{SEED} {kill.__name__}"))
