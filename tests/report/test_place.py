"""A place as text, data, files, pictures and a page."""

from __future__ import annotations

import csv
import io
import json
import re
from xml.etree import ElementTree

import networkx as nx
import pytest

from clustersim.errors import InputError
from clustersim.fabric import SiteEndpoints, build_fabric, fabric_spec, to_networkx
from clustersim.report.fabric_picture import place_picture, rate_text
from clustersim.report.place import place_data, place_text
from clustersim.report.place_graph import check_format, export, switch_graph
from clustersim.report.place_page import place_html
from clustersim.report.pod_picture import MOST, pod_picture
from clustersim.scenario import load_topology, shipped
from clustersim.study.places.place import build_place
from clustersim.study.places.survey import loss, path, read_policies, survey

SVG = "{http://www.w3.org/2000/svg}"
GB = 1e9


@pytest.fixture(scope="module")
def place():
    """Three sites of 512 accelerators."""
    found = load_topology(shipped("topologies") / "google_iowa_nebraska.yaml")
    sites = {
        name: site.model_copy(update={"fleet": (site.fleet[0].model_copy(update={"count": 512}),)})
        for name, site in found.site.items()
    }
    return build_place(found.model_copy(update={"site": sites}), "bf16")


@pytest.fixture(scope="module")
def surveyed(place):
    return survey(place)


def fabric(endpoints, name="here", **changes):
    keys = {
        "kind": "fat_tree", "tiers": 2, "switch": "QM9700", "port_rate": "400 Gbit/s", "radix": 64, "goodput": "95 %",
        "optics": {"host": "400G SR4", "leaf_spine": "800G 2xDR4"}, "hop_latency": "0.7 us",
    }  # fmt: skip
    if changes.get("tiers") == 3:
        keys["optics"] = {**keys["optics"], "spine_core": "800G 2xDR4"}
    site = SiteEndpoints(name, endpoints, 41.0, -95.0, 8, 450e9, 50e9, 8)
    return build_fabric(fabric_spec(keys | changes), [site])


def words(svg: str) -> list[str]:
    """Check that a picture is sound and asks for nothing; return its texts."""
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    assert not re.search(r"<script|href|url\(|@import|<image", svg)
    assert len(svg.encode()) < 60_000
    width, height = (float(part) for part in root.attrib["viewBox"].split()[2:])
    for text in root.iter(f"{SVG}text"):
        assert 0 <= float(text.attrib["x"]) <= width
        assert 0 <= float(text.attrib["y"]) <= height
        assert int(text.attrib["font-size"]) >= 12
    return [text.text or "" for text in root.iter(f"{SVG}text")]


def test_data_and_text_agree(place, surveyed):
    data = place_data(surveyed, GB)
    json.dumps(data, allow_nan=False)
    assert data["accelerators"] == 3 * 512
    for name, site in data["sites"].items():
        tree = place.fabric.site(name)
        assert site["leaf_switches"] == tree.count("leaf")
        assert site["bisection_gbit_per_s"] == min(site["tier_bisection_gbit_per_s"].values())
        own = [item for item in data["bill"] if item["place"] == name]
        assert site["network_usd"] == pytest.approx(
            sum(i["count"] * (i["usd"] or 0.0) for i in own if not i["in_accelerators"])
        )
        assert site["network_usd_per_accelerator"] == pytest.approx(site["network_usd"] / 512)
        lengths = {i["item"].removeprefix("cable "): i["total_km"] for i in own if i["total_km"] is not None}
        cables = {c["links"]: c["total_km"] for c in data["cables"] if c["site"] == name}
        assert lengths == cables
        assert {c["links"]: c["count"] for c in data["cables"] if c["site"] == name} == {
            tier.name: tier.count for tier in tree.link_tiers
        }
    assert data["diameter_switches"] == max(cell["switches"] for cell in data["latency"])
    text = place_text(surveyed, GB)
    for part in ("how far apart", "cables, from the layout", "what the loss of one part does", "bill of materials"):
        assert part in text
    assert max(map(len, text.splitlines())) <= 110


def test_losses_of_a_very_large_place_are_computed_when_asked(place, monkeypatch):
    monkeypatch.setattr("clustersim.study.places.survey.MANY_PARTS", 100)
    told = []
    found = survey(place, losses=False, tell=told.append)
    assert (found.whole, found.domains, told) == (None, (), ["cables and delays"])
    data = place_data(found, GB)
    json.dumps(data, allow_nan=False)
    assert (data["all_reduce"], data["failure_domains"]) == (None, [])
    for text in (data["losses_left_out"], place_text(found, GB), place_html(found, GB)):
        assert "--losses" in text
    asked = survey(place)
    assert [pace.policy for pace in asked.whole.paces] == ["spread"]
    assert place_data(asked, GB)["losses_left_out"] is None


def test_what_a_file_leaves_out_is_shown():
    found = survey(build_place(load_topology(shipped("topologies") / "fireflyer_2.yaml"), "bf16"))
    data = place_data(found, GB)
    assert any("storage" in text for text in data["left_out"])
    assert "left out: storage" in place_text(found, GB)
    assert "Left out: storage" in place_html(found, GB)
    assert all(row["cables_in_switches"] for row in data["latency"])
    assert "in them" in place_text(found, GB)


