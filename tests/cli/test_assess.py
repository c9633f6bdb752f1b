"""The verb `assess`: outputs, exit codes, files whole or not at all."""

import csv
import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from clustersim.cli import app


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    path = tmp_path_factory.mktemp("trace") / "load.csv"
    times = 0.025 * np.arange(8000)
    power = np.where(times % 8.0 < 6.0, 0.8, 0.3)
    path.write_text("t_s,level\n" + "".join(f"{t:.3f},{p}\n" for t, p in zip(times, power, strict=True)))
    return path


def test_text(trace):
    done = call("assess", trace, "--power", "level", "--unit", "pu", "--base", "100 MW")
    assert done.exit_code == 0, done.output
    found = re.search(r"period ([\d.]+) s", done.stdout)
    assert float(found[1]) == pytest.approx(8.0, abs=0.03)
    assert "FAIL  ercot-5s-range" in done.stdout
    assert "not judged: needs plant" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 110


def test_json_is_one_object(trace):
    done = call(
        "assess", trace, "--power", "level", "--unit", "pu", "--base", "1 MW", "--zero", "0 MW", "--scale", 100,
        "--coherence", 0.5, "--limits", "ercot-lel", "--limits", "choukse-example", "--from", "10 s", "--json",
    )  # fmt: skip
    data = json.loads(done.stdout)
    assert (data["units"], data["coherence"]) == (100, 0.5)
    assert data["job"]["from_s"] == pytest.approx(10.0)
    assert [row["rule"] for row in data["verdict"]] == [
        "ercot-5s-range", "choukse-band-energy", "choukse-band-amplitude",
    ]  # fmt: skip
    assert data["verdict"][0]["measured"] == pytest.approx(0.5 * (100 + 9900 * 0.5) ** 0.5, rel=1e-3)
    assert data["statistics"]["mean_mw"] == pytest.approx(67.4, rel=0.01)
    assert data["rules_failed"] == 3


def test_files(trace, tmp_path):
    out = tmp_path / "out"
    done = call(
        "assess", trace, "--power", "level", "--unit", "pu", "--base", "90 MW", "--out", out, "--export", out / "x.cfg"
    )
    assert done.exit_code == 0, done.output
    assert {path.name for path in out.iterdir()} == {"assess.json", "verdict.csv", "x.cfg", "x.dat"}
    with (out / "verdict.csv").open() as file:
        rules = {row["rule"]: row for row in csv.DictReader(file)}
    assert rules["southern-ramp"]["passed"] == "False"
    assert rules["flicker-pst"]["passed"] == ""
    assert json.loads((out / "assess.json").read_text())["rules_not_judged"] == 8
    again = call("assess", out / "x.cfg", "--json")
    assert json.loads(again.stdout)["statistics"]["peak_mw"] == pytest.approx(72.0, rel=1e-6)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--unit", "kw"], "got 'kw'"),
        (["--unit", "pu"], "needs the power at a reading of 1"),
        (["--unit", "pu", "--base", "100"], "--base: expected a power with a unit"),
        (["--unit", "MW", "--from", "7"], "--from: expected a number and a unit"),
        (["--unit", "MW", "--from", "900 s"], "no samples in the window asked"),
        (["--unit", "MW", "--limits", "southen"], "did you mean 'southern'"),
        (["--unit", "MW", "--between", "lin"], "--between: expected line or hold, got 'lin'"),
        (["--unit", "MW", "--averaged", "0 s"], "expected an averaging time above zero"),
    ],
)
def test_wrong_input_is_exit_code_2_and_leaves_nothing(trace, tmp_path, words, told):
    done = call("assess", trace, "--power", "level", *words, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
