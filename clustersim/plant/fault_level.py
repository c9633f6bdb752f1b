"""Voltage and short-circuit power at every level of the electrical tree, in per unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from clustersim.catalog import entry
from clustersim.plant.dispatch import battery_rating_w
from clustersim.plant.losses import power_factor
from clustersim.plant.spec import GeneratorSpec, SitePlantSpec
from clustersim.plant.stages import MAIN_SHARE, Stage, StageFlow
from clustersim.plant.voltage import condenser_va, grid_source, site_voltage, voltage_behind


@dataclass(frozen=True)
class FaultLevel:
    """Initial symmetrical three-phase short circuit at 1 pu before the fault."""

    power_va: float
    current_a: float


def source_voltage(spec: SitePlantSpec, import_w: float, import_var: float) -> float:
    """Return the voltage at the meter under an import: behind the grid's impedance, or 1 pu in an island. [pu]

    NaN where the connection has no operating point.
    """
    if spec.grid is None:
        return 1.0
    found, feasible = site_voltage(spec, import_w, import_var)
    return float(found) if bool(feasible) else math.nan


def stage_voltages(flows: Sequence[StageFlow], source_pu: float) -> tuple[float, ...]:
    """Return the voltage at the outlet of every stage, from the meter down; taps at their middle. [pu]

    A UPS in double conversion holds 1 pu. What hangs on a stage of less than half of the load hangs beside the way to
    the racks and does not pass its voltage on.
    """
    found, inlet = [], source_pu
    for flow in flows:
        stage, base = flow.stage, flow.stage.rating
        load = float(flow.out_w) / base, float(flow.out_var) / base
        outlet, feasible = voltage_behind(inlet, *load, stage.resistance, stage.reactance)
        volts = math.nan if not feasible else 1.0 if stage.regulates else float(outlet)
        found.append(volts)
        inlet = volts if stage.spec.share >= MAIN_SHARE else inlet
    return tuple(found)


def source_fault(spec: SitePlantSpec) -> FaultLevel:
    """Return the short circuit at the meter: grid, generators, condensers, and the battery's limited current.

    The battery counts with its current limit, added as it is; the others as voltages behind impedances.
    """
    admittance = _admittance(spec)
    inverters = 0.0
    if spec.battery is not None:
        inverters = entry("facility", "inverter").si("fault_current") * battery_rating_w(spec.battery)
    power = abs(admittance) + inverters
    volts = spec.grid.voltage if spec.grid else entry("facility", "synchronous_generator").si("voltage")
    return FaultLevel(power, power / (math.sqrt(3.0) * volts))


def stage_faults(spec: SitePlantSpec, stages: Sequence[Stage]) -> tuple[FaultLevel, ...]:
    r"""Return the short circuit at the outlet of every stage, from the meter down.

    .. math:: S_k = 1 / |Z_{source} + \sum_s (r_s + j x_s) / (n_s S_{unit,s})|, \quad I_k = S_k / (\sqrt 3 U)

    with :math:`n_s` units on one bus (`parallel`); where a file gives only the rating of all units together, the unit
    is the catalog's usual one. A UPS passes the fault current through its static bypass; inverters
    do not count below the first stage.
    """
    way = 1.0 / _admittance(spec)
    found = []
    for stage in stages:
        here = way + complex(stage.resistance, stage.reactance) / (stage.spec.parallel * stage.fault_unit)
        power = 1.0 / abs(here)
        found.append(FaultLevel(power, power / (math.sqrt(3.0) * stage.outlet_v)))
        way = here if stage.spec.share >= MAIN_SHARE else way
    return tuple(found)


def breaker_faults(spec: SitePlantSpec, stages: Sequence[Stage]) -> tuple[FaultLevel, ...]:
    """Return the short circuit that the breaker of every stage must break, from the meter down.

    A transformer's breaker stands at its outlet, that of anything else at its inlet, where more current flows.
    """
    found, inlet = [], source_fault(spec)
    for stage, outlet in zip(stages, stage_faults(spec, stages), strict=True):
        found.append(outlet if stage.kind == "transformer" else inlet)
        inlet = outlet if stage.spec.share >= MAIN_SHARE else inlet
    return tuple(found)


def step_up(spec: SitePlantSpec, units: GeneratorSpec) -> float:
    """Return the reactance of the transformers between a group of generators and the meter, on the units' rating. [-]

    The file's; else the catalog's where the meter's voltage is above that of generators, and none where it is not.
    """
    if units.step_up is not None:
        return units.step_up
    machine = entry("facility", "synchronous_generator")
    behind = spec.grid is not None and spec.grid.voltage > machine.figure("voltage").high * (1.0 + 1e-9)
    return machine.si("reactance.step_up") if behind else 0.0


def _admittance(spec: SitePlantSpec) -> complex:
    """Return the sum of the sources' admittances at the meter. [VA] at 1 pu"""
    total = 0j
    if spec.grid is not None:
        source = grid_source(spec.grid)
        total += source.base_va / complex(source.resistance_pu, source.reactance_pu)
    machine = entry("facility", "synchronous_generator")
    for units in spec.generators:
        factor = power_factor("synchronous_generator") if units.power_factor is None else units.power_factor
        rating = units.count * entry("generators", units.type).si("rating") / factor
        total += rating / complex(0.0, machine.si("reactance.subtransient") + step_up(spec, units))
    # behind their sub-transient reactance, as the generators
    return total - 1j * condenser_va(spec, "subtransient")
