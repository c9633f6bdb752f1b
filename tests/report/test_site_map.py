"""Maps of sites: outlines, projection, extent, labels, the shipped places, the command."""

from __future__ import annotations

import itertools
import math
import re
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from clustersim.catalog.outlines import FILE, conterminous, outlines
from clustersim.cli import app
from clustersim.errors import InputError
from clustersim.fabric.wan import great_circle_m
from clustersim.report.map_frame import MapFrame, frame_around, inside, middle_of, scale_bar_km
from clustersim.report.map_labels import Area, Sheet, along, around
from clustersim.report.map_look import DARK, LIGHT
from clustersim.report.map_places import (
    MappedFibre,
    MappedPlace,
    MappedSite,
    common_title,
    lines_of,
    mapped_place,
    marks_of,
)
from clustersim.report.places import shipped_places
from clustersim.report.site_map import NARROW, WIDTH, map_files, site_map
from clustersim.scenario import load_topology, shipped
from clustersim.study.places.place import build_place

SVG = "{http://www.w3.org/2000/svg}"
BLUFFS, OMAHA, LINCOLN = (41.16665, -95.79774), (41.33568, -96.05236), (40.90747, -96.64578)
WISCONSIN, ATLANTA, GOODYEAR = (42.67487, -87.89488), (33.44535, -84.52548), (33.40899, -112.3648)


@pytest.fixture(scope="module")
def places():
    return [mapped_place(place) for place in shipped_places()]


def place_of(*positions, name="here", title="A place", mw=100.0, fibre=()):
    sites = tuple(MappedSite(f"site_{at}", lat, lon, mw) for at, (lat, lon) in enumerate(positions))
    return MappedPlace(name, title, sites, fibre)


def texts(drawn):
    """Check that a picture is sound and asks for nothing; return its words."""
    root = ElementTree.fromstring(drawn)
    assert root.tag == f"{SVG}svg"
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == root.find(f"{SVG}title").text
    assert not re.search(r"<script|href|url\(|@import|<image", drawn)
    assert not re.search(r'="[^"]*\b(nan|inf)\b', drawn)
    return [item.text or "" for item in root.iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("a", "b", "km"),
    [
        (BLUFFS, OMAHA, 28.4),
        (BLUFFS, LINCOLN, 76.7),
        (OMAHA, LINCOLN, 68.8),
        (WISCONSIN, ATLANTA, 1067.6),
        (GOODYEAR, ATLANTA, 2575.7),
    ],
)
def test_distances_on_the_map_are_those_on_the_sphere(a, b, km):
    """Great circles between the published positions; a small map is exact, one of a country within 2 %."""
    assert great_circle_m(*a, *b) / 1e3 == pytest.approx(km, abs=0.06)
    frame = frame_around([a, b], 1200.0, 600.0)
    drawn_km = math.dist(frame.at(*a), frame.at(*b)) / frame.pixels_per_km
    assert drawn_km == pytest.approx(km, rel=1e-3 if km < 100.0 else 0.02)


def test_scale_along_meridian_and_middle_parallel():
    frame = MapFrame(41.0, -96.0, 5.0, 1000.0, 500.0)
    assert frame.at(41.0, -96.0) == (500.0, 250.0)
    for lat, lon in ((41.1, -96.0), (41.0, -95.9)):
        drawn = math.dist(frame.at(lat, lon), (500.0, 250.0)) / 5.0
        assert drawn == pytest.approx(great_circle_m(41.0, -96.0, lat, lon) / 1e3, rel=1e-6)
    (north, west), (south, east) = frame.corners()
    assert frame.at(north, west) == pytest.approx((0.0, 0.0), abs=1e-9)
    assert frame.at(south, east) == pytest.approx((1000.0, 500.0))


@pytest.mark.parametrize("size", [(1200.0, 600.0), (390.0, 312.0)])
def test_every_site_lies_inside_the_frame(places, size):
    for place in places:
        if place.sites:
            frame = frame_around([(site.lat, site.lon) for site in place.sites], *size)
            for site in place.sites:
                x, y = frame.at(site.lat, site.lon)
                assert 0.15 * size[0] < x < 0.85 * size[0]
                assert 0.15 * size[1] < y < 0.85 * size[1]


