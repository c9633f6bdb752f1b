"""Input records of power: servers and damping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self, Union

from pydantic import Field, field_validator, model_validator

from clustersim.power.spec_parts import MeasuredLoad as MeasuredLoad
from clustersim.power.spec_parts import MeterStrategy as MeterStrategy
from clustersim.power.spec_parts import OutsideStrategy as OutsideStrategy
from clustersim.power.spec_parts import Strategy as Strategy
from clustersim.power.spec_parts import require_each_once as require_each_once
from clustersim.power.strategies.load_bank import LoadBank as LoadBank
from clustersim.spec import Spec, classes_in
from clustersim.units import Energy, Frequency, Power, Ramp, Ratio, Time


class ServerSpec(Spec):
    """What surrounds the accelerators of one site."""

    cooling: Literal["liquid", "air"]
    """Decides the share of the server fans (catalog `device_power`, entry `servers`)."""
    accelerators_per_server: int = Field(ge=1)
    """Accelerators of one server."""
    servers_per_rack: int = Field(ge=1)
    """Servers of one rack."""
    nic_extra: Power = Field(default=0.0, ge=0)
    """Power per accelerator of NICs beyond the node's usual ones. [W]"""
    supplies: Literal["shared", "standby"] = "shared"
    """Whether redundant power supplies share the load, or sleep until one fails."""


class DummyCompute(Strategy):
    """Dummy compute fills gaps: while a rank waits or exchanges, kernels burn power up to a level."""

    kind: Literal["dummy_compute"]
    floor: Ratio = Field(gt=0, le=1)
    """Level to which the gap is filled, as a share of the accelerator's rated power."""
    detection: Time | None = Field(default=None, ge=0)
    """Time from the start of a gap until the fill starts; the catalog's when absent. [s]"""


class GpuSmoothing(Strategy):
    """Power-smoothing profile of the device: a floor while a job runs, ramps at its start and end."""

    kind: Literal["gpu_smoothing"]
    floor: Ratio = Field(gt=0, le=1)
    """Power floor as a share of the rated power (vendor: percent TMP floor)."""
    ramp: Ratio | None = Field(default=None, gt=0)
    """Share of the rated power per second, up at the start of a job and down at its end; the catalog's when absent."""
    hysteresis: Time | None = Field(default=None, ge=0)
    """Time for which the floor is held after the load has gone; the catalog's when absent. [s]"""


class PowerCap(Strategy):
    """Power limit of every accelerator: it lowers clocks, and kernels that would draw more take longer."""

    kind: Literal["power_cap"]
    limit: Ratio = Field(gt=0, le=1)
    """Share of the accelerator's rated power."""


class SiteBattery(OutsideStrategy):
    """The site battery (section `electrical` of the topology) makes the meter follow a low-pass of the load."""

    kind: Literal["site_battery"]
    time_constant: Time = Field(gt=0)
    """Of the low-pass that the meter follows. [s]"""
    power: Power | None = Field(default=None, gt=0)
    """Share of the battery's power used for smoothing; all of it when absent. [W]"""
    target: Ratio | None = Field(default=None, ge=0, le=1)
    """State of charge to which the controller returns; that at the start of a window when absent."""
    lowest: Ratio | None = Field(default=None, ge=0, le=1)
    """Smoothing takes the charge no lower; the catalog's (`device_power`, entry `damping`) when absent."""
    highest: Ratio | None = Field(default=None, ge=0, le=1)
    """Smoothing takes the charge no higher; the catalog's when absent."""
    recharge: Time | None = Field(default=None, gt=0)
    """Time constant of the return to the target; the catalog's when absent. [s]"""


class SmoothingProfileSpec(Strategy):
    """Profile of the device with the fields of NVML's power smoothing, named as there."""

    kind: Literal["gpu_smoothing_profile"]
    percent_tmp_floor: Ratio = Field(gt=0, le=1)
    """``PERCENT_TMP_FLOOR``: floor as a share of the device's power."""
    ramp_up_rate: Ramp | None = Field(default=None, gt=0)
    """``RAMP_UP_RATE`` of one device; the catalog's share of its power when absent. [W/s]"""
    ramp_down_rate: Ramp | None = Field(default=None, gt=0)
    """``RAMP_DOWN_RATE`` of one device; the catalog's share of its power when absent. [W/s]"""
    ramp_down_hysteresis: Time | None = Field(default=None, ge=0)
    """``RAMP_DOWN_HYSTERESIS``; the catalog's when absent. [s]"""
    secondary_power_floor: Power = Field(default=0.0, ge=0)
    """``SECONDARY_POWER_FLOOR`` of one device: the floor never falls below it. [W]"""
    ceiling: Ratio | None = Field(default=None, gt=0)
    """Highest power as a share of the device's (the EDP limit, no field of the profile); the catalog's when absent."""
    release: Time | None = Field(default=None, ge=0)
    """When the end of the job is known; until then a floor once reached is held. Hysteresis alone when absent. [s]"""


