"""Power of the accelerators of every hall: the pool of independent steps, and the windows made of it.

Steady training, crash, restart and the close-up of one rack, server and accelerator; and the level of each state in
which the job does not train.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from clustersim.operation import EVENT_AT_S, EVENT_S
from clustersim.operation.windows import STEADY_S
from clustersim.power.damped import Level
from clustersim.power.device import LEVELS
from clustersim.power.device_damping import DeviceDamping, device_damping
from clustersim.power.dummy import filled_power
from clustersim.power.joined import joined_means
from clustersim.power.profile_kernels import FLOOR
from clustersim.power.records import coarsen
from clustersim.power.smoothing import device_profile
from clustersim.power.states import STATE_LEVELS
from clustersim.power.waveform import IDLE, RUNNING, Binner, PowerTables, power_tables
from clustersim.study.random_streams import Draw, window_draw
from clustersim.study.shared import SHELF, content_key, shared
from clustersim.study.site.it_storage import it_chain
from clustersim.study.step import StepStudy
from clustersim.training.records import StepTrace

STEADY_DT_S = 10e-3
EVENT_DT_S = 1e-3
STATES = {state: LEVELS.index(level) - 1 for state, level in STATE_LEVELS.items()}
"""Column of the levels in the states of the timeline in which the job does not train."""
STARTS = ("restart", "job_start", "restart_storm")
"""Windows that begin before the job trains; the others begin in training."""
CLOSE_S = 10.0
"""Length of the close-up of one rack, server and accelerator. [s]"""
LEAST_STEPS, MOST_STEPS = 8, 512
OPERATION_BUDGET = 12_000_000
"""Operations that are simulated for the pool of independent steps of the steady window."""


@dataclass(frozen=True)
class HallPower:
    """Accelerator power of every hall over one window; bin means. [W], shape (halls, samples)"""

    window: str
    cause: str
    t0_s: float
    dt_s: float
    event_s: float
    watts: NDArray[np.float64]
    steps_s: NDArray[np.float64]
    """Start of every step inside the window and the end of the last. [s]"""
    burned_share: float
    """Part of the accelerators' energy in the steps that damping burned. [-]"""
    cut_share: float = 0.0
    """What a smoothing profile did not let the accelerators draw in the steps, over what they drew. [-]"""
    after: str = "train"
    """State of the timeline at the end of the window."""


@dataclass(frozen=True)
class Pool:
    """Independent steps that windows are made of."""

    traces: tuple[StepTrace, ...]
    key: str = field(default="", compare=False)
    """Digest of what the steps were made of; empty: not told."""

    @property
    def iteration_time_s(self) -> float:
        """Mean iteration time. [s]"""
        return float(np.mean([trace.iteration_time_s for trace in self.traces]))

    @property
    def cv(self) -> float:
        """Standard deviation of the iteration time over its mean. [-]"""
        return float(np.std([trace.iteration_time_s for trace in self.traces]) / self.iteration_time_s)


