"""Heat of a site's cooled rooms: IT power, and what the conversion stages that stand inside them lose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.plant.cooling import CoolingResponse, cooling_response, steady_cooling
from clustersim.plant.losses import equipment_reactive
from clustersim.plant.spec import SiteCoolingSpec, SitePlantSpec
from clustersim.plant.stages import Stage, stages_of, upward_flows
from clustersim.plant.weather import Air

Floats = NDArray[np.float64]

TOLERANCE = 1e-10
"""Heat and losses agree to this part of the largest heat. [-]"""
_ROUNDS = 50
"""Most rounds; each leaves about a hundredth of the disagreement. [-]"""


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


def agreed_heat(spec: SitePlantSpec | None, it_w: ArrayLike, cooling_of: Callable[[Floats], ArrayLike]) -> Floats:
    r"""Return the heat that is IT power and the losses inside, under the cooling that this very heat needs. [W]

    .. math:: Q = P_{IT} + L(P_{IT} + P_c(Q))

    The losses hang on the cooling by a few per cent at most, so that rounds converge quickly; without stages inside
    the heat is the IT power itself.

    Parameters
    ----------
    spec : SitePlantSpec, optional
        Electrical plant of the site; without losses when absent.
    it_w : array_like
        IT power. [W]
    cooling_of : callable
        Gives the electrical power of the cooling [W] at a heat [W].

    Notes
    -----
    Where units are switched on and off (`staging: on_off`) the power of the cooling jumps, and no heat may agree
    exactly: heat and losses then differ by what the losses change with one unit.
    """
    it = np.asarray(it_w, dtype=np.float64)
    stages = () if spec is None else cooled_stages(spec)
    if not stages:
        return it
    heat = it + cooled_losses(stages, it, 0.0)
    for _ in range(_ROUNDS):
        found = it + cooled_losses(stages, it, cooling_of(heat))
        apart, heat = float(np.max(np.abs(found - heat), initial=0.0)), found
        if apart <= TOLERANCE * float(np.max(heat, initial=0.0)):
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
        Factor on the power of the settled cooling.

    Raises
    ------
    CatalogError
        If a stage or a cooling unit is not in the catalog.
    """
    return float(agreed_heat(spec, it_w, lambda heat: scale * steady_cooling(cooling, float(heat), outdoor).power_w))


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
    heat = agreed_heat(spec, it_w, lambda now: cooling_response(cooling, now, dt_s, before).power_w)
    return heat, cooling_response(cooling, heat, dt_s, before)


def sustainable_it(spec: SitePlantSpec | None, cooling: SiteCoolingSpec, capacity_w: float) -> float:
    """Return the IT power whose heat, with the losses inside the cooled rooms, is a capacity of the cooling. [W]

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
    if not stages:
        return capacity_w
    cooling_w, it = steady_cooling(cooling, capacity_w).power_w, capacity_w
    for _ in range(_ROUNDS):
        found = max(capacity_w - float(cooled_losses(stages, it, cooling_w)), 0.0)
        apart, it = abs(found - it), found
        if apart <= TOLERANCE * capacity_w:
            break
    return it
