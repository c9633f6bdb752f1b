"""Records behind the Power page: the course of the horizon, samples in files, nodes; each as the program prints it."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from clustersim.background.power_verbs import record_folder, waveform
from clustersim.cli import app
from clustersim.errors import InputError
from clustersim.power.trace_guard import Most
from clustersim.report import power_spectra
from clustersim.report.damping_pair import pair_rows, token_words
from clustersim.report.power_figures import Scale, note, zoomed
from clustersim.report.power_file import brought_record, file_record, stored_records
from clustersim.report.power_record import WindowRecord, course_of
from clustersim.report.power_samples import shown_samples
from clustersim.report.spans import Span


def test_the_course_of_the_horizon_has_the_energy_of_the_summary(small_result):
    for node in ("meter", "memphis"):
        course = course_of(small_result)[node]
        energy = float(course.mean_mw @ np.diff(course.edges_s)) / 3600.0
        assert energy == pytest.approx(small_result.summary["energy_mwh"], rel=1e-9)
        assert np.all(course.low_mw <= course.mean_mw)
        assert np.all(course.mean_mw <= course.high_mw)
    assert course.edges_s[-1] == pytest.approx(86400.0 * small_result.summary["horizon_days"])


def test_a_result_stored_before_has_hourly_means(small_result):
    course = course_of(dataclasses.replace(small_result, course=pd.DataFrame()))["meter"]
    energy = float(course.mean_mw @ np.diff(course.edges_s)) / 3600.0
    assert energy == pytest.approx(small_result.summary["energy_mwh"], rel=1e-6)


@pytest.fixture(scope="module")
def made(small_scenario, tmp_path_factory):
    """What the verb of the dashboard and the command line make of the same question."""
    import yaml

    from clustersim.scenario import load_scenario, resolved, run_id

    out = tmp_path_factory.mktemp("records")
    scenario = load_scenario(small_scenario)
    told = []
    answer = waveform(
        name="small", tree=resolved(scenario), settings={}, nodes=["memphis/it", "memphis/hall_1/rack_1"], step="10 ms",
        length="5 s", out=str(out), tell=told.append,
    )  # fmt: skip
    file = out / "cli.parquet"
    words = ["--node", "memphis/it", "--node", "memphis/hall_1/rack_1", "--step", "10 ms", "--length", "5 s"]
    done = CliRunner().invoke(app, ["waveform", str(small_scenario), *words, "--out", str(file), "--json"])
    assert done.exit_code == 0, done.output
    assert yaml.safe_load(done.stdout)
    folder = record_folder(out, "small", run_id(scenario))
    return answer, json.loads(done.stdout), folder, file, told


def test_a_record_is_what_the_command_line_makes(made):
    answer, printed, folder, file, told = made
    assert answer["data"] == printed
    stored = stored_records(folder)[answer["record"]]
    assert stored.data == printed
    assert pd.read_parquet(stored.path).equals(pd.read_parquet(file))
    assert told[-1][1] == 1.0


def test_samples_of_a_file_are_read_column_by_column(made):
    record = file_record(made[3])
    frame = pd.read_parquet(made[3])
    assert record.dt_s == pytest.approx(0.01)
    assert record.whole.length_s == pytest.approx(5.0)
    assert record.samples("memphis/it").values == pytest.approx(frame["memphis/it"].to_numpy(), rel=1e-6)
    part = shown_samples(record, ["memphis/it"], Span(1.0, 2.0)).to_pandas()
    assert part["memphis/it"].tolist() == frame["memphis/it"].iloc[100:200].tolist()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"nodes": ["mem/it"]}, "no site 'mem'"),
        ({"step": "1"}, "--step: "),
        ({"length": "300 d", "step": "1 ms"}, "--step: expected"),
    ],
)
def test_a_record_that_cannot_be_made_leaves_nothing(small_scenario, tmp_path, asked, said):
    from clustersim.scenario import load_scenario, resolved

    question = {"nodes": ["meter"], "step": "10 ms", "length": "1 s"} | asked
    tree = resolved(load_scenario(small_scenario))
    with pytest.raises(InputError, match=said):
        waveform(name="small", tree=tree, settings={}, out=str(tmp_path), tell=lambda _: None, **question)
    assert list(tmp_path.rglob("*.parquet")) == []


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"a": [1.0, 2.0]}, "expected columns time_s"),
        ({"time_s": [0.0, 1.0]}, "expected columns time_s"),
        ({"time_s": [0.0, 1.0], "a": ["x", "y"]}, "expected numbers"),
        ({"time_s": [1.0, 1.0], "a": [1.0, 2.0]}, "times that go forward"),
        ({"time_s": [0.0], "a": [1.0]}, "two samples or more"),
    ],
)
def test_a_file_that_is_no_record_is_refused(tmp_path, columns, said):
    path = tmp_path / "a.parquet"
    pd.DataFrame(columns).to_parquet(path)
    with pytest.raises(InputError, match=said):
        file_record(path)


def test_a_file_with_a_gap_is_refused_since_its_axis_would_lie(tmp_path):
    path = tmp_path / "a.parquet"
    for missing in (3, 50, 97):
        times = np.delete(0.01 * np.arange(101), missing)
        pd.DataFrame({"time_s": times, "a": np.ones(100)}).to_parquet(path)
        with pytest.raises(InputError, match=r"^a.parquet: time_s: expected an even clock"):
            brought_record(path)
    pd.DataFrame({"time_s": 0.01 * np.arange(101), "a": np.ones(101)}).to_parquet(path)
    assert brought_record(path).rows == 101


def test_a_small_file_that_unpacks_to_too_much_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"time_s": np.arange(2001.0), "a": np.zeros(2001)}).to_parquet(path)
    with pytest.raises(InputError, match=r"^a.parquet: expected at most 2,000 samples"):
        brought_record(path, Most(samples=2000))


def test_samples_that_are_no_numbers_are_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"time_s": [0.0, 1.0], "a": [1.0, np.inf]}).to_parquet(path)
    with pytest.raises(InputError, match="expected finite numbers"):
        file_record(path).samples("a")


@pytest.mark.parametrize("packed", ["snappy", "gzip"])
def test_a_file_that_is_broken_somewhere_is_told_and_nothing_else(tmp_path, packed):
    path = tmp_path / "t.parquet"
    times = np.cumsum(np.full(3000, 0.01))
    pd.DataFrame({"time_s": times, "power_w": times}).to_parquet(path, compression=packed)
    whole, refused = path.read_bytes(), []
    for place in range(40, len(whole), len(whole) // 60):
        path.write_bytes(whole[:place] + bytes(b ^ 0x5A for b in whole[place : place + 9]) + whole[place + 9 :])
        try:
            brought_record(path).samples("power_w")
        except InputError as error:
            refused.append(str(error))
    assert any("cannot be read as Parquet: " in one for one in refused)


def test_shown_samples_of_a_window_are_those_of_the_result(small_result):
    wave = small_result.waveforms["crash"]
    table = shown_samples(WindowRecord(wave), ["meter"], Span(19.0, 21.0), reactive=True).to_pandas()
    assert table["meter"].tolist() == wave.reactive("meter")[19000:21000].tolist()


def test_a_sine_has_its_amplitude_in_the_spectrum():
    times = 1e-2 * np.arange(60_000)
    frequency, amplitude = power_spectra.amplitudes(power_spectra.part_of(5e6 + 2e6 * np.sin(6.2832 * times), 1e-2))
    assert frequency[amplitude.argmax()] == pytest.approx(1.0, abs=0.01)
    assert amplitude.max() == pytest.approx(2e6, rel=1e-3)


def test_nodes_on_the_command_line_add_up(small_result, results_of_small):
    done = CliRunner().invoke(app, ["nodes", str(results_of_small), "--window", "crash", "--json"])
    assert done.exit_code == 0, done.output
    rows = {row["node"]: row for row in json.loads(done.stdout)["nodes"]}
    below = [row["mean_w"] for row in rows.values() if row["parent"] == "memphis"]
    assert sum(below) == pytest.approx(rows["memphis"]["mean_w"], rel=1e-9)
    wave = small_result.waveforms["crash"]
    assert rows["meter"]["highest_w"] == float(wave.power("meter").max())
    wrong = CliRunner().invoke(app, ["nodes", str(results_of_small), "--window", "crsh"])
    assert wrong.exit_code != 0


@pytest.fixture(scope="module")
def results_of_small(small_result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("nodes") / f"small-{small_result.run_id}"
    return small_result.save(folder)


def test_a_pair_tells_the_change_and_what_damping_costs(small_result):
    before = small_result.summary | {"swing_mw": 2.0 * small_result.summary["swing_mw"]}
    rows = {row[0].split(":")[0]: row[1:] for row in pair_rows(before, small_result.summary)}
    assert rows["swing_mw"][2] == "-50.0 %"
    assert rows["mean_mw"][2] == "0 %"
    assert rows["damping_energy_share"][0] == "-"


def test_a_pair_says_whether_it_is_at_equal_tokens(small_result):
    after = small_result.summary
    assert token_words(after, after) == "Both make the same tokens in the same time."
    slower = after | {"tokens_per_s": 0.9 * after["tokens_per_s"]}
    assert "change by -10.0 %" in token_words(after, slower)
    assert token_words(after, slower | {"pipeline": 64}).startswith("The search found another plan")
    assert token_words({}, {}) == ""


def test_the_note_tells_what_a_planner_would_stumble_over(small_result):
    record = WindowRecord(small_result.waveforms["steady"])
    scale = Scale("MW", 1e6)
    battery = next(node for node in record.nodes if node.endswith("/battery"))
    for nodes, said in ((("meter",), False), (("meter", battery), True)):
        drawn = zoomed({node: record.samples(node) for node in nodes}, record.whole, record.dt_s, record.whole, scale)
        words = note(drawn, 60_000, record.dt_s)
        assert "of 100 ms means" in words
        assert ("above zero it charges" in words) is said
    # a battery stands in the tree as a load, so that parts add up to their site
    site = battery.rpartition("/")[0]
    parts = sum(record.samples(f"{site}/{part}").values for part in ("it", "cooling", "losses", "battery"))
    assert parts == pytest.approx(record.samples(site).values)
    assert "100 ms means" not in note(drawn, 60_000, 0.1)
