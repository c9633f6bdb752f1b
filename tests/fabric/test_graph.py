import networkx as nx
import numpy as np
import pytest

from clustersim.fabric import build_fabric, to_networkx

WAN = {
    "route_factor": 1.3,
    "delay_per_km": "4.9 us",
    "transceiver": "400ZR",
    "links": [{"a": "east", "b": "west", "fibre_pairs": 2, "pair_capacity": "25.6 Tbit/s"}],
}


def tiers_of(graph):
    names, counts = np.unique([tier for _, tier in graph.nodes(data="tier")], return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


@pytest.mark.parametrize(("tiers", "endpoints"), [(3, 16), (3, 13), (2, 8), (2, 5)])
def test_graph_holds_what_the_tree_counts(make_spec, make_site, tiers, endpoints):
    fabric = build_fabric(make_spec(tiers=tiers, radix=4), [make_site(endpoints)])
    graph, tree = to_networkx(fabric), fabric.sites[0]
    expected = {"hosts": tree.leaf_switches, "leaf": tree.leaf_switches, "spine": tree.spine_switches}
    if tree.core_switches:
        expected["core"] = tree.core_switches
    assert tiers_of(graph) == expected
    assert nx.is_connected(graph)
    assert sum(d["count"] for _, _, d in graph.edges(data=True)) == tree.host_links + tree.switch_links
    assert sum(d["count"] for _, d in graph.nodes(data=True) if d["tier"] == "hosts") == endpoints
    assert all(d["capacity"] == d["count"] * tree.host_rate for _, _, d in graph.edges(data=True))


@pytest.mark.parametrize("endpoints", [1, 30, 54, 72])
def test_no_switch_has_more_links_than_ports(make_spec, make_site, endpoints):
    fabric = build_fabric(make_spec(radix=6, oversubscription={"leaf": 2}), [make_site(endpoints)])
    graph = to_networkx(fabric)
    for node, tier in graph.nodes(data="tier"):
        if tier != "hosts":
            assert sum(d["count"] for _, _, d in graph.edges(node, data=True)) <= 6


def half_to_half(fabric):
    """Largest flow from the first half of the hosts to the second."""
    graph = to_networkx(fabric)
    hosts = [node for node, tier in graph.nodes(data="tier") if tier == "hosts"]
    directed = graph.to_directed()
    for index, node in enumerate(hosts):
        if index < len(hosts) // 2:
            directed.add_edge("source", node, capacity=float("inf"))
        else:
            directed.add_edge(node, "sink", capacity=float("inf"))
    return nx.maximum_flow_value(directed, "source", "sink")


@pytest.mark.parametrize(
    ("changes", "endpoints"),
    [
        ({"radix": 4}, 16),
        ({"radix": 8}, 64),
        ({"radix": 8}, 128),
        ({"radix": 6, "oversubscription": {"leaf": 2}}, 72),
        ({"radix": 8, "oversubscription": {"spine": 3}}, 192),
        ({"radix": 4, "tiers": 2}, 8),
    ],
)
def test_bisection_equals_the_largest_flow(make_spec, make_site, changes, endpoints):
    fabric = build_fabric(make_spec(**changes), [make_site(endpoints)])
    assert fabric.site("here").bisection == pytest.approx(half_to_half(fabric))


def test_full_tree_has_full_bisection(make_spec, make_site):
    fabric = build_fabric(make_spec(), [make_site(65_536)])
    assert fabric.site("here").bisection == 65_536 / 2 * 50e9


def test_a_single_leaf_is_limited_by_its_hosts(make_spec, make_site):
    fabric = build_fabric(make_spec(oversubscription={"leaf": 7}), [make_site(40)])
    assert fabric.site("here").bisection == 40 / 2 * 50e9


def test_shared_ports_count_once(make_spec, make_site):
    graph = to_networkx(build_fabric(make_spec(radix=4, tiers=2), [make_site(13, nic=12.5e9)]))
    assert [graph.edges[f"here/hosts{k}", f"here/leaf{k}"]["count"] for k in range(2)] == [2, 2]


def test_sites_are_joined_by_their_fibre(make_spec, make_site):
    sites = [make_site(16, "east", 41.0, -95.0), make_site(4, "west", 41.0, -96.0)]
    fabric = build_fabric(make_spec(radix=4, wan=WAN), sites)
    graph = to_networkx(fabric)
    assert nx.is_connected(graph)
    assert graph.edges["east/wan", "west/wan"] == {"count": 2, "capacity": pytest.approx(6.4e12)}
    assert graph.degree["east/wan"] == fabric.sites[0].core_switches + 1
    assert nx.shortest_path_length(graph, "east/hosts0", "west/hosts0") == 2 * 3 + 3


def first_to_second_half(fabric):
    """Largest flow from the first half of the accelerators to the second, on every link."""
    wiring, tree = fabric.sites[0].wiring("static"), fabric.sites[0]
    table, half = wiring.table, tree.site.endpoints // 2
    graph = nx.DiGraph()
    for tail, head, rate, kind in zip(
        table.tail.tolist(), table.head.tolist(), table.capacity.tolist(), table.kind.tolist(), strict=True
    ):
        if kind:
            before = graph.edges[tail, head]["capacity"] if graph.has_edge(tail, head) else 0.0
            graph.add_edge(tail, head, capacity=before + rate)
    for one in range(tree.site.endpoints):
        graph.add_edge(*(("source", one) if one < half else (one, "sink")))
    return nx.maximum_flow_value(graph, "source", "sink")


@pytest.mark.parametrize("endpoints", [32, 40, 48, 52, 64, 68, 72, 96, 100, 104, 128])
@pytest.mark.parametrize("over", [{}, {"spine": 3}, {"leaf": 3}, {"leaf": 3, "spine": 3}])
def test_bisection_of_partly_filled_trees_is_near_the_largest_flow(make_spec, make_site, endpoints, over):
    fabric = build_fabric(make_spec(radix=8, oversubscription=over), [make_site(endpoints, domain=1)])
    tree, found = fabric.sites[0], fabric.sites[0].bisection
    flow = first_to_second_half(fabric)
    # never less than what passes; exact where whole leaves are on each side and wiring is even
    assert found >= flow * (1 - 1e-9)
    if (endpoints // 2) % tree.leaf_width == 0 and tree.leaf_switches % tree.shape.leaves_of_pod == 0:
        assert found == pytest.approx(flow)
    assert found <= 1.35 * flow


def test_half_of_a_large_pod_does_not_cross_the_core(make_spec, make_site):
    # one leaf more than a pod, 7:1 above: halves meet inside the pod
    fabric = build_fabric(make_spec(radix=16, oversubscription={"spine": 7}), [make_site(15 * 8, domain=1)])
    assert fabric.sites[0].bisection == pytest.approx(first_to_second_half(fabric))
    assert fabric.sites[0].bisection > 2.0 * fabric.sites[0].link_count("spine-core") / 2 * 50e9


@pytest.mark.parametrize("endpoints", [1, 5, 37, 100, 127])
def test_every_kind_of_link_has_a_finite_cut(make_spec, make_site, endpoints):
    tree = build_fabric(make_spec(radix=8), [make_site(endpoints, domain=1)]).sites[0]
    cuts = tree.tier_bisection()
    assert all(0.0 < cut < float("inf") for cut in cuts.values())
    assert tree.bisection <= cuts["host-leaf"] * (1 + 1e-9)
