"""Power of a job that trains below full speed: with replicas missing, behind a straggler, under a cap."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clustersim.power.damped import Floats
from clustersim.study.capped_speed import CappedSpeed
from clustersim.study.it_power import Pool, state_w
from clustersim.study.paces import Pace
from clustersim.study.site.power import SitePower, site_it_w, training_it_w
from clustersim.study.step import StepStudy


@dataclass(frozen=True)
class SlowedPower:
    """IT power of the sites at any pace."""

    study: StepStudy
    pool: Pool
    steady: SitePower

    def it_w(self, pace: Pace) -> dict[str, float]:
        """Return the mean IT power of every site while the job trains at `pace`. [W]

        With P the mean power of the accelerators of a hall at full speed::

            capped  = P share(cap)                         along the measured curve of speed under a power limit
            held    = held capped + (1 - held) P_wait      all others spin while they wait for the straggler
            active  = active held + (1 - active) P_idle    servers of a missing replica hold no process

        The curve ends where the limit stops slowing down only what computes; a lower cap is the end of the curve for
        part of the time and idle for the rest. Missing replicas are taken from all halls alike: which ones are
        missing changes with every failure.
        """
        idle = self._level("stopped")
        power, speed = self._curve
        within = max(pace.cap, float(speed[0]))
        watts = self._trained * (float(np.interp(within, speed, power)) if pace.cap < 1.0 else 1.0)
        watts = idle + (watts - idle) * (pace.cap / within)
        watts = pace.held * watts + (1.0 - pace.held) * self._level("detect")
        watts = pace.active * watts + (1.0 - pace.active) * idle
        full, now = site_it_w(self.study, self._trained), site_it_w(self.study, watts)
        return {site: mean + now[site] - full[site] for site, mean in training_it_w(self.steady).items()}

    def _level(self, state: str) -> Floats:
        return state_w(self.study, state)

    @cached_property
    def _trained(self) -> Floats:
        return np.asarray(self.steady.hall.watts.mean(axis=1))

    @cached_property
    def _curve(self) -> tuple[Floats, Floats]:
        return CappedSpeed(self.study, self.pool, self.steady).curve
