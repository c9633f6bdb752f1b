"""A recording that is stored: every later version must read it, and tell what is known of the device in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from clustersim import catalog
from clustersim.catalog.differences import differences
from clustersim.cli import app
from clustersim.instrument.recording import FORMAT, read_recording
from tests.instrument.recordings.__main__ import FILE
from tests.study.test_exercise_under_limits import FREE, IDLE, OVERSHOOT, REFRESH, WINDOW, speed_of


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What `calibrate` says of it, and the overlay that it writes."""
    overlay = Path(tmp_path_factory.mktemp("calibrated")) / "device.yaml"
    done = CliRunner().invoke(app, ["calibrate", str(FILE), "--out", str(overlay), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), overlay


def test_it_is_of_the_format_that_is_written():
    recording = read_recording(FILE)
    assert FORMAT == 1
    assert recording.devices[0].rated_w == 700.0
    assert {"matrix", "memory", "wait", "context", "idle"} <= {one.activity for one in recording.markers}
    for band, truth in ((recording.sensor.window_s, WINDOW), (recording.sensor.refresh_s, REFRESH)):
        assert band.low <= truth <= band.high


def test_its_figures_are_those_of_the_device(told):
    data, _ = told
    levels = {one["level"]: one["watts"] for one in data["levels"]}
    for name, truth in (("matrix", FREE), ("memory", 480.0), ("context", IDLE), ("wait", IDLE), ("idle", 74.0)):
        assert levels[name]["value"] == pytest.approx(truth, abs=4.0)
        assert levels[name]["high"] - levels[name]["low"] < 12.0
    for one in data["limits"]:
        drawn = min(one["value"], FREE)
        assert one["watts"]["value"] == pytest.approx(drawn, abs=4.0)
        assert one["speed"]["value"] == pytest.approx(speed_of(drawn), abs=0.002)
    assert len(data["overshoots"]) == 2
    for one in data["overshoots"]:
        assert one["share"]["low"] <= OVERSHOOT <= one["share"]["high"]


def test_its_overlay_holds_what_was_told(told):
    data, path = told
    written = yaml.safe_load(path.read_text())
    assert written == json.loads(json.dumps(data["overlay"]))
    catalog.use_overlays([path])
    try:
        changed = {(one.kind, one.figure) for one in differences()}
    finally:
        catalog.use_overlays([])
    assert {("device_power", "matrix"), ("device_power", "overshoot"), ("power_capping", "speed.1")} <= changed
