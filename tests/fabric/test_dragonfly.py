"""Dragonfly and dragonfly+: published counts, wiring, paths, cuts, bad input."""

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from clustersim import catalog
from clustersim.errors import CapacityError, InputError
from clustersim.fabric import (
    accelerator_resources,
    bill_of_materials,
    build_fabric,
    fabric_spec,
    flow_network,
    flow_rates,
    parse_damage,
    route_flows,
    to_networkx,
)
from clustersim.fabric.dragonfly import build_dragonfly, global_peers

PUBLISHED = {"hosts_per_leaf": 16, "leaves_per_group": 32, "global_ports": 16, "groups": 511}
SMALL = {"hosts_per_leaf": 2, "leaves_per_group": 4, "global_ports": 2, "radix": 16}
PLUS = {"kind": "dragonfly_plus", "hosts_per_leaf": 2, "leaves_per_group": 4, "spines_per_group": 4, "global_ports": 2}
KINDS = {
    "full, one link per pair": (SMALL, 9 * 8),
    "laid out wider than it stands": (SMALL | {"groups": 9}, 5 * 8),
    "two groups": (SMALL, 16),
    "one group": (SMALL, 8),
    "one group, partly filled": (SMALL, 5),
    "odd ports left over": (SMALL | {"hosts_per_leaf": 1, "leaves_per_group": 3, "global_ports": 3}, 3 * 7),
    "last group partly filled": (SMALL, 27),
    "one router": (SMALL | {"leaves_per_group": 1}, 2 * 3),
    "plus, full": (PLUS | {"radix": 16}, 9 * 8),
    "plus, few groups": (PLUS | {"radix": 16}, 30),
    "plus, one group": (PLUS | {"radix": 16}, 7),
}


@pytest.fixture(scope="session")
def make_dragonfly():
    def make(**changes):
        keys = {
            "kind": "dragonfly",
            "switch": "QM9700",
            "port_rate": "400 Gbit/s",
            "radix": 64,
            "goodput": "95 %",
            "optics": {"host": "400G SR4", "leaf_spine": "800G 2xDR4", "group": "800G 2xDR4"},
            "hop_latency": "0.7 us",
        }
        return fabric_spec({**keys, **changes})

    return make


@pytest.fixture(scope="module")
def make(make_dragonfly, make_site):
    def place(kind):
        changes, endpoints = KINDS[kind]
        return build_fabric(make_dragonfly(**changes), [make_site(endpoints, domain=2)])

    return place


def test_published_counts(make_dragonfly, make_site):
    # arXiv 2505.09343, table of topologies, of 64-port switches: 16 hosts + 31 routers + 16 groups use 63 ports
    table = catalog.entry("networks", "fabric_deepseek_mpft")
    tree = build_dragonfly(make_dragonfly(**PUBLISHED), make_site(261_632))
    assert tree.groups == 511
    assert tree.switches == table.si("dragonfly.switches") == 16_352
    assert tree.site.endpoints == table.si("dragonfly.endpoints")
    assert tree.switch_links == table.si("dragonfly.links") == 384_272
    assert (tree.link_count("router-router"), tree.link_count("group-group")) == (253_456, 130_816)
    assert tree.host_links == 261_632


def test_published_slim_fly_row_is_a_formula_only():
    # 28 is not a prime power, so that no Slim Fly of q = 28 can be built; Besta and Hoefler, SC 2014: 2 q^2 routers of
    # (3 q - delta) / 2 ports to routers, q = 4 w + delta
    table, q, delta = catalog.entry("networks", "fabric_deepseek_mpft"), 28, 0
    ports = (3 * q - delta) // 2
    assert table.si("slimfly.switches") == 2 * q**2
    assert table.si("slimfly.links") == 2 * q**2 * ports / 2
    assert table.si("slimfly.endpoints") == 2 * q**2 * math.ceil(ports / 2)
    assert all(28 % prime == 0 for prime in (2, 7))


def test_closed_form_of_a_full_dragonfly(make_dragonfly, make_site):
    # Kim et al., ISCA 2008: a p (a h + 1) hosts; one link between every two groups
    for p, a, h in ((1, 2, 1), (2, 4, 2), (3, 6, 3)):
        spec = make_dragonfly(hosts_per_leaf=p, leaves_per_group=a, global_ports=h)
        most = a * p * (a * h + 1)
        tree = build_dragonfly(spec, make_site(most))
        assert tree.groups == a * h + 1
        assert tree.link_count("group-group") == math.comb(tree.groups, 2)
        assert tree.link_count("router-router") == tree.groups * math.comb(a, 2)
        with pytest.raises(CapacityError, match=f"holds at most {most:,} accelerators"):
            build_dragonfly(spec, make_site(most + 1))


