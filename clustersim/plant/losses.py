"""Losses of the conversion stages and the reactive power of the equipment."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.catalog import entry
from clustersim.plant.spec import SitePlantSpec


def electrical_losses(spec: SitePlantSpec, load_w: ArrayLike) -> NDArray[np.float64]:
    r"""Loss of all conversion stages between the meter and the equipment.

    .. math:: P_{loss} = \sum_s k_{0,s} P_{rated,s} + k_{1,s} a_s P_s

    where :math:`P_s` is the power leaving stage s: the equipment's power and the losses of the stages below it, and
    :math:`a_s` the share of the load that passes through it. Stages are listed from the meter down.

    Parameters
    ----------
    spec : SitePlantSpec
        Electrical plant of the site.
    load_w : array_like
        Power of the equipment. [W]

    Returns
    -------
    ndarray
        Loss, shape of `load_w`; the meter sees load plus loss. [W]

    Raises
    ------
    CatalogError
        If a stage is not in catalog kind ``facility``.

    Notes
    -----
    Copper loss is taken as proportional to power rather than to its square: the published efficiencies are single
    figures, so that a quadratic term could not be told from a linear one. Figures and sources: kind ``facility``.
    """
    load = np.asarray(load_w, dtype=np.float64)
    power = load
    for stage in reversed(spec.conversion):
        figures = entry("facility", stage.stage)
        loss = figures.si("loss.no_load") * stage.rating + figures.si("loss.load") * stage.share * power
        power = power + loss
    return np.asarray(power - load)


def transformer_reactive(spec: SitePlantSpec, load_w: ArrayLike, reactive_var: ArrayLike) -> NDArray[np.float64]:
    r"""Reactive power that the leakage reactance of the conversion stages absorbs.

    .. math:: Q_s = x_s \frac{P_s^2 + Q_{in,s}^2}{S_{rated,s}}

    with :math:`P_s` and :math:`Q_{in,s}` leaving the stage at about nominal voltage; a stage without the figure
    ``reactance`` absorbs none.

    Parameters
    ----------
    spec : SitePlantSpec
        Electrical plant of the site; a stage's rating is taken as its rated apparent power.
    load_w, reactive_var : array_like
        Active and reactive power of the equipment. [W], [var]

    Returns
    -------
    ndarray
        Reactive power of all stages, shape of `load_w`. [var]

    Raises
    ------
    CatalogError
        If a stage is not in catalog kind ``facility``.
    """
    power, reactive = np.asarray(load_w, dtype=np.float64), np.asarray(reactive_var, dtype=np.float64)
    before = reactive
    for stage in reversed(spec.conversion):
        figures = entry("facility", stage.stage)
        if figures.has("reactance"):
            square = stage.share**2 * (power**2 + reactive**2)
            reactive = reactive + figures.si("reactance") * square / stage.rating
        power = power + figures.si("loss.no_load") * stage.rating + figures.si("loss.load") * stage.share * power
    return np.asarray(reactive - before)


def power_factor(equipment: str) -> float:
    """Power factor of `equipment` (``psu``, ``motor``, ``synchronous_generator``) from catalog kind ``facility``."""
    return entry("facility", equipment).si("power_factor")


def reactive_power(active_w: ArrayLike, factor: float) -> NDArray[np.float64]:
    r"""Reactive power absorbed at a lagging power factor: :math:`Q = P \tan(\arccos \varphi)`.

    Parameters
    ----------
    active_w : array_like
        Active power. [W]
    factor : float
        Power factor, above 0 and at most 1. [-]

    Returns
    -------
    ndarray
        Reactive power, shape of `active_w`. [var]
    """
    return np.asarray(active_w, dtype=np.float64) * math.tan(math.acos(factor))
