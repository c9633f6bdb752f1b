"""Heat and cooling of a site over the stretches of a horizon, each at a constant IT power."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim.plant import CoolingHistory, cooling_history, released_w, settled_heat, steady_cooling
from clustersim.study.site.study import SiteStudy

AGREED = 1e-10
"""Change of the scales of the cooling at which heat and what makes it agree. [-]"""
_ROUNDS = 50


@dataclass(frozen=True)
class CooledStates:
    """What the cooling of a site takes in and draws, state by state."""

    heat_w: dict[str, float]
    """IT power, fans and losses inside the cooled rooms. [W]"""
    power_w: dict[str, float]
    """Settled cooling, scaled so that all states add up to the energy of `history`. [W]"""
    before_w: float
    """Heat at which the loop had settled before. [W]"""
    apart_w: float
    """Largest difference between a state's heat and what makes it: rounding, but where units are switched on and off
    and no heat agrees. [W]"""
    history: CoolingHistory


def cooled_states(
    study: SiteStudy, site: str, it_w: dict[str, float], spans: tuple[tuple[str, float], ...], before_it_w: float
) -> CooledStates:
    """Return heat and cooling of a site in each state, and the loop over all stretches.

    Fans and losses inside are those at the scaled cooling, so that over all states heat is IT power, fans and losses
    exactly; as the loop warms and the weather moves, that takes a few rounds.

    Parameters
    ----------
    study : SiteStudy
        Gives plant and cooling.
    site : str
        Name of the site.
    it_w : dict of str to float
        IT power in each state. [W]
    spans : tuple of (str, float)
        State and duration [s] of each stretch, in the order of time.
    before_it_w : float
        IT power at which the loop had settled before. [W]
    """
    plant, cooling = study.place.topology.electrical[site], study.place.topology.cooling[site]
    length = np.array([s for _, s in spans])
    seconds = {state: sum(s for name, s in spans if name == state) for state in it_w}
    before = settled_heat(plant, cooling, before_it_w)
    scale = (1.0, 1.0)
    for _ in range(_ROUNDS):
        heat = {state: settled_heat(plant, cooling, watts, scale=scale) for state, watts in it_w.items()}
        past = cooling_history(cooling, np.array([heat[name] for name, _ in spans]), length, before)
        settled = {state: steady_cooling(cooling, watts) for state, watts in heat.items()}
        power_j = sum(seconds[state] * settled[state].power_w for state in it_w)
        rejected_j = sum(seconds[state] * settled[state].rejected_w for state in it_w)
        known, scale = scale, (_over(past.energy_j, power_j), _over(past.rejected_j, rejected_j))
        if heat == it_w or max(abs(new - old) for new, old in zip(scale, known, strict=True)) <= AGREED:
            break
    power = {state: scale[0] * found.power_w for state, found in settled.items()}
    made = {
        state: released_w(plant, cooling, it_w[state], power[state], scale[1] * found.rejected_w)
        for state, found in settled.items()
    }
    apart = max(abs(float(made[state]) - heat[state]) for state in it_w)
    return CooledStates(heat, power, before, apart, past)


def _over(energy_j: float, settled_j: float) -> float:
    return energy_j / settled_j if settled_j > 0.0 else 0.0