def test_closed_form_of_a_full_dragonfly_plus(make_dragonfly, make_site):
    # Shpiner et al., HiPINEB 2017: radix k, half of it down at leaf and spine: (k/2)^2 hosts, (k/2)^2 + 1 groups
    half = 4
    shape = {"hosts_per_leaf": half, "leaves_per_group": half, "spines_per_group": half, "global_ports": half}
    spec = make_dragonfly(kind="dragonfly_plus", radix=2 * half, **shape)
    most = half**2 * (half**2 + 1)
    tree = build_dragonfly(spec, make_site(most))
    assert (tree.groups, tree.switches) == (half**2 + 1, 2 * half * (half**2 + 1))
    assert tree.link_count("leaf-spine") == half**2 * tree.groups
    assert tree.link_count("group-group") == math.comb(tree.groups, 2)
    with pytest.raises(CapacityError, match="dragonfly_plus of 17 groups"):
        build_dragonfly(spec, make_site(most + 1))


def twin_links(groups, ports):
    """Links between every two groups, written down plainly."""
    links = np.zeros((groups, groups), dtype=int)
    if groups == 1:
        return links
    links += ports // (groups - 1)
    np.fill_diagonal(links, 0)
    extra = ports % (groups - 1)
    for group in range(groups):
        for step in range(extra // 2):
            near = (group + step + 1 + extra % 2) % groups
            links[group, near] += 1
            links[near, group] += 1
    if extra % 2:
        for group in range(0, groups - 1, 2):
            links[group, group + 1] += 1
            links[group + 1, group] += 1
    return links


@settings(max_examples=60, deadline=None)
@given(ports=st.integers(1, 60), data=st.data())
def test_every_two_groups_are_joined_evenly(ports, data):
    groups = data.draw(st.integers(2, ports + 1))
    peers = global_peers(groups, ports, groups)
    used = np.flatnonzero(peers >= 0)
    assert np.array_equal(peers[peers[used]], used)  # both ends agree
    count = np.zeros((groups, groups), dtype=int)
    np.add.at(count, (used // ports, peers[used] // ports), 1)
    assert np.array_equal(count, twin_links(groups, ports))
    off = count[~np.eye(groups, dtype=bool)]
    assert off.min() >= 1
    assert off.max() - off.min() <= 1
    assert np.trace(count) == 0
    assert peers.size - used.size == (groups * ports) % 2 * 1
    built = data.draw(st.integers(1, groups))
    part = global_peers(groups, ports, built)
    expected = np.where(peers[: built * ports] < built * ports, peers[: built * ports], -1)
    assert np.array_equal(part, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_no_switch_has_more_links_than_ports(make, kind):
    fabric = make(kind)
    tree, graph = fabric.sites[0], to_networkx(fabric)
    assert nx.is_connected(graph)
    for node, tier in graph.nodes(data="tier"):
        if tier != "hosts":
            assert sum(d["count"] for _, _, d in graph.edges(node, data=True)) <= fabric.spec.radix
    assert sum(d["count"] for _, _, d in graph.edges(data=True)) == tree.host_links + tree.switch_links
    assert len([1 for _, tier in graph.nodes(data="tier") if tier != "hosts"]) == tree.switches


def walk(network, routes, part):
    table = network.wirings[0].table
    links = routes.links[routes.first[part] : routes.first[part + 1]]
    assert np.array_equal(table.head[links[:-1]], table.tail[links[1:]])
    return links, int(table.tail[links[0]]), int(table.head[links[-1]])


@pytest.mark.parametrize("policy", ["ecmp", "static"])
@pytest.mark.parametrize("kind", KINDS)
def test_paths_join_their_ends_and_are_minimal(make, kind, policy):
    fabric = make(kind)
    tree, network = fabric.sites[0], flow_network(fabric, policy)
    table = network.wirings[0].table
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, fabric.endpoints, (2, 400))
    a, b = a[a != b], b[a != b]
    routes = route_flows(network, a, b)
    again = route_flows(network, a, b)
    assert np.array_equal(routes.links, again.links)
    for part in range(len(routes)):
        links, start, end = walk(network, routes, part)
        assert (start, end) == (a[part], b[part])
        kinds = [table.kinds[kind] for kind in table.kind[links]]
        group = start // tree.endpoints_per_pod, end // tree.endpoints_per_pod
        leaf = start // tree.leaf_width, end // tree.leaf_width
        if start // 2 == end // 2:
            assert kinds == ["scale-up"] * 2
        elif leaf[0] == leaf[1]:
            assert len(kinds) == 2
        elif group[0] == group[1]:
            assert len(kinds) == (4 if tree.plus else 3)
        else:
            assert kinds.count("group-group") == 1
            assert len(kinds) == 5 if tree.plus else 3 <= len(kinds) <= 5


def test_minimal_paths_are_the_shortest_of_a_full_dragonfly(make):
    fabric = make("full, one link per pair")
    network = flow_network(fabric, "ecmp")
    table = network.wirings[0].table
    graph = nx.DiGraph(zip(table.tail[table.kind > 0].tolist(), table.head[table.kind > 0].tolist(), strict=True))
    a, b = np.random.default_rng(3).integers(0, 72, (2, 200))
    a, b = a[a // 2 != b // 2], b[a // 2 != b // 2]
    lengths = np.diff(route_flows(network, a, b).first)
    shortest = [nx.shortest_path_length(graph, int(x), int(y)) for x, y in zip(a, b, strict=True)]
    # the one link between the groups is taken, also where two links between groups would be as short or shorter
    assert np.all(lengths >= shortest)
    assert np.mean(lengths == shortest) > 0.9


def test_hashing_uses_every_link(make_dragonfly, make_site):
    for changes in (SMALL, PLUS | {"radix": 16}):
        fabric = build_fabric(make_dragonfly(**changes), [make_site(4 * 8, domain=2)])
        network = flow_network(fabric, "ecmp")
        a, b = np.random.default_rng(2).integers(0, 32, (2, 30_000))
        routes = [route_flows(network, a, b, seed=seed) for seed in (1, 1, 2)]
        assert np.array_equal(routes[0].links, routes[1].links)
        assert not np.array_equal(routes[0].links, routes[2].links)
        table = network.wirings[0].table
        used = np.bincount(routes[0].links, minlength=table.size)
        assert used[table.kind > 0].min() > 0
        between = used[table.kind == 3]
        assert between.max() < 2.5 * between.mean()


@pytest.mark.parametrize("policy", ["ecmp", "static", "valiant"])
@pytest.mark.parametrize("kind", ["full, one link per pair", "plus, full"])
def test_flows_go_round_what_failed(make, kind, policy):
    fabric = make(kind)
    plus = fabric.sites[0].plus
    for part in ["group0:group5", "leaf0:spine1" if plus else "router0:router1", "spine3" if plus else "router3"]:
        network = flow_network(fabric, policy, parse_damage(fabric, [part]))
        a = np.array([rank for rank in range(72) if plus or rank // 2 != 3])
        b = np.roll(a, 41)
        routes = route_flows(network, a, b)
        assert network.alive[routes.links].all()
        assert flow_rates(network, routes).min() > 0
        for at in range(len(routes)):
            _, start, end = walk(network, routes, at)
            assert (start, end) == (a[at], b[at])


def test_a_cut_between_two_groups_is_gone_round_over_a_third(make):
    fabric = make("full, one link per pair")
    whole, cut = (flow_network(fabric, "ecmp", parse_damage(fabric, parts)) for parts in ([], ["group0:group5"]))
    table = whole.wirings[0].table
    for network, links in ((whole, 1), (cut, 2)):
        path = route_flows(network, [0], [40]).links
        assert np.count_nonzero(table.kind[path] == 3) == links
    degraded = flow_network(fabric, "ecmp", parse_damage(fabric, ["group0:group5"], left=0.25))
    assert flow_rates(degraded, route_flows(degraded, [0], [40])) == pytest.approx(0.95 * 12.5e9)


@pytest.mark.parametrize("kind", ["full, one link per pair", "plus, full", "odd ports left over", "plus, few groups"])
def test_valiant_goes_over_a_third_group(make, kind):
    fabric = make(kind)
    tree, network = fabric.sites[0], flow_network(fabric, "valiant")
    table = network.wirings[0].table
    a, b = np.random.default_rng(5).integers(0, fabric.endpoints, (2, 3_000))
    a, b = a[a // 2 != b // 2], b[a // 2 != b // 2]
    routes = route_flows(network, a, b)
    first = tree.site.endpoints + tree.scale_up_domains
    gates, before = fabric.spec.leaves_per_group, first
    if tree.plus:
        gates, before = fabric.spec.spines_per_group, first + tree.leaf_switches
    over = np.zeros(tree.groups, dtype=int)
    for part in range(len(routes)):
        links, start, end = walk(network, routes, part)
        assert (start, end) == (a[part], b[part])
        between = links[table.kind[links] == 3]
        pair = {start // tree.endpoints_per_pod, end // tree.endpoints_per_pod}
        assert between.size == (2 if len(pair) == 2 else 0)
        if between.size:
            middle = int(table.head[between[0]] - before) // gates
            assert middle not in pair
            over[middle] += 1
    assert over.max() < 1.5 * over.mean()


def test_valiant_serves_a_shift_of_groups_that_minimal_routes_do_not(make):
    fabric = make("full, one link per pair")
    a = np.arange(72)
    totals = {}
    for policy in ("ecmp", "valiant"):
        network = flow_network(fabric, policy)
        totals[policy] = flow_rates(network, route_flows(network, a, (a + 8) % 72)).sum()
    assert totals["ecmp"] == pytest.approx(9 * 0.95 * 50e9)
    assert totals["valiant"] > 2 * totals["ecmp"]


@pytest.mark.parametrize("kind", ["plus, full", "plus, few groups", "plus, one group"])
def test_spread_joins_ends_over_trunks(make, kind):
    fabric = make(kind)
    tree, network = fabric.sites[0], flow_network(fabric, "spread")
    table = network.wirings[0].table
    links = flow_network(fabric, "ecmp").wirings[0].table
    for number in range(4):  # trunks hold what their links do
        of_kind = [found.capacity[found.kind == number].sum() for found in (table, links)]
        assert of_kind[0] == pytest.approx(of_kind[1])
    a, b = np.random.default_rng(7).integers(0, fabric.endpoints, (2, 300))
    a, b = a[a != b], b[a != b]
    routes = route_flows(network, a, b)
    for part in range(len(routes)):
        found, start, end = walk(network, routes, part)
        assert (start, end) == (a[part], b[part])
        leaf, group = start // 2 != end // 2, start // tree.endpoints_per_pod != end // tree.endpoints_per_pod
        assert len(found) == 2 + 2 * leaf + group
        assert network.wirings[0].node_name(start) == f"gpu{start}"
    # adaptive routing is no slower than hashing
    for shift in (1, 8, 16):
        totals = []
        for policy in ("ecmp", "spread"):
            found = flow_network(fabric, policy)
            everyone = np.arange(fabric.endpoints)
            totals.append(flow_rates(found, route_flows(found, everyone, (everyone + shift) % fabric.endpoints)).sum())
        assert totals[1] >= totals[0] * (1 - 1e-9)


def test_trunks_lose_what_their_links_lose(make):
    fabric = make("plus, full")
    a, b = np.arange(8), np.arange(8) + 16
    whole, half, cut = (
        flow_network(fabric, "spread", parse_damage(fabric, parts, left))
        for parts, left in (([], 0.0), (["group0:group2"], 0.5), (["group0:group2"], 0.0))
    )
    assert flow_rates(whole, route_flows(whole, a, b)).sum() == pytest.approx(0.95 * 50e9)
    assert flow_rates(half, route_flows(half, a, b)).sum() == pytest.approx(0.95 * 25e9)
    routes = route_flows(cut, a, b)
    for part in range(len(routes)):
        found, start, end = walk(cut, routes, part)
        assert (start, end, len(found)) == (a[part], b[part], 8)
    assert cut.alive[routes.links].all()
    spine = flow_network(fabric, "spread", parse_damage(fabric, ["spine0"]))
    assert spine.capacity.sum() < whole.capacity.sum()
    lost = flow_network(fabric, "spread", parse_damage(fabric, ["leaf0"]))
    with pytest.raises(InputError, match="no path is left"):
        route_flows(lost, [0], [40])
    with pytest.raises(InputError, match="dragonfly_plus knows the policies ecmp, static, valiant, spread, not rail"):
        flow_network(fabric, "rail_local")


def test_a_lost_router_parts_its_hosts(make):
    fabric = make("full, one link per pair")
    network = flow_network(fabric, "ecmp", parse_damage(fabric, ["router0"]))
    with pytest.raises(InputError, match="no path is left from accelerator 0 to 40"):
        route_flows(network, [0, 8], [40, 40])


def test_one_pair_of_groups_shares_the_link_between_them(make):
    fabric = make("full, one link per pair")
    network = flow_network(fabric, "ecmp")
    rates = flow_rates(network, route_flows(network, np.arange(8), np.arange(8) + 8))
    assert rates.sum() == pytest.approx(0.95 * 50e9)


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(list(KINDS)), policy=st.sampled_from(["ecmp", "static", "valiant"]), seed=st.integers(0, 99)
)
def test_rates_are_max_min(make, assert_max_min, kind, policy, seed):
    fabric = make(kind)
    network = flow_network(fabric, policy)
    a, b = np.random.default_rng(seed).integers(0, fabric.endpoints, (2, 60))
    b = np.where(a == b, (b + 1) % fabric.endpoints, b)
    routes = route_flows(network, a, b, seed=seed)
    assert_max_min(network, routes)


def half_to_half(fabric):
    """Largest flow from the first half of the hosts to the second."""
    graph = to_networkx(fabric)
    hosts = [node for node, tier in graph.nodes(data="tier") if tier == "hosts"]
    directed = graph.to_directed()
    for index, node in enumerate(hosts):
        ends = ("source", node) if index < len(hosts) // 2 else (node, "sink")
        directed.add_edge(*ends, capacity=float("inf"))
    return nx.maximum_flow_value(directed, "source", "sink")


@pytest.mark.parametrize(
    ("changes", "endpoints"),
    [
        (SMALL, 2 * 8),
        (SMALL, 4 * 8),
        (SMALL, 8 * 8),
        (SMALL, 8),
        (SMALL | {"groups": 9}, 4 * 8),
        (SMALL | {"hosts_per_leaf": 6}, 6 * 24),
        (SMALL | {"hosts_per_leaf": 1, "leaves_per_group": 3, "global_ports": 3}, 3 * 8),
        (SMALL | {"hosts_per_leaf": 1, "leaves_per_group": 3, "global_ports": 3}, 3 * 10),
        (PLUS | {"radix": 16}, 2 * 8),
        (PLUS | {"radix": 16}, 8 * 8),
        (PLUS | {"radix": 16, "spines_per_group": 2, "hosts_per_leaf": 4}, 4 * 16),
        (PLUS | {"radix": 16, "hosts_per_leaf": 4}, 16),
    ],
)
def test_bisection_is_the_largest_flow_between_halves(make_dragonfly, make_site, changes, endpoints):
    fabric = build_fabric(make_dragonfly(**changes), [make_site(endpoints, domain=1)])
    assert fabric.sites[0].bisection == pytest.approx(half_to_half(fabric), rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_no_flow_between_halves_is_above_the_bisection(make_dragonfly, make_site, kind):
    changes, endpoints = KINDS[kind]
    width = changes["hosts_per_leaf"]
    fabric = build_fabric(make_dragonfly(**changes), [make_site(max(endpoints // (2 * width), 1) * 2 * width)])
    assert half_to_half(fabric) <= fabric.sites[0].bisection * (1 + 1e-9)


def test_shares_latency_and_bill(make_dragonfly, make_site):
    fabric = build_fabric(make_dragonfly(**PUBLISHED), [make_site(261_632)])
    tree = fabric.sites[0]
    assert tree.uplink_shares == pytest.approx((31 / 16 * 50e9, 50e9))  # a = 2 p = 2 h: balanced
    assert accelerator_resources(fabric)["spine"] == pytest.approx(0.95 * 50e9)
    for block, switches in (("leaf", 1), ("pod", 2), ("site", 4)):
        assert len(tree.hops(block)) == switches
        assert tree.hop_latency(tree.hops(block)) == pytest.approx(switches * 0.7e-6)
    counts = {item.item: item.count for item in bill_of_materials(fabric)}
    assert counts["router switch"] == 16_352
    assert counts["optics group-group, group end"] == 130_816 / 2  # twin-port modules; both ends have the same name
    assert counts["cable router-router"] == 253_456
    plus = build_fabric(make_dragonfly(**PLUS), [make_site(72)]).sites[0]
    assert plus.uplink_shares == pytest.approx((2 * 50e9, 50e9))
    assert plus.hops("site") == ("leaf", "spine", "spine", "leaf")


def test_sites_of_dragonflies_are_joined_by_fibre(make_dragonfly, make_site):
    wan = {
        "route_factor": 1.3,
        "delay_per_km": "4.9 us",
        "transceiver": "400ZR",
        "links": [{"a": "east", "b": "west", "fibre_pairs": 1, "channels": 1}],
    }
    sites = [make_site(32, "east", 41, -95, domain=2), make_site(32, "west", 41, -97, domain=2)]
    for changes in (SMALL, PLUS | {"radix": 16}):
        fabric = build_fabric(make_dragonfly(wan=wan, **changes), sites)
        assert nx.is_connected(to_networkx(fabric))
        network = flow_network(fabric, "ecmp")
        routes = route_flows(network, np.arange(32), np.arange(32) + 32)
        assert flow_rates(network, routes).sum() == pytest.approx(0.95 * 50e9)
        kinds = [network.kind_of(int(link)) for link in routes.links[: routes.first[1]]]
        assert kinds.count("fibre") == 1
        assert "leaf-spine" in kinds if changes is not SMALL else len(kinds) == 3
        if changes is not SMALL:
            spread = flow_network(fabric, "spread")
            rates = flow_rates(spread, route_flows(spread, np.arange(32), np.arange(32) + 32))
            assert rates.sum() == pytest.approx(0.95 * 50e9)


def test_fast_cards_take_several_ports(make_dragonfly, make_site):
    two = build_dragonfly(make_dragonfly(**SMALL), make_site(20, nic=100e9))
    assert (two.ports, two.leaf_width, two.groups, two.host_links) == (2, 1, 5, 40)
    shared = build_dragonfly(make_dragonfly(**SMALL), make_site(20, nic=25e9))
    assert (shared.sharing, shared.leaf_width, shared.host_links) == (2, 4, 10)


def test_bad_input_is_named(make_dragonfly, make_spec, make_site):
    site = make_site(16)
    with pytest.raises(InputError, match=r"fabric.groups: 20 groups need 19 ports .* expected at most 9"):
        build_dragonfly(make_dragonfly(**SMALL, groups=20), site)
    with pytest.raises(CapacityError, match="dragonfly of 2 groups holds at most 16 accelerators"):
        build_dragonfly(make_dragonfly(**SMALL, groups=2), make_site(17))
    with pytest.raises(InputError, match="more than the 2 of fabric.hosts_per_leaf"):
        build_dragonfly(make_dragonfly(**SMALL), make_site(16, nic=200e9))
    with pytest.raises(InputError, match="expected accelerators"):
        build_dragonfly(make_dragonfly(**SMALL), make_site(0))
    with pytest.raises(InputError, match=r"fabric.radix: QM9700 has 25.6 Tbit/s, enough for 64 ports"):
        build_fabric(make_dragonfly(**SMALL | {"radix": 128}), [site])
    with pytest.raises(ValidationError, match="even number of ports, got 15"):
        make_dragonfly(**SMALL | {"radix": 15})
    with pytest.raises(ValidationError, match="needs 7 ports and has 6"):
        make_dragonfly(**SMALL | {"radix": 6})
    with pytest.raises(InputError, match="a tree knows the policies ecmp, static, spread, rail_local, not valiant"):
        flow_network(build_fabric(make_spec(), [site]), "valiant")
    fabric = build_fabric(make_dragonfly(**SMALL), [site])
    with pytest.raises(InputError, match="knows the policies ecmp, static, valiant, not spread"):
        flow_network(fabric, "spread")
    with pytest.raises(InputError, match="no 'ruter1' at site here; expected gpu0 to gpu15, .* did you mean 'router0'"):
        flow_network(fabric, "ecmp", parse_damage(fabric, ["ruter1"]))
    with pytest.raises(InputError, match="no 'group7'"):
        flow_network(fabric, "ecmp", parse_damage(fabric, ["group0:group7"]))
    with pytest.raises(InputError, match="two groups that a link joins"):
        flow_network(fabric, "ecmp", parse_damage(fabric, ["group0:group0"]))
