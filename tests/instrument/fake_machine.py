"""A machine and a recorder on a virtual clock, of which everything is known."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np

from clustersim.errors import InputError
from clustersim.instrument.machine import Beside, Done
from clustersim.instrument.recording import Device, Marker, Recording
from clustersim.instrument.turns import keep_share

HOST_S = 20e-6
"""That a call takes on the host beside what it does."""
FLOPS = 4e14
BYTES_PER_S = 2.5e12
SLOWED = 0.25
"""Of the copies, where products run all the time."""


class VirtualMachine:
    """Does nothing, and takes the time that it would take."""

    def __init__(self, precisions=("bf16", "fp16", "tf32", "fp32", "fp8"), spins=True):
        self.time_s = 100.0
        self.precisions = precisions
        self.spins = spins
        self.conditions = {"torch": "none", "accelerator": "virtual"}
        self.asked = []
        self.busy_s = 0.0
        """Of products. [s]"""

    def now(self):
        return self.time_s

    def synchronise(self):
        pass

    def close(self):
        self.asked.append("close")

    def prepare_product(self, m, n, k, precision):
        if precision not in self.precisions:
            raise InputError(f"no products in {precision}")
        return 2.0 * m * n * k / FLOPS

    def prepare_stream(self, array_bytes):
        return 3.0 * array_bytes / BYTES_PER_S

    def prepare_copy(self, array_bytes):
        return 2.0 * array_bytes / BYTES_PER_S

    def prepare_spin(self, blocks):
        if not self.spins:
            raise InputError("no kernels that wait")
        return 0.5e-3

    def _times(self, each_s, seconds, moved=0.0):
        count = max(1, round(seconds / each_s))
        self.time_s += count * each_s + HOST_S
        return Done(count, count * each_s, count * moved)

    def product(self, m, n, k, precision, seconds):
        self.asked.append(("product", m, n, k, precision))
        done = self._times(self.prepare_product(m, n, k, precision), seconds)
        self.busy_s += done.seconds
        return done

    def stream(self, array_bytes, seconds):
        self.asked.append(("stream", array_bytes))
        return self._times(self.prepare_stream(array_bytes), seconds, 3.0 * array_bytes)

    def spin(self, blocks, seconds):
        self.asked.append(("spin", blocks))
        return self._times(self.prepare_spin(blocks), seconds)

    def idle(self, seconds):
        self.time_s += seconds
        return Done(1, seconds)

    def copy_beside(self, array_bytes, m, n, k, precision, share, turn_s, seconds):
        self.asked.append(("copy", array_bytes, share))
        begin, each = self.time_s, self.prepare_product(m, n, k, precision)
        done = keep_share(
            lambda time_s: self.product(m, n, k, precision, time_s), self.idle, self.now,
            share=share, each_s=each, turn_s=turn_s, seconds=seconds,
        )  # fmt: skip
        spent = self.time_s - begin
        rate = BYTES_PER_S * (1.0 - SLOWED * done.seconds / spent)
        count = round(rate * spent / (2.0 * array_bytes))
        return Beside(done, Done(count, spent, rate * spent))


class VirtualSampler:
    """Keeps markers by the clock of a machine, from when it was made; what it records is 100 W, with products 400 W."""

    def __init__(self, machine, devices=1):
        self.machine = machine
        self.begin_s = machine.now()
        self.devices = devices
        self.markers = []

    @contextmanager
    def marked(self, activity, *, device=0, words=None, figures=None):
        begin, found = self.machine.now() - self.begin_s, dict(figures or {})
        yield SimpleNamespace(figures=found)
        end = self.machine.now() - self.begin_s
        made = Marker(
            activity=activity, begin_s=begin, end_s=end, device=device, words=dict(words or {}), figures=found
        )
        self.markers.append(made)

    def stop(self):
        times = np.arange(0.0, self.machine.now() - self.begin_s, 1e-3)
        power = np.full((times.size, self.devices), 100.0)
        for one in self.markers:
            if one.activity == "matrix":
                power[(times >= one.begin_s) & (times < one.end_s), one.device] = 400.0
        named = tuple(Device(index=at, name="virtual accelerator") for at in range(self.devices))
        return Recording("made", "virtual", named, times, {"power_w": power}, tuple(self.markers))
