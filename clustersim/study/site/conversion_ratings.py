"""What the conversion stages of a site carry and may carry: firm capacity, breakers, hot spots, ageing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.limits import Rating
from clustersim.plant import PlantResponse, SitePlantSpec
from clustersim.plant.electrical_tree import ambient_c, feeds_of, firm_feeds_w, hottest_air_c, thermal_of
from clustersim.plant.fault_level import breaker_faults, source_fault
from clustersim.plant.protection import curve_of, disk_travel
from clustersim.plant.spec_parts.supply import BreakerSpec
from clustersim.plant.spec_parts.weather_file import WeatherRecord
from clustersim.plant.stages import Stage, StageFlow, stage_flows
from clustersim.plant.transformer_thermal import ThermalState, ageing_rate, temperatures
from clustersim.power.records import coarsen

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SiteWindow:
    """One window of a site, as its ratings look at it."""

    window: str
    dt_s: float
    meter_w: Floats
    it_w: Floats
    equipment_w: Floats
    """What the conversion stages supply: IT and cooling. [W]"""
    equipment_var: Floats
    smoothing_w: Floats | None = None
    """What the site's battery gives to smooth the meter. [W]"""
    before_w: float | None = None
    """Load of the site before the event of the window; None in steady operation. [W]"""
    charge: tuple[float, float] | None = None
    """Lowest and highest state of charge of the battery that smooths the meter. [-]"""


def one_second(power_w: Floats, dt_s: float) -> float:
    """Return the largest of the means over one second. [W]"""
    return float(coarsen(power_w, min(power_w.size, max(1, round(1.0 / dt_s)))).max())


def feed_ratings(site: str, plant: SitePlantSpec, responses: Sequence[PlantResponse]) -> list[Rating]:
    """Return the feeds that a file names against the largest import, and their breakers under it.

    Parameters
    ----------
    site, plant
        The site.
    responses : sequence of PlantResponse
        In the site's own mode of supply; that of the steady window repeats for ever.
    """
    feeds = feeds_of(plant)
    if plant.grid is None or plant.grid.feeds is None or feeds is None:
        return []
    source = f"firm capacity: {feeds.count} feeds, {feeds.redundancy}"
    most = max(one_second(r.grid_w, r.dt_s) for r in responses)
    found = [Rating("feeds", site, most, firm_feeds_w(feeds), source)]
    if feeds.breaker is not None:
        rating = feeds.count * feeds.capacity
        currents = [(r.window, r.dt_s, np.abs(r.grid_w) / rating) for r in responses]
        found += _breaker(f"{site}/feeds", feeds.breaker, currents, source_fault(plant).current_a)
    return found


def conversion_ratings(
    site: str, plant: SitePlantSpec, windows: tuple[SiteWindow, ...], weather: str | WeatherRecord | None = None
) -> list[Rating]:
    """Return what every conversion stage of a site carries and may carry in its worst window.

    Power counts in one-second means against the firm capacity. The breaker's disk turns over the current of every
    window, over the steady one again and again. A transformer's hot spot repeats the steady window for ever, and meets
    an event after that; its ageing is the mean over the steady window.

    Parameters
    ----------
    site, plant
        The site.
    windows : tuple of SiteWindow
        The steady one first.
    weather : str or WeatherRecord, optional
        Of the site: oil and hot spots are those of its design day where the file gives no `ambient`.
    """
    flows = [stage_flows(plant, w.equipment_w, w.equipment_var) for w in windows]
    stages = [flow.stage for flow in flows[0]]
    faults = breaker_faults(plant, stages)
    found = []
    for index, stage in enumerate(stages):
        own = [flow[index] for flow in flows]
        most = max(one_second(flow.through, w.dt_s) for flow, w in zip(own, windows, strict=True))
        units = stage.spec
        source = f"firm capacity: {units.count} x {stage.unit / 1e6:.4g} {_unit(stage)}, {units.redundancy}"
        found.append(Rating(stage.name, site, most, stage.firm, source, _unit(stage)))
        if units.breaker is not None:
            currents = [(w.window, w.dt_s, flow.loading) for flow, w in zip(own, windows, strict=True)]
            found += _breaker(f"{site}/{stage.name}", units.breaker, currents, faults[index].current_a)
        found += _temperatures(site, plant, stage, own, windows, weather)
    return found


def _unit(stage: Stage) -> str:
    return "MVA" if stage.by_current else "MW"


def _breaker(
    node: str, breaker: BreakerSpec, currents: Sequence[tuple[str, float, Floats]], fault_a: float
) -> list[Rating]:
    """Return how far a breaker's disk turns, and what it must break, for windows with width [s] and current [pu]."""
    curve = curve_of(breaker)
    travels = [
        disk_travel(curve, loading / breaker.pickup, dt_s, repeating=window == "steady")
        for window, dt_s, loading in currents
    ]
    worst = max(range(len(travels)), key=lambda index: travels[index].largest)
    trip = travels[worst].trip_s
    said = f"{breaker.curve} at {100.0 * breaker.pickup:g} %, multiplier {breaker.time_multiplier:g}"
    said += "; never trips" if trip is None else f"; trips after {trip:.4g} s of {currents[worst][0]}"
    found = [Rating("breaker", node, travels[worst].largest, 1.0, said, "x")]
    if breaker.interrupting is not None:
        said = "short-circuit current that the breaker interrupts"
        found.append(Rating("interrupting", node, fault_a, breaker.interrupting, said, "kA"))
    return found


def _temperatures(
    site: str,
    plant: SitePlantSpec,
    stage: Stage,
    flows: list[StageFlow],
    windows: tuple[SiteWindow, ...],
    weather: str | WeatherRecord | None,
) -> list[Rating]:
    """Return current, top oil, hot spot and ageing of a transformer."""
    thermal, air = thermal_of(stage), hottest_air_c(plant, weather)
    if thermal is None:
        return []
    oil, hottest, rate, current = 0.0, 0.0, 0.0, 0.0
    start: ThermalState | None = None
    mean = ambient_c(plant)
    for flow, window in zip(flows, windows, strict=True):
        found = temperatures(thermal, flow.loading, window.dt_s, air, start)
        oil, hottest = max(oil, float(found.top_oil_c.max())), max(hottest, float(found.hot_spot_c.max()))
        current = max(current, one_second(flow.loading, window.dt_s))
        if start is None:
            # rises do not depend on the air: what is left is the mean of the year
            rate = float(ageing_rate(found.hot_spot_c - air + mean, stage.spec.paper).mean())
            start = found.end
    limits = catalog.entry("switchgear", "transformer_limits")
    large = stage.unit > limits.si("large")
    node, said = f"{site}/{stage.name}", "in normal cyclic loading (IEC 60076-7)"
    size = "large power transformer" if large else "distribution or medium power transformer"
    return [
        Rating("current", node, current, limits.si("current.large" if large else "current"), f"{size} {said}", "x"),
        Rating("top_oil", node, oil, limits.si("top_oil"), f"top oil at {air:.4g} degC {said}", "degC"),
        Rating("hot_spot", node, hottest, limits.si("hot_spot"), f"hot spot at {air:.4g} degC {said}", "degC"),
        Rating(
            "ageing", node, rate, 1.0, f"normal ageing of {stage.spec.paper} paper at a mean of {mean:.4g} degC", "x"
        ),
    ]
