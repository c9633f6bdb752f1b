"""What the sizing makes once for every level of damping in the accelerators, and its records."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from clustersim.errors import InputError
from clustersim.limits import MEASURES, Rule, rules_of
from clustersim.operation import ExternalEvent, Timeline
from clustersim.scenario import AnyScenario, LoadScenario
from clustersim.study.baseline import Baseline, undamped
from clustersim.study.closed_loop import ClosedLoop, close_loop_with_plant
from clustersim.study.event_windows import event_windows
from clustersim.study.grid.answers import Surroundings
from clustersim.study.horizon import SiteHistory
from clustersim.study.it_power import STARTS, Pool, steady_window, step_pool
from clustersim.study.job_operation import begin_job, operate
from clustersim.study.measured.study import LoadStudy, load_power, study_load
from clustersim.study.several_sites.lockstep import check_sites, trains_alone
from clustersim.study.site.power import site_power
from clustersim.study.site.tree import SitePower
from clustersim.study.sizing.space import Design, Space
from clustersim.study.step import StepStudy, study_step
from clustersim.study.trained_job import placed_in_time, steady_of

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

    def margin(self, ignored: frozenset[Key] = frozenset()) -> float:
        """Margin of that row; infinite when nothing was judged. [-]"""
        worst = self.worst(ignored)
        return math.inf if worst is None else worst.margin


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
    first: Timeline
    """Without anything that its supply does to it."""
    base: Baseline | None
    """None where designs get no cost."""
    courses: dict[tuple[ExternalEvent, ...], Course]
    """By what the supply does to the job."""

    def met(self, study: StepStudy, steady: SitePower) -> tuple[Surroundings, ClosedLoop]:
        """Return what events of the grid meet, and the job with what they do to it."""
        return close_loop_with_plant(study, self.pool, steady, self.first, partial(operate, study, self.pool))


@dataclass(frozen=True)
class Course:
    """The windows of a timeline, without what acts outside the accelerators; the steady one first."""

    timeline: Timeline
    windows: tuple[SitePower, ...]
    before_w: tuple[dict[str, float] | None, ...]
    """IT power of the sites before each window, where damping outside does not change it. [W]"""
    order: list[int]
    """Windows of events, the one that broke a rule last first."""


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
    steady_only: bool = False
    """Whether no rule looks at more than the steady window."""
    judged: dict[tuple[Design, bool], Judged] = field(default_factory=dict)
    histories: dict[tuple[Any, ...], dict[str, SiteHistory]] = field(default_factory=dict)
    """By the IT power of the sites: batteries and banks leave it as it is."""

    @property
    def of_power(self) -> bool:
        """Whether no rule looks at what the plant answers to a window, so that it need not be asked."""
        return not any(map(of_plant, self.rules))


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
    bare = scenario.model_copy(update={"damping": tuple(s for s in scenario.damping if not s.outside)})
    rules = rules_of(scenario.limits)
    if isinstance(bare, LoadScenario):
        load = study_load(bare)
        return Prepared(space, bare, rules, load, None, (load_power(load),))
    check_sites(bare)
    if trains_alone(bare):
        raise InputError(
            f"operation.sites.method: sizing looks at one job over all sites; expected synchronous, found "
            f"{bare.operation.sites.method if bare.operation.sites else None}"
        )
    study = study_step(bare)
    pool = step_pool(study)
    start = begin_job(study, pool)
    study, first = start.study, start.first
    job = Job(pool, first, undamped(study, pool) if priced else None, {})
    steady_only = all(map(_of_steady, rules))
    if steady_only and not priced:
        windows: tuple[SitePower, ...] = (site_power(study, steady_window(study, pool, 0.0)),)
        job.courses[()] = _course(first, windows)
    else:
        steady = steady_of(study, pool, first)
        _, closed = job.met(study, steady)
        windows = course_of(job, study, steady, closed).windows
    return Prepared(space, bare, rules, study, job, windows, steady_only)


def _course(timeline: Timeline, windows: tuple[SitePower, ...]) -> Course:
    before = tuple(power.before_it_w or None if power.window in STARTS else None for power in windows)
    return Course(timeline, windows, before, list(range(1, len(windows))))


def course_of(job: Job, study: StepStudy, steady: SitePower, closed: ClosedLoop) -> Course:
    """Return the windows of what the job does under its supply, made once from the bare study and steady window."""
    if closed.externals not in job.courses:
        steady = placed_in_time(steady, closed.timeline)
        windows = (steady, *event_windows(study, job.pool, closed.timeline, steady))
        job.courses[closed.externals] = _course(closed.timeline, windows)
    return job.courses[closed.externals]


def of_plant(rule: Rule) -> bool:
    """Whether a rule looks at what the plant answers to a window."""
    kind = MEASURES[rule.measure]
    return not (kind.found_in == "power" or kind.observed)


def _of_steady(rule: Rule) -> bool:
    """Whether a rule is held against the steady window alone, and without the plant's answer."""
    return rule.measure in ("band_energy", "band_amplitude") or (
        rule.measure == "range" and rule.allowed_per_hour is not None
    )
