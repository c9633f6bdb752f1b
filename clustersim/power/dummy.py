"""What fills the gaps of a job: dummy compute, or another job's work; and shaped programs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.catalog import Entry
from clustersim.errors import InputError
from clustersim.power.gap_kernels import (
    FILL,
    HEADER,
    INTERLEAVE,
    KIND,
    MOST_PARTS,
    NONE,
    REPEAT,
    SECONDARY,
    SHARE,
    STAIRCASE,
)
from clustersim.power.spec import (
    DummyCompute,
    MicroBatchInterleave,
    PytorchDamper,
    SecondaryWorkload,
    damper_configuration,
)
from clustersim.training.records import ACTIVITIES

Floats = NDArray[np.float64]

GAP_STRATEGIES = (DummyCompute, PytorchDamper, SecondaryWorkload, MicroBatchInterleave)
"""Strategies that fill gaps; a device runs one of them."""

PROGRAM = ACTIVITIES.index("idle")
"""Levels of a device that a program drives come before that of idling."""

FILLER_NAMES = {
    FILL: "dummy_compute",
    STAIRCASE: "pytorch_damper",
    INTERLEAVE: "micro_batch_interleave",
    SECONDARY: "secondary_workload",
}


@dataclass(frozen=True)
class GapFiller:
    """What fills a gap, for one accelerator; levels are shares of its rated power."""

    kind: int
    """One of :mod:`clustersim.power.gap_kernels`."""
    cycle: tuple[tuple[float, float], ...]
    """Seconds and level of each part. [s], [-]"""
    delay_s: float = 0.0
    """From the start of the gap. [s]"""
    lead_s: float = 0.0
    """It has stopped so long before the end of the gap. [s]"""
    share: float = 1.0
    """Of the time between that it fills, from its start on. [-]"""
    repeat: bool = True
    """Whether the cycle repeats while the gap lasts."""
    of_matrix: bool = False
    """Whether levels are shares of the device's level in matrix products instead."""

    @property
    def top(self) -> float:
        """Highest level as a share of the rated power; 0 where the device's own work is the level. [-]"""
        return 0.0 if self.of_matrix else max((level for _, level in self.cycle), default=0.0)


def gap_filler(strategies: tuple[object, ...]) -> GapFiller | None:
    """Return what fills the gaps under the strategies; None when none of them does, or when it never gets to.

    Raises
    ------
    InputError
        If more than one strategy fills gaps, or one can never do what it is for.
    """
    found = [strategy for strategy in strategies if isinstance(strategy, GAP_STRATEGIES)]
    if len(found) > 1:
        names = " and ".join(strategy.kind for strategy in found)
        raise InputError(f"damping: {names} all fill gaps; expected one of them")
    defaults = catalog.entry("device_power", "damping")
    for strategy in found:
        if isinstance(strategy, DummyCompute):
            detection = default_of(strategy.detection, defaults, "dummy.detection")
            return GapFiller(FILL, ((np.inf, strategy.floor),), delay_s=detection)
        if isinstance(strategy, PytorchDamper):
            return damper_filler(strategy)
        if isinstance(strategy, SecondaryWorkload):
            return _secondary(strategy, defaults)
        switch = default_of(strategy.switch, defaults, "interleave.switch")
        ready = default_of(strategy.ready, defaults, "interleave.ready")
        return GapFiller(INTERLEAVE, ((np.inf, 1.0),), switch, switch, ready, of_matrix=True)
    return None


def damper_filler(damper: PytorchDamper) -> GapFiller:
    """Return the staircase of PyTorch's power damper.

    With ``start end ms steps`` step k = 0 ... steps - 1 lasts ``ms / steps`` and runs on the share
    ``start - k (start - end) / steps`` of the multiprocessors, which the damper takes for that share of TDP: `end` is
    approached and not reached. A thread draws one staircase after the other for as long as it lives. Source: public
    copies of ``ATen/cuda/CUDAPowerDamper`` and of its caller in ``CUDAContext.cpp``. That a gap meets the staircase at
    its start is assumed: the thread does not wait for gaps.

    Raises
    ------
    InputError
        If there are more steps than a gap can hold.
    """
    first, last, milliseconds, steps = damper_configuration(damper.configuration)
    if steps > MOST_PARTS:
        raise InputError(
            f"damping: pytorch_damper.configuration: expected at most {MOST_PARTS} damper_steps, found {steps}"
        )
    seconds = milliseconds / 1e3 / steps
    levels = (first - k * (first - last) / steps for k in range(steps))
    return GapFiller(STAIRCASE, tuple((seconds, level / 100.0) for level in levels), repeat=damper.repeat)


