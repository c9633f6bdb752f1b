"""What damping did over a run beside the power: wear of storage, energy burned, work refused, what was missed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from clustersim.catalog import entry
from clustersim.plant import battery_rating_w
from clustersim.plant.battery_cells import pack_of, round_trip
from clustersim.plant.battery_wear import cycle_damage, life_s
from clustersim.power.damped import Report, Store
from clustersim.power.spec import MeterStrategy
from clustersim.power.stores import rainflow
from clustersim.study.findings import Findings
from clustersim.study.interleaving import second_job
from clustersim.study.site.findings import SiteFindings
from clustersim.study.site.tree import SitePower
from clustersim.units import MWH_J, YEAR_S

STORES = {
    "battery": "site_battery",
    "rack_storage": "rack_storage",
    "psu_storage": "psu_storage",
    "hybrid_capacitor": "hybrid_capacitor",
    "hybrid_battery": "hybrid_battery",
}
"""Stores by the name that their summary keys begin with."""
ELEMENTS = {
    "battery": "site_battery",
    "rack_storage": "rack_storage",
    "psu_storage": "psu_storage",
    "hybrid_storage": "hybrid_storage",
    "load_bank": "load_bank",
}
"""Elements that can miss what they are asked for, by the name that their summary keys begin with."""
MUCH = 0.01
"""Above this share of what was asked, what an element misses is named in a warning."""


def damping_keys(found: SiteFindings, reasons: dict[str, str]) -> dict[str, Any]:
    """Return the summary keys of damping outside the devices, all of the steady window unless they say otherwise.

    - ``*_cycles_per_year``: equivalent full cycles of the most used store of a kind, ``throughput / 2 / energy``, times
      the share of the horizon in which the job draws training power.
    - ``*_cycle_depth_share``: its deepest cycle by rainflow over its energy.
    - ``*_missed_share``: energy that an element was asked for and did not give, take or burn for want of power or
      charge, over all that it was asked for.
    - ``load_bank_energy_mwh``: burned over the horizon.

    Strategies at the meter without keys of their own share ``meter_store_*`` and ``meter_strategy_missed_share``, the
    worst of them, where the scenario has one.
    """
    keys: dict[str, Any] = {}
    a_year = _windows_a_year(found)
    for key, name in STORES.items():
        stores = [store for report in _reports(found) for store in report.stores if store.name == name]
        keys[f"{key}_cycles_per_year"] = max((store.full_cycles for store in stores), default=0.0) * a_year
        keys[f"{key}_cycle_depth_share"] = max((deepest_cycle(store) for store in stores), default=0.0)
        if not stores:
            why = "no battery smooths the meter" if key == "battery" else f"the scenario has no {_element_of(key)}"
            for ending in ("cycles_per_year", "cycle_depth_share"):
                keys[f"{key}_{ending}"], reasons[f"{key}_{ending}"] = None, why
    for key, name in ELEMENTS.items():
        share = f"{key}_missed_share"
        keys[share] = missed_share(found.steady, name)
        if not any(report.name == name for report in _reports(found)):
            why = "no battery smooths the meter" if key == "battery" else f"the scenario has no {key}"
            keys[share], reasons[share] = None, why
    return keys | _battery_life(found, reasons) | _bank(found, reasons) | _at_meter(found, reasons)


def _other_kinds(found: SiteFindings) -> tuple[str, ...]:
    """Return the kinds of the strategies at the meter that have no keys of their own, in the scenario's order."""
    at_meter = (one.kind for one in found.study.scenario.damping if isinstance(one, MeterStrategy))
    return tuple(kind for kind in at_meter if kind not in ELEMENTS.values())


