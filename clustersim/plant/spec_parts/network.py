"""A network of buses, branches, loads and synchronous machines: the input of the multi-machine model."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from clustersim.errors import nearest
from clustersim.spec import Spec
from clustersim.units import ApparentPower, Frequency, Power, Ratio, Time, Voltage

Text = str
ReactivePower = ApparentPower
"""Reactive power in units of apparent power; negative when capacitive."""
MachineModel = Literal["round_rotor", "classical"]
LoadModel = Literal["constant_power", "constant_impedance"]


NETWORKS = Path(__file__).resolve().parents[2] / "catalog" / "networks"
"""Folder of the networks that ship with the package."""


def shipped_networks() -> tuple[str, ...]:
    """Return the names of the networks that ship with the package."""
    return tuple(sorted(path.stem for path in NETWORKS.glob("*.yaml")))


class BranchSpec(Spec):
    """A line or transformer between two buses, as a pi section on the network's power base."""

    ends: tuple[Text, Text]
    """Names of its two buses."""
    resistance: float = Field(default=0.0, ge=0)
    """In series, of one circuit. [pu of the network's base]"""
    reactance: float = Field(gt=0)
    """In series, of one circuit. [pu of the network's base]"""
    charging: float = Field(default=0.0, ge=0)
    """Line-charging susceptance of the whole section, of one circuit. [pu of the network's base]"""
    count: PositiveInt = 1
    """Equal circuits in parallel."""


class NetworkLoadSpec(Spec):
    """A load at a bus."""

    bus: Text
    """Name of the bus at which it draws."""
    active: Power
    """Active power at the operating point. [W]"""
    reactive: ReactivePower = 0.0
    """Positive when the load absorbs it. [var]"""
    model: LoadModel = "constant_power"
    """How it answers voltage once the power flow is solved; what a study adds to it is constant power."""


class ExciterSpec(Spec):
    """Voltage regulator and exciter; SEXS and EXDC2 as the PSS/E library defines them, without saturation."""

    model: Literal["SEXS", "EXDC2"]
    """Which of the two models it is."""
    gain: float = Field(gt=0)
    """K (SEXS) or KA (EXDC2). [pu field voltage per pu voltage]"""
    lead: Time = Field(ge=0)
    """TA (SEXS: TA/TB x TB) or TC of the lead-lag. [s]"""
    lag: Time = Field(gt=0)
    """TB of the lead-lag. [s]"""
    regulator: Time = Field(gt=0)
    """TE (SEXS) or TA (EXDC2): lag behind the gain. [s]"""
    most: float
    """Upper limit of the regulator: EMAX or VRMAX. [pu]"""
    least: float
    """Lower limit: EMIN or VRMIN. [pu]"""
    sensing: Time | None = Field(default=None, gt=0)
    """TR of EXDC2. [s]"""
    exciter: Time | None = Field(default=None, gt=0)
    """TE of EXDC2. [s]"""
    self_excitation: float = 1.0
    """KE of EXDC2. [pu]"""
    feedback_gain: float | None = Field(default=None, ge=0)
    """KF of EXDC2. [pu s]"""
    feedback: Time | None = Field(default=None, gt=0)
    """TF of EXDC2. [s]"""

    @model_validator(mode="after")
    def _complete(self) -> ExciterSpec:
        if self.least >= self.most:
            raise ValueError(f"expected least < most, got {self.least:g} and {self.most:g}")
        if self.model == "EXDC2":
            for key in ("sensing", "exciter", "feedback_gain", "feedback"):
                if getattr(self, key) is None:
                    raise ValueError(f"an EXDC2 needs `{key}`")
        return self


class NetworkGovernorSpec(Spec):
    """Turbine governor on the machine's rating: TGOV1 or GAST as the PSS/E library defines them."""

    model: Literal["TGOV1", "GAST"]
    """Which of the two models it is."""
    droop: Ratio = Field(gt=0)
    """Permanent droop R. [-]"""
    t1: Time = Field(gt=0)
    """Valve. [s]"""
    t2: Time = Field(ge=0)
    """TGOV1: lead; GAST: fuel. [s]"""
    t3: Time = Field(gt=0)
    """TGOV1: lag; GAST: exhaust temperature. [s]"""
    most: float = 1.0
    """VMAX. [pu]"""
    least: float = 0.0
    """VMIN. [pu]"""
    damping: float = Field(default=0.0, ge=0)
    """Dt, torque per speed deviation. [pu]"""
    deadband: float = Field(default=0.0, ge=0)
    """Relative speed deviation without answer, taken off beyond it (TGOV1). [-]"""
    temperature_limit: float = 1.0
    """AT of GAST. [pu]"""
    temperature_gain: float = 0.0
    """KT of GAST. [-]"""

    @model_validator(mode="after")
    def _ordered(self) -> NetworkGovernorSpec:
        if self.least >= self.most:
            raise ValueError(f"expected least < most, got {self.least:g} and {self.most:g}")
        if self.model == "GAST" and self.t2 == 0.0:
            raise ValueError("t2 of GAST is the lag of its fuel system: expected more than 0 s")
        return self


