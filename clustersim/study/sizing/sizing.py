"""The least-cost mix of damping and storage that keeps the rules of a pack, and the runs that prove it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from clustersim.errors import InputError
from clustersim.limits import LimitsSpec, rules_of
from clustersim.scenario import AnyScenario, Scenario, require_plant
from clustersim.study.run_parts import Clock
from clustersim.study.sizing.bounds import Bound, bounds
from clustersim.study.sizing.evaluate import prices_of
from clustersim.study.sizing.prepared import Judged, Key, Prices, Row
from clustersim.study.sizing.proof import Check, Neighbour, Sturdy, checks, neighbours, sturdy
from clustersim.study.sizing.search import Found, front
from clustersim.study.sizing.space import LEVEL_NOTCH, Design, Item, levels
from clustersim.study.sizing.tasks import Task, Workers, judged_level, prepared_in, space_in, workers
from clustersim.study.step import StepStudy

OWN = "own"
"""Name of the scenario's own rules beside the packs."""
SAME = 0.01
"""A margin that the strongest designs move by less than this share of the limit is no matter of damping. [-]"""
MOST_TRIES = 3
"""Designs that are refined in the accelerators' level one after the other."""


@dataclass(frozen=True)
class Aside:
    """A rule that is broken whatever is sized."""

    row: Row
    """Without anything that is sized."""
    best_margin: float
    """Of all designs that were tried. [-]"""


@dataclass(frozen=True)
class Sizing:
    """What was found, and what proves it."""

    scenario: AnyScenario
    """As judged: the rules asked for, the plan that every design trains with."""
    meet: tuple[str, ...]
    elements: tuple[str, ...]
    prices: Prices
    without: Judged
    """The scenario without anything that is sized."""
    not_damping: tuple[Aside, ...]
    """Broken rules that nothing sized here moves: left out of the search."""
    unmet: tuple[Aside, ...]
    """Broken rules that the strongest designs tried move but do not meet."""
    not_judged: tuple[Row, ...]
    winner: Judged | None
    nearest: Judged
    bill: tuple[Item, ...]
    front: tuple[Judged, ...]
    neighbours: tuple[Neighbour, ...]
    checks: tuple[Check, ...]
    sturdy: Sturdy | None
    """The next design that passes every check, where the winner passes only at nominal; None when none was found."""
    bounds: tuple[Bound, ...]
    refused: tuple[str, ...]
    """Levels that the accelerators cannot have, and why."""
    notes: tuple[str, ...]
    evaluations: int
    sized: AnyScenario | None
    """The scenario with the winner."""
    wall_s: dict[str, float]

    @property
    def ignored(self) -> frozenset[Key]:
        """Rules that the search left out."""
        return frozenset(aside.row.key for aside in self.not_damping)

    @property
    def robust(self) -> bool | None:
        """Whether the winner passes every check; None without a winner, and where nothing was proved."""
        return None if self.winner is None or not self.checks else all(check.passed for check in self.checks)


def size(
    scenario: AnyScenario,
    meet: Sequence[str] = (),
    using: Sequence[str] | None = None,
    processes: int = 1,
    progress: Callable[[str], None] = lambda _: None,
    *,
    prove: bool = True,
) -> Sizing:
    """Find the least-cost design of a scenario that keeps the rules, and prove it.

    Parameters
    ----------
    scenario : Scenario or LoadScenario
        Its strategies of the kinds that are sized, and its batteries, are taken out; all else stays.
    meet : sequence of str
        Rule packs; `own` for the scenario's own section `limits`, which alone counts when empty.
    using : sequence of str, optional
        Elements of :data:`clustersim.study.sizing.space.ELEMENTS`; all that the scenario can have when absent.
    processes : int
        Processes that work at the same time.
    progress : callable, optional
        Told the name of each part as it begins.
    prove : bool
        Whether the winner and its neighbours are run whole. Without, the search is all: its rows hold at nominal, and
        nothing says that less would not do or how the winner fares with other seeds and less inertia.

    Raises
    ------
    InputError
        If a pack or an element is unknown, or there is nothing to size.
    """
    require_plant(scenario.topology)
    asked = with_rules(scenario, meet)
    timed = Clock(progress)
    timed("the scenario without damping")
    space = space_in(asked, using)
    elements = space.elements
    prepared = prepared_in(asked, elements, Design())
    asked = planned(asked, prepared.study)
    prepared = prepared_in(asked, elements, Design())
    prices = prices_of(prepared)
    with workers(processes) as pool:
        found = _explored(asked, elements, prices, pool, timed)
        winner = found.best
        sized = None if winner is None else space_in(asked, elements).scenario_with(winner.design)
        shown: tuple[Neighbour, ...] = ()
        checked: tuple[Check, ...] = ()
        climbed: Sturdy | None = None
        if prove and winner is not None and sized is not None:
            timed("runs of the winner and of its neighbours")
            ignored = found.ignored
            shown = neighbours(asked, elements, winner, prices, ignored, pool)
            timed("the winner with less inertia and other seeds")
            checked = checks(asked, elements, winner, prices, ignored, pool)
            if checked[0].passed and not all(check.passed for check in checked):
                timed("a design that passes every check")
                climbed = sturdy(asked, elements, winner, checked, prices, ignored, pool)
    timed("done")
    return Sizing(
        scenario=asked,
        meet=tuple(meet) or (OWN,),
        elements=elements,
        prices=prices,
        without=found.without,
        not_damping=found.not_damping,
        unmet=found.unmet,
        not_judged=tuple(row for row in found.without.rows if row.passed is None),
        winner=winner,
        nearest=found.nearest,
        bill=() if winner is None else space.bill(winner.design),
        front=front(found.passing),
        neighbours=shown,
        checks=checked,
        sturdy=climbed,
        bounds=bounds(prepared),
        refused=found.refused,
        notes=found.notes,
        evaluations=found.evaluations,
        sized=sized,
        wall_s=timed.wall_s,
    )


