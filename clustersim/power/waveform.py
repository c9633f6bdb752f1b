"""From step traces to the accelerators' power at the electrical nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.power import kernels
from clustersim.power.device import DevicePower
from clustersim.power.device_damping import DeviceDamping
from clustersim.training.records import Fleet, StepTiming, StepTrace

OPTIMIZER, EXCHANGE, WAIT, IDLE = 0, 1, 2, 3


@dataclass(frozen=True)
class PowerTables:
    """Power of one stage of a unit, by class of unit. [W]"""

    operation_w: NDArray[np.float64]
    """Shape (classes, kinds of operation x virtual stages)."""
    operation_raw_w: NDArray[np.float64]
    """The same without damping."""
    level_w: NDArray[np.float64]
    """Optimizer, exchange, wait, idle; shape (classes, 4)."""
    level_raw_w: NDArray[np.float64]
    fill_w: NDArray[np.float64]
    """Level to which gaps are filled; shape (classes,)."""
    detection_s: float
    time_constant_s: float


def power_tables(
    timing: StepTiming, fleet: Fleet, devices: tuple[DevicePower, ...], damping: DeviceDamping
) -> PowerTables:
    """Return the power of a stage of a unit in every operation and state.

    An operation's power is the mean over its matrix, memory-bound, exchange and waiting parts; an accelerator that is
    faster than the slowest of its unit exchanges (waits in the collective) for the rest. A floor lifts each level of a
    running job to at least ``floor x rated``.
    """
    classes = fleet.class_members.shape[0]
    operations = timing.operation_s[0].size
    rated = np.array([device.rated_w for device in devices])
    unlimited = np.stack([device.level_w for device in devices])
    # an accelerator under a limit draws the limit for as much longer as its kernels take
    level = np.minimum(unlimited, damping.cap_share * rated[:, None])
    operation, raw = np.zeros((classes, operations)), np.zeros((classes, operations))
    for c, members in enumerate(fleet.class_members):
        longest = timing.operation_s[members > 0].max(axis=0)
        for d in np.flatnonzero(members):
            busy = timing.operation_s[d] / np.where(longest > 0, longest, 1.0)
            for into, levels in ((raw, level[d]), (operation, np.maximum(level[d], damping.floor_share * rated[d]))):
                watts = busy * (timing.shares[d] @ levels[:4]) + (1.0 - busy) * levels[2]
                into[c] += members[d] * watts.ravel()
    # memory, exchange, wait, idle: rows 1 to 4 of the activities
    level_raw = fleet.class_members @ level[:, 1:5]
    floored = np.maximum(level[:, 1:5], damping.floor_share * rated[:, None])
    floored[:, IDLE] = level[:, 4]
    return PowerTables(
        operation_w=operation,
        operation_raw_w=raw,
        level_w=fleet.class_members @ floored,
        level_raw_w=level_raw,
        fill_w=fleet.class_members @ (damping.fill_share * rated),
        detection_s=damping.detection_s,
        time_constant_s=max(device.time_constant_s for device in devices),
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
        share: NDArray[np.float64] | None = None,
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
        units = fleet.unit_class.size
        self.share = np.ones((units, stages)) if share is None else share
        self.bins = np.zeros((nodes, bins, 4))
        self.level = np.zeros((units, stages))
        self.energy = np.zeros((nodes, 2))

    def add_step(
        self,
        trace: StepTrace,
        t0_s: float,
        *,
        dead_unit: int = -1,
        dead_s: float = 0.0,
        held_until_s: float | None = None,
    ) -> None:
        """Add one step that starts at `t0_s`.

        With `held_until_s` the step never gets past its reduction: the ranks that are alive exchange until then
        (seconds after `t0_s`), because `dead_unit` stopped at `dead_s` and never arrives.
        """
        tables, timing = self.tables, trace.timing
        schedule = timing.schedule
        virtual = timing.operation_s.shape[2]
        table = (schedule.kind.astype(np.int32) * virtual + schedule.virtual_stage).ravel()
        if held_until_s is None:
            begin, done, over = trace.optimizer_start_s, trace.optimizer_end_s, trace.iteration_time_s
        else:
            begin = over = held_until_s
            done = np.full(schedule.stages, held_until_s)
        kernels.bin_step(
            self.bins,
            self.dt_s,
            tables.time_constant_s,
            t0_s,
            trace.start_s,
            trace.end_s,
            schedule.per_stage,
            table,
            self.fleet.unit_class,
            self.fleet.unit_node,
            self.share,
            tables.operation_w,
            tables.operation_raw_w,
            tables.level_w,
            tables.level_raw_w,
            tables.fill_w,
            tables.detection_s,
            begin,
            done,
            over,
            dead_unit,
            dead_s,
            self.level,
            self.energy,
        )

    def set_state(self, state: int, t_s: float) -> None:
        """Bring all accelerators to `state` (OPTIMIZER, EXCHANGE, WAIT or IDLE) at `t_s`, undamped."""
        self._set_level(self.tables.level_raw_w[:, state].copy(), t_s)

    def clear(self, t_s: float) -> None:
        """Bring all accelerators to no power at `t_s`."""
        self._set_level(np.zeros(self.tables.level_w.shape[0]), t_s)

    def _set_level(self, class_w: NDArray[np.float64], t_s: float) -> None:
        kernels.set_level(
            self.bins,
            self.dt_s,
            self.tables.time_constant_s,
            t_s,
            self.fleet.unit_class,
            self.fleet.unit_node,
            self.share,
            class_w,
            self.level,
        )

    def finish(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the bin means [W], shape (nodes, bins), and the energy of the ranks less that of the bins [J].

        The difference is what the electrical lag holds at the end against its start: ``tau (y_end - y_start)``.
        """
        mean = np.empty(self.bins.shape[:2])
        held = kernels.finish_bins(self.bins, self.dt_s, self.tables.time_constant_s, mean)
        return mean, held
