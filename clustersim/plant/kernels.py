"""Compiled cooling loop."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, error_model="numpy")
def integrate_loop(
    heat_w: NDArray[np.float64],
    span_s: NDArray[np.float64],
    start_k: float,
    conductance: float,
    capacity_w: float,
    mass: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Follow the cooling loop exactly under piecewise-constant heat.

    The loop rejects `conductance` x rise, at most `capacity_w`; `mass` d(rise)/dt = heat - rejected. Below the
    capacity the rise is an exponential, above it a straight line; a crossing inside a bin is found in closed form.

    Parameters
    ----------
    heat_w : ndarray, shape (n,)
        Heat into the loop in each bin. [W]
    span_s : ndarray, shape (n,)
        Length of each bin. [s]
    start_k : float
        Rise of the loop above its supply temperature at the start. [K]
    conductance : float
        Rejected heat per kelvin. [W/K]
    capacity_w : float
        Largest heat that can be rejected. [W]
    mass : float
        Thermal mass of the loop. [J/K]

    Returns
    -------
    rise_k : ndarray, shape (n,)
        At the start of each bin. [K]
    rejected_w : ndarray, shape (n,)
        Mean over each bin. [W]
    end_k : float
        Rise at the end. [K]
    """
    n = heat_w.size
    rise_out, rejected = np.empty(n), np.empty(n)
    tau, full = mass / conductance, capacity_w / conductance
    rise = start_k
    for k in range(n):
        rise_out[k] = rise
        heat, left, joules = heat_w[k], span_s[k], 0.0
        while left > 0.0:
            if rise > full or (rise == full and heat > capacity_w):
                slope = (heat - capacity_w) / mass
                span = left if slope >= 0.0 else min(left, (full - rise) / slope)
                rise = full if span < left else max(full, rise + slope * span)
                joules += capacity_w * span
            else:
                settled = heat / conductance
                span = left
                if settled > full:
                    span = min(left, tau * math.log((settled - rise) / (settled - full)))
                decay = math.exp(-span / tau)
                joules += conductance * (settled * span + (rise - settled) * tau * (1.0 - decay))
                rise = full if span < left else settled + (rise - settled) * decay
            left -= span
        rejected[k] = joules / span_s[k]
    return rise_out, rejected, rise
