"""A measured power trace on an even clock, and what can be done to it: resample, average as a sensor, scale, smooth."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError

Array = NDArray[np.float64]
Between = Literal["hold", "line"]
"""What the power is taken to be between two readings: the earlier one, or on the straight line between them."""


@dataclass(frozen=True)
class PowerTrace:
    """Active power, and reactive power where known; sample ``k`` is the mean over ``[t0 + k dt, t0 + (k + 1) dt)``."""

    name: str
    t0_s: float
    dt_s: float
    watts: Array
    """Active power. [W], shape (samples,)"""
    vars: Array | None = None
    """Reactive power, positive when absorbed. [var], shape (samples,)"""
    sensor_s: float = 0.0
    """Time over which the sensor averages; 0 for one that is as fast as the samples. [s]"""
    clock: str = "as recorded"
    """How the samples came onto the even clock."""

    def __post_init__(self) -> None:
        """Check the shapes and make the arrays read-only."""
        if self.watts.ndim != 1 or self.watts.size == 0 or not self.dt_s > 0.0:
            raise ValueError(f"expected samples in one dimension and a positive spacing, got {self.watts.shape}")
        if self.vars is not None and self.vars.shape != self.watts.shape:
            raise ValueError(f"expected reactive power of shape {self.watts.shape}, got {self.vars.shape}")
        for array in (self.watts, self.vars):
            if array is not None:
                array.setflags(write=False)

    @property
    def samples(self) -> int:
        """Number of samples."""
        return int(self.watts.size)

    @property
    def duration_s(self) -> float:
        """Length of the record. [s]"""
        return self.samples * self.dt_s

    @property
    def energy_j(self) -> float:
        """Energy of the record. [J]"""
        return float(self.watts.sum()) * self.dt_s

    @property
    def resolution_s(self) -> float:
        """Shortest time that a reading stands for: the sensor's or the clock's. [s]"""
        return max(self.sensor_s, self.dt_s)

    def times_s(self) -> Array:
        """Start of each sample. [s]"""
        return np.asarray(self.t0_s + self.dt_s * np.arange(self.samples), dtype=np.float64)

    def between(self, from_s: float | None, to_s: float | None) -> PowerTrace:
        """Return the samples that start in ``[from_s, to_s]`` on the clock of the trace.

        Raises
        ------
        InputError
            If there is none.
        """
        low = 0 if from_s is None else max(0, math.ceil((from_s - self.t0_s) / self.dt_s - 1e-6))
        high = (
            self.samples if to_s is None else min(self.samples, math.floor((to_s - self.t0_s) / self.dt_s + 1e-6) + 1)
        )
        if low >= high:
            end = self.t0_s + self.duration_s
            raise InputError(f"{self.name}: no samples in the window asked; the record is {self.t0_s:g} to {end:g} s")
        cut = slice(low, high)
        reactive = None if self.vars is None else self.vars[cut]
        return replace(self, t0_s=self.t0_s + low * self.dt_s, watts=self.watts[cut], vars=reactive)


def cumulative(times_s: Array, values: Array, at_s: Array, between: Between) -> Array:
    """Return the integral of readings from the first time to `at_s`.

    ``hold``: ``E_k + p_k u`` with ``u = t - t_k``; ``line``: in addition ``(p_(k+1) - p_k) u^2 / (2 (t_(k+1) - t_k))``.
    Both are exact for the power that they assume; after the last reading its value holds.

    Parameters
    ----------
    times_s, values : array, shape (readings,)
        Increasing times [s] and readings.
    at_s : array
        Where the integral is wanted, not before the first time. [s]
    between : str
        ``"hold"`` or ``"line"``.
    """
    step = np.diff(times_s)
    area = values[:-1] * step if between == "hold" else 0.5 * (values[:-1] + values[1:]) * step
    energy = np.concatenate([[0.0], np.cumsum(area)])
    k = np.clip(np.searchsorted(times_s, at_s, side="right") - 1, 0, times_s.size - 1)
    u = at_s - times_s[k]
    found = energy[k] + values[k] * u
    if between == "line":
        slope = np.concatenate([np.diff(values) / step, [0.0]])
        found += 0.5 * slope[k] * u**2
    return np.asarray(found, dtype=np.float64)


def bin_means(times_s: Array, values: Array, dt_s: float, between: Between) -> Array:
    """Return exact means over bins of `dt_s` from the first time on; a last partial bin is dropped.

    The mean over ``[a, b)`` is ``(E(b) - E(a)) / (b - a)`` with the integral of :func:`cumulative`, so that energy is
    kept to rounding whatever the two clocks are. ``hold`` lets the last reading stand for the median step.
    """
    end = times_s[-1] + (float(np.median(np.diff(times_s))) if between == "hold" else 0.0)
    count = max(1, math.floor((end - times_s[0]) / dt_s + 1e-6))
    edges = times_s[0] + dt_s * np.arange(count + 1)
    return np.asarray(np.diff(cumulative(times_s, values, edges, between)) / dt_s, dtype=np.float64)


def resampled(trace: PowerTrace, dt_s: float) -> PowerTrace:
    """Return the trace as exact means over bins of another width; what it holds within its own samples is constant."""
    times = trace.times_s()
    watts = bin_means(times, trace.watts, dt_s, "hold")
    reactive = None if trace.vars is None else bin_means(times, trace.vars, dt_s, "hold")
    clock = f"means over {dt_s:g} s of samples every {trace.dt_s:g} s"
    return replace(trace, dt_s=dt_s, watts=watts, vars=reactive, clock=clock)


def boxcar(trace: PowerTrace, window_s: float) -> PowerTrace:
    """Return what a sensor that averages over `window_s` would show at the end of each sample.

    ``y(t) = (1/w) integral_(t-w)^t P``, exact for the piecewise constant power of the samples; before the record the
    power is that of the first sample. Its response is ``|sin(pi f w) / (pi f w)|``: 64 % at ``f = 1/(2w)``, none at
    ``1/w``. Of what is shorter than the window nothing is known, and no processing brings it back.

    Raises
    ------
    InputError
        If the window is not positive, or longer than the record.
    """
    if not 0.0 < window_s <= trace.duration_s:
        raise InputError(
            f"sensor: expected an averaging time above zero and within the {trace.duration_s:g} s of the record, "
            f"got {window_s:g} s"
        )

    def averaged(values: Array) -> Array:
        lead = math.ceil(window_s / trace.dt_s) + 1
        padded = np.concatenate([np.full(lead, values[0]), values])
        total = np.concatenate([[0.0], np.cumsum(padded - values[0])])
        shift = window_s / trace.dt_s
        whole = math.floor(shift)
        late = total[lead + 1 :]
        start = lead + 1 - whole
        early = total[start : start + values.size]
        part = shift - whole
        if part > 0.0:
            early = early - part * (early - total[start - 1 : start - 1 + values.size])
        return np.asarray(values[0] + (late - early) / shift, dtype=np.float64)

    reactive = None if trace.vars is None else averaged(trace.vars)
    seen = max(window_s, trace.sensor_s)
    return replace(trace, watts=averaged(trace.watts), vars=reactive, sensor_s=seen)


def coherent_gain(units: int, coherence: float) -> float:
    """Return by how much the fluctuation of a sum of like loads exceeds that of one.

    Loads of equal mean ``m`` and variance ``s^2`` whose pairwise correlation is ``rho`` add up to mean ``N m`` and
    variance ``s^2 (N + N (N - 1) rho)``, so the gain is ``sqrt(N + N (N - 1) rho)``: ``N`` at 1, ``sqrt(N)`` at 0. In
    terms of a common part of amplitude ``a s`` in each load, ``rho = a^2``; magnitude-squared coherence is ``rho^2``.

    Raises
    ------
    InputError
        If there is no unit or the coherence is not in 0 to 1.
    """
    if units < 1:
        raise InputError(f"scale: expected at least 1 unit, got {units}")
    if not 0.0 <= coherence <= 1.0:
        raise InputError(f"coherence: expected 0 to 1, got {coherence:g}")
    return math.sqrt(units + units * (units - 1) * coherence)


def scaled(trace: PowerTrace, units: int, coherence: float = 1.0) -> PowerTrace:
    """Return the power of `units` loads like this one: ``N m + g (P - m)`` with the gain of :func:`coherent_gain`.

    Exact in mean and, for a correlation that is the same at all frequencies, in variance and spectrum. The shape of
    the distribution stays that of one unit; a sum of independent loads comes nearer to a Gaussian, with rarer extremes
    on the steep side. Never negative, since ``g <= N``.
    """
    return scaled_by(trace, units, coherent_gain(units, coherence))


def scaled_by(trace: PowerTrace, units: float, gain: float) -> PowerTrace:
    """Return ``N m + g (P - m)`` for N units and a gain g of their fluctuation; the units need not be whole."""
    if units == gain == 1.0:
        return trace

    def sum_of(values: Array) -> Array:
        if gain == units:
            return np.asarray(units * values, dtype=np.float64)
        mean = float(values.mean())
        return np.asarray(units * mean + gain * (values - mean), dtype=np.float64)

    reactive = None if trace.vars is None else sum_of(trace.vars)
    return replace(trace, watts=sum_of(trace.watts), vars=reactive)