class PsuStorage(OutsideStrategy):
    """Capacitors in the power supplies: the input of a server follows a quick low-pass of its load."""

    kind: Literal["psu_storage"]
    energy_per_accelerator: Energy | None = Field(default=None, gt=0)
    """The catalog's when absent (`batteries`, entry `psu_capacitor`). [J]"""
    time_constant: Time | None = Field(default=None, gt=0)
    """Of the low-pass that the input follows; the catalog's when absent. [s]"""


class RackStorage(OutsideStrategy):
    """Batteries or capacitors in the racks: the input of a rack follows a low-pass of its load."""

    kind: Literal["rack_storage"]
    energy_per_accelerator: Energy = Field(gt=0)
    """Usable energy. [J]"""
    power_per_accelerator: Power = Field(gt=0)
    """Most that it gives or takes at the rack's input. [W]"""
    time_constant: Time = Field(gt=0)
    """Of the low-pass that the input follows. [s]"""
    type: str = "lithium_capacitor_shelf"
    """Entry of the catalog kind `batteries` that gives the efficiency."""
    state_of_charge: Ratio = Field(default=0.5, ge=0, le=1)
    """At the start, and to which the controller returns, share of the usable energy."""
    recharge: Time | None = Field(default=None, gt=0)
    """Time constant of that return; the catalog's (entry `damping` of kind `device_power`) when absent. [s]"""


class HybridStorage(OutsideStrategy):
    """Supercapacitor and battery at one place, the load's departures split between them by frequency.

    Sizes are of one site or, at the rack, of one rack.
    """

    kind: Literal["hybrid_storage"]
    at: Literal["rack", "site"] = "site"
    """Where it stands: at the input of every rack, or at the meter of every site."""
    split: Frequency = Field(gt=0)
    """Above it the capacitor acts, below it the battery. [Hz]"""
    capacitor_energy: Energy = Field(gt=0)
    """Usable energy of the capacitor. [J]"""
    capacitor_power: Power = Field(gt=0)
    """Most that the capacitor gives or takes. [W]"""
    battery_energy: Energy = Field(gt=0)
    """Usable energy of the battery. [J]"""
    battery_power: Power = Field(gt=0)
    """Most that the battery gives or takes. [W]"""
    time_constant: Time = Field(gt=0)
    """Of the low-pass that the battery makes of what the capacitor leaves. [s]"""


class PhaseStagger(OutsideStrategy):
    """Independent replicas, halls or sites, each group shifted by an equal part of a period against the one before."""

    kind: Literal["phase_stagger"]
    groups: int = Field(ge=1)
    """Number of groups; one shifts nothing."""
    period: Time | None = Field(default=None, gt=0)
    """Of the iteration; in a scenario its mean iteration time when absent. [s]"""
    by: Literal["hall", "site"] = "hall"
    """What a group is made of in a scenario; groups are runs of halls or sites, in order."""
    independent: bool = False
    """Whether the groups train separate jobs, or one job with local steps, so that none waits for another's step."""


class GradualStart(OutsideStrategy):
    """Power may not pass a ceiling that rises from a level at a rate, from a time on."""

    kind: Literal["gradual_start"]
    start: Time = Field(default=0.0, ge=0)
    """Begin of the rise; in a scenario after the job's start. [s]"""
    initial: Power = Field(ge=0)
    """Height of the ceiling at the start; in a scenario of the IT power of one `at`. [W]"""
    rate: Ramp = Field(gt=0)
    """Rate at which the ceiling rises. [W/s]"""
    limit: Power | None = Field(default=None, gt=0)
    """Height at which the rise ends, and which holds from then on; the ceiling goes when absent. [W]"""
    at: Literal["hall", "site"] = "site"
    """What `initial`, `rate` and `limit` are of; a site's are shared out over its halls by their accelerators."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.limit is not None and self.limit < self.initial:
            raise ValueError(f"limit: expected at least initial = {self.initial:g} W, found {self.limit:g} W")
        return self


class MoreOverlap(Strategy):
    """Software that hides more of the exchange between replicas beside compute."""

    kind: Literal["more_overlap"]
    share: Ratio = Field(gt=0, le=1)
    """Of the part of the exchange that could not run beside compute before."""


class SmallerExchange(Strategy):
    """Gradients that travel in fewer bytes; whether the model still learns as well is the user's matter."""

    kind: Literal["smaller_exchange"]
    factor: Ratio = Field(gt=0, le=1)
    """Bytes of a gradient in the reduction over those that the plan says: 0.5 for fp8 in place of bf16."""


