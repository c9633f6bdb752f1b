import math
from dataclasses import replace

import pytest
from pydantic import ValidationError

from clustersim.errors import CapacityError, InputError
from clustersim.fabric import (
    accelerator_resources,
    build_fabric,
    great_circle_m,
    placement,
    wan_path,
    wan_ring_bandwidth,
)
from clustersim.fabric.cables import site_cables
from clustersim.fabric.latency import latency_matrix
from clustersim.fabric.wan import route_after_loss

PLACES = {
    "council_bluffs": (41.16665, -95.79774),
    "omaha": (41.33568, -96.05236),
    "lincoln": (40.90747, -96.64578),
    "fairwater_wi": (42.67487, -87.89488),
    "fairwater_atl": (33.44535, -84.52548),
}


def wan(*links, pairs=40, transceiver="400ZR"):
    ends = [{"a": a, "b": b, "fibre_pairs": pairs, "pair_capacity": "25.6 Tbit/s"} for a, b in links]
    return {"route_factor": 1.3, "delay_per_km": "4.9 us", "transceiver": transceiver, "links": ends}


@pytest.fixture(scope="module")
def place(make_spec, make_site):
    def make(names, links, pairs=40, endpoints=1024, **changes):
        sites = [make_site(endpoints, name, *PLACES[name]) for name in names]
        return build_fabric(make_spec(wan=wan(*links, pairs=pairs), **changes), sites)

    return make


CHAIN = [("council_bluffs", "omaha"), ("omaha", "lincoln")]
TRIANGLE = [*CHAIN, ("lincoln", "council_bluffs")]
THREE = ["council_bluffs", "omaha", "lincoln"]


@pytest.mark.parametrize(
    ("a", "b", "km", "one_way_ms"),
    [
        ("council_bluffs", "omaha", 28.4, 0.181),
        ("council_bluffs", "lincoln", 76.7, 0.489),
        ("omaha", "lincoln", 68.8, 0.438),
        ("fairwater_wi", "fairwater_atl", 1067.6, 6.800),
    ],
)
def test_distance_and_delay(place, a, b, km, one_way_ms):
    route = place([a, b], [(a, b)]).wan[0]
    assert great_circle_m(*PLACES[a], *PLACES[b]) == route.great_circle_m
    assert route.great_circle_m * 1e-3 == pytest.approx(km, abs=0.051)
    assert route.route_m == pytest.approx(1.3 * route.great_circle_m)
    assert route.one_way_s * 1e3 == pytest.approx(one_way_ms, abs=0.001)


def test_great_circle_of_known_arcs():
    assert great_circle_m(10.0, 20.0, 10.0, 20.0) == 0.0
    assert great_circle_m(0, 0, 0, 180) == pytest.approx(math.pi * 6_371_008.8)
    assert great_circle_m(90, 0, -90, 77) == pytest.approx(math.pi * 6_371_008.8)


def test_each_site_has_its_own_tree(make_spec, make_site):
    sites = [make_site(2_048, "omaha", *PLACES["omaha"]), make_site(300, "lincoln", *PLACES["lincoln"])]
    fabric = build_fabric(make_spec(wan=wan(("omaha", "lincoln"))), sites)
    assert [tree.leaf_switches for tree in fabric.sites] == [64, 10]
    assert fabric.endpoints == 2_348
    assert fabric.wan[0].capacity == pytest.approx(40 * 25.6e12 / 8)


def test_ring_bandwidth_of_two_three_and_a_chain(place):
    capacity = 40 * 25.6e12 / 8
    two = place(THREE[:2], CHAIN[:1])
    assert wan_ring_bandwidth(two) == pytest.approx(capacity)
    assert wan_ring_bandwidth(place(THREE, TRIANGLE)) == pytest.approx(2 * capacity)
    # in a chain the hop that closes the ring goes back over both links
    assert wan_ring_bandwidth(place(THREE, CHAIN)) == pytest.approx(capacity)
    share = accelerator_resources(two, "omaha")
    assert share["wan"] == pytest.approx(0.95 * capacity / 1024)
    assert accelerator_resources(two, "omaha", [1024, 256])["wan"] == pytest.approx(0.95 * capacity / 256)


def test_path_of_least_delay(place):
    chain = place(THREE, CHAIN)
    path = wan_path(chain, "council_bluffs", "lincoln")
    assert [(route.a, route.b) for route in path] == CHAIN
    assert wan_path(chain, "omaha", "omaha") == ()
    assert len(wan_path(place(THREE, TRIANGLE), "council_bluffs", "lincoln")) == 1


def test_hops_and_latency_by_tier(place):
    fabric = place(THREE, CHAIN, endpoints=2_048)
    found = {(cell.a, cell.b, cell.block): cell for cell in latency_matrix(fabric, site_cables(fabric))}
    omaha = {block: found["omaha", "omaha", block] for block in ("scale_up", "leaf", "pod", "site")}
    assert [cell.hops for cell in omaha.values()] == [0, 1, 3, 5]
    assert omaha["site"].switches_s == pytest.approx(5 * 0.7e-6)
    first, last = THREE[0], THREE[2]
    across = found[first, last, "sites"]
    assert across.hops == 7
    assert across.switches_s == pytest.approx(7 * 0.7e-6)
    assert across.fibre_s == pytest.approx(sum(route.one_way_s for route in fabric.wan))
    assert found[first, THREE[1], "sites"].hops == 6


