"""Launches keep a device busy for as long as asked, by the device's clock, whatever was believed of them before."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim.instrument.launches import AHEAD_S, Launch, repeated, wait_until


class Device:
    """Works in order behind the host, whose calls take no time."""

    def __init__(self, each_s):
        self.each_s = each_s
        self.end_s = self.host_s = 0.0
        self.ahead_s = 0.0
        self.starved = 0

    def issue(self):
        self.starved += self.host_s > self.end_s
        self.end_s = max(self.end_s, self.host_s) + self.each_s
        self.ahead_s = max(self.ahead_s, self.end_s - self.host_s)

    def mark(self):
        return max(self.end_s, self.host_s)

    def wait(self, mark):
        self.host_s = max(self.host_s, mark)

    def between(self, begin, end):
        return end - begin


@given(st.floats(1e-4, 0.3), st.floats(0.0, 2.0), st.sampled_from([1, 7]), st.floats(0.3, 3.0))
def test_it_lasts_as_long_as_asked(each, seconds, pieces, belief):
    device = Device(each * pieces)
    launch = Launch(device.issue, pieces, belief * each, moved_bytes=5.0)
    done = repeated(launch, device, seconds)
    assert done.repetitions % pieces == 0
    assert done.seconds == pytest.approx(done.repetitions * each)
    assert done.moved_bytes == 5.0 * done.repetitions
    assert launch.each_s == pytest.approx(each)
    # what was issued in the false belief that pieces are shorter cannot be taken back
    excess = 2.0 * (AHEAD_S / min(belief, 1.0) + each * pieces)
    assert seconds - 0.51 * each * pieces <= done.seconds + 1e-9
    assert done.seconds <= seconds + excess
    assert device.host_s == pytest.approx(device.end_s)


def test_the_device_never_waits_for_the_host_until_the_end():
    device = Device(1e-3)
    repeated(Launch(device.issue, 1, 1e-3), device, 2.0)
    assert device.starved == 0
    assert device.ahead_s <= 2.0 * AHEAD_S + 1e-9


def test_it_ends_when_told():
    device = Device(1e-3)
    done = repeated(Launch(device.issue, 1, 1e-3), device, math.inf, lambda: device.host_s > 0.5)
    assert 0.5 < done.seconds < 0.6


def test_a_wait_ends_at_its_time():
    end = time.perf_counter() + 0.003
    wait_until(end)
    assert time.perf_counter() >= end
    wait_until(end)
