"""Compiled loops of cooling: a loop at a fixed supply, a loop in weather, staging, weather with memory."""

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


@njit(cache=True, error_model="numpy")
def integrate_loop_in_weather(
    heat_w: NDArray[np.float64],
    span_s: NDArray[np.float64],
    supply_c: NDArray[np.float64],
    capacity_w: NDArray[np.float64],
    start_c: float,
    conductance: float,
    mass: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Follow a loop exactly under heat, supply temperature and capacity that are constant in each span.

    The loop rejects `conductance` x (temperature - supply), at least nothing and at most the capacity; `mass`
    d(temperature)/dt = heat - rejected. Each of the three regimes has a closed form; crossings are found in it.

    Parameters
    ----------
    heat_w, span_s, supply_c, capacity_w : ndarray, shape (n,)
        Heat into the loop [W], length [s], supply temperature [degC] and capacity [W] of each span.
    start_c : float
        Temperature of the loop at the start. [degC]
    conductance : float
        Rejected heat per kelvin. [W/K]
    mass : float
        Thermal mass of the loop. [J/K]

    Returns
    -------
    temperature_c : ndarray, shape (n,)
        At the start of each span. [degC]
    rejected_w : ndarray, shape (n,)
        Mean over each span. [W]
    end_c : float
        Temperature at the end. [degC]
    """
    n = heat_w.size
    out, rejected = np.empty(n), np.empty(n)
    tau, now = mass / conductance, start_c
    for k in range(n):
        out[k] = now
        heat, left, joules = heat_w[k], span_s[k], 0.0
        lower = supply_c[k]
        upper = lower + capacity_w[k] / conductance
        while left > 0.0:
            if now > upper or (now >= upper and heat >= capacity_w[k]):
                slope = (heat - capacity_w[k]) / mass
                span = left if slope >= 0.0 else min(left, (upper - now) / slope)
                now = upper if span < left else max(upper, now + slope * span)
                joules += capacity_w[k] * span
            elif now < lower:
                slope = heat / mass
                span = left if slope <= 0.0 else min(left, (lower - now) / slope)
                now = lower if span < left else min(lower, now + slope * span)
            else:
                settled = lower + heat / conductance
                span = left
                if settled > upper:
                    span = min(left, tau * math.log((settled - now) / (settled - upper)))
                decay = math.exp(-span / tau)
                # the mean of the exponential, written so that nothing cancels in a short span
                joules += conductance * ((settled - lower) * span + (now - settled) * tau * -math.expm1(-span / tau))
                now = upper if span < left else settled + (now - settled) * decay
            left -= span
        rejected[k] = joules / span_s[k]
    return out, rejected, now


@njit(cache=True, error_model="numpy")
def stage(needed: NDArray[np.int64], hold: int) -> tuple[NDArray[np.int64], int]:
    """Return the units that run in each bin, and how often one was started.

    Parameters
    ----------
    needed : ndarray, shape (n,)
        Units that carry the heat of each bin.
    hold : int
        Bins after a switch in which no unit stops.
    """
    running = np.empty_like(needed)
    now, since, starts = needed[0], hold, 0
    for k in range(needed.size):
        if needed[k] > now:
            starts += needed[k] - now
            now, since = needed[k], 0
        elif needed[k] < now and since >= hold:
            now, since = now - 1, 0
        running[k] = now
        since += 1
    return running, starts


@njit(cache=True)
def remembering(noise: NDArray[np.float64], memory: float) -> NDArray[np.float64]:
    """Return the first-order autoregressive series ``y[k] = memory y[k - 1] + noise[k]``, from 0; shape (n,)."""
    series = np.empty_like(noise)
    last = 0.0
    for k in range(noise.size):
        last = memory * last + noise[k]
        series[k] = last
    return series
