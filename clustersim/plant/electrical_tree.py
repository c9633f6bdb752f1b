"""The electrical tree of a site under a load: firm capacity, what limits it, losses, voltages, fault levels."""

from __future__ import annotations

from dataclasses import dataclass

import scipy

from clustersim.catalog import entry
from clustersim.errors import InputError
from clustersim.plant.dispatch import generator_rating_w, steady_generation_w
from clustersim.plant.fault_level import FaultLevel, source_fault, source_voltage, stage_faults, stage_voltages
from clustersim.plant.losses import power_factor, reactive_power
from clustersim.plant.spec import SitePlantSpec
from clustersim.plant.spec_parts.supply import FeedsSpec, spare_units
from clustersim.plant.spec_parts.weather_file import WeatherRecord
from clustersim.plant.stages import Stage, StageFlow, stage_flows
from clustersim.plant.transformer_thermal import ThermalClass, steady_hot_spot, thermal_class
from clustersim.plant.weather import design_dry_bulb_c


@dataclass(frozen=True)
class Level:
    """One stage of the tree under the load."""

    stage: Stage
    through: float
    """Through the stage at its outlet. [VA] for transformers and busways, else [W]"""
    loss_w: float
    loss_var: float
    limit_w: float
    """Power of the site's equipment at which the firm capacity of the stage is reached. [W]"""
    voltage_pu: float
    """At the outlet, taps at their middle; NaN without an operating point. [pu]"""
    fault: FaultLevel
    hot_spot_c: float | None
    """Steady, all units in service; None for what is no oil-immersed transformer. [degC]"""
    hot_spot_firm_c: float | None
    """Steady, with the spare units lost. [degC]"""

    @property
    def loading(self) -> float:
        """Of all units. [-]"""
        return self.through / self.stage.rating

    @property
    def firm_loading(self) -> float:
        """Of what remains with the spare units lost. [-]"""
        return self.through / self.stage.firm


@dataclass(frozen=True)
class ElectricalTree:
    """A site's tree under one load of its equipment, from the meter down."""

    spec: SitePlantSpec
    load_w: float
    """Of the equipment: computers, network and cooling. [W]"""
    reactive_var: float
    meter_w: float
    meter_var: float
    voltage_pu: float
    """At the meter, with the on-site generators as they run beside the grid; NaN without an operating point. [pu]"""
    fault: FaultLevel
    """At the meter."""
    supply_w: float
    """Grid, as far as its feeds are firm, and all on-site generators. [W]"""
    supply_limit_w: float
    """Power of the equipment at which that is reached. [W]"""
    levels: tuple[Level, ...]

    @property
    def losses_w(self) -> float:
        """Of all stages. [W]"""
        return sum(level.loss_w for level in self.levels)

    @property
    def limit_w(self) -> float:
        """Largest power of the equipment that nothing in the tree forbids. [W]"""
        return min([self.supply_limit_w, *(level.limit_w for level in self.levels)])

    @property
    def limited_by(self) -> str:
        """Name of the first stage that limits the site: `supply`, or that of a conversion stage."""
        least, name = self.supply_limit_w, "supply"
        for level in self.levels:
            if level.limit_w < least:
                least, name = level.limit_w, level.stage.name
        return name


def feeds_of(spec: SitePlantSpec) -> FeedsSpec | None:
    """Return the feeds of a site: one of the whole capacity where the file names none; None without a grid."""
    if spec.grid is None:
        return None
    return spec.grid.feeds or FeedsSpec.model_construct(count=1, capacity=spec.grid.capacity)


def firm_feeds_w(feeds: FeedsSpec) -> float:
    """Return the capacity of the feeds with the spare ones lost. [W]"""
    return feeds.capacity * (feeds.count - spare_units(feeds.redundancy, feeds.count))


def supply_capacity_w(spec: SitePlantSpec) -> float:
    """Return what can be supplied: the agreed import, as far as the feeds are firm, and all generators. [W]"""
    feeds = feeds_of(spec)
    grid = 0.0 if spec.grid is None or feeds is None else min(spec.grid.capacity, firm_feeds_w(feeds))
    return grid + (generator_rating_w(*spec.generators) if spec.generators else 0.0)


