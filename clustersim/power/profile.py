"""Start and end of a job under the device's power-smoothing profile, for accelerators that act together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def _clipped_ramp_mean(
    edges: NDArray[np.float64], start_s: float, rate: float, low: float, high: float
) -> NDArray[np.float64]:
    """Exact bin means of ``clip(low + rate (t - start), low, high)`` from its antiderivative. [W]"""
    span = (high - low) / rate
    x = np.clip(edges - start_s, 0.0, span)
    past = np.maximum(edges - start_s - span, 0.0)
    integral = low * edges + 0.5 * rate * x**2 + (high - low) * past
    return np.asarray(np.diff(integral) / np.diff(edges))


def ramp_down(
    power_w: NDArray[np.float64],
    dt_s: float,
    end_s: float,
    floor_w: float,
    idle_w: float,
    ramp_w_per_s: float,
    hysteresis_s: float,
) -> NDArray[np.float64]:
    """Power of accelerators whose job ends at `end_s`: the floor is held, then falls at the ramp rate.

    ``max(P, floor)`` until ``end + hysteresis``, then ``max(P, floor - ramp (t - end - hysteresis))``.

    Parameters
    ----------
    power_w : ndarray, shape (n,)
        Bin means without the profile's end. [W]
    dt_s, end_s, hysteresis_s : float
        Bin width, end of the job, time for which the floor is held. [s]
    floor_w, idle_w, ramp_w_per_s : float
        Floor and idle power of all accelerators together, and the ramp. [W], [W], [W/s]
    """
    edges = np.asarray(dt_s * np.arange(power_w.size + 1), dtype=np.float64)
    held = floor_w + idle_w - _clipped_ramp_mean(edges, end_s + hysteresis_s, ramp_w_per_s, idle_w, floor_w)
    after = edges[:-1] >= end_s - 1e-9
    return np.where(after, np.maximum(power_w, held), power_w)


def ramp_up(
    power_w: NDArray[np.float64], dt_s: float, start_s: float, idle_w: float, full_w: float, ramp_w_per_s: float
) -> NDArray[np.float64]:
    """Power of accelerators whose job starts at `start_s`: it may not pass a ceiling that rises at the ramp rate.

    ``min(P, idle + ramp (t - start))`` until the ceiling reaches `full_w`; what is cut off is work that the job loses.
    """
    edges = np.asarray(dt_s * np.arange(power_w.size + 1), dtype=np.float64)
    ceiling = _clipped_ramp_mean(edges, start_s, ramp_w_per_s, idle_w, full_w)
    after = edges[1:] > start_s
    return np.where(after, np.minimum(power_w, ceiling), power_w)
