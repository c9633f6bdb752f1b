"""What is judged, and the judgement."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clustersim.errors import InputError, nearest
from clustersim.limits.spec import MEASURES
from clustersim.plant.records import PlantResponse
from clustersim.power.spectrum import BandShares

VERDICT_COLUMNS = (
    "rule", "node", "measured", "limit", "unit", "margin", "passed", "window", "source", "reason",
    "status", "formula",
)  # fmt: skip


@dataclass(frozen=True)
class Trace:
    """Power at the meter of a site in one window, simulated or measured."""

    site: str
    window: str
    dt_s: float
    power_w: NDArray[np.float64]
    """Active power. [W], shape (samples,)"""
    voltage_pu: NDArray[np.float64] | None = None
    """rms voltage at the point of interconnection, same clock, when known. [pu]"""
    steady: bool = True
    """Whether the record stands for lasting operation; a window around an event does not."""
    before_w: float | None = None
    """Power before a window around an event; its first sample stands for it when absent. [W]"""
    settled_w: float | None = None
    """Power at which it settles after such a window; its last sample stands for it when absent. [W]"""
    sensor_s: float = 0.0
    """Time over which the sensor averages; 0 when it is as fast as the samples. [s]"""
    shares: Mapping[tuple[float, float], BandShares] = field(default_factory=dict)
    """Spectral shares (Hann) that are known already, by band [Hz]; others are measured."""


@dataclass(frozen=True)
class Rating:
    """A piece of equipment, the most that it carries and the most that it may carry."""

    name: str
    """Kind of rating: ``grid_capacity``, ``generator``, ``battery_power``, ``cooling``, ``provisioned_it``, ..."""
    node: str
    """Which one: a site, or a node of its electrical tree."""
    loading_w: float
    rating_w: float
    """Both in the SI base of `unit`: watts unless it says otherwise."""
    source: str = ""
    unit: str = "MW"
    """In which both are told: MW, MVA, kA, degC or x (a ratio)."""


@dataclass(frozen=True)
class Observation:
    """What a model outside this room found and a rule judges: a mode, a shaft, a dip, a reconnection."""

    measure: str
    """A name of :data:`clustersim.limits.spec.Measure`, such as ``modal_deviation`` or ``ride_through``."""
    site: str
    window: str
    """Window, event or curve in which it was found."""
    value: float
    """In SI, in the dimension of the measure (:data:`clustersim.limits.spec.MEASURES`)."""
    detail: str = ""
    """Which mode, machine or dip."""
    rule: str = ""
    """Id of the one rule that it belongs to, as what was found on the corners of that rule's curve; empty: any."""

    def __post_init__(self) -> None:
        if self.measure not in MEASURES or not MEASURES[self.measure].observed:
            known = [name for name, kind in MEASURES.items() if kind.observed]
            raise InputError(
                f"observation of {self.site}: expected one of {', '.join(known)}, "
                f"found {self.measure!r}{nearest(self.measure, known)}"
            )
        if not math.isfinite(self.value):
            raise InputError(f"observation {self.measure} of {self.site}: expected a number, found {self.value}")


@dataclass(frozen=True)
class Evidence:
    """Everything that rules may look at; what is missing leaves a rule not judged."""

    traces: tuple[Trace, ...] = ()
    responses: tuple[PlantResponse, ...] = ()
    ratings: tuple[Rating, ...] = ()
    observations: tuple[Observation, ...] = ()
    short_circuit_va: Mapping[str, float] = field(default_factory=dict)
    """Short-circuit power at the point of interconnection, by site. [VA]"""

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites in order of appearance."""
        names = [
            *(item.site for item in self.traces),
            *(item.site for item in self.responses),
            *(item.site for item in self.observations),
        ]
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True)
class Verdict:
    """What the rules say; one row per rule and site or piece of equipment."""

    table: pd.DataFrame
    """Columns :data:`VERDICT_COLUMNS`. ``measured`` and ``limit`` are in ``unit``; ``margin`` is relative to the limit
    and positive when the rule is kept; ``passed`` is True, False, or None when the rule was not judged."""

    @property
    def failed(self) -> tuple[str, ...]:
        """Ids of the rules that at least one site or piece of equipment breaks."""
        broken = [
            rule for rule, passed in zip(self.table["rule"], self.table["passed"], strict=True) if passed is False
        ]
        return tuple(dict.fromkeys(broken))

    @property
    def not_judged(self) -> tuple[str, ...]:
        """Ids of the rules that could not be judged for some site."""
        missing = [
            rule for rule, passed in zip(self.table["rule"], self.table["passed"], strict=True) if passed is None
        ]
        return tuple(dict.fromkeys(missing))

    @property
    def rules_failed(self) -> int:
        """Number of rules that are broken."""
        return len(self.failed)
