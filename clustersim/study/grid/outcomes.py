"""What the events of the grid leave behind: responses of the plant, observations for the rules, keys of the summary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from clustersim.limits import Observation, Rule
from clustersim.plant import (
    PlantResponse,
    kept_output_w,
    left_alone,
    online_beside_grid,
    simulate_plant,
    steady_generation_w,
    tripped_output_w,
    without_units,
    worst_corner,
)
from clustersim.plant.spec import GeneratorTrip, IslandFormation, PlantModeSpec
from clustersim.study.closed_loop import ClosedLoop
from clustersim.study.grid.answers import Answer, SiteAnswer, Surroundings, state_at
from clustersim.study.grid.windows import NODE
from clustersim.study.horizon import TRAIN
from clustersim.study.judging import neighbours_change_w, reserved_battery_w
from clustersim.study.site.power import SitePower
from clustersim.study.site.smoothing_charge import with_smoothing
from clustersim.units import MWH_J

MW = 1e6
KEYS = (
    "goodput_lost_grid", "grid_events", "load_lost_mw", "load_recovery_s", "ups_transfers", "ups_locked",
    "load_locked_mw", "ups_battery_mwh",
)  # fmt: skip
"""Keys of the summary that events of the grid have."""
NO_EVENTS = "no events of the grid are asked for (plant.events)"
NO_DIP = "no event takes the voltage from a load"


def grid_keys(closed: ClosedLoop, surroundings: Surroundings | None, reasons: dict[str, str]) -> dict[str, Any]:
    """Return the keys of the summary about events of the grid; without any of them None, with the reason."""
    if not closed.asked or surroundings is None:
        reasons |= dict.fromkeys(KEYS, NO_EVENTS)
        return dict.fromkeys(KEYS)
    parts = [(one, site, part) for one in closed.answers for site, part in one.sites.items()]
    lost = [_lost_w(surroundings, closed, one, site, part) for one, site, part in parts]
    ridden = [part.ridden for _, _, part in parts if part.ridden is not None]
    keys: dict[str, Any] = {
        "goodput_lost_grid": closed.goodput_lost,
        "grid_events": len(closed.answers),
        "load_lost_mw": max(lost, default=0.0) / MW,
        "load_recovery_s": max((r.recovery_s for r in ridden), default=None),
        "ups_transfers": sum(r.transfers for r in ridden),
        "ups_locked": sum(r.locked for r in ridden),
        "load_locked_mw": max((r.locked_w for r in ridden), default=0.0) / MW,
        "ups_battery_mwh": math.fsum(r.battery_j for r in ridden) / MWH_J,
    }
    if keys["load_recovery_s"] is None:
        reasons["load_recovery_s"] = NO_DIP
    elif not math.isfinite(keys["load_recovery_s"]):
        keys["load_recovery_s"] = None
        reasons["load_recovery_s"] = "a part of the load does not come back"
    return keys


def _lost_w(surroundings: Surroundings, closed: ClosedLoop, one: Answer, site: str, part: SiteAnswer) -> float:
    """Return the largest load that an event takes off the grid at a site. [W]

    What its loads lose, and, where some of its servers lose their power, what the others no longer draw because the
    synchronous job has stopped.
    """
    state = state_at(closed.timeline, one.asked.at_s)
    load = surroundings.load(site, state)
    idle = surroundings.load(site, "stopped").it_w
    falls = max(load.it_w - idle, 0.0) if part.externals and part.externals[0].effect == "site_lost" else 0.0
    if part.shed_share > 0.0:
        return part.shed_share * load.total_w + (1.0 - part.shed_share) * falls
    if part.ridden is None:
        return 0.0
    return min(load.total_w, part.ridden.lost_w + (1.0 - part.ridden.it_lost_share) * falls)


def grid_observations(surroundings: Surroundings, closed: ClosedLoop) -> tuple[Observation, ...]:
    """Return what the rules judge of the events that are looked at: load lost, time of recovery, ramp after it."""
    found = []
    for one in closed.answers:
        if not one.asked.looked_at:
            continue
        for site, part in one.sites.items():
            lost = _lost_w(surroundings, closed, one, site, part)
            if lost > 0.0:
                found.append(Observation("load_lost", site, one.asked.name, lost, part.said))
            if part.ridden is None:
                continue
            if math.isfinite(part.ridden.recovery_s):
                found.append(Observation("recovery_time", site, one.asked.name, part.ridden.recovery_s))
            found.append(Observation("reconnection_ramp", site, one.asked.name, part.ridden.ramp_w_per_s))
    return tuple(found)


def curve_observations(surroundings: Surroundings, rules: Sequence[Rule]) -> tuple[Observation, ...]:
    """Return, for every rule with a curve and every site, the share of the load that stays connected at its corners."""
    spec = surroundings.study.scenario.plant.ride_through
    found = []
    for rule in rules:
        if rule.measure != "ride_through":
            continue
        for site in surroundings.study.place.topology.site:
            share, corner = worst_corner(surroundings.load(site, TRAIN), spec, rule.curve)
            found.append(Observation("ride_through", site, rule.id, share, corner, rule=rule.id))
    return tuple(found)


def grid_responses(
    surroundings: Surroundings, closed: ClosedLoop, windows: Sequence[SitePower]
) -> tuple[PlantResponse, ...]:
    """Return the plant's answer to the windows of the events, in the scenario's mode or, without a grid, as an island.

    The voltage is the one that the site causes, not the dip that the grid imposes, which is in the event's record.
    """
    answers = {one.asked.name: one for one in closed.answers if one.asked.looked_at}
    return tuple(
        _response(surroundings, closed, answers[power.window], power, site)
        for power in windows
        for site in surroundings.study.place.topology.site
    )


def _response(
    surroundings: Surroundings, closed: ClosedLoop, one: Answer, power: SitePower, site: str
) -> PlantResponse:
    wave, plant, event = power.waveform, surroundings.plant(site), one.asked.event
    scenario: PlantModeSpec = surroundings.study.scenario.plant
    load, at = wave.power(site), round(power.hall.event_s / wave.dt_s)
    before = float(load[: max(1, at // 2)].mean())
    part = one.sites.get(site)
    if part is not None and part.island is not None and part.island.response is not None:
        alone = _alone(surroundings, closed, one, power, site, scenario)
        if alone is not None:
            return alone
    lost = np.zeros_like(load)
    if part is not None and isinstance(event, GeneratorTrip) and scenario.mode == "grid_parallel":
        lost[at:] = tripped_output_w(plant, before, event.generator, event.units)
    found = simulate_plant(
        plant, site, power.window, load + lost, wave.reactive(site), wave.dt_s, wave.t0_s, scenario.mode, before,
        runs_in=True,
        event_s=power.hall.event_s,
        reserved_w=reserved_battery_w(power, site),
        neighbours_w=neighbours_change_w(surroundings.study, power, site) if scenario.mode == "grid_parallel" else None,
        inertia_scale=scenario.inertia_scale,
    )  # fmt: skip
    answer = replace(found, load_w=load, generator_w=found.generator_w - lost)
    return with_smoothing(answer, power.site_damping.get(site, ()))


def _alone(
    surroundings: Surroundings, closed: ClosedLoop, one: Answer, power: SitePower, site: str, scenario: PlantModeSpec
) -> PlantResponse | None:
    """Return the answer of generators that are left alone in the window of an event."""
    wave, plant, event = power.waveform, surroundings.plant(site), one.asked.event
    # what the site asks for; what a black island no longer gives is not taken off
    load = wave.power(site) - wave.power(f"{site}/{NODE}")
    mean = surroundings.load(site, state_at(closed.timeline, one.asked.at_s)).total_w
    if isinstance(event, GeneratorTrip):
        left = without_units(plant, event.generator, event.units)
        given = kept_output_w(plant, mean, event.generator, event.units)
    elif isinstance(event, IslandFormation):
        left = online_beside_grid(plant, mean)
        given = steady_generation_w(left, mean, "grid_parallel")
    else:
        return None
    found = left_alone(
        left, site, power.window, load, wave.dt_s, power.hall.event_s, given, scenario.frequency_response,
        scenario.inertia_scale, reserved_battery_w(power, site),
    )  # fmt: skip
    if found.response is None:
        return None
    return with_smoothing(replace(found.response, t0_s=wave.t0_s), power.site_damping.get(site, ()))


def event_rows(closed: ClosedLoop) -> list[tuple[float, str, str]]:
    """Return time [s], kind and text of every event of the grid and of what it does to the job."""
    rows: list[tuple[float, str, str]] = [
        (one.asked.at_s, one.asked.event.kind, f"{site}: {part.said}")
        for one in closed.answers
        for site, part in one.sites.items()
    ]
    rows += [(event.t_start_s, event.effect, event.cause) for event in closed.externals]
    return rows
