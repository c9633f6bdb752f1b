"""A load as it was measured: the record that `fit-power` writes, and the waveform that it stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import scipy
import yaml
from numpy.typing import NDArray
from pydantic import ValidationError

from clustersim import units
from clustersim.errors import InputError, problem_text
from clustersim.power.spec_parts import Dip, MeasuredLoad
from clustersim.power.trace import PowerTrace, bin_means
from clustersim.strict_yaml import told_yaml

__all__ = ["Dip", "MeasuredLoad", "load_text", "load_waveform", "read_load"]

MOST_BYTES = 1_000_000
"""Largest file of a load record."""


def load_text(load: MeasuredLoad) -> str:
    """Return a load as YAML that reads back as the same record."""
    return yaml.safe_dump(_readable(load.model_dump(mode="json", exclude_none=True)), sort_keys=False, width=120)


def _readable(node: Any, key: str = "") -> Any:
    """Return times in seconds and large powers in MW where that reads back as the same number."""
    if isinstance(node, dict):
        return {name: _readable(value, name) for name, value in node.items()}
    if isinstance(node, list):
        return [_readable(value, key) for value in node]
    if not isinstance(node, str) or key in ("kind", "name", "source"):
        return node
    dimension = units.dimension_of(units.split(node)[1])
    if dimension not in ("time", "power"):
        return node
    value = units.parse(node, dimension)
    found = units.text(value, "s" if dimension == "time" else "MW" if value >= 1e6 else "W")
    return found if units.parse(found, dimension) == value else node


def read_load(path: Path) -> MeasuredLoad:
    """Return the load in a file.

    Raises
    ------
    InputError
        If the file cannot be read or is not valid; the message names the key.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected a file with a load record, found none")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path}: expected a load record of at most {MOST_BYTES / 1e6:g} MB, found more")
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    data = told_yaml(text, str(path))
    if not isinstance(data, dict):
        raise InputError(f"{path}: expected a load record, a mapping of keys, found {type(data).__name__}")
    try:
        return MeasuredLoad.model_validate(data)
    except ValidationError as error:
        raise InputError(f"{path}: {problem_text(error.errors()[0])}") from None


def load_waveform(load: MeasuredLoad, duration_s: float, dt_s: float, seed: int = 0) -> PowerTrace:
    """Return the power of a load over some time, as exact means over bins; it begins with a cycle.

    Cycle lengths, starts and lengths of dips are drawn from normal distributions; falls and rises are straight lines.
    On top lies noise with an exponential autocorrelation, ``y_k = phi y_(k-1) + sqrt(1 - phi^2) e_k`` with
    ``phi = exp(-dt / noise_time)``, in full at the high level and none at the bottom of the deepest dip.

    Parameters
    ----------
    load : MeasuredLoad
    duration_s, dt_s : float
        Length and bin width. [s]
    seed : int
        The same seed gives the same waveform.
    """
    jitter, noise = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
    times, watts = _corners(load, duration_s, jitter)
    power = bin_means(times, watts, dt_s, "line")[: max(1, round(duration_s / dt_s))]
    if load.noise > 0.0:
        phi = float(np.exp(-dt_s / load.noise_time)) if load.noise_time > 0.0 else 0.0
        drawn = noise.standard_normal(power.size) * np.sqrt(1.0 - phi**2)
        drawn[0] /= np.sqrt(1.0 - phi**2)
        drawn = scipy.signal.lfilter([1.0], [1.0, -phi], drawn)
        bottom = min(dip.level for dip in load.dips)
        power = np.maximum(power + load.noise * drawn * (power - bottom) / (load.high - bottom), 0.0)
    return PowerTrace(load.name, 0.0, dt_s, power, sensor_s=load.sensor, clock="made of a load record")


def _corners(
    load: MeasuredLoad, duration_s: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the corners of the straight lines that the power follows, in order of time. [s], [W]"""
    first = load.dips[0]
    begin = 0.0 if first.start > 0.0 else 0.5 * first.fall
    times, watts = [0.0], [load.high]
    while begin < duration_s + load.period:
        over = max(0.5 * load.period, rng.normal(load.period, load.period_sd))
        for dip in load.dips:
            start = begin + dip.start + (rng.normal(0.0, dip.start_sd) if dip.start > 0.0 else 0.0)
            length = max(0.1 * dip.length, rng.normal(dip.length, dip.length_sd))
            shrink = min(1.0, 2.0 * length / (dip.fall + dip.rise)) if dip.fall + dip.rise > 0.0 else 1.0
            fall, rise = 0.5 * shrink * dip.fall, 0.5 * shrink * dip.rise
            if start - fall < times[-1]:
                start = times[-1] + fall
            times += [start - fall, start + fall, start + length - rise, start + length + rise]
            watts += [load.high, dip.level, dip.level, load.high]
        begin += over
    # two corners at one time are a step: a bin's mean does not see a nanosecond
    at = np.maximum.accumulate(np.array(times) + 1e-9 * np.arange(len(times)))
    at[0] = 0.0
    return at, np.array(watts)
