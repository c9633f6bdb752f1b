"""The electrical trees of a place as text and as data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from clustersim.plant.electrical_tree import ElectricalTree, Level, feeds_of
from clustersim.plant.fault_level import FaultLevel
from clustersim.plant.stages import Stage
from clustersim.report.words import columns, counted, number, percent, wrapped

POWER_HEAD = ("stage", "units", "redundancy", "firm", "carries", "of firm", "loss", "limits at")
OUTLET_HEAD = ("outlet of", "nominal", "under load", "short circuit", "", "hot spot", "without spare")
READING = (
    "firm: without the spare units; carries: at its outlet; limits at: power of the site's equipment that takes all "
    "of the firm capacity; under load: taps at their middle; short circuit: three-phase; hot spot: of the windings "
    "when the load lasts, with all units and without the spare ones; %: share of the load where it is not all."
)


def rating_text(value: float, stage: Stage) -> str:
    """Return a rating with the unit of its kind: MVA of transformers and busways, else MW; kVA and kW below one."""
    unit = "VA" if stage.by_current else "W"
    return f"{number(value / 1e6)} M{unit}" if value >= 1e6 else f"{number(value / 1e3)} k{unit}"


def volts_text(volts: float) -> str:
    """Return a voltage in V or kV."""
    return f"{volts / 1e3:g} kV" if volts >= 1e3 else f"{volts:g} V"


def pu_text(voltage_pu: float) -> str:
    """Return a voltage in per unit, or that there is no operating point."""
    return "no operating point" if math.isnan(voltage_pu) else f"{voltage_pu:.3f} pu"


def supply_words(tree: ElectricalTree) -> list[str]:
    """Return what supplies a site, a phrase each: feeds, connection, generators, battery."""
    spec, feeds = tree.spec, feeds_of(tree.spec)
    found = []
    if feeds is not None and spec.grid is not None:
        lines = f"{counted(feeds.count, 'feed')} of {number(feeds.capacity / 1e6)} MW, {feeds.redundancy}"
        found.append(f"{lines}, {volts_text(spec.grid.voltage)}; import up to {number(spec.grid.capacity / 1e6)} MW")
    found += [f"{units.count} x {units.type}" for units in spec.generators]
    if spec.battery is not None:
        found.append(f"{spec.battery.count} x {spec.battery.type}")
    return found


def power_rows(tree: ElectricalTree) -> list[tuple[str, ...]]:
    """Return a row per stage from the supply down, under :data:`POWER_HEAD`."""
    used = percent(tree.meter_w / tree.supply_w) if tree.supply_w else "-"
    megawatts = [f"{number(watts / 1e6)} MW" for watts in (tree.supply_w, tree.meter_w, tree.supply_limit_w)]
    rows: list[tuple[str, ...]] = [("supply", "-", "-", megawatts[0], megawatts[1], used, "-", megawatts[2])]
    for level in tree.levels:
        stage, spec = level.stage, level.stage.spec
        share = "" if spec.share == 1.0 else f", {percent(spec.share)}"
        rows.append(
            (
                f"{stage.name}{share}",
                f"{number(spec.count)} x {rating_text(stage.unit, stage)}",
                spec.redundancy if spec.block is None else f"{spec.redundancy} of {spec.block}",
                rating_text(stage.firm, stage),
                rating_text(level.through, stage),
                percent(level.firm_loading),
                f"{number(level.loss_w / 1e6)} MW",
                f"{number(level.limit_w / 1e6)} MW",
            )
        )
    return rows


def outlet_rows(tree: ElectricalTree) -> list[tuple[str, ...]]:
    """Return a row per stage from the supply down, under :data:`OUTLET_HEAD`."""
    grid = tree.spec.grid
    nominal = volts_text(grid.voltage) if grid else "island"
    rows: list[tuple[str, ...]] = [("supply", nominal, pu_text(tree.voltage_pu), *_fault(tree.fault), "-", "-")]
    for level in tree.levels:
        hot = [f"{c:.0f} degC" for c in (level.hot_spot_c, level.hot_spot_firm_c) if c is not None] or ["-", "-"]
        stage = level.stage
        rows.append((stage.name, volts_text(stage.outlet_v), pu_text(level.voltage_pu), *_fault(level.fault), *hot))
    return rows


def _fault(fault: FaultLevel) -> tuple[str, str]:
    return f"{number(fault.power_va / 1e6)} MVA", f"{number(fault.current_a / 1e3)} kA"


def limit_words(tree: ElectricalTree) -> str:
    """Return which stage limits a site, and whether the load is beyond it."""
    said = f"{tree.limited_by} limits the site to {number(tree.limit_w / 1e6)} MW of equipment"
    return f"{said}, less than this load" if tree.load_w > tree.limit_w * (1.0 + 1e-9) else said


def trees_text(trees: Mapping[str, ElectricalTree]) -> str:
    """Return the electrical trees of a place as text; sites that are alike once."""
    lines = []
    for names, tree in alike(trees):
        load = f"{number(tree.load_w / 1e6)} MW of computers at their nameplates and cooling"
        lines += [f"electrical tree of {names}: {load}"]
        lines += [wrapped("; ".join(supply_words(tree)), rest="    ")]
        lines += [columns(POWER_HEAD, power_rows(tree), left=3), columns(OUTLET_HEAD, outlet_rows(tree))]
        lines += [wrapped(f"{limit_words(tree)}; the tree loses {number(tree.losses_w / 1e6)} MW"), ""]
    return "\n".join([*lines, wrapped(READING)]) if lines else ""


def alike(trees: Mapping[str, ElectricalTree]) -> list[tuple[str, ElectricalTree]]:
    """Return the trees that differ, each with the names of its sites."""
    found: list[tuple[list[str], ElectricalTree]] = []
    for site, tree in trees.items():
        same = next((names for names, other in found if other == tree), None)
        if same is None:
            found.append(([site], tree))
        else:
            same.append(site)
    return [(", ".join(names), tree) for names, tree in found]


def _finite(value: float) -> float | None:
    return None if math.isnan(value) else value


def trees_data(trees: Mapping[str, ElectricalTree]) -> dict[str, Any]:
    """Return the electrical trees of a place as plain data for JSON, by site."""
    return {
        site: {
            "equipment_mw": tree.load_w / 1e6,
            "meter_mw": tree.meter_w / 1e6,
            "meter_mvar": tree.meter_var / 1e6,
            "losses_mw": tree.losses_w / 1e6,
            "supply_mw": tree.supply_w / 1e6,
            "voltage_pu": _finite(tree.voltage_pu),
            "fault_mva": tree.fault.power_va / 1e6,
            "fault_ka": tree.fault.current_a / 1e3,
            "limited_by": tree.limited_by,
            "limit_mw": tree.limit_w / 1e6,
            "stages": [_level_data(level) for level in tree.levels],
        }
        for site, tree in trees.items()
    }


def _level_data(level: Level) -> dict[str, Any]:
    stage = level.stage
    unit = "mva" if stage.by_current else "mw"
    return {
        "stage": stage.name,
        "count": stage.spec.count,
        "redundancy": stage.spec.redundancy,
        f"unit_{unit}": stage.unit / 1e6,
        f"rating_{unit}": stage.rating / 1e6,
        f"firm_{unit}": stage.firm / 1e6,
        f"one_out_{unit}": stage.one_out / 1e6,
        f"carries_{unit}": level.through / 1e6,
        "loss_mw": level.loss_w / 1e6,
        "loss_mvar": level.loss_var / 1e6,
        "limit_mw": level.limit_w / 1e6,
        "outlet_v": stage.outlet_v,
        "voltage_pu": _finite(level.voltage_pu),
        "fault_mva": level.fault.power_va / 1e6,
        "fault_ka": level.fault.current_a / 1e3,
        "hot_spot_c": level.hot_spot_c,
        "hot_spot_firm_c": level.hot_spot_firm_c,
    }
