"""Compiled controller of the site battery."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@njit(cache=True)
def battery_follow(
    load: Floats,
    target: float,
    dt: float,
    target_tau: float,
    delay_steps: int,
    lag_tau: float,
    limit: float,
    energy: float,
    charge0: float,
    eta: float,
    rest_gain: float,
    out: Floats,
    charge: Floats,
) -> float:
    """Site battery under its controller at a fixed step.

    The meter's target is a first-order low-pass of the load; the battery is asked for ``load - target`` plus a slow
    return to its initial charge, after a delay and through a first-order lag, within power and energy. `out` is the
    power at its terminals, positive when it discharges; `charge` the stored energy after each step. Returns the loss.
    """
    stored = charge0
    response = 0.0
    lost = 0.0
    a_target = 1.0 - np.exp(-dt / target_tau)
    a_lag = 1.0 - np.exp(-dt / lag_tau)
    queue = np.zeros(delay_steps + 1)
    for i in range(load.shape[0]):
        target += a_target * (load[i] - target)
        queue[i % (delay_steps + 1)] = load[i] - target + rest_gain * (stored - charge0)
        asked = min(max(queue[(i + 1) % (delay_steps + 1)], -limit), limit)
        response += a_lag * (asked - response)
        if response > 0.0:
            power = min(response, stored * eta / dt)
            moved = power / eta * dt
            stored -= moved
            lost += moved - power * dt
        else:
            power = max(response, -(energy - stored) / eta / dt)
            moved = -power * eta * dt
            stored += moved
            lost += -power * dt - moved
        out[i] = power
        charge[i] = stored
    return lost