class PytorchDamper(Strategy):
    """PyTorch's power damper: a thread that runs a falling staircase of dummy kernels at low priority."""

    kind: Literal["pytorch_damper"]
    configuration: str = "100 80 50 2"
    """As in ``PYTORCH_POWER_DAMPER_CONFIG``: tdp_pct_start, tdp_pct_end, damper_ms, damper_steps."""
    repeat: bool = True
    """Whether one staircase follows the other while a gap lasts, as the thread does; else one for each gap."""

    @field_validator("configuration")
    @classmethod
    def _four_numbers(cls, text: str) -> str:
        damper_configuration(text)
        return text


class SecondaryWorkload(Strategy):
    """A second process fills the device when counters say that the job does not, and stops to read them again."""

    kind: Literal["secondary_workload"]
    level: Ratio = Field(gt=0, le=1)
    """Power that it reaches, as a share of the accelerator's rated power."""
    detection: Time | None = Field(default=None, ge=0)
    """One reading of the counters, before it starts; the catalog's when absent. [s]"""
    period: Time | None = Field(default=None, gt=0)
    """From one back-off to the next; the catalog's when absent. [s]"""
    back_off: Ratio | None = Field(default=None, ge=0, le=1)
    """Share of the period in which it stands still; the catalog's when absent."""
    contention: Ratio | None = Field(default=None, ge=0, lt=1)
    """Share by which the job's compute is slower while both run; the catalog's when absent."""


class MicroBatchInterleave(Strategy):
    """Two jobs share the accelerators: each computes micro-batches in the gaps of the other."""

    kind: Literal["micro_batch_interleave"]
    switch: Time | None = Field(default=None, ge=0)
    """From one job's kernels to the other's; the catalog's when absent. [s]"""
    ready: Ratio | None = Field(default=None, ge=0, le=1)
    """Share of a gap for which the other job has compute to run; the catalog's when absent."""


class CompilerShaping(Strategy):
    """The compiler puts work where a program draws little, so that power swings less (Google, TPU)."""

    kind: Literal["compiler_shaping"]
    swing: Ratio | None = Field(default=None, ge=0, le=1)
    """Share by which the swing between levels falls; the catalog's when absent."""


def damper_configuration(text: str) -> tuple[float, float, float, int]:
    """Return tdp_pct_start, tdp_pct_end [%], damper_ms [ms] and damper_steps of a damper's configuration.

    Raises
    ------
    ValueError
        If the text is not four numbers within their ranges.
    """
    names = ("tdp_pct_start", "tdp_pct_end", "damper_ms", "damper_steps")
    parts = text.split()
    if len(parts) != len(names) or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"expected four whole numbers '{' '.join(names)}', as in '100 80 50 2', found {text!r}")
    start, end, milliseconds, steps = (int(part) for part in parts)
    if not 1 <= start <= 100:
        raise ValueError(f"tdp_pct_start: expected 1 to 100 %, found {start} in {text!r}")
    if end > start:
        raise ValueError(f"tdp_pct_end: expected at most tdp_pct_start ({start} %), found {end} in {text!r}")
    if milliseconds < 1 or steps < 1:
        raise ValueError(
            f"damper_ms and damper_steps: expected at least 1, found {milliseconds} and {steps} in {text!r}"
        )
    return float(start), float(end), float(milliseconds), steps


_SHIPPED = (
    DummyCompute, GpuSmoothing, SmoothingProfileSpec, PowerCap, PsuStorage, RackStorage, SiteBattery, HybridStorage,
    PhaseStagger, GradualStart, MoreOverlap, SmallerExchange, PytorchDamper, SecondaryWorkload, MicroBatchInterleave,
    CompilerShaping,
)  # fmt: skip

if TYPE_CHECKING:
    DampingStrategy = Strategy
else:
    _ALL = (*_SHIPPED, *classes_in("clustersim.power.strategies", MeterStrategy))
    DampingStrategy = Annotated[Union[_ALL], Field(discriminator="kind")]  # noqa: UP007 (made of a tuple)
"""What a scenario can ask for: those above, and each in a module of `clustersim.power.strategies`. The other records of
this module are for the functions of this room."""