class NetworkMachineSpec(Spec):
    """A synchronous machine; reactances and time constants on its own rating.

    `round_rotor` is GENROU without saturation: two rotor circuits on each axis, equal subtransient reactances.
    `classical` is a constant voltage behind the transient reactance `xd1`.
    """

    bus: Text
    """Name of the bus that it feeds; one machine or battery at each."""
    rating: ApparentPower = Field(gt=0)
    """Rated apparent power, base of its per-unit figures. [VA]"""
    inertia: Time = Field(gt=0)
    """Inertia constant H: stored energy over rating. [s]"""
    damping: float = Field(default=0.0, ge=0)
    """Torque per speed deviation, D. [pu]"""
    model: MachineModel = "round_rotor"
    """Which of the two models it is; a classical machine needs `xd1` alone of the figures below."""
    active: Power | None = None
    """Dispatch; absent for the slack machine. [W]"""
    voltage: Ratio = Field(gt=0)
    """Voltage that it holds at its bus. [pu]"""
    slack: bool = False
    """Whether it balances the power flow; one machine of a network does."""
    resistance: float = Field(default=0.0, ge=0)
    """Of the armature. [pu]"""
    xl: float | None = Field(default=None, ge=0)
    """Leakage reactance of the stator. [pu]"""
    xd: float | None = Field(default=None, gt=0)
    """Synchronous reactance of the direct axis. [pu]"""
    xq: float | None = Field(default=None, gt=0)
    """Synchronous reactance of the quadrature axis. [pu]"""
    xd1: float = Field(gt=0)
    """Transient reactance of the direct axis. [pu]"""
    xq1: float | None = Field(default=None, gt=0)
    """Transient reactance of the quadrature axis. [pu]"""
    x2: float | None = Field(default=None, gt=0)
    """Subtransient reactance of both axes. [pu]"""
    td10: Time | None = Field(default=None, gt=0)
    """Open-circuit transient time constant of the direct axis. [s]"""
    tq10: Time | None = Field(default=None, gt=0)
    """Open-circuit transient time constant of the quadrature axis. [s]"""
    td20: Time | None = Field(default=None, gt=0)
    """Open-circuit subtransient time constant of the direct axis. [s]"""
    tq20: Time | None = Field(default=None, gt=0)
    """Open-circuit subtransient time constant of the quadrature axis. [s]"""
    exciter: ExciterSpec | None = None
    """Without one the field voltage is constant."""
    governor: NetworkGovernorSpec | None = None
    """Without one the mechanical torque is constant."""

    @model_validator(mode="after")
    def _complete(self) -> NetworkMachineSpec:
        if self.slack == (self.active is not None):
            raise ValueError("give `active` for a dispatched machine, and none for the slack machine")
        if self.model == "classical":
            if self.exciter is not None:
                raise ValueError("a classical machine has no field winding: it takes no `exciter`")
            return self
        for key in ("xl", "xd", "xq", "xq1", "x2", "td10", "tq10", "td20", "tq20"):
            if getattr(self, key) is None:
                raise ValueError(f"a round-rotor machine needs `{key}`")
        xl, x2, xd, xq, xq1 = (float(getattr(self, key)) for key in ("xl", "x2", "xd", "xq", "xq1"))
        if not xl < x2 <= self.xd1 < xd:
            raise ValueError(f"expected xl < x2 <= xd1 < xd, got {xl:g}, {x2:g}, {self.xd1:g}, {xd:g}")
        if not x2 <= xq1 < xq:
            raise ValueError(f"expected x2 <= xq1 < xq, got {x2:g}, {xq1:g}, {xq:g}")
        return self