def _at_meter(found: SiteFindings, reasons: dict[str, str]) -> dict[str, Any]:
    """Return cycles, depth and missed share of strategies at the meter without keys of their own."""
    kinds = _other_kinds(found)
    if not kinds:
        return {}
    stores = [store for report in _reports(found) for store in report.stores if store.name in kinds]
    keys: dict[str, Any] = {
        "meter_store_cycles_per_year": None,
        "meter_store_cycle_depth_share": None,
        "meter_strategy_missed_share": max(missed_share(found.steady, kind) for kind in kinds),
    }
    if not stores:
        reasons |= dict.fromkeys(list(keys)[:2], f"{', '.join(kinds)}: there is no store in the account")
        return keys
    return keys | {
        "meter_store_cycles_per_year": max(store.full_cycles for store in stores) * _windows_a_year(found),
        "meter_store_cycle_depth_share": max(deepest_cycle(store) for store in stores),
    }


def _battery_life(found: SiteFindings, reasons: dict[str, str]) -> dict[str, Any]:
    """Return how long the most worn of the batteries that smooth the meter lasts, and what cycling costs in a year.

    ``battery_life_low_years`` and ``battery_life_high_years`` follow the band of the cells' depth exponent.
    ``battery_round_trip_at_power`` is what cells and converter give at the rms power of the smoothing; the
    storage itself is run with the published efficiency at its rating.
    """
    names = ("years", "low_years", "high_years")
    keys: dict[str, Any] = {f"battery_life_{name}": None for name in names}
    keys |= {"battery_wear_usd_per_year": None, "battery_round_trip_at_power": None}
    worn = worn_batteries(found)
    if not worn:
        reasons |= dict.fromkeys(keys, "no battery smooths the meter")
        return keys
    first = min(worn.values(), key=lambda battery: battery.lives_years[0])
    keys |= {f"battery_life_{name}": years for name, years in zip(names, first.lives_years, strict=True)}
    keys |= {"battery_wear_usd_per_year": sum(battery.usd_per_year for battery in worn.values())}
    keys |= {"battery_round_trip_at_power": first.round_trip}
    if first.round_trip is None:
        reasons["battery_round_trip_at_power"] = "the battery does not move"
    return keys


@dataclass(frozen=True)
class WornBattery:
    """What a year of smoothing does to a site's battery."""

    lives_years: tuple[float, float, float]
    """Life by the middle, the low and the high of the band of the cells' depth exponent. [yr]"""
    usd_per_year: float
    """Damage of a year's cycles at the price of its energy. [USD/yr]"""
    round_trip: float | None
    """What cells and converter give at the rms power; None when it does not move. [-]"""


def worn_batteries(found: SiteFindings) -> dict[str, WornBattery]:
    """Return the batteries that smooth the meter of their site, by site."""
    electrical, a_year = found.study.place.topology.electrical, _windows_a_year(found)
    worn = {}
    for site, reports in found.steady.site_damping.items():
        battery = electrical[site].battery
        stores = [store for report in reports for store in report.stores if store.name == STORES["battery"]]
        if battery is None or not stores:
            continue
        depth, count = rainflow(stores[0].stored_j)
        bands = ("value", "low", "high")
        damage = [cycle_damage(battery.type, depth / stores[0].capacity_j, count, band) * a_year for band in bands]
        price = entry("batteries", battery.type).si("price") * stores[0].capacity_j
        power = float(np.sqrt(np.mean(np.square(np.diff(stores[0].stored_j))))) / found.steady.waveform.dt_s
        share = power / battery_rating_w(battery)
        efficiency = round_trip(pack_of(battery.type), min(share, 1.0)) if share > 0.0 else None
        middle, low, high = (life_s(battery.type, d / YEAR_S) / YEAR_S for d in damage)
        worn[site] = WornBattery((middle, low, high), damage[0] * price, efficiency)
    return worn


