"""The one-line diagram and the text of the electrical tree."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from clustersim.cli import app
from clustersim.errors import InputError
from clustersim.plant import SitePlantSpec
from clustersim.plant.electrical_tree import electrical_tree
from clustersim.report.electrical_text import alike, trees_data, trees_text
from clustersim.report.one_line import colour_of, one_line, place_one_line
from clustersim.report.style import GREEN, ORANGE, RED
from clustersim.scenario import load_topology, shipped
from clustersim.study.places.place import build_place
from clustersim.study.site.electrical import nameplate_trees

SVG = "{http://www.w3.org/2000/svg}"
SPEC = {
    "frequency": "60 Hz",
    "grid": {
        "capacity": "200 MW", "voltage": "345 kV", "system": "ercot", "short_circuit": "12 GVA", "x_over_r": 12,
        "feeds": {"count": 3, "capacity": "100 MW", "redundancy": "N+1"},
    },
    "generators": [
        {"type": "lm2500", "count": 10, "governor": "none", "dispatch_limit": "80 %"},
        {"type": "solar_titan_250", "count": 6, "governor": "none", "dispatch_limit": "80 %"},
    ],
    "conversion": [
        {"stage": "hv_transformer", "unit": "75 MVA", "count": 7, "redundancy": "N+1", "voltage": "34.5 kV"},
        {
            "stage": "mv_transformer", "unit": "2.75 MVA", "count": 160, "redundancy": "N+1", "block": 4,
            "breaker": {
                "curve": "iec_very_inverse", "pickup": "120 %", "time_multiplier": 0.4, "interrupting": "65 kA",
            },
        },
        {"stage": "ups", "unit": "2 MW", "count": 180, "redundancy": "3N/2", "share": "90 %"},
        {"stage": "busway", "unit": "1 MVA", "count": 400, "share": "90 %"},
        {"stage": "bbu_shelf", "unit": "100 kW", "count": 4000, "share": "90 %"},
        {"stage": "psu", "unit": "5.5 kW", "count": 96000, "redundancy": "N+2", "block": 6, "share": "90 %"},
    ],
}  # fmt: skip


def tree(load_w=250e6):
    return electrical_tree(SitePlantSpec.model_validate(SPEC), load_w)


def texts(drawn: str) -> list[str]:
    """Check that a picture is sound and asks for nothing; return its texts."""
    root = ElementTree.fromstring(drawn)
    assert root.tag == f"{SVG}svg"
    assert not re.search(r"<script|href|url\(|@import|<image", drawn)
    return [item.text or "" for item in root.iter(f"{SVG}text")]


def test_everything_that_the_file_says_is_drawn():
    said = texts(one_line({"here": tree()}, "Two kinds of generators & <more>"))
    for words in (
        "Two kinds of generators & <more>",
        "3 feeds of 100 MW, N+1",
        "10 x lm2500",
        "6 x solar_titan_250",
        "hv_transformer: 7 x 75.0 MVA, N+1",
        "mv_transformer: 160 x 2.75 MVA, N+1 in blocks of 4",
        "breaker: iec_very_inverse from 120 %, multiplier 0.4; breaks 65.0 kA",
        "ups: 180 x 2.00 MW, 3N/2",
        "bbu_shelf: 4,000 x 100 kW, N",
        "psu: 96,000 x 5.50 kW, N+2 in blocks of 6",
    ):
        assert words in said, words
    assert said.count("10.0 % past it") == 1, "what leaves the way once is not told again further down"
    assert said.count("G") == 2


def test_texts_stay_on_the_sheet_and_apart():
    drawn = one_line({"here": tree(), "there": tree(100e6)}, "Two sites")
    root = ElementTree.fromstring(drawn)
    width, height = (float(x) for x in root.attrib["viewBox"].split()[2:])
    places = set()
    for item in root.iter(f"{SVG}text"):
        x, y, size = (float(item.attrib[key]) for key in ("x", "y", "font-size"))
        long = 0.6 * size * len(item.text or "")
        begin = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[item.attrib["text-anchor"]] * long
        assert begin >= 0.0, item.text
        assert begin + long <= width, item.text
        assert y <= height
        assert (x, y) not in places, item.text
        places.add((x, y))


def test_the_same_tree_gives_the_same_bytes_and_alike_sites_are_drawn_once():
    assert one_line({"a": tree()}, "here") == one_line({"a": tree()}, "here")
    assert [names for names, _ in alike({"a": tree(), "b": tree(1e6), "c": tree()})] == ["a, c", "b"]
    assert texts(one_line({"a": tree(), "c": tree()}, "here")).count("a, c") == 1


def test_colours_follow_the_firm_capacity():
    assert [colour_of(x) for x in (0.0, 0.79, 0.8, 1.0, 1.01)] == [GREEN, GREEN, ORANGE, ORANGE, RED]
    assert f'stroke="{RED}"' in one_line({"a": tree(290e6)}, "here")
    assert f'stroke="{RED}"' not in one_line({"a": tree(100e6)}, "here")


def test_text_and_data_tell_the_same():
    trees = {"here": tree()}
    said, data = trees_text(trees), trees_data(trees)["here"]
    assert f"{data['limited_by']} limits the site to" in said
    assert data["limited_by"] == "ups"
    assert data["meter_mw"] == pytest.approx(250.0 + data["losses_mw"])
    assert [stage["stage"] for stage in data["stages"]] == [stage["stage"] for stage in SPEC["conversion"]]
    assert data["stages"][0]["firm_mva"] == pytest.approx(450.0)
    assert max(len(line) for line in said.splitlines()) <= 110
    beyond = trees_text({"here": tree(290e6)})
    assert "less than this load" in beyond
    assert json.loads(json.dumps(data)) == data


def test_no_operating_point_is_words_in_text_and_none_in_data():
    spec = {**SPEC, "grid": {**SPEC["grid"], "short_circuit": "300 MVA"}, "generators": None}
    feeble = {"here": electrical_tree(SitePlantSpec.model_validate(spec), 250e6)}
    assert "no operating point" in trees_text(feeble)
    assert any("no operating point" in words for words in texts(one_line(feeble, "here")))
    assert trees_data(feeble)["here"]["voltage_pu"] is None
    json.dumps(trees_data(feeble), allow_nan=False)


@pytest.mark.parametrize("name", ["colossus_memphis", "google_iowa_nebraska"])
def test_shipped_places(name, tmp_path):
    place = build_place(load_topology(shipped("topologies") / f"{name}.yaml"), "bf16")
    said = texts(place_one_line(place, tmp_path / "one.svg"))
    for site, found in nameplate_trees(place).items():
        assert any(site in words for words in said)
        assert found.limit_w > 0.0
    with pytest.raises(InputError, match=r"ends in \.svg"):
        place_one_line(place, tmp_path / "one.png")


def test_a_place_without_electrical_section(tmp_path):
    found = load_topology(shipped("topologies") / "google_iowa_nebraska.yaml").model_copy(update={"electrical": {}})
    place = build_place(found, "bf16")
    with pytest.raises(InputError, match="no section `electrical`"):
        place_one_line(place, tmp_path / "one.svg")
    assert trees_text(nameplate_trees(place)) == ""


def test_command_refuses_one_file_for_two(tmp_path):
    file = str(tmp_path / "x.svg")
    done = CliRunner().invoke(app, ["topology", "colossus_memphis", "--one-line", file, "--html", file])
    assert done.exit_code != 0
    assert "expected two files" in str(done.exception) + done.output


def test_condensers_and_flywheels_are_drawn():
    more = {
        "synchronous_condensers": {"type": "synchronous_condenser", "count": 2, "rating": "60 MVA"},
        "flywheels": {
            "type": "flywheel_converter", "count": 9, "power": "1 MW", "energy": "7.2 MJ", "droop": "1 %",
            "deadband": "0 Hz",
        },
    }  # fmt: skip
    spec = SitePlantSpec.model_validate({**SPEC, **more})
    said = texts(one_line({"here": electrical_tree(spec, 250e6)}, "A place"))
    assert {"SC", "FW", "2 x synchronous_condenser", "60.0 MVA each", "9.00 MW in all"} <= set(said)
    assert not {"SC", "FW"} & set(texts(one_line({"here": tree()}, "A place")))
