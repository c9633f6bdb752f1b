"""Heat and cooling of a site over the stretches of a horizon, each at a constant IT power."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim.plant import CoolingHistory, cooling_history, released_w, settled_heat, steady_cooling
from clustersim.study.site.study import SiteStudy

AGREED = 1e-10
"""Change of the scale of the cooling's power at which heat and what makes it agree. [-]"""
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

    The losses inside are those at the scaled cooling; where the weather moves the cooling's power, that takes a few
    rounds. The fans inside are those of each state's settled loop, so that no state knows of a later one: while the
    loop warms or cools their heat is early, by their share of what it stores.

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
    scale = 1.0
    for _ in range(_ROUNDS):
        heat = {state: settled_heat(plant, cooling, watts, scale=scale) for state, watts in it_w.items()}
        past = cooling_history(cooling, np.array([heat[name] for name, _ in spans]), length, before)
        settled = {state: steady_cooling(cooling, watts) for state, watts in heat.items()}
        settled_j = sum(seconds[state] * settled[state].power_w for state in it_w)
        known, scale = scale, past.energy_j / settled_j if settled_j > 0.0 else 0.0
        if heat == it_w or abs(scale - known) <= AGREED:
            break
    power = {state: scale * found.power_w for state, found in settled.items()}
    made = {
        state: released_w(plant, cooling, it_w[state], power[state], found.rejected_w)
        for state, found in settled.items()
    }
    apart = max(abs(float(made[state]) - heat[state]) for state in it_w)
    return CooledStates(heat, power, before, apart, past)
