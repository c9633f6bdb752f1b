"""Symbols of a one-line diagram as pieces of SVG: sources, breakers, transformers, converters, batteries, loads."""

from __future__ import annotations

from clustersim.report import svg
from clustersim.report.style import INK


def _circle(x: float, y: float, radius: float, colour: str, ground: str = "#fff") -> str:
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{radius:.0f}" fill="{ground}" stroke="{colour}" stroke-width="2"/>'


def _path(way: str, colour: str, width: float = 2.0) -> str:
    return f'<path d="{way}" fill="none" stroke="{colour}" stroke-width="{width:g}" stroke-linejoin="round"/>'


def wire(x1: float, y1: float, x2: float, y2: float, colour: str = INK, width: float = 2.0) -> str:
    """Return a conductor between two points."""
    return _path(f"M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}", colour, width)


def bus(x1: float, x2: float, y: float, colour: str = INK) -> str:
    """Return a bus bar."""
    return _path(f"M{x1:.0f} {y:.0f}L{x2:.0f} {y:.0f}", colour, 6.0)


def breaker(x: float, y: float, colour: str = INK, *, told: bool = True) -> str:
    """Return a circuit breaker, a square in the conductor; grey inside where its setting is told."""
    ground = colour if told else "#fff"
    return (
        f'<rect x="{x - 6:.0f}" y="{y - 6:.0f}" width="12" height="12" fill="{ground}" stroke="{colour}" '
        'stroke-width="2"/>'
    )


def utility(x: float, y: float, colour: str = INK) -> str:
    """Return the utility as a source: a square with crossed lines; its lower edge is at `y` + 18."""
    return (
        f'<rect x="{x - 18:.0f}" y="{y - 18:.0f}" width="36" height="36" fill="#fff" stroke="{colour}" '
        'stroke-width="2"/>'
        + _path(
            "".join(f"M{x - 18:.0f} {y + d:.0f}L{x + 18:.0f} {y + d - 12:.0f}" for d in (-6, 6, 18))
            + "".join(f"M{x - 18:.0f} {y + d - 12:.0f}L{x + 18:.0f} {y + d:.0f}" for d in (-6, 6, 18)),
            colour,
            1.0,
        )
    )


def machine(x: float, y: float, letters: str, colour: str = INK) -> str:
    """Return a rotating machine: a circle of radius 20 with its letters (G, SC, FW)."""
    size = 18 if len(letters) == 1 else 14
    return _circle(x, y, 20, colour) + svg.text(x, y + size / 3, letters, size=size, bold=True, anchor="middle")


def battery(x: float, y: float, colour: str = INK) -> str:
    """Return two cells of a battery, from `y` - 16 to `y` + 16."""
    plates = ((-16, 16), (-8, 8), (4, 16), (12, 8))
    return "".join(wire(x - half, y + at, x + half, y + at, colour, 3.0) for at, half in plates)


def transformer(x: float, y: float, colour: str = INK) -> str:
    """Return the two circles of a transformer, from `y` - 24 to `y` + 24."""
    return _circle(x, y - 9, 15, colour) + (
        f'<circle cx="{x:.0f}" cy="{y + 9:.0f}" r="15" fill="none" stroke="{colour}" stroke-width="2"/>'
    )


def converter(x: float, y: float, letters: str, colour: str = INK) -> str:
    """Return a converter, a box of 48 x 48 with a diagonal between ~ and =, and letters beside it."""
    square = (
        f'<rect x="{x - 24:.0f}" y="{y - 24:.0f}" width="48" height="48" fill="#fff" stroke="{colour}" '
        'stroke-width="2"/>'
    )
    marks = svg.text(x - 11, y - 4, "~", size=20, anchor="middle")
    marks += svg.text(x + 11, y + 18, "=", size=18, anchor="middle")
    name = svg.text(x + 30, y + 5, letters, size=12, bold=True)
    return square + wire(x - 24, y + 24, x + 24, y - 24, colour, 1.5) + marks + name


def busway(x: float, y: float, colour: str = INK) -> str:
    """Return a busway: a long box in the conductor, from `y` - 24 to `y` + 24."""
    return (
        f'<rect x="{x - 7:.0f}" y="{y - 24:.0f}" width="14" height="48" fill="#fff" stroke="{colour}" '
        'stroke-width="2"/>' + "".join(wire(x - 7, y + at, x + 7, y + at, colour, 1.5) for at in (-12, 0, 12))
    )


def load(x: float, y: float, colour: str = INK) -> str:
    """Return a load: an arrow that ends at `y` + 16."""
    return f'<path d="M{x - 10:.0f} {y:.0f}L{x + 10:.0f} {y:.0f}L{x:.0f} {y + 16:.0f}Z" fill="{colour}"/>'
