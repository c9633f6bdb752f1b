"""Capex by item, energy by source, depreciation, total cost of ownership, cost per token."""

from clustersim.economics.cost import COST_COLUMNS, CostTable, annuity_factor, estimate_cost
from clustersim.economics.facts import Accelerators, Battery, CostFacts, Generators
from clustersim.economics.prices import Price, energy_price
from clustersim.economics.spec import EconomicsSpec

__all__ = [
    "COST_COLUMNS",
    "Accelerators",
    "Battery",
    "CostFacts",
    "CostTable",
    "EconomicsSpec",
    "Generators",
    "Price",
    "annuity_factor",
    "energy_price",
    "estimate_cost",
]
