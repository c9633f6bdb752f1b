"""From one design to another: a difference as the sum of its parts, exactly.

Two kinds of sums are used, and each waterfall says which:

- additive: the figure is a sum in both designs (cost lines, parts of a step, categories of time), so that a part's
  change is its value there less its value here;
- factors: the figure is a product in both designs. The change of a factor from ``f_a`` to ``f_b`` then counts as
  ``L(v_a, v_b) ln(f_b / f_a)`` with the logarithmic mean ``L = (v_b - v_a) / ln(v_b / v_a)`` of the figure, so that the
  parts add up to ``v_b - v_a`` whatever the order of the factors (the logarithmic mean Divisia index, LMDI-I, of the
  energy literature).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from clustersim.study.compare.designs import Design

COLUMNS = ("base", "design", "waterfall", "unit", "part", "from", "to", "change", "share_of_difference")
ADDITIVE = "sum of parts in both designs; a part's change is its value there less its value here"
FACTORS = "product of factors in both designs; a factor counts by the logarithm of its change (LMDI)"
MIXED = (
    "dollars per hour over million tokens per hour: a line's change counts at the mean hours per million tokens, the "
    "change of the hours at the mean dollars per hour (mean over both orders), split by the factors of the speed (LMDI)"
)
REST = "not itemised"
ROUNDING = 1e-8
"""Share of a figure below which a remainder is that of rounding: summaries hold nine digits."""


@dataclass(frozen=True)
class Part:
    """One bar of a waterfall."""

    name: str
    start: float
    """Value in the base: in the unit of the waterfall, of a factor in its own."""
    end: float
    change: float
    """What it adds, in the unit of the waterfall."""


@dataclass(frozen=True)
class Waterfall:
    """The way from the base's figure to the other design's."""

    key: str
    title: str
    unit: str
    base: str
    design: str
    start: float
    end: float
    parts: tuple[Part, ...]
    method: str

    @property
    def differs(self) -> bool:
        """Whether there is a difference beyond rounding."""
        return not math.isclose(self.start, self.end, rel_tol=ROUNDING)

    @property
    def shown(self) -> tuple[Part, ...]:
        """The parts that add something beyond rounding."""
        least = ROUNDING * max(abs(self.start), abs(self.end))
        return tuple(part for part in self.parts if abs(part.change) > least)


def waterfalls(base: Design, other: Design) -> tuple[Waterfall, ...]:
    """Return all waterfalls between two designs; those whose figures one of them has not are left out."""
    found = (
        cost_by_line(base, other),
        cost_by_cause(base, other),
        capital(base, other),
        time_per_token(base, other),
        useful_speed(base, other),
        goodput(base, other),
        power(base, other),
    )
    return tuple(one for one in found if one is not None)


def waterfall_table(found: Sequence[Waterfall]) -> pd.DataFrame:
    """Return the waterfalls as rows with the columns :data:`COLUMNS`; the row ``total`` of each comes first."""
    rows: list[tuple[Any, ...]] = []
    for one in found:
        whole = one.end - one.start
        head = (one.base, one.design, one.key, one.unit)
        rows.append((*head, "total", one.start, one.end, whole, 1.0 if whole else None))
        rows += [(*head, p.name, p.start, p.end, p.change, p.change / whole if whole else None) for p in one.parts]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def logarithmic_mean(a: float, b: float) -> float:
    """Return ``(b - a) / ln(b / a)`` of two positive numbers, `a` where they are equal."""
    ratio = math.log(b / a)
    return a if ratio == 0.0 else (b - a) / ratio


def additive(a: Mapping[str, float], b: Mapping[str, float]) -> tuple[Part, ...]:
    """Return the parts of a sum; a part that one design has not is 0 there, parts that are 0 in both are left out."""
    names = dict.fromkeys((*a, *b))
    parts = [Part(name, a.get(name, 0.0), b.get(name, 0.0), b.get(name, 0.0) - a.get(name, 0.0)) for name in names]
    return tuple(part for part in parts if part.start or part.end)


def factors(a: Mapping[str, float], b: Mapping[str, float]) -> tuple[Part, ...]:
    """Return the parts of a product of positive factors, in the unit of the product.

    Raises
    ------
    ValueError
        If the designs have different factors, or one is not positive.
    """
    if list(a) != list(b):
        raise ValueError(f"expected the same factors, got {', '.join(a)} and {', '.join(b)}")
    mean = logarithmic_mean(math.prod(a.values()), math.prod(b.values()))
    return tuple(Part(name, a[name], b[name], mean * math.log(b[name] / a[name])) for name in a)


def _waterfall(key: str, title: str, unit: str, pair: tuple[Design, Design], values: tuple[float, float],
               parts: tuple[Part, ...], method: str) -> Waterfall:  # fmt: skip
    return Waterfall(key, title, unit, pair[0].name, pair[1].name, *values, parts, method)


def lines_per_hour(design: Design) -> dict[str, float] | None:
    """Return the running cost by line [USD/h], summing to the total cost of ownership; None where it is not known.

    What the lines of the table leave out of the total stands as :data:`REST`.
    """
    total, days = design.summary.get("tco_usd_per_h"), design.summary.get("horizon_days")
    if total is None or not days or design.cost.empty:
        return None
    found: dict[str, float] = {}
    for row in design.cost.to_dict("records"):
        if row["group"] != "capex":
            name = f"{row['group']}: {row['item']}"
            found[name] = found.get(name, 0.0) + float(row["usd"]) / (24.0 * float(days))
    rest = float(total) - math.fsum(found.values())
    return found if abs(rest) <= 1e-12 * abs(float(total)) else found | {REST: rest}


def _costs(design: Design) -> tuple[dict[str, float], float] | None:
    """Return the running cost by line [USD/h] and the million tokens per hour that it buys."""
    lines, each = lines_per_hour(design), design.summary.get("usd_per_million_tokens")
    if lines is None or not each:
        return None
    return lines, math.fsum(lines.values()) / float(each)


def cost_by_line(base: Design, other: Design) -> Waterfall | None:
    """Return the cost of a million tokens by cost line."""
    a, b = _costs(base), _costs(other)
    if a is None or b is None:
        return None
    here, there = ({name: usd / millions for name, usd in lines.items()} for lines, millions in (a, b))
    ends = (math.fsum(here.values()), math.fsum(there.values()))
    title = "A million tokens, by cost line"
    parts = additive(here, there)
    return _waterfall("usd_per_million_tokens", title, "USD", (base, other), ends, parts, ADDITIVE)


def capital_lines(design: Design) -> dict[str, float] | None:
    """Return the capital by line [million USD]; what the lines leave out of the total stands as :data:`REST`."""
    total = design.summary.get("capex_usd")
    if total is None or design.cost.empty:
        return None
    rows = design.cost[design.cost["group"] == "capex"]
    found = {str(item): float(usd) / 1e6 for item, usd in rows.groupby("item", sort=False)["usd"].sum().items()}
    rest = float(total) / 1e6 - math.fsum(found.values())
    return found if abs(rest) <= ROUNDING * abs(float(total)) / 1e6 else found | {REST: rest}


def capital(base: Design, other: Design) -> Waterfall | None:
    """Return the capital by line."""
    a, b = capital_lines(base), capital_lines(other)
    if a is None or b is None:
        return None
    ends = (math.fsum(a.values()), math.fsum(b.values()))
    return _waterfall("capex_usd", "Capital, by line", "million USD", (base, other), ends, additive(a, b), ADDITIVE)


def cost_by_cause(base: Design, other: Design) -> Waterfall | None:
    """Return the cost of a million tokens by what is paid per hour and by what makes the tokens of an hour.

    ``c = x y`` with x dollars per hour and y hours per million tokens:
    ``c_b - c_a = sum_i (x_bi - x_ai) (y_a + y_b) / 2 + (y_b - y_a) (x_a + x_b) / 2``.
    """
    a, b = _costs(base), _costs(other)
    speed_a, speed_b = speed_factors(base), speed_factors(other)
    if a is None or b is None or speed_a is None or speed_b is None:
        return None
    (lines_a, millions_a), (lines_b, millions_b) = a, b
    hours = (1.0 / millions_a, 1.0 / millions_b)
    paid = additive(lines_a, lines_b)
    parts = [Part(f"{p.name} [USD/h]", p.start, p.end, p.change * 0.5 * sum(hours)) for p in paid]
    dollars = 0.5 * (math.fsum(lines_a.values()) + math.fsum(lines_b.values()))
    # tokens per hour in the cost are those of the factors but for what the cost counts otherwise: a factor of its own
    counted_a, counted_b = (
        m / (math.prod(f.values()) * 3600.0 / 1e6) for m, f in ((millions_a, speed_a), (millions_b, speed_b))
    )
    mean = logarithmic_mean(*hours)
    every_a, every_b = (
        speed_a | {"tokens that the cost counts": counted_a},
        speed_b | {"tokens that the cost counts": counted_b},
    )
    for name in every_a:
        change = -dollars * mean * math.log(every_b[name] / every_a[name])
        if name in speed_a or change:
            parts.append(Part(name, every_a[name], every_b[name], change))
    ends = (math.fsum(lines_a.values()) * hours[0], math.fsum(lines_b.values()) * hours[1])
    title = "A million tokens, by what is paid and by what is trained"
    return _waterfall("usd_per_million_tokens_by_cause", title, "USD", (base, other), ends, tuple(parts), MIXED)


def speed_factors(design: Design) -> dict[str, float] | None:
    """Return the factors of the useful tokens per second; None where one is missing or not positive.

    ``tokens/s x goodput = accelerators x (peak FLOP/s per accelerator / FLOPs per token) x MFU x goodput``.
    """
    s = design.summary
    known = [s.get(key) for key in ("tokens_per_s", "accelerators_used", "mfu", "goodput")]
    if any(value is None or not value > 0.0 for value in known):
        return None
    rate, count, mfu, share = (float(value) for value in known if value is not None)
    return {
        "accelerators used": count,
        "peak FLOP/s over FLOPs of a token [1/s]": rate / (count * mfu),
        "MFU": mfu,
        "goodput": share,
    }


def useful_speed(base: Design, other: Design) -> Waterfall | None:
    """Return the useful tokens per second by factor."""
    a, b = speed_factors(base), speed_factors(other)
    if a is None or b is None:
        return None
    ends = (math.prod(a.values()), math.prod(b.values()))
    return _waterfall(
        "useful_tokens_per_s", "Useful tokens per second", "1/s", (base, other), ends, factors(a, b), FACTORS
    )


def _shares(design: Design) -> dict[str, float]:
    """Return the shares of the time that the job did not train usefully, summing to 1 less goodput."""
    useful = float(design.summary["goodput"])
    found = {
        key.removeprefix("time_share_").replace("_", " "): float(value)
        for key, value in design.summary.items()
        if key.startswith("time_share_") and key != "time_share_useful" and value is not None
    }
    rest = 1.0 - useful - math.fsum(found.values())
    return found if abs(rest) <= 1e-15 else found | {REST: rest}


def goodput(base: Design, other: Design) -> Waterfall | None:
    """Return the useful share of the time by what took the rest of it."""
    if any(design.summary.get("goodput") is None for design in (base, other)):
        return None
    a, b = ({name: -share for name, share in _shares(design).items()} for design in (base, other))
    ends = (float(base.summary["goodput"]), float(other.summary["goodput"]))
    return _waterfall("goodput", "Goodput, by what takes time", "-", (base, other), ends, additive(a, b), ADDITIVE)


def token_time_parts(design: Design) -> dict[str, float] | None:
    """Return the seconds per million useful tokens by part; None where one is missing.

    ``1e6 t / (N g)`` with step time t, N tokens of a step, goodput g: parts of the step count ``1e6 t f / N`` with
    their share f of the step, what took time beside training ``1e6 t s / (N g)`` with its share s of the horizon.
    """
    s = design.summary
    keys = (
        "iteration_time_s",
        "tokens_per_s",
        "goodput",
        "compute_fraction",
        "bubble_fraction",
        "exposed_comm_fraction",
    )
    if any(s.get(key) is None for key in keys) or not s["goodput"] > 0.0:
        return None
    seconds = 1e6 / float(s["tokens_per_s"])
    exposed = float(s["exposed_comm_fraction"])
    between = min(exposed, float(s.get("wan_fraction") or 0.0))
    parts = {
        "compute": float(s["compute_fraction"]),
        "pipeline bubble": float(s["bubble_fraction"]),
        "exchange inside a site": exposed - between,
        "exchange between sites": between,
    }
    rest = 1.0 - math.fsum(parts.values())
    if abs(rest) > 1e-15:
        parts["rest of the step"] = rest
    lost = {name: share / float(s["goodput"]) for name, share in _shares(design).items()}
    return {name: seconds * share for name, share in (*parts.items(), *lost.items())}


def time_per_token(base: Design, other: Design) -> Waterfall | None:
    """Return the time of a million useful tokens by part of the step and by what else took time."""
    a, b = token_time_parts(base), token_time_parts(other)
    if a is None or b is None:
        return None
    ends = (math.fsum(a.values()), math.fsum(b.values()))
    title = "Seconds per million useful tokens"
    return _waterfall("s_per_million_useful_tokens", title, "s", (base, other), ends, additive(a, b), ADDITIVE)


def power_parts(design: Design) -> dict[str, float] | None:
    """Return the mean power at the meter by part [MW]; None where one is missing."""
    s = design.summary
    if s.get("mean_mw") is None or s.get("it_mean_mw") is None:
        return None
    mean, meter = float(s["it_mean_mw"]), float(s["mean_mw"])
    outside = {"between supplies and meter: cooling, losses, storage": meter - mean}
    full, bubble = s.get("it_computing_mw"), s.get("it_bubble_mw")
    if full is None or bubble is None:
        return {"IT": mean} | outside
    return {
        "IT while all compute": float(full),
        "pipeline bubble": -float(bubble),
        "exchange, optimizer and waiting": mean - (float(full) - float(bubble)),
    } | outside


def power(base: Design, other: Design) -> Waterfall | None:
    """Return the mean power at the meter, steady window, by part."""
    a, b = power_parts(base), power_parts(other)
    if a is None or b is None:
        return None
    ends = (float(base.summary["mean_mw"]), float(other.summary["mean_mw"]))
    return _waterfall("mean_mw", "Mean power at the meter", "MW", (base, other), ends, additive(a, b), ADDITIVE)
