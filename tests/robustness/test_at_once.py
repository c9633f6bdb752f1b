"""Two at the same time, one worker against eight, and a clock that jumps: the same bytes."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time

import pytest

from tests.robustness.commands import TINY, done, files, in_this_process, left_over, study_beside
from tests.robustness.test_killed import ROOT

POINTS = "sweep-trial/points.parquet"


def program(*words):
    return subprocess.Popen(
        [sys.executable, "-m", "clustersim", *map(str, words)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_two_sweeps_in_one_store(tmp_path, monkeypatch):
    """One has it; the other is told so, or comes when all is done and finds nothing to do."""
    study = study_beside(tmp_path)
    both = [program("sweep", study, "--out", tmp_path / "out", "--resume", "--workers", 1) for _ in range(2)]
    ends = [(*one.communicate(timeout=900), one.returncode) for one in both]
    assert sorted(code for _, _, code in ends) in ([0, 0], [0, 2])
    for _, said, code in ends:
        assert code == 0 or "is writing to this store: wait for it" in said
    in_this_process(monkeypatch)
    done("sweep", study, "--out", tmp_path / "whole")
    assert (tmp_path / "out" / POINTS).read_bytes() == (tmp_path / "whole" / POINTS).read_bytes()


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_two_runs_of_one_scenario(tmp_path):
    (tmp_path / "small.yaml").write_text(TINY)
    both = [program("run", tmp_path / "small.yaml", "--out", tmp_path / "out") for _ in range(2)]
    for one in both:
        _, said = one.communicate(timeout=900)
        assert one.returncode == 0, said
    done("run", tmp_path / "small.yaml", "--out", tmp_path / "whole")
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert not left_over(tmp_path / "out")


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_one_worker_against_eight(tmp_path):
    study = study_beside(tmp_path)
    for workers in (1, 8):
        out = tmp_path / str(workers)
        for words in (
            ("sweep", study, "--out", out, "--workers", workers),
            ("operate", tmp_path / "small.yaml", "--seeds", 24, "--workers", workers, "--out", out / "operated"),
        ):
            said, told = (running := program(*words)).communicate(timeout=900)
            assert running.returncode == 0, told
        (out / "said.txt").write_text(said.replace(str(out), "OUT"))
    one, eight = files(tmp_path / "1"), files(tmp_path / "8")
    different = {name for name in one if one[name] != eight.get(name)} | set(one) ^ set(eight)
    # how long each point took, and in which order they came
    assert different <= {"sweep-trial/log.jsonl", "sweep-trial/lock", "sweep-trial/sweep.html"}


@pytest.mark.parametrize("verb", ["sweep", pytest.param("run", marks=pytest.mark.soak)])
def test_a_clock_that_jumps(tmp_path, monkeypatch, verb):
    """By ten years, forth and back, at every look; dates of files too."""
    in_this_process(monkeypatch)
    study = study_beside(tmp_path)
    asked = study if verb == "sweep" else tmp_path / "small.yaml"
    again = ["--resume"] if verb == "sweep" else []
    done(verb, asked, "--out", tmp_path / "whole")
    whole = files(tmp_path / "whole")
    jumps = itertools.cycle([3e8, -3e8, 0.0, -1e9])
    real = time.time
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: real() + next(jumps))
        patched.setattr(time, "time_ns", lambda: int((real() + next(jumps)) * 1e9))
        done(verb, asked, "--out", tmp_path / "jumped", *again)
        for path in (tmp_path / "jumped").rglob("*"):
            os.utime(path, (real() + next(jumps),) * 2)
        done(verb, asked, "--out", tmp_path / "jumped", *again)
    jumped = files(tmp_path / "jumped")
    # how long points took, and who wrote
    allowed = {"sweep-trial/log.jsonl", "sweep-trial/lock"}
    assert {name for name in whole if jumped.get(name) != whole[name]} <= allowed
