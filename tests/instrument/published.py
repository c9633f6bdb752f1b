"""Readings as a sensor shows them: a new one every so often, asked for on another clock."""

from __future__ import annotations

import numpy as np


def asked(seed, refresh_s, polling_s, jitter_s, quantum_w, noise_w, duration_s, strays=0.0, walks=0.0):
    """Return times and readings; new ones stray by shares of the refresh, each by itself or for good."""
    rng = np.random.default_rng(seed)
    count = int(duration_s / refresh_s) + 3
    new = refresh_s * (np.arange(count) - 1 + rng.random() + strays * rng.uniform(-1, 1, count))
    new += refresh_s * walks * np.cumsum(rng.standard_normal(count))
    shown = np.round((400.0 + noise_w * rng.standard_normal(count)) / quantum_w) * quantum_w
    times = np.arange(0.0, duration_s, polling_s)
    times = np.unique(times + jitter_s * rng.uniform(-1, 1, times.size))
    times -= times[0]
    return times, shown[np.clip(np.searchsorted(new, times, side="right") - 1, 0, None)]
