"""What the plant answers to the windows, and what the rules look at."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.limits import Evidence, Rating, Trace
from clustersim.plant import (
    PlantResponse,
    short_circuit_va,
    simulate_plant,
    turns,
)
from clustersim.study.horizon import TRAIN, SiteHistory
from clustersim.study.it_power import STARTS
from clustersim.study.site.chain import held_w
from clustersim.study.site.conversion_ratings import SiteWindow
from clustersim.study.site.power import SitePower, provisioned_w
from clustersim.study.site.settling import meter_until_settled
from clustersim.study.site.smoothing_charge import with_smoothing
from clustersim.study.site.study import SiteStudy
from clustersim.study.site.supply import charge_of, site_ratings

SETTLED_S = 10.0
"""End of a window that stands for what follows it. [s]"""
Windows = tuple[SitePower, ...]
"""The steady window, then those of the events."""


def respond(study: SiteStudy, windows: Windows) -> tuple[PlantResponse, ...]:
    """Return the plant's answer to every window at every site; sites with generators are also tried as an island."""
    found = []
    for site, plant in study.place.topology.electrical.items():
        modes = [study.scenario.plant.mode]
        if turns(plant) and "island" not in modes:
            modes.append("island")
        for power in windows:
            wave = power.waveform
            found += [
                with_smoothing(
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
                        runs_in=power.window not in STARTS,
                        event_s=power.hall.event_s or math.inf,
                        reserved_w=reserved_battery_w(power, site),
                        neighbours_w=neighbours_change_w(study, power, site) if mode == "grid_parallel" else None,
                        inertia_scale=study.scenario.plant.inertia_scale,
                        trial=mode != study.scenario.plant.mode,
                    ),
                    power.site_damping.get(site, ()),
                )
                for mode in modes
            ]
    return tuple(found)


def _before(power: SitePower, site: str) -> float | None:
    """Load of a site before the event of a window; None in the steady window. [W]"""
    load = power.waveform.power(site)
    if power.window == "steady":
        return None
    if power.window in STARTS:
        return float(load[0])
    return float(load[: max(1, round(power.hall.event_s / power.hall.dt_s / 2))].mean())


def reserved_battery_w(power: SitePower, site: str) -> float:
    """Power that smoothing takes of the site's battery. [W]"""
    return float(np.abs(power.storage[site].battery_w).max()) if site in power.storage else 0.0


def neighbours_change_w(study: SiteStudy, power: SitePower, site: str) -> NDArray[np.float64] | None:
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
    study: SiteStudy, windows: Windows, responses: tuple[PlantResponse, ...], history: dict[str, SiteHistory]
) -> Evidence:
    """Return traces, responses and ratings of a run.

    After a window around an event what damps at the site goes on until it has settled (:mod:`.settling`). Beyond that
    the power is taken to be that of the state before it, and to settle at once on that of the state after it; where
    that has no power of its own in the history, on the window's last ten seconds.
    """
    traces = power_traces(study, windows, responses, history)
    ratings = tuple(_ratings(study, windows, responses))
    return Evidence(traces, responses, ratings, short_circuit_va=short_circuit_va(study.place.topology.electrical))


def power_traces(
    study: SiteStudy, windows: Windows, responses: tuple[PlantResponse, ...], history: dict[str, SiteHistory]
) -> tuple[Trace, ...]:
    """Return the power at the meter of every site in every window, with the voltage where `responses` tell it."""
    voltages = {(r.site, r.window): r.voltage_pu for r in responses if r.mode == "grid_parallel"}
    traces = []
    for site in study.place.topology.site:
        training = float(windows[0].waveform.power(site).mean())
        settled = {state: held_w(study, watts) for state, watts in history[site].load_w.items()} | {TRAIN: training}
        for power in windows:
            wave = power.waveform
            before = _before(power, site)
            meter, dt_s = meter_until_settled(study, power, site, windows[0])
            traces.append(
                Trace(
                    site,
                    power.window,
                    dt_s,
                    meter,
                    voltages.get((site, power.window)) if dt_s == wave.dt_s else None,
                    power.window == "steady",
                    before_w=before if power.window in ("steady", *STARTS) else training,
                    settled_w=settled.get(
                        power.hall.after, float(wave.power(site)[-round(SETTLED_S / wave.dt_s) :].mean())
                    ),
                )
            )
    return tuple(traces)


def _ratings(study: SiteStudy, windows: Windows, responses: tuple[PlantResponse, ...]) -> list[Rating]:
    """Return what each piece of equipment carries and may carry in the worst window."""
    found = []
    provided = provisioned_w(study)
    for site, plant in study.place.topology.electrical.items():
        all_modes = [r for r in responses if r.site == site]
        own = [r for r in all_modes if r.mode == study.scenario.plant.mode]
        seen = tuple(_window(power, site) for power in windows)
        found += site_ratings(site, plant, study.place.topology.cooling[site], provided[site], seen, own, all_modes)
    return found


def _window(power: SitePower, site: str) -> SiteWindow:
    wave = power.waveform
    smoothing = power.storage[site].battery_w if site in power.storage else None
    it, cooling = f"{site}/it", f"{site}/cooling"
    return SiteWindow(
        power.window,
        wave.dt_s,
        wave.power(site),
        wave.power(it),
        wave.power(it) + wave.power(cooling),
        wave.reactive(it) + wave.reactive(cooling),
        smoothing,
        _before(power, site),
        None if smoothing is None else charge_of(power.site_damping[site]),
    )
