"""The ground of a map: outlines, names of states and countries, scale bar, and a small map of where it lies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clustersim.catalog.outlines import Ring, conterminous, outlines
from clustersim.report.map_frame import MapFrame, Point, frame_around, inside, middle_of, scale_bar_km
from clustersim.report.map_labels import Area, Sheet, area_of
from clustersim.report.map_look import MapColours, MapStyle, words_at
from clustersim.report.words import number


def _drawn(rings: Iterable[Ring], frame: MapFrame) -> Iterator[list[Point]]:
    """Return rings as points of the drawing, those that reach into it; points that fall together are one."""
    (north, west), (south, east) = frame.corners()
    for ring in rings:
        lons, lats = zip(*ring, strict=True)
        if max(lons) < west or min(lons) > east or max(lats) < south or min(lats) > north:
            continue
        points: list[Point] = []
        for lon, lat in ring:
            point = frame.at(lat, lon)
            if not points or abs(point[0] - points[-1][0]) + abs(point[1] - points[-1][1]) > 0.8:
                points.append(point)
        yield points


def land(frame: MapFrame, colours: MapColours, line: float = 1.0) -> str:
    """Return the outlines as two paths: countries below, states above."""
    found = outlines()
    parts = []
    for group, ground in ((found.countries, colours.abroad), (found.states, colours.land)):
        way = "".join(
            f"M{'L'.join(f'{x:.1f} {y:.1f}' for x, y in points)}Z"
            for rings in group.values()
            for points in _drawn(rings, frame)
        )
        if way:
            rim = f'stroke="{colours.border}" stroke-width="{line:g}" stroke-linejoin="round"'
            parts.append(f'<path d="{way}" fill="{ground}" fill-rule="evenodd" {rim}/>')
    return "".join(parts)


def region_names(frame: MapFrame, style: MapStyle, sheet: Sheet, colours: MapColours) -> list[str]:
    """Return names of states and countries where the frame shows enough of them and nothing stands there."""
    parts = []
    for group in (outlines().states, outlines().countries):
        for name, rings in group.items():
            pieces = [middle_of(inside(points, frame.width, frame.height)) for points in _drawn(rings, frame)]
            if not pieces:
                continue
            x, y, size = max(pieces, key=lambda piece: piece[2])
            wide, high = area_of([name], style.region)
            if size < 2.5 * wide * wide / 3.0 + 2.0 * wide * high:
                continue
            choices = [Area(x - wide / 2, y + dy * high - high / 2, wide, high) for dy in (0, -1.5, 1.5, -3, 3)]
            area = sheet.place(choices)
            if area is not None:
                at = (area.x + wide / 2, area.y + high * 0.75)
                parts.append(words_at(at, name, style.region, colours.region, colours, anchor="middle"))
    return parts


def scale_bar(frame: MapFrame, sheet: Sheet, style: MapStyle, colours: MapColours) -> str:
    """Return a bar of a round length with that length, in the lower left corner."""
    km = scale_bar_km(frame)
    long, left, low = km * frame.pixels_per_km, 16.0, frame.height - 16.0
    sheet.taken.append(Area(0.0, low - 26.0, long + 32.0, 42.0))
    way = f"M{left:g} {low - 7:.1f}V{low:.1f}H{left + long:.1f}V{low - 7:.1f}"
    line = f'<path d="{way}" fill="none" stroke="{colours.ink}" stroke-width="2"/>'
    words = words_at(
        (left + 4, low - 10), f"{number(int(km) if km >= 1 else km)} km", style.figure, colours.ink, colours
    )
    return line + words


def inset_map(frame: MapFrame, sheet: Sheet, colours: MapColours) -> str:
    """Return a small map in the corner that shows where the part lies."""
    wide = 0.2 * frame.width
    high = 0.62 * wide
    west, east, south, north = conterminous()
    home = south <= frame.lat <= north and west <= frame.lon <= east
    around_it = [(south, west), (north, east)] if home else [(frame.lat - 18, frame.lon), (frame.lat + 18, frame.lon)]
    small = frame_around(around_it, wide, high, filled=0.92)
    top, left = frame.height - high - 8.0, frame.width - wide - 8.0
    sheet.taken.append(Area(left, top, wide + 8.0, high + 8.0))
    (a_lat, a_lon), (b_lat, b_lon) = frame.corners()
    a, b = small.at(a_lat, a_lon), small.at(b_lat, b_lon)
    side = max(b[0] - a[0], 5.0), max(b[1] - a[1], 5.0)
    box = (
        f'<rect x="{(a[0] + b[0] - side[0]) / 2:.1f}" y="{(a[1] + b[1] - side[1]) / 2:.1f}" width="{side[0]:.1f}" '
        f'height="{side[1]:.1f}" fill="{colours.chosen}" fill-opacity="0.25" stroke="{colours.chosen}" '
        'stroke-width="1.5"/>'
    )
    ground = f'<rect width="{wide:.1f}" height="{high:.1f}" fill="{colours.water}"/>'
    rim = f'<rect width="{wide:.1f}" height="{high:.1f}" fill="none" stroke="{colours.border}" stroke-width="2"/>'
    place = f'x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{high:.1f}"'
    return f"<svg {place}>{ground}{land(small, colours, 0.5)}{box}{rim}</svg>"
