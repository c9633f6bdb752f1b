"""What the loss of a part does: capacity, accelerators, all-reduce; paths by name."""

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.fabric import build_fabric, flow_network, parse_damage
from clustersim.fabric.cables import site_cables
from clustersim.fabric.failure_domains import failure_domains
from clustersim.fabric.failures import all_reduce_seconds, outage, place_networks, ring_step
from clustersim.fabric.latency import diameter, latency_matrix
from clustersim.fabric.path_query import find_path, parse_accelerator

NIC = 0.95 * 50e9
ALL = ("ecmp", "static", "spread", "rail_local")


@pytest.fixture(scope="module")
def leaf_spine(make_spec, make_site):
    # radix 16, two tiers: 16 leaves of 8 hosts, 8 spines
    return build_fabric(make_spec(radix=16, tiers=2), [make_site(128, domain=4)])


@pytest.fixture(scope="module")
def sites(make_spec, make_site):
    def make(count, **link):
        names = ["east", "west", "north"][:count]
        pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
        links = [{"a": a, "b": b, "fibre_pairs": 4, "channels": 8, **link} for a, b in pairs]
        wan = {"route_factor": 1.3, "delay_per_km": "5 us", "transceiver": "400ZR", "links": links}
        where = [make_site(64, name, 41.0 + 0.3 * at, -95.8, domain=4) for at, name in enumerate(names)]
        return build_fabric(make_spec(radix=8, wan=wan), where)

    return make


def test_losing_nothing_changes_nothing(leaf_spine):
    networks = place_networks(leaf_spine, ALL)
    found = outage(networks, [])
    assert (found.cut_off, found.members) == (0, 128)
    assert all(tier.left == tier.least == 1.0 for tier in found.tiers)
    assert found.paces == outage(networks, ["leaf3"], left=1.0).paces
    assert {pace.policy: pace.reason for pace in found.paces} == dict.fromkeys(ALL, "")


def test_a_lost_spine_takes_its_share_of_every_leaf(leaf_spine):
    networks = place_networks(leaf_spine, ("static", "spread"))
    before, after = (outage(networks, names) for names in ([], ["spine3"]))
    uplinks = next(tier for tier in after.tiers if tier.tier == "leaf-spine")
    assert (uplinks.left, uplinks.least) == (pytest.approx(7 / 8), pytest.approx(7 / 8))
    spread = {pace.policy: pace for pace in after.paces}["spread"]
    assert before.paces[1].across == pytest.approx(NIC)
    assert spread.across == pytest.approx(7 / 8 * NIC)
    # a ring needs half of the uplinks of a leaf of two servers, and loses nothing
    assert spread.ring == pytest.approx(NIC)
    assert spread.bus == pytest.approx(4 * NIC)
    # by destination, flows of the lost spine share the uplinks of others
    assert {pace.policy: pace for pace in after.paces}["static"].across == pytest.approx(NIC / 2)
    assert (after.cut_off, after.members) == (0, 128)


def test_a_lost_leaf_cuts_its_accelerators_off(leaf_spine):
    found = outage(place_networks(leaf_spine, ("spread",)), ["leaf2"])
    assert (found.cut_off, found.members) == (8, 120)
    assert found.paces[0].ring == pytest.approx(NIC)
    # what is left is whole: the dead leaf does not count
    assert all(tier.least == 1.0 for tier in found.tiers)
    assert found.tiers[1].left == pytest.approx(15 / 16)


def test_a_lost_card_takes_its_server_out(leaf_spine):
    found = outage(place_networks(leaf_spine, ("spread",)), ["gpu5:leaf0"])
    assert (found.cut_off, found.members) == (1, 124)
    # half of a link is half of the ring
    slow = outage(place_networks(leaf_spine, ("spread",)), ["gpu5:leaf0"], left=0.5)
    assert (slow.cut_off, slow.members) == (0, 128)
    assert slow.paces[0].ring == pytest.approx(NIC / 2)


def test_losing_more_never_speeds_up(leaf_spine):
    networks = place_networks(leaf_spine, ("spread",))
    rates = [outage(networks, [f"spine{at}" for at in range(count)]).paces[0].across for count in range(8)]
    assert rates == pytest.approx([NIC * (8 - count) / 8 for count in range(8)])
    nothing = outage(networks, [f"spine{at}" for at in range(8)])
    assert nothing.members == 8  # each leaf alone; the first is as large as any


def test_the_only_fibre_parts_the_sites_and_one_of_three_does_not(sites):
    two, three = (place_networks(sites(count), ("spread",)) for count in (2, 3))
    found = outage(two, ["fibre east-west"])
    assert (found.cut_off, found.members) == (64, 64)
    assert found.tiers[-1].left == 0.0
    found = outage(three, ["fibre west-east"])
    assert (found.cut_off, found.members) == (0, 192)
    assert 0.0 < found.paces[0].across <= outage(three, []).paces[0].across


