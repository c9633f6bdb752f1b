"""What is judged, and the judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clustersim.plant.records import PlantResponse
from clustersim.power.spectrum import BandShares

VERDICT_COLUMNS = (
    "rule", "node", "measured", "limit", "unit", "margin", "passed", "window", "source", "reason",
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
    source: str = ""


@dataclass(frozen=True)
class Evidence:
    """Everything that rules may look at; what is missing leaves a rule not judged."""

    traces: tuple[Trace, ...] = ()
    responses: tuple[PlantResponse, ...] = ()
    ratings: tuple[Rating, ...] = ()

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites in order of appearance."""
        return tuple(dict.fromkeys([*(t.site for t in self.traces), *(r.site for r in self.responses)]))


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
