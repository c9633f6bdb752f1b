"""Dry coolers and outside air, with or without wet pads: what they reject, with which fans and water."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.catalog import Entry, entry
from clustersim.plant.psychrometrics import AIR_CP, LATENT_0C
from clustersim.plant.towers import Rejection
from clustersim.plant.weather import Air

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DryCooler:
    """Dry coolers, or air handlers on outside air, of a site."""

    heat_w: float
    count: int
    approach_k: float
    rise_k: float
    """Of the water through the cooler at rated heat. [K]"""
    fan_share: float
    exponent: float
    air_rise_k: float
    pad: float | None
    """Effectiveness of adiabatic pre-cooling; None without. [-]"""
    bleed: float


def dry_cooler(unit: str, count: int, rise_k: float, adiabatic: bool) -> DryCooler:
    """Return the dry coolers of a site from the catalog.

    Parameters
    ----------
    unit : str
        Name in catalog kind `cooling`.
    count : int
        Units that run.
    rise_k : float
        Rise of the loop at full capacity. [K]
    adiabatic : bool
        Whether they have pads.
    """
    found, standard = entry("cooling", unit), entry("cooling", "dry_cooler")

    def si(key: str) -> float:
        return _own(found, standard, key)

    return DryCooler(
        heat_w=found.si("heat"),
        count=count,
        approach_k=si("approach"),
        rise_k=rise_k,
        fan_share=si("fan_share"),
        exponent=si("air_exponent"),
        air_rise_k=si("air_rise"),
        pad=si("pad.effectiveness") if adiabatic else None,
        bleed=si("pad.bleed"),
    )


def _own(found: Entry, standard: Entry, key: str) -> float:
    return (found if found.has(key) else standard).si(key)


def _entering(d: DryCooler, air: Air, wet: NDArray[np.bool_]) -> Floats:
    """Return the air before the coil, where it is wet after the pads. [degC]"""
    if d.pad is None:
        return air.dry_bulb_c
    return np.asarray(np.where(wet, air.dry_bulb_c - d.pad * (air.dry_bulb_c - air.wet_bulb_c), air.dry_bulb_c))


def dry_capacity(d: DryCooler, air: Air, hot_limit_c: float) -> Floats:
    """Return the heat that all units reject at full fan speed with water of at most `hot_limit_c`, or at rating. [W]

    Parameters
    ----------
    d : DryCooler
        The units.
    air : Air
        Outdoor air.
    hot_limit_c : float
        Hottest water that may enter. [degC]
    """
    into = _entering(d, air, np.ones(air.dry_bulb_c.shape, dtype=np.bool_))
    share = np.clip((hot_limit_c - into) / (d.approach_k + d.rise_k), 0.0, 1.0)
    return np.asarray(d.count * d.heat_w * share)


def dry_state(d: DryCooler, heat_w: Floats, target_c: float, air: Air) -> Rejection:
    r"""Return what dry coolers do with a heat: the slowest fans that make water of `target_c`, or full speed.

    .. math:: q = q_r\, s^{0.7} \frac{T_{w,in} - T_{air}}{a + r}, \qquad T_{w,in} = T_{w,out} + r\, q / q_r

    with fan speed s, rated approach a and rise r. Pads are wet where dry fans at full speed do not suffice.

    Parameters
    ----------
    d : DryCooler
        The units; all share the heat.
    heat_w : ndarray
        Of all units. [W]
    target_c : float
        Temperature to which the water is to be cooled. [degC]
    air : Air
        Outdoor air, same shape.

    Returns
    -------
    Rejection
    """
    heat, dry = np.broadcast_arrays(np.asarray(heat_w, dtype=np.float64), air.dry_bulb_c)
    x = heat / (d.count * d.heat_w)
    hot, whole = target_c + d.rise_k * x, d.approach_k + d.rise_k
    wet = x * whole > hot - dry
    into = np.broadcast_to(_entering(d, air, wet), x.shape)
    room = np.maximum(hot - into, 1e-9)
    speed = np.minimum((x * whole / room) ** (1.0 / d.exponent), 1.0)
    cold = np.maximum(target_c, into + whole * x - d.rise_k * x)
    evaporated = np.zeros_like(x)
    if d.pad is not None:
        flow = speed * d.count * d.heat_w / (AIR_CP * d.air_rise_k)
        evaporated = flow * AIR_CP * (dry - into) / LATENT_0C
    return Rejection(cold, d.count * d.heat_w * d.fan_share * speed**3, evaporated * (1.0 + d.bleed))
