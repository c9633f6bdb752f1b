"""Compiled controller of the site battery."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@njit(cache=True)
def battery_follow(
    load: Floats,
    run_in: int,
    parts: int,
    target: float,
    dt: float,
    target_tau: float,
    delay_steps: int,
    lag_tau: float,
    lead_tau: float,
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

    The meter's target is a first-order low-pass of the load; the battery is to give ``load - target`` plus a slow
    return of its charge to `rest`, after a delay, within +-`limit` and with `lowest` to `highest` stored. Its converter
    follows what is asked of it through a first-order lag; the controller leads it, as far as `limit` allows, so that
    the power follows with `lead_tau` where that is shorter. `out` is the mean power at its terminals in each bin,
    positive when it discharges; `charge` the stored energy at the end of each bin. It is short of what the limit clips
    off and the store cannot give or take. Delay and lag start settled on what the first bin asks for; in the leading
    `run_in` bins nothing is stored or counted and the target is held, and `out` and `charge` begin after them.
    """
    stored = charge0
    lost = 0.0
    short = 0.0
    through = 0.0
    a_target = 1.0 - np.exp(-dt / target_tau)
    a_lag = 1.0 - np.exp(-dt / lag_tau)
    a_lead = max(a_lag, 1.0 - np.exp(-dt / lead_tau))
    first = load[0] - target + rest_gain * (stored - rest)
    queue = np.full(delay_steps + 1, first)
    response = min(max(first, -limit), limit)
    wanted_power = response
    newest = 0
    for i in range(load.shape[0]):
        watts = load[i]
        live = i >= run_in
        total = 0.0
        for _ in range(parts):
            if live:
                target += a_target * (watts - target)
            queue[newest] = watts - target + rest_gain * (stored - rest)
            newest = 0 if newest == delay_steps else newest + 1
            wanted = queue[newest]
            asked = min(max(wanted, -limit), limit)
            wanted_power += a_lead * (asked - wanted_power)
            led = response + (wanted_power - response) / a_lag
            response += a_lag * (min(max(led, -limit), limit) - response)
            if not live:
                continue
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
        if live:
            out[i - run_in] = total / parts
            charge[i - run_in] = stored
    return lost, through * dt, short
