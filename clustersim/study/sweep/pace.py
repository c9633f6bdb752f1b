"""How long points take: what a sweep says while it runs, and what earlier ones took."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from clustersim.errors import InputError
from clustersim.study.sweep.reading import LOG, read_manifest
from clustersim.study.sweep.records import Outcome


class Pace:
    """Counts what is done, and says how far it is: how many points, the rate, the time left."""

    def __init__(self, left: int, points: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with `left` of `points` to do."""
        self.left, self.points = left, points
        self.done = self.failed = 0
        self._clock, self._began = clock, clock()

    def count(self, outcome: Outcome) -> None:
        """Count an outcome."""
        self.done += 1
        self.failed += outcome.error is not None

    @property
    def fraction(self) -> float:
        """Share of all points that is done."""
        return (self.points - self.left + self.done) / max(1, self.points)

    @property
    def text(self) -> str:
        """How far it is, in a line."""
        rate = self.done / max(self._clock() - self._began, 1e-9)
        ahead = f", {rate:.3g} points/s, {span((self.left - self.done) / rate)} left" if self.done else ""
        return f"{self.points - self.left + self.done:,} of {self.points:,} points, {self.failed:,} failed{ahead}"


def span(seconds: float) -> str:
    """Return a time as people say it: ``45 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 5400.0 else f"{seconds / 3600.0:.1f} h"


@dataclass(frozen=True)
class Earlier:
    """What points of an earlier sweep took."""

    store: str
    points: int
    median_s: float


def earlier(stores: Iterable[Path], evaluate: str, scenario: str) -> Earlier | None:
    """Return what points took in a sweep of the same scenario at the same level; None where there is none."""
    for folder in stores:
        try:
            about = read_manifest(folder)["about"].get("study", {})
        except InputError:
            continue  # a store of another format has no say here; opening it tells why
        if (about.get("evaluate"), about.get("scenario")) != (evaluate, scenario):
            continue
        taken = _taken(folder / LOG)
        if taken:
            return Earlier(folder.name, len(taken), statistics.median(taken))
    return None


def _taken(path: Path) -> list[float]:
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    # the last line may be half written
    return [float(json.loads(line)["wall_s"]) for line in lines if line.endswith("}\n")]
