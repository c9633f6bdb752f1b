"""The package for a utility's study."""

import json
from dataclasses import replace

import comtrade
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.power.records import Waveform
from clustersim.report.interconnection.comtrade import Channel
from clustersim.report.interconnection.comtrade import comtrade as written
from clustersim.report.interconnection.package import ABOUT, package
from clustersim.report.interconnection.waveforms import wave_table

SERIES = ("load_w", "frequency_hz", "voltage_pu", "grid_w", "generator_w", "battery_w", "state_of_charge")
SINGLE = 1.2e-7
"""The reader keeps values in single precision."""
KEPT = {"steady": 6000, "job_start": 26_000}


@pytest.fixture(scope="module")
def short(small_result):
    """The small run with the beginning of two windows."""

    def cut(wave, size):
        return Waveform(
            wave.t0_s, wave.dt_s, wave.nodes, wave.parents, wave.watts[:, :size].copy(), wave.vars[:, :size].copy()
        )

    waves = {name: cut(small_result.waveforms[name], size) for name, size in KEPT.items()}
    responses = tuple(
        replace(one, group_w=(), **{name: getattr(one, name)[: KEPT[one.window]] for name in SERIES})
        for one in small_result.responses
        if one.window in KEPT
    )
    return replace(small_result, waveforms=waves, responses=responses)


@pytest.fixture(scope="module")
def files(short):
    return package(short)


def test_the_manifest_describes_every_file(files):
    manifest = json.loads(files["manifest.json"])
    assert set(manifest["files"]) == set(files) - {"manifest.json"}
    assert set(ABOUT) <= set(files)
    for name, said in manifest["files"].items():
        assert said["about"]
        if name.endswith(".csv"):
            head = files[name].split("\n", 1)[0].split(",")
            assert list(said["columns"]) == head
            assert files[name].count("\n") == said["rows"] + 1
    assert manifest["files"]["waveforms/steady.csv"]["columns"]["meter_mvar"] == "Mvar"
    assert manifest["files"]["ramps.csv"]["columns"]["change_mw"] == "MW"


def test_the_files_of_a_window_agree(short, files, tmp_path):
    table = wave_table(short, "job_start")
    assert list(table) == [
        "time_s", "meter_mw", "meter_mvar", "memphis_voltage_pu", "memphis_frequency_hz"
    ]  # fmt: skip
    for name in ("csv", "parquet", "cfg", "dat"):
        data = files[f"waveforms/job_start.{name}"]
        (tmp_path / f"w.{name}").write_bytes(data.encode() if isinstance(data, str) else data)
    read = pd.read_csv(tmp_path / "w.csv")
    assert np.allclose(read, table, rtol=1e-6)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "w.parquet"), table)
    record = comtrade.Comtrade()
    record.load(str(tmp_path / "w.cfg"), str(tmp_path / "w.dat"))
    assert record.frequency == 60.0
    assert record.total_samples == len(table)
    assert np.allclose(record.time, table["time_s"], atol=1e-9)
    assert record.analog_channel_ids == list(table)[1:]
    for values, name in zip(record.analog, record.analog_channel_ids, strict=True):
        span = float(np.ptp(table[name]))
        assert np.abs(np.asarray(values) - table[name]).max() <= span / 3.9e5 + SINGLE * table[name].abs().max()


@given(values=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
def test_a_record_is_read_back_to_its_step(values):
    channel = Channel("P, of 'ä'", "MW", np.array(values))
    configuration, data = written("x,y", [channel], 0.001, 50.0)
    record = comtrade.Comtrade()
    record.read(configuration, data)
    step = (max(values) - min(values)) / 4e5
    assert (
        np.abs(np.asarray(record.analog[0]) - values).max() <= step * 1.01 + 2 * SINGLE * max(map(abs, values)) + 1e-12
    )
    assert all(line.isascii() for line in configuration.splitlines())
    assert configuration.endswith("\r\n")


def test_the_page_is_whole(files):
    page = files["index.html"]
    for text in ("Ramps and steps", "Voltage dips", "Load model", "Frcel", "not provided", "Energisation"):
        assert text in page
    assert "src=" not in page.split("</style>")[1].split("<script")[0]
