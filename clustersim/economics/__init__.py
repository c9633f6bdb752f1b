"""Capex by item, energy by source, depreciation, total cost of ownership, cost per token."""

from clustersim.economics.capital import annuity_factor, discount, present_value
from clustersim.economics.cases import Case, case_cost
from clustersim.economics.cost import COST_COLUMNS, CostTable, estimate_cost
from clustersim.economics.facts import Accelerators, Battery, CostFacts, DampingEquipment, Generators
from clustersim.economics.prices import Price, energy_price
from clustersim.economics.spec import EconomicsSpec

__all__ = [
    "COST_COLUMNS",
    "Accelerators",
    "Battery",
    "Case",
    "CostFacts",
    "CostTable",
    "DampingEquipment",
    "EconomicsSpec",
    "Generators",
    "Price",
    "annuity_factor",
    "case_cost",
    "discount",
    "energy_price",
    "estimate_cost",
    "present_value",
]
