"""Windows of power around the events of the grid."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from clustersim.operation import EVENT_AT_S, EVENT_S, Timeline
from clustersim.plant import Course
from clustersim.plant.spec import Curtailment, VoltageDip
from clustersim.power.damped import Floats
from clustersim.power.waveform import Binner
from clustersim.study.closed_loop import ClosedLoop
from clustersim.study.event_windows import LONGEST_S, undisturbed_window
from clustersim.study.grid.answers import OF_GRID, Answer, SiteAnswer, Surroundings, state_at
from clustersim.study.horizon import EVALUATION
from clustersim.study.it_power import EVENT_DT_S, STATES, HallPower, crash_window, state_w, tables
from clustersim.study.paces import BUSY
from clustersim.study.site.power import SitePower, site_it_w, site_power, training_it_w

NODE = "grid_event"
"""Node below a site: what it does not draw because of an event of the grid, and what recharges a UPS. [W]"""
ROUNDING = 1e-9
"""What is left of a load below this share of what was taken off is rounding. [-]"""
CLIPPED = 9
"""Levels between which a ramp to a cap is interpolated."""


def grid_windows(surroundings: Surroundings, closed: ClosedLoop) -> tuple[SitePower, ...]:
    """Return the power of every event of the grid that is looked at, each as long as :func:`length_s` says."""
    return tuple(_window(surroundings, closed.timeline, one) for one in closed.answers if one.asked.looked_at)


def with_grid_node(power: SitePower) -> SitePower:
    """Return a window without an event of the grid, with the node that those with one have."""
    return _with_node(power, {site: np.zeros(power.waveform.samples) for site in power.cooling})


def length_s(answered: Answer) -> float:
    """Return the length of an event's window: 60 s, longer by the time from its first to its last dip. [s]"""
    event = answered.asked.event
    between = (event.count - 1) * (event.spacing or 0.0) if isinstance(event, VoltageDip) else 0.0
    return min(LONGEST_S, EVENT_S + round(between / EVENT_DT_S) * EVENT_DT_S)


def event_at_s(answered: Answer) -> float:
    """Return the time over the horizon at which the window has its event: a curtailment where its cap is due. [s]"""
    event = answered.asked.event
    return answered.asked.at_s + (event.notice if isinstance(event, Curtailment) else 0.0)


def _window(surroundings: Surroundings, timeline: Timeline, answered: Answer) -> SitePower:
    study = surroundings.study
    state = state_at(timeline, answered.asked.at_s)
    hall = _hall(surroundings, answered, state)
    for site, part in answered.sites.items():
        if part.target_w is not None and state in (*BUSY, EVALUATION):
            hall = _capped(surroundings, hall, site, part, answered)
    before = (
        training_it_w(surroundings.steady) if state in (*BUSY, EVALUATION) else site_it_w(study, state_w(study, state))
    )
    power = site_power(study, hall, before, surroundings.pool.iteration_time_s)
    change = {
        site: _change_w(power, surroundings, site, answered.sites.get(site), state)
        for site in study.place.topology.site
    }
    return _with_node(power, change)


def _hall(surroundings: Surroundings, answered: Answer, state: str) -> HallPower:
    """Return what the accelerators draw: as before the event, up to where the job stops because of it."""
    study, pool, asked = surroundings.study, surroundings.pool, answered.asked
    begin, length = event_at_s(answered) - EVENT_AT_S, length_s(answered)
    cause = next((event.cause for event in answered.externals), f"{OF_GRID}{asked.event.kind.replace('_', ' ')}")
    if state not in (*BUSY, EVALUATION):
        halls = len(study.place.nodes)
        binner = Binner(tables(study), study.fleet, study.plan.pipeline, halls, round(length / EVENT_DT_S), EVENT_DT_S)
        binner.set_state(STATES[state], 0.0, filled=True)
        watts = binner.finish()[0]
        return HallPower(asked.name, cause, begin, EVENT_DT_S, EVENT_AT_S, watts, np.zeros(0), 0.0, after=state)
    stops = [event for event in answered.externals if event.effect != "cap_fraction"]
    first = min(stops, key=lambda event: event.t_start_s, default=None)
    at = math.inf if first is None else first.t_start_s - begin
    if first is None or at >= length:
        return undisturbed_window(study, pool, asked.name, begin, cause, length)
    hall = crash_window(study, pool, begin, cause, first.detection_s, at_s=at, length_s=length)
    return replace(hall, window=asked.name)


