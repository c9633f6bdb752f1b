"""On-site generators on their own after a loss: a unit trips, or the grid is gone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.catalog import entry
from clustersim.plant.dip_equipment import KIND
from clustersim.plant.dispatch import (
    battery_energy_j,
    battery_rating_w,
    dispatch_shares,
    group_capacity_w,
    island_capacity_w,
    steady_generation_w,
    turns,
)
from clustersim.plant.fuel import units_online
from clustersim.plant.records import PlantResponse
from clustersim.plant.simulate import simulate_plant
from clustersim.plant.spec import FrequencyResponseSpec, SitePlantSpec

Floats = NDArray[np.float64]
ROUNDS = 60
"""Rounds in which the load that follows the frequency and the frequency must agree."""
AGREED = 1e-4
"""Change of the load between two rounds that counts as none, over the load. [-]"""


@dataclass(frozen=True)
class IslandAnswer:
    """What becomes of an island."""

    response: PlantResponse | None
    """None where no generator is left to hold a frequency."""
    load_w: Floats
    """What it draws, after what follows the frequency. [W]"""
    tripped_s: float
    """Time in the window at which the island goes black; infinite when it holds. [s]"""
    capacity_w: float
    """What its generators carry for ever. [W]"""

    @property
    def why(self) -> str:
        """What happened, in words."""
        if self.response is None:
            return "no generator is online that could hold the frequency"
        low, high = self.response.frequency_hz.min(), self.response.frequency_hz.max()
        return f"frequency between {low:.3f} and {high:.3f} Hz"


def without_units(plant: SitePlantSpec, group: int, units: int) -> SitePlantSpec:
    """Return a plant that has lost some units of one of its groups of generators."""
    left = []
    for index, item in enumerate(plant.generators):
        count = item.count - (units if index == group else 0)
        if count > 0:
            left.append(item.model_copy(update={"count": count}))
    return plant.model_copy(update={"generators": tuple(left)})


def online_beside_grid(plant: SitePlantSpec, load_w: float) -> SitePlantSpec:
    """Return a plant with the units that run beside the grid at a load, each at its dispatch limit but the last."""
    left = []
    for item, output in zip(plant.generators, _shared_w(plant, load_w), strict=True):
        count = units_online(item, output)
        if count > 0:
            left.append(item.model_copy(update={"count": count}))
    return plant.model_copy(update={"generators": tuple(left)})


def _shared_w(plant: SitePlantSpec, load_w: float) -> list[float]:
    """Return what each group gives beside the grid. [W]"""
    if not plant.generators:
        return []
    output = steady_generation_w(plant, load_w, "grid_parallel")
    return [share * output for share in dispatch_shares(*plant.generators)]


def tripped_output_w(plant: SitePlantSpec, load_w: float, group: int, units: int) -> float:
    """Return what units of a group give beside the grid at the moment when they trip; only running ones do. [W]"""
    output = _shared_w(plant, load_w)[group]
    online = units_online(plant.generators[group], output)
    return output * min(units, online) / online if online else 0.0


def battery_for_w(plant: SitePlantSpec, duration_s: float, reserved_w: float = 0.0) -> float:
    """Return what the battery of a site can give for a time: its charge over that time, within its power. [W]

    Parameters
    ----------
    plant : SitePlantSpec
    duration_s : float
        [s]
    reserved_w : float, optional
        Power that other duties take. [W]
    """
    if plant.battery is None:
        return 0.0
    efficiency = math.sqrt(entry("batteries", plant.battery.type).si("round_trip_efficiency"))
    charge = plant.battery.state_of_charge * battery_energy_j(plant.battery) * efficiency
    return max(0.0, min(battery_rating_w(plant.battery) - reserved_w, charge / duration_s))


def kept_output_w(plant: SitePlantSpec, load_w: float, group: int, units: int) -> float:
    """Return what the units of an island give before some others of a group trip, which they then have to carry. [W]"""
    output = steady_generation_w(plant, load_w, "island")
    capacity = [group_capacity_w(item) for item in plant.generators]
    lost = capacity[group] * units / plant.generators[group].count
    return output * (1.0 - lost / math.fsum(capacity))


def trip_band(frequency_hz: float) -> tuple[float, float, float]:
    """Return lowest and highest frequency of an island [Hz], and how long it may be outside of them [s]."""
    figures = entry(KIND, "protection")
    scale = frequency_hz / figures.si("nominal")
    return (
        figures.si("under_frequency") * scale, figures.si("over_frequency") * scale, figures.si("frequency_delay")
    )  # fmt: skip


def tripped_s(frequency_hz: Floats, dt_s: float, band: tuple[float, float, float]) -> float:
    """Return when a frequency has been outside of a band for its delay; infinite if never. [s]"""
    outside = (frequency_hz < band[0]) | (frequency_hz > band[1])
    need = max(1, math.ceil(band[2] / dt_s - 1e-9))
    run = np.convolve(outside.astype(np.int64), np.ones(need, dtype=np.int64))[: outside.size]
    late = np.flatnonzero(run == need)
    return float((late[0] + 1) * dt_s) if late.size else math.inf


def allowed_share(spec: FrequencyResponseSpec, frequency_hz: Floats, nominal_hz: float) -> Floats:
    r"""Return the share of its load that a site keeps at a frequency.

    .. math:: s = \max\left(s_{least},\; 1 - \frac{(f_n - f - f_{th})^+}{f_n\, d}\right)

    Parameters
    ----------
    spec : FrequencyResponseSpec
        Threshold, droop d and least share.
    frequency_hz : ndarray
        [Hz]
    nominal_hz : float
        [Hz]
    """
    beyond = np.maximum(nominal_hz - frequency_hz - spec.threshold, 0.0)
    return np.asarray(np.maximum(spec.least, 1.0 - beyond / (nominal_hz * spec.droop)))


def left_alone(
    plant: SitePlantSpec,
    site: str,
    window: str,
    load_w: Floats,
    dt_s: float,
    at_s: float,
    given_w: float,
    follows: FrequencyResponseSpec | None = None,
    inertia_scale: float = 1.0,
    reserved_w: float = 0.0,
) -> IslandAnswer:
    """Return what becomes of generators that must carry a whole load from a moment on.

    Before it they give `given_w` in the mean and follow the load in proportion; from it on they carry all of it.

    Parameters
    ----------
    plant : SitePlantSpec
        With the units that are left.
    site, window : str
        Names that the response carries.
    load_w : ndarray, shape (n,)
        Load of the site. [W]
    dt_s, at_s : float
        Width of a bin, and the moment in the window. [s]
    given_w : float
        What these units gave before. [W]
    follows : FrequencyResponseSpec, optional
        Whether the load follows the frequency from that moment on.
    inertia_scale : float
        Factor on the inertia of the machines. [-]
    reserved_w : float
        Power of the battery that other duties take. [W]

    Notes
    -----
    A load that follows the frequency does so with the latency of the catalog (kind `ride_through`, entry `protection`).
    Load and frequency are found in turns until they agree: the latency makes each turn right for that much longer. What
    is left may be unstable: it is simulated all the same, and swings itself out of its band.
    """
    if not turns(plant):
        return IslandAnswer(None, load_w, at_s, 0.0)
    begin = round(at_s / dt_s)
    mean = float(load_w[:begin].mean()) if begin else float(load_w[0])
    band, latency = trip_band(plant.frequency), round(entry(KIND, "protection").si("cap_latency") / dt_s)
    carried, share = load_w.copy(), np.ones_like(load_w)
    carried[:begin] *= given_w / mean if mean else 0.0
    for _ in range(ROUNDS):
        response = simulate_plant(
            plant, site, window, carried * share, np.zeros_like(load_w), dt_s, 0.0, "island", given_w,
            reserved_w=reserved_w, inertia_scale=inertia_scale, trial=True,
        )  # fmt: skip
        if follows is None:
            break
        kept = np.ones_like(share)
        kept[begin + latency :] = allowed_share(follows, response.frequency_hz, plant.frequency)[
            begin : -latency or None
        ]
        change, share = float(np.abs(kept - share).max()), kept
        if change < AGREED:
            break
    black = tripped_s(response.frequency_hz[begin:], dt_s, band) + at_s
    return IslandAnswer(response, load_w * share, black, island_capacity_w(*plant.generators))
