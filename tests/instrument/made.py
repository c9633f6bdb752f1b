"""Records of a device whose levels, lag and sensor are known."""

from __future__ import annotations

import numpy as np

from clustersim.instrument.recording import Device, Marker, Recording
from clustersim.instrument.schedule import UNMARKED, schedule_of, shares

LEVELS = {"matrix": 650.0, "memory": 500.0, "wait": 155.0, "context": 120.0, "idle": 75.0, UNMARKED: 118.0}


def named(marker):
    return marker.activity


def duty(count=80, seed=0, begin=1.0, shortest=0.02, longest=1.5):
    """Square waves of irregular periods."""
    rng = np.random.default_rng([7, seed])
    made, now = [], begin
    for period in np.exp(rng.uniform(np.log(shortest), np.log(longest), count)):
        for activity in ("matrix", "context"):
            made.append(Marker(activity=activity, begin_s=now, end_s=now + period / 2))
            now += period / 2
    return tuple(made)


def runs(labels, seconds=3.0, repeats=4, seed=0, begin=1.0, gap=0.2):
    """Every label `repeats` times, in shuffled order."""
    order = np.random.default_rng([8, seed]).permutation(np.repeat(labels, repeats))
    return tuple(
        Marker(activity=str(one), begin_s=begin + at * (seconds + gap), end_s=begin + at * (seconds + gap) + seconds)
        for at, one in enumerate(order)
    )


def recorded(
    markers, window=0.025, refresh=0.1, delay=0.01, lag=0.007, noise=2.0, poll=0.0047, seed=0, levels=None, label=named,
    step=0.001, name="NVIDIA H100 80GB HBM3", source="made",
):  # fmt: skip
    """What is read of a device by a sensor that publishes every `refresh` the mean over `window`, `delay` later."""
    rng = np.random.default_rng([9, seed])
    schedule = schedule_of(markers, label)
    level = np.array([(levels or LEVELS)[one] for one in schedule.labels])
    end = max(one.end_s for one in markers) + 0.5
    there = np.arange(rng.uniform(0.0, refresh), end, refresh)
    published = shares(schedule, lag, there - delay - window, there - delay) @ level
    published = np.round((published + rng.normal(0.0, noise, there.size)) / step) * step
    asked = poll * (np.arange(int(end / poll)) + rng.uniform(-0.2, 0.2, int(end / poll))) + refresh
    watts = published[np.searchsorted(there, asked, side="right") - 1]
    device = Device(index=0, name=name, limit_w=700.0, rated_w=700.0)
    return Recording("made", source, (device,), asked, {"power_w": watts[:, None]}, markers)