def test_shares_of_one_accelerator(make_spec, make_site):
    flat = accelerator_resources(build_fabric(make_spec(), [make_site(4_096)]))
    assert flat == pytest.approx({"scale_up": 450e9, "nic": 47.5e9, "leaf": 47.5e9, "spine": 47.5e9})
    thin = build_fabric(make_spec(oversubscription={"leaf": 3, "spine": 7}), [make_site(4_096)])
    assert accelerator_resources(thin)["leaf"] == pytest.approx(47.5e9 / 3)
    assert accelerator_resources(thin)["spine"] == pytest.approx(47.5e9 / 21)
    two = build_fabric(make_spec(tiers=2), [make_site(1_024)])
    assert accelerator_resources(two)["spine"] == math.inf


def test_least_share_of_all_sites(make_spec, make_site):
    sites = [make_site(2_048, "omaha", *PLACES["omaha"]), make_site(1_024, "lincoln", *PLACES["lincoln"])]
    fabric = build_fabric(make_spec(wan=wan(("omaha", "lincoln"))), sites)
    assert accelerator_resources(fabric)["wan"] == accelerator_resources(fabric, "omaha")["wan"]
    assert accelerator_resources(fabric, "lincoln")["wan"] == 2 * accelerator_resources(fabric, "omaha")["wan"]


def test_placement_of_a_smaller_job(place):
    fabric = place(THREE, CHAIN)
    assert placement(fabric).sites == (1024, 1024, 1024)
    assert placement(fabric, [1024, 512, 8]).ranks == 1544
    with pytest.raises(CapacityError, match="site omaha has 1,024"):
        placement(fabric, [1024, 1025, 8])


@pytest.mark.parametrize(
    ("names", "links", "match"),
    [
        (["omaha"], [("omaha", "lincoln")], "single site"),
        (["omaha", "lincoln"], [("omaha", "lincon")], "did you mean 'lincoln'"),
        (THREE, CHAIN[:1], "no path from council_bluffs to lincoln"),
        (THREE, CHAIN[1:], "no path from council_bluffs to omaha, lincoln"),
        (THREE, [*CHAIN, ("lincoln", "omaha")], "same pair of sites"),
        (["omaha", "omaha"], [("omaha", "lincoln")], "different names"),
    ],
)
def test_wrong_places_are_refused(place, names, links, match):
    with pytest.raises(InputError, match=match):
        place(names, links)


def test_wan_is_needed_between_sites_and_only_there(make_spec, make_site, place):
    with pytest.raises(InputError, match="3 sites need links"):
        build_fabric(make_spec(), [make_site(8, name) for name in "abc"])
    with pytest.raises(InputError, match="single site"):
        wan_ring_bandwidth(build_fabric(make_spec(), [make_site(8)]))
    with pytest.raises(InputError, match="did you mean 'omaha'"):
        place(THREE, CHAIN).site("omha")
    with pytest.raises(ValidationError, match="two different sites"):
        make_spec(wan=wan(("omaha", "omaha")))


@pytest.mark.parametrize(
    ("transceiver", "change", "match"),
    [
        ("DAC", {}, "fabric.wan.transceiver: expected a module for fibre, found DAC, copper of 3 m"),
        ("800G 2xFR4", {"pair_capacity": "800 Gbit/s"}, "need a coherent module; 800G 2xFR4 reaches 2 km"),
        ("800G 2xFR4", {}, "800G 2xFR4 is not coherent and lights a fibre pair with one signal, found 32"),
        (
            "400ZR",
            {"protection": {"fibre_pairs": 2, "length": "20 km"}},
            r"0\.protection\.length: .*28.4 km.*found 20 km",
        ),
        ("400ZR", {"length": "20 km"}, r"0\.length: expected at least the great circle of 28.4 km"),
    ],
)
def test_fibre_that_cannot_be_is_refused(make_spec, make_site, transceiver, change, match):
    between = wan(CHAIN[0], transceiver=transceiver)
    between["links"][0] |= change
    sites = [make_site(64, name, *PLACES[name]) for name in CHAIN[0]]
    with pytest.raises(InputError, match=match):
        build_fabric(make_spec(wan=between), sites)


def test_the_second_way_takes_over(make_spec, make_site):
    between = wan(CHAIN[0])
    between["links"][0] |= {"length": "40 km", "protection": {"fibre_pairs": 10, "length": "70 km"}}
    sites = [make_site(64, name, *PLACES[name]) for name in CHAIN[0]]
    (route,) = build_fabric(make_spec(wan=between), sites).wan
    assert route_after_loss(route, 1.0) is route
    half = route_after_loss(route, 0.5)
    assert (half.capacity, half.one_way_s, half.second) == (0.5 * route.capacity, route.one_way_s, route.second)
    for left in (0.0, 0.2):
        cut = route_after_loss(route, left)
        assert (cut.name, cut.fibre_pairs, cut.route_m, cut.second) == (route.name, 10, 70e3, None)
        assert cut.capacity == pytest.approx(10 * 25.6e12 / 8)
        assert cut.one_way_s == pytest.approx(70 * 4.9e-6)
    assert route_after_loss(replace(route, second=None), 0.0).capacity == 0.0
