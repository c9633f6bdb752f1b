"""How fast a job still trains when its site may draw only part of its power."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clustersim.power.damped import Floats
from clustersim.power.device import DevicePower
from clustersim.power.device_damping import power_cap
from clustersim.study.horizon import steady_load_w
from clustersim.study.it_power import Pool
from clustersim.study.site.power import SitePower, site_it_w
from clustersim.study.step import LIMITED, StepStudy
from clustersim.workload.capping import speed_under_cap

DRAWN_AS = {"matrix": "matrix", "memory": "memory", "exchange": "exchange", "data_exchange": "exchange"}
"""Level at which a part of the step draws power; all other parts wait."""
LIMITS = 41
"""Power limits on the curve."""


@dataclass(frozen=True)
class CappedSpeed:
    """Speed of the job over the load of its sites, under a limit that all accelerators keep alike."""

    study: StepStudy
    pool: Pool
    steady: SitePower

    @cached_property
    def curve(self) -> tuple[Floats, Floats]:
        """Power of the accelerators and speed, both over those without a limit, rising with the limit."""
        devices = self.study.place.power
        names = self.study.place.kinds
        counts = self.study.fleet.class_members[self.study.fleet.unit_class].sum(axis=0)
        breakdown = self.pool.traces[0].breakdown
        total = sum(breakdown.values())
        power, speed = [], []
        lowest = max(device.level("exchange") / device.rated_w for device in devices)
        highest = max(power_cap(self.study.scenario.damping), lowest)
        for limit in np.linspace(lowest, highest, LIMITS):
            stretched = [
                _stretched(breakdown, name, device, limit, highest) for name, device in zip(names, devices, strict=True)
            ]
            # the slowest kind holds all others, who wait for it
            seconds = max(sum(parts.values()) for parts in stretched)
            drawn = 0.0
            for device, parts, count in zip(devices, stretched, counts, strict=True):
                joules = sum(
                    t * min(device.level(DRAWN_AS.get(part, "wait")), limit * device.rated_w)
                    for part, t in parts.items()
                )
                joules += (seconds - sum(parts.values())) * device.level("wait")
                drawn += float(count) * joules / seconds
            power.append(drawn)
            speed.append(total / seconds)
        return np.maximum.accumulate(np.array(power) / power[-1]), np.maximum.accumulate(np.array(speed) / speed[-1])

    def load_w(self, site: str) -> Floats:
        """Return the load of a site along the curve. [W]"""
        halls = self.steady.hall.watts.mean(axis=1)
        power = [site_it_w(self.study, halls * share)[site] for share in self.curve[0]]
        return np.array([steady_load_w(self.study, site, watts) for watts in power])

    def it_w(self, site: str) -> Floats:
        """Return the IT power of a site along the curve. [W]"""
        halls = self.steady.hall.watts.mean(axis=1)
        return np.array([site_it_w(self.study, halls * share)[site] for share in self.curve[0]])

    def at_load(self, site: str, load_w: float) -> float | None:
        """Return the speed at which a site draws at most `load_w`; None where the job cannot go down so far. [-]

        Along the measured curve of speed under a power limit (catalog kind `power_capping`): the parts of a step that
        compute take longer, the others do not. The limit is the same for all accelerators, as a synchronous job waits
        for its slowest.
        """
        return self._at(self.load_w(site), load_w)

    def at_it(self, site: str, it_w: float) -> float | None:
        """Return the same for its IT power. [-]"""
        return self._at(self.it_w(site), it_w)

    def _at(self, along: Floats, wanted: float) -> float | None:
        if wanted >= along[-1]:
            return 1.0
        return None if wanted < along[0] else float(np.interp(wanted, along, self.curve[1]))


def _stretched(
    breakdown: dict[str, float], name: str, device: DevicePower, limit: float, usual: float
) -> dict[str, float]:
    """Return the parts of a step under a limit, from those under the usual one. [s]

    What computes takes longer; the bubble of the pipeline with it, as it is made of the same operations.
    """
    parts = dict(breakdown)
    for part in LIMITED:
        drawn = device.level(part)
        before, after = (speed_under_cap(name, share * device.rated_w, drawn) for share in (usual, limit))
        parts[part] *= before / after
    computed = sum(breakdown[part] for part in LIMITED)
    if computed > 0.0:
        parts["bubble"] *= sum(parts[part] for part in LIMITED) / computed
    return parts
