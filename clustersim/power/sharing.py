"""What damping that shares the device costs the job, and what a second job gains from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.power.dummy import GapFiller, default_of, secondary_times
from clustersim.power.spec import (
    CompilerShaping,
    DummyCompute,
    MicroBatchInterleave,
    PytorchDamper,
    SecondaryWorkload,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DeviceSharing:
    """What damping kernels that share the device cost the job; zeros mean none."""

    compute: float = 0.0
    """Share by which compute inside operations takes longer. [-]"""
    exchange: float = 0.0
    """Share by which exchange inside operations takes longer. [-]"""
    gap_exchange: float = 0.0
    """Share by which exchange between operations (hand-overs, reductions, gathers) takes longer. [-]"""
    release_s: float = 0.0
    """By which work after a gap is late, since what filled the gap still runs. [s]"""
    noticed_s: float = 0.0
    """Gaps of this length or less are not filled, and work after them is not late. [s]"""

    def __add__(self, other: DeviceSharing) -> DeviceSharing:
        """Return what two strategies cost together: their kernels run in each other's absence."""
        return DeviceSharing(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))


def device_sharing(strategies: tuple[object, ...]) -> DeviceSharing:
    """Return what the strategies' kernels cost the job that they share the device with.

    - Dummy compute and the damper run beside everything: all operations take the catalog's share longer.
    - The damper, a secondary workload and another job run beside the exchange of a gap, and take a share of the
      compute units and the memory from it.
    - Work after a gap starts beside what still fills it. The damper's kernel ends half its length later on average. A
      secondary workload cannot tell its own activity from the job's and goes on until its next back-off: a job that
      comes back at a random time meets it with the share ``1 - b`` of its period p, for ``(1 - b) p / 2`` on average,
      and is slower by the share c meanwhile: ``c (1 - b)^2 p / 2`` late.
    - Another job is stopped in time (planned), and a compiler makes the whole program slower.
    """
    defaults = catalog.entry("device_power", "damping")
    total = DeviceSharing()
    for strategy in strategies:
        if isinstance(strategy, DummyCompute):
            slower = defaults.si("dummy.slowdown")
            total += DeviceSharing(slower, slower)
        elif isinstance(strategy, PytorchDamper):
            slower = defaults.si("dummy.slowdown")
            late = defaults.si("secondary.compute") * defaults.si("damper.kernel") / 2.0
            total += DeviceSharing(slower, slower, defaults.si("secondary.exchange"), late)
        elif isinstance(strategy, SecondaryWorkload):
            detection, period, back_off = secondary_times(strategy, defaults)
            running = 1.0 - back_off
            late = default_of(strategy.contention, defaults, "secondary.compute") * running**2 * period / 2.0
            exchange = running * defaults.si("secondary.exchange")
            total += DeviceSharing(0.0, 0.0, exchange, late, detection if running else 0.0)
        elif isinstance(strategy, MicroBatchInterleave):
            total += DeviceSharing(gap_exchange=defaults.si("secondary.exchange"))
        elif isinstance(strategy, CompilerShaping):
            slower = defaults.si("compiler.slowdown")
            total += DeviceSharing(slower, slower)
    return total


@dataclass(frozen=True)
class InterleaveGain:
    """What a second job gets done in the gaps of the first."""

    filled_share: float
    """Of the time in gaps. [-]"""
    compute_share: float
    """Of the whole time, in which the second job computes. [-]"""
    tokens_per_s: float
    """Tokens of the second job. [1/s]"""


def interleave_gain(gap_s: Floats, step_s: float, filler: GapFiller, tokens_per_compute_s: float) -> InterleaveGain:
    """Return what the second job of a micro-batch interleave gains.

    A gap g holds ``share max(g - delay - lead, 0)`` seconds of the second job's compute; switching to it and back costs
    delay and lead. Work that does not end within a gap goes on in the next one, so that no part of a micro-batch is
    lost.

    Parameters
    ----------
    gap_s : ndarray
        Gaps of one step of the first job. [s]
    step_s : float
        The step, its gaps included. [s]
    filler : GapFiller
        Of the strategy (:func:`clustersim.power.dummy.gap_filler`).
    tokens_per_compute_s : float
        Tokens of the second job per second in which it computes. [1/s]

    Raises
    ------
    InputError
        If the gaps are negative or longer than the step.
    """
    total = float(np.sum(gap_s))
    if np.any(np.asarray(gap_s) < 0.0) or not step_s > 0.0 or total > step_s * (1.0 + 1e-9):
        raise InputError(
            f"gap_s: expected gaps >= 0 that sum to at most step_s = {step_s:g} s, found a sum of {total:g} s"
        )
    filled = float(filler.share * np.maximum(np.asarray(gap_s) - filler.delay_s - filler.lead_s, 0.0).sum())
    compute = filled / step_s
    return InterleaveGain(filled / total if total else 0.0, compute, compute * tokens_per_compute_s)
