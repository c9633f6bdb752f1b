"""The least of everything behind one level of damping in the accelerators: coarse grid of times, bisection of sizes.

Nothing is taken to be monotone: what a bisection finds is checked further down its ladder, and of the design that is
found every size is tried one notch less, until each of these fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

from clustersim.study.sizing.evaluate import evaluate
from clustersim.study.sizing.prepared import Judged, Key, Prepared, Prices
from clustersim.study.sizing.space import Design

TIMES: dict[str, str] = {
    "rack_storage": "rack_tau_s",
    "site_battery": "battery_tau_s",
    "load_bank": "bank_w_per_s",
}
"""What sets how an element acts and costs nothing by itself."""
SIZES: dict[str, tuple[str, ...]] = {
    "site_battery": ("battery_w", "battery_j"),
    "rack_storage": ("rack_w", "rack_j"),
    "synchronous_condenser": ("condenser_va",),
    "load_bank": ("bank_w",),
}
"""What an element costs by."""
GRID = 4
"""Times of an element at which a family is first tried, evenly over its ladder."""
CONDENSERS = (1.0, 1 / 4, 1 / 16)
"""Parts of the most that there can be of condensers at which they are first tried. [-]"""
LATER = (0, 1, 3)
"""Rungs above the least time that passes, at which sizes of one element are compared."""
BELOW = (2, 12)
"""Rungs below a bisection's result that must fail too."""
TOLERANCE = 1e-9
SAME = 0.005
"""Designs of the front that differ by less are one. [-]"""
Passes = Callable[[Design], bool]


@dataclass(frozen=True)
class Found:
    """What a search at one level found."""

    level: Design
    alone: Judged
    """The level with nothing behind it."""
    best: Judged | None
    """The least-cost design that passes; None when none does."""
    nearest: Judged
    """Of the designs that were judged on all windows, the one whose worst margin is best."""
    passing: tuple[Judged, ...]
    """All designs that passed."""
    notes: tuple[str, ...]
    evaluations: int
    tried: tuple[Judged, ...] = ()
    """The strongest designs, where it was asked what is possible."""


