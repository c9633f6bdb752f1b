"""Damping that acts inside the accelerators beside their smoothing profile: fills of gaps, shaped levels, limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.power.dummy import GapFiller, gap_filler
from clustersim.power.gap_kernels import FILL
from clustersim.power.spec import CompilerShaping, PowerCap

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DeviceDamping:
    """Damping that acts in the device; zeros, a cap of 1 and no filler mean none."""

    fill_share: float = 0.0
    """Level to which dummy compute fills gaps, share of the rated power."""
    detection_s: float = 0.0
    cap_share: float = 1.0
    """Power limit, share of the rated power."""
    filler: GapFiller | None = None
    """What fills gaps other than to one level (`fill_share`)."""
    shaping_share: float = 0.0
    """Share by which the swing between the levels of a running job is smaller."""

    @property
    def gap_filler(self) -> GapFiller | None:
        """What fills gaps, to one level or otherwise."""
        if self.filler is None and self.fill_share > 0.0:
            return GapFiller(FILL, ((np.inf, self.fill_share),), delay_s=self.detection_s)
        return self.filler


def device_damping(strategies: tuple[object, ...]) -> DeviceDamping:
    """Return what the strategies do inside the device, with the catalog's defaults filled in.

    Raises
    ------
    InputError
        If more than one strategy fills gaps, or one can never do what it is for.
    """
    defaults = catalog.entry("device_power", "damping")
    fill = detection = shaping = 0.0
    filler = gap_filler(strategies)
    if filler is not None and filler.kind == FILL:
        fill, detection, filler = filler.top, filler.delay_s, None
    for strategy in strategies:
        if isinstance(strategy, CompilerShaping):
            shaping = defaults.si("compiler.swing") if strategy.swing is None else strategy.swing
    return DeviceDamping(fill, detection, power_cap(strategies), filler, shaping)


def power_cap(strategies: tuple[object, ...]) -> float:
    """Return the lowest power limit of the strategies as a share of the rated power; 1 without any."""
    return min((strategy.limit for strategy in strategies if isinstance(strategy, PowerCap)), default=1.0)
