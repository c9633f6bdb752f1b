"""The verb `assess`: outputs, exit codes, files whole or not at all."""

import csv
import gzip
import json
import re

import numpy as np
import pandas as pd
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


SCALE = ["--power", "level", "--unit", "pu", "--peak", "100 MW", "--idle-ratio", 0.2]
PROFILE = """
- kind: gpu_smoothing_profile
  percent_tmp_floor: 60 %
  ceiling: 100 %
"""


@pytest.fixture
def damping(tmp_path):
    path = tmp_path / "damping.yaml"
    path.write_text(PROFILE)
    return path


def test_damping(trace, damping, tmp_path):
    words = [*SCALE, "--damping", damping, "--accelerators", 100_000, "--tmp", "1 kW", "--band", "0.05-0.5"]
    done = call("assess", trace, *words, "--out", tmp_path / "out", "--export", tmp_path / "damped.csv")
    assert done.exit_code == 0, done.output
    for told in ("DAMPING", "gpu_smoothing_profile, rank", "     -> ", "HARMONICS", "0.05 to 0.5 Hz", "idle over peak"):
        assert told in done.stdout
    assert max(len(line) for line in done.stdout.splitlines() if not line.startswith("written")) <= 110
    data = json.loads((tmp_path / "out" / "assess.json").read_text())
    assert data["damped"]["elements"][0]["burned_mwh"] > 0.0
    assert {row["low_hz"] for row in data["statistics"]["band_shares"]} >= {0.05}
    assert data["statistics"]["harmonics"][0]["frequency_hz"] == pytest.approx(0.125, rel=1e-3)
    with (tmp_path / "out" / "verdict.csv").open() as file:
        assert {row["damped"] for row in csv.DictReader(file)} == {"True", "False"}
    again = call("assess", tmp_path / "damped.csv", "--power", "power_w", "--json")
    trough = json.loads(again.stdout)["statistics"]["trough_mw"]
    assert trough == pytest.approx(data["damped"]["statistics"]["trough_mw"], rel=1e-6)


def test_a_place_has_all_rules_judged(trace):
    done = call("assess", trace, *SCALE, "--topology", "colossus_memphis", "--mean", "90 MW")
    assert done.exit_code == 0, done.output
    assert "SITE memphis of colossus_memphis" in done.stdout
    assert "equipment-rating cooling" in done.stdout
    assert "needs plant" not in done.stdout
    # 200 s are too short for flicker, and samples of 25 ms too coarse
    assert done.stdout.count("not judged") == 1


def test_the_site_over_time_is_a_table(trace, tmp_path):
    out = tmp_path / "out"
    done = call("assess", trace, *SCALE, "--topology", "colossus_memphis", "--mean", "90 MW", "--out", out)
    assert done.exit_code == 0, done.output
    table = pd.read_parquet(out / "site.parquet")
    whole = table["it_w"] + table["cooling_w"] + table["losses_w"]
    assert table["meter_w"].to_numpy() == pytest.approx(whole.to_numpy())
    data = json.loads((out / "assess.json").read_text())
    assert table["frequency_island_hz"].min() == pytest.approx(data["site"]["responses"][1]["min_frequency_hz"])
    assert table["time_s"].iloc[-1] == pytest.approx(199.975)


def test_a_load_record_is_a_trace(trace, tmp_path):
    record = tmp_path / "load.yaml"
    assert call("fit-power", trace, *SCALE, "--out", record).exit_code == 0
    found = [call("assess", record, "--duration", "900 s", "--seed", seed, "--json") for seed in (1, 1, 2)]
    assert [done.exit_code for done in found] == [0, 0, 0]
    assert found[0].stdout == found[1].stdout
    data = json.loads(found[0].stdout)
    assert data["trace"]["duration_s"] == pytest.approx(900.0)
    assert data["statistics"]["period_s"] == pytest.approx(8.0, abs=0.05)
    for words, told in (
        (["--unit", "MW"], "leave out columns, unit"),
        (["--duration", "1 ms"], "expected a duration of 1 to"),
    ):
        done = call("assess", record, *words)
        assert (done.exit_code, told in done.stderr) == (2, True)
    done = call("assess", trace, *SCALE, "--seed", 3)
    assert "--duration and --seed: expected with a load record" in done.stderr


