"""Small pieces of SVG: text, boxes, lines; every text is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from clustersim.report.plotted import Plotted
from clustersim.report.style import FONT, INK

WIDTH = 1200
"""Of every picture, in its own units; the page scales it."""
SOFT = "#52606D"


@dataclass(frozen=True)
class Picture:
    """A drawing with its title and the note below it."""

    title: str
    svg: str
    """The drawing, with its texts escaped."""
    note: str = ""
    folded: bool = False
    """Shown after a click on its title."""
    plotted: Plotted | None = None
    """What it shows, as a table."""
    name: str = ""
    """None: a drawing has no points to give as CSV."""

    @property
    def html(self) -> str:
        """The drawing as a piece of a page."""
        return f"<details><summary>show</summary>{self.svg}</details>" if self.folded else self.svg


def text(
    x: float, y: float, words: str, *, size: int = 14, bold: bool = False, colour: str = INK, anchor: str = "start"
) -> str:
    """Return words with their baseline at `y`; `anchor` is start, middle or end. A white rim keeps them legible."""
    weight = ' font-weight="650"' if bold else ""
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{weight} '
        f'stroke="#fff" stroke-width="4" stroke-linejoin="round" paint-order="stroke">{escape(words)}</text>'
    )


def box(x: float, y: float, width: float, height: float, colour: str, *, filled: bool = False) -> str:
    """Return a box with a rim of `colour`; `filled`: wholly of that colour."""
    ground = colour if filled else "#fff"
    return (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="3" fill="{ground}" '
        f'stroke="{colour}" stroke-width="2"/>'
    )


def bar(x: float, y: float, width: float, height: float, colour: str) -> str:
    """Return a bar without a rim."""
    return f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" fill="{colour}"/>'


Point = tuple[float, float]


def lines(pairs: Iterable[tuple[Point, Point]], colour: str, width: float = 1.0, opacity: float = 1.0) -> str:
    """Return straight lines as one path; nothing where there is none."""
    way = "".join(f"M{a[0]:.0f} {a[1]:.0f}L{b[0]:.0f} {b[1]:.0f}" for a, b in pairs)
    return _path(way, colour, width, opacity)


def arcs(pairs: Iterable[tuple[Point, Point]], colour: str, width: float = 1.0, opacity: float = 1.0) -> str:
    """Return arcs above points of one height; the farther apart, the higher."""
    way = "".join(
        f"M{a[0]:.0f} {a[1]:.0f}Q{(a[0] + b[0]) / 2:.0f} {a[1] - 10 - abs(b[0] - a[0]) / 10:.0f} {b[0]:.0f} {b[1]:.0f}"
        for a, b in pairs
    )
    return _path(way, colour, width, opacity)


def _path(way: str, colour: str, width: float, opacity: float) -> str:
    if not way:
        return ""
    return f'<path d="{way}" fill="none" stroke="{colour}" stroke-width="{width:g}" stroke-opacity="{opacity:g}"/>'


def picture(parts: Iterable[str], height: float, title: str, width: float = WIDTH) -> str:
    """Return parts as one picture that scales down with the page; `title` is what a screen reader says."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="100%" '
        f'style="max-width:{width:.0f}px" role="img" '
        f'font-family="{escape(FONT)}"><title>{escape(title)}</title>'
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#fff"/>{"".join(parts)}</svg>'
    )
