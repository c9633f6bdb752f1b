"""Sites that train alone between outer steps: the days, the power and the heat of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.operation import Timeline, Window
from clustersim.operation.log import lost_by_cause
from clustersim.operation.records import EVENT_AT_S, EVENT_S
from clustersim.operation.site_facts import SitesFacts
from clustersim.operation.site_records import SitesRecord
from clustersim.operation.sites import simulate_sites
from clustersim.study.course_windows import Members, course_before_w, course_window
from clustersim.study.event_windows import BUILDERS, evaluation_it_w
from clustersim.study.horizon import SiteHistory, histories
from clustersim.study.it_power import HallPower, Pool, steady_window, step_pool
from clustersim.study.paces import Pace
from clustersim.study.random_streams import Draw, random_stream, window_draw
from clustersim.study.several_sites.cross_site import without_exchange
from clustersim.study.several_sites.facts import sites_facts
from clustersim.study.site.power import SitePower, site_power
from clustersim.study.staggering import shift_halls
from clustersim.study.step import StepStudy

LOOKED_AT = (
    "crash",
    "restart",
    "job_start",
    "checkpoint",
    "evaluation",
    "elastic_drop",
    "elastic_rejoin",
    "reconfigure",
)
"""Windows of the first site's timeline that are looked at; the others do what theirs say at the same time."""
OUTER_STEP = "outer_step"
OF_SITES = ("token_efficiency", "token_efficiency_low", "token_efficiency_high", "outer_steps")
"""Keys of the summary about sites that train alone."""
IN_STEP = "the sites of the job are in lock-step, or it has one"


@dataclass(frozen=True)
class Alone:
    """Sites that train alone between outer steps."""

    study: StepStudy
    """Its step has no exchange between sites."""
    pool: Pool
    record: SitesRecord
    facts: SitesFacts

    @property
    def timelines(self) -> dict[str, Timeline]:
        """What each site did."""
        return {site.name: site.timeline for site in self.record.sites}

    @property
    def timeline(self) -> Timeline:
        """The whole: rows of all sites one after the other, time by category of all accelerators together."""
        sites = self.record.sites
        struck: dict[str, int] = {}
        for site in sites:
            for cause, count in site.timeline.interruptions_by_cause.items():
                struck[cause] = struck.get(cause, 0) + count
        first = sites[0].timeline
        return Timeline(
            self.record.gantt(),
            first.horizon_s,
            first.windows,
            sum(site.timeline.interruptions for site in sites),
            self.record.goodput,
            first.first_load_s,
            lost_by_cause(self.record.accounts),
            self.record.accounts,
            struck,
            self.record.findings,
            sum(site.timeline.useful_steps for site in sites),
        )


def study_alone(study: StepStudy) -> Alone:
    """Return the sites of a job under a method of the DiLoCo family.

    Raises
    ------
    InputError
        If the plan does not use every site, or the method's token efficiency is neither stated nor published.
    """
    facts = sites_facts(study, step_pool(study))
    unused = [name for name in study.place.topology.site if name not in facts.names]
    if unused:
        raise InputError(f"operation.sites: expected a plan that uses every site, found none of the job at {unused[0]}")
    apart = replace(study, timing=without_exchange(study))
    pool = step_pool(apart)
    sites = tuple(
        replace(site, job=replace(site.job, step_time_s=pool.iteration_time_s, step_time_cv=pool.cv))
        for site in facts.sites
    )
    scenario = study.scenario
    facts = replace(facts, sites=sites)
    record = simulate_sites(scenario.operation, facts, random_stream(scenario, "operation"))
    return Alone(apart, pool, record, facts)


# ---- power ----------------------------------------------------------------------------------------------------------


def steady_alone(alone: Alone) -> SitePower:
    """Return the steady window: every site takes steps of its own.

    Sites that meet at outer steps begin together after each and drift apart by the jitter of their steps alone, so the
    window begins with a step of all. Under `decoupled_diloco` nobody waits: each site is at a phase of its own.
    """
    begin = next((w.t0_s for w in alone.record.sites[0].timeline.windows if w.name == "steady"), 0.0)
    draws = [Draw.STEADY, *(Draw.SITES + number for number in range(1, len(alone.timelines)))]
    hall = _joined(alone, [steady_window(alone.study, alone.pool, begin, draw) for draw in draws])
    if alone.record.method == "decoupled_diloco":
        rng = window_draw(alone.study.scenario, Draw.SITES)
        shifts = np.zeros(len(alone.study.place.nodes))
        for name in alone.timelines:
            shifts[_rows(alone, name)] = rng.uniform(0.0, alone.pool.iteration_time_s)
        hall = replace(hall, watts=shift_halls(hall.watts, hall.dt_s, shifts, steady=True, period_bins=1))
    return site_power(alone.study, hall, period_s=alone.pool.iteration_time_s)