@dataclass(frozen=True)
class _Possible:
    """What is known before the search."""

    first: Found
    """What the strongest designs behind the accelerators come to."""
    tried: tuple[Judged, ...]
    """All designs tried, with those found on the way."""
    searched: tuple[Found, ...]
    """Searches that were needed to know; empty where none was, or where none found a design."""
    apart: tuple[Aside, ...]
    """Broken rules that nothing sized here moves."""
    unmet: tuple[Aside, ...]

    @property
    def ignored(self) -> frozenset[Key]:
        return frozenset(aside.row.key for aside in self.apart)


@dataclass(frozen=True)
class _Explored:
    without: Judged
    not_damping: tuple[Aside, ...]
    unmet: tuple[Aside, ...]
    best: Judged | None
    nearest: Judged
    passing: tuple[Judged, ...]
    refused: tuple[str, ...]
    notes: tuple[str, ...]
    evaluations: int

    @property
    def ignored(self) -> frozenset[Key]:
        return frozenset(aside.row.key for aside in self.not_damping)


_Asked = Callable[[Design, str, frozenset[Key]], Task]
"""Task of a level: the level, what is asked of it, the rules that do not count."""


def _explored(
    scenario: AnyScenario, elements: tuple[str, ...], prices: Prices, pool: Workers, timed: Clock
) -> _Explored:
    """Find what is possible, then search."""

    def task(level: Design, kind: str, ignored: frozenset[Key]) -> Task:
        return Task(scenario, elements, level, prices, ignored, kind)

    every = levels(elements)
    timed("what is possible at all")
    possible = _possible(task, every, pool)
    timed("the search")
    return _searched(task, every, possible, pool)


def _possible(task: _Asked, every: Sequence[Design], pool: Workers) -> _Possible:
    """Tell the rules that nothing sized moves from those that a design may meet."""
    first = judged_level(task(Design(), "strongest", frozenset()))
    if isinstance(first, str):
        raise InputError(first)
    tried = list(first.tried)
    searched: list[Found] = []
    still = _broken(first.alone, tried)
    if still and all(aside.best_margin - aside.row.margin > SAME for aside in still):
        # what is sized moves them all: the search may find more than the few designs tried
        searched, _ = _answered([task(Design(), "search", frozenset())], pool)
    if still and _cheapest(searched) is None:
        # what acts in the accelerators may do what nothing behind them can
        extremes = [level for level in every if level != Design() and _extreme(level, every)]
        found, _ = _answered([task(level, "strongest", frozenset()) for level in extremes], pool)
        tried += [judged for one in found for judged in one.tried]
        searched = []
    tried += [judged for one in searched for judged in one.passing]
    asides = {aside.row.key: aside for aside in _broken(first.alone, tried)}
    apart = {key: aside for key, aside in asides.items() if aside.best_margin - aside.row.margin <= SAME}
    unmet = tuple(aside for key, aside in asides.items() if key not in apart)
    return _Possible(first, tuple(tried), tuple(searched), tuple(apart.values()), unmet)


