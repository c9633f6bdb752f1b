"""Outdoor air: a year from a file or made from the climate of a place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from clustersim.catalog import Entry, entry
from clustersim.errors import InputError
from clustersim.plant.cooling_kernels import remembering
from clustersim.plant.psychrometrics import humidity_ratio, pressure_at, saturation_pressure, wet_bulb
from clustersim.plant.spec_parts.weather_file import WeatherRecord

Floats = NDArray[np.float64]

HOURS = 8760
MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_HALVINGS = 24
_LARGEST_K = 15.0
"""Largest standard deviation of the deviations from the mean day that a fit considers. [K]"""


@dataclass(frozen=True)
class Air:
    """Outdoor air, one value per hour or a single one."""

    dry_bulb_c: Floats
    wet_bulb_c: Floats
    pressure_pa: float

    def at(self, k: NDArray[np.int64] | int) -> Air:
        """Return the air of some of the hours."""
        return Air(np.asarray(self.dry_bulb_c[k]), np.asarray(self.wet_bulb_c[k]), self.pressure_pa)


@dataclass(frozen=True)
class WeatherYear:
    """Hourly air of a year of 365 days; an hour's values hold for the whole hour."""

    place: str
    source: str
    """`synthetic`, or the name of the file."""
    air: Air

    def hour(self, hours: float | Floats) -> Air:
        """Return the air at times counted from the beginning of the year, which repeats. [h]"""
        return self.air.at(np.asarray(np.floor(hours), dtype=np.int64) % HOURS)


def design_air(dry_bulb_c: float, wet_bulb_c: float | None = None, pressure_pa: float = 101325.0) -> Air:
    """Return air of given temperatures; of the wet bulb at which cooling equipment is rated when it is absent.

    Parameters
    ----------
    dry_bulb_c, wet_bulb_c : float
        [degC]
    pressure_pa : float
        [Pa]

    Raises
    ------
    ValueError
        If the wet bulb is above the dry bulb.
    """
    wet = min(dry_bulb_c, entry("cooling", "wet_tower").si("rated.wet_bulb")) if wet_bulb_c is None else wet_bulb_c
    if wet > dry_bulb_c:
        raise ValueError(f"expected a wet bulb of at most the dry bulb = {dry_bulb_c:g} degC, got {wet:g} degC")
    return Air(np.asarray(dry_bulb_c, dtype=np.float64), np.asarray(wet, dtype=np.float64), pressure_pa)


def weather_year(weather: str | WeatherRecord) -> WeatherYear:
    """Return the year of a place of the catalog, or of a weather file that has been read.

    Raises
    ------
    CatalogError
        If the catalog has no such place.
    InputError
        If it is the name of a file: files are read together with the scenario or topology file that names them.
    """
    if isinstance(weather, WeatherRecord):
        return _of_record(weather)
    if weather.lower().endswith(".epw"):
        raise InputError(f"weather: {weather}: a weather file is read with the scenario or topology file that names it")
    return synthetic_year(weather)


def design_dry_bulb_c(weather: str | WeatherRecord) -> float:
    """Return the dry bulb that 0.4 % of the year's hours exceed. [degC]

    Raises
    ------
    CatalogError
        If the catalog has no such place.
    """
    level = 1.0 - entry("weather", "synthetic_year").si("exceedance")
    return float(np.quantile(weather_year(weather).air.dry_bulb_c, level))


def _of_record(record: WeatherRecord) -> WeatherYear:
    dry = np.array(record.dry_bulb_c)
    vapour = np.array(record.relative_humidity) * saturation_pressure(dry)
    wet = wet_bulb(dry, humidity_ratio(vapour, record.pressure_pa), record.pressure_pa)
    return WeatherYear(record.place, record.file, Air(dry, wet, record.pressure_pa))


