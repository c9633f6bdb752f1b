"""The map of sites, as SVG of its own: outlines, dots by power, fibre with its length; no tile, no request."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from clustersim.catalog.outlines import conterminous, outlines
from clustersim.errors import InputError
from clustersim.report.map_frame import MapFrame, frame_around
from clustersim.report.map_ground import inset_map, land, region_names, scale_bar
from clustersim.report.map_labels import LINE, Area, Sheet, along, area_of, around
from clustersim.report.map_look import LIGHT, WIDE, MapColours, MapStyle, words_at
from clustersim.report.map_places import Line, MappedPlace, Mark, lines_of, mapped_place, marks_of
from clustersim.report.places import shipped_places
from clustersim.report.style import FONT
from clustersim.report.words import counted, number
from clustersim.study.places.place import Place

WIDTH, NARROW = 1200.0, 390.0
"""Widths [px] at which the words are meant to be read: a page, and a phone."""
_RING = 5.0
"""Between a highlighted dot and its ring."""
_ZOOMED_KM = 2000.0
"""Below this width a small map tells where the part lies."""


@dataclass(frozen=True)
class _Wanted:
    """What the map is about."""

    alone: bool
    """Whether it shows one place."""
    chosen: str | None

    def highlights(self, mark: Mark) -> bool:
        """Whether a dot is of the chosen place, among others."""
        return not self.alone and self.chosen in {place.name for place in mark.places}

    def later(self, mark: Mark) -> bool:
        """Whether the label of a dot may wait for others."""
        return not self.highlights(mark)


def map_files(place: Place, alone: Path | None, among_all: Path | None) -> dict[Path, str]:
    """Return the map of a place, and that of all shipped places with this one highlighted, by the files asked for.

    Raises
    ------
    InputError
        If a file is not called .svg, or nobody published where the place stands.
    """
    for option, file in (("--map", alone), ("--map-all", among_all)):
        if file is not None and file.suffix != ".svg":
            raise InputError(f"{option} {file}: expected a file that ends in .svg")
    found, texts = mapped_place(place), {}
    if alone is not None:
        texts[alone] = site_map([found]) + "\n"
    if among_all is not None:
        others = [each for each in shipped_places() if each.topology.name != found.name]
        texts[among_all] = site_map([found, *map(mapped_place, others)], chosen=found.name) + "\n"
    return texts


def site_map(
    places: Sequence[MappedPlace],
    *,
    chosen: str | None = None,
    width: float = WIDTH,
    colours: MapColours = LIGHT,
) -> str:
    """Return the map of the sites of places as SVG; dots grow with power, routes of fibre bear their length.

    Parameters
    ----------
    places : sequence of MappedPlace
        Those without a site are counted below the map.
    chosen : str, optional
        Name of the place to highlight among several.
    width : float
        For which the words are laid out [px]: :data:`WIDTH` for a page, :data:`NARROW` for a phone.
    colours : MapColours
        Of a light page, or :data:`clustersim.report.map_look.DARK`.

    Returns
    -------
    str
        One picture, without script, font or request; the same arguments give the same bytes.

    Raises
    ------
    InputError
        If no place has a site.
    """
    hidden = [place for place in places if not place.sites]
    places = [place for place in places if place.sites]
    if not places:
        titles = ", ".join(place.title for place in hidden)
        raise InputError(f"no map of {titles or 'no place'}: no site has a published position (location.disclosed)")
    height = round(width * (0.5 if width >= WIDE else 0.8))
    style, wanted = MapStyle.of(width), _Wanted(len(places) == 1, chosen)
    frame, sheet = _frame(places, width, height), Sheet(width, height)
    marks = marks_of(places, frame, style.near)
    lines = lines_of(places, marks)
    inset = inset_map(frame, sheet, colours) if frame.width_km < _ZOOMED_KM else ""
    bar = scale_bar(frame, sheet, style, colours)
    dots = [_dot(mark, _radius(mark, marks, style), colours, sheet, marked=wanted.highlights(mark)) for mark in marks]
    crossed = [square for line in lines for square in along(line.a, line.b)]
    labels, listed = _labels(marks, wanted, style, sheet, colours, crossed)
    lengths = _lengths(lines, style, sheet, colours) if wanted.alone else []
    regions = region_names(frame, style, sheet, colours)
    fibre = [_fibre(line, wanted, colours) for line in lines]
    parts = [land(frame, colours), *fibre, *regions, inset, *dots, bar, *lengths, *labels]
    notes = _wrapped([*listed, " ".join(_notes(marks, lines, places, len(hidden)))], width, style)
    return _picture(parts, notes, _said(places, marks), (width, height), style, colours)


def _frame(places: Sequence[MappedPlace], width: float, height: float) -> MapFrame:
    """Return the part of the Earth to show: the sites, or all of the United States for places far apart in them."""
    positions = [(site.lat, site.lon) for place in places for site in place.sites]
    if len(places) == 1:
        return frame_around(positions, width, height)
    west, east, south, north = conterminous()
    home = all(south <= lat <= north and west <= lon <= east for lat, lon in positions)
    whole = [(south, west), (north, east)]
    return frame_around(whole, width, height, filled=0.94) if home else frame_around(positions, width, height)


def _fibre(line: Line, wanted: _Wanted, colours: MapColours) -> str:
    strong = wanted.alone or line.place == wanted.chosen
    return (
        f'<path d="M{line.a[0]:.1f} {line.a[1]:.1f}L{line.b[0]:.1f} {line.b[1]:.1f}" fill="none" '
        f'stroke="{colours.fibre}" stroke-width="{3 if strong else 2}" stroke-opacity="{1 if strong else 0.7:g}"/>'
    )


def _lengths(lines: Sequence[Line], style: MapStyle, sheet: Sheet, colours: MapColours) -> list[str]:
    """Return the lengths of fibre on the lines, where there is room."""
    parts = []
    for line in sorted(lines, key=lambda line: -max(line.km)):
        (ax, ay), (bx, by) = line.a, line.b
        wide, high = area_of([line.label], style.figure)
        if math.hypot(ax - bx, ay - by) < wide:
            continue
        choices = [
            Area(ax + t * (bx - ax) - wide / 2, ay + t * (by - ay) - high / 2, wide + 6.0, high)
            for t in (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74)
        ]
        area = sheet.place(choices, most=0.1)
        if area is not None:
            at = (area.x + wide / 2, area.y + high * 0.75)
            parts.append(words_at(at, line.label, style.figure, colours.ink, colours, anchor="middle"))
    return parts


def _radius(mark: Mark, marks: Sequence[Mark], style: MapStyle) -> float:
    largest = max((other.mw or 0.0) for other in marks) or 1.0
    return style.radius * max(1.0 / 3.0, math.sqrt((mark.mw or 0.0) / largest))


def _dot(mark: Mark, radius: float, colours: MapColours, sheet: Sheet, *, marked: bool) -> str:
    """Return a dot with what it stands for as its tooltip."""
    x, y = mark.at
    sheet.taken.append(Area(x - radius, y - radius, 2 * radius, 2 * radius))
    colour = colours.chosen if marked else colours.site
    centre = f'cx="{x:.1f}" cy="{y:.1f}"'
    told = "\n".join(f"{place.title}: {site.name}" for place, site in mark.members)
    # what is assumed is pale, on ground of its own since lines end behind it
    rim = f'stroke="{colour}" stroke-width="2" stroke-dasharray="4 3"' if mark.assumed else f'stroke="{colours.land}"'
    ring = f'<circle {centre} r="{radius + _RING:.1f}" fill="none" stroke="{colour}" stroke-width="2"/>'
    return (
        f'<g><title>{escape(told)}</title><circle {centre} r="{radius:.1f}" fill="{colours.land}"/>'
        f'<circle {centre} r="{radius:.1f}" fill="{colour}" fill-opacity="{0.3 if mark.assumed else 1:g}" {rim}/>'
        f"{ring if marked else ''}</g>"
    )


def _labels(
    marks: Sequence[Mark], wanted: _Wanted, style: MapStyle, sheet: Sheet, colours: MapColours, lines: Sequence[Area]
) -> tuple[list[str], list[str]]:
    """Return the labels of the dots, and lines of text for those that have no room: there stands a number.

    Several places on a narrow map are all numbered.
    """
    parts: list[str] = []
    listed: list[str] = []
    most = 0.12 if wanted.alone else 0.02 if sheet.width >= WIDE else -1.0
    for mark in sorted(marks, key=wanted.later):
        name, power = mark.label(alone=wanted.alone)
        words = [line for line in (name, power) if line]
        radius = _radius(mark, marks, style) + (_RING if wanted.highlights(mark) else 0.0)
        area = sheet.place(around(mark.at, radius, *area_of(words, style.name)), most, lines)
        if area is None:
            listed.append(f"{len(listed) + 1}: {', '.join(words)}")
            words = [str(len(listed))]
            area = sheet.place(around(mark.at, radius, *area_of(words, style.name), 2.0), math.inf)
        if area is not None:
            parts.append(_label(area, mark.at[0], radius, words, style, colours))
    return parts, listed


def _label(area: Area, middle: float, radius: float, words: Sequence[str], style: MapStyle, colours: MapColours) -> str:
    """Return lines of words in an area, flush with the side that is next to the dot."""
    centre = area.x + area.width / 2
    anchor = "end" if centre < middle - radius else "start" if centre > middle + radius else "middle"
    x = area.x + {"end": area.width, "start": 0.0, "middle": area.width / 2}[anchor]
    return "".join(
        words_at(
            (x, area.y + style.name * (1.0 + LINE * at)),
            line,
            style.figure if at else style.name,
            colours.soft if at else colours.ink,
            colours,
            anchor=anchor,
            bold=at == 0,
        )
        for at, line in enumerate(words)
    )


def _notes(marks: Sequence[Mark], lines: Sequence[Line], places: Sequence[MappedPlace], hidden: int) -> list[str]:
    """Return the title of a single place, what the signs mean and whose outlines these are."""
    said = [f"{places[0].title}."] if len(places) == 1 else []
    if any(mark.mw for mark in marks):
        said.append("Area of a dot: power at the meter, all computers at their nameplates.")
    if any(mark.assumed for mark in marks):
        said.append("Dashed: position assumed.")
    if lines:
        said.append("Lines: fibre between sites, drawn straight" + (", with its length." if len(places) == 1 else "."))
    if hidden:
        said.append(f"Not shown: {counted(hidden, 'place')} of unknown position.")
    return [*said, f"Outlines: {outlines().credit}."]


def _wrapped(paragraphs: Sequence[str], width: float, style: MapStyle) -> list[str]:
    """Return paragraphs in lines that fit."""
    letters = math.floor((width - 8.0) / area_of(["x"], style.figure)[0])
    return [line for words in paragraphs for line in textwrap.wrap(words, letters)]


def _said(places: Sequence[MappedPlace], marks: Sequence[Mark]) -> str:
    """Return what a screen reader says."""
    alone = len(places) == 1
    told = "; ".join(", ".join(filter(None, mark.label(alone=alone))) for mark in marks)
    if not alone:
        return f"Map of {len(places)} places: {told}"
    routes = "; ".join(f"{route.a} - {route.b}: {number(route.km)} km of fibre" for route in places[0].fibre)
    return "; ".join(filter(None, (f"Map of {places[0].title}: {told}", routes)))


def _picture(
    parts: Iterable[str],
    notes: Sequence[str],
    said: str,
    size: tuple[float, float],
    style: MapStyle,
    colours: MapColours,
) -> str:
    """Return the map over its notes; what lies beyond the map is cut off."""
    width, height = size
    line = LINE * style.figure
    whole = height + line * len(notes) + 12.0
    ground = f'<rect width="{width:g}" height="{height:g}" fill="{colours.water}"/>'
    texts = "".join(
        f'<text x="4" y="{height + 4 + line * (at + 1):.1f}" font-size="{style.figure}" fill="{colours.soft}">'
        f"{escape(words)}</text>"
        for at, words in enumerate(notes)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {whole:.0f}" width="100%" '
        f'style="max-width:{width:g}px" role="img" aria-label="{escape(said)}" font-family="{escape(FONT)}">'
        f'<title>{escape(said)}</title><svg width="{width:g}" height="{height:g}">{ground}{"".join(parts)}</svg>'
        f"{texts}</svg>"
    )
