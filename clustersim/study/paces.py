"""How fast the job trains in every row of its timeline, and why it is slower than it could be."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

BUSY = ("train", "lost")
"""States of the timeline in which the job draws its training power."""
NEGLIGIBLE = 1e-9
"""Slower by less than this is full speed. [-]"""
GRAIN = 1e-4
"""Paces that differ by less draw the same power. [-]"""


@dataclass(frozen=True, order=True)
class Pace:
    """What makes a stretch of training slow; the speed is the product of the three."""

    active: float = 1.0
    """Share of the accelerators that train; those of missing replicas do not. [-]"""
    held: float = 1.0
    """Speed that stragglers leave, for whom all others wait. [-]"""
    cap: float = 1.0
    """Speed that a limit on the power leaves. [-]"""

    @property
    def name(self) -> str:
        """Name of the state in a history, such as ``train 0.98 x 1 x 1``."""
        return f"train {self.active:.6g} x {self.held:.6g} x {self.cap:.6g}"


FULL = Pace()


def paces(table: pd.DataFrame, gpus: int) -> list[Pace]:
    """Return the pace of every row of a timeline of a job on `gpus`; rows without training count as at full speed.

    A table without the column of speed is one at full speed. Paces are rounded to :data:`GRAIN`, so that a month of
    caps has few.
    """
    if "speed" not in table:
        return [FULL] * len(table)
    columns = (table[name].tolist() for name in ("state", "speed", "gpus", "held"))
    return [
        _pace(speed, active / gpus, held) if state in BUSY else FULL
        for state, speed, active, held in zip(*columns, strict=True)
    ]


def _pace(speed: float, active: float, held: float) -> Pace:
    if speed >= 1.0 - NEGLIGIBLE:
        return FULL
    return Pace(_rounded(active), _rounded(held), _rounded(speed / (active * held)))


def _rounded(share: float) -> float:
    return min(1.0, max(GRAIN, round(share / GRAIN) * GRAIN))