def windows_alone(alone: Alone, steady: SitePower, names: tuple[str, ...] | None = None) -> tuple[SitePower, ...]:
    """Return the events of the first site, and the first outer step at which it waits, with what all sites do then.

    With `names` those of these windows alone.
    """
    found = []
    for window in (each for each in _windows(alone) if names is None or each.name in names):
        if window.name == "job_start":
            # all sites begin at once
            hall = BUILDERS[window.name](alone.study, alone.pool, alone.record.sites[0].timeline, window)
            before = None
        else:
            hall = _joined(alone, [
                course_window(alone.study, alone.pool, timeline, window, _members(alone, number, name))
                for number, (name, timeline) in enumerate(alone.timelines.items())
            ])  # fmt: skip
            before = {
                site.name: course_before_w(alone.study, alone.pool, site.timeline, window, steady, site.gpus)[site.name]
                for site in alone.record.sites
            }
        if hall is not None:
            found.append(site_power(alone.study, hall, before, alone.pool.iteration_time_s))
    return tuple(found)


def _windows(alone: Alone) -> list[Window]:
    timeline = alone.record.sites[0].timeline
    found = [window for window in timeline.windows if window.name in LOOKED_AT]
    waits = timeline.table[(timeline.table["state"] == "wait") & (timeline.table["t_start_s"] >= EVENT_AT_S)]
    if len(waits):
        at, cause = float(waits["t_start_s"].iloc[0]), str(waits["cause"].iloc[0])
        end = min(timeline.horizon_s, at - EVENT_AT_S + EVENT_S)
        found.append(Window(OUTER_STEP, cause, at - EVENT_AT_S, end, at))
    return found


def _rows(alone: Alone, site: str) -> NDArray[np.int64]:
    return np.flatnonzero([name == site for name, _ in alone.study.place.nodes])


def _members(alone: Alone, number: int, site: str) -> Members:
    units = np.flatnonzero(np.isin(alone.study.fleet.unit_node, _rows(alone, site)))
    return Members(alone.record.sites[number].gpus, units, Draw.SITES + number)


def _joined(alone: Alone, halls: list[HallPower]) -> HallPower:
    """Return the halls of each site from its own window."""
    watts = halls[0].watts.copy()
    for name, hall in zip(alone.timelines, halls, strict=True):
        rows = _rows(alone, name)
        watts[rows] = hall.watts[rows]
    return replace(halls[0], watts=watts)


def histories_alone(
    alone: Alone,
    training_it_w: dict[str, float],
    windows: tuple[SitePower, ...],
    slowed_it_w: Callable[[Pace], dict[str, float]],
) -> dict[str, SiteHistory]:
    """Return every site's history, each from its own timeline."""
    asked = evaluation_it_w(alone.study, windows)
    return {
        site.name: histories(alone.study, site.timeline, training_it_w, asked, slowed_it_w, site.gpus)[site.name]
        for site in alone.record.sites
    }


# ---- what is said ---------------------------------------------------------------------------------------------------


def sites_keys(alone: Alone | None, reasons: dict[str, str]) -> dict[str, Any]:
    """Return the keys about sites that train alone; adds the reason where they do not."""
    if alone is None:
        reasons |= dict.fromkeys(OF_SITES, IN_STEP)
        return dict.fromkeys(OF_SITES)
    worth = alone.record.efficiency
    return dict(zip(OF_SITES, (worth.value, worth.low, worth.high, alone.record.outer_steps), strict=True))


def alone_warnings(alone: Alone) -> tuple[str, ...]:
    """Return what a reader of the result must know."""
    worth = alone.record.efficiency
    return (
        f"operation.sites.method {alone.record.method}: tokens and days are counted as trained; one is worth "
        f"{worth.value:.4g} ({worth.low:.4g} to {worth.high:.4g}) of synchronous training",
        "sites train alone: the windows are the events of the first site, with what the others do at the same time",
    )
