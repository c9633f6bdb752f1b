"""On-site generation over the horizon: units that run, fuel, exhaust, reserve, and what the permit says to them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from typing import Any

from clustersim.plant import (
    Burn,
    GeneratorSpec,
    burn,
    dispatch_shares,
    minimum_load_w,
    spinning_reserve_w,
    steady_generation_w,
    units_online,
)
from clustersim.study.horizon import TRAIN
from clustersim.study.site.findings import SiteFindings
from clustersim.units import HOUR_S, MWH_J, TABLE, YEAR_S

TONNE, MW = 1e3, 1e6
BTU_PER_KWH = TABLE["heat rate"]["Btu/kWh"]
KEYS = (
    "fuel_mwh",
    "generator_heat_rate_btu_per_kwh",
    "nox_t",
    "co2_t",
    "generator_unit_hours",
    "generator_below_minimum_hours",
    "spinning_reserve_mw",
    "largest_unit_mw",
)


@dataclass(frozen=True)
class GroupRun:
    """One group of units over the horizon."""

    site: str
    units: GeneratorSpec
    online: int
    """Units that run while the group makes power: enough for the largest load of the horizon; in an island all. [-]"""
    energy_j: float
    burned: Burn
    below_s: float
    """Time below the least load of the running units. [s]"""
    training_w: float
    """Output while the job trains, or the measured load is there. [W]"""


def generation(found: SiteFindings) -> tuple[GroupRun, ...]:
    """Return every group of generators over the horizon; empty where there is none or an island cannot carry the load.

    The groups of a site are loaded to the same share of what dispatch limit and governor allow, as in the plant
    (`dispatch_shares`). Units do not start and stop with the states of the timeline: a start takes longer than most.
    """
    if found.uncarried is not None:
        return ()
    return tuple(run for site in found.sites for run in _groups(found, site))


def _groups(found: SiteFindings, site: str) -> list[GroupRun]:
    plant, record = found.study.place.topology.electrical[site], found.history[site]
    if not plant.generators:
        return []
    mode = found.study.scenario.plant.mode
    loads = {state: load + found.site_damping_w(site, state) for state, load in record.load_w.items()}
    made = {state: steady_generation_w(plant, load, mode) for state, load in loads.items() if record.seconds[state]}
    runs = []
    for units, share in zip(plant.generators, dispatch_shares(*plant.generators), strict=True):
        output = {state: share * watts for state, watts in made.items()}
        online = units.count if found.island else units_online(units, max(output.values()))
        running = sum(record.seconds[state] for state, watts in output.items() if watts > 0.0)
        least = minimum_load_w(units, online)
        energy = share * found.generator_energy_j[site]
        runs.append(
            GroupRun(
                site=site,
                units=units,
                online=online,
                energy_j=energy,
                burned=burn(units, online, energy, running),
                below_s=sum(record.seconds[state] for state, watts in output.items() if 0.0 < watts < least),
                training_w=output.get(TRAIN, 0.0),
            )
        )
    return runs


def generation_keys(found: SiteFindings, runs: tuple[GroupRun, ...], reasons: dict[str, str]) -> dict[str, Any]:
    """Return the summary keys of on-site generation, over the horizon.

    ``fuel_mwh`` is lower heating value, ``generator_unit_hours`` the running time of all units together,
    ``spinning_reserve_mw`` what the running units of the weakest site can give at once beyond what they make in
    training, ``largest_unit_mw`` what is missing there when its largest unit trips.
    """
    if not runs:
        why = found.uncarried or "no generators on site"
        reasons |= dict.fromkeys(KEYS, why)
        return dict.fromkeys(KEYS)
    total = reduce(_sum, (run.burned for run in runs))
    energy = math.fsum(run.energy_j for run in runs)
    keys: dict[str, Any] = {
        "fuel_mwh": total.fuel_j / MWH_J,
        "generator_heat_rate_btu_per_kwh": total.fuel_j / energy / BTU_PER_KWH if energy > 0.0 else None,
        "nox_t": total.nox_kg / TONNE,
        "co2_t": total.co2_kg / TONNE,
        "generator_unit_hours": total.unit_s / HOUR_S,
        "generator_below_minimum_hours": max(run.below_s for run in runs) / HOUR_S,
    }
    if energy <= 0.0:
        reasons["generator_heat_rate_btu_per_kwh"] = "the generators made no energy"
    reserve, largest = min((_reserve(runs, site) for site in {run.site for run in runs}), key=lambda pair: pair[0])
    return keys | {"spinning_reserve_mw": reserve / MW, "largest_unit_mw": largest / MW}


def _reserve(runs: tuple[GroupRun, ...], site: str) -> tuple[float, float]:
    """Return the spinning reserve of a site in training, and the output of its most loaded unit. [W]"""
    here = [run for run in runs if run.site == site]
    reserve = math.fsum(spinning_reserve_w(run.units, run.online, run.training_w) for run in here)
    return reserve, max(run.training_w / run.online if run.online else 0.0 for run in here)


def _sum(a: Burn, b: Burn) -> Burn:
    return Burn(a.fuel_j + b.fuel_j, a.nox_kg + b.nox_kg, a.co2_kg + b.co2_kg, a.unit_s + b.unit_s)


def generation_warnings(found: SiteFindings, runs: tuple[GroupRun, ...]) -> list[str]:
    """Return what the user must know: permits exceeded at this pace, units below their least load, no reserve."""
    said = []
    a_year = YEAR_S / found.horizon_s
    for run in runs:
        who = f"{run.site}: {run.units.count} x {run.units.type}"
        permit = run.units.permit
        if permit is not None:
            hours = run.burned.unit_s / run.units.count * a_year / HOUR_S
            asked = (
                ("hours of each unit", hours, permit.unit_hours, HOUR_S),
                ("t of NOx", run.burned.nox_kg * a_year / TONNE, permit.nox, TONNE),
                ("t of CO2", run.burned.co2_kg * a_year / TONNE, permit.co2, TONNE),
            )
            said += [
                f"{who}: at this pace {value:.4g} {what} in a year, the permit allows {limit / unit:.4g}"
                for what, value, limit, unit in asked
                if limit is not None and value > limit / unit
            ]
        if run.below_s > 0.0:
            least = minimum_load_w(run.units, run.online) / MW
            said.append(
                f"{who}: below the least load of the {run.online} running units ({least:.4g} MW) for "
                f"{run.below_s / HOUR_S:.3g} h of the horizon"
            )
    if found.island:
        for site in dict.fromkeys(run.site for run in runs):
            reserve, largest = _reserve(runs, site)
            others = reserve - max(0.0, _own_reserve(runs, site))
            if others < largest:
                said.append(
                    f"{site}: the loss of one unit takes {largest / MW:.4g} MW and the others have "
                    f"{others / MW:.4g} MW of spinning reserve: the battery or load shedding must cover the rest"
                )
    return said


def _own_reserve(runs: tuple[GroupRun, ...], site: str) -> float:
    """Return the reserve that is lost with a site's most loaded unit. [W]"""
    here = [run for run in runs if run.site == site and run.online]
    most = max(here, key=lambda run: run.training_w / run.online)
    return spinning_reserve_w(most.units, most.online, most.training_w) / most.online
