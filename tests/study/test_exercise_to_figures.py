"""From a script to figures of the catalog: a virtual GPU of known levels and sensor is exercised and calibrated."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

from clustersim.instrument.recording import read_recording, write_recording
from clustersim.study.devices.calibration import calibrate, calibrate_files
from clustersim.study.devices.exercise import Kit, exercise, performed
from clustersim.study.devices.record import record
from tests.instrument.fake_machine import VirtualMachine, VirtualSampler
from tests.instrument.made import recorded

WINDOW, REFRESH, DELAY, LAG = 0.025, 0.1, 0.012, 0.007
LEVELS = {
    "context": 121.0,
    "idle": 74.0,
    "memory": 498.0,
    "wait": 158.0,
    "exchange": 158.0,
    "stall": 121.0,
    "unmarked": 121.0,
}
FULL = {"bf16": 672.0, "fp8": 641.0}


def watts(marker):
    """Small products do not load the device in full; a gap that is filled draws what its share of products does."""
    if marker.activity == "matrix":
        short = marker.end_s - marker.begin_s < 0.5
        share = {16384.0: 1.0, 8192.0: 0.99, 4096.0: 0.94}.get(marker.figures["m"], 0.7)
        return FULL[marker.words["precision"]] * share + (12.0 if short else 0.0)
    if marker.activity == "wait":
        return LEVELS["wait"] if marker.figures["blocks"] > 1 else 135.0
    if marker.activity == "memory":
        return LEVELS["memory"] if marker.figures["array_bytes"] > 1e9 else 470.0
    if marker.words.get("beside") == "nothing" and marker.activity == "exchange":
        return LEVELS["exchange"]
    if marker.figures.get("copy_bytes"):
        return 380.0 + 250.0 * marker.figures["share"]
    if marker.activity == "dummy":
        return 121.0 + (FULL["bf16"] - 121.0) * marker.figures["share"]
    return LEVELS[marker.activity]


class Recorder(VirtualSampler):
    """A sampler whose sensor averages and is late."""

    def stop(self):
        inner = tuple(one for one in self.markers if one.activity not in ("duty", "step"))
        known = {str(at): watts(one) for at, one in enumerate(inner)} | {"unmarked": LEVELS["unmarked"]}
        place = {id(one): str(at) for at, one in enumerate(inner)}
        made = recorded(inner, WINDOW, REFRESH, DELAY, LAG, poll=0.0093, levels=known, label=lambda one: place[id(one)])
        return replace(made, markers=tuple(self.markers))


def kit():
    machine = VirtualMachine(precisions=("bf16", "fp8"))

    @contextmanager
    def sampler():
        yield Recorder(machine)

    def sleep(seconds):
        machine.time_s += seconds

    return Kit(lambda device: 0, sampler, lambda device, seed: machine, lambda place, one: True, sleep)


@pytest.fixture(scope="module")
def swept():
    return performed(["duty"], kit=kit()).recording


def test_a_sweep_stores_what_the_sensor_does(swept, tmp_path):
    sensor = swept.sensor
    assert sensor is not None
    assert sensor.by == "duty-cycle sweep"
    for band, truth in ((sensor.refresh_s, REFRESH), (sensor.window_s, WINDOW), (sensor.delay_s, DELAY)):
        assert band.low <= truth <= band.high
        assert band.high - band.low < 0.1 * max(truth, 0.025)
    write_recording(tmp_path / "duty.parquet", swept)
    assert read_recording(tmp_path / "duty.parquet").sensor == sensor


def test_a_sweep_that_tells_nothing_says_why():
    """A sensor that shows the same all the time."""

    class Standing(Recorder):
        def stop(self):
            made = super().stop()
            return replace(made, readings={"power_w": made.readings["power_w"] * 0.0 + 100.0})

    computer = kit()
    machine = computer.machine("cuda:0", 0)

    @contextmanager
    def sampler():
        yield Standing(machine)

    found = performed(["duty"], scale=0.05, kit=replace(computer, sampler=sampler)).recording
    assert found.sensor is None
    assert "expected" in found.conditions["sensor"]


def test_levels_and_gaps_of_real_scripts_come_back(swept, tmp_path):
    write_recording(tmp_path / "duty.parquet", swept)
    exercise(["levels", "dummy"], tmp_path / "rest.parquet", scale=0.34, kit=kit())
    found = calibrate_files([tmp_path / "duty.parquet", tmp_path / "rest.parquet"])
    assert found.sensor is not None
    assert found.sensor.window_s.low <= WINDOW <= found.sensor.window_s.high
    # of large and small works the largest stands for the level; bursts and gaps do not
    assert not {"exchange", "stall"} & {one.label for one in found.levels}
    assert "stand for it" in found.left_out["exchange"]
    assert gaps_without(found).watts == pytest.approx(158.0, abs=4.0)
    truth = {"matrix": 672.0, "matrix.fp8": 641.0} | {
        name: LEVELS[name] for name in ("context", "idle", "memory", "wait")
    }
    by_label = {one.label: one for one in found.levels}
    for label, level in truth.items():
        one = by_label[label]
        print(f"{label}: {one.watts.value:.1f} ({one.watts.low:.1f} to {one.watts.high:.1f}) for {level} W, {one.how}")
        assert one.watts.value == pytest.approx(level, abs=4.0)
    gaps = {(one.beside, one.target): one for one in found.gaps}
    assert {target for _, target in gaps} >= {0.25, 0.5, 0.75, 1.0}
    for (beside, target), one in gaps.items():
        if target or beside == "copy":
            base, slope = (380.0, 250.0) if beside == "copy" else (121.0, 672.0 - 121.0)
            print(
                f"{beside} {target:.0%}: {one.watts:.0f} ({one.low_w:.0f} to {one.high_w:.0f}), slower {one.slowdown}"
            )
            assert one.watts == pytest.approx(base + slope * one.reached, abs=25.0)
    # the copy is slowed in proportion to the products beside it
    full = gaps["copy", 1.0]
    assert full.slowdown == pytest.approx(1.0 / (1.0 - 0.25 * full.reached) - 1.0, rel=0.1)


def gaps_without(found):
    """Gaps with neither dummy compute nor a copy, which the others are held against."""
    (one,) = (one for one in found.gaps if (one.beside, one.target) == ("nothing", 0.0))
    return one


def test_products_of_the_script_come_back():
    """All at one rate: no half depth, no fixed time but the host's, the share of the peak that the rate is."""
    found = calibrate(performed(["products"], scale=0.2, kit=kit()).recording)
    fit = found.products["bf16"]
    assert fit.share.value == pytest.approx(4e14 / 989e12, rel=0.02)


def test_record_measures_the_sensor_first(swept, monkeypatch):
    # the sweep of this sensor, which takes eight seconds to be fitted, is there
    asked = []
    monkeypatch.setattr(
        "clustersim.study.devices.record.performed",
        lambda patterns, *_, **given: asked.append((patterns, given["kit"])) or SimpleNamespace(recording=swept),
    )
    computer = kit()

    class Meter:
        """Of the same sensor."""

        devices = (recorded_device(),)
        conditions = {"field": "instant"}

        def read(self):
            return {"power_w": [100.0]}

        def close(self):
            pass

    found = record(0.3, 0.01, open_meter=lambda field: Meter(), sweep="cuda:0", kit=computer)
    assert asked == [(["duty"], computer)]
    assert found.recording.sensor is not None
    assert found.recording.sensor.window_s.low <= WINDOW <= found.recording.sensor.window_s.high


def recorded_device():
    from clustersim.instrument.recording import Device

    return Device(index=0, name="virtual accelerator")
