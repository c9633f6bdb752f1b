"""Moist air: saturation, humidity, enthalpy and wet bulb.

Equations and the numbering of their constants are those of the ASHRAE Handbook of Fundamentals, chapter
Psychrometrics: Hyland and Wexler (1983) for saturation, ideal mixing for everything else.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

ZERO_C = 273.15
WATER_TO_AIR = 0.621945
"""Ratio of the molar masses of water and dry air. [-]"""
LATENT_0C = 2501.0e3
"""Heat of vaporisation at 0 degC. [J/kg]"""
AIR_CP, VAPOUR_CP, LIQUID_CP, ICE_CP, ICE_LATENT = 1006.0, 1860.0, 4186.0, 2100.0, 2830.0e3
"""Specific heats of dry air, vapour, water and ice [J/(kg K)], heat of sublimation at 0 degC [J/kg]."""
_ICE = (-5.6745359e3, 6.3925247, -9.677843e-3, 6.2215701e-7, 2.0747825e-9, -9.484024e-13, 4.1635019)
_WATER = (-5.8002206e3, 1.3914993, -4.8640239e-2, 4.1764768e-5, -1.4452093e-8, 6.5459673)
_NEWTON = 8
_SMALL_K = 1e-3


def pressure_at(altitude_m: float) -> float:
    """Return the pressure of the standard atmosphere, ``101325 (1 - 2.25577e-5 z)^5.2559``. [Pa]"""
    return float(101325.0 * (1.0 - 2.25577e-5 * altitude_m) ** 5.2559)


def saturation_pressure(temperature_c: ArrayLike) -> Floats:
    """Return the pressure of saturated vapour, over ice below 0 degC (Hyland and Wexler 1983). [Pa]

    Parameters
    ----------
    temperature_c : array_like
        From -100 to 200 degC. [degC]
    """
    t = np.asarray(temperature_c, dtype=np.float64) + ZERO_C
    log = np.log(t)
    a = _WATER
    wet = a[0] / t + a[1] + t * (a[2] + t * (a[3] + t * a[4])) + a[5] * log
    b = _ICE
    ice = b[0] / t + b[1] + t * (b[2] + t * (b[3] + t * (b[4] + t * b[5]))) + b[6] * log
    return np.asarray(np.exp(np.where(t >= ZERO_C, wet, ice)))


def humidity_ratio(vapour_pa: ArrayLike, pressure_pa: float) -> Floats:
    """Return kilograms of vapour per kilogram of dry air, ``0.621945 pw / (p - pw)``. [-]"""
    vapour = np.asarray(vapour_pa, dtype=np.float64)
    return np.asarray(WATER_TO_AIR * vapour / (pressure_pa - vapour))


def enthalpy(temperature_c: ArrayLike, ratio: ArrayLike) -> Floats:
    """Return the enthalpy of moist air per kilogram of dry air, ``1.006 t + W (2501 + 1.86 t)``. [J/kg]"""
    t, w = np.asarray(temperature_c, dtype=np.float64), np.asarray(ratio, dtype=np.float64)
    return np.asarray(AIR_CP * t + w * (LATENT_0C + VAPOUR_CP * t))


def saturated_enthalpy(temperature_c: ArrayLike, pressure_pa: float) -> Floats:
    """Return the enthalpy of saturated air. [J/kg]"""
    return enthalpy(temperature_c, humidity_ratio(saturation_pressure(temperature_c), pressure_pa))


def ratio_of_wet_bulb(dry_bulb_c: ArrayLike, wet_bulb_c: ArrayLike, pressure_pa: float) -> Floats:
    r"""Return the humidity ratio of air of a dry and a wet bulb: the balance of adiabatic saturation. [-]

    .. math:: W = \frac{(h_{fg,0} - (c_w - c_v) t^*) W_s^* - c_a (t - t^*)}{h_{fg,0} + c_v t - c_w t^*}
    """
    t, wet = np.asarray(dry_bulb_c, dtype=np.float64), np.asarray(wet_bulb_c, dtype=np.float64)
    saturated = humidity_ratio(saturation_pressure(wet), pressure_pa)
    over_ice = wet < 0.0
    latent = np.where(over_ice, ICE_LATENT, LATENT_0C)
    liquid = np.where(over_ice, ICE_CP, LIQUID_CP)
    top = (latent - (liquid - VAPOUR_CP) * wet) * saturated - AIR_CP * (t - wet)
    return np.asarray(top / (latent + VAPOUR_CP * t - liquid * wet))


def wet_bulb(dry_bulb_c: ArrayLike, ratio: ArrayLike, pressure_pa: float) -> Floats:
    """Return the thermodynamic wet-bulb temperature, by Newton steps inside a bracket, from Stull's fit. [degC]

    Parameters
    ----------
    dry_bulb_c : array_like
        [degC]
    ratio : array_like
        Humidity ratio, at most that of saturation. [-]
    pressure_pa : float
        [Pa]

    Notes
    -----
    The balance jumps by a few hundredths of a kelvin at 0 degC, where ice takes the place of water; the bracket is
    kept throughout, so that the answer lies between dew point and dry bulb in any case.
    """
    t, w = np.broadcast_arrays(np.asarray(dry_bulb_c, dtype=np.float64), np.asarray(ratio, dtype=np.float64))
    high = t.copy()
    # without water in the air the wet bulb lies less than 45 K below the dry bulb up to 60 degC
    low = np.minimum(t - 1.0, np.maximum(t - 45.0, -99.0))
    rh = w * pressure_pa / (WATER_TO_AIR + w) / saturation_pressure(t)
    guess = np.clip(wet_bulb_stull(t, np.clip(rh, 0.0, 1.0)), low, high)
    for _ in range(_NEWTON):
        here = ratio_of_wet_bulb(t, guess, pressure_pa)
        slope = (ratio_of_wet_bulb(t, guess + _SMALL_K, pressure_pa) - here) / _SMALL_K
        high = np.where(here > w, guess, high)
        low = np.where(here > w, low, guess)
        guess = np.clip(guess - (here - w) / slope, low, high)
    return np.asarray(np.minimum(guess, t))


def wet_bulb_stull(dry_bulb_c: ArrayLike, humidity: ArrayLike) -> Floats:
    """Return the wet bulb at sea level by the fit of Stull (2011, J. Appl. Meteor. Climatol. 50, eq. 1). [degC]

    Parameters
    ----------
    dry_bulb_c : array_like
        From -20 to 50 degC. [degC]
    humidity : array_like
        Relative humidity from 0.05 to 0.99. [-]
    """
    t, rh = np.asarray(dry_bulb_c, dtype=np.float64), 100.0 * np.asarray(humidity, dtype=np.float64)
    return np.asarray(
        t * np.arctan(0.151977 * np.sqrt(rh + 8.313659))
        + np.arctan(t + rh)
        - np.arctan(rh - 1.676331)
        + 0.00391838 * rh**1.5 * np.arctan(0.023101 * rh)
        - 4.686035
    )
