"""One design judged: the windows of its accelerators are made once, what is sized behind them is put in again."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from clustersim.economics import estimate_cost
from clustersim.economics.prices import grid_price
from clustersim.limits import MEASURES, Evidence, Observation, Rule, Trace, judge
from clustersim.limits.evidence import Verdict
from clustersim.plant import PlantResponse
from clustersim.scenario import AnyScenario
from clustersim.scenario.topology import TopologySpec
from clustersim.study.baseline import Baseline
from clustersim.study.closed_loop import ClosedLoop
from clustersim.study.cost_facts import cost_facts
from clustersim.study.event_windows import evaluation_it_w
from clustersim.study.findings import Findings
from clustersim.study.grid.answers import Surroundings
from clustersim.study.grid.modes import ModeFindings, site_modes
from clustersim.study.grid.outcomes import curve_observations, grid_observations, grid_responses
from clustersim.study.grid.windows import grid_windows, with_grid_node
from clustersim.study.horizon import SiteHistory, histories
from clustersim.study.it_power import HallPower, Pool
from clustersim.study.judging import evidence, power_traces, respond
from clustersim.study.measured.run import load_findings
from clustersim.study.measured.study import LoadStudy
from clustersim.study.site.findings import SiteFindings
from clustersim.study.site.power import provisioned_w, site_power, training_it_w
from clustersim.study.site.tree import SitePower, power_of_it
from clustersim.study.sizing.prepared import (
    Job,
    Judged,
    Key,
    Prepared,
    Prices,
    Row,
    course_of,
    of_plant,
)
from clustersim.study.sizing.space import Design
from clustersim.study.slowed_power import SlowedPower
from clustersim.study.step import StepStudy
from clustersim.study.trained_job import placed_in_time
from clustersim.units import HOUR_S, YEAR_S


def evaluate(
    prepared: Prepared,
    design: Design,
    prices: Prices | None,
    *,
    whole: bool = True,
    ignored: frozenset[Key] = frozenset(),
) -> Judged:
    """Judge a design as a run of its scenario would.

    Parameters
    ----------
    prepared : Prepared
        The accelerators with the design's own level of damping in them.
    design : Design
        What else there is.
    prices : Prices, optional
        Of energy and lost work; zero when absent.
    whole : bool
        Whether all windows are looked at; else a design that breaks a rule in the steady window is not looked at any
        further, nor is any where the rules look at nothing else, and its costs are not a number.
    ignored : frozenset
        Rules that do not count for this.
    """
    known = prepared.judged.get((design, True)) or (None if whole else prepared.judged.get((design, False)))
    if known is not None:
        return known
    study = _with(prepared.study, prepared.space.scenario_with(design))
    if isinstance(study, LoadStudy):
        it = {study.site: prepared.windows[0].waveform.power(f"{study.site}/it")}
        steady = power_of_it(study, prepared.windows[0].hall, it)
        found: SiteFindings = load_findings(study, steady, respond(study, (steady,)))
        judged = _judged(prepared, design, found, prices)
    elif prepared.job is not None:
        judged = _of_job(prepared, prepared.job, study, design, prices, None if whole else ignored)
    else:
        raise TypeError("a job was not prepared")
    prepared.judged[design, whole or not math.isnan(judged.capex_usd)] = judged
    return judged


def _with(study: StepStudy | LoadStudy, scenario: AnyScenario) -> StepStudy | LoadStudy:
    """Return the study with another plant and other damping behind the accelerators."""
    place = study.place
    electrical = {site: scenario.topology.electrical[site] for site in place.topology.electrical}
    topology: TopologySpec = place.topology.model_copy(update={"electrical": electrical})
    changed: dict[str, Any] = {"scenario": scenario, "place": replace(place, topology=topology)}
    return replace(study, **changed)


def _of_job(
    prepared: Prepared,
    job: Job,
    study: StepStudy,
    design: Design,
    prices: Prices | None,
    ignored: frozenset[Key] | None,
) -> Judged:
    """Judge a design; with `ignored` given no further than to the first window that breaks another rule."""
    steady = _behind(study, prepared.windows[0].hall, None, job)
    if ignored is not None:
        rows = _steady_rows(study, steady, prepared.rules)
        if prepared.steady_only or _broken(rows, ignored):
            return _unpriced(design, rows)
    surroundings, closed = job.met(study, steady)
    if not isinstance(prepared.study, StepStudy):
        raise TypeError("a job was not prepared")
    course = course_of(job, prepared.study, prepared.windows[0], closed)
    steady = placed_in_time(steady, closed.timeline)
    training = training_it_w(steady)
    events: dict[int, SitePower] = {}
    for number in list(course.order):
        events[number] = _behind(study, course.windows[number].hall, course.before_w[number] or training, job)
        if ignored is not None and prepared.of_power:
            history = _history(prepared, job.pool, study, (steady, events[number]), closed)
            rows = rows_of(judge(prepared.rules, Evidence(power_traces(study, (steady, events[number]), (), history))))
            if _broken(rows, ignored):
                course.order.remove(number)
                course.order.insert(0, number)
                return _unpriced(design, rows)
    windows = (steady, *(events[number] for number in sorted(events)))
    seen = _seen(prepared, job, study, windows, surroundings, closed)
    verdict = judge(prepared.rules, seen.evidence)
    if job.base is None:
        return _unpriced(design, rows_of(verdict))
    return _judged(prepared, design, _findings(job, job.base, study, seen, verdict), prices)


def _broken(rows: tuple[Row, ...], ignored: frozenset[Key]) -> bool:
    return any(row.passed is False and row.key not in ignored for row in rows)


def _steady_rows(study: StepStudy, steady: SitePower, rules: tuple[Rule, ...]) -> tuple[Row, ...]:
    """Return what the rules but ratings say of the steady window; the plant is asked only if one needs it."""
    here = tuple(rule for rule in rules if rule.measure != "rating" and not MEASURES[rule.measure].observed)
    responses = respond(study, (steady,)) if any(map(of_plant, here)) else ()
    voltages = {r.site: r.voltage_pu for r in responses if r.mode == "grid_parallel"}
    wave = steady.waveform
    sites = study.place.topology.site
    traces = tuple(Trace(site, "steady", wave.dt_s, wave.power(site), voltages.get(site)) for site in sites)
    return rows_of(judge(here, Evidence(traces, responses)))


def _unpriced(design: Design, rows: tuple[Row, ...]) -> Judged:
    nan = float("nan")
    return Judged(design, rows, nan, nan, nan, nan, nan)


def _behind(study: StepStudy, hall: HallPower, before: dict[str, float] | None, job: Job) -> SitePower:
    return site_power(study, hall, before, job.pool.iteration_time_s)


@dataclass(frozen=True)
class _Seen:
    """What the rules look at, and what it was found from."""

    closed: ClosedLoop
    windows: tuple[SitePower, ...]
    history: dict[str, SiteHistory]
    modes: ModeFindings
    evidence: Evidence


def _history(
    prepared: Prepared, pool: Pool, study: StepStudy, windows: tuple[SitePower, ...], closed: ClosedLoop
) -> dict[str, SiteHistory]:
    """Return the histories of the sites, made once for each course of their IT power."""
    training, asked = training_it_w(windows[0]), evaluation_it_w(study, windows)
    if asked is None and study.scenario.operation.evaluation is not None:
        asked = evaluation_it_w(study, prepared.windows)
    key = (closed.externals, *training.items(), *(asked or {}).items())
    if key not in prepared.histories:
        slowed = SlowedPower(study, pool, windows[0])
        prepared.histories[key] = histories(study, closed.timeline, training, asked, slowed.it_w)
    return prepared.histories[key]


def _seen(
    prepared: Prepared,
    job: Job,
    study: StepStudy,
    windows: tuple[SitePower, ...],
    surroundings: Surroundings,
    closed: ClosedLoop,
) -> _Seen:
    """Return what the rules look at, as a run does; the plant is asked for its answer only if a rule needs it."""
    of_grid = grid_windows(surroundings, closed)
    if of_grid:
        windows = tuple(with_grid_node(power) for power in windows)
    responses: tuple[PlantResponse, ...] = ()
    if not prepared.of_power:
        responses = (*respond(study, windows), *grid_responses(surroundings, closed, of_grid))
    windows += of_grid
    history = _history(prepared, job.pool, study, windows, closed)
    modes = site_modes(study, windows[0], job.pool.iteration_time_s)
    found: tuple[Observation, ...] = (
        *modes.observations,
        *grid_observations(surroundings, closed),
        *curve_observations(surroundings, prepared.rules),
    )
    seen = (
        Evidence(power_traces(study, windows, (), history))
        if prepared.of_power
        else evidence(study, windows, responses, history)
    )
    seen = replace(seen, observations=(*seen.observations, *found))
    return _Seen(closed, windows, history, modes, seen)


def _findings(job: Job, base: Baseline, study: StepStudy, seen: _Seen, verdict: Verdict) -> Findings:
    return Findings(
        study=study,
        pool=job.pool,
        timeline=seen.closed.timeline,
        steady=seen.windows[0],
        events=seen.windows[1:],
        responses=seen.evidence.responses,
        base=base,
        verdict=verdict,
        provisioned=provisioned_w(study),
        history=seen.history,
        modes=seen.modes,
    )


def _judged(prepared: Prepared, design: Design, found: SiteFindings, prices: Prices | None) -> Judged:
    bill = prepared.space.bill(design)
    energy = found.damping_energy_j * YEAR_S / found.horizon_s + prepared.space.idle_loss_w(design) * YEAR_S
    loss = found.throughput_loss if isinstance(found, Findings) else 0.0
    running = 0.0
    if prices is not None:
        running = energy * prices.energy_usd_per_j + loss * prices.work_usd_per_year
    return Judged(
        design=design,
        rows=rows_of(found.verdict),
        capex_usd=sum(item.usd for item in bill),
        energy_j_per_year=energy,
        throughput_loss=loss,
        usd_per_year=sum(item.usd_per_year for item in bill) + running,
        device_usd_per_year=running,
    )


def rows_of(verdict: Verdict) -> tuple[Row, ...]:
    """Return the rows of a verdict as records."""
    names = ("rule", "node", "measured", "limit", "unit", "margin", "passed", "window", "reason")
    return tuple(Row(*(row[name] for name in names)) for row in verdict.table.to_dict("records"))


def prices_of(prepared: Prepared) -> Prices:
    """Return what energy and work cost in the scenario without anything that is sized.

    Lost work is priced at the cost of an accelerator's hour in that run: depreciation, energy and operations.
    """
    spec = prepared.scenario.economics
    energy = grid_price(spec).value
    job, study = prepared.job, _with(prepared.study, prepared.scenario)
    if job is None or job.base is None or isinstance(study, LoadStudy):
        return Prices(energy, 0.0)
    surroundings, closed = job.met(study, prepared.windows[0])
    seen = _seen(prepared, job, study, prepared.windows, surroundings, closed)
    bare = _findings(job, job.base, study, seen, judge((), seen.evidence))
    cost = estimate_cost(spec, cost_facts(bare, bare.tokens_per_s, closed.timeline.goodput))
    hours = YEAR_S / HOUR_S * study.accelerators
    return Prices(energy, cost.usd_per_accelerator_hour * hours)
