"""Heat of a site's cooled rooms: IT power, fans of the halls, and what the conversion stages inside them lose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.plant.cooling import CoolingResponse, cooling_response, steady_cooling
from clustersim.plant.cooling_units import hall_fan_share
from clustersim.plant.losses import equipment_reactive
from clustersim.plant.spec import SiteCoolingSpec, SitePlantSpec
from clustersim.plant.stages import Stage, stages_of, upward_flows
from clustersim.plant.weather import Air

Floats = NDArray[np.float64]

TOLERANCE = 1e-10
"""Heat and losses agree to this part of the largest heat. [-]"""
_ROUNDS = 50
"""Most rounds; each leaves at most a tenth of the disagreement. [-]"""


@dataclass(frozen=True)
class Drawn:
    """What the cooling does at a heat; arrays of one shape."""

    power_w: Floats
    """Electrical power. [W]"""
    rejected_w: Floats
    """Heat that it takes away. [W]"""
    follows: ArrayLike = 0.0
    """Watts that it takes away of one more watt of heat, as far as that is known; the rounds are fewer with it. [-]"""

    @classmethod
    def settled(
        cls,
        cooling: SiteCoolingSpec,
        heat_w: float,
        outdoor: Air | None = None,
        scale: float = 1.0,
    ) -> Drawn:
        """Return settled cooling at a heat [W]; `scale` is a factor on its power."""
        state = steady_cooling(cooling, heat_w, outdoor)
        follows = 1.0 if state.shortfall_w == 0.0 else 0.0
        return cls(np.asarray(scale * state.power_w), np.asarray(state.rejected_w), follows)


def cooled_stages(spec: SitePlantSpec) -> tuple[Stage, ...]:
    """Return the stages of a site from its uppermost one inside the cooled rooms down; empty where there is none.

    Raises
    ------
    CatalogError
        If a stage is not in catalog kind ``facility``.
    """
    stages = stages_of(spec)
    first = next((index for index, stage in enumerate(stages) if stage.cooled), len(stages))
    return stages[first:]


def cooled_losses(stages: tuple[Stage, ...], it_w: ArrayLike, cooling_w: ArrayLike) -> Floats:
    """Return what the stages inside the cooled rooms lose. [W]

    Parameters
    ----------
    stages : tuple of Stage
        As of :func:`cooled_stages`.
    it_w, cooling_w : array_like
        IT power and electrical power of the cooling. [W]
    """
    it, cooling = np.asarray(it_w, dtype=np.float64), np.asarray(cooling_w, dtype=np.float64)
    lost = np.zeros(np.broadcast_shapes(it.shape, cooling.shape))
    for flow in upward_flows(stages, it + cooling, equipment_reactive(it, cooling)):
        if flow.stage.cooled:
            lost = lost + flow.loss_w
    return lost


def released_w(
    spec: SitePlantSpec | None, cooling: SiteCoolingSpec, it_w: ArrayLike, power_w: ArrayLike, rejected_w: ArrayLike
) -> Floats:
    """Return what the cooled rooms release: IT power, losses of the stages inside, power of the fans inside. [W]

    Parameters
    ----------
    spec : SitePlantSpec, optional
        Electrical plant of the site; without losses when absent.
    cooling : SiteCoolingSpec
        Cooling of the site.
    it_w, power_w, rejected_w : array_like
        IT power, electrical power of the cooling, and the heat that it rejects. [W]
    """
    stages = () if spec is None else cooled_stages(spec)
    return _released(stages, hall_fan_share(cooling), it_w, Drawn(np.asarray(power_w), np.asarray(rejected_w)))


def _released(stages: tuple[Stage, ...], fans: float, it_w: ArrayLike, drawn: Drawn) -> Floats:
    lost = cooled_losses(stages, it_w, drawn.power_w)
    return np.asarray(it_w, dtype=np.float64) + lost + fans * drawn.rejected_w


def agreed_heat(
    spec: SitePlantSpec | None, cooling: SiteCoolingSpec, it_w: ArrayLike, drawn_at: Callable[[Floats], Drawn]
) -> Floats:
    r"""Return the heat that is IT power, losses and fans inside, under the cooling that this very heat needs. [W]

    .. math:: Q = P_{IT} + L(P_{IT} + P_c(Q)) + f q(Q)

    with the losses L of the stages inside and f the power of the halls' fans over the heat q that is rejected. The
    losses hang on the cooling by a few per cent at most, so that few rounds are needed; with neither stages nor fans
    inside the heat is the IT power itself.

    Parameters
    ----------
    spec : SitePlantSpec, optional
        Electrical plant of the site; without losses when absent.
    cooling : SiteCoolingSpec
        Cooling of the site: says what its fans draw.
    it_w : array_like
        IT power. [W]
    drawn_at : callable
        Gives what the cooling does at a heat [W].

    Notes
    -----
    Where units are switched on and off (`staging: on_off`) the power of the cooling jumps in the weather, and no heat
    may agree exactly: heat and losses then differ by at most what the losses change with one unit.
    """
    it = np.asarray(it_w, dtype=np.float64)
    stages, fans = () if spec is None else cooled_stages(spec), hall_fan_share(cooling)
    if not stages and fans == 0.0:
        return it
    heat = (it + cooled_losses(stages, it, 0.0)) / (1.0 - fans)
    for _ in range(_ROUNDS):
        drawn = drawn_at(heat)
        apart = _released(stages, fans, it, drawn) - heat
        heat = heat + apart / (1.0 - fans * np.asarray(drawn.follows))
        if float(np.max(np.abs(apart), initial=0.0)) <= TOLERANCE * float(np.max(heat, initial=0.0)):
            break
    return heat


def settled_heat(
    spec: SitePlantSpec | None,
    cooling: SiteCoolingSpec,
    it_w: float,
    outdoor: Air | None = None,
    scale: float = 1.0,
) -> float:
    """Return the heat of the cooled rooms at constant IT power, with settled cooling. [W]

    Parameters
    ----------
    spec : SitePlantSpec, optional
        Electrical plant of the site; without losses when absent.
    cooling : SiteCoolingSpec
        Cooling of the site.
    it_w : float
        IT power. [W]
    outdoor : Air, optional
        Outdoor air, as of :func:`~clustersim.plant.cooling.resolve`.
    scale : float, optional
        Factor on the power of the settled cooling, as far as stages carry it; fans are those of the settled heat.

    Raises
    ------
    CatalogError
        If a stage or a cooling unit is not in the catalog.
    """
    return float(agreed_heat(spec, cooling, it_w, lambda heat: Drawn.settled(cooling, float(heat), outdoor, scale)))


def heated_cooling(
    spec: SitePlantSpec, cooling: SiteCoolingSpec, it_w: Floats, dt_s: float, before_w: float | None = None
) -> tuple[Floats, CoolingResponse]:
    """Return the heat of the cooled rooms over time [W] and the cooling under it.

    Parameters
    ----------
    spec, cooling
        Of the site.
    it_w : ndarray, shape (n,)
        IT power of each bin. [W]
    dt_s : float
        Width of a bin. [s]
    before_w : float, optional
        IT power at which the loop had settled before; the mean when absent. [W]
    """
    before = None if before_w is None else settled_heat(spec, cooling, before_w)

    def drawn_at(heat: Floats) -> Drawn:
        answer = cooling_response(cooling, heat, dt_s, before)
        return Drawn(answer.power_w, answer.rejected_w)

    heat = agreed_heat(spec, cooling, it_w, drawn_at)
    return heat, cooling_response(cooling, heat, dt_s, before)


def rated_it_part(spec: SitePlantSpec, cooling: SiteCoolingSpec) -> float:
    """Return what IT is of IT and cooling where the units at their rating reject all the heat that they can. [-]

    1 where no unit runs.

    Raises
    ------
    CatalogError
        If a stage or a cooling unit is not in the catalog.
    """
    rated = cooling.model_copy(update={"start": None})
    state = steady_cooling(rated, steady_cooling(rated, 0.0).capacity_w)
    it = sustainable_it(spec, rated, state.capacity_w)
    return it / (it + state.power_w) if it > 0.0 else 1.0


def sustainable_it(spec: SitePlantSpec | None, cooling: SiteCoolingSpec, capacity_w: float) -> float:
    """Return the IT power whose heat, with losses and fans inside the cooled rooms, is a capacity of the cooling. [W]

    Zero where the losses without load are above it.

    Parameters
    ----------
    spec : SitePlantSpec, optional
        Electrical plant of the site; without losses when absent.
    cooling : SiteCoolingSpec
        Cooling of the site.
    capacity_w : float
        Heat. [W]
    """
    stages = () if spec is None else cooled_stages(spec)
    drawn = Drawn.settled(cooling, capacity_w)
    left = it = capacity_w - hall_fan_share(cooling) * float(drawn.rejected_w)
    for _ in range(_ROUNDS if stages else 0):
        found = max(left - float(cooled_losses(stages, it, drawn.power_w)), 0.0)
        apart, it = abs(found - it), found
        if apart <= TOLERANCE * capacity_w:
            break
    return it
