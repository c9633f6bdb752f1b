"""What the plant answers to the windows, and what the rules look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.limits import Evidence, Rating, Trace
from clustersim.plant import (
    PlantResponse,
    battery_rating_w,
    generator_rating_w,
    island_capacity_w,
    largest_step,
    simulate_plant,
    steady_cooling,
)
from clustersim.plant.spec import GeneratorSpec
from clustersim.power.records import coarsen
from clustersim.study.horizon import TRAIN, SiteHistory
from clustersim.study.site_chain import held_w
from clustersim.study.site_power import SitePower, provisioned_w
from clustersim.study.step import StepStudy

Windows = tuple[SitePower, ...]
"""The steady window, then those of the events."""


def respond(study: StepStudy, windows: Windows) -> tuple[PlantResponse, ...]:
    """Return the plant's answer to every window at every site; sites with generators are also tried as an island."""
    found = []
    for site, plant in study.place.topology.electrical.items():
        modes = [study.scenario.plant.mode]
        if plant.generators is not None and "island" not in modes:
            modes.append("island")
        for power in windows:
            wave = power.waveform
            found += [
                simulate_plant(
                    plant,
                    site,
                    power.window,
                    wave.power(site),
                    wave.reactive(site),
                    wave.dt_s,
                    wave.t0_s,
                    mode,
                    _before(power, site),
                    reserved_w=_reserved_w(power, site),
                    neighbours_w=_neighbours_w(study, power, site) if mode == "grid_parallel" else None,
                )
                for mode in modes
            ]
    return tuple(found)


def _before(power: SitePower, site: str) -> float | None:
    """Load of a site before the event of a window; None in the steady window. [W]"""
    load = power.waveform.power(site)
    if power.window == "steady":
        return None
    if power.window == "restart":
        return float(load[0])
    return float(load[: max(1, round(power.hall.event_s / power.hall.dt_s / 2))].mean())


def _reserved_w(power: SitePower, site: str) -> float:
    """Power that smoothing takes of the site's battery. [W]"""
    return float(np.abs(power.storage[site].battery_w).max()) if site in power.storage else 0.0


def _neighbours_w(study: StepStudy, power: SitePower, site: str) -> NDArray[np.float64] | None:
    """By how much the other sites on the same interconnection draw more than before; None without such. [W]"""
    plants = study.place.topology.electrical
    mine = plants[site].grid
    change: NDArray[np.float64] | None = None
    for name, plant in plants.items():
        if name == site or mine is None or plant.grid is None:
            continue
        if catalog.entry("grids", plant.grid.system).name != catalog.entry("grids", mine.system).name:
            continue
        load, before = power.waveform.power(name), _before(power, name)
        more = load - (float(load.mean()) if before is None else before)
        change = more if change is None else change + more
    return change


def evidence(
    study: StepStudy, windows: Windows, responses: tuple[PlantResponse, ...], history: dict[str, SiteHistory]
) -> Evidence:
    """Return traces, responses and ratings of a run.

    Beyond a window around an event the power is taken to be that of the state before it, and to settle at once on that
    of the state after it.
    """
    voltages = {(r.site, r.window): r.voltage_pu for r in responses if r.mode == "grid_parallel"}
    traces = []
    for site in study.place.topology.site:
        training = float(windows[0].waveform.power(site).mean())
        settled = {state: held_w(study, watts) for state, watts in history[site].load_w.items()} | {TRAIN: training}
        for power in windows:
            wave = power.waveform
            before = _before(power, site)
            traces.append(
                Trace(
                    site,
                    power.window,
                    wave.dt_s,
                    wave.power(site),
                    voltages.get((site, power.window)),
                    power.window == "steady",
                    before_w=training if power.window == "crash" else before,
                    settled_w=settled[power.hall.after],
                )
            )
    return Evidence(tuple(traces), responses, tuple(_ratings(study, windows, responses)))


def _ratings(study: StepStudy, windows: Windows, responses: tuple[PlantResponse, ...]) -> list[Rating]:
    """Return what each piece of equipment carries and may carry in the worst window.

    What heats is judged on one-second means; batteries and load steps on the windows' own bins.
    """
    found = []
    provided = provisioned_w(study)
    for site, plant in study.place.topology.electrical.items():
        own = [r for r in responses if r.site == site and r.mode == study.scenario.plant.mode]
        if plant.grid is not None:
            most = max(_one_second(r.grid_w, r.dt_s) for r in own)
            found.append(Rating("grid_capacity", site, most, plant.grid.capacity, "connection agreement"))
        if plant.generators is not None:
            most = max(_one_second(r.generator_w, r.dt_s) for r in own)
            found.append(Rating("generator", site, most, generator_rating_w(plant.generators), "rating"))
            found += _island_ratings(plant.generators, site, windows)
        for stage in plant.conversion:
            most = max(_one_second(p.waveform.power(site), p.waveform.dt_s) for p in windows)
            found.append(Rating(stage.stage, site, most * stage.share, stage.rating, "rating"))
        if plant.battery is not None:
            most = _battery_w(windows, [r for r in responses if r.site == site])
            found.append(Rating("battery_power", site, most, battery_rating_w(plant.battery), "rating"))
        it = float(windows[0].waveform.power(f"{site}/it").mean())
        cooling = steady_cooling(study.place.topology.cooling[site], it)
        found.append(Rating("cooling", site, it, cooling.capacity_w, "catalog, kind cooling"))
        most = max(_one_second(p.waveform.power(f"{site}/it"), p.waveform.dt_s) for p in windows)
        found.append(Rating("provisioned_it", site, most, provided[site], "nameplates"))
    return found


def _battery_w(windows: Windows, responses: list[PlantResponse]) -> float:
    """Return the largest power of a site's battery: what smooths the meter and what answers frequency together. [W]"""
    most = 0.0
    by_name = {power.window: power for power in windows}
    for response in responses:
        storage = by_name[response.window].storage
        smoothing = storage[response.site].battery_w if response.site in storage else 0.0
        most = max(most, float(np.abs(response.battery_w + smoothing).max()))
    return most


def _island_ratings(units: GeneratorSpec, site: str, windows: Windows) -> list[Rating]:
    """Return what an island's generators must accept at once and carry for ever."""
    entry = catalog.entry("generators", units.type)
    training = float(windows[0].waveform.power(site).mean())
    found = [Rating("island_generation", site, training, island_capacity_w(units), "dispatch limit of the generators")]
    if entry.has("load_step"):
        step = max(abs(largest_step(p.waveform.power(site), p.waveform.dt_s, _before(p, site))) for p in windows)
        accepted = entry.si("load_step") * generator_rating_w(units)
        found.append(Rating("island_load_step", site, step, accepted, "load step that the generators accept at once"))
    return found


def _one_second(power_w: NDArray[np.float64], dt_s: float) -> float:
    return float(coarsen(power_w, max(1, round(1.0 / dt_s))).max())