def thermal_of(stage: Stage) -> ThermalClass | None:
    """Return the thermal figures of a stage; None for what is no oil-immersed transformer.

    Raises
    ------
    InputError
        If the stage loses nothing without load: its losses then have no ratio.
    """
    if stage.thermal_class is None:
        return None
    if stage.no_load <= 0.0:
        raise InputError(
            f"catalog facility {stage.name}: loss.no_load: expected above 0 % for a transformer whose hot spot is "
            f"looked at, found {100.0 * stage.no_load:g} %; or give it the property thermal_class: none"
        )
    return thermal_class(stage.thermal_class, stage.load_loss / stage.no_load)


def ambient_c(spec: SitePlantSpec) -> float:
    """Return the mean air around a site's transformers, for their ageing: the file's, else the catalog's. [degC]"""
    return entry("switchgear", "transformer_limits").si("ambient") if spec.ambient is None else spec.ambient


def hottest_air_c(spec: SitePlantSpec, weather: str | WeatherRecord | None) -> float:
    """Return the air in which a site's transformers must stay below their limits. [degC]

    That of the file; else the design dry bulb of the site's weather; else the catalog's.
    """
    if spec.ambient is None and weather is not None:
        return design_dry_bulb_c(weather)
    return ambient_c(spec)


def electrical_tree(
    spec: SitePlantSpec,
    load_w: float,
    reactive_var: float | None = None,
    weather: str | WeatherRecord | None = None,
) -> ElectricalTree:
    """Return the tree of a site under a load of its equipment.

    Parameters
    ----------
    spec : SitePlantSpec
        Electrical plant of the site.
    load_w : float
        Computers, network and cooling. [W]
    reactive_var : float, optional
        Their reactive power; that of power supplies when absent. [var]
    weather : str or WeatherRecord, optional
        Of the site: the hot spots are those of its design day where the file gives no `ambient`.

    Raises
    ------
    CatalogError
        If a name is not in the catalog.
    """
    tangent = float(reactive_power(1.0, power_factor("psu")))
    if reactive_var is not None and load_w > 0.0:
        tangent = reactive_var / load_w
    flows = stage_flows(spec, load_w, tangent * load_w)
    meter_w = load_w + sum(float(flow.loss_w) for flow in flows)
    meter_var = tangent * load_w + sum(float(flow.loss_var) for flow in flows)
    import_w = meter_w - steady_generation_w(spec, meter_w, "island" if spec.grid is None else "grid_parallel")
    volts = source_voltage(spec, import_w, meter_var)
    outlets = stage_voltages(flows, volts)
    faults = stage_faults(spec, [flow.stage for flow in flows])
    supply = supply_capacity_w(spec)
    air = hottest_air_c(spec, weather)
    return ElectricalTree(
        spec=spec,
        load_w=load_w,
        reactive_var=tangent * load_w,
        meter_w=meter_w,
        meter_var=meter_var,
        voltage_pu=volts,
        fault=source_fault(spec),
        supply_w=supply,
        supply_limit_w=_limit_w(spec, tangent, None, supply),
        levels=tuple(
            _level(spec, tangent, index, flow, outlets[index], faults[index], air) for index, flow in enumerate(flows)
        ),
    )


def _level(
    spec: SitePlantSpec, tangent: float, index: int, flow: StageFlow, voltage_pu: float, fault: FaultLevel, air: float
) -> Level:
    stage, thermal = flow.stage, thermal_of(flow.stage)
    current = float(flow.through)
    return Level(
        stage=stage,
        through=current,
        loss_w=float(flow.loss_w),
        loss_var=float(flow.loss_var),
        limit_w=_limit_w(spec, tangent, index, stage.firm),
        voltage_pu=voltage_pu,
        fault=fault,
        hot_spot_c=None if thermal is None else steady_hot_spot(thermal, current / stage.rating, air),
        hot_spot_firm_c=None if thermal is None else steady_hot_spot(thermal, current / stage.firm, air),
    )


def _limit_w(spec: SitePlantSpec, tangent: float, index: int | None, capacity: float) -> float:
    """Return the equipment's power at which a stage, or the meter without an index, carries `capacity`. [W]"""

    def beyond(load_w: float) -> float:
        flows = stage_flows(spec, load_w, tangent * load_w)
        if index is not None:
            return float(flows[index].through) - capacity
        return load_w + sum(float(flow.loss_w) for flow in flows) - capacity

    if beyond(0.0) >= 0.0:
        return 0.0
    share = 1.0 if index is None else spec.conversion[index].share
    # what leaves a stage is at least its share of the equipment's power
    return float(scipy.optimize.brentq(beyond, 0.0, 1.001 * capacity / share, xtol=1.0, rtol=1e-9))