def step_pool(study: StepStudy) -> Pool:
    """Return at least eight independently jittered steps, and as many as the budget of operations allows."""
    operations = study.fleet.unit_class.size * study.plan.pipeline * study.timing.schedule.per_stage
    count = int(np.clip(OPERATION_BUDGET // max(operations, 1), LEAST_STEPS, MOST_STEPS))
    job = study.scenario.job
    stall = (job.data_stall, job.data_stall_spread)
    key = content_key("steps", count, study.timing, study.fleet, study.jitter, study.slow, study.keys, *stall)
    return SHELF.get(key, lambda: Pool(tuple(study.trace(index) for index in range(count)), key))


def tables(study: StepStudy, *, damped: bool = True) -> PowerTables:
    """Return the power tables of a study, with the damping of its scenario inside the accelerators or without any."""
    devices = study.place.power
    if not damped:
        return power_tables(study.timing, study.fleet, devices, DeviceDamping())
    strategies = study.scenario.damping
    profiles = [device_profile(strategies, device) for device in devices]
    return power_tables(
        study.timing,
        study.fleet,
        devices,
        device_damping(strategies),
        [profile for profile, _ in profiles],
        holds=profiles[0][1],
    )


def _binner(study: StepStudy, table: PowerTables, duration_s: float, dt_s: float) -> Binner:
    halls = len(study.place.nodes)
    return Binner(table, study.fleet, study.plan.pipeline, halls, round(duration_s / dt_s), dt_s)


def _run(binner: Binner, pool: Pool, rng: np.random.Generator, start_s: float, until_s: float) -> list[float]:
    """Add steps drawn from the pool from `start_s` until `until_s` is passed; return their starts and the last end."""
    starts = [start_s]
    queue: list[int] = []
    while starts[-1] < until_s:
        if not queue:
            queue = list(rng.permutation(len(pool.traces)))
        trace = pool.traces[queue.pop()]
        binner.add_step(trace, starts[-1])
        starts.append(starts[-1] + trace.iteration_time_s)
    return starts


def _hall_power(binner: Binner, name: str, cause: str, t0_s: float, starts: list[float]) -> HallPower:
    watts, _ = binner.finish()
    return HallPower(
        window=name,
        cause=cause,
        t0_s=t0_s,
        dt_s=binner.dt_s,
        event_s=EVENT_AT_S,
        watts=watts,
        steps_s=np.array(starts),
        burned_share=_burned(binner.energy),
    )


def _burned(energy: NDArray[np.float64]) -> float:
    drawn, burned, *_ = energy.sum(axis=0)
    return float(burned / drawn) if drawn else 0.0


def steady_window(study: StepStudy, pool: Pool, t0_s: float, draw: int = Draw.STEADY) -> HallPower:
    """Return 600 s of training at 10 ms, made of the pool's steps in random order; another `draw`, another order.

    Where the accelerators have no memory beyond the step, every step of the pool is binned once at 1 ms and the window
    adds them up; a step so starts on a whole millisecond, the one before exchanges up to 1 ms longer. Behind a
    smoothing profile, whose floor carries over from one step to the next, all steps are binned one after the other.
    """
    table = tables(study)

    def make() -> HallPower:
        return _steady(study, table, pool, draw)

    if not pool.key:
        return replace(make(), t0_s=t0_s)
    halls = len(study.place.nodes)
    return replace(shared("steady", make, pool.key, table, study.scenario.seed, draw, halls), t0_s=t0_s)


def _steady(study: StepStudy, table: PowerTables, pool: Pool, draw: int) -> HallPower:
    """Return the steady window at the beginning of time."""
    made = _one_by_one if table.profiled else _added_up
    fine, starts, energy = made(study, table, pool, window_draw(study.scenario, draw))
    return HallPower(
        window="steady",
        cause="training",
        t0_s=0.0,
        dt_s=STEADY_DT_S,
        event_s=0.0,
        watts=coarsen(fine, round(STEADY_DT_S / EVENT_DT_S)),
        steps_s=starts,
        burned_share=_burned(energy),
        cut_share=float(energy[:, 2].sum() / energy[:, 0].sum()),
    )


Made = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Means of 1 ms bins by hall [W], starts of the steps [s], energies drawn, burned, cut and used by another job [J]."""


def _one_by_one(study: StepStudy, table: PowerTables, pool: Pool, rng: np.random.Generator) -> Made:
    """Bin the steps of the steady window one after the other; one step before it lets the devices settle."""
    lead = pool.iteration_time_s
    binner = _binner(study, table, STEADY_S + lead, EVENT_DT_S)
    starts = np.array(_run(binner, pool, rng, 0.0, STEADY_S + lead))
    skip = round(lead / EVENT_DT_S)
    fine = binner.finish()[0][:, skip : skip + round(STEADY_S / EVENT_DT_S)]
    inside = starts - skip * EVENT_DT_S
    return fine, inside[(inside >= 0.0) & (inside <= STEADY_S)], binner.energy


def _added_up(study: StepStudy, table: PowerTables, pool: Pool, rng: np.random.Generator) -> Made:
    """Bin every step of the pool once and add them up in random order.

    Steps that the window has no room for count in what damping burns; where it burns nothing they are left out.
    """
    lengths = [math.ceil(trace.iteration_time_s / EVENT_DT_S - 1e-9) for trace in pool.traces]
    total = round(STEADY_S / EVENT_DT_S)
    order: list[int] = []
    while sum(lengths[index] for index in order[1:]) < total:
        order.extend(int(index) for index in rng.permutation(len(lengths)))
    first = lengths[order[0]]
    starts = np.concatenate(([0], np.cumsum([lengths[index] for index in order])))
    seen = {index for index, begin in zip(order, starts, strict=False) if begin < first + total}
    parts: dict[int, NDArray[np.float64]] = {}
    energy = np.zeros((len(study.place.nodes), 4))
    for index in range(len(lengths)) if table.burns else sorted(seen):
        binner = _binner(study, table, (lengths[index] + 2) * EVENT_DT_S, EVENT_DT_S)
        # one empty bin before, so that nothing counts as settled; back to nothing at the end
        binner.add_step(pool.traces[index], EVENT_DT_S)
        binner.clear((lengths[index] + 1) * EVENT_DT_S)
        energy += binner.energy
        if index in seen:
            parts[index] = binner.bins[:, 1:]
    fine = joined_means(parts, order, first + total, EVENT_DT_S, table.time_constant_s)
    inside = starts[(starts >= first) & (starts <= first + total)]
    return fine[:, first:], (inside - first) * EVENT_DT_S, energy


def crash_window(
    study: StepStudy,
    pool: Pool,
    t0_s: float,
    cause: str,
    detection_s: float,
    *,
    at_s: float = EVENT_AT_S,
    length_s: float = EVENT_S,
) -> HallPower:
    """Return 60 s, or `length_s`, at 1 ms in which one lock-step unit dies, `at_s` into it.

    Its ranks idle at once; all others finish what they can and then spin in the reduction until the failure is detected
    and the job is killed, after which every accelerator idles.
    """
    rng = window_draw(study.scenario, Draw.CRASH)
    binner = _binner(study, tables(study), length_s, EVENT_DT_S)
    starts = _run(binner, pool, rng, 0.0, at_s - 2.0 * pool.iteration_time_s)
    while True:
        trace = pool.traces[int(rng.integers(len(pool.traces)))]
        begin = starts[-1]
        if begin + trace.iteration_time_s > at_s:
            break
        binner.add_step(trace, begin)
        starts.append(begin + trace.iteration_time_s)
    # nobody gets past the reduction, and the detection counts from the death
    held = max(at_s + detection_s - begin, trace.optimizer_start_s)
    dead = int(rng.integers(study.fleet.unit_class.size))
    binner.add_step(trace, begin, dead_unit=dead, dead_s=at_s - begin, held_until_s=held)
    killed = begin + held
    binner.set_state(IDLE, killed)
    power = _hall_power(binner, "crash", cause, t0_s, starts)
    return replace(power, after="restart" if killed < length_s else "detect")


def state_levels(study: StepStudy, state: str) -> NDArray[np.float64]:
    """Power of one stage of a unit in a `state` in which the job does not train. [W], shape (kinds, classes)"""
    table = tables(study)
    column = STATES[state]
    levels = table.level_raw_w[:, :, column]
    if column in RUNNING:
        # ranks that spin or stall are a running job: fill and held floor stay
        floors = table.holds * table.profile[:, :, FLOOR] if table.profile.size else 0.0
        levels = np.maximum(filled_power(table.fillers, table.level_w[:, :, column]), floors)
    return np.asarray(levels)


def state_w(study: StepStudy, state: str) -> NDArray[np.float64]:
    """Accelerator power of every hall in a `state` in which the job does not train. [W], shape (halls,)"""
    fleet = study.fleet
    level = state_levels(study, state).sum(axis=0)
    watts = np.zeros(len(study.place.nodes))
    np.add.at(watts, fleet.unit_node, level[fleet.unit_class] * study.plan.pipeline)
    return watts


def restart_window(
    study: StepStudy,
    pool: Pool,
    t0_s: float,
    cause: str,
    before: tuple[tuple[str, float], ...],
    length_s: float = EVENT_S,
) -> HallPower:
    """Return 60 s, or `length_s`, at 1 ms in which a job starts to train again.

    `before` gives the states of the timeline that lead to it, each with the time in the window at which it begins.
    """
    binner = _binner(study, tables(study), length_s, EVENT_DT_S)
    for state, begin in before:
        binner.set_state(STATES[state], max(0.0, begin), filled=True)
    starts = _run(binner, pool, window_draw(study.scenario, Draw.RESTART), EVENT_AT_S, length_s)
    return _hall_power(binner, "restart", cause, t0_s, starts)


def close_up(study: StepStudy, pool: Pool) -> dict[str, NDArray[np.float64]]:
    """Return the power of the first rack, its first server and its first accelerator over 10 s at 1 ms. [W]

    The accelerator is at its own input, server and rack at the input of their supplies, the rack above its storage.
    """
    plan, fleet = study.plan, study.fleet
    site = next(iter(study.place.topology.site.values()))
    block = plan.tensor * plan.replicas_per_unit
    sizes = {"accelerator": 1, "server": site.servers.accelerators_per_server}
    sizes["rack"] = sizes["server"] * site.servers.servers_per_rack
    device = study.place.power[int(np.argmax(fleet.class_members[fleet.unit_class[0]]))]
    found: dict[str, NDArray[np.float64]] = {}
    for name, size in sizes.items():
        share = np.zeros((fleet.unit_class.size, plan.pipeline))
        ranks = np.arange(size) // block
        for place, count in zip(*np.unique(ranks, return_counts=True), strict=True):
            unit, stage = divmod(int(place), plan.pipeline)
            share[unit % fleet.unit_class.size, stage] = count / block
        binner = Binner(
            tables(study), fleet, plan.pipeline, len(study.place.nodes), round(CLOSE_S / EVENT_DT_S), EVENT_DT_S, share
        )
        _run(binner, pool, window_draw(study.scenario, Draw.STEADY), 0.0, CLOSE_S)
        watts = binner.finish()[0].sum(axis=0)
        if name == "accelerator":
            found[name] = watts
        else:
            levels: tuple[Level, ...] = ("node",) if name == "server" else ("node", "rack")
            found[name] = it_chain(study, size, levels=levels).apply(device.server_w(watts, size), EVENT_DT_S).power_w
    return found
