"""What a benchmark is and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


class UnmeasurableError(Exception):
    """A benchmark needs something that is not on this machine."""


@dataclass(frozen=True)
class Found:
    """One measurement."""

    value: float
    peer: float | None = None
    """Ratio to something measured in the same run, said in the benchmark's docstring; None where there is nothing."""


@dataclass(frozen=True)
class Benchmark:
    """A named measurement with its limit."""

    name: str
    unit: str
    limit: float
    better: Literal["lower", "higher"]
    measure: Callable[[], Found]

    def row(self) -> dict[str, float | str | None]:
        """Measure, and return value, unit, limit, better and peer."""
        found = self.measure()
        return {
            "value": float(f"{found.value:.4g}"),
            "unit": self.unit,
            "limit": self.limit,
            "better": self.better,
            "peer": None if found.peer is None else float(f"{found.peer:.3g}"),
        }


def within(row: dict[str, float | str | None]) -> bool:
    """Whether a row keeps its limit."""
    value, limit = float(row["value"] or 0.0), float(row["limit"] or 0.0)
    return value <= limit if row["better"] == "lower" else value >= limit