class BatteryPlantSpec(Spec):
    """A battery plant behind its converter: plant controller REPC_A, electrical control REEC_B, converter REGC_A.

    It answers frequency by droop and, where it watches a line, what that line carries beyond the operating point.
    """

    bus: Text
    """Name of the bus that it feeds; one machine or battery at each."""
    rating: ApparentPower = Field(gt=0)
    """Base of its per-unit figures, and the most active power that it is ordered to give or take. [VA]"""
    type: Text = "wecc_andes"
    """Name in catalog kind `battery_plants`: constants of the three models and of the frequency measurement."""
    active: Power = 0.0
    """Dispatch; negative when it charges. [W]"""
    voltage: Ratio = Field(gt=0)
    """Voltage that it holds in the power flow; from then on it keeps its reactive power. [pu]"""
    droop: Ratio = Field(gt=0)
    """Frequency deviation for full power, both per unit: 1 / Dup on the plant's rating. [-]"""
    droop_over: Ratio | None = Field(default=None, gt=0)
    """The same above nominal frequency, 1 / Ddn; absent: as below it. [-]"""
    deadband: Ratio = Field(default=0.0, ge=0)
    """Relative frequency deviation without answer, taken off beyond it. [-]"""
    line: Text | None = None
    """Bus at the other end of the line whose power the plant controller holds; absent: none."""
    charges: bool = True
    """Whether it takes power from the network; `false` discharges only."""
    current_limit: Ratio | None = Field(default=None, gt=0)
    """Apparent current, Imax, per unit of the rating; absent: that of the catalog entry. [pu]"""
    current_priority: Literal["active", "reactive"] = "reactive"
    """Which current keeps its share at the limit of apparent current."""

    @model_validator(mode="after")
    def _dispatch(self) -> BatteryPlantSpec:
        if abs(self.active) > self.rating:
            raise ValueError(f"dispatch of {self.active / 1e6:g} MW is beyond the rating of {self.rating / 1e6:g} MVA")
        if self.active < 0.0 and not self.charges:
            raise ValueError(f"dispatch of {self.active / 1e6:g} MW charges a plant with `charges: false`")
        return self


class NetworkSpec(Spec):
    """A network with its machines."""

    title: str = ""
    """What the network is, in a line."""
    source: str
    """Where the figures come from."""
    base: ApparentPower = Field(default=100e6, gt=0)
    """Power base of the branches' per-unit figures. [VA]"""
    frequency: Frequency = Field(gt=0)
    """Nominal frequency. [Hz]"""
    buses: dict[Text, Voltage]
    """Nominal voltage of every bus by its name; for orientation only, the model is in per unit. [V]"""
    branches: tuple[BranchSpec, ...]
    loads: tuple[NetworkLoadSpec, ...] = ()
    machines: dict[Text, NetworkMachineSpec]
    batteries: dict[Text, BatteryPlantSpec] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> NetworkSpec:
        named = [(f"branches.{i}.ends", end) for i, branch in enumerate(self.branches) for end in branch.ends]
        named += [(f"loads.{i}.bus", load.bus) for i, load in enumerate(self.loads)]
        named += [(f"machines.{name}.bus", machine.bus) for name, machine in self.machines.items()]
        named += [(f"batteries.{name}.bus", plant.bus) for name, plant in self.batteries.items()]
        for where, bus in named:
            if bus not in self.buses:
                raise ValueError(f"{where}: unknown bus {bus!r}{nearest(bus, self.buses)}")
        slack = [name for name, machine in self.machines.items() if machine.slack]
        if len(slack) != 1:
            found = ", ".join(slack) or "none"
            raise ValueError(f"expected one machine with `slack: true` to balance the power flow, found {found}")
        places = [machine.bus for machine in self.machines.values()]
        places += [plant.bus for plant in self.batteries.values()]
        for bus in places:
            if places.count(bus) > 1:
                raise ValueError(
                    f"bus {bus!r} holds more than one machine or battery: lump them, or give each its own bus"
                )
        for name, plant in self.batteries.items():
            others = {end for branch in self.branches if plant.bus in branch.ends for end in branch.ends} - {plant.bus}
            if plant.line is not None and plant.line not in others:
                raise ValueError(
                    f"batteries.{name}.line: expected the other end of a branch at bus {plant.bus!r} "
                    f"({', '.join(sorted(others)) or 'none'}), found {plant.line!r}{nearest(plant.line, others)}"
                )
        reached, new = {self.machines[slack[0]].bus}, True
        while new:
            new = False
            for one, other in (branch.ends for branch in self.branches):
                if (one in reached) != (other in reached):
                    reached |= {one, other}
                    new = True
        for bus in self.buses:
            if bus not in reached:
                raise ValueError(f"bus {bus!r} has no path to the slack machine at {self.machines[slack[0]].bus!r}")
        return self