def _searched(task: _Asked, every: Sequence[Design], possible: _Possible, pool: Workers) -> _Explored:
    """Search behind the accelerators, then at those of their levels that may be cheaper, and near the best of them."""
    without, ignored, searched = possible.first.alone, possible.ignored, list(possible.searched)
    met = not without.failed(ignored)
    tasks = [task(level, "alone", frozenset()) for level in every if level != Design() and not met]
    if not searched:
        tasks.insert(0, task(Design(), "search", ignored))
    answers, refused = _answered(tasks, pool)
    if not searched:
        searched, answers = answers[:1], answers[1:]
    best = _cheapest(searched)
    alone = [answer.alone for answer in answers]
    promising = [one.design for one in alone if best is None or one.device_usd_per_year < best.usd_per_year]
    searched += _answered([task(level, "search", ignored) for level in promising], pool)[0]
    for _ in range(MOST_TRIES):
        best = _cheapest(searched)
        if best is None or best.design.level == Design():
            break
        near = [level for level in _near(best.design.level) if all(level != one.level for one in searched)]
        if not near:
            break
        searched += _answered([task(level, "search", ignored) for level in near], pool)[0]
    passing = [judged for one in searched for judged in one.passing]
    passing += [one for one in (*alone, *possible.tried) if not one.failed(ignored)]
    candidates = [one.nearest for one in searched] + list(possible.tried)
    return _Explored(
        without=without,
        not_damping=possible.apart,
        unmet=() if passing else possible.unmet,
        best=_cheapest(searched, passing),
        nearest=max(candidates, key=lambda one: one.margin(ignored)),
        passing=tuple(passing),
        refused=refused,
        notes=tuple(dict.fromkeys(note for one in searched for note in one.notes)),
        evaluations=sum(one.evaluations for one in (possible.first, *searched, *answers)),
    )


def _answered(tasks: Sequence[Task], pool: Workers) -> tuple[list[Found], tuple[str, ...]]:
    """Return what tasks find, in their order, and why the accelerators cannot have the levels of the others."""
    answers = list(pool.each(judged_level, tasks))
    return [one for one in answers if not isinstance(one, str)], tuple(one for one in answers if isinstance(one, str))


def _extreme(level: Design, every: Sequence[Design]) -> bool:
    """Whether a level is nothing, the highest floor or the lowest limit."""
    return level in (Design(), max(every, key=lambda one: one.floor), min(every, key=lambda one: one.cap))


def _near(level: Design) -> list[Design]:
    """Return the levels one notch to either side."""
    if level.floor > 0.0:
        return [replace(level, floor=round(level.floor + step, 2)) for step in (-LEVEL_NOTCH, LEVEL_NOTCH)]
    return [
        replace(level, cap=round(level.cap + step, 2))
        for step in (LEVEL_NOTCH, -LEVEL_NOTCH)
        if level.cap + step < 1.0 - 1e-9
    ]


def _cheapest(searched: Iterable[Found], more: Iterable[Judged] = ()) -> Judged | None:
    found = [one.best for one in searched if one.best is not None]
    return min((*found, *more), key=lambda one: one.usd_per_year, default=None)


def _broken(without: Judged, tried: Sequence[Judged]) -> list[Aside]:
    """Return the rules that every design tried breaks, with the best margin that one of them has."""
    found = []
    for row in without.failed():
        same = [other for judged in tried for other in judged.rows if other.key == row.key]
        if not any(other.passed for other in same):
            found.append(Aside(row, max(other.margin for other in same)))
    return found


def planned(scenario: AnyScenario, study: object) -> AnyScenario:
    """Return the scenario with the plan that was found for it, so that every design trains with the same one."""
    if not isinstance(scenario, Scenario) or not isinstance(study, StepStudy):
        return scenario
    return scenario.model_copy(update={"job": scenario.job.model_copy(update={"plan": study.plan})})


def with_rules(scenario: AnyScenario, meet: Sequence[str]) -> AnyScenario:
    """Return the scenario with the rules of the packs; `own` stands for its own, whose limits then hold everywhere.

    Raises
    ------
    InputError
        If a pack is unknown, or no rule is left.
    """
    own = scenario.limits
    packs = tuple(dict.fromkeys(meet))
    limits = own
    if packs and OWN not in packs:
        limits = LimitsSpec(packs=packs)
    elif packs:
        named = tuple(dict.fromkeys((*own.packs, *(pack for pack in packs if pack != OWN))))
        limits = own.model_copy(update={"packs": named})
    if not rules_of(limits):
        raise InputError("size: no rule to meet: the packs asked for leave none")
    return scenario.model_copy(update={"limits": limits})
