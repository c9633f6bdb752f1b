"""Recordings survive their file, and files that are none are refused with one message."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from clustersim.errors import InputError
from clustersim.instrument.recording import (
    KEY,
    Band,
    Device,
    Marker,
    Recording,
    Sensor,
    read_recording,
    recording_table,
    write_recording,
)
from clustersim.power.trace_files import read_trace


def recorded(samples=50, devices=2, **more):
    times = np.linspace(0.0, 4.9, samples)
    rng = np.random.default_rng(3)
    readings = {
        "power_w": rng.uniform(60.0, 700.0, (samples, devices)),
        "temperature_c": np.full((samples, devices), 41.0),
    }
    named = tuple(Device(index=at, name="NVIDIA H100 80GB HBM3", limit_w=700.0, rated_w=700.0) for at in range(devices))
    return Recording("made", "nvml", named, times, readings, **more)


def same(one, other):
    assert (one.name, one.source, one.devices, one.markers, one.sensor, dict(one.conditions)) == (
        other.name, other.source, other.devices, other.markers, other.sensor, dict(other.conditions),
    )  # fmt: skip
    np.testing.assert_array_equal(one.times_s, other.times_s)
    assert set(one.readings) == set(other.readings)
    for name, array in one.readings.items():
        np.testing.assert_array_equal(array, other.readings[name])


def test_a_recording_is_read_as_it_was_written(tmp_path):
    band = Band(value=0.1, low=0.099, high=0.101)
    made = recorded(
        markers=(
            Marker(
                activity="matrix", begin_s=0.5, end_s=2.0, device=1, words={"precision": "bf16"}, figures={"m": 8192.0}
            ),
        ),
        sensor=Sensor(refresh_s=band, window_s=Band(value=0.025, low=0.02, high=0.03), edges=40, by="duty cycles"),
        conditions={"driver": "550.54", "field": "instant"},
    )
    path = tmp_path / "made.parquet"
    write_recording(path, made)
    same(read_recording(path), made)
    assert [one.name for one in tmp_path.iterdir()] == ["made.parquet"]


def test_what_takes_a_trace_takes_a_recording(tmp_path):
    made = recorded()
    write_recording(tmp_path / "made.parquet", made)
    trace = read_trace(tmp_path / "made.parquet")
    np.testing.assert_allclose(trace.watts, made.readings["power_w"].sum(axis=1), rtol=1e-12)
    assert trace.dt_s == pytest.approx(0.1)


def test_a_hole_in_one_device_is_none_in_the_power_of_all(tmp_path):
    made = recorded()
    power = made.readings["power_w"].copy()
    power[20, 1] = np.nan
    write_recording(
        tmp_path / "made.parquet", Recording("made", "nvml", made.devices, made.times_s, {"power_w": power})
    )
    trace = read_trace(tmp_path / "made.parquet")
    assert trace.watts[20] == pytest.approx(power[20, 0] + 0.5 * (power[19, 1] + power[21, 1]))
    assert np.isnan(read_recording(tmp_path / "made.parquet").power_w(1)[20])


@given(st.integers(1, 30), st.integers(1, 4), st.randoms(use_true_random=False))
def test_any_readings_survive_the_file(tmp_path_factory, samples, devices, random):
    made = recorded(samples, devices)
    holes = made.readings["power_w"].copy()
    holes[random.randrange(samples), random.randrange(devices)] = np.nan
    made = Recording(made.name, made.source, made.devices, made.times_s, {"power_w": holes})
    path = tmp_path_factory.mktemp("recordings") / "made.parquet"
    write_recording(path, made)
    same(read_recording(path), made)


def rewritten(path, told):
    table = recording_table(recorded())
    parquet.write_table(table.replace_schema_metadata({KEY: told}), path)
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "expected a recording of format 1, found 2"),
        ({"devices": []}, "metadata: devices"),
        ({"devices": [{"index": 0, "name": "a"}] * 3}, "expected a column gpu2_power_w"),
        ({"markers": [{"activity": "idle", "begin_s": 2.0, "end_s": 1.0}]}, "markers.0"),
        ({"markers": [{"activity": "idle", "begin_s": 0.0, "end_s": 1.0, "device": 5}]}, "markers of 2 devices"),
        ({"extra": 1}, "extra"),
    ],
)
def test_wrong_metadata_are_named(tmp_path, change, said):
    told = json.loads(recording_table(recorded()).schema.metadata[KEY]) | change
    with pytest.raises(InputError, match=said):
        read_recording(rewritten(tmp_path / "wrong.parquet", json.dumps(told).encode()))


@pytest.mark.parametrize("told", [b"{", b"[]", b"\xff", b'{"format": 1}'])
def test_broken_metadata_are_refused(tmp_path, told):
    with pytest.raises(InputError, match=r"wrong\.parquet"):
        read_recording(rewritten(tmp_path / "wrong.parquet", told))


def test_other_files_are_refused(tmp_path):
    parquet.write_table(pa.table({"time_s": [0.0, 1.0], "power_w": [1.0, 2.0]}), tmp_path / "plain.parquet")
    with pytest.raises(InputError, match="found Parquet of something else"):
        read_recording(tmp_path / "plain.parquet")
    (tmp_path / "text.parquet").write_text("not parquet")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read_recording(tmp_path / "text.parquet")
    with pytest.raises(InputError, match="no such file"):
        read_recording(tmp_path / "none.parquet")
    with pytest.raises(InputError, match=r"ends in \.parquet"):
        write_recording(tmp_path / "made.csv", recorded())


def test_a_recording_holds_what_it_says():
    made = recorded()
    with pytest.raises(ValueError, match="increase"):
        Recording("made", "nvml", made.devices, made.times_s[::-1].copy(), made.readings)
    with pytest.raises(ValueError, match="power_w"):
        Recording("made", "nvml", made.devices, made.times_s, {"temperature_c": made.readings["temperature_c"]})
    with pytest.raises(ValueError, match="shape"):
        Recording("made", "nvml", made.devices[:1], made.times_s, made.readings)
    with pytest.raises(ValueError, match="read-only"):
        made.power_w()[0] = 1.0
