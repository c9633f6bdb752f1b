"""The frame of a map: which part of the Earth it shows, and where in it a place lies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clustersim.fabric.wan import EARTH_RADIUS_M

Point = tuple[float, float]
KM_PER_DEGREE = math.pi * EARTH_RADIUS_M / 180e3
"""Of latitude. [km]"""
FILLED = 0.6
"""Share of width and height that several sites fill."""
LEAST_KM, ALONE_KM = 160.0, 900.0
"""Width of a map of several sites at least, and of a map of one point."""
NEAR_KM = 3.0
"""Sites closer together than this are one point."""
_STEPS = (1.0, 2.0, 5.0)


@dataclass(frozen=True)
class MapFrame:
    """An equirectangular map, true to scale along its middle parallel and along all meridians."""

    lat: float
    """Of the middle. [degree]"""
    lon: float
    """Of the middle. [degree]"""
    pixels_per_km: float
    width: float
    """Of the drawing, in its own units."""
    height: float

    @property
    def squeeze(self) -> float:
        """Length of a degree of longitude over one of latitude, in the middle."""
        return max(0.05, math.cos(math.radians(self.lat)))

    def at(self, lat: float, lon: float) -> Point:
        """Return where a position [degree] lies in the drawing."""
        scale = self.pixels_per_km * KM_PER_DEGREE
        x = self.width / 2.0 + (lon - self.lon) * self.squeeze * scale
        return x, self.height / 2.0 - (lat - self.lat) * scale

    def holds(self, point: Point) -> bool:
        """Whether a point of the drawing lies inside the frame."""
        return 0.0 <= point[0] <= self.width and 0.0 <= point[1] <= self.height

    @property
    def width_km(self) -> float:
        """What the map shows from left to right, in the middle."""
        return self.width / self.pixels_per_km

    def corners(self) -> tuple[Point, Point]:
        """Return the north-western and the south-eastern corner as (latitude, longitude) [degree]."""
        half_lat = self.height / 2.0 / (self.pixels_per_km * KM_PER_DEGREE)
        half_lon = self.width / 2.0 / (self.pixels_per_km * KM_PER_DEGREE * self.squeeze)
        return (self.lat + half_lat, self.lon - half_lon), (self.lat - half_lat, self.lon + half_lon)


def frame_around(positions: Iterable[Point], width: float, height: float, *, filled: float = FILLED) -> MapFrame:
    """Return the map of `width` x `height` that shows all of (latitude, longitude) [degree] and what lies around.

    Several positions fill the share `filled` of it; one position lies in the middle of :data:`ALONE_KM`.
    """
    lats, lons = zip(*positions, strict=True)
    lat, lon = (min(lats) + max(lats)) / 2.0, (min(lons) + max(lons)) / 2.0
    squeeze = max(0.05, math.cos(math.radians(lat)))
    across = (max(lons) - min(lons)) * squeeze * KM_PER_DEGREE
    along = (max(lats) - min(lats)) * KM_PER_DEGREE
    shown_km = max(across, along * width / height) / filled
    least = ALONE_KM if math.hypot(across, along) < NEAR_KM else LEAST_KM
    return MapFrame(lat, lon, width / max(shown_km, least), width, height)


def scale_bar_km(frame: MapFrame, share: float = 0.22) -> float:
    """Return the longest round length [km] that takes at most `share` of the width.

    Examples
    --------
    >>> scale_bar_km(MapFrame(0.0, 0.0, 10.0, 1200.0, 600.0))
    20.0
    """
    most = frame.width_km * share
    power = 10.0 ** math.floor(math.log10(most))
    return max(step * power for step in _STEPS if step * power <= most)


def inside(ring: Sequence[Point], width: float, height: float) -> list[Point]:
    """Return the part of a closed line of points that lies in the frame (Sutherland and Hodgman, 1974)."""
    points = list(ring)
    for axis, edge, sign in ((0, 0.0, 1.0), (0, width, -1.0), (1, 0.0, 1.0), (1, height, -1.0)):
        kept: list[Point] = []
        for start, end in zip([*points[-1:], *points[:-1]], points, strict=True):
            depths = [sign * (point[axis] - edge) for point in (start, end)]
            if (depths[0] < 0.0) != (depths[1] < 0.0):
                part = depths[0] / (depths[0] - depths[1])
                kept.append((start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])))
            if depths[1] >= 0.0:
                kept.append(end)
        points = kept
    return points


def middle_of(ring: Sequence[Point]) -> tuple[float, float, float]:
    """Return the centre of gravity of a closed line of points, and its area."""
    twice = x = y = 0.0
    for a, b in zip(ring, [*ring[1:], *ring[:1]], strict=True):
        cross = a[0] * b[1] - b[0] * a[1]
        twice += cross
        x += (a[0] + b[0]) * cross
        y += (a[1] + b[1]) * cross
    if twice == 0.0:
        return 0.0, 0.0, 0.0
    return x / (3.0 * twice), y / (3.0 * twice), abs(twice) / 2.0