def _capped(surroundings: Surroundings, hall: HallPower, site: str, part: SiteAnswer, answered: Answer) -> HallPower:
    """Return the window with the accelerators of a site held to a limit under which the site draws its target."""
    target, event = part.target_w or 0.0, answered.asked.event
    loads = surroundings.speed.load_w(site)
    wanted = float(np.interp(target, loads, surroundings.speed.curve[0]))
    usual, ramp = loads[-1], 0.0
    begin = hall.event_s + part.after_s
    if isinstance(event, Curtailment) and event.ramp is not None:
        ramp = max(usual - target, 0.0) / event.ramp
        begin = max(hall.event_s - event.notice, hall.event_s - ramp)
    times = np.asarray(hall.dt_s * (np.arange(hall.watts.shape[1]) + 0.5), dtype=np.float64)
    share = Course.of([(begin, 1.0), (begin + ramp, wanted)] if ramp else [(begin, 1.0), (begin, wanted)]).after(times)
    rows = [row for row, (name, _) in enumerate(surroundings.study.place.nodes) if name == site]
    watts = hall.watts.copy()
    for row in rows:
        shares = np.linspace(wanted, 1.0, CLIPPED)
        limits = np.array([_limit(watts[row], float(s)) for s in shares])
        watts[row] = np.minimum(watts[row], np.interp(share, shares, limits))
    return replace(hall, watts=watts)


def _limit(watts: Floats, share: float) -> float:
    """Return the limit that leaves a share of the mean power. [W]"""
    if share >= 1.0:
        return float(watts.max())
    low, high, wanted = 0.0, float(watts.max()), share * float(watts.mean())
    for _ in range(50):
        middle = (low + high) / 2.0
        low, high = (middle, high) if np.minimum(watts, middle).mean() < wanted else (low, middle)
    return high


def _change_w(power: SitePower, surroundings: Surroundings, site: str, part: SiteAnswer | None, state: str) -> Floats:
    """Return what an event changes in what a site draws, bin by bin. [W]"""
    wave = power.waveform
    change = np.zeros(wave.samples)
    if part is None:
        return change
    it, cooling = wave.power(f"{site}/it"), wave.power(f"{site}/cooling")
    # losses go with what they feed
    losses = 1.0 + wave.power(f"{site}/losses") / (it + cooling)
    it, cooling = it * losses, cooling * losses
    if part.shed_share > 0.0:
        cut = Course.of([(0.0, 0.0), (0.0, part.shed_share)])
        return -(it + cooling) * cut.means(-power.hall.event_s, wave.dt_s, wave.samples)
    if part.ridden is None:
        return change
    begin = -power.hall.event_s - part.after_s
    for one in part.ridden.parts:
        less = one.ridden.drawn.means(begin, wave.dt_s, wave.samples) - 1.0
        mine = (one.watts - one.cooling_w) / surroundings.load(site, state).it_w
        cooled = one.cooling_w / surroundings.load(site, state).cooling_w if one.cooling_w else 0.0
        change += less * (mine * it + cooled * cooling)
    return change


def _with_node(power: SitePower, change_w: dict[str, Floats]) -> SitePower:
    """Return a window in which every site has the node of what an event changes; the sums hold."""
    wave = power.waveform
    nodes, parents = list(wave.nodes), list(wave.parents)
    watts, reactive = wave.watts.copy(), wave.vars.copy()
    rows, more = [], []
    for site, asked in change_w.items():
        at = nodes.index(site)
        left = wave.watts[at] + asked
        # rounding of a load that is gone altogether is no export
        change = np.where(np.abs(left) < ROUNDING * np.abs(asked), -wave.watts[at], asked)
        load = wave.watts[at] if change.any() else np.ones(wave.samples)
        var = change * np.divide(wave.vars[at], load, out=np.zeros_like(load), where=load > 0.0)
        for row in (at, nodes.index("meter")):
            watts[row] += change
            reactive[row] += var
        rows.append(change)
        more.append(var)
    nodes += [f"{site}/{NODE}" for site in change_w]
    parents += list(change_w)
    changed = replace(
        wave,
        nodes=tuple(nodes),
        parents=tuple(parents),
        watts=np.concatenate((watts, np.stack(rows))),
        vars=np.concatenate((reactive, np.stack(more))),
    )
    undamped = power.undamped_w + np.sum(rows, axis=0)
    return replace(power, waveform=changed, undamped_w=undamped)
