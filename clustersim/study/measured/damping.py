"""A measured trace behind damping: a file of records, made into one chain and applied where each element acts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.plant import battery_energy_j, battery_rating_w
from clustersim.plant.spec import BatterySpec
from clustersim.power.chain import ChainResult, DampingChain
from clustersim.power.damped import LEVELS, Damped, Element, Floats, Level, Report, Shape, Store
from clustersim.power.device import load_device_power
from clustersim.power.shaping import gradual_start, load_bank, phase_stagger
from clustersim.power.smoothing import energy_overhead, profile_of
from clustersim.power.spec import (
    GradualStart,
    HybridStorage,
    LoadBank,
    PhaseStagger,
    PsuStorage,
    RackStorage,
    ServerSpec,
    SiteBattery,
    SmoothingProfileSpec,
    require_each_once,
)
from clustersim.power.storage import asked_storage
from clustersim.power.stores import SiteBatteryElement, hybrid_storage, psu_storage, rack_storage
from clustersim.power.trace import PowerTrace
from clustersim.scenario.files import read_records
from clustersim.units import Energy, Ratio


class OwnSiteBattery(SiteBattery):
    """A site battery that the file describes itself; what it leaves out is the battery of the place."""

    type: str | None = None
    """Entry of the catalog kind `batteries`: response and efficiency."""
    energy: Energy | None = Field(default=None, gt=0)
    state_of_charge: Ratio = Field(default=0.5, ge=0, le=1)


TraceStrategy = Annotated[
    SmoothingProfileSpec
    | PsuStorage
    | RackStorage
    | HybridStorage
    | OwnSiteBattery
    | LoadBank
    | PhaseStagger
    | GradualStart,
    Field(discriminator="kind"),
]
_STRATEGIES: TypeAdapter[tuple[TraceStrategy, ...]] = TypeAdapter(tuple[TraceStrategy, ...])


@dataclass(frozen=True)
class Devices:
    """The accelerators behind one trace, as far as damping needs them."""

    count: float | None = None
    """How many stand behind the trace before it is scaled."""
    accelerator: str | None = None
    """Name in the catalog: gives `tmp_w` and `idle_w` where they are not given."""
    tmp_w: float | None = None
    """Power of one of which a smoothing floor is a percentage. [W]"""
    idle_w: float | None = None
    """Power of an idle one. [W]"""
    rest_w: float = 0.0
    """Part of the trace per accelerator that is not the accelerator's and does not change. [W]"""

    def __post_init__(self) -> None:
        """Check the figures.

        Raises
        ------
        InputError
            If one is negative, or there are no accelerators.
        """
        if self.count is not None and not self.count > 0:
            raise InputError(f"accelerators: expected at least one, got {self.count:g}")
        for name in ("tmp_w", "idle_w", "rest_w"):
            value = getattr(self, name)
            if value is not None and value < 0.0:
                raise InputError(f"{name.removesuffix('_w')}: expected 0 W or more, got {value:g} W")

    def counted(self, kind: str) -> float:
        """Return the number of accelerators, which an element of `kind` needs.

        Raises
        ------
        InputError
            If it is not known.
        """
        if self.count is None:
            raise InputError(f"damping: {kind} needs the number of accelerators behind the trace (accelerators)")
        return float(self.count)

    def levels_w(self, lowest_w: float | None) -> tuple[float, float]:
        """Return power limit and idle power of one accelerator; `lowest_w` stands for the idle power of all of them.

        Raises
        ------
        InputError
            If one of them is neither given nor in the catalog.
        """
        tmp, idle = self.tmp_w, self.idle_w
        if self.accelerator is not None:
            servers = ServerSpec(cooling="liquid", accelerators_per_server=1, servers_per_rack=1)
            device = load_device_power(self.accelerator, servers)
            tmp = device.rated_w if tmp is None else tmp
            idle = device.idle_w if idle is None else idle
        if tmp is None:
            raise InputError(
                "damping: gpu_smoothing_profile needs the power of one accelerator (tmp), or its name in the catalog"
            )
        if idle is None and lowest_w is not None:
            idle = max(0.0, lowest_w / self.counted("gpu_smoothing_profile") - self.rest_w)
        if idle is None:
            raise InputError(
                "damping: gpu_smoothing_profile needs the idle power of one accelerator (idle), or its catalog name"
            )
        return tmp, idle