def _bank(found: SiteFindings, reasons: dict[str, str]) -> dict[str, Any]:
    if not any(strategy.kind == "load_bank" for strategy in found.study.scenario.damping):
        reasons["load_bank_energy_mwh"] = "the scenario has no load_bank"
        return {"load_bank_energy_mwh": None}
    stores = sum(r.loss_j for reports in found.steady.site_damping.values() for r in reports)
    wave = found.steady.waveform
    lost = stores / (wave.samples * wave.dt_s) * found.busy_s
    return {"load_bank_energy_mwh": (sum(found.site_damping_j(site) for site in found.sites) - lost) / MWH_J}


def refused_keys(found: Findings, reasons: dict[str, str]) -> dict[str, Any]:
    """Return the summary keys of work that damping refuses a job.

    ``unserved_share``: work refused while training. ``start_lost_time_s``: training time that a rising ceiling costs at
    every start.
    """
    keys: dict[str, Any] = {"unserved_share": found.unserved_share, "start_lost_time_s": found.start_cost.lost_s}
    if not any(strategy.kind == "gradual_start" for strategy in found.study.scenario.damping):
        keys["start_lost_time_s"] = None
        reasons["start_lost_time_s"] = "the scenario has no gradual_start"
    return keys


def second_job_keys(found: Findings, reasons: dict[str, str]) -> dict[str, Any]:
    """Return what a second job on the same accelerators gets done: its share of the time, and its tokens."""
    gain = second_job(found.study, found.pool.traces[0])
    if gain is not None:
        return {"second_job_compute_share": gain.compute_share, "second_job_tokens_per_s": gain.tokens_per_s}
    names = ("second_job_compute_share", "second_job_tokens_per_s")
    reasons |= dict.fromkeys(names, "the scenario has no micro_batch_interleave")
    return dict.fromkeys(names)


def deepest_cycle(store: Store) -> float:
    """Return the depth of a store's deepest cycle, whole or half, over its energy. [-]"""
    depth, _ = rainflow(store.stored_j)
    return float(depth.max(initial=0.0)) / store.capacity_j if store.capacity_j else 0.0


def missed_share(power: SitePower, name: str) -> float:
    """Return what the elements of a name missed in a window, over what they were asked for. [-]"""
    reports = [report for report in reports_of(power) if report.name == name]
    missed = sum(r.missed_j for r in reports)
    done = sum(store.throughput_j for r in reports for store in r.stores) + sum(r.burned_j for r in reports)
    return missed / (missed + done) if missed else 0.0


def damping_warnings(found: SiteFindings) -> list[str]:
    """Return what the user must know about damping outside the devices."""
    said = []
    names = {report.name for report in _reports(found)}
    for name in (*ELEMENTS.values(), *_other_kinds(found)):
        if name not in names:
            continue
        shares = {power.window: missed_share(power, name) for power in (found.steady, *found.events)}
        much = {window: share for window, share in shares.items() if share > MUCH}
        if much:
            what = "power" if name == "load_bank" else "energy or power"
            parts = ", ".join(f"{share:.0%} in the {window} window" for window, share in much.items())
            said.append(f"{name}: its {what} limits it; of what it is asked for it misses {parts}")
    return said


def refused_warnings(found: Findings) -> list[str]:
    """Return what the user must know about work that damping refuses a job."""
    if found.unserved_share <= 0.0:
        return []
    return [
        f"damping refuses power for {found.unserved_share:.2%} of the work: tokens per second and iteration time "
        "count it, the waveform keeps the pace of the step without it"
    ]


def _element_of(store: str) -> str:
    return "hybrid_storage" if store.startswith("hybrid") else store


def reports_of(power: SitePower) -> list[Report]:
    """Return the accounts of all elements outside the devices in a window."""
    return [r for part in (power.it_storage, power.site_damping) for reports in part.values() for r in reports]


def _reports(found: SiteFindings) -> list[Report]:
    return reports_of(found.steady)


def _windows_a_year(found: SiteFindings) -> float:
    """Return how many steady windows of training, or of a measured load, a year has. [-]"""
    wave = found.steady.waveform
    return YEAR_S * found.busy_s / found.horizon_s / (wave.samples * wave.dt_s)
