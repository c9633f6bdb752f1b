"""One design judged: the windows of its accelerators are made once, what is sized behind them is put in again."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from clustersim.economics import estimate_cost
from clustersim.economics.prices import energy_price
from clustersim.limits import Evidence, Rule, Trace, judge, rules_of
from clustersim.limits.evidence import Verdict
from clustersim.operation import Timeline
from clustersim.scenario import AnyScenario, LoadScenario
from clustersim.scenario.topology import TopologySpec
from clustersim.study.baseline import Baseline, undamped
from clustersim.study.event_windows import evaluation_it_w, event_windows
from clustersim.study.findings import Findings
from clustersim.study.grid_modes import ModeFindings, site_modes, with_modes
from clustersim.study.horizon import SiteHistory, histories
from clustersim.study.it_power import STARTS, HallPower, Pool, steady_window, step_pool
from clustersim.study.judging import evidence, power_traces, respond
from clustersim.study.measured_study import LoadStudy, load_power, study_load
from clustersim.study.run import operate, steady_of
from clustersim.study.run_measured import load_findings
from clustersim.study.run_parts import cost_facts
from clustersim.study.site_findings import SiteFindings
from clustersim.study.site_power import provisioned_w, site_power, training_it_w
from clustersim.study.site_tree import SitePower, power_of_it
from clustersim.study.sizing_space import Design, Space
from clustersim.study.step import StepStudy, study_step

YEAR_S = 31557600.0
OUTSIDE = (
    "phase_stagger", "gradual_start", "psu_storage", "rack_storage", "hybrid_storage", "site_battery", "load_bank",
)  # fmt: skip
"""Strategies that act on the power of the halls and leave the accelerators as they are."""
OF_POWER = ("ramp", "range", "band_energy", "band_amplitude", "band_range")
"""Measures of the power at the meter alone, for which the plant need not be asked."""
NO_MODES = ModeFindings(pd.DataFrame(), (), {}, {})
"""Of a study in which no rule looks at modes and shafts."""
Key = tuple[str, str]
"""Rule, and the site or piece of equipment that it looks at."""


@dataclass(frozen=True)
class Row:
    """One rule on one site or piece of equipment."""

    rule: str
    node: str
    measured: float
    limit: float
    unit: str
    margin: float
    """Relative to the limit, positive when the rule is kept; not a number when it was not judged. [-]"""
    passed: bool | None
    window: str
    reason: str

    @property
    def key(self) -> Key:
        """Which rule on what."""
        return self.rule, self.node


@dataclass(frozen=True)
class Judged:
    """What the rules say of a design, and what it costs."""

    design: Design
    rows: tuple[Row, ...]
    capex_usd: float
    energy_j_per_year: float
    """Extra energy at equal work; negative where a power limit saves some. [J]"""
    throughput_loss: float
    """Share of the work that damping costs. [-]"""
    usd_per_year: float
    """Capital over life, extra energy and lost work. [USD]"""
    device_usd_per_year: float
    """Of it: extra energy and lost work. [USD]"""

    def failed(self, ignored: frozenset[Key] = frozenset()) -> tuple[Row, ...]:
        """Rows of the rules that the design breaks, worst first, but for those left out."""
        broken = [row for row in self.rows if row.passed is False and row.key not in ignored]
        return tuple(sorted(broken, key=lambda row: row.margin))

    def worst(self, ignored: frozenset[Key] = frozenset()) -> Row | None:
        """The judged row with the smallest margin, but for those left out; None when nothing was judged."""
        judged = [row for row in self.rows if row.passed is not None and row.key not in ignored]
        return min(judged, key=lambda row: row.margin, default=None)


@dataclass(frozen=True)
class Prices:
    """What extra energy and lost work cost."""

    energy_usd_per_j: float
    work_usd_per_year: float
    """Of all work of a year, lost: accelerators x hours x cost per hour. [USD]"""


@dataclass(frozen=True)
class Job:
    """What a job has beside a measured load."""

    pool: Pool
    timeline: Timeline
    base: Baseline | None
    """None where designs get no cost."""


@dataclass
class Prepared:
    """A scenario with one level of damping in the accelerators, ready for any design behind them."""

    space: Space
    scenario: AnyScenario
    """Without what acts outside the accelerators."""
    rules: tuple[Rule, ...]
    study: StepStudy | LoadStudy
    job: Job | None
    """None where the load is measured."""
    windows: tuple[SitePower, ...]
    """Without what acts outside the accelerators; the steady one first."""
    before_w: tuple[dict[str, float] | None, ...]
    """IT power of the sites before each window, where damping outside does not change it. [W]"""
    steady_only: bool = False
    """Whether no rule looks at more than the steady window."""
    judged: dict[tuple[Design, bool], Judged] = field(default_factory=dict)
    histories: dict[tuple[Any, ...], dict[str, SiteHistory]] = field(default_factory=dict)
    """By the IT power of the sites: batteries and banks leave it as it is."""
    order: list[int] = field(default_factory=list)
    """Windows of events, the one that broke a rule last first."""

    @property
    def of_power(self) -> bool:
        """Whether the rules look at the power at the meter alone, so that the plant need not be asked."""
        return all(rule.measure in OF_POWER for rule in self.rules)


def prepare(space: Space, level: Design, *, priced: bool = True) -> Prepared:
    """Return the windows of the accelerators with `level` in them.

    Parameters
    ----------
    space : Space
        What may be sized.
    level : Design
        What acts in the accelerators.
    priced : bool
        Whether designs get a cost; else only what the rules look at is made.

    Raises
    ------
    InputError
        If the accelerators cannot have it.
    """
    scenario = space.scenario_with(level)
    bare = scenario.model_copy(update={"damping": tuple(s for s in scenario.damping if s.kind not in OUTSIDE)})
    rules = rules_of(scenario.limits)
    if isinstance(bare, LoadScenario):
        load = study_load(bare)
        return Prepared(space, bare, rules, load, None, (load_power(load),), (None,))
    study = study_step(bare)
    pool = step_pool(study)
    timeline = operate(study, pool)
    steady_only = all(map(_of_steady, rules))
    if steady_only and not priced:
        windows: tuple[SitePower, ...] = (site_power(study, steady_window(study, pool, 0.0)),)
    else:
        steady = steady_of(study, pool, timeline)
        windows = (steady, *event_windows(study, pool, timeline, steady))
    before = tuple(power.before_it_w or None if power.window in STARTS else None for power in windows)
    job = Job(pool, timeline, undamped(study, pool) if priced else None)
    return Prepared(space, bare, rules, study, job, windows, before, steady_only, order=list(range(1, len(windows))))


def _of_steady(rule: Rule) -> bool:
    """Whether a rule is held against the steady window alone, and without the plant's answer."""
    return rule.measure in ("band_energy", "band_amplitude") or (
        rule.measure == "range" and rule.allowed_per_hour is not None
    )


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
    training = training_it_w(steady)
    events: dict[int, SitePower] = {}
    for number in list(prepared.order):
        events[number] = _behind(study, prepared.windows[number].hall, prepared.before_w[number] or training, job)
        if ignored is not None and prepared.of_power:
            _, seen, _ = _evidence(prepared, job, study, (steady, events[number]))
            rows = rows_of(judge(prepared.rules, seen))
            if _broken(rows, ignored):
                prepared.order.remove(number)
                prepared.order.insert(0, number)
                return _unpriced(design, rows)
    windows = (steady, *(events[number] for number in sorted(events)))
    if job.base is None:
        return _unpriced(design, rows_of(judge(prepared.rules, _evidence(prepared, job, study, windows)[1])))
    return _judged(prepared, design, _findings(prepared, job, job.base, study, windows, prepared.rules), prices)


