"""Losses of the conversion stages and the reactive power of the equipment."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.catalog import entry
from clustersim.plant.spec import SitePlantSpec
from clustersim.plant.stages import stage_flows


def electrical_losses(
    spec: SitePlantSpec, load_w: ArrayLike, reactive_var: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Loss of all conversion stages between the meter and the equipment.

    The sum over the stages of :func:`clustersim.plant.stages.stage_flows`: no-load loss, copper loss that grows with
    the square of the current, and of a UPS a part in proportion to its load.

    Parameters
    ----------
    spec : SitePlantSpec
        Electrical plant of the site.
    load_w : array_like
        Power of the equipment. [W]
    reactive_var : array_like, optional
        Its reactive power; that of power supplies (:func:`power_factor`) when absent. [var]

    Returns
    -------
    ndarray
        Loss, shape of `load_w`; the meter sees load plus loss. [W]

    Raises
    ------
    CatalogError
        If a stage is not in catalog kind ``facility``.
    """
    load = np.asarray(load_w, dtype=np.float64)
    reactive = reactive_power(load, power_factor("psu")) if reactive_var is None else reactive_var
    total = np.zeros_like(load)
    for flow in stage_flows(spec, load, reactive):
        total = total + flow.loss_w
    return np.asarray(total)


def transformer_reactive(spec: SitePlantSpec, load_w: ArrayLike, reactive_var: ArrayLike) -> NDArray[np.float64]:
    r"""Reactive power that the series reactance of the conversion stages absorbs.

    .. math:: Q_s = x_s \frac{P_s^2 + Q_{in,s}^2}{S_{rated,s}}

    with :math:`P_s` and :math:`Q_{in,s}` leaving the stage at about nominal voltage; a stage without reactance absorbs
    none.

    Parameters
    ----------
    spec : SitePlantSpec
        Electrical plant of the site.
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
    power = np.asarray(load_w, dtype=np.float64)
    total = np.zeros_like(power)
    for flow in stage_flows(spec, power, reactive_var):
        total = total + flow.loss_var
    return np.asarray(total)


def equipment_reactive(it_w: ArrayLike, cooling_w: ArrayLike) -> NDArray[np.float64]:
    """Reactive power of a site's equipment: power supplies and the motors of the cooling. [var]

    Parameters
    ----------
    it_w, cooling_w : array_like
        Active power at the input of the supplies, and of the cooling. [W]
    """
    return reactive_power(it_w, power_factor("psu")) + reactive_power(cooling_w, power_factor("motor"))


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