def test_the_loss_of_a_fibre_route_is_in_the_table(place, surveyed):
    kinds = [part["kind"] for part in place_data(surveyed, GB)["failure_domains"]]
    assert kinds.count("fibre") == 3
    found = loss(place, ["fibre omaha-council_bluffs"], ("spread",))
    assert found.after.cut_off == 0
    assert 0.0 < found.after.paces[0].across <= found.before.paces[0].across
    assert found.after.tiers[-3].left == 0.0
    assert [link.name for link in path(place, ("0", "600"), "ecmp", ["fibre omaha-council_bluffs"]).links][3:5] == [
        "council_bluffs > papillion",
        "papillion > omaha",
    ]
    with pytest.raises(InputError, match="did you mean 'spread'"):
        read_policies(place, "sprad", ())


def test_exports_read_back(place, tmp_path):
    graph = to_networkx(place.fabric)
    files = {}
    for ending in (".graphml", ".json", ".csv"):
        files[ending] = tmp_path / f"graph{ending}"
        files[ending].write_text(export(place, files[ending]))
    from_xml = nx.read_graphml(files[".graphml"])
    from_json = nx.node_link_graph(json.loads(files[".json"].read_text()), edges="edges")
    for read in (from_xml, from_json):
        assert set(read.nodes) == set(graph.nodes)
        assert {frozenset(edge) for edge in read.edges} == {frozenset(edge) for edge in graph.edges}
    assert nx.utils.graphs_equal(from_json, switch_graph(place))
    rows = list(csv.DictReader(io.StringIO(files[".csv"].read_text())))
    assert len(rows) == graph.number_of_edges()
    assert sum(int(row["count"]) for row in rows) == sum(link["count"] for _, _, link in graph.edges(data=True))
    with pytest.raises(InputError, match=r"\.graphml, \.json, \.csv, found '\.png'"):
        check_format(tmp_path / "graph.png")


def test_the_picture_names_every_tier_with_its_count(place):
    found = words(place_picture(place.fabric, "three <sites> & fibre"))
    for tree in place.fabric.sites:
        assert tree.site.name in found
    first = place.fabric.sites[0]
    for tier in first.switch_tiers:
        assert found.count(f"{tier.count} {tier.name} switches") == 3
    for tier in first.link_tiers:
        assert f"{tier.count} links of {rate_text(tier.rate)}" in found
    assert any("36.9 km" in text for text in found)
    assert sum("pairs" in text for text in found) == 3


def test_names_cannot_break_the_picture():
    odd = fabric(64, name="<b>&\"'")
    assert "<b>&\"'" in words(place_picture(odd, "</title><script>"))
    words(pod_picture(odd, "<b>&\"'"))


@pytest.mark.parametrize(
    ("changes", "endpoints", "tiers"),
    [
        ({}, 256, 2),
        ({"tiers": 3, "radix": 16}, 1000, 3),
        ({"kind": "rail_optimised", "rails": 8, "radix": 64}, 1024, 2),
        ({"kind": "multi_plane", "planes": 8, "split": "rails"}, 4096, 2),
        ({"tiers": 3}, 60_000, 3),
    ],
)
def test_the_first_pod_switch_by_switch(changes, endpoints, tiers):
    found = fabric(endpoints, **changes)
    svg = pod_picture(found, "here")
    texts = words(svg)
    rows = [text for text in texts if " of " in text]
    assert len(rows) == tiers + 1
    boxes = len(re.findall(r'fill="#[0-9A-F]{6}" stroke', svg))
    assert boxes <= (tiers + 1) * MOST
    if "planes" not in changes:
        assert any(text.endswith(f"{found.sites[0].count('leaf'):,} leaves") for text in texts)


def test_many_routes_are_numbered():
    names = [f"site{at}" for at in range(6)]
    links = [
        {"a": a, "b": b, "fibre_pairs": 2, "pair_capacity": "10 Tbit/s"}
        for i, a in enumerate(names)
        for b in names[i + 1 : i + 3]
    ]
    spec = fabric_spec(
        {
            "kind": "fat_tree", "tiers": 2, "switch": "QM9700", "port_rate": "400 Gbit/s", "radix": 64,
            "goodput": "95 %", "optics": {"host": "400G SR4", "leaf_spine": "800G 2xDR4"}, "hop_latency": "0.7 us",
            "wan": {"route_factor": 1.2, "delay_per_km": "4.9 us", "transceiver": "400ZR", "links": links},
        }
    )  # fmt: skip
    sites = [SiteEndpoints(n, 64, 40.0 + i % 3, -95.0 + i, 8, 450e9, 50e9, 8) for i, n in enumerate(names)]
    found = words(place_picture(build_fabric(spec, sites), "six"))
    assert {str(at + 1) for at in range(len(links))} <= set(found)
    assert any(text.startswith("9  site4 - site5") for text in found)


def test_the_page_stands_alone(place, surveyed):
    page = place_html(surveyed, GB, loss(place, ["omaha/spine0"]), path(place, ("0", "9"), "ecmp"))
    assert page == place_html(surveyed, GB, loss(place, ["omaha/spine0"]), path(place, ("0", "9"), "ecmp"))
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert page.count("<svg") == 3  # the place, one pod as the sites are alike, and the one-line diagram
    assert "without omaha/spine0" in page
    assert len(page.encode()) < 300_000