@pytest.mark.parametrize("name", ["s.csv", "s.html"])
def test_spectrogram(trace, tmp_path, name):
    done = call("assess", trace, *SCALE, "--spectrogram", tmp_path / name, "--segment", "40 s")
    assert done.exit_code == 0, done.output
    assert f"written: {tmp_path / name}" in done.stdout
    text = (tmp_path / name).read_text()
    if name == "s.csv":
        rows = list(csv.DictReader(text.splitlines()))
        first = [row for row in rows if row["time_s"] == rows[0]["time_s"]]
        assert float(rows[0]["time_s"]) == pytest.approx(20.0)
        best = max(first, key=lambda row: float(row["density_mw2_per_hz"]))
        assert float(best["low_hz"]) <= 0.125 <= float(best["high_hz"])
    else:
        assert "plotly" in text
        assert not re.search(r'src="http', text)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--band", "20-0.1"], "--band: expected two frequencies in Hz, the lower first"),
        (["--band", "a-b"], "--band: expected two frequencies"),
        (["--idle-ratio", 0.2, "--zero", "3 MW"], "--idle-ratio: expected with --base and without --zero"),
        (["--site", "memphis"], "--site: expected with --topology"),
        (["--inertia-scale", 0.8], "--inertia-scale: expected with --topology"),
        (["--topology", "colossus_memphis", "--inertia-scale", 0], "--inertia-scale: expected a factor above 0"),
        (["--topology", "colossus_memphi"], "did you mean 'colossus_memphis'"),
        (["--topology", "colossus_memphis", "--site", "x"], "has no site 'x'"),
        (["--accelerators", 3], "expected with --damping"),
        (["--damping", "none.yaml"], "none.yaml: expected a file, found none"),
        (["--spectrogram", "x.png"], "--spectrogram: expected .csv or .html"),
        (["--spectrogram", "x.csv", "--segment", "500 s"], "expected segments of at least"),
        (["--mean", "90"], "--mean: expected a power with a unit"),
        (["--mean", "90 MW", "--scale", 4], "mean: gives the scale by itself"),
        (["--mean", "90 MW", "--coherence", 0.5], "mean: gives the scale by itself"),
        (["--coherence", 0.5], "--coherence: expected with --scale, of two loads or more"),
        (["--coherence", 0.5, "--scale", 1], "--coherence: expected with --scale, of two loads or more"),
        (["--segment", "40 s"], "--segment: expected with --spectrogram"),
    ],
)
def test_wrong_options_are_exit_code_2(trace, words, told):
    done = call("assess", trace, "--power", "level", "--unit", "pu", "--base", "90 MW", *words)
    assert done.exit_code == 2, done.output
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["--base", "90 MW"], ["--zero", "1 MW"], ["--base", "90 MW", "--idle-ratio", 0.2]])
@pytest.mark.parametrize("verb", ["assess", "fit-power"])
@pytest.mark.parametrize(("column", "unit"), [("power_mw", []), ("level", ["--unit", "MW"])])
def test_base_and_zero_are_of_readings_in_pu(trace, tmp_path, words, verb, column, unit):
    file = tmp_path / "named.csv"
    file.write_text(trace.read_text().replace("level", column, 1))
    done = call(verb, file, "--power", column, *unit, *words)
    assert done.exit_code == 2, done.output
    assert "base and zero: expected with power in pu, found MW" in done.stderr


