"""Samples come when they are due, on a clock of the test's own, with markers by the same clock."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.instrument.pace import pace_of
from clustersim.instrument.recording import Device, read_recording, write_recording
from clustersim.instrument.sampler import GOLDEN, STRAY, Sampler
from clustersim.instrument.sensor import published


class Clock:
    """Moves only when someone waits on it."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class FakeMeter:
    """Shows the number of its refresh as power; a sweep takes a time, every so often a longer one."""

    def __init__(self, clock, refresh_s=0.1, sweep_s=0.0005, slow_s=0.0, slow_every=50, lost_after=None):
        self.clock, self.refresh_s, self.sweep_s = clock, refresh_s, sweep_s
        self.slow_s, self.slow_every, self.lost_after = slow_s, slow_every, lost_after
        self.sweeps = 0
        self.conditions = {"driver": "none"}
        self.devices = tuple(Device(index=at, name="fake") for at in range(2))

    def read(self):
        if self.sweeps == self.lost_after:
            raise InputError("gpu0: power_w: GPU is lost")
        shown = float(int((self.clock.now - 100.0) / self.refresh_s))
        self.sweeps += 1
        self.clock.sleep(self.slow_s if self.slow_s and self.sweeps % self.slow_every == 0 else self.sweep_s)
        return {"power_w": [shown, 2.0 * shown], "temperature_c": [40.0, float("nan")]}

    def close(self):
        pass


def sampled(interval_s=0.01, most_s=10.0, **more):
    clock = Clock()
    sampler = Sampler(FakeMeter(clock, **more), interval_s=interval_s, most_s=most_s, clock=clock, sleep=clock.sleep)
    assert sampler.wait(30.0)
    return sampler.stop("made", "fake")


def due(interval_s=0.01, most_s=10.0):
    """When samples are due: near multiples of the interval, late by a share that never repeats."""
    turn = np.arange(round(most_s / interval_s) + 1)
    found = interval_s * (turn + STRAY * (turn * GOLDEN % 1.0))
    return found[found <= most_s]


def test_samples_are_due_near_multiples_of_the_interval_and_do_not_drift():
    recording = sampled()
    np.testing.assert_allclose(recording.times_s, due(), atol=1e-9)
    assert np.abs(recording.times_s - 0.01 * np.arange(recording.times_s.size)).max() <= 0.01
    assert np.diff(recording.times_s).min() > 0.006
    np.testing.assert_allclose(recording.power_w(1), 2.0 * recording.power_w(0))
    assert np.abs(recording.power_w(0) - np.floor(recording.times_s / 0.1)).max() <= 1.0
    assert recording.conditions["missed_deadlines"] == "0"
    assert recording.conditions["interval"] == "0.01 s"
    assert recording.conditions["driver"] == "none"
    assert (recording.name, recording.source) == ("made", "fake")


def test_a_slow_sweep_misses_deadlines_which_are_counted_and_the_others_stay_in_place():
    recording = sampled(slow_s=0.034)
    slow = 1001 // 53
    assert int(recording.conditions["missed_deadlines"]) == due().size - recording.times_s.size
    assert int(recording.conditions["missed_deadlines"]) == pytest.approx(3 * slow, abs=3)
    assert np.abs(recording.times_s[:, None] - due()).min(axis=1).max() < 1e-6


def test_a_sensor_in_step_with_the_interval_is_caught_at_all_places():
    """A refresh of ten intervals: when readings come is known to a hundredth of an interval, and not to one."""
    recording = sampled()
    assert published(recording.times_s, recording.power_w()).within_s < 0.0005
    even = 0.01 * np.arange(1001) + 0.0001
    assert published(even, np.floor(even / 0.1)).within_s > 0.004


def test_a_meter_slower_than_the_interval_is_read_as_fast_as_it_can_be():
    recording = sampled(interval_s=0.002, sweep_s=0.007, most_s=1.0)
    assert 1.0 / np.diff(recording.times_s).mean() == pytest.approx(125.0, rel=0.08)
    assert int(recording.conditions["missed_deadlines"]) == pytest.approx(380, abs=12)


def test_markers_know_their_times():
    clock = Clock()
    sampler = Sampler(
        FakeMeter(clock), interval_s=0.01, clock=clock, sleep=lambda _: time.sleep(1e-4), most_s=1e6
    )  # the clock moves by sweeps only
    begin = sampler.now_s
    with sampler.marked("matrix", device=1, words={"precision": "bf16"}, figures={"m": 8192.0}) as marking:
        clock.sleep(0.25)
        marking.figures["times"] = 12.0

    def idle():
        with sampler.marked("idle"):
            clock.sleep(0.1)

    other = threading.Thread(target=idle)
    other.start()
    other.join()
    with pytest.raises(ZeroDivisionError), sampler.marked("wait"):
        raise ZeroDivisionError
    while not sampler.samples:
        time.sleep(1e-3)
    recording = sampler.stop()
    assert [one.activity for one in recording.markers] == ["matrix", "idle"]
    matrix, idle = recording.markers
    assert matrix.begin_s >= begin
    assert matrix.end_s - matrix.begin_s >= 0.25
    assert idle.begin_s >= matrix.end_s
    assert (matrix.device, matrix.words, matrix.figures) == (1, {"precision": "bf16"}, {"m": 8192.0, "times": 12.0})


def test_stopping_does_not_wait_for_the_next_sample(tmp_path):
    clock = Clock()
    sampler = Sampler(FakeMeter(clock), interval_s=3600.0)
    while not sampler.samples:
        time.sleep(1e-3)
    begin = time.monotonic()
    recording = sampler.stop()
    assert time.monotonic() - begin < 5.0
    write_recording(tmp_path / "one.parquet", recording)
    assert read_recording(tmp_path / "one.parquet").times_s.size == 1


def test_a_device_that_is_lost_ends_the_recording_and_what_there_was_stays():
    recording = sampled(lost_after=200)
    assert recording.times_s.size == 200
    assert recording.conditions["ended_early"] == "gpu0: power_w: GPU is lost"
    with pytest.raises(InputError, match="GPU is lost"):
        sampled(lost_after=0)


def test_a_fault_of_the_meter_is_raised():
    clock = Clock()
    meter = FakeMeter(clock)
    meter.read = lambda: 1 / 0
    sampler = Sampler(meter, interval_s=0.1, clock=clock, sleep=clock.sleep, most_s=1.0)
    with pytest.raises(ZeroDivisionError):
        sampler.stop()


def test_an_interval_is_above_zero():
    with pytest.raises(InputError, match="above 0"):
        Sampler(FakeMeter(Clock()), interval_s=0.0)


@pytest.mark.parametrize(
    ("more", "interval", "why"),
    [
        ({"refresh_s": 0.1}, 0.02, "a fifth of the refresh of 100 ms"),
        ({"refresh_s": 0.025}, 0.005, "a fifth of the refresh of 25 ms"),
        ({"refresh_s": 0.1, "sweep_s": 0.02}, 0.025, "a sweep takes 20 ms"),
        ({"refresh_s": 1.0}, 0.01, "the refresh was not found in 4 s"),
    ],
)
def test_the_interval_is_a_fifth_of_the_refresh_but_no_less_than_a_sweep(more, interval, why):
    clock = Clock()
    pace = pace_of(FakeMeter(clock, **more), clock=clock, sleep=clock.sleep)
    assert pace.interval_s == pytest.approx(interval, rel=0.05)
    assert why in pace.why
    assert pace.sweep_s == pytest.approx(more.get("sweep_s", 0.0005))