def test_a_second_way_keeps_the_sites_together(sites):
    found = outage(place_networks(sites(2, protection={"fibre_pairs": 1}), ("spread",)), ["fibre east-west"])
    assert found.cut_off == 0
    assert found.tiers[-1].left == pytest.approx(1 / 4)


def test_one_of_every_kind(sites):
    found = {part.kind: part for part in failure_domains(sites(2), ("spread",))}
    assert list(found) == ["host-leaf link", "leaf", "spine", "core", "fibre"]
    assert [part.site for part in found.values()] == ["east"] * 4 + [""]
    assert [part.before.members for part in found.values()] == [64] * 4 + [128]
    tree = sites(2).sites[0]
    assert found["leaf"].count == tree.count("leaf")
    assert found["host-leaf link"].count == tree.host_links
    assert found["leaf"].outage.cut_off == tree.endpoints_per_leaf
    assert found["fibre"].outage.cut_off == 64


def test_a_shared_port_cuts_off_all_that_share_it(make_spec, make_site):
    # cards of 200 Gbit/s, two to a port of 400
    fabric = build_fabric(make_spec(radix=8, tiers=2), [make_site(32, domain=1, nic=25e9)])
    assert (fabric.sites[0].sharing, fabric.sites[0].host_links) == (2, 16)
    found = failure_domains(fabric, ("spread",))[0]
    assert (found.kind, found.count) == ("host-leaf link", 16)
    assert found.outage.names == ("here/gpu0:leaf0", "here/gpu1:leaf0")
    assert (found.outage.cut_off, found.outage.members) == (2, 30)
    # one accelerator is left over: its port has no other
    odd = build_fabric(make_spec(radix=8, tiers=2), [make_site(1, domain=1, nic=25e9)])
    assert failure_domains(odd, ("spread",))[0].outage.names == ("here/gpu0:leaf0",)


@pytest.mark.parametrize(("nic", "left"), [(100e9, 1 / 2), (75e9, 2 / 3), (150e9, 2 / 3)])
def test_a_card_of_several_ports_keeps_the_others(make_spec, make_site, nic, left):
    # ports of 400 Gbit/s: two for 800 or 600, three for 1,200
    fabric = build_fabric(make_spec(radix=16, tiers=2), [make_site(64 if nic < 150e9 else 32, domain=1, nic=nic)])
    found = failure_domains(fabric, ("spread",))[0]
    assert found.count == fabric.endpoints * fabric.sites[0].ports
    assert found.outage.cut_off == 0
    assert found.outage.tiers[0].least == pytest.approx(left)
    assert found.outage.paces[0].ring == pytest.approx(left * 0.95 * nic)


def test_ways_within_a_group_of_rails(make_spec, make_site):
    def ways(domain=4, **changes):
        fabric = build_fabric(make_spec(radix=8, tiers=2, **changes), [make_site(32, domain=domain)])
        found = latency_matrix(fabric, site_cables(fabric))
        return fabric, {(cell.block, cell.way): cell.hops for cell in found}, diameter(found)

    fabric, found, most = ways(kind="rail_optimised", rails=4)
    same, inside, over = ("leaf", "same_rail"), ("group", "inside_the_server"), ("group", "over_the_spine")
    assert (found[same], found[inside], found[over], most) == (1, 1, 3, 3)
    crossed = {policy: find_path(flow_network(fabric, policy), 0, 5).switches for policy in ("ecmp", "rail_local")}
    assert crossed == {"ecmp": found[over], "rail_local": found[inside]}
    assert find_path(flow_network(fabric, "ecmp"), 0, 4).switches == found[same]
    # planes are joined in the servers only
    fabric, found, _ = ways(kind="multi_plane", planes=4, split="rails")
    assert (found[same], found[inside], over in found) == (1, 1, False)
    assert find_path(flow_network(fabric, "ecmp"), 0, 5).switches == found[inside]
    assert {block for block, way in ways(domain=2)[1] if not way} == {"scale_up", "leaf", "pod"}


def test_cables_that_are_in_the_delay_of_the_switches_are_not_added(make_spec, make_site):
    keys = {"radix": 16, "tiers": 2, "hop_latency": "0.45 us"}
    for within in (False, True):
        fabric = build_fabric(make_spec(**keys, hop_latency_with_cables=within), [make_site(128, domain=4)])
        cells = latency_matrix(fabric, site_cables(fabric))[1:]
        found = find_path(flow_network(fabric, "ecmp"), 0, 127)
        assert all((cell.cables_s == 0.0) == within for cell in cells)
        assert (found.cables_s == 0.0) == within
        assert found.switches_s == pytest.approx(3 * 0.45e-6)
        assert all(link.length for link in found.links)