@pytest.mark.parametrize(
    "twice",
    [
        PROFILE + PROFILE,
        "- {kind: psu_storage}\n- {kind: psu_storage}\n",
        "- {kind: load_bank, power: 1 MW}\n- {kind: psu_storage}\n- {kind: load_bank, power: 2 MW}\n",
    ],
)
def test_each_kind_of_damping_is_given_once(trace, tmp_path, twice):
    """In the words of a scenario (:func:`clustersim.power.spec_parts.require_each_once`)."""
    file = tmp_path / "twice.yaml"
    file.write_text(twice)
    done = call("assess", trace, *SCALE, "--damping", file, "--accelerators", 100_000, "--tmp", "1 kW")
    assert done.exit_code == 2, done.output
    assert re.search(r"twice\.yaml: damping: \w+ is given 2 times; give each strategy once", done.stderr)


BAD_YAML = {
    "binary": bytes(range(128, 256)) * 8,
    "nested": b"[" * 20_000,
    "empty": b"",
    "number": b"5\n",
    "unfinished": b"{a: [1",
    "null byte": b"a: \x00\n",
}
"""Files that are no YAML, or not of the form that is wanted."""


@pytest.mark.parametrize("content", BAD_YAML.values(), ids=BAD_YAML)
@pytest.mark.parametrize("use", ["trace", "limits", "damping", "topology", "overlay", "scenario"])
def test_files_that_are_no_yaml_are_one_message(trace, tmp_path, content, use):
    file = tmp_path / "bad.yaml"
    file.write_bytes(content)
    words = {
        "trace": ["assess", file],
        "limits": ["assess", trace, *SCALE, "--limits", file],
        "damping": ["assess", trace, *SCALE, "--damping", file],
        "topology": ["assess", trace, *SCALE, "--topology", file],
        "overlay": ["--catalog", file, "catalog"],
        "scenario": ["run", file, "--out", tmp_path / "out"],
    }[use]
    done = call(*words)
    assert done.exit_code == 2, done.output
    told = [line for line in done.stderr.splitlines() if not line.startswith("..")]
    assert told[0].startswith(f"error: {file}")
    assert ": :" not in told[0]
    assert "Traceback" not in done.stderr


def test_a_value_of_set_that_is_nested_too_deep_is_one_message(tmp_path):
    done = call("run", "colossus_200k", "--set", "name=" + "[" * 5000, "--out", tmp_path)
    assert done.exit_code == 2, done.output
    assert "--set name: not valid YAML" in done.stderr


def test_a_result_folder_with_a_broken_file_is_one_message(tmp_path):
    from clustersim.errors import InputError
    from clustersim.study.result import scenario_in

    for name, content in BAD_YAML.items():
        if name in ("empty", "number"):
            continue
        file = tmp_path / "scenario.yaml"
        file.write_bytes(content)
        with pytest.raises(InputError, match=r"scenario.yaml: not valid YAML"):
            scenario_in(tmp_path)


@pytest.mark.parametrize("content", [b"t_s,p\xff_w\n0,1\n1,2\n", b"t_s,power_w\n0,\xff\n1,\xfe\n", b"", b"\x00" * 99])
@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet", ".cfg"])
def test_files_that_are_no_trace_are_one_message(tmp_path, content, ending):
    file = tmp_path / f"bad{ending}"
    file.write_bytes(gzip.compress(content) if ending == ".csv.gz" else content)
    done = call("assess", file)
    assert done.exit_code == 2, done.output
    assert f"error: {file}" in done.stderr


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (("--spectrogram", "a.csv", "--export", "a.csv"), "--spectrogram and --export: expected two files"),
        (("--out", "here", "--export", "here/verdict.csv"), "--export and --out verdict.csv: expected two files"),
    ],
    ids=["spectrogram", "folder"],
)
def test_no_file_is_written_twice(trace, tmp_path, monkeypatch, files, message):
    monkeypatch.chdir(tmp_path)
    done = call("assess", trace, "--power", "level", "--unit", "pu", "--base", "90 MW", *files)
    assert (done.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert message in " ".join(done.stderr.split())
