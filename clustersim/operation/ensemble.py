"""Many seeds of one operation: what it does on average, and how far chance and unknown rates spread it."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from clustersim.cores import usable_cores
from clustersim.operation.accounts import CATEGORIES, Accounts, accounts_of
from clustersim.operation.bands import Band, band
from clustersim.operation.compact import Kept
from clustersim.operation.processes import in_processes

MEMBERS = 2**31 - 1
"""First number of the spawn keys of all seeds but the first: no simulation spawns as many streams of its own."""
START_S = 2.0
"""Processes take about a second to start: for less work than this they are not started. [s]"""
_FIGURE = re.compile(r"\d[\d.,]*(e[+-]?\d+)?")
Progress = Callable[[int, int], None]
Record = Mapping[str, Kept]
"""What one seed did: first what was asked about, then its fellow jobs, or its sites, by name."""


@dataclass(frozen=True)
class Member:
    """One seed of an ensemble."""

    index: int
    count: int
    """Seeds of the ensemble: rates are drawn by quantiles over all of them."""
    root: np.random.SeedSequence

    @property
    def seed(self) -> np.random.SeedSequence:
        """Its random streams: of the first seed those of the root, so that a run by itself is the first of many."""
        key = self.root.spawn_key
        mine = key if self.index == 0 else (*key, MEMBERS, self.index)
        return np.random.SeedSequence(self.root.entropy, spawn_key=mine)

    @property
    def stratum(self) -> tuple[int, int]:
        """Class ``(i, n)`` of equally likely failure rates that the seed takes, where rates are drawn.

        A fixed shuffle of the seeds over the classes: every class is taken once, so that all seeds together cover the
        spread of the rates evenly.
        """
        shuffle = np.random.SeedSequence(self.root.entropy, spawn_key=(*self.root.spawn_key, MEMBERS, 0))
        return int(np.random.default_rng(shuffle).permutation(self.count)[self.index]), self.count


class Task(Protocol):
    """What is repeated; it must pickle."""

    @property
    def seed(self) -> np.random.SeedSequence:
        """Root of the random streams of all seeds."""
        ...

    def once(self, member: Member) -> Record:
        """Return what one seed did."""
        ...


@dataclass(frozen=True)
class Ensemble:
    """What all seeds of a task did, in order of the seeds; bands are over them."""

    parts: dict[str, tuple[Kept, ...]]
    """First what was asked about, then its fellow jobs, or its sites, by name."""
    seeds: int

    @property
    def head(self) -> str:
        """Name of what was asked about; the part meant where none is named."""
        return next(iter(self.parts))

    def of(self, part: str | None = None) -> tuple[Kept, ...]:
        """Return the records of a part, one of each seed."""
        return self.parts[self.head if part is None else part]

    def mean_accounts(self, part: str | None = None) -> Accounts:
        """Return where the time of all seeds together went; the shares of the categories add up to one exactly."""
        kept = self.of(part)
        entries = ((*key, seconds) for one in kept for key, seconds in one.accounts.seconds.items())
        return accounts_of(entries, math.fsum(one.accounts.total_s for one in kept))

    def share_bands(self, part: str | None = None) -> dict[str, Band]:
        """Return the share of the horizon that every category took. [-]"""
        return {category: band([one.accounts.shares[category] for one in self.of(part)]) for category in CATEGORIES}

    def cause_bands(self, part: str | None = None) -> dict[tuple[str, str], Band]:
        """Return the share of the horizon [-] by category and cause: categories in their order, largest mean first."""
        kept = self.of(part)
        keys = dict.fromkeys(key for one in kept for key in one.accounts.seconds)
        found = {key: band([one.accounts.seconds.get(key, 0.0) / one.horizon_s for one in kept]) for key in keys}
        order = sorted(found, key=lambda key: (CATEGORIES.index(key[0]), -found[key].mean, key[1]))
        return {key: found[key] for key in order}

    def interruption_bands(self, part: str | None = None) -> dict[str, Band]:
        """Return how often every cause interrupted a seed, the most frequent first."""
        kept = self.of(part)
        keys = dict.fromkeys(cause for one in kept for cause in one.interruptions)
        found = {key: band([float(one.interruptions.get(key, 0)) for one in kept]) for key in keys}
        return {key: found[key] for key in sorted(found, key=lambda key: (-found[key].mean, key))}

    def figure_bands(self, part: str | None = None) -> dict[str, Band]:
        """Return goodput, effective time [-], interruptions, their rate [1/s] and tokens; what is known of the part."""
        kept = self.of(part)
        found: dict[str, list[float | None]] = {
            "goodput": [one.goodput for one in kept],
            "effective_time": [one.effective_time for one in kept],
            "interruptions": [float(one.interrupted) for one in kept],
            "interruption_rate": [one.interruption_rate_per_s for one in kept],
            "tokens": [one.tokens for one in kept],
        }
        known = {name: [value for value in values if value is not None] for name, values in found.items()}
        return {name: band(values) for name, values in known.items() if len(values) == len(kept)}

    def findings(self, part: str | None = None) -> dict[str, int]:
        """Return what the seeds found, and how many of them did, the most frequent first.

        Findings that differ in their figures alone count as one, in the words of the first seed that has it.
        """
        words: dict[str, str] = {}
        counted: dict[str, int] = {}
        for one in self.of(part):
            shapes = dict.fromkeys(_FIGURE.sub("#", text) for text in one.findings)
            words = {_FIGURE.sub("#", text): text for text in reversed(one.findings)} | words
            for shape in shapes:
                counted[shape] = counted.get(shape, 0) + 1
        return {words[shape]: count for shape, count in sorted(counted.items(), key=lambda item: -item[1])}


def simulate_seeds(
    task: Task, seeds: int, workers: int | None = None, progress: Progress = lambda _done, _of: None
) -> Ensemble:
    """Simulate many seeds of one operation, in parallel.

    Each seed has streams of its own by its index, so that the result does not depend on the number of workers, nor on
    which of them is first. Only sums come back, so that memory does not grow with the horizon.

    Parameters
    ----------
    task : Task
        What is simulated.
    seeds : int
        How many seeds.
    workers : int, optional
        Processes that work at the same time; one is this process alone. Left out: the cores that there are, if the
        work is worth starting them.
    progress : callable, optional
        Told how many seeds are done, and of how many.

    Returns
    -------
    Ensemble
        Equal for equal task and seeds, whatever the workers.

    Raises
    ------
    ValueError
        If `seeds` or `workers` is less than one.
    ClustersimError
        If a worker is killed.
    """
    if seeds < 1 or (workers is not None and workers < 1):
        raise ValueError(f"expected one seed and one worker at least, got {seeds} and {workers}")
    work = _Work(task, seeds)
    begin = time.perf_counter()
    # wrong input shows here, before any process is started
    found: dict[int, Record] = {0: work(0)}
    expected_s = (time.perf_counter() - begin) * (seeds - 1)
    progress(1, seeds)
    rest = range(1, seeds)
    several = min(workers or (usable_cores() if expected_s > START_S else 1), len(rest))
    for index, record in in_processes(work, rest, several) if several > 1 else ((i, work(i)) for i in rest):
        found[index] = record
        progress(len(found), seeds)
    return Ensemble(_by_part([found[index] for index in range(seeds)]), seeds)


@dataclass(frozen=True)
class _Work:
    """A task as a function of the index of the seed."""

    task: Task
    seeds: int

    def __call__(self, index: int) -> Record:
        return self.task.once(Member(index, self.seeds, self.task.seed))


def _by_part(found: Sequence[Record]) -> dict[str, tuple[Kept, ...]]:
    """Return the records of every part; a job that never came in a seed has none of that seed."""
    names = dict.fromkeys(name for record in found for name in record)
    return {name: tuple(record[name] for record in found if name in record) for name in names}
