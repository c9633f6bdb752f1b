"""A measured trace as the IT load of a site: cooling, losses, battery and the plant's answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clustersim.errors import InputError, nearest
from clustersim.limits import Rating
from clustersim.plant import (
    CoolingState,
    Mode,
    PlantResponse,
    SiteCoolingSpec,
    SitePlantSpec,
    settled_heat,
    simulate_plant,
    turns,
)
from clustersim.plant import steady_cooling as settled_cooling
from clustersim.power.chain import ChainResult, DampingChain
from clustersim.power.damped import Element, Floats
from clustersim.power.trace import PowerTrace
from clustersim.power.trace_period import JobWindow
from clustersim.scenario import TopologySpec, require_plant
from clustersim.study.places.place import build_place
from clustersim.study.site.conversion_ratings import SiteWindow
from clustersim.study.site.power import provisioned_of
from clustersim.study.site.smoothing_charge import with_smoothing
from clustersim.study.site.supply import SiteLoad, charge_of, site_load, site_ratings

MOST_S = 86400.0
"""Longest record whose plant is simulated: it takes steps of a millisecond. [s]"""
WINDOW = "record"


@dataclass(frozen=True)
class TracePlace:
    """The site that a trace is taken to load."""

    topology: TopologySpec
    site: str
    provisioned_w: float
    """IT power that the site provides for: nameplates of its servers, network at its maximum. [W]"""
    inertia_scale: float = 1.0
    """Factor on the inertia of the interconnection and of every machine. [-]"""

    @property
    def plant(self) -> SitePlantSpec:
        """Electrical plant of the site."""
        return self.topology.electrical[self.site]

    @property
    def cooling(self) -> SiteCoolingSpec:
        """Cooling of the site."""
        return self.topology.cooling[self.site]

    @property
    def modes(self) -> tuple[Mode, ...]:
        """How the site can be supplied; the first is its own mode."""
        beside: tuple[Mode, ...] = () if self.plant.grid is None else ("grid_parallel",)
        alone: tuple[Mode, ...] = ("island",) if turns(self.plant) else ()
        return beside + alone


def place_of(topology: TopologySpec, site: str | None = None, inertia_scale: float = 1.0) -> TracePlace:
    """Return the named site of a place, or its only one, with the inertia of grid and machines times a factor.

    Raises
    ------
    InputError
        If the place has no plant, no site of that name, or several and none is named.
    """
    require_plant(topology)
    names = list(topology.site)
    if site is None and len(names) > 1:
        raise InputError(f"site: {topology.name} has {len(names)} sites; name one of {', '.join(names)}")
    name = names[0] if site is None else site
    if name not in names:
        raise InputError(f"site: {topology.name} has no site {name!r}{nearest(name, names)}; it has {', '.join(names)}")
    return TracePlace(topology, name, provisioned_of(build_place(topology, "bf16"))[name], inertia_scale)


@dataclass(frozen=True)
class SiteAnswer:
    """What a site does under an IT load."""

    place: TracePlace
    load: SiteLoad
    meter_w: Floats
    """Behind what damps at the site. [W]"""
    chain: ChainResult
    """Of the elements at the site."""
    state: CoolingState
    """Cooling at the mean heat of the job."""
    responses: tuple[PlantResponse, ...]
    ratings: tuple[Rating, ...]

    @property
    def own(self) -> PlantResponse:
        """Response in the site's own mode of supply."""
        return self.responses[0]

    @property
    def pue(self) -> float:
        """Energy at the meter over that of the IT load. [-]"""
        return float(self.meter_w.mean() / self.load.it_w.mean())


