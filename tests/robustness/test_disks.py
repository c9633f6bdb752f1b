"""Disks that are full or cannot be written: one message, nothing half, and on it goes once there is room."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager

import pytest

from clustersim.errors import InputError
from tests.robustness.commands import call, done, files, in_this_process, left_over, refused, study_beside

SIZES_KB = (4, 20, 60, 100, 200, 400, 800)
"""Of a disk that the small result does not fit on."""


def mounted(*words):
    """Call mount or umount; skip where that is not allowed."""
    called = subprocess.run([str(word) for word in words], capture_output=True, check=False)
    if called.returncode:
        pytest.skip(f"no right to mount a file system: {called.stderr.decode()[:100]}")


@contextmanager
def disk(folder, size):
    """Give a disk of some size, in memory."""
    folder.mkdir()
    mounted("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def of_size(folder, size):
    mounted("mount", "-o", f"remount,rw,size={size}", folder)


@contextmanager
def read_only(folder):
    """Let a disk be read alone for the block: permission bits do not hold root back."""
    mounted("mount", "-o", "remount,ro", folder)
    try:
        yield
    finally:
        mounted("mount", "-o", "remount,rw", folder)


def test_a_result_that_does_not_fit_leaves_nothing(tmp_path, small_result, small_page):
    with disk(tmp_path / "disk", "4k") as out:
        for size in SIZES_KB:
            of_size(out, f"{size}k")
            with pytest.raises(InputError, match=r"cannot be written: .*No space left on device"):
                small_result.save(out / "deep" / "small", {"report.html": small_page})
            assert files(out) == {}
            assert not left_over(out / "deep")
        of_size(out, "64m")
        small_result.save(out / "deep" / "small", {"report.html": small_page})
        whole = files(out)
        of_size(out, f"{2 * sum(map(len, whole.values())) * 3 // 4}")
        with pytest.raises(InputError, match="No space left on device"):
            small_result.save(out / "deep" / "small", {"report.html": small_page})
        assert files(out) == whole
        assert not left_over(out / "deep")


def test_a_sweep_goes_on_when_there_is_room(tmp_path, monkeypatch):
    in_this_process(monkeypatch)
    study = study_beside(tmp_path)
    done("sweep", study, "--out", tmp_path / "whole")
    whole = (tmp_path / "whole" / "sweep-trial" / "points.parquet").read_bytes()
    with disk(tmp_path / "disk", "4k") as out:
        for size in (4, 16, 28, 40, 64, 100):
            of_size(out, f"{size}k")
            assert "cannot be" in (told := refused("sweep", study, "--out", out, "--resume"))
            assert "No space left on device" in told
        of_size(out, "64m")
        done("sweep", study, "--out", out, "--resume")
        assert (out / "sweep-trial" / "points.parquet").read_bytes() == whole
        assert not list(out.rglob("*.tmp"))


def test_reports_and_traces_that_do_not_fit_leave_nothing(tmp_path, small_result, small_page):
    folder = small_result.save(tmp_path / "results" / "small", {"report.html": small_page})
    rows = "\n".join(f"{0.1 * k},{30 + k % 7}" for k in range(4000))
    (tmp_path / "t.csv").write_text(f"time_s,power_mw\n{rows}\n")
    with disk(tmp_path / "disk", "16k") as out:
        for words in (
            ("report", folder, "--to", out / "r"),
            ("report", folder, "--for", "interconnection", "--to", out / "r"),
            ("assess", tmp_path / "t.csv", "--export", out / "t.cfg"),
            ("assess", tmp_path / "t.csv", "--export", out / "t.parquet"),
            ("assess", tmp_path / "t.csv", "--export", out / "t2.csv"),
        ):
            assert "No space left on device" in refused(*words)
            assert [path for path in out.rglob("*") if path.is_file()] == []


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_disk_that_can_only_be_read(tmp_path, monkeypatch, small_result, small_page, small_scenario):
    in_this_process(monkeypatch)
    study = study_beside(tmp_path)
    with disk(tmp_path / "disk", "64m") as out:
        folder = small_result.save(out / f"small-{small_result.run_id}", {"report.html": small_page})
        done("sweep", study, "--out", out)
        before = files(out)
        with read_only(out):
            for words in (
                ("run", small_scenario, "--out", out / "other", "--set", "seed=2", "--set", "operation.horizon=1 h"),
                ("sweep", study, "--out", out, "--resume"),
                ("sweep", study, "--out", out, "--force"),
                ("sweep", study, "--out", out / "other"),
                ("report", folder),
                ("query", out / "sweep-trial", "SELECT * FROM points", "--csv", out / "a.csv"),
            ):
                assert "Read-only file system" in refused(*words)
            assert "used again" in done("run", small_scenario, "--out", out).stderr
            done("query", out / "sweep-trial", "SELECT count(*) FROM points", "--json")
            done("report", folder, "--to", tmp_path / "elsewhere")
        assert files(out) == before


def test_a_file_in_place_of_the_results_folder(tmp_path, monkeypatch, small_result, small_scenario):
    in_this_process(monkeypatch)
    study, out = study_beside(tmp_path), tmp_path / "out"
    out.write_text("mine")
    with pytest.raises(InputError, match="cannot be written"):
        small_result.save(out / "small")
    assert "cannot be made a store" in refused("sweep", study, "--out", out)
    assert call("query", out, "SELECT 1").exit_code == 2
    assert out.read_text() == "mine"
