"""Load of a run as a utility asks for it: envelope, days, ramps, steps, snapshots of active and reactive power."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from clustersim.limits.definitions import METER_DT_S
from clustersim.operation.records import EVENT_AT_S
from clustersim.power.records import Waveform, coarsen
from clustersim.study.result import Result
from clustersim.units import DAY_S, HOUR_S

MW = 1e6
MINUTE_S = 60.0
LAGS_S = (1.0, 10.0, 60.0, 600.0)
"""Times within which the largest changes are told. [s]"""
BEFORE_S = 5.0
"""Length of the means before and after an event. [s]"""
Floats = NDArray[np.float64]


def means(values: Floats, dt_s: float, over_s: float = METER_DT_S) -> tuple[Floats, float]:
    """Return exact means over `over_s`, and their clock; values as they are where the clock is coarser. [s]"""
    factor = max(1, round(over_s / dt_s))
    return (values, dt_s) if factor == 1 else (coarsen(values, factor), factor * dt_s)


def points(result: Result) -> tuple[str, ...]:
    """Return the nodes at which a utility sees the load: the meter, and the sites where there are several."""
    wave = result.waveforms["steady"]
    sites = [node for node, parent in zip(wave.nodes, wave.parents, strict=True) if parent == "meter"]
    return ("meter", *sites) if len(sites) > 1 else ("meter",)


def envelope(result: Result) -> pd.DataFrame:
    """Return least, mean and greatest load of every minute of every window.

    Returns
    -------
    DataFrame
        Columns window, point, minute, seconds, min_mw, mean_mw, max_mw (of 100 ms means), mean_mvar.
    """
    rows = []
    for name, wave in result.waveforms.items():
        for point in points(result):
            power, dt = means(wave.power(point), wave.dt_s)
            reactive, _ = means(wave.reactive(point), wave.dt_s)
            each = round(MINUTE_S / dt)
            for minute, begin in enumerate(range(0, power.size, each)):
                part, vars_ = power[begin : begin + each], reactive[begin : begin + each]
                rows.append(
                    {
                        "window": name,
                        "point": point,
                        "minute": minute,
                        "seconds": part.size * dt,
                        "min_mw": part.min() / MW,
                        "mean_mw": part.mean() / MW,
                        "max_mw": part.max() / MW,
                        "mean_mvar": vars_.mean() / MW,
                    }
                )
    return pd.DataFrame(rows)


def days(result: Result) -> pd.DataFrame:
    """Return how the days of the horizon go: hours at work, hours not, and how often the load comes and goes.

    Returns
    -------
    DataFrame
        Columns day, hours_at_work, hours_off, stops: stretches without work that begin on that day, each a fall of
        the load and a return. Of sites that train apart: the mean of the hours, the sum of the stops. Empty with a
        measured load.
    """
    table = result.timeline
    if table.empty:
        return pd.DataFrame(columns=["day", "hours_at_work", "hours_off", "stops"])
    sites = [part for _, part in table.groupby("site", sort=False)] if "site" in table else [table]
    horizon = float(table["t_end_s"].max())
    count = math.ceil(horizon / DAY_S)
    work, off, stops = np.zeros(count), np.zeros(count), np.zeros(count, dtype=np.int64)
    for part in sites:
        # the training before an interruption is called lost where it is rolled back
        busy = part["state"].isin(["train", "lost", "checkpoint", "evaluation"]).to_numpy()
        begins, ends = part["t_start_s"].to_numpy(), part["t_end_s"].to_numpy()
        for day in range(count):
            inside = np.clip(np.minimum(ends, (day + 1) * DAY_S) - np.maximum(begins, day * DAY_S), 0.0, None) / HOUR_S
            work[day] += inside[busy].sum() / len(sites)
            off[day] += inside[~busy].sum() / len(sites)
        first = ~busy & np.concatenate(([True], busy[:-1]))
        np.add.at(stops, np.minimum((begins[first] // DAY_S).astype(np.int64), count - 1), 1)
    return pd.DataFrame({"day": np.arange(1, count + 1), "hours_at_work": work, "hours_off": off, "stops": stops})


def ramps(result: Result) -> pd.DataFrame:
    """Return the largest rise and fall within several times, with where and when.

    The change from the least to a later greatest 100 ms mean within the lag, and the other way round.

    Returns
    -------
    DataFrame
        Columns lag_s, point, direction (up, down), change_mw, window, time_s (of the end of the change, in the window),
        whole: whether that window is as long as the lag; where it is not, the change is a lower bound.
    """
    rows = []
    for lag in LAGS_S:
        for point in points(result):
            for direction in ("up", "down"):
                found = [_ramp(wave, point, lag, direction, name) for name, wave in result.waveforms.items()]
                rows.append(max(found, key=lambda row: row["change_mw"]))
    return pd.DataFrame(rows)


def _ramp(wave: Waveform, point: str, lag_s: float, direction: str, window: str) -> dict[str, Any]:
    power, dt = means(wave.power(point), wave.dt_s)
    change, at = largest_change(power if direction == "up" else -power, dt, lag_s)
    return {
        "lag_s": lag_s,
        "point": point,
        "direction": direction,
        "change_mw": change / MW,
        "window": window,
        "time_s": at,
        "whole": power.size * dt >= lag_s,
    }


def largest_change(values: Floats, dt_s: float, lag_s: float) -> tuple[float, float]:
    """Return the largest rise of values within a time, and when it ends: ``max over t, s <= lag of v(t) - v(t - s)``.

    Parameters
    ----------
    values : ndarray, shape (samples,)
    dt_s, lag_s : float
        Clock, and the longest time between the two values. [s]
    """
    size = min(values.size, round(lag_s / dt_s) + 1)
    # the window of the filter ends at the sample
    least = scipy.ndimage.minimum_filter1d(values, size, mode="nearest", origin=(size - 1) // 2)
    rise = values - least
    at = int(rise.argmax())
    return float(rise[at]), at * dt_s


def steps(result: Result) -> pd.DataFrame:
    """Return the largest change between two 100 ms means that follow each other, of every window.

    Returns
    -------
    DataFrame
        Columns window, point, cause, rise_mw, rise_at_s, fall_mw, fall_at_s (times in the window).
    """
    causes = dict(zip(result.events["kind"], result.events["cause"], strict=True)) if len(result.events) else {}
    rows = []
    for name, wave in result.waveforms.items():
        for point in points(result):
            power, dt = means(wave.power(point), wave.dt_s)
            change = np.diff(power)
            up, down = int(change.argmax()), int(change.argmin())
            rows.append(
                {
                    "window": name,
                    "point": point,
                    "cause": str(causes.get(name, "none")),
                    "rise_mw": max(0.0, float(change[up])) / MW,
                    "rise_at_s": (up + 1) * dt,
                    "fall_mw": max(0.0, -float(change[down])) / MW,
                    "fall_at_s": (down + 1) * dt,
                }
            )
    return pd.DataFrame(rows)


def snapshots(result: Result) -> pd.DataFrame:
    """Return active and reactive power in the states that a power-flow study looks at.

    Returns
    -------
    DataFrame
        Columns state, point, window, time_s (middle in the window), mw, mvar, power_factor.
    """
    rows = []
    for point in points(result):
        for state, window, begin, end in _states(result, point):
            wave = result.waveforms[window]
            a, b = max(0, round(begin / wave.dt_s)), max(1, round(end / wave.dt_s))
            watts, vars_ = float(wave.power(point)[a:b].mean()), float(wave.reactive(point)[a:b].mean())
            rows.append(
                {
                    "state": state,
                    "point": point,
                    "window": window,
                    "time_s": (begin + end) / 2.0,
                    "mw": watts / MW,
                    "mvar": vars_ / MW,
                    "power_factor": watts / math.hypot(watts, vars_) if watts or vars_ else 1.0,
                }
            )
    return pd.DataFrame(rows)


def _states(result: Result, point: str) -> list[tuple[str, str, float, float]]:
    """Return state, window, begin and end of what is told."""
    steady = result.waveforms["steady"]
    power, dt = means(steady.power(point), steady.dt_s)
    high, low = int(power.argmax()), int(power.argmin())
    found = [
        ("steady, mean", "steady", 0.0, steady.samples * steady.dt_s),
        ("steady, greatest 100 ms mean", "steady", high * dt, (high + 1) * dt),
        ("steady, least 100 ms mean", "steady", low * dt, (low + 1) * dt),
    ]
    for name, wave in result.waveforms.items():
        length = wave.samples * wave.dt_s
        if name == "steady" or length < EVENT_AT_S + BEFORE_S:
            continue
        before = "idle" if name == "job_start" else f"before {name}"
        found.append((before, name, EVENT_AT_S - BEFORE_S, EVENT_AT_S))
        power, dt = means(wave.power(point), wave.dt_s)
        at = int(power.argmin())
        found.append((f"{name}, least 100 ms mean", name, at * dt, (at + 1) * dt))
        found.append((f"{name}, end of its window", name, length - BEFORE_S, length))
    return found
