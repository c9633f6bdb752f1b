"""COP and capacity of chillers by outdoor air, water and load."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.catalog import catalog_cache, entry
from clustersim.plant.psychrometrics import ZERO_C

Floats = NDArray[np.float64]


def carnot_cop(
    rated_cop: float,
    rated_sink_c: float,
    supply_c: float,
    sink_c: ArrayLike,
    load: ArrayLike,
    condenser_approach: float,
    sink_rise: float = 0.0,
) -> Floats:
    r"""Return the COP of a chiller as a constant fraction of Carnot's, fitted on its one published point.

    .. math:: COP = \eta \frac{T_e}{T_c - T_e}, \qquad T_e = T_{supply} - a_e x, \qquad
              T_c = T_{sink} + (a_c + r) x

    with the load x of the running units, to which the temperature differences in evaporator and condenser (and the rise
    r of the condenser water) are proportional, and a least lift that the controls keep. The published COP is taken to
    hold at the loop's own setpoint, full load and the rated sink.

    Parameters
    ----------
    rated_cop : float
        Heat over power at `rated_sink_c` and full load. [-]
    rated_sink_c, supply_c : float
        Rated temperature of the air or water that enters the condenser; leaving water. [degC]
    sink_c : array_like
        Air or water that enters the condenser. [degC]
    load : array_like
        Heat over capacity of the units that run, 0 to 1. [-]
    condenser_approach, sink_rise : float
        At full load. [K]

    References
    ----------
    The form is that of Carnot chillers in Modelica Buildings (``Buildings.Fluid.Chillers.Carnot_TEva``).
    """
    model = entry("cooling", "chiller_model")
    evaporator, least = model.si("evaporator.approach"), model.si("lift.least")
    x = np.asarray(load, dtype=np.float64)
    sink = np.asarray(sink_c, dtype=np.float64)

    def carnot(at: Floats, part: Floats) -> Floats:
        cold = supply_c - evaporator * part
        lift = np.maximum(at + (condenser_approach + sink_rise) * part - cold, least)
        return np.asarray((cold + ZERO_C) / lift)

    return np.asarray(rated_cop * carnot(sink, x) / carnot(np.asarray(rated_sink_c), np.asarray(1.0)))


def capacity_factor(outdoor_c: ArrayLike) -> Floats:
    """Return the capacity of an air-cooled chiller over that at 35 degC, by EnergyPlus' curve of a screw chiller.

    Parameters
    ----------
    outdoor_c : array_like
        Air that enters the condenser; beyond the range of the curve its end is held. [degC]
    """
    return curve_factor("chiller_capacity_curve", entry("cooling", "chiller_capacity_curve").si("water"), outdoor_c)


def curve_factor(curve: str, water_c: float, outdoor_c: ArrayLike) -> Floats:
    """Return a biquadratic curve of the catalog over its value at 35 degC and the same water.

    Parameters
    ----------
    curve : str
        Name in catalog kind `cooling`.
    water_c : float
        Leaving water. [degC]
    outdoor_c : array_like
        [degC]
    """
    air = entry("cooling", "chiller_capacity_curve").figure("air")
    c0, cx, cxx, cy, cyy, cxy = _coefficients(curve)

    def value(y: Floats) -> Floats:
        return np.asarray(c0 + cx * water_c + cxx * water_c**2 + cy * y + cyy * y * y + cxy * water_c * y)

    held = np.clip(np.asarray(outdoor_c, dtype=np.float64), air.low, air.high)
    return np.asarray(value(held) / value(np.asarray(air.value)))


@catalog_cache
def _coefficients(curve: str) -> tuple[float, ...]:
    found = entry("cooling", curve)
    return tuple(found.si(key) for key in ("c0", "cx", "cxx", "cy", "cyy", "cxy"))