@dataclass(frozen=True)
class TraceDamping:
    """What damps a trace: records of elements, and what they must know about the load."""

    strategies: tuple[TraceStrategy, ...]
    devices: Devices = Devices()
    battery: BatterySpec | None = None
    """The site's battery, of the place."""
    lowest_w: float | None = None
    """Power of the trace with all accelerators idle, before it is scaled; of a min-max trace its zero. [W]"""


@dataclass(frozen=True)
class _BesidesRest:
    """An element that sees the power of the accelerators alone, without the rest of the trace."""

    inner: Element
    rest_w: float

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def level(self) -> Level:
        return self.inner.level

    def apply(self, power_w: Floats, dt_s: float) -> Damped:
        lowest = float(power_w.min())
        if lowest < self.rest_w:
            raise InputError(
                f"damping: rest: expected at most the lowest power of the trace, {lowest:g} W, got {self.rest_w:g} W"
            )
        found = self.inner.apply(power_w - self.rest_w, dt_s)
        rest_j = self.rest_w * power_w.size * dt_s
        came, went = found.report.energy_in_j + rest_j, found.report.energy_out_j + rest_j
        return Damped(found.power_w + self.rest_w, replace(found.report, energy_in_j=came, energy_out_j=went))


def read_damping(path: Path) -> tuple[TraceStrategy, ...]:
    """Return the damping records in a YAML file: a list, or the list under a key `damping`.

    Raises
    ------
    InputError
        If the file cannot be read, holds none, a record is not valid (the message names its place and key), or a kind
        is there twice.
    """
    rows = read_records(path, "damping")
    try:
        found = _STRATEGIES.validate_python(rows)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            place, *keys = [part for part in problem["loc"] if not str(part).startswith("function-")]
            row = rows[int(place)]
            kind = row.get("kind") if isinstance(row, dict) else None
            where = ".".join(str(key) for key in keys if key != kind)
            lines.append(
                f"{path}: {place}{'.' if where else ''}{where}: {problem['msg'].removeprefix('Value error, ')}"
            )
        raise InputError("\n".join(dict.fromkeys(lines))) from None
    if not found:
        raise InputError(f"{path}: expected at least one damping record, found none")
    try:
        require_each_once([strategy.kind for strategy in found])
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
    return found


def elements(damping: TraceDamping, trace: PowerTrace) -> tuple[Element, ...]:
    """Return the elements in the order in which power passes them: rank, node, rack, site; else that of the file.

    Raises
    ------
    InputError
        If an element needs something of the load or the place that is not known.
    """
    made = [_element(strategy, damping, trace) for strategy in damping.strategies]
    return tuple(sorted(made, key=lambda element: LEVELS.index(element.level)))


def _element(strategy: TraceStrategy, damping: TraceDamping, trace: PowerTrace) -> Element:
    devices = damping.devices
    part = getattr(strategy, "at", "site")
    if part != "site":
        raise InputError(f"damping: {strategy.kind}: expected sizes of the whole load (at: site), found at: {part}")
    if isinstance(strategy, SmoothingProfileSpec):
        count = devices.counted(strategy.kind)
        tmp, idle = devices.levels_w(damping.lowest_w)
        release = None if strategy.release is None else strategy.release - trace.t0_s
        try:
            profile = profile_of(strategy.model_copy(update={"release": release}), tmp, idle, count)
        except ValueError as error:
            raise InputError(f"damping: {strategy.kind}: {error}") from None
        return _BesidesRest(profile, devices.rest_w * count) if devices.rest_w else profile
    if isinstance(strategy, PsuStorage):
        return psu_storage(strategy, devices.counted(strategy.kind))
    if isinstance(strategy, RackStorage):
        return rack_storage(strategy, devices.counted(strategy.kind))
    if isinstance(strategy, HybridStorage):
        return hybrid_storage(strategy)
    if isinstance(strategy, OwnSiteBattery):
        return _battery(strategy, damping.battery)
    if isinstance(strategy, LoadBank):
        return load_bank(strategy)
    if isinstance(strategy, PhaseStagger):
        return phase_stagger(strategy)
    return gradual_start(strategy.model_copy(update={"start": strategy.start - trace.t0_s}))


