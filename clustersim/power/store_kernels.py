"""Compiled store of energy behind a low-pass, exact for piecewise-constant load, load bank, and rainflow counting."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CHARGED, DISCHARGED, LOSS, MISSED = 0, 1, 2, 3
"""Totals of a store: energy in and out at its terminals, lost, and asked for but not done. [J]"""


@njit(cache=True)
def move(asked: float, stored: float, capacity: float, eta: float, totals: Floats) -> tuple[float, float]:
    """Give (`asked` > 0) or take energy at the terminals as far as the store allows; return what was done, and stored.

    ``stored' = stored - given / eta`` or ``stored + taken eta``; what is between is lost.
    """
    if asked > 0.0:
        done = min(asked, stored * eta)
        left = max(stored - done / eta, 0.0) if done < asked else stored - done / eta
        totals[DISCHARGED] += done
        totals[LOSS] += done / eta - done
        totals[MISSED] += asked - done
        return done, left
    wanted = -asked
    taken = min(wanted, (capacity - stored) / eta)
    left = min(stored + taken * eta, capacity) if taken < wanted else stored + taken * eta
    totals[CHARGED] += taken
    totals[LOSS] += taken - taken * eta
    totals[MISSED] += wanted - taken
    return -taken, left


@njit(cache=True)
def follow(
    load: Floats,
    dt: float,
    tau: float,
    limit: float,
    capacity: float,
    charge: float,
    rest: float,
    gain: float,
    eta: float,
    target: float,
    out: Floats,
    stored: Floats,
    totals: Floats,
) -> float:
    """Write the bin means behind the store to `out` and its energy to `stored`; return the low-pass at the end.

    The target y is a first-order low-pass of the load x, so that within a bin ``x - y = d exp(-t / tau)``. The store is
    asked for that and for ``s = gain (energy - rest)``, which is held over a bin and no more than keeps ``y - s``
    within the load so far and its start; it gives within +-`limit` and 0 to `capacity`. What is asked passes through 0
    and +-limit at most once each in a bin; between those times its sign does not change and its integral is known, and
    with the sign the energy that the store can give is known as well.
    """
    keep = np.exp(-dt / tau)
    cuts = np.empty(5)
    levels = np.empty(3)
    levels[0], levels[1], levels[2] = limit, 0.0, -limit
    low = high = target
    for i in range(load.shape[0]):
        x = load[i]
        low, high = min(low, x), max(high, x)
        d = x - target
        ends = x - d * keep
        s = min(max(gain * (charge - rest), max(target, ends) - high), min(target, ends) - low)
        a, z = d + s, d * keep + s
        if a * z >= 0.0 and abs(a) <= limit and abs(z) <= limit:
            done, charge = move(d * tau * (1.0 - keep) + s * dt, charge, capacity, eta, totals)
        elif min(a, z) >= limit or max(a, z) <= -limit:
            asked = limit * dt if a > 0.0 else -limit * dt
            totals[MISSED] += abs(d * tau * (1.0 - keep) + s * dt - asked)
            done, charge = move(asked, charge, capacity, eta, totals)
        else:
            count = 1
            cuts[0] = 0.0
            # what is asked goes from a to z without turning: its levels are passed in order
            for j in range(3):
                v = levels[j] if a > z else levels[2 - j]
                if (v - a) * (v - z) < 0.0:
                    cuts[count] = min(max(tau * np.log(d / (v - s)), cuts[count - 1]), dt)
                    count += 1
            cuts[count] = dt
            done = 0.0
            for j in range(count):
                p, q = cuts[j], cuts[j + 1]
                whole = d * tau * (np.exp(-p / tau) - np.exp(-q / tau)) + s * (q - p)
                middle = d * np.exp(-0.5 * (p + q) / tau) + s
                asked = whole
                if middle > limit:
                    asked = limit * (q - p)
                elif middle < -limit:
                    asked = -limit * (q - p)
                totals[MISSED] += abs(whole - asked)
                part, charge = move(asked, charge, capacity, eta, totals)
                done += part
        target = ends
        out[i] = x - done / dt
        stored[i] = charge
    return target


@njit(cache=True)
def low_pass(load: Floats, dt: float, tau: float, start: float, mean: Floats, last: Floats) -> None:
    """Write the exact bin means of the low-pass of a piecewise-constant load, and its values at bin ends."""
    keep = np.exp(-dt / tau)
    share = tau * (1.0 - keep) / dt
    y = start
    for i in range(load.shape[0]):
        d = load[i] - y
        mean[i] = load[i] - d * share
        y = load[i] - d * keep
        last[i] = y


@njit(cache=True)
def swing_and_ramps(power: Floats, lag: int) -> tuple[float, float, float]:
    """Return max - min of a record, and the largest rise and fall between samples `lag` apart."""
    low = high = power[0]
    up = down = 0.0
    for i in range(power.shape[0]):
        low, high = min(low, power[i]), max(high, power[i])
    for i in range(lag, power.shape[0]):
        change = power[i] - power[i - lag]
        up, down = max(up, change), max(down, -change)
    return high - low, up, down


@njit(cache=True)
def bank(
    load: Floats, dt: float, limit: float, floor: float, ramp: float, level: float, out: Floats, totals: Floats
) -> float:
    """Write the bin means of a site that a load bank holds up to `out`; return the level of its envelope at the end.

    The envelope f jumps up with the load and falls at `ramp`; the bank burns ``min(max(floor, f) - x, limit)`` where
    that is positive. `totals` adds up what it burned, what it lacked, and for how long it burned.
    """
    for i in range(load.shape[0]):
        x = load[i]
        level = max(level, x)
        gap = max(floor - x, 0.0)
        a, z = level - x, max(level - ramp * dt, x) - x
        # time in which the envelope is above what the floor asks for anyway, from its antiderivative
        above = max(a - gap, 0.0)
        fall = min(dt, above / ramp)
        end = above - ramp * fall
        extra = 0.5 * (above + end) * fall
        room = max(limit - gap, 0.0)
        lacking = max(gap - limit, 0.0) * dt
        hidden = 0.0
        if above > room:
            span = min(fall, (above - room) / ramp)
            hidden = 0.5 * (above - room + max(above - ramp * span - room, 0.0)) * span
        burned = min(gap, limit) * dt + extra - hidden
        totals[0] += burned
        totals[1] += lacking + hidden
        totals[2] += dt if gap > 0.0 else fall
        out[i] = x + burned / dt
        level = x + z
    return level


@njit(cache=True)
def rainflow(values: Floats, depth: Floats, count: Floats) -> int:
    """Count cycles of a record by ASTM E1049-85, section 5.4.4; return how many entries of `depth`, `count` are used.

    `depth` and `count` must be as long as `values`.
    """
    turns = np.empty(values.shape[0])
    points = 0
    for v in values:
        if points > 0 and v == turns[points - 1]:
            continue
        # compared and not multiplied: a product of two small differences is no number
        if points > 1 and (turns[points - 1] > turns[points - 2]) == (v > turns[points - 1]):
            turns[points - 1] = v
        else:
            turns[points] = v
            points += 1
    stack = np.empty(points)
    size = found = 0
    for i in range(points):
        stack[size] = turns[i]
        size += 1
        while size > 2:
            new = abs(stack[size - 1] - stack[size - 2])
            old = abs(stack[size - 2] - stack[size - 3])
            if new < old:
                break
            depth[found] = old
            if size == 3:
                count[found] = 0.5
                stack[0], stack[1] = stack[1], stack[2]
                size = 2
            else:
                count[found] = 1.0
                stack[size - 3] = stack[size - 1]
                size -= 2
            found += 1
    for i in range(size - 1):
        depth[found] = abs(stack[i + 1] - stack[i])
        count[found] = 0.5
        found += 1
    return found