@pytest.mark.parametrize(
    ("changes", "endpoints"),
    [
        ({"kind": "rail_optimised", "rails": 4, "radix": 8}, 96),
        ({"kind": "multi_plane", "planes": 4, "split": "rails", "radix": 8, "tiers": 2}, 128),
        ({"kind": "multi_plane", "planes": 2, "split": "ports", "radix": 8, "tiers": 2}, 30),
    ],
)
def test_other_fabrics(make_spec, make_site, changes, endpoints):
    fabric = build_fabric(make_spec(**changes), [make_site(endpoints, domain=2 if endpoints == 30 else 4)])
    networks = place_networks(fabric, ALL)
    for part in failure_domains(fabric, ALL):
        assert all(pace.reason == "" for pace in part.outage.paces), part
        assert part.outage.members >= endpoints / 2
    found = find_path(networks.by_policy["ecmp"], 0, endpoints - 1)
    assert found.links[0].name.startswith("here/gpu0")
    assert found.links[-1].name.endswith(f"gpu{endpoints - 1}")


def test_unknown_parts_are_named(leaf_spine, sites):
    networks = place_networks(leaf_spine, ("spread",))
    for name, said in (("spine9", "spine0 to spine7"), ("spin3", "no 'spin3'"), ("fibre a-b", "there is none")):
        with pytest.raises(InputError, match=said):
            outage(networks, [name])
    with pytest.raises(InputError, match="a site of east, west"):
        outage(place_networks(sites(2), ("spread",)), ["spine0"])


def test_time_of_an_all_reduce():
    assert all_reduce_seconds(100e9, 4, 1e9) == pytest.approx(2 * 3 / 4 * 1e9 / 100e9)
    assert all_reduce_seconds(0.0, 4, 1e9) == float("inf")
    assert all_reduce_seconds(1.0, 1, 1e9) == 0.0
    with pytest.raises(ValueError, match="not negative"):
        all_reduce_seconds(1.0, 4, -1.0)


def test_a_path_has_its_links_delay_and_rate(leaf_spine):
    found = find_path(flow_network(leaf_spine, "ecmp"), 0, 127)
    assert [link.kind for link in found.links] == ["host-leaf", "leaf-spine", "leaf-spine", "host-leaf"]
    assert found.links[0].name == "here/gpu0 > here/leaf0"
    assert found.switches == 3
    assert found.switches_s == pytest.approx(3 * 0.7e-6)
    metres = sum(link.length for link in found.links)
    assert found.cables_s == pytest.approx(metres * 4.9e-9)
    assert found.rate == pytest.approx(NIC)
    spread = find_path(flow_network(leaf_spine, "spread"), 0, 127)
    assert spread.switches == 3
    assert spread.links[1].rate == pytest.approx(8 * NIC)
    assert spread.links[1].length is None
    inside = find_path(flow_network(leaf_spine, "ecmp"), 0, 3)
    assert (inside.switches, inside.total_s, inside.rate) == (0, 0.0, 450e9)


def test_a_path_between_sites_goes_round_a_cut(sites):
    fabric = sites(3)
    a, b = (parse_accelerator(fabric, name) for name in ("east/gpu3", "west/5"))
    assert (a, b) == (3, 69)
    direct = find_path(flow_network(fabric, "ecmp"), a, b)
    assert [link.kind for link in direct.links].count("fibre") == 1
    assert direct.switches == 6
    assert direct.fibre_s == pytest.approx(fabric.wan[0].one_way_s)
    damage = parse_damage(fabric, ["fibre east-west"])
    around = find_path(flow_network(fabric, "ecmp", damage), a, b)
    assert [link.name for link in around.links if link.kind == "fibre"] == ["east > north", "north > west"]
    assert around.switches == 7
    assert around.total_s > direct.total_s


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "expected an accelerator such as"),
        ("128", "from 0 to 127"),
        ("east/gpu64", "from 0 to 63 of east"),
        ("wst/3", "did you mean 'west'"),
        ("gpu3", "SITE/gpuN"),
        ("-3", "expected an accelerator such as"),
    ],
)
def test_wrong_accelerators(sites, text, said):
    with pytest.raises(InputError, match=said):
        parse_accelerator(sites(2), text)


def test_a_path_to_itself_or_to_what_is_cut_off(leaf_spine):
    with pytest.raises(InputError, match="two different accelerators"):
        find_path(flow_network(leaf_spine, "ecmp"), 4, 4)
    with pytest.raises(InputError, match="no path is left"):
        find_path(flow_network(leaf_spine, "ecmp", parse_damage(leaf_spine, ["leaf0"])), 0, 127)


def test_the_step_of_the_ring_is_a_server_or_a_domain(leaf_spine, make_spec, make_site):
    assert ring_step(leaf_spine) == 4
    alone = build_fabric(make_spec(radix=8, tiers=2), [make_site(8, domain=8)])
    found = outage(place_networks(alone, ("spread",)), [])
    assert found.paces[0].bus == 450e9
    assert np.isfinite(found.paces[0].ring)
