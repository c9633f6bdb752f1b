"""Where the words of a map go: beside their points, apart from each other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from clustersim.report.map_frame import Point

LETTER = 0.56
"""Mean width of a letter over its size, in the system's fonts."""
LINE = 1.25
"""Height of a line over the size of its letters."""


@dataclass(frozen=True)
class Area:
    """A rectangle of the drawing."""

    x: float
    y: float
    width: float
    height: float

    def shared(self, other: Area) -> float:
        """Return the area that both cover."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        along = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return max(0.0, across) * max(0.0, along)

    @property
    def size(self) -> float:
        """Its area."""
        return self.width * self.height


def area_of(lines: Sequence[str], size: float) -> tuple[float, float]:
    """Return width and height of lines of text."""
    return LETTER * size * max(map(len, lines)), LINE * size * len(lines)


@dataclass
class Sheet:
    """A drawing and what stands on it already."""

    width: float
    height: float
    taken: list[Area] = field(default_factory=list)

    def covered(self, area: Area, lines: Sequence[Area] = ()) -> float:
        """Return how much of `area` others and `lines` cover or lies beside the drawing, as a share of it."""
        on = area.shared(Area(0.0, 0.0, self.width, self.height))
        return (area.size - on + sum(area.shared(other) for other in (*self.taken, *lines))) / area.size

    def place(self, choices: Iterable[Area], most: float = 0.0, lines: Sequence[Area] = ()) -> Area | None:
        """Take the first of the least covered choices; none if each is covered by more than the share `most`."""
        ranked = [(round(self.covered(area, lines), 3), at, area) for at, area in enumerate(choices)]
        least, _, best = min(ranked, key=lambda each: each[:2])
        if least > most:
            return None
        self.taken.append(best)
        return best


def around(point: Point, radius: float, width: float, height: float, gap: float = 5.0) -> list[Area]:
    """Return the areas beside a round mark, the most usual first: right, left, above, below, then aslant."""
    x, y = point
    far, near = radius + gap, 0.7 * radius + gap
    starts = (
        (x + far, y - height / 2),
        (x - far - width, y - height / 2),
        (x - width / 2, y - far - height),
        (x - width / 2, y + far),
        (x + near, y - near - height),
        (x + near, y + near),
        (x - near - width, y - near - height),
        (x - near - width, y + near),
    )
    return [Area(left, top, width, height) for left, top in starts]


def along(a: Point, b: Point, side: float = 8.0) -> list[Area]:
    """Return the squares of `side` that a straight line passes through."""
    steps = max(1, math.ceil(math.hypot(b[0] - a[0], b[1] - a[1]) / side))
    at = [(a[0] + (b[0] - a[0]) * step / steps, a[1] + (b[1] - a[1]) * step / steps) for step in range(steps + 1)]
    return [Area(x - side / 2, y - side / 2, side, side) for x, y in at]
