"""The verb `exercise`: what it prints without a GPU, and what it says where something is missing."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys

import pytest
from typer.testing import CliRunner

from clustersim.cli import app
from clustersim.instrument.recording import read_recording
from clustersim.study.devices import exercise as study
from tests.instrument.fake_nvml import NAMES, FakeNvml
from tests.study.test_exercise import Virtual

TORCH = importlib.util.find_spec("torch") is not None


def call(*words):
    return CliRunner().invoke(app, ["exercise", *(str(word) for word in words)])


def test_the_list_needs_no_gpu():
    done = call("--list")
    assert done.exit_code == 0, done.output
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "PATTERN", "levels", "products", "duty", "step", "dummy", "limits", "clocks",
    ]  # fmt: skip
    found = json.loads(call("--list", "--json", "--scale", "0.1").stdout)["patterns"]
    assert {one["name"]: one["seconds"] for one in found}["levels"] == pytest.approx(27.0)


def test_a_dry_run_prints_the_script():
    done = call("step", "levels", "--dry-run", "--scale", "0.1")
    assert done.exit_code == 0, done.output
    assert "STEP  13 parts" in done.stdout
    assert "matrix 8192 x 8192 x 8192 fp8" in done.stdout
    found = json.loads(call("levels", "--dry-run", "--json", "--seed", "3").stdout)["scripts"]
    other = json.loads(call("levels", "--dry-run", "--json", "--seed", "4").stdout)["scripts"]
    assert found != other
    assert sorted(one["name"] for one in found[0]["rounds"]) == sorted(one["name"] for one in other[0]["rounds"])


def test_a_dry_run_shows_what_would_be_set():
    done = call("limits", "clocks", "--permit-limits", "450 W, 550", "--permit-clocks", "1000 MHz", "--dry-run")
    assert done.exit_code == 0, done.output
    for name in ("limit 450 W", "limit 550 W", "limit as found", "clock 1000 MHz", "clock as found"):
        assert done.stdout.count(name) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("levles", "--dry-run"), "did you mean 'levels'"),
        (("--dry-run",), "expected a pattern"),
        ((), "expected a pattern; --list names them"),
        (("levels",), "expected --out FILE.parquet"),
        (("levels", "--out", "a.csv"), "ends in .parquet"),
        (("levels", "--dry-run", "--scale", "0"), "--scale: expected more than 0"),
        (("levels", "--dry-run", "--seed", "-1"), "--seed: expected 0 or more"),
        (("limits", "--out", "a.parquet"), "exercise limits: expected --permit-limits '450 W, 550 W'"),
        (
            ("levels", "--permit-clocks", "1000", "--out", "a.parquet"),
            "--permit-clocks: expected with the pattern clocks",
        ),
        (("limits", "--permit-limits", "450 W, low", "--dry-run"), "expected numbers of W between commas, found 'low'"),
        (("limits", "--permit-limits", "", "--dry-run"), "expected numbers of W between commas, found ''"),
        (("limits", "--permit-limits", "0", "--dry-run"), "--permit-limits: expected different ones above 0"),
    ],
)
def test_wrong_arguments_are_one_line(words, said):
    done = call(*words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(TORCH, reason="PyTorch is installed")
def test_without_pytorch_it_says_how_to_get_it(tmp_path):
    done = call("levels", "--out", tmp_path / "a.parquet")
    assert done.exit_code == 2
    assert done.stderr == "error: exercise: PyTorch is missing: pip install 'clustersim[torch]'\n"
    assert list(tmp_path.iterdir()) == []


def test_a_recording_is_written_and_told(tmp_path, monkeypatch):
    computer = Virtual()
    monkeypatch.setattr(study, "real_kit", lambda: computer.kit)
    out = tmp_path / "made.parquet"
    done = call("step", "--out", out, "--scale", "0.1", "--device", "cuda:1")
    assert done.exit_code == 0, done.output
    assert "step: 13 of 13 parts" in done.stdout
    assert ".. step 1/2: 2 steps" in done.stderr
    assert {"exchange", "stall", "matrix", "memory", "idle", "step"} == {
        one.activity for one in read_recording(out).markers
    }
    data = json.loads(call("step", "--out", out, "--scale", "0.1", "--json").stdout)
    assert (data["stopped"], data["patterns"]) == (False, [{"name": "step", "parts": 13, "of": 13}])


def test_ctrl_c_ends_after_the_running_part(tmp_path, monkeypatch):
    computer, before = Virtual(), signal.getsignal(signal.SIGINT)
    real = computer.machine.spin

    def spin(blocks, seconds):
        os.kill(os.getpid(), signal.SIGINT)
        return real(blocks, seconds)

    computer.machine.spin = spin
    monkeypatch.setattr(study, "real_kit", lambda: computer.kit)
    out = tmp_path / "cut.parquet"
    done = call("step", "--out", out)
    assert done.exit_code == 130
    assert "step: 5 of 147 parts" in done.stdout
    assert "stopping after the running part" in done.stderr
    assert f"what was recorded until then is in {out}" in done.stderr
    assert [one.activity for one in read_recording(out).markers].count("exchange") == 1
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_twice_ends_at_once(tmp_path, monkeypatch):
    computer = Virtual()

    def spin(blocks, seconds):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("still there")

    computer.machine.spin = spin
    monkeypatch.setattr(study, "real_kit", lambda: computer.kit)
    done = call("step", "--out", tmp_path / "cut.parquet")
    assert done.exit_code == 130
    assert "interrupted" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert computer.machine.asked[-1] == "close"


@pytest.fixture
def settable(monkeypatch):
    """A computer whose second GPU is set through the real settings, on a driver that keeps books."""
    nvml = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    computer = Virtual(precisions=("bf16",))
    monkeypatch.setattr(study, "real_kit", lambda: computer.kit)
    return computer, nvml


def limits(out, *words):
    return call("limits", "--permit-limits", "450 W", "--out", out, "--scale", "0.1", *words)


def test_limits_are_set_marked_and_set_back(tmp_path, settable):
    _, nvml = settable
    done = limits(tmp_path / "limits.parquet")
    assert done.exit_code == 0, done.output
    assert "were this killed, they would be set back by: nvidia-smi -i 1 -pl 650" in done.stderr
    marked = read_recording(tmp_path / "limits.parquet").markers
    assert {one.figures["limit_w"] for one in marked if "setting" in one.words} == {450.0, 650.0}
    assert nvml.set[-1] == (1, 650_000)
    assert nvml.limit_mw == 650_000


@pytest.mark.parametrize("presses", [2, 3, 5])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_however_it_is_ended_the_device_is_set_back(tmp_path, settable, number, presses):
    """Signals come while a part runs under a lowered limit, and while the limit is set back."""
    computer, nvml = settable
    usual, set_limit, left = computer.machine.product, nvml.nvmlDeviceSetPowerManagementLimit, []

    def press(times):
        for _ in range(min(times, len(left))):
            left.pop()
            os.kill(os.getpid(), number)

    def product(*shape):
        press(2)
        return usual(*shape)

    def limit(handle, milliwatts):
        if milliwatts == 450_000:
            left.extend(range(presses))
        else:
            press(1)
        set_limit(handle, milliwatts)

    computer.machine.product, nvml.nvmlDeviceSetPowerManagementLimit = product, limit
    before = signal.getsignal(number)
    done = limits(tmp_path / "cut.parquet")
    assert done.exit_code == 130, done.output
    assert (nvml.limit_mw, nvml.open) == (650_000, 0)
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(number) is before


def test_a_device_that_stays_changed_is_told_with_what_was_recorded(tmp_path, settable):
    computer, nvml = settable
    usual = computer.machine.product

    def product(*shape):
        if nvml.limit_mw == 450_000:
            nvml.fails = {"nvmlDeviceSetPowerManagementLimit": NAMES["NVML_ERROR_TIMEOUT"]}
        return usual(*shape)

    computer.machine.product = product
    out = tmp_path / "kept.parquet"
    done = limits(out)
    assert done.exit_code == 2
    assert "could not be set back (NVML_ERROR_TIMEOUT): nvidia-smi -i 1 -pl 650" in done.stderr
    assert f"the recording is in {out}" in done.stderr
    assert read_recording(out).markers


def test_what_is_ignored_stays_ignored(tmp_path, settable):
    """As `nohup` has it."""
    computer, nvml = settable
    usual = computer.machine.product

    def product(*shape):
        os.kill(os.getpid(), signal.SIGHUP)
        return usual(*shape)

    computer.machine.product = product
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert limits(tmp_path / "a.parquet").exit_code == 0
    finally:
        signal.signal(signal.SIGHUP, before)