def test_a_single_site_has_its_surroundings_and_a_pole_does_not_break():
    assert frame_around([OMAHA], 1200.0, 600.0).width_km == pytest.approx(900.0)
    assert frame_around([BLUFFS, OMAHA], 1200.0, 600.0).width_km == pytest.approx(160.0)
    for lat in (90.0, -90.0):
        texts(site_map([place_of((lat, 180.0), (lat, -180.0))]))


@pytest.mark.parametrize("km_wide", [0.02, 3.0, 160.0, 900.0, 4700.0, 39_000.0])
def test_scale_bar_is_round_and_fits(km_wide):
    km = scale_bar_km(MapFrame(40.0, -90.0, 1200.0 / km_wide, 1200.0, 600.0))
    assert 0.4 * 0.22 * km_wide <= km <= 0.22 * km_wide
    assert round(km / 10.0 ** math.floor(math.log10(km) + 1e-9), 6) in (1.0, 2.0, 5.0)


def test_parts_of_rings_in_the_frame():
    square = [(-10.0, -10.0), (30.0, -10.0), (30.0, 30.0), (-10.0, 30.0)]
    assert middle_of(inside(square, 20.0, 10.0)) == pytest.approx((10.0, 5.0, 200.0))
    assert middle_of(inside([(0.0, 0.0), (40.0, 0.0), (0.0, 40.0)], 20.0, 100.0))[2] == pytest.approx(600.0)
    assert inside([(-5.0, -5.0), (-1.0, -5.0), (-1.0, -1.0)], 20.0, 10.0) == []
    assert middle_of([(1.0, 1.0), (2.0, 2.0)]) == (0.0, 0.0, 0.0)


def test_outlines_are_small_whole_and_where_they_should_be():
    found = outlines()
    assert FILE.stat().st_size <= 120_000
    assert len(found.states) == 52  # with the District of Columbia and Puerto Rico
    assert {"China", "Canada", "Mexico", "Germany"} <= set(found.countries)
    assert "United States of America" not in found.countries
    for rings in itertools.chain(found.states.values(), found.countries.values()):
        for ring in rings:
            assert len(ring) >= 3
            assert all(-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0 for lon, lat in ring)
            assert all(abs(a[0] - b[0]) < 90.0 for a, b in itertools.pairwise([*ring, ring[0]])), "across the date line"
    assert conterminous() == pytest.approx((-124.7, -66.95, 25.0, 49.4), abs=0.6)
    assert "public domain" in found.credit


def holder(lat, lon):
    """Return the states that hold a position, by the even-odd rule."""
    found = []
    for name, rings in outlines().states.items():
        crossed = 0
        for ring in rings:
            for (x1, y1), (x2, y2) in itertools.pairwise([*ring, ring[0]]):
                crossed += (y1 > lat) != (y2 > lat) and lon < x1 + (lat - y1) / (y2 - y1) * (x2 - x1)
        if crossed % 2:
            found.append(name)
    return found


@pytest.mark.parametrize(
    ("at", "state"),
    [
        (BLUFFS, "Iowa"), (OMAHA, "Nebraska"), (LINCOLN, "Nebraska"), (WISCONSIN, "Wisconsin"), (ATLANTA, "Georgia"),
        (GOODYEAR, "Arizona"), ((35.06008, -90.15641), "Tennessee"), ((32.50289, -99.78343), "Texas"),
        ((41.6675, -86.47357), "Indiana"), ((40.06566, -82.75329), "Ohio"), ((36.24117, -95.33005), "Oklahoma"),
    ],
)  # fmt: skip
def test_sites_lie_in_their_states(at, state):
    assert holder(*at) == [state]


def test_names_are_escaped():
    name = "<script>alert('x')</script> & \"co\""
    evil = MappedPlace(
        "evil",
        name,
        (MappedSite(name, *OMAHA, 5.0), MappedSite("b", *BLUFFS, None, assumed=True)),
        (MappedFibre(name, "b", 36.9),),
    )
    for several in ([evil], [evil, place_of(ATLANTA, name="other", title=name)]):
        for width in (WIDTH, NARROW):
            drawn = site_map(several, chosen="evil", width=width)
            assert "<script" not in drawn
            texts(drawn)
    assert name in texts(site_map([evil]))


