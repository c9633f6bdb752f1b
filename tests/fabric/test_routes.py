"""Paths of flows over every link: connected, of least length, balanced, alive."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.errors import CapacityError, InputError
from clustersim.fabric import (
    build_fabric,
    completion_times,
    flow_network,
    flow_rates,
    parse_damage,
    route_flows,
    tree_shape,
)

KINDS = {
    "fat tree, two tiers": ({"radix": 8, "tiers": 2}, 32),
    "fat tree, three tiers": ({"radix": 8}, 128),
    "partly filled": ({"radix": 8}, 104),
    "last pod small": ({"radix": 8}, 68),
    "oversubscribed": ({"radix": 8, "oversubscription": {"leaf": 3}}, 90),
    "tapered at the spine": ({"radix": 12, "oversubscription": {"spine": 2}}, 150),
    "rails": ({"kind": "rail_optimised", "rails": 4, "radix": 8}, 96),
    "rails, two tiers": ({"kind": "rail_optimised", "rails": 4, "radix": 16, "tiers": 2}, 100),
    "planes of rails": ({"kind": "multi_plane", "planes": 4, "split": "rails", "radix": 8, "tiers": 2}, 128),
    "planes of ports": ({"kind": "multi_plane", "planes": 2, "split": "ports", "radix": 8, "tiers": 2}, 30),
    "planes of ports, rails": (
        {"kind": "multi_plane", "planes": 2, "split": "ports", "rails": 4, "radix": 16, "port_rate": "200 Gbit/s"},
        600,
    ),
}


@pytest.fixture(scope="module")
def make(make_spec, make_site):
    def place(kind):
        changes, endpoints = KINDS[kind]
        return build_fabric(make_spec(**changes), [make_site(endpoints, domain=4)])

    return place


def walk(network, routes, part, a, b):
    """Check that the links of a part join its ends; return the tiers of nodes on the way."""
    table = network.wirings[0].table
    links = routes.links[routes.first[part] : routes.first[part + 1]]
    at = a
    names = []
    for link in links:
        assert table.tail[link] == at
        at = int(table.head[link])
        names.append(network.wirings[0].node_name(at))
    assert at == b
    return names


@pytest.mark.parametrize("policy", ["ecmp", "static", "spread", "rail_local"])
@pytest.mark.parametrize("kind", KINDS)
def test_paths_join_their_ends_over_as_few_switches_as_there_are(make, kind, policy):
    fabric = make(kind)
    network = flow_network(fabric, policy)
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, fabric.endpoints, (2, 400))
    a, b = a[a != b], b[a != b]
    routes = route_flows(network, a, b)
    table = network.wirings[0].table
    graph = nx.DiGraph(zip(table.tail.tolist(), table.head.tolist(), strict=True))
    # without the scale-up network, which every rail of a server is reached through
    switched = nx.DiGraph(
        (t, h) for t, h, k in zip(table.tail.tolist(), table.head.tolist(), table.kind.tolist(), strict=True) if k > 0
    )
    for part in range(len(routes)):
        source, target = int(a[routes.flow[part]]), int(b[routes.flow[part]])
        names = walk(network, routes, part, source, target)
        if source // 4 == target // 4:
            assert len(names) == 2  # out of the accelerator and into its neighbour
            assert names[0].startswith("domain")
        elif policy == "rail_local" or kind == "planes of rails":
            assert len(names) >= nx.shortest_path_length(graph, source, target)
        else:
            assert len(names) == nx.shortest_path_length(switched, source, target)


@pytest.mark.parametrize("kind", KINDS)
def test_hashing_is_seeded_and_uses_every_uplink(make, kind):
    fabric = make(kind)
    network = flow_network(fabric, "ecmp")
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, fabric.endpoints, (2, 30_000))
    first, again, other = (route_flows(network, a, b, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.links, again.links)
    assert not np.array_equal(first.links, other.links)
    table = network.wirings[0].table
    used = np.bincount(first.links, minlength=table.size)
    switches = table.kind > 1
    assert used[switches].min() > 0
    if "partly" not in kind and "small" not in kind and "rails" not in kind:
        for number in np.unique(table.kind[switches]):
            of_kind = used[table.kind == number]
            assert of_kind.max() < 2.5 * of_kind.mean()


@pytest.mark.parametrize("shift", [1, 5, 16, 37, 64])
def test_shifts_do_not_collide_on_static_routes(make, shift):
    # destination-based routes of a full tree carry every shift without contention (Zahavi, 2010)
    fabric = make("fat tree, three tiers")
    network = flow_network(fabric, "static")
    a = np.arange(128)
    rates = flow_rates(network, route_flows(network, a, (a + shift) % 128))
    outside = a // 4 != (a + shift) % 128 // 4
    assert rates[outside] == pytest.approx(0.95 * 50e9)


def test_hashed_shifts_collide_and_spread_ones_do_not(make):
    fabric = make("fat tree, three tiers")
    a, b = np.arange(128), (np.arange(128) + 64) % 128
    hashed, spread = (flow_network(fabric, policy) for policy in ("ecmp", "spread"))
    rates = flow_rates(hashed, route_flows(hashed, a, b, seed=3))
    assert rates.min() < 0.5 * 50e9
    assert flow_rates(spread, route_flows(spread, a, b)) == pytest.approx(0.95 * 50e9)


def test_oversubscribed_uplinks_share_what_they_have(make_spec, make_site):
    fabric = build_fabric(make_spec(radix=64, oversubscription={"spine": 7}), [make_site(64 * 56)])
    network = flow_network(fabric, "spread")
    pod = fabric.sites[0].endpoints_per_pod
    a = np.arange(2 * pod)
    rates = flow_rates(network, route_flows(network, a, (a + pod) % (2 * pod)))
    assert rates == pytest.approx(0.95 * 50e9 / 7)


@pytest.mark.parametrize("policy", ["ecmp", "static", "spread"])
def test_other_planes_are_reached_inside_the_server(make, policy):
    fabric = make("planes of rails")
    network = flow_network(fabric, policy)
    routes = route_flows(network, [0], [65])
    names = walk(network, routes, 0, 0, 65)
    assert names[:2] == ["domain0", "gpu1"]
    assert all("plane1/" in name or name == "gpu65" for name in names[2:])


def test_rail_local_flows_leave_through_the_other_rail(make):
    fabric = make("rails")
    hashed, local = (flow_network(fabric, policy) for policy in ("ecmp", "rail_local"))
    # server 0, rail 0 to server 1, rail 1: of one group
    across = walk(hashed, route_flows(hashed, [0], [5]), 0, 0, 5)
    near = walk(local, route_flows(local, [0], [5]), 0, 0, 5)
    assert across == ["leaf0", "spine" + across[1][5:], "leaf1", "gpu5"]
    assert near == ["domain0", "gpu1", "leaf1", "gpu5"]


def test_a_card_with_two_ports_sends_over_both_planes(make):
    fabric = make("planes of ports")
    network = flow_network(fabric, "ecmp")
    routes = route_flows(network, [0], [20])
    assert len(routes) == 2
    assert flow_rates(network, routes) == pytest.approx([0.95 * 50e9])
    # with one port dead the other goes on, with none nothing does
    broken = flow_network(fabric, "spread", parse_damage(fabric, ["gpu0:plane0/leaf0"]))
    routes = route_flows(broken, [0, 1], [20, 21])
    assert routes.flow.tolist() == [0, 1, 1]
    assert flow_rates(broken, routes) == pytest.approx([0.95 * 25e9, 0.95 * 50e9])
    dead = flow_network(fabric, "spread", parse_damage(fabric, ["gpu0:plane0/leaf0", "gpu0:plane1/leaf0"]))
    with pytest.raises(InputError, match="no path is left from accelerator 0 to 20, nor for 0 other flows"):
        route_flows(dead, [0], [20])


@pytest.mark.parametrize("policy", ["ecmp", "static"])
@pytest.mark.parametrize("part", ["spine0", "core3", "leaf0:spine1", "spine2:core8"])
def test_flows_go_round_what_failed(make, policy, part):
    fabric = make("fat tree, three tiers")
    network = flow_network(fabric, policy, parse_damage(fabric, [part]))
    a = np.arange(128)
    routes = route_flows(network, a, (a + 64) % 128)
    assert network.alive[routes.links].all()
    assert flow_rates(network, routes).min() > 0


def test_a_lost_leaf_parts_its_hosts(make):
    fabric = make("fat tree, three tiers")
    network = flow_network(fabric, "ecmp", parse_damage(fabric, ["leaf0"]))
    with pytest.raises(InputError, match="no path is left from accelerator 0 to 40"):
        route_flows(network, [0, 8], [40, 40])
    assert len(route_flows(network, [0, 8], [3, 40])) == 2  # the neighbour is reached inside the domain


def test_trunks_lose_what_their_links_lose(make):
    fabric = make("fat tree, three tiers")
    a, b = np.arange(4), np.arange(4) + 64
    whole, less = (
        flow_network(fabric, "spread", parse_damage(fabric, parts)) for parts in ([], ["leaf0:spine0", "leaf0:spine1"])
    )
    assert flow_rates(whole, route_flows(whole, a, b)) == pytest.approx(0.95 * 50e9)
    assert flow_rates(less, route_flows(less, a, b)) == pytest.approx(0.95 * 25e9)
    degraded = flow_network(fabric, "spread", parse_damage(fabric, ["leaf0"], left=0.25))
    assert flow_rates(degraded, route_flows(degraded, a, b)) == pytest.approx(0.95 * 12.5e9)


def test_incast_shares_the_last_link(make):
    fabric = make("fat tree, three tiers")
    for policy in ("ecmp", "spread"):
        network = flow_network(fabric, policy)
        senders = np.arange(8, 23)
        ends = completion_times(network, route_flows(network, senders, np.zeros(15, dtype=int)), 1e9)
        assert ends == pytest.approx(15 * 1e9 / (0.95 * 50e9))


@settings(max_examples=25, deadline=None)
@given(kind=st.sampled_from(list(KINDS)), policy=st.sampled_from(["ecmp", "static", "spread"]), seed=st.integers(0, 99))
def test_rates_are_max_min_on_every_kind(make, assert_max_min, kind, policy, seed):
    fabric = make(kind)
    network = flow_network(fabric, policy)
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, fabric.endpoints, (2, 60))
    b = np.where(a == b, (b + 1) % fabric.endpoints, b)
    routes = route_flows(network, a, b, seed=seed)
    assert_max_min(network, routes)


def test_sites_are_joined_by_fibre(make_spec, make_site):
    links = [
        {"a": "east", "b": "mid", "fibre_pairs": 1, "channels": 1},
        {"a": "mid", "b": "west", "fibre_pairs": 2, "channels": 1, "protection": {"fibre_pairs": 1}},
    ]
    wan = {"route_factor": 1.3, "delay_per_km": "4.9 us", "transceiver": "400ZR", "links": links}
    sites = [make_site(64, "east", 41, -95), make_site(64, "mid", 41, -96), make_site(64, "west", 41, -97)]
    fabric = build_fabric(make_spec(radix=8, wan=wan), sites)
    network = flow_network(fabric, "spread")
    a, b = np.arange(64), np.arange(64) + 128
    assert flow_rates(network, route_flows(network, a, b)).sum() == pytest.approx(0.95 * 50e9)
    routes = route_flows(network, [0], [128])
    assert [network.name_of(int(link)) for link in routes.links[3:5]] == ["east > mid", "mid > west"]
    assert network.kind_of(int(routes.links[3])) == "fibre"
    protected = flow_network(fabric, "spread", parse_damage(fabric, ["fibre west-mid"]))
    near = np.arange(64) + 64
    assert flow_rates(network, route_flows(network, near, b)).sum() == pytest.approx(0.95 * 100e9)
    assert flow_rates(protected, route_flows(protected, near, b)).sum() == pytest.approx(0.95 * 50e9)
    cut = flow_network(fabric, "spread", parse_damage(fabric, ["fibre east-mid"]))
    with pytest.raises(InputError, match="no path is left"):
        route_flows(cut, [0], [128])


def test_wrong_names_are_refused(make):
    fabric = make("fat tree, three tiers")
    with pytest.raises(InputError, match="no 'spin3' at site here; expected leaf0 to leaf31, .*did you mean 'spine0'"):
        flow_network(fabric, "ecmp", parse_damage(fabric, ["spin3"]))
    with pytest.raises(InputError, match="no fibre"):
        parse_damage(fabric, ["fibre here-there"])
    with pytest.raises(CapacityError, match="0 to 127"):
        route_flows(flow_network(fabric, "ecmp"), [0], [128])
    with pytest.raises(InputError, match="expected two nodes that a link joins"):
        flow_network(fabric, "ecmp", parse_damage(fabric, ["leaf0:core1"]))


@settings(max_examples=40, deadline=None)
@given(
    endpoints=st.integers(20, 400),
    leaf=st.sampled_from([1, 3]),
    spine=st.sampled_from([1, 2, 3]),
    tiers=st.sampled_from([2, 3]),
    policy=st.sampled_from(["ecmp", "static"]),
    lost=st.integers(0, 10_000),
    also=st.integers(0, 10_000),
)
def test_a_flow_is_lost_only_where_no_shortest_path_is_left(
    make_spec, make_site, endpoints, leaf, spine, tiers, policy, lost, also
):
    over = {"leaf": leaf} | ({"spine": spine} if tiers == 3 else {})
    spec = make_spec(radix=8 if tiers == 3 else 16, tiers=tiers, oversubscription=over)
    shape = tree_shape(spec)
    fabric = build_fabric(spec, [make_site(min(endpoints, shape.leaf_down * shape.leaves), domain=1)])
    tree = fabric.sites[0]
    above = [f"spine{n}" for n in range(tree.count("spine"))] + [f"core{n}" for n in range(tree.count("core"))]
    names = list({above[lost % len(above)], above[also % len(above)]})
    network = flow_network(fabric, policy, parse_damage(fabric, names))
    wiring, alive = network.wirings[0], network.alive
    rng = np.random.default_rng(lost)
    a, b = rng.integers(0, fabric.endpoints, (2, 60))
    a, b = a[a != b], b[a != b]
    found = wiring.routes(a, b, rng.integers(0, 2**50, a.size), alive)
    living = nx.DiGraph(
        (t, h)
        for t, h, up in zip(wiring.table.tail.tolist(), wiring.table.head.tolist(), alive.tolist(), strict=True)
        if up
    )
    width = wiring.table.nodes - tree.switches
    leaf_of = wiring.table.head[wiring.table.kind == 1][: fabric.endpoints]
    for source, target, links in zip(a.tolist(), b.tolist(), found.tolist(), strict=True):
        pods = [(int(leaf_of[end]) - width) // shape.leaves_of_pod for end in (source, target)]
        short = 2 if leaf_of[source] == leaf_of[target] else 4 if pods[0] == pods[1] else 6
        there = nx.has_path(living, source, target) and nx.shortest_path_length(living, source, target) == short
        assert (links[0] >= 0) == there
