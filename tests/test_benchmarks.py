"""The benchmarks measure what they say; how fast anything is, is not tested here."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from benchmarks.__main__ import main
from benchmarks.cases import BENCHMARKS
from benchmarks.load_test import load_test
from benchmarks.page import PEERS, page
from benchmarks.records import Benchmark, Found, UnmeasurableError, within
from benchmarks.store import FILE, keep, machine, stored

ROOT = Path(__file__).resolve().parents[1]
KEYS = {"value", "unit", "limit", "better", "peer"}


def _benchmarks(*arguments):
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_json_is_one_object_and_nothing_else():
    done = _benchmarks("operation_30d", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == {"operation_30d"}
    assert set(found["operation_30d"]) == KEYS
    assert found["operation_30d"]["value"] > 0.0


def test_an_unknown_name_is_wrong_input(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "step_196"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "step_196k" in capsys.readouterr().err


def test_what_a_machine_lacks_is_said_and_the_others_are_measured(monkeypatch, capsys):
    def lacks():
        raise UnmeasurableError("no chromium on this machine")

    found = {"first": Benchmark("first", "s", 1.0, "lower", lacks)}
    found["second"] = Benchmark("second", "s", 1.0, "lower", lambda: Found(0.5))
    monkeypatch.setattr("benchmarks.__main__.BENCHMARKS", found)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--json"])
    assert main() == 0
    told = capsys.readouterr()
    assert told.err == "first: not measured: no chromium on this machine\n"
    assert list(json.loads(told.out)) == ["second"]


def test_every_benchmark_has_a_limit_and_says_what_it_measures():
    for name, benchmark in BENCHMARKS.items():
        assert benchmark.name == name
        assert benchmark.limit > 0.0
        assert benchmark.measure.__doc__


@pytest.mark.parametrize(
    ("better", "value", "kept"), [("lower", 1.0, True), ("lower", 3.0, False), ("higher", 3.0, True)]
)
def test_within(better, value, kept):
    assert within(Benchmark("a", "s", 2.0, better, lambda: Found(value)).row()) is kept


def test_the_load_test_is_as_large_as_it_says():
    test = load_test()
    assert test.operations == 1536 * 16 * 32 * 2
    schedule = test.timing.schedule
    assert schedule.stages == 16
    tokens = 1536 * 32 * 8192
    assert tokens == pytest.approx(403e6, rel=1e-3)


def test_the_waveform_of_the_load_test_is_power():
    test = load_test(replicas=4)
    watts = test.waveform(2.0, seed=1)
    assert watts.shape == (1, 2000)
    accelerators = 4 * 16 * 8
    assert np.all(watts[0] < 700.0 * accelerators * (1 + 1e-9))
    assert watts[0, 100:].mean() > 100.0 * accelerators
    assert not np.array_equal(watts, test.waveform(2.0, seed=2))


def test_the_page_is_written_from_what_was_stored():
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    found = stored(FILE)
    assert text == page(found), "run: python -m benchmarks.page > docs/performance.md"
    for name, row in found["rows"].items():
        known = BENCHMARKS[name]
        assert (row["unit"], row["limit"], row["better"]) == (known.unit, known.limit, known.better)


def test_peers_are_of_benchmarks_and_say_who_and_what():
    for name, others in yaml.safe_load(PEERS.read_text(encoding="utf-8")).items():
        assert name in BENCHMARKS
        for one in others:
            assert set(one) == {"who", "took", "of"}
            assert all(one.values())


def test_what_was_measured_is_kept_and_of_one_machine(tmp_path):
    path = tmp_path / "performance.json"
    row = {"value": 1.0, "unit": "s", "limit": 2.0, "better": "lower", "peer": None}
    keep(path, {"second": row}, ("first", "second"))
    keep(path, {"first": {**row, "value": 3.0}}, ("first", "second"))
    assert list(stored(path)["rows"]) == ["first", "second"]
    assert stored(path)["machine"] == machine()
    path.write_text(path.read_text().replace(f'"cores": {machine()["cores"]}', '"cores": 4096'))
    keep(path, {"first": row}, ("first", "second"))
    assert list(stored(path)["rows"]) == ["first"]


def test_a_missed_aim_and_what_is_not_measured_are_said():
    row = {**BENCHMARKS["help"].__dict__, "value": 0.9, "peer": 30.0}
    told = page({"machine": machine(), "rows": {"help": row}})
    assert "0 of 1 aims are met" in told
    assert "| at most 0.4 s | 0.9 s | missed |" in told
    assert "against starting a bare Python: 30 |" in told
    assert "`step_196k`" in told.split("Not measured there:")[1]