def test_what_a_map_of_one_place_says():
    said = texts(
        site_map(
            [place_of(OMAHA, BLUFFS, LINCOLN, title="Three <sites>", fibre=(MappedFibre("site_0", "site_2", 89.5),))]
        )
    )
    assert {"site_0", "site_1", "site_2", "100 MW", "89.5 km", "Nebraska", "Iowa", "20 km"} <= set(said)
    assert any(words.startswith("Three <sites>.") for words in said)
    assert not any("Dashed" in words for words in said)


def test_sites_on_top_of_each_other_are_one_dot_with_their_sum():
    close = place_of(OMAHA, (OMAHA[0] + 0.002, OMAHA[1]), title="Two halls (as built)")
    said = texts(site_map([close]))
    assert "Two halls" in said
    assert "2 sites, 200 MW" in said
    one_more = place_of(OMAHA, (OMAHA[0] + 0.002, OMAHA[1]), LINCOLN, fibre=(MappedFibre("site_0", "site_1", 0.3),))
    drawn = site_map([one_more])
    assert {"site_0 and 1 more", "site_2"} <= set(texts(drawn))
    assert "Lines:" not in drawn, "fibre inside a dot is no line"


def test_places_at_one_position_are_not_added_up():
    early, late = (
        place_of(OMAHA, name="a", title="Campus, first"),
        place_of(OMAHA, name="b", title="Campus, all", mw=300.0),
    )
    drawn = site_map([early, late, place_of(ATLANTA, name="c", title="Far (2026)")], chosen="a")
    said = texts(drawn)
    assert 'aria-label="Map of 3 places: Campus, 2 places, up to 300 MW; Far, 100 MW"' in drawn
    assert {"Campus", "2 places, up to 300 MW", "Far", "100 MW"} <= set(said)


def test_routes_between_two_dots_are_one_line_with_their_range():
    place = place_of(
        OMAHA, (OMAHA[0] + 0.002, OMAHA[1]), LINCOLN,
        fibre=(MappedFibre("site_0", "site_2", 89.5), MappedFibre("site_2", "site_1", 95.0)),
    )  # fmt: skip
    marks = marks_of([place], frame_around([OMAHA, LINCOLN], 1200.0, 600.0), 26.0)
    assert [line.label for line in lines_of([place], marks)] == ["89.5 to 95.0 km"]


def test_common_titles():
    assert common_title(["Stargate Abilene, eight buildings", "Stargate Abilene as told"]) == "Stargate Abilene"
    assert common_title(["Only one, here"]) == "Only one, here"
    assert common_title(["A, x", "B", "C"]) == "A + B + 1 more"


def test_labels_keep_apart():
    sheet = Sheet(200.0, 100.0)
    areas = [sheet.place(around((100.0, 50.0), 5.0, 60.0, 20.0)) for _ in range(4)]
    assert None not in areas
    assert all(a.shared(b) == 0.0 for a, b in itertools.combinations(areas, 2))
    assert Sheet(50.0, 20.0).place(around((25.0, 10.0), 5.0, 60.0, 20.0)) is None
    crossed = Sheet(200.0, 100.0).place(
        around((100.0, 50.0), 5.0, 60.0, 20.0), 0.0, along((100.0, 50.0), (200.0, 50.0))
    )
    assert crossed.x < 40.0, "the line runs to the right"
    assert sum(square.shared(Area(0.0, 0.0, 500.0, 500.0)) for square in along((10.0, 10.0), (10.0, 10.0))) == 128.0


def boxes(drawn):
    """Return the labels of sites as areas, bold words only."""
    root = ElementTree.fromstring(drawn)
    for item in root.iter(f"{SVG}text"):
        if item.attrib.get("font-weight"):
            x, y, size = (float(item.attrib[key]) for key in ("x", "y", "font-size"))
            long = 0.56 * size * len(item.text)
            yield Area(
                x - {"start": 0.0, "middle": 0.5, "end": 1.0}[item.attrib["text-anchor"]] * long, y - size, long, size
            )


