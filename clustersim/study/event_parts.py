"""What ranks do one after the other in an event: steps, stalls, batches of forward passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clustersim.power.device import LEVELS
from clustersim.power.waveform import WAIT, Binner, PowerTables
from clustersim.study.it_power import LEAST_STEPS, Pool
from clustersim.study.step import StepStudy
from clustersim.training.records import StepTrace, forward_timing
from clustersim.training.simulate import simulate_step


def training(pool: Pool, rng: np.random.Generator) -> Iterator[StepTrace]:
    """Yield the steps of the pool in random order, without end."""
    while True:
        yield from (pool.traces[index] for index in rng.permutation(len(pool.traces)))


def forward_passes(study: StepStudy, count: int = LEAST_STEPS) -> tuple[StepTrace, ...]:
    """Return independent runs of the step's forward passes alone, one batch of the training step each."""
    timing = forward_timing(study.timing)
    return tuple(
        simulate_step(timing, study.fleet, study.jitter, study.slow, int(study.keys[-1 - index]))
        for index in range(count)
    )


def evaluation(
    pool: Pool, passes: tuple[StepTrace, ...], rng: np.random.Generator, duration_s: float, pause_s: float = 0.0
) -> list[Part]:
    """Return what the ranks do in an evaluation: a pause, then batches of forward passes; the last one is cut short."""
    parts: list[Part] = [stall(pool.traces[0], pause_s, "blocked")] if pause_s > 0.0 else []
    left = duration_s - pause_s
    while left > 0.0:
        trace = passes[int(rng.integers(len(passes)))]
        parts.append(trace if trace.iteration_time_s <= left else cut(trace, left))
        left -= trace.iteration_time_s
    return parts


@dataclass(frozen=True)
class Stall:
    """A time in which all ranks wait outside of a step."""

    trace: StepTrace
    """A step whose operations take no time and begin at its end, so that damping acts in it as in any gap."""
    level: str
    """What a rank draws, one of :data:`clustersim.power.device.LEVELS`."""

    @property
    def iteration_time_s(self) -> float:
        """How long it lasts. [s]"""
        return self.trace.iteration_time_s


Part = StepTrace | Stall


def stall(trace: StepTrace, seconds: float, level: str) -> Stall:
    """Return `seconds` in which the ranks of `trace` draw `level`."""
    late = np.full_like(trace.start_s, seconds)
    return Stall(replace(_all_at(trace, late, late, seconds), breakdown={"bubble": seconds}), level)


def cut(trace: StepTrace, seconds: float) -> StepTrace:
    """Return forward passes that end for all ranks after `seconds`."""
    return _all_at(trace, np.minimum(trace.start_s, seconds), np.minimum(trace.end_s, seconds), seconds)


def _all_at(trace: StepTrace, start_s: NDArray[np.float64], end_s: NDArray[np.float64], seconds: float) -> StepTrace:
    """Return a step with other operations that is over, for all ranks and without an update, after `seconds`."""
    return replace(
        trace,
        start_s=start_s,
        end_s=end_s,
        reduce_start_s=np.full_like(trace.reduce_start_s, seconds),
        reduce_end_s=np.full_like(trace.reduce_end_s, seconds),
        optimizer_start_s=seconds,
        optimizer_end_s=np.full_like(trace.optimizer_end_s, seconds),
        iteration_time_s=seconds,
    )


def play(binner: Binner, parts: Iterable[Part], start_s: float, until_s: float = np.inf) -> list[float]:
    """Add one part after the other until `until_s` is passed; return their starts and the last end. [s]"""
    starts = [start_s]
    for part in parts:
        if starts[-1] >= until_s:
            break
        if isinstance(part, Stall):
            steps = binner.tables
            binner.tables = waiting_at(steps, part.level)
            binner.add_step(part.trace, starts[-1])
            binner.tables = steps
        else:
            binner.add_step(part, starts[-1])
        starts.append(starts[-1] + part.iteration_time_s)
    return starts


def waiting_at(steps: PowerTables, level: str) -> PowerTables:
    """Return the tables of a stall: waiting draws what the device draws at `level`."""
    found = {}
    for name in ("level_w", "level_raw_w"):
        levels = getattr(steps, name).copy()
        # the levels of the tables are those of a device behind its first one
        levels[:, :, WAIT] = levels[:, :, LEVELS.index(level) - 1]
        found[name] = levels
    return replace(steps, level_w=found["level_w"], level_raw_w=found["level_raw_w"])


def lead(steps: Iterator[StepTrace], until_s: float) -> tuple[list[StepTrace], float]:
    """Return steps that end at `until_s` and begin at or before 0, and when the first of them begins. [s]"""
    found = [next(steps)]
    begin = until_s - found[0].iteration_time_s
    while begin > 0.0:
        found.append(next(steps))
        begin -= found[-1].iteration_time_s
    return found, begin
