"""Keys of the summary of what energy costs by the contract, of carbon dioxide, and of water."""

from __future__ import annotations

import math
from typing import Any

from clustersim.economics.carbon import carbon, grid_intensity
from clustersim.economics.cost import CostTable
from clustersim.economics.lines import bought_of_grid
from clustersim.economics.tariff import bill
from clustersim.economics.tariffs import tariff_of
from clustersim.study.energy_hours import meter_records
from clustersim.study.findings import Findings
from clustersim.study.generation import generation
from clustersim.study.site.findings import SiteFindings
from clustersim.units import MWH_J

MW, TONNE_KG, LITRES = 1e6, 1e3, 1e3
OF_TARIFF = ("energy_charge_usd", "demand_charge_usd", "fixed_charge_usd", "billed_demand_mw")
OF_CARBON = ("co2_grid_t", "co2_total_t", "co2_kg_per_mwh", "co2_g_per_million_tokens")
OF_ENERGY = ("grid_usd_per_mwh", *OF_TARIFF, *OF_CARBON)


def energy_bill_keys(found: SiteFindings, cost: CostTable, reasons: dict[str, str]) -> dict[str, Any]:
    """Return what grid energy costs by part of the bill, carbon dioxide of grid and fuel, and water, over the horizon.

    ``grid_usd_per_mwh`` is everything that is paid for the grid over the energy bought. Carbon dioxide of the grid is
    that of its average, ``economics.grid_carbon``. Water is what the cooling took over the horizon.
    """
    water = sum(record.cooling.water_l for record in found.history.values()) / LITRES
    rows = cost.table
    keys: dict[str, Any] = dict.fromkeys(OF_ENERGY)
    keys |= {"water_m3": water, "water_usd": float(rows[rows["item"] == "water"]["usd"].sum())}
    if found.uncarried is not None:
        reasons |= dict.fromkeys(OF_ENERGY, found.uncarried)
        return keys
    bought = bought_of_grid(rows)
    if found.grid_energy_j > 0.0:
        keys["grid_usd_per_mwh"] = float(bought["usd"].sum()) / (found.grid_energy_j / MWH_J)
    else:
        reasons["grid_usd_per_mwh"] = "no energy was bought"
    return keys | _tariff_keys(found, reasons) | _carbon_keys(found, reasons)


def _tariff_keys(found: SiteFindings, reasons: dict[str, str]) -> dict[str, Any]:
    """Return the parts of the bills of all sites; the highest demand is that of one site."""
    spec = found.study.scenario.economics
    if spec.tariff is None:
        reasons |= dict.fromkeys(OF_TARIFF, "economics.tariff is not given: one price for every hour")
        return {}
    if found.island:
        reasons |= dict.fromkeys(OF_TARIFF, "no energy was bought")
        return {}
    tariff = tariff_of(spec.tariff)
    bills = [bill(tariff, record) for record in meter_records(found, spec.billing_start).values()]

    def of(*groups: str) -> float:
        return math.fsum(one.group_usd(group) for one in bills for group in groups)

    return {
        "energy_charge_usd": of("energy", "export"),
        "demand_charge_usd": of("demand"),
        "fixed_charge_usd": of("fixed"),
        "billed_demand_mw": max(one.demand_w for one in bills) / MW,
    }


def _carbon_keys(found: SiteFindings, reasons: dict[str, str]) -> dict[str, Any]:
    spec = found.study.scenario.economics
    if spec.grid_carbon is None and found.grid_energy_j > 0.0:
        reasons |= dict.fromkeys(OF_CARBON, "economics.grid_carbon is not given")
        return {}
    intensity = 0.0 if spec.grid_carbon is None else grid_intensity(spec.grid_carbon).value
    job = found if isinstance(found, Findings) else None
    tokens = 0.0 if job is None else job.tokens_per_s * job.timeline.goodput * job.horizon_s
    fuel_kg = math.fsum(run.burned.co2_kg for run in generation(found))
    emitted = carbon(found.grid_energy_j, found.meter_energy_j, fuel_kg, tokens, intensity)
    if emitted.g_per_million_tokens is None:
        reasons["co2_g_per_million_tokens"] = "no token was trained"
    if emitted.kg_per_mwh is None:
        reasons["co2_kg_per_mwh"] = "no energy was drawn"
    return {
        "co2_grid_t": emitted.grid_kg / TONNE_KG,
        "co2_total_t": emitted.total_kg / TONNE_KG,
        "co2_kg_per_mwh": emitted.kg_per_mwh,
        "co2_g_per_million_tokens": emitted.g_per_million_tokens,
    }