def _secondary(strategy: SecondaryWorkload, defaults: Entry) -> GapFiller | None:
    """Return the bursts of a secondary workload; None when it backs off all of the time."""
    detection, period, back_off = secondary_times(strategy, defaults)
    if back_off == 1.0:
        return None
    cycle = ((period * (1.0 - back_off), strategy.level), (period * back_off, 0.0))
    return GapFiller(SECONDARY, cycle, delay_s=detection)


def secondary_times(strategy: SecondaryWorkload, defaults: Entry) -> tuple[float, float, float]:
    """Return detection, period and back-off share of a secondary workload. [s], [s], [-]"""
    detection = default_of(strategy.detection, defaults, "secondary.detection")
    period = default_of(strategy.period, defaults, "secondary.period")
    back_off = default_of(strategy.back_off, defaults, "secondary.back_off")
    if back_off * period < detection:
        raise InputError(
            f"damping: secondary_workload: expected a back-off of at least one reading of the counters "
            f"({1e3 * detection:.3g} ms), found {1e3 * back_off * period:.3g} ms ({100 * back_off:.3g} % of period "
            f"{1e3 * period:.3g} ms); otherwise it never sees that the job is back"
        )
    return detection, period, back_off


def filler_watts(filler: GapFiller | None, rated_w: Floats, members: Floats, matrix_w: Floats) -> Floats:
    """Return the filler arrays of rank groups for :func:`clustersim.power.gap_kernels.fill_gap`.

    Parameters
    ----------
    filler : GapFiller, optional
        None: nothing fills gaps.
    rated_w, matrix_w : ndarray, shape (kinds,)
        Rated power of each kind of accelerator, and what it draws in matrix products under the power limit. [W]
    members : ndarray, shape (kinds, classes)
        How many accelerators of the kind a group of the class has. [-]

    Returns
    -------
    ndarray, shape (kinds, classes, numbers)
        The last axis is what the kernel takes.
    """
    if filler is None:
        return np.full((*members.shape, 1), float(NONE))
    full = members * (matrix_w if filler.of_matrix else rated_w)[:, None]
    out = np.empty((*members.shape, HEADER + 2 * len(filler.cycle)))
    out[..., :HEADER] = (filler.kind, filler.delay_s, filler.lead_s, filler.share, filler.repeat)
    out[..., HEADER::2] = [seconds for seconds, _ in filler.cycle]
    out[..., HEADER + 1 :: 2] = np.array([level for _, level in filler.cycle]) * full[..., None]
    return out


def filled_power(fillers: Floats, low_w: Floats) -> Floats:
    """Return the mean power over an endless gap, as when a job hangs.

    Parameters
    ----------
    fillers : ndarray, shape (..., numbers)
        From :func:`filler_watts`.
    low_w : ndarray, shape (...)
        Power in the gap without a filler. [W]
    """
    low = np.array(low_w, dtype=np.float64)
    kind, repeats = fillers[..., KIND].flat[0], fillers.shape[-1] > 1 and bool(fillers[..., REPEAT].flat[0])
    if kind == NONE or not repeats:
        return low
    lifted, seconds = np.maximum(fillers[..., HEADER + 1 :: 2], low[..., None]), fillers[..., HEADER::2]
    if kind in {FILL, INTERLEAVE}:
        share = fillers[..., SHARE]
        return np.asarray(share * lifted[..., 0] + (1.0 - share) * low)
    return np.asarray((seconds * lifted).sum(axis=-1) / seconds.sum(axis=-1))


def shaped_levels(level_w: Floats, share: float) -> Floats:
    """Return levels of a running job with the swing between them smaller by `share`; shape as `level_w`. [W]

    ``P + share (max P - P)`` for matrix, memory-bound, exchange and wait, the first four of
    :data:`clustersim.training.records.ACTIVITIES`: the highest stays, the others are lifted towards it. Further levels
    are of a device that no program drives, and stay.
    """
    lifted = np.array(level_w, dtype=np.float64)
    running = lifted[..., :PROGRAM]
    running += share * (running.max(axis=-1, keepdims=True) - running)
    return lifted


def default_of(given: float | None, defaults: Entry, key: str) -> float:
    """Return what the user gave, or the catalog's figure."""
    return defaults.si(key) if given is None else given
