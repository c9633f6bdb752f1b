"""The result: its keys, its files, and that the same input gives the same bytes."""

import dataclasses
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clustersim.errors import InputError
from clustersim.scenario import Scenario, resolved, run_id
from clustersim.study import result as result_module
from clustersim.study.operation_keys import TIME_SHARES
from clustersim.study.result import FILES, Result
from clustersim.study.run import run

ROOT = Path(__file__).resolve().parents[2]
PROMISED = [
    "iteration_time_s",
    "mfu",
    "hfu",
    "tokens_per_s",
    "tokens_per_s_per_gpu",
    "memory_per_gpu_gb",
    "bubble_fraction",
    "exposed_comm_fraction",
    "goodput",
    "interruptions",
    "mttf_h",
    *TIME_SHARES,
    "mean_mw",
    "peak_mw",
    "trough_mw",
    "swing_mw",
    "it_mean_mw",
    "it_peak_mw",
    "it_swing_mw",
    "provisioned_mw",
    "max_ramp_up_mw_per_s",
    "max_ramp_down_mw_per_s",
    "iteration_frequency_hz",
    "band_energy_share",
    "band_amplitude_share",
    "min_frequency_hz",
    "max_frequency_hz",
    "max_rocof_hz_per_s",
    "initial_rocof_hz_per_s",
    "max_voltage_dip_pu",
    "pst",
    "energy_mwh",
    "damping_energy_mwh",
    "damping_energy_share",
    "throughput_loss",
    "battery_cycles_per_year",
    "pue",
    "capex_usd",
    "usd_per_million_tokens",
    "rules_failed",
]
TABLES = ("step", "timeline", "close_up", "cost", "bill", "plans", "assumed", "accounts", "causes", "verdict", "events")
SAME = ("summary.json", "verdict.csv", "waveform.parquet", "response.parquet", "events.csv", "scenario.yaml")


@pytest.mark.parametrize("which", ["small", "battery"])
def test_every_promised_key_is_there_and_every_null_has_a_reason(which, request):
    found = request.getfixturevalue(which)
    assert not set(PROMISED) - set(found.summary)
    empty = {key for key, value in found.summary.items() if value is None}
    assert set(found.reasons) == empty
    assert all(found.reasons.values())
    for key, value in found.summary.items():
        assert value is None or isinstance(value, str) or math.isfinite(value), key


def test_an_island_has_no_point_of_interconnection(scenario):
    found = run(scenario(plant__mode="island"))
    for key in ("max_voltage_dip_pu", "pst"):
        assert found.summary[key] is None
        assert "island" in found.reasons[key]


def test_failed_rules_are_counted(small):
    passed = small.verdict["passed"]
    assert small.summary["rules_failed"] == sum(value is False for value in passed)
    assert small.summary["rules_not_judged"] == sum(value is None for value in passed)
    assert (small.verdict.loc[[value is None for value in passed], "reason"] != "").all()


@pytest.mark.soak
def test_same_seed_same_bytes(scenario, small, tmp_path):
    again = run(scenario())
    first, second = small.save(tmp_path / "first"), again.save(tmp_path / "second")
    for name in SAME:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    assert {path.name for path in first.iterdir()} >= set(FILES)


def test_same_bytes_in_another_process(small, tmp_path):
    """Whatever the order in which that process walks through sets of text."""
    code = (
        "import sys; from pathlib import Path; import yaml; from clustersim.scenario import Scenario; "
        "from clustersim.study.run import run; tree = yaml.safe_load(Path(sys.argv[1]).read_text()); "
        "run(Scenario.model_validate(tree)).save(Path(sys.argv[2]))"
    )
    first = small.save(tmp_path / "first")
    command = [sys.executable, "-c", code, first / "scenario.yaml", tmp_path / "second"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "12345"}, check=True)
    for name in SAME:
        assert (first / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name
    assert {path.name for path in first.iterdir()} >= set(FILES)


def test_another_seed_is_another_run(scenario, small):
    other = run(scenario(seed=2))
    assert other.run_id != small.run_id
    power = [found.waveforms["steady"].power("memphis/it") for found in (small, other)]
    assert not np.array_equal(*power)
    assert other.summary["iteration_time_s"] != small.summary["iteration_time_s"]
    assert other.summary["iteration_time_s"] == pytest.approx(small.summary["iteration_time_s"], rel=0.02)


@pytest.mark.parametrize("which", ["small", "battery"])
def test_save_and_load_round_trip(which, request, tmp_path):
    found = request.getfixturevalue(which)
    loaded = Result.load(found.save(tmp_path / "result"))
    for name in ("run_id", "name", "scenario", "summary", "reasons", "warnings"):
        assert getattr(loaded, name) == getattr(found, name), name
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(found, name), getattr(loaded, name), check_exact=True)
    assert list(loaded.waveforms) == list(found.waveforms)
    for name, wave in found.waveforms.items():
        _same(wave, loaded.waveforms[name])
    for one, other in zip(found.responses, loaded.responses, strict=True):
        _same(one, other)


