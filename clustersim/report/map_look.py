"""The look of a map: its colours, its sizes, its words."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from clustersim.report.map_frame import Point
from clustersim.report.style import BLUE, INK, ORANGE, RED

WIDE = 700.0
"""From here on a map has the sizes of a page, below those of a phone. [px]"""


@dataclass(frozen=True)
class MapColours:
    """Colours of a map; these are for a light page."""

    water: str = "#EAF1F6"
    land: str = "#FBFAF7"
    abroad: str = "#F1F0EC"
    """Land beside the United States, on a map that shows them."""
    border: str = "#B9C2CB"
    ink: str = INK
    soft: str = "#52606D"
    region: str = "#7A8490"
    """Names of states and countries."""
    site: str = BLUE
    chosen: str = RED
    fibre: str = ORANGE


LIGHT = MapColours()
DARK = MapColours(
    water="#0F1720", land="#1F2A36", abroad="#19222C", border="#425264", ink="#E8EDF2", soft="#AEBAC6",
    region="#8795A3", site="#56B4E9", chosen="#F0834A", fibre="#E69F00",
)  # fmt: skip


@dataclass(frozen=True)
class MapStyle:
    """Sizes of a map, which depend on how wide it is."""

    name: int
    figure: int
    region: int
    radius: float
    """Of the largest dot; the smallest has a third of it."""
    near: float
    """Closer dots are one."""

    @classmethod
    def of(cls, width: float) -> MapStyle:
        """Return the sizes for a map as wide as a page, or as a phone."""
        wide = width >= WIDE
        return cls(15, 13, 12, 17.0, 26.0) if wide else cls(12, 11, 9, 9.0, 14.0)


def words_at(
    at: Point, words: str, size: int, colour: str, colours: MapColours, *, anchor: str = "start", bold: bool = False
) -> str:
    """Return words with their baseline at a point, on a rim of the land's colour; they are escaped."""
    weight = ' font-weight="650"' if bold else ""
    return (
        f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{weight} '
        f'stroke="{colours.land}" stroke-width="3" stroke-linejoin="round" paint-order="stroke">{escape(words)}</text>'
    )