class Search:
    """Designs behind one level of damping in the accelerators."""

    def __init__(self, prepared: Prepared, level: Design, prices: Prices, ignored: frozenset[Key]) -> None:
        """Start with nothing judged."""
        self.prepared, self.level, self.prices, self.ignored = prepared, level, prices, ignored
        self.space = prepared.space
        self.notes: list[str] = []

    def judge(self, design: Design, *, whole: bool = False) -> Judged:
        """Judge a design on this level."""
        return evaluate(self.prepared, design.on(self.level), self.prices, whole=whole, ignored=self.ignored)

    def passes(self, design: Design) -> bool:
        """Whether a design keeps every rule that counts."""
        return not self.judge(design).failed(self.ignored)

    def usd(self, design: Design) -> float:
        """Yearly cost of a design. [USD]"""
        return self.judge(design, whole=True).usd_per_year

    def possible(self) -> Found:
        """Judge the most that there can be of each element, alone and of all together, at a few times.

        It ends once each rule is kept by some design.
        """
        alone = self.judge(self.level, whole=True)
        tried = [alone]
        elements = [name for name in SIZES if name in self.space.elements]
        families = [[name] for name in elements] + ([elements] if len(elements) > 1 else [])
        open_keys = {row.key for row in alone.failed()}
        for family in families:
            grid = list(self.strongest(family))
            # all at their slowest, then all faster: the same place of the grid for every element
            step = (len(grid) - 1) / max(1, GRID - 1)
            for number in range(GRID if len(grid) > 1 else 1):
                if open_keys:
                    tried.append(self.judge(grid[round(step * number)], whole=True))
                    open_keys -= {row.key for row in tried[-1].rows if row.passed}
        nearest = max(tried, key=lambda judged: judged.margin(self.ignored))
        return Found(self.level, alone, None, nearest, (), (), len(self.prepared.judged), tuple(tried))

    def run(self) -> Found:
        """Search all families of elements: each alone, then pairs, then more where none of them passes."""
        alone = self.judge(self.level, whole=True)
        if not alone.failed(self.ignored):
            return self._found(alone, self.level)
        elements = [name for name in SIZES if name in self.space.elements]
        best: Design | None = None
        able: set[str] = set()
        for count in range(1, len(elements) + 1):
            if count > 2 and best is not None:
                break
            for family in combinations(elements, count):
                if count > 1 and best is not None and not able.issuperset(family):
                    continue
                found = self._family(family)
                if found is None:
                    continue
                if count == 1:
                    able.add(family[0])
                if best is None or self.usd(found) < self.usd(best):
                    best = found
        return self._found(alone, best)

    def _found(self, alone: Judged, best: Design | None) -> Found:
        found = None if best is None else self.judge(best, whole=True)
        every = [judged for (_, whole), judged in self.prepared.judged.items() if whole]
        passing = tuple(judged for judged in every if not judged.failed(self.ignored))
        nearest = max(every, key=lambda judged: judged.margin(self.ignored))
        return Found(self.level, alone, found, nearest, passing, tuple(self.notes), len(self.prepared.judged))

    def strongest(self, family: Sequence[str]) -> Iterator[Design]:
        """Yield the designs with as much as there can be of each element, at a grid of times."""
        sizes = {name: self.space.ladder(name)[-1] for element in family for name in SIZES[element]}
        if "load_bank" in family:
            # more than the whole site cannot be held
            sizes["bank_w"] = self.space.top_w
        names = [TIMES[element] for element in family if element in TIMES]
        grids = [self._grid(name) for name in names]
        if "synchronous_condenser" in family:
            # the losses of too much of it are more than an island can carry
            names.append("condenser_va")
            most = sizes.pop("condenser_va")
            grids.append(tuple(share * most for share in CONDENSERS))
        for times in product(*grids):
            yield Design(**sizes, **dict(zip(names, times, strict=True)))

    def _grid(self, name: str) -> tuple[float, ...]:
        ladder = self.space.ladder(name)
        step = (len(ladder) - 1) / GRID
        return tuple(ladder[round(step * (GRID - number) - step / 2)] for number in range(GRID))

    def _family(self, family: Sequence[str]) -> Design | None:
        """Return the cheapest design that has these elements, None when even the most of them does not pass."""
        start = next((design for design in self.strongest(family) if self.passes(design)), None)
        if start is None:
            return None
        names = [TIMES[element] for element in family if element in TIMES]
        for name in names:
            start = self._least(start, name, self.space.ladder(name))
        found: list[Design] = []
        for later in LATER if len(family) == 1 else LATER[:1]:
            design = start
            for name in names:
                ladder = self.space.ladder(name)
                design = replace(
                    design, **{name: ladder[min(ladder.index(getattr(design, name)) + later, len(ladder) - 1)]}
                )
            if not self.passes(design):
                continue
            found += [self._smallest(design, order) for order in _orders(family)]
            if found and self.usd(found[-1]) > 1.2 * min(self.usd(one) for one in found):
                break
        return min(found, key=self.usd)

    def _smallest(self, design: Design, order: Sequence[str]) -> Design:
        """Return the design with every size as small as the others let it be, elements in this order."""
        for element in order:
            for name in SIZES[element]:
                ladder = self.space.ladder(name)
                if name == "battery_j":
                    # no less than is sold with so much power
                    least = design.battery_w * self.space.least_duration_s
                    ladder = (least, *(size for size in ladder if size > least))
                    if self.passes(replace(design, battery_j=least)):
                        design = replace(design, battery_j=least)
                        continue
                design = self._least(design, name, ladder)
        return self._polished(design)

    def _least(self, design: Design, name: str, ladder: Sequence[float]) -> Design:
        """Return the design with the least of one dimension that passes; it passes as it stands."""

        def passes(rung: int) -> bool:
            return self.passes(replace(design, **{name: ladder[rung]}))

        high = max(rung for rung, size in enumerate(ladder) if size <= getattr(design, name) * (1.0 + TOLERANCE))
        if not passes(high):
            return design
        low = -1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if passes(middle) else (middle, high)
            lower = next(
                (high - step for step in BELOW if high - low == 1 and high - step >= 0 and passes(high - step)), None
            )
            if lower is not None:
                self.notes.append(
                    f"{name}: passes at {ladder[lower]:.3g} and {ladder[high]:.3g} but not at {ladder[high - 1]:.3g}: "
                    "more is not always better here"
                )
                low, high = -1, lower
        return replace(design, **{name: ladder[high]})

    def _polished(self, design: Design) -> Design:
        """Return the design after every size was tried one notch less, until all of these fail."""
        while True:
            less = next((one for _, one in self.neighbours(design) if one is not None and self.passes(one)), None)
            if less is None or self.usd(less) > self.usd(design):
                return design
            design = less

    def neighbours(self, design: Design) -> list[tuple[str, Design | None]]:
        """Return the designs with one size one notch less; None where no less is sold."""
        found: list[tuple[str, Design | None]] = []
        for element, names in SIZES.items():
            for name in names if element in design.elements else ():
                size = getattr(design, name)
                smaller = [one for one in self.space.ladder(name) if one < size * (1.0 - TOLERANCE)]
                one = replace(design, **{name: smaller[-1]}) if smaller else None
                if name == "battery_w" and one is not None:
                    at_least = design.battery_j <= design.battery_w * self.space.least_duration_s * (1.0 + TOLERANCE)
                    if at_least:
                        one = replace(one, battery_j=one.battery_w * self.space.least_duration_s)
                if name == "battery_j" and one is not None:
                    least = design.battery_w * self.space.least_duration_s
                    one = None if one.battery_j < least * (1.0 - TOLERANCE) else one
                    if one is None and size > least * (1.0 + TOLERANCE):
                        one = replace(design, battery_j=least)
                found.append((name, one))
        return found


def _orders(family: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the orders in which the elements of a family are made small: dearest first, and the other way round."""
    return (tuple(family),) if len(family) == 1 else (tuple(family), tuple(reversed(family)))


def front(designs: Sequence[Judged]) -> tuple[Judged, ...]:
    """Return the designs that no other beats in capital, extra energy and lost work at once, by capital.

    A design is left out when another is at most as high in all three, differences below :data:`SAME` not counted; of
    equal ones that with least capital stays.
    """
    chosen: list[Judged] = []
    for one in sorted(designs, key=_three):
        if not any(
            all(a <= b + SAME * abs(b) for a, b in zip(_three(other), _three(one), strict=True)) for other in chosen
        ):
            chosen.append(one)
    return tuple(chosen)


def _three(judged: Judged) -> tuple[float, float, float]:
    return judged.capex_usd, judged.energy_j_per_year, judged.throughput_loss
