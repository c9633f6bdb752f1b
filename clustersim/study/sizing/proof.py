"""Whole runs that prove a design: itself, its neighbours with one notch less, less inertia, other seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clustersim import catalog
from clustersim.scenario import AnyScenario
from clustersim.study.sizing.evaluate import evaluate
from clustersim.study.sizing.prepared import Judged, Key, Prices, Row
from clustersim.study.sizing.search import Found, Search
from clustersim.study.sizing.space import LEVEL_NOTCH, Design, Space
from clustersim.study.sizing.tasks import Proof, Task, Workers, judged_level, prepared_in, proven, space_in

NAMES = {
    "rack_w": "rack storage: power",
    "rack_j": "rack storage: energy",
    "battery_w": "battery: power",
    "battery_j": "battery: energy",
    "bank_w": "load bank: power",
    "condenser_va": "synchronous condenser",
    "floor": "smoothing floor",
    "cap": "power cap",
}
CLIMBS = 3
"""Searches for a design that passes every check, each at what broke the one before."""


@dataclass(frozen=True)
class Neighbour:
    """A design with one notch less of one thing."""

    what: str
    design: Design | None
    """None where no less is sold with so much of the rest."""
    fails: Row | None
    """The worst broken rule; None when the design passes."""

    @property
    def passed(self) -> bool:
        """Whether less would do as well."""
        return self.design is not None and self.fails is None


@dataclass(frozen=True)
class Check:
    """The winner in one run."""

    name: str
    passed: bool
    worst: Row | None
    """The judged row with the smallest margin."""
    note: str = ""
    seed: int = 0
    inertia_scale: float = 1.0


@dataclass(frozen=True)
class Sturdy:
    """The next design that passes every check, where that with the least cost does not."""

    judged: Judged
    """At nominal."""
    checks: tuple[Check, ...]
    seed: int
    inertia_scale: float
    """What it was searched at. [-]"""


def neighbours(
    scenario: AnyScenario,
    elements: Sequence[str],
    winner: Judged,
    prices: Prices,
    ignored: frozenset[Key],
    pool: Workers,
) -> tuple[Neighbour, ...]:
    """Run every neighbour of the winner whole."""
    space = space_in(scenario, elements)
    prepared = prepared_in(scenario, elements, Design())
    search = Search(prepared, winner.design.level, prices, ignored)
    less = [(NAMES[name], design) for name, design in search.neighbours(winner.design)]
    less += [(NAMES[name], design) for name, design in _weaker(winner.design)]
    proofs = [Proof(what, space.scenario_with(design)) for what, design in less if design is not None]
    runs = {proof.name: run for proof, run in zip(proofs, pool.each(proven, proofs), strict=True)}
    return tuple(
        Neighbour(what, design, None if design is None else _failed(runs[what].rows, ignored)) for what, design in less
    )


def _weaker(design: Design) -> list[tuple[str, Design]]:
    """Return the designs with one notch less damping in the accelerators."""
    found = []
    if design.floor > 0.0:
        floor = round(design.floor - LEVEL_NOTCH, 2)
        found.append(("floor", replace(design, floor=max(0.0, floor))))
    if design.cap < 1.0:
        found.append(("cap", replace(design, cap=min(1.0, round(design.cap + LEVEL_NOTCH, 2)))))
    return found


def _failed(rows: Sequence[Row], ignored: frozenset[Key]) -> Row | None:
    broken = [row for row in rows if row.passed is False and row.key not in ignored]
    return min(broken, key=lambda row: row.margin, default=None)


def _least(rows: Sequence[Row], ignored: frozenset[Key]) -> Row | None:
    judged = [row for row in rows if row.passed is not None and row.key not in ignored]
    return min(judged, key=lambda row: row.margin, default=None)


def checks(
    scenario: AnyScenario,
    elements: Sequence[str],
    winner: Judged,
    prices: Prices,
    ignored: frozenset[Key],
    pool: Workers,
) -> tuple[Check, ...]:
    """Run the winner whole at nominal, with less inertia, and on the worst of other seeds.

    The seeds are judged as in the search, on all windows; the one with the smallest margin is then run whole.
    """
    space = space_in(scenario, elements)
    control = catalog.entry("sizing", "verification")
    scale, count = control.si("inertia"), round(control.si("seeds"))
    seeds = [scenario.seed + 1 + number for number in range(count)]
    tasks = [
        Task(
            scenario.model_copy(update={"seed": seed}),
            tuple(elements),
            winner.design.level,
            prices,
            ignored,
            "design",
            winner.design,
        )
        for seed in seeds
    ]
    drawn: list[tuple[float, int]] = []
    for seed, found in zip(seeds, pool.each(judged_level, tasks), strict=True):
        if isinstance(found, Found):
            worst = found.alone.worst(ignored)
            drawn.append((float("inf") if worst is None else worst.margin, seed))
    margin, seed = min(drawn)
    failing = sum(found < 0.0 for found, _ in drawn)
    proofs = [
        Proof("nominal", space.scenario_with(winner.design)),
        Proof(f"inertia x {scale:g}", weaker_grid(space, winner.design, scale)),
        Proof(f"worst of {count} seeds", space.scenario_with(winner.design).model_copy(update={"seed": seed})),
    ]
    notes = ("", "", f"seed {seed}, margin {100 * margin:+.3g} %; the design fails on {failing} of {count} seeds")
    cases = ((scenario.seed, 1.0), (scenario.seed, scale), (seed, 1.0))
    runs = pool.each(proven, proofs)
    return tuple(
        Check(run.name, _failed(run.rows, ignored) is None, _least(run.rows, ignored), note, *case)
        for run, note, case in zip(runs, notes, cases, strict=True)
    )


def sturdy(
    scenario: AnyScenario,
    elements: Sequence[str],
    winner: Judged,
    checked: tuple[Check, ...],
    prices: Prices,
    ignored: frozenset[Key],
    pool: Workers,
) -> Sturdy | None:
    """Return the next design that passes every check, where the winner does not; None when none is found.

    The search is made again with the seed and the inertia of the checks that failed, at the winner's level of damping
    in the accelerators and at none. A design that fails on another seed is followed by a search with that one,
    :data:`CLIMBS` in all.
    """
    for _ in range(CLIMBS):
        failed = [check for check in checked if not check.passed]
        seed = next((check.seed for check in failed if check.seed != scenario.seed), scenario.seed)
        scale = min(check.inertia_scale for check in failed)
        hard = _scaled(scenario, scale).model_copy(update={"seed": seed})
        levels = dict.fromkeys((winner.design.level, Design()))
        tasks = [Task(hard, tuple(elements), level, prices, ignored, "search") for level in levels]
        found = [one.best for one in pool.each(judged_level, tasks) if isinstance(one, Found) and one.best is not None]
        best = min(found, key=lambda one: one.usd_per_year, default=None)
        if best is None:
            return None
        checked = checks(scenario, elements, best, prices, ignored, pool)
        if all(check.passed for check in checked):
            nominal = evaluate(prepared_in(scenario, elements, best.design.level), best.design, prices)
            return Sturdy(nominal, checked, seed, scale)
        if not checked[0].passed:
            return None
    return None


def weaker_grid(space: Space, design: Design, scale: float) -> AnyScenario:
    """Return the scenario of a design with the inertia of grid and machines scaled."""
    return _scaled(space.scenario_with(design), scale)


def _scaled(scenario: AnyScenario, scale: float) -> AnyScenario:
    plant = scenario.plant.model_copy(update={"inertia_scale": scale * scenario.plant.inertia_scale})
    return scenario.model_copy(update={"plant": plant})
