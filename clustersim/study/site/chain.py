"""What damps a site between its equipment and its meter, in the order of the scenario's file."""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name

import numpy as np

from clustersim.plant import battery_energy_j, battery_rating_w
from clustersim.power.chain import DampingChain
from clustersim.power.damped import Element, Floats, Report
from clustersim.power.spec import HybridStorage, MeterStrategy, SiteBattery
from clustersim.power.storage import Storage, StorageTrace, asked_storage
from clustersim.power.stores import SiteBatteryElement, hybrid_storage
from clustersim.study.site.study import SiteStudy

NODES = {"site_battery": "battery"}
"""Node of the electrical tree of an element where it has another name."""


@dataclass(frozen=True)
class SiteDamping:
    """What acted on the load of a site."""

    meter_w: Floats
    added_w: dict[str, Floats]
    """By node: what each element adds to the meter, negative while it gives. [W]"""
    reports: tuple[Report, ...]
    battery: StorageTrace | None


def storage_of(study: SiteStudy, site: str) -> Storage | None:
    """Return the battery that smooths the meter of `site`, or None when the scenario does not ask for it.

    Raises
    ------
    InputError
        If its charge at the start or its target lie outside the band in which it smooths.
    """
    strategy = next((s for s in study.scenario.damping if isinstance(s, SiteBattery)), None)
    battery = study.place.topology.electrical[site].battery
    if strategy is None or battery is None:
        return None
    power = battery_rating_w(battery)
    limit = power if strategy.power is None else min(power, strategy.power)
    where = f"damping: site_battery at {site}"
    return asked_storage(strategy, battery.type, limit, battery_energy_j(battery), battery.state_of_charge, where)


def held_w(study: SiteStudy, load_w: float) -> float:
    """Return a constant load of a site behind what damps it there, such as a load bank that holds its floor. [W]"""
    for strategy in study.scenario.damping:
        if isinstance(strategy, MeterStrategy):
            load_w = strategy.held_w(load_w)
    return load_w


def fall_burn_j(study: SiteStudy, from_w: float, to_w: float, longest_s: float) -> float:
    """Return what strategies at the meter burn while they let a site down, beyond what they burn at rest. [J]

    Parameters
    ----------
    study : SiteStudy
        Its scenario says what there is.
    from_w, to_w : float
        Load before, and once the job has stopped. [W]
    longest_s : float
        Time until the load comes back. [s]
    """
    at_meter = (strategy for strategy in study.scenario.damping if isinstance(strategy, MeterStrategy))
    return sum((strategy.fall_burn_j(from_w, to_w, longest_s) for strategy in at_meter), 0.0)


def damp_site(study: SiteStudy, site: str, load_w: Floats, dt_s: float, before_w: float | None) -> SiteDamping:
    """Return the meter of a site and what each element did, in the order of the scenario's file.

    Parameters
    ----------
    study : SiteStudy
        Its scenario says what there is.
    site : str
        Name of the site.
    load_w : ndarray, shape (n,)
        Equipment, cooling and losses. [W]
    dt_s : float
        Width of a bin. [s]
    before_w : float, optional
        Load at which everything had settled before; the mean of what each element sees when absent. [W]
    """
    elements: list[Element] = []
    start = before_w
    for strategy in study.scenario.damping:
        if isinstance(strategy, MeterStrategy):
            elements.append(resolve_name(strategy.element)(strategy, start))
            start = None if start is None else strategy.held_w(start)
        elif isinstance(strategy, HybridStorage) and strategy.at == "site":
            elements.append(hybrid_storage(strategy, 1.0, start))
        elif isinstance(strategy, SiteBattery):
            storage = storage_of(study, site)
            if storage is not None:
                elements.append(SiteBatteryElement(storage, start))
    found = DampingChain(tuple(elements)).apply(load_w, dt_s)
    added: dict[str, Floats] = {}
    battery = None
    before = load_w
    for element, step in zip(elements, found.steps, strict=True):
        added[NODES.get(element.name, element.name)] = step.power_w - before
        if isinstance(element, SiteBatteryElement):
            battery = _trace(before - step.power_w, step.report)
        before = step.power_w
    return SiteDamping(found.power_w, added, found.reports, battery)


def _trace(battery_w: Floats, report: Report) -> StorageTrace:
    store = report.stores[0]
    return StorageTrace(
        battery_w, np.asarray(store.stored_j), store.initial_j, store.loss_j, store.throughput_j, report.missed_j
    )