def _broken(rows: tuple[Row, ...], ignored: frozenset[Key]) -> bool:
    return any(row.passed is False and row.key not in ignored for row in rows)


def _steady_rows(study: StepStudy, steady: SitePower, rules: tuple[Rule, ...]) -> tuple[Row, ...]:
    """Return what the rules but ratings say of the steady window; the plant is asked only if one needs it."""
    here = tuple(rule for rule in rules if rule.measure != "rating")
    responses = () if all(rule.measure in OF_POWER for rule in here) else respond(study, (steady,))
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


def _evidence(
    prepared: Prepared, job: Job, study: StepStudy, windows: tuple[SitePower, ...]
) -> tuple[dict[str, SiteHistory], Evidence, ModeFindings]:
    """Return the histories, what the rules look at, and the answer of modes and shafts.

    The plant is asked only if a rule needs it.
    """
    training, asked = training_it_w(windows[0]), evaluation_it_w(study, windows)
    if asked is None and study.scenario.operation.evaluation is not None:
        asked = evaluation_it_w(study, prepared.windows)
    key = (*training.items(), *(asked or {}).items())
    if key not in prepared.histories:
        prepared.histories[key] = histories(study, job.timeline, training, asked)
    history = prepared.histories[key]
    if prepared.of_power:
        return history, Evidence(power_traces(study, windows, (), history)), NO_MODES
    modes = site_modes(study, windows[0], job.pool.iteration_time_s)
    return history, with_modes(evidence(study, windows, respond(study, windows), history), modes), modes


def _findings(
    prepared: Prepared,
    job: Job,
    base: Baseline,
    study: StepStudy,
    windows: tuple[SitePower, ...],
    rules: tuple[Rule, ...],
) -> Findings:
    history, seen, modes = _evidence(prepared, job, study, windows)
    return Findings(
        study=study,
        pool=job.pool,
        timeline=job.timeline,
        steady=windows[0],
        events=windows[1:],
        responses=seen.responses,
        base=base,
        verdict=judge(rules, seen),
        provisioned=provisioned_w(study),
        history=history,
        modes=modes,
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
    energy = energy_price(spec.electricity_price, "electricity_default").value
    job, study = prepared.job, _with(prepared.study, prepared.scenario)
    if job is None or job.base is None or isinstance(study, LoadStudy):
        return Prices(energy, 0.0)
    bare = _findings(prepared, job, job.base, study, prepared.windows, ())
    cost = estimate_cost(spec, cost_facts(bare, bare.tokens_per_s, job.timeline.goodput))
    hours = YEAR_S / 3600.0 * study.accelerators
    return Prices(energy, cost.usd_per_accelerator_hour * hours)
