"""The verb `operate`: text, JSON, files, wrong input."""

import csv
import json
import math

import pandas as pd
import pytest
from typer.testing import CliRunner

from clustersim.cli import app


def call(*words):
    return CliRunner().invoke(app, ["operate", *map(str, words)])


def test_one_seed_is_the_operation_of_a_run(small_scenario, small_result):
    done = call(small_scenario, "--json")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert data["seeds"] == 1
    assert data["goodput"]["mean"] == pytest.approx(small_result.summary["goodput"], rel=1e-8)
    assert data["interruptions"]["mean"] == small_result.summary["interruptions"]
    assert data["iteration_time_s"] == pytest.approx(small_result.summary["iteration_time_s"], rel=1e-8)
    assert math.fsum(data["mean_shares"].values()) == 1.0


def test_text_tells_where_the_time_went_with_bands(small_scenario):
    done = call(small_scenario, "--seeds", 6, "--workers", 1, "--set", "operation.failure_scale='20 x'")
    assert done.exit_code == 0, done.output
    places = [done.stdout.index(t) for t in ("HOW MUCH USEFUL", "WHERE THE TIME WENT", "WHAT INTERRUPTED", "NOTES")]
    assert places == sorted(places)
    for word in ("goodput", "mean time to failure", "effective time", "median", "s.e.", "lost work", "outermost"):
        assert word in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "seed 6 of 6" in done.stderr


def test_files_hold_the_seeds_and_open_offline(small_scenario, tmp_path):
    out = tmp_path / "out"
    done = call(small_scenario, "--seeds", 3, "--workers", 1, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    assert {path.name for path in out.iterdir()} == {"timeline.parquet", "accounts.csv", "gantt.html"}
    table = pd.read_parquet(out / "timeline.parquet")
    assert table["t_start_s"].iloc[0] == 0.0
    assert table["t_end_s"].iloc[-1] == 3 * 86400.0
    with (out / "accounts.csv").open() as file:
        rows = list(csv.DictReader(file))
    by_seed: dict[str, float] = {}
    for row in rows:
        assert row["part"] == "job"
        by_seed[row["seed"]] = by_seed.get(row["seed"], 0.0) + float(row["seconds"])
    assert by_seed == pytest.approx(dict.fromkeys("012", 3 * 86400.0), rel=1e-12)
    page = (out / "gantt.html").read_text()
    assert "Plotly.newPlot" in page
    assert "http-equiv" in page
    assert "src=" not in page.split("</script>")[-1]


def test_the_same_scenario_gives_the_same_files(small_scenario, tmp_path):
    for name in ("a", "b"):
        assert call(small_scenario, "--seeds", 3, "--workers", 1, "--out", tmp_path / name).exit_code == 0
    for name in ("timeline.parquet", "accounts.csv", "gantt.html"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_a_job_that_starves_is_a_finding_and_no_error(small_scenario):
    """Nobody repairs: after the first failed server beyond the spares nothing goes on, and the text says so."""
    words = ("operation.spare_servers=0", "operation.repair={technicians: 0}", "operation.failure_scale=50 x")
    done = call(small_scenario, *(item for word in words for item in ("--set", word)))
    assert done.exit_code == 0, done.output
    found = done.stdout[done.stdout.index("FINDINGS") :]
    assert "technicians" in found
    assert "no spare server" in done.stdout


def test_rates_are_drawn_for_bands_and_named_ones_are_held(small_scenario):
    several = ("--seeds", 4, "--workers", 1, "--json")
    bands = json.loads(call(small_scenario, *several).stdout)
    named = json.loads(call(small_scenario, *several, "--set", "operation.failure_rates=meta-h100").stdout)
    held = json.loads(call(small_scenario, *several, "--set", "operation.failures.uncertainty=none").stdout)
    assert [one["drawn_rates"] for one in (bands, named, held)] == [True, False, False]
    assert named["goodput"] == held["goodput"] != bands["goodput"]
    assert any("published fleets" in note for note in bands["notes"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--seeds", 0), "--seeds"),
        (("--workers", 0), "--workers"),
        (("--set", "operation.failure_rates=meta-h101"), "meta-h100"),
        (("--set", "operation.horizont=3 d"), "operation.horizont"),
    ],
)
def test_wrong_input_is_two_and_one_message(small_scenario, words, said):
    done = call(small_scenario, *words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.output
    assert not done.stdout


def test_a_measured_load_has_no_job_to_operate():
    done = call("measured_load_memphis")
    assert done.exit_code == 2
    assert "measured" in done.stderr
