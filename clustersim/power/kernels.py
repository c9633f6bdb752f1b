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
    lowest: float,
    highest: float,
    charge0: float,
    rest: float,
    rest_gain: float,
    eta: float,
    out: Floats,
    charge: Floats,
) -> tuple[float, float]:
    """Run the site battery under its controller at a fixed step; return its loss and what it was short of.

    The meter's target is a first-order low-pass of the load; the battery is asked for ``load - target`` plus a slow
    return of its charge to `rest`, after a delay and through a first-order lag, within +-`limit` and with `lowest` to
    `highest` stored. `out` is the power at its terminals, positive when it discharges; `charge` the stored energy after
    each step. It is short of what the limit clips off and what the store cannot give or take.
    """
    stored = charge0
    response = 0.0
    lost = 0.0
    short = 0.0
    a_target = 1.0 - np.exp(-dt / target_tau)
    a_lag = 1.0 - np.exp(-dt / lag_tau)
    queue = np.zeros(delay_steps + 1)
    for i in range(load.shape[0]):
        target += a_target * (load[i] - target)
        queue[i % (delay_steps + 1)] = load[i] - target + rest_gain * (stored - rest)
        wanted = queue[(i + 1) % (delay_steps + 1)]
        asked = min(max(wanted, -limit), limit)
        response += a_lag * (asked - response)
        if response > 0.0:
            power = min(response, max(stored - lowest, 0.0) * eta / dt)
            moved = power / eta * dt
            stored -= moved
            lost += moved - power * dt
        else:
            power = max(response, -max(highest - stored, 0.0) / eta / dt)
            moved = -power * eta * dt
            stored += moved
            lost += -power * dt - moved
        short += (abs(wanted - asked) + abs(response - power)) * dt
        out[i] = power
        charge[i] = stored
    return lost, short
