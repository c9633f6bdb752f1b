"""What stands between the IT load of one site and its meter, for a simulated load as for a measured one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.limits import Rating
from clustersim.plant import (
    CoolingResponse,
    PlantResponse,
    SiteCoolingSpec,
    SitePlantSpec,
    battery_rating_w,
    electrical_losses,
    equipment_reactive,
    generator_rating_w,
    heated_cooling,
    island_capacity_w,
    largest_step,
    load_acceptance_w,
    settled_heat,
    steady_cooling,
)
from clustersim.plant.battery_cells import pack_of, power_limits
from clustersim.plant.spec import BatterySpec, GeneratorSpec
from clustersim.plant.stages import stage_flows
from clustersim.power.damped import Report
from clustersim.study.site.conversion_ratings import SiteWindow, conversion_ratings, feed_ratings, one_second

Floats = NDArray[np.float64]
STORE = "site_battery"
"""Name of the store of a battery that smooths the meter."""
EDGE = 1e-3
"""State of charge from empty and full at which a battery's limits are read. [-]"""


@dataclass(frozen=True)
class SiteLoad:
    """Power of one site between the supplies' input and the site's battery; ``load = it + cooling + losses``."""

    it_w: Floats
    heat_w: Floats
    """Of the cooled rooms: IT power, fans that stand there, and losses of the stages that do. [W]"""
    cooling: CoolingResponse
    losses_w: Floats
    load_w: Floats
    losses_var: Floats
    """Reactive power of the transformers. [var]"""
    load_var: Floats
    """Of all. [var]"""


def site_load(
    plant: SitePlantSpec, cooling: SiteCoolingSpec, it_w: Floats, dt_s: float, before_w: float | None = None
) -> SiteLoad:
    """Return what a site draws for an IT load.

    Parameters
    ----------
    plant, cooling
        Of the site.
    it_w : ndarray, shape (n,)
        At the input of the supplies. [W]
    dt_s : float
        Width of a bin. [s]
    before_w : float, optional
        IT power at which the cooling had settled before; the mean when absent. [W]
    """
    heat, cooled = heated_cooling(plant, cooling, it_w, dt_s, before_w)
    equipment = it_w + cooled.power_w
    absorbed = equipment_reactive(it_w, cooled.power_w)
    losses, stages = np.zeros_like(equipment), np.zeros_like(equipment)
    for flow in stage_flows(plant, equipment, absorbed):
        losses, stages = losses + flow.loss_w, stages + flow.loss_var
    return SiteLoad(it_w, heat, cooled, losses, equipment + losses, stages, absorbed + stages)


def losses_w(plant: SitePlantSpec, it_w: float, cooling_w: float) -> float:
    """Return the losses on the way to a site's computers and cooling, as :func:`site_load` counts them. [W]"""
    return float(electrical_losses(plant, it_w + cooling_w, equipment_reactive(it_w, cooling_w)))


def site_ratings(
    site: str,
    plant: SitePlantSpec,
    cooling: SiteCoolingSpec,
    provisioned_w: float,
    windows: tuple[SiteWindow, ...],
    own: list[PlantResponse],
    responses: list[PlantResponse],
) -> list[Rating]:
    """Return what each piece of a site's equipment carries and may carry in the worst window.

    What heats is judged on one-second means; batteries and load steps on the windows' own bins.

    Parameters
    ----------
    site, plant, cooling
        The site.
    provisioned_w : float
        IT power that it provides for. [W]
    windows : tuple of SiteWindow
        The steady one first.
    own, responses : list of PlantResponse
        Of the site: in its own mode of supply, and all of them.
    """
    found = []
    if plant.grid is not None:
        most = max(one_second(r.grid_w, r.dt_s) for r in own)
        found.append(Rating("grid_capacity", site, most, plant.grid.capacity, "connection agreement"))
        found += feed_ratings(site, plant, own)
    if plant.generators:
        most = max(one_second(r.generator_w, r.dt_s) for r in own)
        found.append(Rating("generator", site, most, generator_rating_w(*plant.generators), "rating"))
        found += _island_ratings(plant.generators, site, windows)
    found += conversion_ratings(site, plant, windows, cooling.weather)
    if plant.battery is not None:
        most = _battery_w(windows, responses)
        found.append(_battery_rating(site, plant.battery, most, windows, responses))
    heat = settled_heat(plant, cooling, float(windows[0].it_w.mean()))
    state = steady_cooling(cooling, heat)
    found.append(Rating("cooling", site, heat, state.capacity_w, "catalog, kind cooling"))
    most = max(one_second(w.it_w, w.dt_s) for w in windows)
    found.append(Rating("provisioned_it", site, most, provisioned_w, "nameplates"))
    return found


def charge_of(reports: Iterable[Report]) -> tuple[float, float] | None:
    """Return the lowest and highest state of charge of the site's battery; None where none smooths the meter. [-]"""
    stores = [store for report in reports for store in report.stores if store.name == STORE]
    if not stores:
        return None
    shares = [np.append(store.initial_j, store.stored_j) / store.capacity_j for store in stores]
    return min(float(share.min()) for share in shares), max(float(share.max()) for share in shares)


def _battery_rating(
    site: str, battery: BatterySpec, most_w: float, windows: tuple[SiteWindow, ...], responses: list[PlantResponse]
) -> Rating:
    """Return the largest power of a battery against what its cells and converter give at its extremes of charge.

    A battery that is empty or full is looked at just above and just below: there the simulation itself stops it.
    """
    extremes = [(battery.state_of_charge, battery.state_of_charge)]
    extremes += [w.charge for w in windows if w.charge is not None]
    # where smoothing takes all of the rating, nothing answers frequency and the response has no charge
    answering = [r.state_of_charge for r in responses if r.state_of_charge.any()]
    extremes += [(float(charge.min()), float(charge.max())) for charge in answering]
    low, high = min(least for least, _ in extremes), max(most for _, most in extremes)
    try:
        pack = pack_of(battery.type)
    except ValueError as error:
        return Rating("battery_power", site, most_w, battery_rating_w(battery), f"rating, at any charge: {error}")
    out, into = power_limits(pack, max(low, EDGE))[0], power_limits(pack, min(high, 1.0 - EDGE))[1]
    said = f"rating; cells and converter give {out:.4g} of it at {low:.3g} of charge and take {into:.4g} at {high:.3g}"
    return Rating("battery_power", site, most_w, battery_rating_w(battery) * min(out, into), said)


def _battery_w(windows: tuple[SiteWindow, ...], responses: list[PlantResponse]) -> float:
    """Return the largest power of a site's battery: what smooths the meter and what answers frequency together. [W]"""
    smoothing = {w.window: 0.0 if w.smoothing_w is None else w.smoothing_w for w in windows}
    return max((float(np.abs(r.battery_w + smoothing[r.window]).max()) for r in responses), default=0.0)


def _island_ratings(units: tuple[GeneratorSpec, ...], site: str, windows: tuple[SiteWindow, ...]) -> list[Rating]:
    """Return what an island's generators must accept at once and carry for ever."""
    mean = float(windows[0].meter_w.mean())
    found = [Rating("island_generation", site, mean, island_capacity_w(*units), "dispatch limit of the generators")]
    accepted = load_acceptance_w(*units)
    if accepted is not None:
        step = max(abs(largest_step(w.meter_w, w.dt_s, w.before_w)) for w in windows)
        found.append(Rating("island_load_step", site, step, accepted, "load step that the generators accept at once"))
    return found