def _battery(strategy: OwnSiteBattery, placed: BatterySpec | None) -> SiteBatteryElement:
    kind, energy, power, charge = strategy.type, strategy.energy, strategy.power, strategy.state_of_charge
    if placed is not None and energy is None:
        rating = battery_rating_w(placed)
        kind, energy, charge = placed.type, battery_energy_j(placed), placed.state_of_charge
        power = rating if power is None else min(power, rating)
    if kind is None or energy is None or power is None:
        raise InputError(
            "damping: site_battery needs type, power and energy in the damping file, or a site that has a battery"
        )
    return SiteBatteryElement(asked_storage(strategy, kind, power, energy, charge, f"damping: {strategy.kind}"))


def below_site(found: Sequence[Element]) -> tuple[Element, ...]:
    """Return the elements at ranks, nodes and racks."""
    return tuple(element for element in found if element.level != "site")


def at_site(found: Sequence[Element]) -> tuple[Element, ...]:
    """Return the elements at the site."""
    return tuple(element for element in found if element.level == "site")


def damped_trace(trace: PowerTrace, chain: Sequence[Element]) -> tuple[PowerTrace, ChainResult]:
    """Return the trace behind elements, and their accounts; reactive power keeps its ratio to active power."""
    result = DampingChain(tuple(chain)).apply(trace.watts, trace.dt_s)
    reactive = None
    if trace.vars is not None:
        reactive = trace.vars * np.divide(
            result.power_w, trace.watts, out=np.ones_like(trace.watts), where=trace.watts > 0
        )
    return replace(trace, watts=result.power_w, vars=reactive), result


def times(report: Report, units: float, gain: float) -> Report:
    """Return the account of `units` like elements: energies times the units, swings times the gain of their sum."""
    before, after = (
        Shape(s.peak_to_peak_w * gain, s.ramp_up_w_per_s * gain, s.ramp_down_w_per_s * gain)
        for s in (report.before, report.after)
    )
    stores = tuple(
        Store(
            s.name,
            s.capacity_j * units,
            s.initial_j * units,
            s.stored_j * units,
            s.charged_j * units,
            s.discharged_j * units,
            s.loss_j * units,
        )
        for s in report.stores
    )
    return replace(
        report,
        energy_in_j=report.energy_in_j * units,
        energy_out_j=report.energy_out_j * units,
        burned_j=report.burned_j * units,
        loss_j=report.loss_j * units,
        stored_change_j=report.stored_change_j * units,
        cut_j=report.cut_j * units,
        missed_j=report.missed_j * units,
        before=before,
        after=after,
        stores=stores,
    )


def idle_shares_of_nodes() -> tuple[float, float]:
    """Return the lowest and the highest idle power over peak that nodes show (catalog `traces`, `idle_share`). [-]"""
    nodes = [
        figure for name, figure in catalog.entry("traces", "idle_share").figures.items() if name.startswith("node.")
    ]
    return min(figure.low for figure in nodes), max(figure.high for figure in nodes)


def overhead_by_ratio(
    before_w: Floats, after_w: Floats, base_w: float, zero_w: float, ratios: Sequence[float]
) -> dict[float, float]:
    """Return the energy overhead of damping on a min-max trace, were its idle power another share of its peak.

    Both waveforms stay what they are between the lowest reading (0, `zero_w`) and the highest (1, `base_w`): floors
    and rates keep their places on that scale. See :func:`clustersim.power.smoothing.energy_overhead`.
    """
    plain, damped = ((power - zero_w) / (base_w - zero_w) for power in (before_w, after_w))
    return {ratio: energy_overhead(plain, damped, ratio) for ratio in ratios}