def site_answer(place: TracePlace, it: PowerTrace, job: JobWindow, damping: Sequence[Element] = ()) -> SiteAnswer:
    """Return what a site does under a trace, taken as the power at the input of its supplies.

    Where the record begins before the job, cooling and plant start settled at the mean power of that time; else at the
    mean of the record.

    Parameters
    ----------
    place : TracePlace
        The site.
    it : PowerTrace
        IT power of the site. [W]
    job : JobWindow
        Where the job is.
    damping : sequence of Element
        What acts at the site.

    Raises
    ------
    InputError
        If the record is longer than a day.
    """
    if it.duration_s > MOST_S:
        raise InputError(
            f"{it.name}: the plant is simulated for at most {MOST_S / 3600:g} h, the record has "
            f"{it.duration_s / 3600:.4g} h; give a part of it"
        )
    lead = max(0, round((job.from_s - it.t0_s) / it.dt_s))
    before_it = float(it.watts[:lead].mean()) if lead else None
    load = site_load(place.plant, place.cooling, it.watts, it.dt_s, before_it)
    chain = DampingChain(tuple(damping)).apply(load.load_w, it.dt_s)
    meter = chain.power_w
    battery = _battery_w(load.load_w, chain, [element.name for element in damping])
    before = float(meter[:lead].mean()) if lead else None
    answers = tuple(
        with_smoothing(
            simulate_plant(
                place.plant,
                place.site,
                WINDOW,
                meter,
                load.load_var,
                it.dt_s,
                it.t0_s,
                mode,
                before,
                reserved_w=0.0 if battery is None else float(np.abs(battery).max()),
                trial=mode != place.modes[0],
                inertia_scale=place.inertia_scale,
            ),
            chain.reports,
        )
        for mode in place.modes
    )
    inside = it.between(job.from_s, job.to_s - it.dt_s)
    first = round((inside.t0_s - it.t0_s) / it.dt_s)
    busy = slice(first, first + inside.samples)
    equipment, absorbed = load.it_w + load.cooling.power_w, load.load_var - load.losses_var
    windows = (
        SiteWindow("job", it.dt_s, meter[busy], inside.watts, equipment[busy], absorbed[busy]),
        SiteWindow(WINDOW, it.dt_s, meter, it.watts, equipment, absorbed, battery, before, charge_of(chain.reports)),
    )
    own = [response for response in answers if response.mode == place.modes[0]]
    ratings = site_ratings(place.site, place.plant, place.cooling, place.provisioned_w, windows, own, list(answers))
    state = settled_cooling(place.cooling, settled_heat(place.plant, place.cooling, float(inside.watts.mean())))
    return SiteAnswer(place, load, meter, chain, state, answers, tuple(ratings))


def site_columns(found: SiteAnswer) -> dict[str, Floats]:
    """Return power, voltage and frequency of a site over time, by column with its unit.

    Columns of the plant end with the mode of supply before their unit: ``frequency_island_hz``.
    """
    load, own = found.load, found.own
    columns: dict[str, Floats] = {
        "time_s": own.t0_s + own.dt_s * np.arange(found.meter_w.size, dtype=np.float64),
        "it_w": load.it_w,
        "cooling_w": load.cooling.power_w,
        "losses_w": load.losses_w,
        "meter_w": found.meter_w,
        "reactive_var": load.load_var,
        "loop_c": load.cooling.temperature_c,
    }
    for response in found.responses:
        mode = response.mode
        columns |= {
            f"frequency_{mode}_hz": response.frequency_hz,
            f"voltage_{mode}_pu": response.voltage_pu,
            f"grid_{mode}_w": response.grid_w,
            f"generators_{mode}_w": response.generator_w,
            f"battery_{mode}_w": response.battery_w,
            f"state_of_charge_{mode}": response.state_of_charge,
        }
    return columns


def _battery_w(load_w: Floats, chain: ChainResult, names: list[str]) -> Floats | None:
    """Return what the site's battery gives to smooth the meter; None without. [W]"""
    before = load_w
    for name, step in zip(names, chain.steps, strict=True):
        if name == "site_battery":
            return np.asarray(before - step.power_w, dtype=np.float64)
        before = step.power_w
    return None