def test_groups_of_generators_and_losses_of_machines_are_saved(small, tmp_path):
    """Sites differ in their groups: each gets its own back, in order."""
    first = small.responses[0]
    watts = tuple(np.linspace(k, k + 1.0, first.load_w.size) for k in range(3))
    responses = (
        dataclasses.replace(first, group_w=watts[:2], machine_loss_w=1.35e6),
        dataclasses.replace(first, window="other"),
        dataclasses.replace(first, window="third", group_w=watts),
    )
    loaded = Result.load(dataclasses.replace(small, responses=responses).save(tmp_path / "result"))
    assert [len(one.group_w) for one in loaded.responses] == [2, 0, 3]
    assert loaded.responses[0].machine_loss_w == 1.35e6
    for one, other in zip(responses, loaded.responses, strict=True):
        _same(one, other)


def _same(one, other):
    for field in dataclasses.fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


def test_the_saved_scenario_is_the_run(small, tmp_path):
    folder = small.save(tmp_path / "result")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["run_id"], manifest["seed"]) == (small.run_id, 1)
    assert manifest["null_keys"] == small.reasons


def test_extra_files_and_replacing(small, tmp_path):
    folder = tmp_path / "result"
    small.save(folder, {"report.html": "old", "left.txt": "over"})
    small.save(folder, {"report.html": "new"})
    assert (folder / "report.html").read_text() == "new"
    assert not (folder / "left.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("broken")])
def test_a_result_folder_appears_whole_or_not_at_all(small, tmp_path, monkeypatch, error):
    def failing(table, path):
        if path.name == "waveform.parquet":
            raise error
        table.to_parquet(path)

    monkeypatch.setattr(result_module, "_parquet", failing)
    with pytest.raises(InputError if isinstance(error, OSError) else type(error)):
        small.save(tmp_path / "results" / "run")
    assert list((tmp_path / "results").iterdir()) == []


def test_a_failed_replacement_keeps_the_old_result(small, tmp_path, monkeypatch):
    folder = small.save(tmp_path / "run")
    before = (folder / "summary.json").read_bytes()

    def failing(table, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(result_module, "_parquet", failing)
    with pytest.raises(InputError, match="No space left"):
        small.save(folder)
    assert (folder / "summary.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_folder_that_cannot_be_made(small, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        small.save(tmp_path / "file" / "run")


def test_a_folder_that_is_no_result(tmp_path):
    with pytest.raises(InputError, match=r"manifest\.json"):
        Result.load(tmp_path)


def test_a_saved_scenario_has_the_same_identity(scenario, small):
    assert run_id(Scenario.model_validate(small.scenario)) == small.run_id
    assert small.scenario == resolved(scenario())


def test_records_cannot_be_changed(small):
    with pytest.raises(dataclasses.FrozenInstanceError):
        small.name = "other"
    with pytest.raises(ValueError, match="read-only"):
        small.waveforms["steady"].watts[0, 0] = 0.0


def test_assumed_figures_name_their_source(small):
    assert {"key", "value", "source", "confidence"} == set(small.assumed.columns)
    assert set(small.assumed["confidence"]) <= {"estimate", "from_memory"}
    assert (small.assumed["source"].str.len() > 0).all()
    assert small.assumed["key"].is_unique


def test_progress_is_told(scenario):
    said = []
    run(scenario(), said.append)
    assert said[0] == "training step and plan"
    assert said[-1] == "done"
