"""What a site costs to build and to run, and what a token costs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pandas as pd

from clustersim.economics import capex, running
from clustersim.economics.capital import annuity_factor
from clustersim.economics.cash_flow import Asset, cash_flow, levelised_usd_per_h
from clustersim.economics.facts import CostFacts
from clustersim.economics.lines import COST_COLUMNS, MW_W, Line, spread, total
from clustersim.economics.prices import Price, capital_rate, chosen, rate
from clustersim.economics.running import fuel_of
from clustersim.economics.spec import EconomicsSpec
from clustersim.units import HOUR_S, YEAR_S

__all__ = ["COST_COLUMNS", "CostTable", "annuity_factor", "estimate_cost", "fuel_of", "usd_per_million_tokens"]

RUNNING = ("depreciation", "energy", "operations")
"""Groups of the table whose sum over the horizon is the total cost of ownership."""


@dataclass(frozen=True)
class CostTable:
    """Cost by item, and the sums."""

    table: pd.DataFrame
    """Columns :data:`COST_COLUMNS`; group ``capex`` is spent once, ``depreciation``, ``energy`` and ``operations`` are
    of the horizon."""
    capex_usd: float
    depreciation_usd: float
    """Of the horizon. [USD]"""
    energy_usd: float
    """Of the horizon. [USD]"""
    operations_usd: float
    """Of the horizon. [USD]"""
    tco_usd_per_h: float
    """Depreciation, energy and operations per hour. [USD/h]"""
    usd_per_million_tokens: float | None
    """None when no token was trained."""
    usd_per_accelerator_hour: float
    stranded_w: float
    """IT power that is provisioned and, on average, not drawn. [W]"""
    stranded_usd: float
    """Building cost of that power. [USD]"""
    damping_usd: float
    """Energy that damping took over the horizon, at the mean price of energy; part of `energy_usd`. [USD]"""
    damping_usd_per_year: float
    """That energy, work that damping refuses at the cost of the site's time, and the yearly cost of the equipment that
    damps, replacements of worn batteries with it. [USD/yr]"""
    accelerators: int
    provisioned_it_w: float
    """[W]"""
    tco_band_usd_per_h: tuple[float, float]
    """`tco_usd_per_h` less and plus the root of the sum of squares of what the catalog's bands of prices, lives
    and the cost of capital move. [USD/h]"""
    cash_flow: pd.DataFrame
    """Payments by year and item, :data:`~clustersim.economics.cash_flow.CASH_COLUMNS`."""
    years: float
    """Time that `cash_flow` and `tco_years_usd` cover. [yr]"""
    tco_years_usd: float
    """Total cost of ownership over those years with servers that are kept for them. [USD]"""
    levelised_usd_per_h: float
    """Net present value of `cash_flow` over that of its hours. [USD/h]"""
    staff: float
    """Full-time staff on site that the catalog gives for this power; their pay is in the operations. [-]"""
    replaced_parts_usd: float
    """Accelerators that failed for good over the horizon, at their price; part of the cost only where the user buys
    them. [USD]"""


@dataclass(frozen=True)
class _Capital:
    """Capital cost of a class of assets."""

    item: str
    lines: list[Line]
    life: Price
    rate: float
    residual: float = 0.0

    @property
    def usd(self) -> float:
        return total(self.lines)

    def yearly(self, life_s: float) -> float:
        return self.usd * annuity_factor(life_s, self.rate, self.residual)

    def depreciation(self, horizon_s: float) -> Line:
        years = horizon_s / YEAR_S
        price = Price(self.yearly(self.life.value), self.life.source, self.life.assumed)
        return Line("depreciation", self.item, years, "yr", price)

    def spread(self, horizon_s: float) -> tuple[float, float]:
        """How far prices and life let the depreciation over the horizon fall and rise. [USD]"""
        years, base = horizon_s / YEAR_S, self.yearly(self.life.value)
        factor = annuity_factor(self.life.value, self.rate, self.residual)
        low, high = (usd * factor for usd in spread(self.lines))
        longer, shorter = base - self.yearly(self.life.highest), self.yearly(self.life.lowest) - base
        return years * math.hypot(low, longer), years * math.hypot(high, shorter)


def _capital(spec: EconomicsSpec, facts: CostFacts) -> tuple[_Capital, _Capital]:
    """Return what loses its value with the accelerators, and what outlives them."""
    short = chosen(spec, "accelerator_life", "life", "accelerator")
    long = chosen(spec, "building_life", "life", "building")
    return (
        _Capital("servers and network", list(capex.equipment(spec, facts)), short, rate(spec), spec.residual_value),
        _Capital("building and plant", list(capex.building(spec, facts)), long, rate(spec, "building_rate")),
    )


def _rate_spread(spec: EconomicsSpec, capital: tuple[_Capital, _Capital], horizon_s: float) -> tuple[float, float]:
    """Return how far the band of the cost of capital lets the depreciation over the horizon fall and rise. [USD]

    One rate moves both classes together, but for a building with a rate of its own.
    """
    found = capital_rate(spec)
    moved = capital if spec.building_rate is None else capital[:1]

    def yearly(at: float) -> float:
        return math.fsum(replace(one, rate=at).yearly(one.life.value) for one in moved)

    years, base = horizon_s / YEAR_S, yearly(found.value)
    return years * (base - yearly(found.lowest)), years * (yearly(found.highest) - base)


def _life(line: Line, of: _Capital) -> float:
    """Return how long something of a class is kept: its own life where it wears out first. [s]"""
    return of.life.value if line.life_s is None else min(line.life_s, of.life.value)


def estimate_cost(spec: EconomicsSpec, facts: CostFacts) -> CostTable:
    """Estimate capex, running cost and the cost of a token.

    Capex is servers, network, building and MEP, generators, storage and fibre. The total cost of ownership per hour
    is depreciation of all of them plus energy and operations over the horizon, divided by the horizon. A token's cost
    is the same sum over the tokens that counted, ``tokens_per_s * goodput * horizon_s``.

    Parameters
    ----------
    spec : EconomicsSpec
        Prices and lives; what is left out comes from the catalog.
    facts : CostFacts
        Counts, powers, energies, throughput.

    Returns
    -------
    CostTable

    Raises
    ------
    InputError
        If a name or a price is not in the catalog.
    """
    return _summary(spec, facts, *_lines(spec, facts))


def usd_per_million_tokens(spec: EconomicsSpec, facts: CostFacts) -> float | None:
    """Return the cost of a million tokens alone, as :func:`estimate_cost` has it and several times as fast.

    Parameters
    ----------
    spec : EconomicsSpec
        Prices and lives.
    facts : CostFacts
        Counts, powers, energies, throughput.

    Returns
    -------
    float or None
        [USD]; None when no token was trained.

    Raises
    ------
    InputError
        If a name or a price is not in the catalog.
    """
    return _per_million(total(_lines(spec, facts)[1], *RUNNING), facts)


def _per_million(usd: float, facts: CostFacts) -> float | None:
    tokens = facts.tokens_per_s * facts.goodput * facts.horizon_s
    return usd / tokens * 1e6 if tokens > 0.0 else None


def _lines(spec: EconomicsSpec, facts: CostFacts) -> tuple[tuple[_Capital, _Capital], list[Line]]:
    """Return the two classes of assets and all lines of the table."""
    equipment, building = _capital(spec, facts)
    bought = [*equipment.lines, *building.lines]
    later = [*running.energy(spec, facts), *running.operations(spec, facts, bought)]
    worn = [line for line in building.lines if _life(line, building) < building.life.value]
    later += [_replacement(line, building, facts.horizon_s) for line in worn]
    depreciation = [one.depreciation(facts.horizon_s) for one in (equipment, building)]
    return (equipment, building), [*bought, *depreciation, *later]


def _replacement(line: Line, building: _Capital, horizon_s: float) -> Line:
    """Return what a battery that wears out early costs beyond its share of the building's depreciation."""
    more = annuity_factor(_life(line, building), building.rate) - annuity_factor(building.life.value, building.rate)
    price = Price(line.usd * more, f"{line.price.source}; wear of its cells", True)
    return Line("operations", f"replacement of {line.item}", horizon_s / YEAR_S, "yr", price)


