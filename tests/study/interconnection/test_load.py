"""Load as a utility asks for it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.power.records import Waveform
from clustersim.study.interconnection import energisation, load, spectrum


@given(
    values=st.lists(st.floats(-5, 5), min_size=2, max_size=40),
    lag=st.integers(1, 50),
)
@settings(max_examples=40, deadline=None)
def test_the_largest_change_is_that_of_all_pairs(values, lag):
    power = np.array(values)
    found, at = load.largest_change(power, 0.5, lag * 0.5)
    pairs = [(power[j] - power[i], j) for j in range(power.size) for i in range(max(0, j - lag), j + 1)]
    assert found == pytest.approx(max(pairs)[0], abs=1e-12)
    assert any(change == pytest.approx(found) and j * 0.5 == at for change, j in pairs)


def test_the_envelope_holds_the_mean_and_the_extremes(small_result):
    table = load.envelope(small_result)
    wave = small_result.waveforms["steady"]
    steady = table[table["window"] == "steady"]
    assert len(steady) == 10
    assert (steady["mean_mw"] * steady["seconds"]).sum() == pytest.approx(wave.energy_j("meter") / 1e6, rel=1e-9)
    assert steady["max_mw"].max() == pytest.approx(small_result.summary["peak_mw"], rel=1e-6)
    assert steady["min_mw"].min() == pytest.approx(small_result.summary["trough_mw"], rel=1e-6)
    assert (table["min_mw"] <= table["mean_mw"]).all()


def test_ramps_grow_with_the_time_that_they_are_given(small_result):
    table = load.ramps(small_result)
    for _, part in table.groupby("direction"):
        assert (np.diff(part.sort_values("lag_s")["change_mw"]) >= -1e-9).all()
    assert table.loc[table["lag_s"] <= 60.0, "whole"].all()
    steps = load.steps(small_result)
    rise = table[(table["lag_s"] == 1.0) & (table["direction"] == "up")]["change_mw"].iloc[0]
    assert steps["rise_mw"].max() <= rise + 1e-9
    assert set(steps["window"]) == set(small_result.waveforms)


def test_the_days_add_up_to_the_horizon(small_result):
    table = load.days(small_result)
    horizon = float(small_result.timeline["t_end_s"].max())
    assert (table["hours_at_work"] + table["hours_off"]).sum() == pytest.approx(horizon / 3600.0)
    assert table["stops"].sum() == small_result.summary["interruptions"]


def test_snapshots_are_means_of_the_waveform(small_result):
    table = load.snapshots(small_result).set_index("state")
    wave = small_result.waveforms["steady"]
    assert table.loc["steady, mean", "mw"] == pytest.approx(wave.power("meter").mean() / 1e6)
    assert table.loc["steady, mean", "mvar"] == pytest.approx(wave.reactive("meter").mean() / 1e6)
    assert table.loc["idle", "mw"] < table.loc["steady, mean", "mw"]
    assert table["power_factor"].between(0.5, 1.0).all()


def test_lines_and_bands_of_a_known_wave(small_result):
    from dataclasses import replace

    time = 0.01 * np.arange(60_000)
    power = 100e6 + 4e6 * np.sin(2 * np.pi * 0.5 * time) + 2e6 * np.sin(2 * np.pi * 5.0 * time)
    rows = np.stack([power, power])
    wave = Waveform(0.0, 0.01, ("meter", "a"), (None, "meter"), rows, np.zeros_like(rows))
    known = replace(small_result, waveforms={"steady": wave})
    lines = spectrum.lines(known)
    assert list(lines["frequency_hz"][:2]) == pytest.approx([0.5, 5.0], abs=0.002)
    assert list(lines["amplitude_mw"][:2]) == pytest.approx([4.0, 2.0], rel=0.01)
    assert list(lines["share_of_mean"][:2]) == pytest.approx([0.04, 0.02], rel=0.01)
    bands = spectrum.bands(known).set_index("low_hz")["energy_share"]
    assert bands[0.25] == pytest.approx(0.8, abs=0.01)
    assert bands[2.5] == pytest.approx(0.2, abs=0.01)


def test_halls_come_on_to_the_whole_load(small_result):
    stages = energisation.stages(small_result)
    assert stages["total_mw"].iloc[-1] == pytest.approx(small_result.waveforms["steady"].power("meter").mean() / 1e6)
    assert (np.diff(stages["total_mw"]) > 0).all()
    halls = energisation.halls(small_result)
    assert set(halls["window"]) <= {"job_start", "restart", "restart_storm"}
    up = halls[halls["begins_s"].notna() & halls["there_s"].notna()]
    assert (up["there_s"] >= up["begins_s"]).all()
    assert isinstance(halls, pd.DataFrame)
