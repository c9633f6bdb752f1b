"""Top-oil and hot-spot temperature of oil-immersed transformers under any load, and their ageing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.catalog import entry
from clustersim.plant.thermal_kernels import follow

Floats = NDArray[np.float64]
Paper = Literal["kraft", "upgraded"]
KELVIN = 273.0
"""As the ageing law of the standard rounds it. [K]"""


@dataclass(frozen=True)
class ThermalClass:
    """Figures of IEC 60076-7 for one way of cooling."""

    top_oil_rise: float
    """Steady, at rated losses, over the air. [K]"""
    hot_spot_rise: float
    """Steady, at rated current, over the top oil. [K]"""
    loss_ratio: float
    """Load loss at rated current over no-load loss. [-]"""
    oil_exponent: float
    winding_exponent: float
    k11: float
    k21: float
    k22: float
    oil_s: float
    """Time constant of the oil. [s]"""
    winding_s: float
    """Time constant of the winding. [s]"""


@dataclass(frozen=True)
class ThermalState:
    """Where the three first-order systems of the standard stand."""

    oil_rise: float
    """Top oil over the air. [K]"""
    fast: float
    slow: float
    """Parts of the hot spot's rise over the top oil; the rise is their difference. [K]"""


@dataclass(frozen=True)
class Temperatures:
    """Temperatures at the end of every sample, and the state after the last."""

    top_oil_c: Floats
    hot_spot_c: Floats
    end: ThermalState


def thermal_class(name: str, loss_ratio: float) -> ThermalClass:
    """Return the figures of a way of cooling from catalog kind ``switchgear``.

    Raises
    ------
    CatalogError
        If the name is unknown, or that of something else.
    """
    f = entry("switchgear", name)
    return ThermalClass(
        f.si("rise.top_oil"),
        f.si("rise.hot_spot"),
        loss_ratio,
        f.si("oil_exponent"),
        f.si("winding_exponent"),
        f.si("k11"),
        f.si("k21"),
        f.si("k22"),
        f.si("time.oil"),
        f.si("time.winding"),
    )


def _ultimate(cooling: ThermalClass, load_pu: ArrayLike) -> tuple[Floats, Floats]:
    """Return what the rises of top oil over air and of hot spot over top oil tend to. [K]"""
    load = np.abs(np.asarray(load_pu, dtype=np.float64))
    losses = (1.0 + cooling.loss_ratio * load**2) / (1.0 + cooling.loss_ratio)
    oil = cooling.top_oil_rise * losses**cooling.oil_exponent
    return oil, cooling.hot_spot_rise * load**cooling.winding_exponent


def steady_state(cooling: ThermalClass, load_pu: float) -> ThermalState:
    """Return where everything stands after a load has lasted for ever."""
    oil, hot = (float(x) for x in _ultimate(cooling, load_pu))
    return ThermalState(oil, cooling.k21 * hot, (cooling.k21 - 1.0) * hot)


def steady_hot_spot(cooling: ThermalClass, load_pu: float, ambient_c: float) -> float:
    """Return the hot spot after a load has lasted for ever. [degC]"""
    oil, hot = (float(x) for x in _ultimate(cooling, load_pu))
    return ambient_c + oil + hot


def temperatures(
    cooling: ThermalClass, load_pu: ArrayLike, dt_s: float, ambient_c: float, start: ThermalState | None = None
) -> Temperatures:
    r"""Temperatures under a load that is constant within each sample; exact for such a load.

    .. math::
        k_{11} \tau_o \dot\theta_o &= \left(\frac{1 + K^2 R}{1 + R}\right)^x \Delta\theta_{or}
        - (\theta_o - \theta_a) \\
        k_{22} \tau_w \dot{\Delta\theta}_{h1} &= k_{21} \Delta\theta_{hr} K^y - \Delta\theta_{h1} \\
        (\tau_o / k_{22}) \dot{\Delta\theta}_{h2} &= (k_{21} - 1) \Delta\theta_{hr} K^y - \Delta\theta_{h2} \\
        \theta_h &= \theta_o + \Delta\theta_{h1} - \Delta\theta_{h2}

    Parameters
    ----------
    cooling : ThermalClass
        Figures of the transformer.
    load_pu : array_like, shape (n,)
        Current over rated current. [-]
    dt_s : float
        Width of a sample. [s]
    ambient_c : float
        Air. [degC]
    start : ThermalState, optional
        Before the first sample. When absent the record is taken to repeat for ever, and starts where it ends.

    Returns
    -------
    Temperatures
        Arrays of shape (n,). [degC]

    References
    ----------
    IEC 60076-7:2018, clause 8.2 (differential equations). The standard integrates them with Euler steps; here each
    sample is solved exactly.
    """
    oil_to, hot = _ultimate(cooling, load_pu)
    oil_s = cooling.k11 * cooling.oil_s
    fast_s, slow_s = cooling.k22 * cooling.winding_s, cooling.oil_s / cooling.k22
    begin = (None, None, None) if start is None else (start.oil_rise, start.fast, start.slow)
    oil = _follow(oil_to, dt_s, oil_s, begin[0])
    fast = _follow(cooling.k21 * hot, dt_s, fast_s, begin[1])
    slow = _follow((cooling.k21 - 1.0) * hot, dt_s, slow_s, begin[2])
    top = ambient_c + oil
    return Temperatures(top, top + fast - slow, ThermalState(float(oil[-1]), float(fast[-1]), float(slow[-1])))


def _follow(target: Floats, dt_s: float, lag_s: float, start: float | None) -> Floats:
    """Return a first-order lag behind a target that is constant within each sample; periodic without a start."""
    gain = -np.expm1(-dt_s / lag_s)
    wanted = np.ascontiguousarray(target)
    if start is None:
        # what remains of the start after the record is known, so that the start that equals the end follows
        start = float(follow(wanted, gain, 0.0)[-1]) / -np.expm1(-dt_s * target.size / lag_s)
    found: Floats = follow(wanted, gain, start)
    return found


def ageing_rate(hot_spot_c: ArrayLike, paper: Paper = "kraft") -> Floats:
    r"""Relative ageing rate of the insulation: 1 at 98 degC (kraft paper) or 110 degC (thermally upgraded paper).

    .. math:: V = 2^{(\theta_h - 98) / 6}, \quad V = e^{15000 / (110 + 273) - 15000 / (\theta_h + 273)}

    Parameters
    ----------
    hot_spot_c : array_like
        Hot spot. [degC]
    paper : {'kraft', 'upgraded'}
        Insulation.

    Returns
    -------
    ndarray
        Shape of the input. [-]

    References
    ----------
    IEC 60076-7:2018, clause 6.3 (the 6 K rule; Arrhenius with 15,000 K).
    """
    hot = np.asarray(hot_spot_c, dtype=np.float64)
    if paper == "kraft":
        return np.asarray(2.0 ** ((hot - 98.0) / 6.0))
    return np.asarray(np.exp(15000.0 / (110.0 + KELVIN) - 15000.0 / (hot + KELVIN)))
