"""Figures of an accelerator whose truth is known come back within the intervals that are stated."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from clustersim import catalog
from clustersim.cli import app
from clustersim.errors import InputError
from clustersim.instrument.joining import joined
from clustersim.instrument.recording import Marker, read_recording, write_recording
from clustersim.power.device import load_device_power
from clustersim.power.spec import ServerSpec
from clustersim.study.devices.calibration import calibrate, calibrate_files, known_accelerator
from clustersim.study.devices.overlay import overlay, overlay_text
from clustersim.workload.costs import product_seconds
from clustersim.workload.hardware import bare_hardware
from tests.instrument.made import duty, recorded, runs

TRUTH = {"matrix": 668.0, "memory": 471.0, "wait": 149.0, "context": 117.0, "idle": 70.0, "unmarked": 117.0}
SHARE, HALF, FIXED = 0.79, 140.0, 3.4e-6
SERVERS = ServerSpec(cooling="air", accelerators_per_server=8, servers_per_rack=4)
MIXED = ("matrix", "memory", "wait", "context", "idle")


def label(marker):
    return marker.activity


def with_products(markers, seed=0):
    """Products of many shapes instead of the plain matrix runs, timed by a known law."""
    rng = np.random.default_rng([11, seed])
    bare = bare_hardware(["H100-SXM"], ["bf16"], [None])
    law = {"share": np.array([SHARE]), "half_depth": np.array([HALF]), "fixed": np.array([FIXED])}
    hardware = replace(bare, bandwidth=np.array([3.0e12]), **law)
    made = []
    for one in markers:
        if one.activity == "memory":
            made.append(one.model_copy(update={"figures": {"bytes_per_second": 3.0e12}}))
            continue
        if one.activity != "matrix":
            made.append(one)
            continue
        m, n, k = (float(size) for size in rng.choice([512, 1024, 2048, 4096, 8192, 16384], 3))
        seconds = float(product_seconds(hardware, *(np.array([size]) for size in (m, n, k)))[0])
        figures = {"m": m, "n": n, "k": k, "seconds_each": seconds * float(np.exp(rng.normal(0.0, 0.01)))}
        made.append(one.model_copy(update={"words": {"precision": "bf16"}, "figures": figures}))
    return tuple(made)


def levels_record(seed=0, **sensor):
    return recorded(runs(MIXED, repeats=4, seed=seed), levels=TRUTH, seed=seed, **sensor)


def test_levels_sensor_and_lag_of_a_slow_sensor_come_back(tmp_path):
    """A sensor of 25 ms every 100 ms; the lag of 7 ms is shorter than its window, and is therefore not entered."""
    for name, made in (("levels", levels_record()), ("duty", recorded(duty(), levels=TRUTH))):
        write_recording(tmp_path / f"{name}.parquet", made)
    found = calibrate_files([tmp_path / "levels.parquet", tmp_path / "duty.parquet"])
    assert (found.accelerator, found.entry, found.rated_w) == ("H100-SXM", "hopper", 700.0)
    assert found.sensor is not None
    assert found.sensor.window_s.low <= 0.025 <= found.sensor.window_s.high
    assert found.sensor.window_s.high - found.sensor.window_s.low < 0.0025
    assert {one.label for one in found.levels} == set(MIXED)
    for one in found.levels:
        assert one.watts.value == pytest.approx(TRUTH[one.label], abs=2.0)
    assert "is not above the sensor's window, up to 2" in found.left_out["time_constant"]
    assert "time_constant" not in overlay(found)["device_power"]["entries"]["hopper"]["figures"]


def test_a_lag_longer_than_the_window_is_entered():
    found = calibrate(recorded(duty(), window=0.01, delay=0.002, lag=0.05, levels=TRUTH))
    figure = overlay(found)["device_power"]["entries"]["hopper"]["figures"]["time_constant"]
    low, high = (float(figure[name].removesuffix(" ms")) for name in ("low", "high"))
    assert low <= 50.0 <= high
    assert high - low < 10.0


def test_products_come_back():
    markers = with_products(runs(("matrix",) * 5 + ("memory",), seconds=0.5, repeats=6))
    made = recorded(runs(("matrix",) * 5 + ("memory",), seconds=0.5, repeats=6), levels=TRUTH)
    found = calibrate(replace(made, markers=markers))
    fit = found.products["bf16"]
    assert fit.share.low <= SHARE <= fit.share.high
    assert fit.half_depth.low <= HALF <= fit.half_depth.high
    assert fit.fixed_s.value == pytest.approx(FIXED, rel=0.1)
    assert fit.mean_error < 0.02
    entered = overlay(found)["efficiency"]["entries"]["H100-SXM"]["figures"]
    assert float(entered["product.bf16"]["value"].removesuffix(" %")) == pytest.approx(100 * SHARE, rel=0.02)


def filled(seed=0):
    """Steps whose gaps are filled to 0 and 50 %, alone and beside a copy that the products slow by a fifth."""
    rng = np.random.default_rng([12, seed])
    watts = {"matrix": 668.0, "gap 0": 149.0, "gap 50": 400.0, "unmarked": 117.0}
    markers, now = [], 1.0
    for beside, target in [(b, t) for _ in range(40) for b in ("nothing", "copy") for t in (0.0, 0.5)]:
        for activity, length in (("matrix", 0.3), ("exchange" if target == 0.0 else "dummy", 0.15)):
            end = now + length * rng.uniform(0.8, 1.2)
            figures, words = {}, {"precision": "bf16"}
            if activity != "matrix":
                figures = {"target_share": target, "share": target * 0.98}
                words = {"beside": beside}
                if beside == "copy":
                    figures["bytes_per_second"] = 1.2e12 if target == 0.0 else 1.0e12
            markers.append(Marker(activity=activity, begin_s=now, end_s=end, words=words, figures=figures))
            now = end

    def name(marker):
        gap = "target_share" in marker.figures
        return f"gap {100 * marker.figures['target_share']:.0f}" if gap else marker.activity

    return recorded(tuple(markers), levels=watts, label=name)


def test_what_filled_gaps_cost_comes_back():
    found = calibrate(filled())
    ways = {(one.beside, one.target): one for one in found.gaps}
    assert set(ways) == {("nothing", 0.0), ("nothing", 0.5), ("copy", 0.0), ("copy", 0.5)}
    for (_, target), one in ways.items():
        assert one.watts == pytest.approx(149.0 if target == 0.0 else 400.0, abs=8.0)
        assert one.low_w <= (149.0 if target == 0.0 else 400.0) <= one.high_w
    assert ways["copy", 0.5].slowdown == pytest.approx(0.2)
    assert ways["nothing", 0.5].slowdown is None
    # a gap beside a copy is no exchange: its power is not taken for that level
    assert "exchange" not in {one.label for one in found.levels}


def test_a_sensor_that_was_not_measured_is_taken_for_the_slowest():
    """Runs of 3 s show their level, those of half a second do not."""
    short = runs(("wait",), seconds=0.5, repeats=4, begin=60.0)
    long = runs(("matrix", "context"), seconds=8.0, repeats=2)
    found = calibrate(recorded(long + short[:3], window=1.0, levels=TRUTH))
    assert found.sensor is None
    assert {one.label for one in found.levels} == {"matrix", "context"}
    assert "may average over 1 s" in found.left_out["wait"]
    assert "needs the duty-cycle sweep" in found.left_out["time_constant"]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("NVIDIA H100 80GB HBM3", "H100-SXM"),
        ("NVIDIA H200", "H200-SXM"),
        ("NVIDIA A100-SXM4-80GB", "A100-80G-SXM"),
    ],
)
def test_the_name_of_the_driver_tells_the_accelerator(name, known):
    assert known_accelerator(name) == known


@pytest.mark.parametrize("seed", [0, 3, 11])
def test_runs_of_one_activity_say_nothing_of_the_sensor(seed):
    """Three seconds each behind 25 ms: hardly a reading holds two of them, and a fit would find anything."""
    markers = runs(MIXED, seconds=3.0, repeats=4, seed=seed, gap=0.17 + 0.01 * seed)
    found = calibrate(recorded(markers, levels=TRUTH, seed=seed))
    assert found.sensor is None
    assert found.left_out["sensor"].startswith("sensor: expected")
    assert "time_constant" not in overlay(found)["device_power"]["entries"]["hopper"]["figures"]
    for one in found.levels:
        assert one.watts.value == pytest.approx(TRUTH[one.label], abs=2.0)


@pytest.mark.parametrize("name", ["NVIDIA H100 NVL", "NVIDIA H200 NVL", "NVIDIA H100 80GB HBM3 MIG 1g.10gb"])
def test_other_boards_of_the_family_are_asked_for(name):
    with pytest.raises(InputError, match="--accelerator"):
        known_accelerator(name)


def test_a_device_of_another_rated_power_must_be_named():
    made = levels_record()
    other = replace(made, devices=(made.devices[0].model_copy(update={"rated_w": 500.0, "limit_w": 500.0}),))
    with pytest.raises(InputError, match="default limit of 500 W and H100-SXM one of 700 W"):
        calibrate(other)
    assert "500 W" in " ".join(calibrate(other, "H100-SXM").warnings)


def test_a_lowered_limit_leaves_out_what_it_changes():
    made = levels_record()
    capped = calibrate(replace(made, devices=(made.devices[0].model_copy(update={"limit_w": 400.0}),)))
    assert {one.label for one in capped.levels} == {"wait", "context", "idle"}
    assert "lowered power limit" in capped.left_out["matrix"]
    assert "limit 400 W" in overlay(capped)["device_power"]["sources"]["MEASURED"]["title"]


def test_recordings_of_different_fields_or_limits_are_not_joined():
    one = levels_record()
    with pytest.raises(InputError, match="field: expected instant"):
        joined([replace(one, conditions={"field": "instant"}), replace(one, conditions={"field": "average"})])
    with pytest.raises(InputError, match="limits and source"):
        joined([one, replace(one, devices=(one.devices[0].model_copy(update={"limit_w": 400.0}),))])


def test_an_unknown_name_is_asked_for():
    with pytest.raises(InputError, match=r"--accelerator: expected the name .* is none of"):
        known_accelerator("NVIDIA GeForce GTX 1080")


def test_the_overlay_is_what_later_runs_use(tmp_path):
    found = calibrate(levels_record())
    path = tmp_path / "measured.yaml"
    path.write_text(overlay_text(found), encoding="utf-8")
    try:
        catalog.use_overlays([path])
        device = load_device_power("H100-SXM", SERVERS)
        for one in found.levels:
            assert device.level(one.label) == pytest.approx(one.watts.value, rel=1e-4)
    finally:
        catalog.use_overlays([])
    assert load_device_power("H100-SXM", SERVERS).level("memory") == pytest.approx(0.72 * 700.0)


def test_on_the_command_line(tmp_path):
    write_recording(tmp_path / "levels.parquet", levels_record())
    out = tmp_path / "measured.yaml"
    shell = CliRunner()
    told = shell.invoke(app, ["calibrate", str(tmp_path / "levels.parquet"), "--out", str(out)])
    assert told.exit_code == 0, told.output
    assert "between runs" in told.stdout
    figures = yaml.safe_load(out.read_text())["device_power"]["entries"]["hopper"]["figures"]
    assert set(figures) == set(MIXED)
    data = json.loads(shell.invoke(app, ["calibrate", str(tmp_path / "levels.parquet"), "--json"]).stdout)
    assert data["overlay"]["device_power"]["entries"]["hopper"]["figures"] == figures
    diff = json.loads(shell.invoke(app, ["--catalog", str(out), "catalog", "--diff", "--json"]).stdout)["differences"]
    assert {one["figure"] for one in diff} == set(MIXED)
    (memory,) = (one for one in diff if one["figure"] == "memory")
    assert memory["shipped"]["value"] == 0.72
    assert memory["change_percent"] == pytest.approx(100 * (471.0 / 700.0 / 0.72 - 1), abs=0.5)
    assert memory["inside"] is True
    text = shell.invoke(app, ["--catalog", str(out), "catalog", "device_power", "H100-SXM", "--diff"])
    assert "shipped bands hold the new value" in text.stdout
    catalog.use_overlays([])


def test_what_is_no_recording_is_refused_with_one_line(tmp_path):
    shell = CliRunner()
    (tmp_path / "plain.csv").write_text("time_s,power_w\n0,1\n")
    for arguments, said in (
        (["calibrate", str(tmp_path / "plain.csv")], "cannot be read as Parquet"),
        (["calibrate", str(tmp_path / "none.parquet")], "no such file"),
        (["catalog", "--diff"], "expected an overlay over the figures"),
    ):
        told = shell.invoke(app, arguments)
        assert isinstance(told.exception, SystemExit | InputError)
        assert said in f"{told.output}{told.exception}"
    write_recording(tmp_path / "bare.parquet", replace(levels_record(), markers=()))
    assert not read_recording(tmp_path / "bare.parquet").markers
    with pytest.raises(InputError, match="expected markers of one device"):
        calibrate_files([tmp_path / "bare.parquet"])
    with pytest.raises(InputError, match="expected one of 1 devices"):
        calibrate(levels_record(), device=1)