def _summary(
    spec: EconomicsSpec,
    facts: CostFacts,
    capital: tuple[_Capital, _Capital],
    lines: list[Line],
) -> CostTable:
    equipment, building = capital
    later = [line for line in lines if line.group in ("energy", "operations")]
    all_running = total(lines, *RUNNING)
    hours = facts.horizon_s / HOUR_S
    accelerators = sum(kind.count for kind in facts.accelerators)
    supplied_j = facts.grid_energy_j + math.fsum(g.energy_j for g in facts.generators)
    stranded_w = facts.provisioned_it_w - facts.mean_it_w
    damping = facts.damping_energy_j * total(lines, "energy") / supplied_j if supplied_j > 0.0 else 0.0
    spreads = [one.spread(facts.horizon_s) for one in capital] + [spread(later)]
    spreads.append(_rate_spread(spec, capital, facts.horizon_s))
    low, high = (math.hypot(*(pair[side] for pair in spreads)) / hours for side in (0, 1))
    tco = all_running / hours
    # the servers are kept for the years that are looked at
    kept = chosen(spec, "years", "life", "accelerator").value if spec.years else equipment.life.value
    years, rest = kept / YEAR_S, total(lines, "energy", "operations") / facts.horizon_s * YEAR_S
    flow = cash_flow(
        _assets(equipment, building, kept),
        [line for line in later if not line.item.startswith("replacement of ")],
        facts.horizon_s,
        years,
        equipment.rate,
    )
    return CostTable(
        table=pd.DataFrame([line.row() for line in lines], columns=list(COST_COLUMNS)),
        capex_usd=total(lines, "capex"),
        depreciation_usd=total(lines, "depreciation"),
        energy_usd=total(lines, "energy"),
        operations_usd=total(lines, "operations"),
        tco_usd_per_h=tco,
        usd_per_million_tokens=_per_million(all_running, facts),
        usd_per_accelerator_hour=tco / accelerators if accelerators else math.nan,
        stranded_w=stranded_w,
        stranded_usd=stranded_w * chosen(spec, "building_price", "datacenter", "price").value,
        damping_usd=damping,
        damping_usd_per_year=_damping(facts, capital, damping, tco),
        accelerators=accelerators,
        provisioned_it_w=facts.provisioned_it_w,
        tco_band_usd_per_h=(tco - low, tco + high),
        cash_flow=flow,
        years=years,
        tco_years_usd=years * (equipment.yearly(kept) + building.yearly(building.life.value) + rest),
        levelised_usd_per_h=levelised_usd_per_h(flow, years, equipment.rate),
        staff=running.staff(facts),
        replaced_parts_usd=total(running.failed_parts(spec, facts)),
    )