@pytest.mark.parametrize("width", [WIDTH, NARROW])
def test_many_sites_close_together_are_numbered(width):
    crowd = place_of(*((41.0 + 0.1 * (at % 5), -96.0 + 0.2 * (at // 5)) for at in range(25)))
    drawn = site_map([crowd], width=width)
    for a, b in itertools.combinations(boxes(drawn), 2):
        assert a.shared(b) < 0.3 * min(a.size, b.size)
    told = " ".join(texts(drawn))
    assert all(re.search(rf"\b{site.name}\b|and \d+ more", told) for site in crowd.sites)


@pytest.mark.parametrize("width", [WIDTH, NARROW])
def test_every_shipped_place_draws_with_labels_apart(places, width):
    shown = [place for place in places if place.sites]
    assert len(shown) >= 20
    for several in (*([place] for place in shown), places):
        drawn = site_map(several, width=width)
        said = texts(drawn)
        assert len(drawn) < 150_000
        assert any("Outlines" in words or "domain" in words for words in said)
        for a, b in itertools.combinations(boxes(drawn), 2):
            assert a.shared(b) < 0.1 * min(a.size, b.size), several[0].name


def test_places_that_nobody_disclosed_are_counted_and_not_drawn(places):
    hidden = [place for place in places if not place.sites]
    assert {"meta_24k", "alibaba_hpn7", "deepseek_v3", "semianalysis_100k_ethernet"} <= {place.name for place in hidden}
    said = " ".join(texts(site_map(places)))
    assert f"{len(hidden)} places of unknown position" in said
    assert "Kansas" in said, "no dot in the middle of the country hides its name"
    with pytest.raises(InputError, match="no site has a published position"):
        site_map(hidden[:1])
    with pytest.raises(InputError, match="no map of no place"):
        site_map([])


def test_colours_and_bytes():
    place = place_of(OMAHA, LINCOLN)
    assert site_map([place]) == site_map([place])
    dark = site_map([place], colours=DARK)
    assert DARK.water in dark
    assert LIGHT.water not in dark
    pair = [place, place_of(ATLANTA, name="other")]
    assert f'stroke="{LIGHT.chosen}"' in site_map(pair, chosen="other")
    assert f'stroke="{LIGHT.chosen}"' not in site_map(pair)


def test_power_is_that_of_the_electrical_tree(places):
    memphis = next(place for place in places if place.name == "colossus_memphis")
    assert memphis.sites[0].mw == pytest.approx(337.0, abs=1.0)
    bare = load_topology(shipped("topologies") / "colossus_memphis.yaml").model_copy(update={"electrical": {}})
    found = mapped_place(build_place(bare, "bf16"))
    assert found.sites[0].mw is None
    assert "Area of a dot" not in site_map([found])


def test_command_draws_both_maps(tmp_path, monkeypatch):
    few = [
        build_place(load_topology(shipped("topologies") / f"{name}.yaml"), "bf16") for name in ("goodyear_az", "denton")
    ]
    monkeypatch.setattr("clustersim.report.site_map.shipped_places", lambda: few)
    one, every = tmp_path / "one.svg", tmp_path / "all.svg"
    args = ["topology", "fairwater_wi", "--policy", "ecmp", "--path", "0", "9000"]
    done = CliRunner().invoke(app, [*args, "--map", str(one), "--map-all", str(every)])
    assert done.exit_code == 0, done.output
    assert "wisconsin" in texts(one.read_text())
    assert "Microsoft Fairwater, Wisconsin" in texts(every.read_text())
    assert "CoreWeave Denton, Texas" in texts(every.read_text())
    assert f'stroke="{LIGHT.chosen}"' in every.read_text()


def test_command_refuses(tmp_path):
    place = build_place(load_topology(shipped("topologies") / "meta_24k.yaml"), "bf16")
    with pytest.raises(InputError, match="no map of Meta 24k"):
        map_files(place, tmp_path / "x.svg", None)
    for option in ("--map", "--map-all"):
        with pytest.raises(InputError, match=rf"{option} .*ends in \.svg"):
            map_files(place, *((tmp_path / "x.png", None) if option == "--map" else (None, tmp_path / "x.png")))
    file = str(tmp_path / "x.svg")
    done = CliRunner().invoke(app, ["topology", "colossus_memphis", "--map", file, "--map-all", file])
    assert done.exit_code != 0
    assert "--map and --map-all: expected two files" in str(done.exception) + done.output
    assert not (tmp_path / "x.svg").exists()
