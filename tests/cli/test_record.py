"""The verb `record`: on a fake of NVML, until its time is over or Ctrl-C, and what it says where it cannot."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import types

import numpy as np
import pytest
from typer.testing import CliRunner

from clustersim.cli import app
from clustersim.errors import InputError
from clustersim.instrument.recording import Device, Marker, Recording, read_recording
from clustersim.study.devices import record as study
from tests.instrument.fake_nvml import NAMES, FakeNvml


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in ("record", *words)])


@pytest.fixture
def fake(monkeypatch):
    made = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", made)
    return made


def once_asked(fake, times, action):
    """Do something from another thread once the fake was asked so often, since a busy machine starts late."""

    def wait():
        end = time.monotonic() + 60.0
        while len(fake.asked) < times and time.monotonic() < end:
            time.sleep(0.005)
        if len(fake.asked) >= times:
            action()

    threading.Thread(target=wait, daemon=True).start()


def test_a_recording_is_made_written_and_told(fake, tmp_path):
    path = tmp_path / "made.parquet"
    done = call("--for", "1.5 s", "--interval", "4 ms", "--out", path)
    assert done.exit_code == 0, done.output
    assert ".. recording; Ctrl-C ends it" in done.stderr
    assert "2 x NVIDIA H100 80GB HBM3 (nvml)" in done.stdout
    assert "asked 250 times a second (as asked)" in done.stdout
    head, first = [line for line in done.stdout.splitlines() if line.startswith(("DEVICE", "0 NVIDIA"))]
    assert head.split()[-5:] == ["counter", "J", "integral", "J", "apart"]
    counter, integral, apart = first.split()[-3:]
    assert float(integral) / float(counter) - 1.0 == pytest.approx(float(apart.rstrip("%")) / 100.0, abs=2e-3)
    assert f"written: {path}" in done.stdout
    recording = read_recording(path)
    assert recording.times_s[-1] == pytest.approx(1.5, abs=0.3)
    assert recording.sensor.refresh_s.value == pytest.approx(0.02, rel=0.02)
    assert recording.conditions["field"] == "instant: NVML_FI_DEV_POWER_INSTANT"
    assert [one.name for one in tmp_path.iterdir()] == ["made.parquet"]
    assert fake.open == 0


@pytest.mark.usefixtures("fake")
def test_the_same_as_json_with_the_pace_found(monkeypatch):
    from clustersim.instrument import pace

    monkeypatch.setattr(pace.pace_of, "__defaults__", (1.0, *pace.pace_of.__defaults__[1:]))
    done = call("--for", "1 s", "--field", "average", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    # on a busy machine a sweep may take longer than that
    assert told["asked_hz"] < 260.0
    assert "a fifth of the refresh of 20 ms" in told["interval"] or "a sweep takes" in told["interval"]
    assert 0.0 < told["reached_hz"] <= 1.1 * told["asked_hz"]
    assert told["file"] is None
    assert told["interrupted"] is False
    assert told["conditions"]["field"].startswith("average")
    for device in told["devices"]:
        assert device["min_w"] < device["mean_w"] < device["max_w"]
        assert device["mean_w"] == pytest.approx(300.0, rel=0.02)
        assert device["limit_w"] == 650.0
        # the counter of the fake grows by 300 W
        assert device["integral_j"] == pytest.approx(device["counter_j"], rel=0.03)


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_a_recording_which_is_written(fake, tmp_path, way):
    before = signal.getsignal(way)
    once_asked(fake, 300, lambda: os.kill(os.getpid(), way))
    done = call("--interval", "5 ms", "--out", tmp_path / "made.parquet")
    assert done.exit_code == 0, done.output
    assert "ended by Ctrl-C" in done.stdout
    assert 0.1 < read_recording(tmp_path / "made.parquet").times_s[-1] < 60.0
    assert signal.getsignal(way) is before


def test_a_device_that_is_lost_leaves_what_there_was(fake, tmp_path):
    once_asked(fake, 300, lambda: fake.fails.update(nvmlDeviceGetFieldValues=NAMES["NVML_ERROR_GPU_IS_LOST"]))
    done = call("--interval", "5 ms", "--for", "60 s", "--out", tmp_path / "made.parquet")
    assert done.exit_code == 0, done.output
    assert "ended early: gpu0: power_w: NVML_ERROR_GPU_IS_LOST" in done.stdout
    assert read_recording(tmp_path / "made.parquet").times_s[-1] < 50.0


def test_without_package_or_driver_one_line_says_so(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    done = call("--for", "1 s", "--out", tmp_path / "made.parquet")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("error: NVML: the Python package nvidia-ml-py is missing")
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(fails={"nvmlInit": 12}))
    done = call("--for", "1 s", "--out", tmp_path / "made.parquet")
    assert done.exit_code == 2
    assert "the NVIDIA driver is missing" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("fake")
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_recorded(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.parquet").mkdir()
    for path in (tmp_path / "file" / "made.parquet", tmp_path / "folder.parquet"):
        done = call("--out", path)
        assert done.exit_code == 2
        assert done.stderr == f"error: {path}: cannot be written\n"
    done = call("--out", tmp_path / "made.csv")
    assert done.exit_code == 2
    assert "ends in .parquet" in done.stderr


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--for", "60"], "--for: expected"),
        (["--for", "0 s"], "--for: expected a time above 0"),
        (["--interval", "0 s"], "--interval: expected a time above 0"),
        (["--interval", "5 W"], "--interval: expected a time"),
        (["--for", "30 d", "--interval", "1 ms"], "--for: expected at most"),
        (["--field", "instanc"], "did you mean 'instant'?"),
        (["--kind", "dcgm"], "--kind: expected with --from"),
        (["--from", "a.csv", "--kind", "ipmi", "--for", "1 s"], "--for, --field and --sweep"),
    ],
)
def test_wrong_words_are_refused(words, said):
    done = call(*words)
    assert done.exit_code == 2
    assert said in done.stderr


def exported(interval_s=1.0):
    times = interval_s * np.arange(30)
    power = np.stack([300.0 + times, np.where(times < 5.0, np.nan, 100.0)], axis=1)
    devices = (Device(index=0, name="a"), Device(index=3, name="b"))
    return Recording("export", "dcgm", devices, times, {"power_w": power})


def test_an_export_of_another_tool_is_read_told_and_written(monkeypatch, tmp_path):
    asked = []

    def read_export(path, kind, interval_s=None):
        asked.append((path, kind, interval_s))
        return exported()

    monkeypatch.setitem(sys.modules, "clustersim.instrument.exports", types.SimpleNamespace(read_export=read_export))
    path = tmp_path / "made.parquet"
    done = call("--from", tmp_path / "a.csv", "--kind", "dcgm", "--interval", "1 s", "--out", path, "--json")
    assert done.exit_code == 0, done.output
    assert asked == [(tmp_path / "a.csv", "dcgm", 1.0)]
    told = json.loads(done.stdout)
    assert (told["asked_hz"], told["reached_hz"], told["samples"]) == (None, pytest.approx(1.0), 30)
    assert [one["mean_w"] for one in told["devices"]] == pytest.approx([314.5, 100.0])
    assert told["devices"][0]["counter_j"] is None
    assert read_recording(path).source == "dcgm"
    done = call("--from", tmp_path / "a.csv")
    assert asked[-1] == (tmp_path / "a.csv", None, None)
    assert "export (dcgm): 30 samples in 29 s" in done.stdout
    assert "asked" not in done.stdout.splitlines()[1]


def test_energy_by_the_counter_stands_beside_the_integral_of_the_power():
    times = np.arange(0.0, 10.01, 0.1)
    power = 100.0 + 20.0 * times
    energy = np.full(times.size, np.nan)
    for at in (7, 40, 93):
        energy[at] = 5000.0 + 100.0 * times[at] + 10.0 * times[at] ** 2
    readings = {"power_w": power[:, None], "energy_j": energy[:, None]}
    marker = Marker(activity="idle", begin_s=1.0, end_s=2.0)
    found = study.figures(Recording("a", "nvml", (Device(index=0, name="a"),), times, readings, (marker,)))
    device = found.devices[0]
    assert device.counter_j == pytest.approx(100.0 * 8.6 + 10.0 * (9.3**2 - 0.7**2))
    assert device.integral_j == pytest.approx(device.counter_j, rel=1e-9)
    assert isinstance(device.refresh, str)
    assert found.recording.sensor is None
    assert found.recording.markers == (marker,)


def test_a_device_without_power_is_refused():
    with pytest.raises(InputError, match="b: expected readings of its power"):
        study.figures(
            Recording("a", "nvml", (Device(index=0, name="b"),), np.arange(3.0), {"power_w": np.full((3, 1), np.nan)})
        )
