"""Accelerator time of a shared cluster by what it went to, how full it was, and what it drew; pure functions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clustersim.operation.accounts import Category
from clustersim.operation.fleet_plan import PLANNED, Budget, MainPlace
from clustersim.operation.fleet_records import (
    BESIDE_COLUMNS,
    GANTT_COLUMNS,
    MAIN,
    NOBODY,
    OCCUPANCY_COLUMNS,
    POWER_COLUMNS,
    FleetJob,
    ServerPool,
)
from clustersim.operation.gang_log import GangRow
from clustersim.operation.records import Timeline

Key = tuple[str, Category, str]
Account = dict[Key, list[float]]
Usage = Sequence[tuple[float, int, int, int, int, int]]
AT_FULL_POWER = ("train", "lost", "evaluation")


def row_entries(row: GangRow) -> list[tuple[Category, str, float]]:
    """Return the time of a row as (category, cause, seconds)."""
    seconds = row.end_s - row.start_s
    if row.state in ("train", "serve"):
        return [
            ("curtailed", row.cause, seconds * (1.0 - row.speed)),
            ("checkpoint", "schedule", seconds * row.speed * (1.0 - row.rate)),
            ("useful", "none", row.work_s),
        ]
    planned = row.cause.startswith(PLANNED)
    by_state: dict[str, Category] = {
        "lost": "lost_work",
        "checkpoint": "checkpoint",
        "detect": "restart",
        "restart": "restart",
        "stopped": "idle" if planned else "curtailed",
    }
    return [(by_state[row.state], row.cause, seconds)]


def accounts_of_fleet(
    rows: Iterable[GangRow],
    jobs: Sequence[FleetJob],
    pools: tuple[ServerPool, ...],
    main: Timeline,
    place: MainPlace,
    occupancy: pd.DataFrame,
) -> dict[Key, float]:
    """Return the accelerator time [s] by (group, category, cause); the sum is accelerators x horizon exactly.

    Every entry is summed from the record. The largest of them is then what the others leave, which corrects the
    rounding of the sums; a test holds it against its own sum.
    """
    each = [pool.accelerators_per_server for pool in pools]
    found: Account = {}

    def book(group: str, category: Category, cause: str, seconds: float) -> None:
        if seconds > 0.0:
            found.setdefault((group, category, cause), []).append(seconds)

    held = sum(n * a for n, a in zip(place.servers, each, strict=True))
    for (category, cause), seconds in main.accounts.seconds.items():
        book(MAIN, category, cause, held * seconds)
    book(MAIN, "idle", "spare servers", main.horizon_s * sum(n * a for n, a in zip(place.spares, each, strict=True)))
    for row in rows:
        accelerators = sum(n * each[pool] for pool, n in row.size)
        for name, cause, seconds in row_entries(row):
            book(jobs[row.job].group, name, cause, accelerators * seconds)
    spans = (occupancy["t_end_s"] - occupancy["t_start_s"]).to_numpy()
    per_server = dict(zip([pool.name for pool in pools], each, strict=True))
    weight = occupancy["pool"].map(per_server).to_numpy()
    unheld: tuple[tuple[str, Category, str], ...] = (
        ("free", "idle", "free"),
        ("withheld", "curtailed", "no power"),
        ("repair", "idle", "repair"),
        ("maintenance", "idle", "maintenance"),
    )
    for column, name, cause in unheld:
        book(NOBODY, name, cause, math.fsum(spans * weight * occupancy[column].to_numpy()))
    total = main.horizon_s * sum(n * a for n, a in zip([pool.servers for pool in pools], each, strict=True))
    return closed({key: math.fsum(parts) for key, parts in found.items()}, total)


def closed(parts: Mapping[Key, float], total: float) -> dict[Key, float]:
    """Return `parts` with the largest replaced by what the others leave of `total`."""
    found = dict(parts)
    largest = max(found, key=lambda key: found[key])
    found[largest] = math.fsum((total, *(-value for key, value in found.items() if key != largest)))
    return found


def gantt_table(rows: Iterable[GangRow], jobs: Sequence[FleetJob], pools: tuple[ServerPool, ...]) -> pd.DataFrame:
    """Return the rows in order of time and job: :data:`GANTT_COLUMNS`."""
    each = [pool.accelerators_per_server for pool in pools]
    listed = [
        (
            jobs[row.job].name,
            row.start_s,
            row.end_s,
            row.state,
            row.cause,
            ",".join(pools[pool].name for pool, _ in row.size),
            sum(n for _, n in row.size),
            sum(n * each[pool] for pool, n in row.size),
            row.speed,
        )
        for row in sorted(rows, key=lambda one: (one.start_s, one.job))
    ]
    return pd.DataFrame(listed, columns=list(GANTT_COLUMNS))


def occupancy_table(usage: Usage, pools: tuple[ServerPool, ...], horizon_s: float) -> pd.DataFrame:
    """Return the step functions of each pool: :data:`OCCUPANCY_COLUMNS`; of changes at one time the last holds."""
    steps: dict[int, list[tuple[float, int, int, int, int]]] = {index: [] for index in range(len(pools))}
    for time, number, *counts in usage:
        rows = steps[number]
        if rows and rows[-1][0] == time:
            rows.pop()
        if not rows or list(rows[-1][1:]) != counts:
            rows.append((time, counts[0], counts[1], counts[2], counts[3]))
    table = []
    for index, pool in enumerate(pools):
        rows = [row for row in steps[index] if row[0] < horizon_s]
        ends = [*(row[0] for row in rows[1:]), horizon_s]
        table += [
            (row[0], end, pool.name, pool.servers - sum(row[1:]), *row[1:]) for row, end in zip(rows, ends, strict=True)
        ]
    return pd.DataFrame(table, columns=list(OCCUPANCY_COLUMNS))


def power_table(
    rows: Iterable[GangRow],
    shares: Sequence[float],
    pools: tuple[ServerPool, ...],
    main: Timeline,
    place: MainPlace,
    budget: Budget,
) -> pd.DataFrame:
    """Return the IT power as a step function: :data:`POWER_COLUMNS`.

    A server draws its idle power without a job, its training power times the job's share (never below idle) while
    the job runs, and its waiting power else; a cap takes the power above waiting down in proportion to the speed.
    Servers that are away draw as idle ones.

    Parameters
    ----------
    rows : iterable of GangRow
        What the jobs beside the main one did.
    shares : sequence of float
        Power of each job while it runs, as a share of training. [-]
    pools, main, place, budget
        The cluster, the main job's record and servers, and the budget of the whole cluster.
    """
    times: list[float] = []
    added: list[float] = []

    def draw(start: float, end: float, watts: float) -> None:
        times.extend((start, end))
        added.extend((watts, -watts))

    for row in rows:
        watts = math.fsum(n * _above_idle_w(row, shares, pools[pool]) for pool, n in row.size)
        draw(row.start_s, row.end_s, watts)
    for start, end, state, speed in main.table[["t_start_s", "t_end_s", "state", "speed"]].itertuples(index=False):
        parts = zip(place.servers, pools, strict=True)
        at_work = state in AT_FULL_POWER
        draw(start, end, math.fsum(n * (_drawn(pool, at_work, 1.0, speed) - pool.idle_w) for n, pool in parts))
    idle = math.fsum(pool.servers * pool.idle_w for pool in pools)
    return _steps(np.array(times), np.array(added), idle, budget, main.horizon_s)


def beside_table(
    rows: Sequence[GangRow], shares: Sequence[float], pools: tuple[ServerPool, ...], horizon_s: float
) -> pd.DataFrame:
    """Return what all jobs but the main one draw above idle servers, a step function per site: :data:`BESIDE_COLUMNS`.

    Powers as in :func:`power_table`.
    """
    tables = []
    for site in dict.fromkeys(pool.site for pool in pools):
        times, added = [0.0], [0.0]
        for row in rows:
            watts = math.fsum(
                _above_idle_w(row, shares, pools[pool]) * n for pool, n in row.size if pools[pool].site == site
            )
            if watts:
                times += [row.start_s, row.end_s]
                added += [watts, -watts]
        begins = np.array(times)
        inside = begins < horizon_s
        starts, place = np.unique(begins[inside], return_inverse=True)
        steps = np.zeros(starts.size)
        np.add.at(steps, place, np.array(added)[inside])
        # what is left of a sum of powers that come and go is rounding
        drawn = np.maximum(np.cumsum(steps), 0.0)
        tables.append(
            pd.DataFrame({"t_start_s": starts, "t_end_s": [*starts[1:], horizon_s], "site": site, "it_w": drawn})
        )
    return pd.concat(tables, ignore_index=True)[list(BESIDE_COLUMNS)]


def _above_idle_w(row: GangRow, shares: Sequence[float], pool: ServerPool) -> float:
    at_work = row.state in (*AT_FULL_POWER, "serve")
    return _drawn(pool, at_work, shares[row.job], row.speed) - pool.idle_w


def _drawn(pool: ServerPool, at_work: bool, share: float, speed: float) -> float:
    if not at_work:
        return pool.wait_w
    busy = pool.busy_w(share)
    return busy if busy <= pool.wait_w else pool.wait_w + (busy - pool.wait_w) * speed


def _steps(
    times: NDArray[np.float64], added: NDArray[np.float64], idle: float, budget: Budget, horizon_s: float
) -> pd.DataFrame:
    marks = [time for time in budget.times_s if time < horizon_s]
    starts = np.unique(np.concatenate([times[times < horizon_s], marks]))
    totals = np.zeros(starts.size)
    np.add.at(totals, np.searchsorted(starts, times[times < horizon_s]), added[times < horizon_s])
    limits = [budget.at(float(time)) for time in starts]
    drawn = idle + np.cumsum(totals)
    return pd.DataFrame(
        {"t_start_s": starts, "t_end_s": [*starts[1:], horizon_s], "it_w": drawn, "budget_w": limits},
        columns=list(POWER_COLUMNS),
    )
