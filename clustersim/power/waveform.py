"""From step traces to the accelerators' power at the electrical nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.power import bin_kernels, profile_kernels, rank_kernels
from clustersim.power.device import LEVELS, DevicePower
from clustersim.power.device_damping import DeviceDamping
from clustersim.power.dummy import filled_power, filler_watts, shaped_levels
from clustersim.power.smoothing import SmoothingProfile
from clustersim.training.records import Fleet, StepTiming, StepTrace

Floats = NDArray[np.float64]
OPTIMIZER, EXCHANGE, WAIT, IDLE = 0, 1, 2, 3
"""Columns of the levels: those of a device behind its first one."""
STUCK = [OPTIMIZER, WAIT, WAIT, IDLE]
"""The columns of a step whose reduction never ends."""
RUNNING = (OPTIMIZER, EXCHANGE, WAIT, LEVELS.index("stall") - 1)
"""States in which the job runs on the accelerator: floors and fills hold."""


@dataclass(frozen=True)
class PowerTables:
    """Power of one stage of a unit, by kind of accelerator and class of unit. [W]"""

    operation_w: Floats
    """Shape (kinds, classes, kinds of operation x virtual stages)."""
    operation_raw_w: Floats
    """The same without damping."""
    level_w: Floats
    """Optimizer, exchange, wait, idle and further levels of the device; shape (kinds, classes, levels)."""
    level_raw_w: Floats
    fillers: Floats
    """What fills gaps (:mod:`clustersim.power.gap_kernels`); shape (kinds, classes, numbers)."""
    time_constant_s: float
    burst_w: Floats
    """What an operation draws more for `burst_s` after a rest of that length; shape as `operation_w`."""
    burst_s: float
    profile: Floats
    """Power-smoothing profile; shape (kinds, classes, 6), no classes without one."""
    holds: bool
    """Whether a floor once reached is held while the job runs."""

    @property
    def profiled(self) -> bool:
        """Whether the accelerators have a power-smoothing profile."""
        return bool(self.profile.size)

    @property
    def burns(self) -> bool:
        """Whether damping inside the accelerators makes them draw more, or less, than they would without."""
        plain = np.array_equal(self.operation_w, self.operation_raw_w) and np.array_equal(
            self.level_w, self.level_raw_w
        )
        return self.profiled or self.fillers.shape[-1] > 1 or not plain


def power_tables(
    timing: StepTiming,
    fleet: Fleet,
    devices: tuple[DevicePower, ...],
    damping: DeviceDamping,
    profiles: Sequence[SmoothingProfile | None] = (),
    *,
    holds: bool = True,
) -> PowerTables:
    """Return the power of a stage of a unit in every operation and state.

    Parameters
    ----------
    timing, fleet
        Durations and shares of the activities, and which units there are.
    devices : tuple of DevicePower
        By kind of accelerator.
    damping : DeviceDamping
        Power limit and fill.
    profiles : sequence of SmoothingProfile, optional
        Of one accelerator of each kind; none when empty.
    holds : bool
        Whether a floor once reached is held while the job runs, or falls after the hysteresis.

    Notes
    -----
    An operation's power is the mean over its matrix, memory-bound, exchange and waiting parts; an accelerator that is
    faster than the slowest of its unit exchanges (waits in the collective) for the rest. A burst after a rest exceeds a
    lowered limit by a part of the way to the free level (:func:`clustersim.power.device.burst_peak_w`).
    """
    classes = fleet.class_members.shape[0]
    operations = timing.operation_s[0].size
    kinds = len(devices)
    rated = np.array([device.rated_w for device in devices])
    unlimited = np.stack([device.level_w for device in devices])
    # an accelerator under a limit draws the limit for as much longer as its kernels take
    raw = np.minimum(unlimited, damping.cap_share * rated[:, None])
    shaped = shaped_levels(raw, damping.shaping_share)
    operation = np.zeros((3, kinds, classes, operations))
    for c, members in enumerate(fleet.class_members):
        longest = timing.operation_s[members > 0].max(axis=0)
        for d in np.flatnonzero(members):
            busy = timing.operation_s[d] / np.where(longest > 0, longest, 1.0)
            for into, level in zip(operation, (raw[d], shaped[d], unlimited[d]), strict=True):
                watts = busy * (timing.shares[d] @ level[:4]) + (1.0 - busy) * level[2]
                into[d, c] = members[d] * watts.ravel()
    overshoot = np.array([device.overshoot_share for device in devices])
    members = fleet.class_members.T
    profile = np.zeros((kinds, 0, 6))
    if any(p is not None for p in profiles):
        rows = np.array([profile_row(p, float(r)) for p, r in zip(profiles, rated, strict=True)])
        scaled = members[:, :, None] * rows[:, None, :]
        scaled[..., profile_kernels.HOLD] = rows[:, None, profile_kernels.HOLD]
        profile = np.ascontiguousarray(scaled)
    return PowerTables(
        operation_w=operation[1],
        operation_raw_w=operation[0],
        level_w=np.ascontiguousarray(members[:, :, None] * shaped[:, None, 1:]),
        level_raw_w=np.ascontiguousarray(members[:, :, None] * raw[:, None, 1:]),
        fillers=filler_watts(damping.gap_filler, rated, members, raw[:, 0]),
        time_constant_s=max(device.time_constant_s for device in devices),
        burst_w=overshoot[:, None, None] * (operation[2] - operation[0]),
        burst_s=max(device.excess_s for device in devices),
        profile=profile,
        holds=holds,
    )


def profile_row(profile: SmoothingProfile | None, rated_w: float) -> tuple[float, ...]:
    """Return the numbers of a profile in the order of the kernel; without one those that change nothing."""
    if profile is None:
        return (0.0, 0.0, 1e3 * rated_w, 1e9 * rated_w, 1e9 * rated_w, 0.0)
    return (
        profile.low_w,
        profile.floor_w,
        profile.ceiling_w - profile.floor_w,
        profile.ramp_up_w_per_s,
        profile.ramp_down_w_per_s,
        profile.hysteresis_s,
    )


class Binner:
    """Adds steps and state changes, in time order, to bins of fixed width.

    This is the only mutable object of the room; it lives for the making of one waveform.
    """

    def __init__(
        self,
        tables: PowerTables,
        fleet: Fleet,
        stages: int,
        nodes: int,
        bins: int,
        dt_s: float,
        share: Floats | None = None,
    ) -> None:
        """Start with all accelerators drawing nothing at time 0.

        Parameters
        ----------
        tables, fleet
            Power by class of unit, and which units there are.
        stages, nodes, bins : int
            Pipeline stages, electrical nodes and number of bins.
        dt_s : float
            Width of a bin. [s]
        share : ndarray, shape (units, stages), optional
            What part of each stage of a unit is counted; all of it when absent.
        """
        self.tables, self.fleet, self.dt_s = tables, fleet, dt_s
        units, kinds = fleet.unit_class.size, tables.level_w.shape[0]
        self.share = np.ones((units, stages)) if share is None else share
        self.bins = np.zeros((nodes, bins, bin_kernels.COLUMNS))
        self.level = np.zeros((kinds, units, stages))
        self.quiet = np.zeros((kinds, units, stages))
        groups = (kinds, units, stages) if self.tables.profiled else (kinds, 0, 0)
        self.state = np.zeros((*groups, profile_kernels.STATES))
        self.energy = np.zeros((nodes, 4))
        """Drawn, burned, cut and used by another job in the steps, by node. [J]"""
        self.origin_s = 0.0
        """Time of the first bin. [s]"""
        self.before = np.zeros((nodes, 3))
        self.everyone = np.arange(units)

    def add_step(
        self,
        trace: StepTrace,
        t0_s: float,
        *,
        dead_unit: int = -1,
        dead_s: float = 0.0,
        held_until_s: float | None = None,
        units: NDArray[np.int64] | None = None,
    ) -> None:
        """Add one step that starts at `t0_s`, of all units or of some.

        With `held_until_s` the step never gets past its reduction: the ranks that are alive exchange until then
        (seconds after `t0_s`), because `dead_unit` stopped at `dead_s` and never arrives.
        """
        tables, timing = self.tables, trace.timing
        schedule = timing.schedule
        virtual = timing.operation_s.shape[2]
        table = (schedule.kind.astype(np.int32) * virtual + schedule.virtual_stage).ravel()
        level_w, raw_w = tables.level_w, tables.level_raw_w
        if held_until_s is None:
            begin, done, over = trace.optimizer_start_s, trace.optimizer_end_s, trace.iteration_time_s
        else:
            # nothing moves in a reduction that never ends
            level_w, raw_w = (np.ascontiguousarray(one[:, :, STUCK]) for one in (level_w, raw_w))
            begin = over = held_until_s
            done = np.full(schedule.stages, held_until_s)
        for kind in range(tables.level_w.shape[0]):
            rank_kernels.bin_step(
                self.bins,
                self.dt_s,
                tables.time_constant_s,
                t0_s - self.origin_s,
                trace.start_s,
                trace.end_s,
                schedule.per_stage,
                table,
                self.fleet.unit_class,
                self.fleet.unit_node,
                self.everyone if units is None else units,
                self.share,
                tables.operation_w[kind],
                tables.operation_raw_w[kind],
                level_w[kind],
                raw_w[kind],
                tables.fillers[kind],
                tables.burst_w[kind],
                tables.burst_s,
                tables.profile[kind],
                tables.holds,
                begin,
                done,
                over,
                dead_unit,
                dead_s,
                self.level[kind],
                self.quiet[kind],
                self.state[kind],
                self.energy,
            )

    def set_state(
        self, state: int, t_s: float, *, filled: bool = False, units: NDArray[np.int64] | None = None
    ) -> None:
        """Bring all units, or some, to `state` (OPTIMIZER, EXCHANGE, WAIT, IDLE or a further level) at `t_s`.

        `filled`: a running job whose gaps are filled. The smoothing profile acts in any state.
        """
        running = state in RUNNING
        watts = self.tables.level_raw_w[:, :, state]
        if filled and running:
            watts = filled_power(self.tables.fillers, self.tables.level_w[:, :, state])
        self._set_level(watts, t_s, held=running and self.tables.holds, units=units)

    def clear(self, t_s: float) -> None:
        """Bring all accelerators to no power at `t_s`."""
        if self.tables.profiled:
            self._advance(t_s, off=True)
        else:
            self._set_level(np.zeros(self.tables.level_w.shape[:2]), t_s, held=False)

    def _set_level(self, watts: Floats, t_s: float, *, held: bool, units: NDArray[np.int64] | None = None) -> None:
        for kind, level_w in enumerate(np.ascontiguousarray(watts)):
            rank_kernels.set_level(
                self.bins,
                self.dt_s,
                self.tables.time_constant_s,
                t_s - self.origin_s,
                self.fleet.unit_class,
                self.fleet.unit_node,
                self.everyone if units is None else units,
                self.share,
                level_w,
                self.tables.profile[kind],
                held,
                self.level[kind],
                self.quiet[kind],
                self.state[kind],
            )

    def _advance(self, until_s: float, *, off: bool = False) -> None:
        for kind, profile in enumerate(self.tables.profile):
            rank_kernels.advance(
                self.bins,
                self.dt_s,
                self.tables.time_constant_s,
                until_s - self.origin_s,
                self.fleet.unit_class,
                self.fleet.unit_node,
                self.share,
                profile,
                off,
                self.state[kind],
            )

    def take(self, count: int) -> Floats:
        """Return the means of the first `count` bins and drop them: the bins then begin where those end. [W]

        What is added later must not begin before that. Shape (nodes, count).
        """
        end_s = self.origin_s + count * self.dt_s
        self._advance(end_s)
        mean, _ = self._means(count)
        self.bins[:, :-count] = self.bins[:, count:]
        self.bins[:, -count:] = 0.0
        self.state[..., profile_kernels.CLOCK] -= end_s - self.origin_s
        self.origin_s = end_s
        return mean

    def finish(self) -> tuple[Floats, Floats]:
        """Return the bin means [W], shape (nodes, bins), and the energy of the ranks less that of the bins [J].

        The difference is what the electrical lag holds at the end against its start: ``tau (y_end - y_start)``.
        """
        self._advance(self.origin_s + self.bins.shape[1] * self.dt_s)
        return self._means(self.bins.shape[1])

    def _means(self, count: int) -> tuple[Floats, Floats]:
        mean = np.empty((self.bins.shape[0], count))
        held = bin_kernels.finish_bins(self.bins, count, self.dt_s, self.tables.time_constant_s, self.before, mean)
        return mean, held
