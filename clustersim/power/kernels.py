"""Compiled controller of the site battery."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@njit(cache=True)
def battery_follow(
    load: Floats,
    parts: int,
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
) -> tuple[float, float, float]:
    """Run the site battery under its controller, `parts` steps of `dt` in each bin of the load.

    Returns its loss, what went through its terminals, and what it was short of. [J]

    The meter's target is a first-order low-pass of the load; the battery is asked for ``load - target`` plus a slow
    return of its charge to `rest`, after a delay and through a first-order lag, within +-`limit` and with `lowest` to
    `highest` stored. `out` is the mean power at its terminals in each bin, positive when it discharges; `charge` the
    stored energy at the end of each bin. It is short of what the limit clips off and the store
    cannot give or take. It starts settled: delay and lag hold what the first bin asks for, since a window cut out of a
    load that goes on has no step where it begins.
    """
    stored = charge0
    lost = 0.0
    short = 0.0
    through = 0.0
    a_target = 1.0 - np.exp(-dt / target_tau)
    a_lag = 1.0 - np.exp(-dt / lag_tau)
    first = load[0] - target + rest_gain * (stored - rest)
    queue = np.full(delay_steps + 1, first)
    response = min(max(first, -limit), limit)
    newest = 0
    for i in range(load.shape[0]):
        watts = load[i]
        total = 0.0
        for _ in range(parts):
            target += a_target * (watts - target)
            queue[newest] = watts - target + rest_gain * (stored - rest)
            newest = 0 if newest == delay_steps else newest + 1
            wanted = queue[newest]
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
            through += abs(power)
            total += power
        out[i] = total / parts
        charge[i] = stored
    return lost, through * dt, short