def _damping(facts: CostFacts, capital: tuple[_Capital, _Capital], energy_usd: float, tco: float) -> float:
    """Return what damping costs in a year. [USD/yr]"""
    equipment = math.fsum(
        line.usd * annuity_factor(_life(line, one), one.rate, one.residual)
        for one in capital
        for line in one.lines
        if line.damps
    )
    return equipment + (energy_usd / facts.horizon_s + facts.throughput_loss * tco / HOUR_S) * YEAR_S


def _assets(equipment: _Capital, building: _Capital, kept_s: float) -> list[Asset]:
    """Return every line of capital cost as something that is bought, used and replaced."""
    short = [Asset(line.item, line.usd, kept_s, equipment.rate, equipment.residual) for line in equipment.lines]
    return short + [Asset(line.item, line.usd, _life(line, building), building.rate) for line in building.lines]


def tco_usd_per_w_year(cost: CostTable) -> float:
    """Return the total cost of ownership of a watt of provisioned IT power in a year. [USD/W/yr]"""
    return cost.tco_usd_per_h * (YEAR_S / HOUR_S) / cost.provisioned_it_w


def usd_per_mw(cost: CostTable) -> float:
    """Return the capital cost of a megawatt of provisioned IT power. [USD/MW]"""
    return cost.capex_usd / (cost.provisioned_it_w / MW_W)