def synthetic_year(place: str) -> WeatherYear:
    r"""Return the year made from the climate of a place of the catalog; always the same.

    .. math:: T(t) = \bar T(t) + \tfrac{R}{2}\cos\frac{2\pi(h - h_w)}{24} + \sigma z_1(t), \qquad
              T_d(t) = \min(T,\; \bar T_d(t) + \sigma_d z_2(t))

    with the first two harmonics of the year through the monthly means (least squares), the daily range R, the warmest
    hour, and two first-order autoregressive series of unit variance with a common time constant and correlation. Both
    deviations are fitted: at 0.4 % of the hours dry and wet bulb exceed the design conditions of the place.

    Parameters
    ----------
    place : str
        Name in catalog kind `weather`.

    Raises
    ------
    CatalogError
        If the catalog has no such place.
    """
    found = entry("weather", place)
    method = entry("weather", "synthetic_year")
    return _made(found.name, _figures(found), _figures(method), int(method.properties["seed"]))


def _figures(found: Entry) -> tuple[tuple[str, float], ...]:
    return tuple((key, found.si(key)) for key in found.figures)


@lru_cache(maxsize=32)
def _made(
    place: str, climate: tuple[tuple[str, float], ...], method: tuple[tuple[str, float], ...], seed: int
) -> WeatherYear:
    c, m = dict(climate), dict(method)
    hours = np.arange(HOURS, dtype=np.float64) + 0.5
    pressure = pressure_at(c["elevation"])
    z1, z2 = _deviations(m["residual_time"] / 3600.0, m["residual_correlation"], seed)
    wave = np.cos(2.0 * np.pi * (hours - m["warmest_hour"] / 3600.0) / 24.0)
    mean_day = _through_months([c[f"mean.{k:02d}"] for k in range(1, 13)], hours) + 0.5 * c["daily_range"] * wave
    level = 1.0 - m["exceedance"]
    dry = mean_day + _spread(mean_day, z1, c["design.dry_bulb"], level) * z1
    dew_mean = _through_months([c[f"dew_point.{k:02d}"] for k in range(1, 13)], hours)

    def wet(spread: float) -> Floats:
        vapour = saturation_pressure(np.minimum(dry, dew_mean + spread * z2))
        return wet_bulb(dry, humidity_ratio(vapour, pressure), pressure)

    low, high = 0.0, _LARGEST_K
    for _ in range(_HALVINGS // 2):
        middle = 0.5 * (low + high)
        if float(np.quantile(wet(middle), level)) < c["design.wet_bulb"]:
            low = middle
        else:
            high = middle
    return WeatherYear(place, "synthetic", Air(dry, wet(0.5 * (low + high)), pressure))


def _spread(mean_day: Floats, z: Floats, design: float, level: float) -> float:
    """Return the standard deviation at which a share of the hours is above the design temperature. [K]"""
    low, high = 0.0, _LARGEST_K
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if float(np.quantile(mean_day + middle * z, level)) < design:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _deviations(time_h: float, correlation: float, seed: int) -> tuple[Floats, Floats]:
    """Return two autoregressive series of mean 0 and variance 1, shape (8760,) each."""
    memory = float(np.exp(-1.0 / time_h))
    noise = np.random.default_rng(seed).standard_normal((2, 2 * HOURS))
    # the first year is run-in
    series = np.stack([remembering(row, memory) for row in noise])[:, HOURS:]
    series = (series - series.mean(axis=1, keepdims=True)) / series.std(axis=1, keepdims=True)
    return series[0], correlation * series[0] + np.sqrt(1.0 - correlation**2) * series[1]


def _through_months(means: list[float], hours: Floats) -> Floats:
    """Return the mean and the first two harmonics of the year that fit monthly means best, at `hours`."""
    ends = np.cumsum(MONTH_DAYS) * 24.0
    middle = ends - 12.0 * np.array(MONTH_DAYS)

    def columns(at: Floats) -> Floats:
        angle = 2.0 * np.pi * at / HOURS
        return np.stack([np.ones_like(at), *(f(k * angle) for k in (1, 2) for f in (np.cos, np.sin))], axis=1)

    return np.asarray(columns(hours) @ np.linalg.lstsq(columns(middle), np.array(means), rcond=None)[0])
