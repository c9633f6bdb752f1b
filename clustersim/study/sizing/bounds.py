"""What storage must have at the very least, in closed form: held beside what the search finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.limits import Rule
from clustersim.limits.spec import given
from clustersim.power.records import coarsen
from clustersim.study.sizing.prepared import Prepared


@dataclass(frozen=True)
class Bound:
    """Least power and energy of a store for one rule at one site, were it lossless, instant and always half full."""

    rule: str
    site: str
    swing_w: float
    """Of the load without storage: what the rule's figure is of. [W]"""
    power_w: float
    energy_j: float
    formula: str


def bounds(prepared: Prepared) -> tuple[Bound, ...]:
    """Return the bounds of the rules on ramps and ranges, site by site.

    - A step ``dP`` held to a ramp ``R``: the store gives or takes ``dP - R t``, so ``E = dP^2 / (2 R)`` and, a change
      within the lag being free, ``P = dP - R lag``.
    - A load that repeats, held to a range ``L`` in windows longer than its period: a store that clips ``a`` off both
      ends needs ``P = (swing - L) / 2`` and the energy of the longest piece that it clips.
    """
    found = []
    for rule in prepared.rules:
        for site in prepared.space.sites:
            if rule.measure == "ramp":
                found += _of_ramp(prepared, rule, site)
            elif rule.measure == "range":
                found += _of_range(prepared, rule, site)
    return tuple(found)


def _of_ramp(prepared: Prepared, rule: Rule, site: str) -> list[Bound]:
    rate, lag = rule.limit_si, given(rule.lag)
    steps = [0.0]
    for power in prepared.windows[1:]:
        wave = power.waveform
        load = wave.power(site)
        count = round(5.0 / wave.dt_s)
        steps.append(abs(float(load[-count:].mean()) - float(load[:count].mean())))
    step = max(steps)
    if step <= rate * lag:
        return []
    return [Bound(rule.id, site, step, step - rate * lag, step**2 / (2.0 * rate), "dP^2 / (2 R)")]


def _of_range(prepared: Prepared, rule: Rule, site: str) -> list[Bound]:
    wave = prepared.windows[0].waveform
    merged = max(1, round(0.1 / wave.dt_s))
    load, dt = coarsen(wave.power(site), merged), merged * wave.dt_s
    low, high = np.percentile(load, (0.5, 99.5))
    swing = float(high - low)
    if swing <= rule.limit_si:
        return []
    power = (swing - rule.limit_si) / 2.0
    above, below = np.maximum(load - (high - power), 0.0), np.maximum(low + power - load, 0.0)
    energy = max(_longest(above), _longest(below)) * dt
    return [Bound(rule.id, site, swing, power, energy, "(swing - L) / 2, longest piece clipped")]


def _longest(clipped: NDArray[np.float64]) -> float:
    """Return the largest sum over a run of samples above zero."""
    total = np.concatenate(([0.0], np.cumsum(clipped)))
    starts = np.flatnonzero(np.diff(np.concatenate(([0], (clipped > 0.0).astype(int)))) == 1)
    ends = np.flatnonzero(np.diff(np.concatenate(((clipped > 0.0).astype(int), [0]))) == -1) + 1
    return float((total[ends] - total[starts]).max()) if starts.size else 0.0
