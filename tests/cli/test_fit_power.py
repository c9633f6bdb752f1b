"""The verb `fit-power`: text, JSON, the record and its waveform."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from clustersim.cli import app
from clustersim.power.measured_load import read_load


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    path = tmp_path_factory.mktemp("trace") / "load.csv"
    times = 0.05 * np.arange(4000)
    power = np.where(times % 10.0 < 8.0, 50.0, 20.0)
    path.write_text("t_s,power_kw\n" + "".join(f"{t:.2f},{p}\n" for t, p in zip(times, power, strict=True)))
    return path


def test_record_and_waveform(trace, tmp_path):
    done = call("fit-power", trace, "--out", tmp_path / "load.yaml", "--export", tmp_path / "wave.parquet")
    assert done.exit_code == 0, done.output
    assert "period 10 s" in done.stdout
    load = read_load(tmp_path / "load.yaml")
    assert (load.high, load.low, load.period) == pytest.approx((50e3, 20e3, 10.0))
    again = call("fit-power", tmp_path / "wave.parquet", "--json")
    assert json.loads(again.stdout)["period_s"] == pytest.approx(10.0, rel=1e-3)
    assert json.loads(again.stdout)["duty"] == pytest.approx(0.8, abs=0.01)
    assert {path.name for path in tmp_path.iterdir()} == {"load.yaml", "wave.parquet"}


def test_what_does_not_repeat_is_wrong_input(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("t_s,power_kw\n" + "".join(f"{k},{5 + (k > 50)}\n" for k in range(100)))
    done = call("fit-power", path, "--out", tmp_path / "load.yaml")
    assert done.exit_code == 2
    assert "no two levels" in done.stderr
    assert not (tmp_path / "load.yaml").exists()


def test_no_file_is_written_twice(trace, tmp_path):
    done = call("fit-power", trace, "--out", tmp_path / "a.csv", "--export", tmp_path / "a.csv")
    assert (done.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert "--out and --export: expected two files" in " ".join(done.stderr.split())
