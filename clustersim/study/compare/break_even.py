"""At which price, life or goodput two designs cost the same per token.

Only the cost model is evaluated again, on the facts that the runs found; nothing is simulated. Where the cost is affine
in an input (every price of a quantity) the two lines cross at ``x = (a_B - a_A) / (b_A - b_B)``, exactly, and so do a
level and the ``c / x`` of a cost over goodput. Where it is neither (lives, cost of capital) the root is found with
Brent's method inside the range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy

from clustersim import units
from clustersim.economics import CostFacts, EconomicsSpec, cost
from clustersim.economics.prices import chosen, energy_price, figure, grid_price, rate, server_price
from clustersim.study.compare.designs import Design
from clustersim.units import YEAR_S

CLOSED, SEARCHED, NEVER = "closed form", "brentq", "none"
COLUMNS = (
    "base", "design", "input", "varied", "unit", "now_base", "now_design", "break_even", "method",
    "low", "high", "cheaper_below", "cheaper_above", "reason",
)  # fmt: skip
ALIKE = "both cost the same at every value"
POINTS = 31
"""Points of a curve that is not straight, and of the search for changes of sign."""
_MWH, _MMBTU = units.TABLE["price of energy"]["USD/MWh"], units.TABLE["price of energy"]["USD/MMBtu"]
_MUSD_MW, _MUSD_MW_YR = units.TABLE["price of power"]["MUSD/MW"], units.TABLE["price of power per time"]["MUSD/MW/yr"]

Varied = Literal["both", "base", "design"]
Priced = tuple[EconomicsSpec, CostFacts]
Change = Callable[[EconomicsSpec, CostFacts, float], Priced]
"""Puts a value of an input, in its unit, into prices or facts."""


@dataclass(frozen=True)
class Input:
    """One input of the cost that is varied."""

    name: str
    unit: str
    now: Callable[[EconomicsSpec, CostFacts], float]
    """Its present value, in `unit`."""
    change: Change
    low: float
    high: float
    """Range of curves and search, in `unit`."""
    varied: Varied = "both"
    """Which of the designs get the value."""


@dataclass(frozen=True)
class BreakEven:
    """The curves of two designs over one input, and where they cross."""

    input: Input
    base: str
    design: str
    now: tuple[float, float]
    """Present values of base and design."""
    value: float | None
    """Where both cost the same per token; None where they never do, or in no place of the range."""
    method: str
    reason: str
    """Why there is no value, or empty."""
    curve: pd.DataFrame
    """Columns value, base_usd, design_usd per million tokens."""
    below: str
    above: str
    """Which design is cheaper below and above `value`; the same name where they never cross, ``neither`` where they are
    alike."""

    @property
    def varied(self) -> str:
        """Name of the design that is varied, or ``both``."""
        return {"both": "both", "base": self.base, "design": self.design}[self.input.varied]


def _spec(**settings: Any) -> Callable[[EconomicsSpec], EconomicsSpec]:
    return lambda spec: spec.model_copy(update=settings)


def _in_spec(field: str, write: Callable[[float], Any]) -> Change:
    return lambda spec, facts, value: (_spec(**{field: write(value)})(spec), facts)


def _fibre(spec: EconomicsSpec, facts: CostFacts, value: float) -> Priced:
    # the price stands in the catalog; as the line is length times price, more length at that price is the same
    return spec, replace(facts, fibre_m=facts.fibre_m * value / figure("prices", "fibre", "price").value)


def _server(name: str) -> Change:
    return lambda spec, facts, value: (_spec(server_prices={**spec.server_prices, name: value})(spec), facts)


def _server_now(name: str) -> Callable[[EconomicsSpec, CostFacts], float]:
    def now(spec: EconomicsSpec, facts: CostFacts) -> float:
        return next((server_price(spec, kind).value for kind in facts.accelerators if kind.name == name), math.nan)

    return now


def _life(field: str, name: str) -> Input:
    def now(spec: EconomicsSpec, _: CostFacts) -> float:
        return chosen(spec, field, "life", name).value / YEAR_S

    return Input(f"{name} life", "yr", now, _in_spec(field, lambda years: years * YEAR_S), 1.0, 30.0)


def inputs_of(a: Priced, b: Priced) -> tuple[Input, ...]:
    """Return the inputs that are varied: prices, lives and cost of capital of both designs, goodput of the second.

    The price of electricity is left out where one has a tariff, that of fibre where one leases it.
    """
    found = [*_energy_inputs(a, b), *_capital_inputs(a, b)]
    if b[1].goodput > 0.0:
        found.append(
            Input("goodput", "-", lambda _, facts: facts.goodput,
                  lambda spec, facts, value: (spec, replace(facts, goodput=value)), 0.05, 1.0, "design")
        )  # fmt: skip
    return tuple(found)


def _energy_inputs(a: Priced, b: Priced) -> Iterator[Input]:
    if a[0].tariff is None and b[0].tariff is None:
        yield Input("electricity price", "USD/MWh", lambda spec, _: grid_price(spec).value / _MWH,
                    _in_spec("electricity_price", lambda value: f"{value!r} USD/MWh"), 0.0, 200.0)  # fmt: skip
    if any(priced[1].generators for priced in (a, b)):
        yield Input("gas price", "USD/MMBtu",
                    lambda spec, _: energy_price(spec.gas_price, "natural_gas").value / _MMBTU,
                    _in_spec("gas_price", lambda value: f"{value!r} USD/MMBtu"), 0.0, 20.0)  # fmt: skip


def _capital_inputs(a: Priced, b: Priced) -> Iterator[Input]:
    yield Input("capital rate", "%/yr", lambda spec, _: 100.0 * rate(spec),
                _in_spec("capital_rate", lambda value: value / 100.0), 0.0, 30.0)  # fmt: skip
    yield _life("accelerator_life", "accelerator")
    yield _life("building_life", "building")
    yield Input("building price", "MUSD/MW",
                lambda spec, _: chosen(spec, "building_price", "datacenter", "price").value / _MUSD_MW,
                _in_spec("building_price", lambda value: value * _MUSD_MW), 0.0, 40.0)  # fmt: skip
    yield Input("operations price", "MUSD/MW/yr",
                lambda spec, _: chosen(spec, "operations_price", "datacenter", "operations").value / _MUSD_MW_YR,
                _in_spec("operations_price", lambda value: value * _MUSD_MW_YR), 0.0, 5.0)  # fmt: skip
    if any(priced[1].fibre_m > 0.0 for priced in (a, b)) and {a[0].fibre, b[0].fibre} == {"build"}:
        yield Input("fibre price", "USD/m", lambda *_: figure("prices", "fibre", "price").value, _fibre, 0.0, 1000.0)
    for name in dict.fromkeys(kind.name for priced in (a, b) for kind in priced[1].accelerators):
        now = _server_now(name)
        most = max(value for value in (now(*a), now(*b)) if not math.isnan(value))
        owners = [name in {kind.name for kind in priced[1].accelerators} for priced in (a, b)]
        choices: list[Varied] = ["both", "design"] if all(owners) else ["base"] if owners[0] else ["design"]
        title = f"price of a server with {name}"
        for varied in choices:
            yield Input(title, "USD", now, _server(name), 0.0, 3.0 * most, varied)


def break_evens(base: Design, other: Design) -> tuple[tuple[BreakEven, ...], str]:
    """Return the break-even of two designs for every input, and why there are none (or an empty text)."""
    priced: list[Priced] = []
    for design in (base, other):
        if design.facts is None:
            return (), f"{design.name}: what its cost depends on was not stored; run it again with this version"
        if design.summary.get("usd_per_million_tokens") is None:
            return (), f"{design.name}: a token has no cost there"
        priced.append((design.economics(), design.facts))
    a, b = priced
    names = (base.name, other.name)
    return tuple(break_even(names, a, b, one) for one in inputs_of(a, b)), ""


def usd_per_million_tokens(priced: Priced) -> float:
    """Return the cost of a million tokens; infinite when none is trained."""
    found = cost.usd_per_million_tokens(*priced)
    return math.inf if found is None else found


def break_even(names: tuple[str, str], a: Priced, b: Priced, varied: Input) -> BreakEven:
    """Return the curves of two designs over one input, and where they cross."""

    def at(value: float) -> tuple[float, float]:
        first = a if varied.varied == "design" else varied.change(*a, value)
        second = b if varied.varied == "base" else varied.change(*b, value)
        return usd_per_million_tokens(first), usd_per_million_tokens(second)

    def apart(value: float) -> float:
        first, second = at(value)
        return second - first

    now = (varied.now(*a), varied.now(*b))
    ends = [at(varied.low), at(varied.high)]
    straight = _is_affine(ends, at(0.5 * (varied.low + varied.high)))
    values = np.array([varied.low, varied.high]) if straight else np.linspace(varied.low, varied.high, POINTS)
    costs = np.array(ends if straight else [at(float(value)) for value in values])
    gaps = costs[:, 1] - costs[:, 0]
    scale = float(np.max(np.abs(costs)))
    if np.all(np.abs(gaps) <= 1e-12 * scale):
        found, method, reason = None, NEVER, ALIKE
    elif np.all(np.abs(gaps - gaps[0]) <= 1e-12 * scale):
        found, method, reason = None, NEVER, "their difference does not depend on it"
    elif straight:
        found, method, reason = _crossing(varied, float(gaps[0]), float(gaps[1]))
    elif varied.varied == "design" and _is_inverse(values, costs):
        found, method, reason = _crossing_inverse(varied, float(costs[0, 0]), float(varied.low * costs[0, 1]))
    else:
        found, method, reason = _searched(values, gaps, apart)
    cheaper = tuple(names[0] if gap > 0.0 else names[1] for gap in (gaps[0], gaps[-1]))
    if reason == ALIKE:
        cheaper = ("neither", "neither")
    if found is not None and found > varied.high:
        cheaper = (cheaper[0], names[1] if cheaper[0] == names[0] else names[0])
        extra = found * 1.1
        values, costs = np.append(values, extra), np.vstack([costs, at(extra)])
    curve = pd.DataFrame({"value": values, "base_usd": costs[:, 0], "design_usd": costs[:, 1]})
    return BreakEven(varied, *names, now, found, method, reason, curve, *cheaper)


def _is_affine(ends: Sequence[tuple[float, float]], middle: tuple[float, float]) -> bool:
    """Return whether both curves pass their middle on a straight line."""
    return all(
        math.isclose(0.5 * (low + high), half, rel_tol=1e-11) for low, high, half in zip(*ends, middle, strict=True)
    )


def _crossing(varied: Input, low: float, high: float) -> tuple[float | None, str, str]:
    """Return where the straight gap between two designs is zero: at any value that is not negative."""
    value = varied.low - low * (varied.high - varied.low) / (high - low)
    if value < 0.0:
        return None, CLOSED, "only at a value below zero"
    return value, CLOSED, ""


def _is_inverse(values: np.ndarray[Any, Any], costs: np.ndarray[Any, Any]) -> bool:
    """Return whether the second design's cost goes with one over the input and the first's does not move."""
    products = values * costs[:, 1]
    return bool(np.allclose(products, products[0], rtol=1e-11) and np.all(costs[:, 0] == costs[0, 0]))


def _crossing_inverse(varied: Input, level: float, product: float) -> tuple[float | None, str, str]:
    """Return where ``product / x`` meets a level, if the input may be as large."""
    value = product / level
    if value > varied.high:
        return None, CLOSED, f"only above {varied.high:g}, at {value:.4g}"
    return value, CLOSED, ""


def _searched(values: np.ndarray[Any, Any], gaps: np.ndarray[Any, Any], apart: Callable[[float], float]
              ) -> tuple[float | None, str, str]:  # fmt: skip
    """Return the first root between two points of the curve where the sign of the gap changes."""
    changes = [i for i in range(len(values) - 1) if gaps[i] == 0.0 or gaps[i] * gaps[i + 1] < 0.0]
    if not changes:
        return None, SEARCHED, f"the same design is cheaper from {values[0]:g} to {values[-1]:g}"
    first = changes[0]
    more = f"; {len(changes) - 1} more in the range" if len(changes) > 1 else ""
    if gaps[first] == 0.0:
        return float(values[first]), SEARCHED, more.lstrip("; ")
    return (
        float(scipy.optimize.brentq(apart, values[first], values[first + 1], xtol=1e-10, rtol=1e-12)),
        SEARCHED,
        more.lstrip("; "),
    )


def break_even_table(found: Sequence[BreakEven]) -> pd.DataFrame:
    """Return the break-evens as rows with the columns :data:`COLUMNS`."""
    rows = [
        (
            one.base, one.design, one.input.name, one.varied, one.input.unit, *one.now,
            one.value, one.method, one.input.low, one.input.high, one.below, one.above, one.reason,
        )
        for one in found
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"break_even": "float64"})
